//! `edit_file`: one passage of a file replaced by another.
//!
//! The old text must stand in the file exactly once, byte for byte but for line ends, or nothing is changed and
//! the answer shows the nearest lines. An edit is never applied to a place that was guessed.
//!
//! Left out: forgiveness for what models get wrong; a tool of the same name can take this one's place.

use std::path::PathBuf;

use async_trait::async_trait;
use serde_json::Value;

use super::{Effect, Spec, Tool, text};
use crate::diff::diff;
use crate::files::shown;
use crate::kit::Kit;
use crate::prompt;
use crate::wire::text as cut;

pub struct EditFile;

#[async_trait]
impl Tool for EditFile {
    fn spec(&self) -> Spec {
        prompt::edit_file()
    }

    /// What can't be applied is refused before anyone is asked about it.
    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        edited(args, kit).map(|_| Effect::Write)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let (path, before, after) = edited(&args, kit)?;
        let note = kit.files.write(&path, after.as_bytes(), &*kit.shell)?;
        Ok(format!(
            "Edited {}{note}.\n{}",
            shown(&path),
            diff(&before, &after, 4_000)
        ))
    }
}

/// The file, its text, and its text after the edit.
fn edited(args: &Value, kit: &Kit) -> Result<(PathBuf, String, String), String> {
    let path = kit.files.resolve(text(args, "file_path"))?;
    let name = shown(&path);
    if !path.exists() {
        return Err(format!(
            "{name} does not exist; find the file with glob, or make it with write_file"
        ));
    }
    let bytes = kit.files.before(&path, &*kit.shell)?;
    let before = String::from_utf8(bytes).map_err(|_| {
        format!("{name} is not UTF-8 text, so it is not edited; use a program in bash for it")
    })?;
    let (old, new) = (text(args, "old_string"), text(args, "new_string"));
    let after = replace(&before, old, new, args["replace_all"] == true)?;
    Ok((path, before, after))
}

/// The content with `old` replaced by `new`, or, for the model, why not and what to do instead.
fn replace(content: &str, old: &str, new: &str, all: bool) -> Result<String, String> {
    if old.trim().is_empty() {
        return Err("old_string is empty; copy it from the file, or use write_file".to_string());
    }
    if old == new {
        return Err("old_string and new_string are identical".to_string());
    }
    let mut lines = new.lines().map(str::trim);
    if let Some(line) = lines.find(|line| is_placeholder(line) && !old.contains(line)) {
        return Err(format!(
            "new_string holds the placeholder {line:?}; write out the whole text instead"
        ));
    }
    let (old, new) = with_line_ends_of(content, old, new);
    let places: Vec<usize> = content.match_indices(&old).map(|(at, _)| at).collect();
    match places[..] {
        [] => Err(not_found(content, &old, &new)),
        [at] if stands_already(content, at, &old, &new) => Err(format!(
            "new_string already stands there (line {}); nothing was changed",
            line_of(content, at)
        )),
        [_] => Ok(content.replacen(&old, &new, 1)),
        _ if all => Ok(content.replace(&old, &new)),
        _ => {
            let lines = places.iter().map(|at| line_of(content, *at).to_string());
            let lines: Vec<String> = lines.take(20).collect();
            let (count, lines) = (places.len(), lines.join(", "));
            Err(format!(
                "old_string stands in {count} places (lines {lines}). Add lines before or after it until it is unique, or set replace_all."
            ))
        }
    }
}

/// The texts with line ends as the file has them at that place; models write LF.
fn with_line_ends_of(content: &str, old: &str, new: &str) -> (String, String) {
    let (lf_old, lf_new) = (old.replace("\r\n", "\n"), new.replace("\r\n", "\n"));
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let crlf_old = crlf(&lf_old);
    let line_end = content
        .find(&lf_old)
        .and_then(|at| content[at..].find('\n').map(|end| at + end));
    let in_crlf_line = line_end.is_some_and(|end| content[..end].ends_with('\r'));
    match (content.contains(&lf_old), content.contains(&crlf_old)) {
        (true, true) if in_crlf_line => (lf_old, crlf(&lf_new)),
        (true, _) => (lf_old, lf_new),
        (false, true) => (crlf_old, crlf(&lf_new)),
        (false, false) => (old.to_string(), new.to_string()),
    }
}

/// A line that stands for text which the model did not write out.
fn is_placeholder(line: &str) -> bool {
    let line = line.to_lowercase();
    let words = [
        "existing",
        "rest of",
        "unchanged",
        "remaining",
        "same as",
        "previous",
        "omitted",
        "code here",
    ];
    (line.contains("...") || line.contains('…')) && words.iter().any(|word| line.contains(word))
}

/// Whether the insertion that `new` makes around `old` was made before.
fn stands_already(content: &str, at: usize, old: &str, new: &str) -> bool {
    new.match_indices(old).any(|(inner, _)| {
        at.checked_sub(inner)
            .and_then(|start| content.get(start..))
            .is_some_and(|rest| rest.starts_with(new))
    })
}

fn line_of(content: &str, at: usize) -> usize {
    content[..at].matches('\n').count() + 1
}

fn not_found(content: &str, old: &str, new: &str) -> String {
    if let Some(at) = content.find(new).filter(|_| !new.trim().is_empty()) {
        return format!(
            "old_string is not in the file, but new_string already stands at line {}",
            line_of(content, at)
        );
    }
    let nearest = nearest_lines(content, old);
    format!(
        "old_string is not in the file. It must match exactly, without line numbers. The nearest lines are:\n{nearest}"
    )
}

/// The lines that share most words with the longest line of `old`, numbered, with their neighbours.
fn nearest_lines(content: &str, old: &str) -> String {
    let longest = old
        .lines()
        .enumerate()
        .max_by_key(|(_, line)| line.trim().len());
    let (above, line) = longest.unwrap_or_default();
    let words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let shared = |line: &str| words.iter().filter(|word| line.contains(**word)).count();
    let lines = content.lines().map(shared).enumerate();
    let best = lines.max_by_key(|(at, shared)| (*shared, std::cmp::Reverse(*at)));
    let first = best.map_or(0, |(at, _)| at).saturating_sub(above + 1);
    let shown = content
        .lines()
        .enumerate()
        .skip(first)
        .take(old.lines().count().min(30) + 2);
    shown
        .map(|(at, line)| format!("{:>6}\t{}\n", at + 1, cut::head(line, 300)))
        .collect()
}
