//! `write_file`: a whole file, new or instead of an old one.
//!
//! The answer shows what changed, and says so when most of an old file is gone: a model that writes a file from memory
//! then sees what it forgot, while it still can put it back.

use async_trait::async_trait;
use corecoder::files::shown;
use corecoder::tools::schema;
use corecoder::{Effect, Kit, Spec, Tool};
use serde_json::{Value, json};

use crate::disk::{difference, read, target, text, write};
use crate::lines::is_blank;
use crate::placeholder::is_placeholder;

/// Takes the place of the engine's tool of this name.
pub struct WriteFile;

#[async_trait]
impl Tool for WriteFile {
    fn spec(&self) -> Spec {
        let properties = json!({
            "file_path": {"type": "string", "description": "Path, absolute or from the working directory"},
            "content": {"type": "string", "description": "The complete new content"},
        });
        Spec {
            name: "write_file".to_string(),
            description: "Write a whole file: a new one, or instead of an old one. Folders are made as needed. To \
change part of a file, use edit_file."
                .to_string(),
            parameters: schema(properties, &["file_path", "content"]),
        }
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        target(args, kit).map(|_| Effect::Write)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let content = text(&args, "content");
        let path = target(&args, kit)?;
        let old = read(&path, kit).ok();
        let note = write(&path, content, kit)?;
        // Who wrote all of a file knows all of it.
        if let Ok(metadata) = std::fs::metadata(&path) {
            kit.files.remember(&path, &metadata);
        }
        let (name, lines) = (shown(&path), content.lines().count());
        Ok(match old {
            None => format!("Wrote {name}: {lines} lines{note}."),
            Some(old) if old == content => format!("{name} had this content already{note}."),
            Some(old) => format!(
                "Wrote {name}: {lines} lines{note}.{}\n{}",
                warning(&old, content),
                difference(&old, content)
            ),
        })
    }
}

/// What may have been lost, if it is much.
fn warning(old: &str, new: &str) -> String {
    let mut warning = String::new();
    let filled = |text: &str| text.lines().filter(|line| !is_blank(line)).count();
    let (before, kept) = (filled(old), kept(old, new));
    if before >= 10 && kept * 2 < before {
        let gone = before - kept;
        warning += &format!(
            " Warning: {gone} of the {before} lines that it had are gone; if that was not meant, put them back."
        );
    }
    let mut lines = new.lines().map(str::trim);
    if let Some(line) = lines.find(|line| is_placeholder(line) && !old.contains(line)) {
        warning += &format!(
            " Warning: it holds the placeholder {line:?}, and what that stands for is not in it."
        );
    }
    warning
}

/// The lines of the old text, without blank ones, that the new one has too.
fn kept(old: &str, new: &str) -> usize {
    let mut counts = std::collections::HashMap::new();
    for line in new.lines() {
        *counts.entry(line.trim()).or_insert(0_usize) += 1;
    }
    let kept = old.lines().map(str::trim).filter(|line| {
        let count = counts.get_mut(line).filter(|count| **count > 0);
        !line.is_empty() && count.map(|count| *count -= 1).is_some()
    });
    kept.count()
}
