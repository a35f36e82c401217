//! `grep`: lines by content, with ripgrep's own libraries, on all cores.
//!
//! An answer is bounded three ways: lines in all, lines of one file, bytes. The matches kept are the first by
//! path, so that the same question gives the same answer whichever thread was faster.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use globset::GlobMatcher;
use grep_matcher::Matcher;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::sinks::Bytes;
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder};
use ignore::{WalkBuilder, WalkState};
use parking_lot::Mutex;
use serde_json::Value;

use super::glob::{folder, inside, pattern, skipped};
use super::{Effect, Spec, Tool, text};
use crate::files::shown;
use crate::kit::Kit;
use crate::prompt;

/// The most lines in an answer, the most of one file among several, and the most bytes of a line and in all.
const LINES: usize = 200;
const LINES_PER_FILE: usize = 50;
const LINE: usize = 500;
const ANSWER: usize = 30_000;

pub struct Grep;

#[async_trait]
impl Tool for Grep {
    fn spec(&self) -> Spec {
        prompt::grep()
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let (root, walk) = folder(args["path"].as_str(), kit)?;
        let include = args["include"].as_str();
        let include = include.map(|include| pattern(include, &root)).transpose()?;
        let (matcher, note) = compile(text(&args, "pattern"))?;
        let cwd = kit.files.cwd();
        let search = move || note + &search(&walk, &root, &matcher, include.as_ref()).answer(&cwd);
        tokio::task::spawn_blocking(search)
            .await
            .map_err(|error| format!("the search broke off: {error}"))
    }
}

/// What is no regular expression is meant literally: `foo(` is a question, not a mistake.
fn compile(pattern: &str) -> Result<(RegexMatcher, String), String> {
    let mut builder = RegexMatcherBuilder::new();
    builder.line_terminator(Some(b'\n'));
    if let Ok(matcher) = builder.build(pattern) {
        return Ok((matcher, String::new()));
    }
    let literal = builder.fixed_strings(true).build(pattern);
    let note =
        "[the pattern is not a valid regular expression, so it was searched as plain text]\n";
    literal
        .map(|matcher| (matcher, note.to_string()))
        .map_err(|error| format!("the pattern can't be searched: {error}"))
}

fn search(
    walk: &WalkBuilder,
    root: &Path,
    matcher: &RegexMatcher,
    include: Option<&GlobMatcher>,
) -> Found {
    let per_file = match root.is_file() {
        true => LINES,
        false => LINES_PER_FILE,
    };
    let found = &Mutex::new(Found::default());
    walk.build_parallel().run(|| {
        // A file that is one enormous line is searched too, as long as the line fits in this memory.
        let mut searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(128 << 20))
            .build();
        Box::new(move |entry| {
            let Ok(entry) = entry else {
                found.lock().unreadable += 1;
                return WalkState::Continue;
            };
            let inside = inside(entry.path(), root);
            let wanted = include.is_none_or(|include| include.is_match(inside));
            if wanted && entry.file_type().is_some_and(|kind| kind.is_file()) {
                let hits = search_file(&mut searcher, matcher, entry.path(), per_file);
                found.lock().add(entry.into_path(), hits);
            }
            WalkState::Continue
        })
    });
    std::mem::take(&mut *found.lock())
}

/// `None` if the file can't be read.
fn search_file(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    path: &Path,
    most: usize,
) -> Option<Hits> {
    let mut hits = Hits::default();
    let sink = Bytes(|number, line| {
        hits.total += 1;
        if hits.lines.len() < most {
            hits.lines.push((number, around_match(matcher, line)));
        }
        Ok(true)
    });
    searcher
        .search_path(matcher, path, sink)
        .ok()
        .map(|()| hits)
}

/// The line as text, cut around the match if it is long.
fn around_match(matcher: &RegexMatcher, line: &[u8]) -> String {
    let found = matcher.find(line).ok().flatten();
    let at = found.map_or(0, |found| found.start());
    let last = line.len().saturating_sub(LINE);
    let start = at.saturating_sub(LINE / 2).min(last);
    let end = line.len().min(start + LINE);
    let text = String::from_utf8_lossy(&line[start..end]);
    let before = if start > 0 { "..." } else { "" };
    let after = if end < line.len() { "..." } else { "" };
    format!("{before}{}{after}", text.trim_end())
}

/// The matching lines of one file.
#[derive(Default)]
struct Hits {
    lines: Vec<(u64, String)>,
    total: usize,
}

#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, Hits>,
    kept: usize,
    lines: usize,
    matching_files: usize,
    unreadable: usize,
}

impl Found {
    fn add(&mut self, path: PathBuf, hits: Option<Hits>) {
        let Some(hits) = hits else {
            self.unreadable += 1;
            return;
        };
        if hits.total == 0 {
            return;
        }
        self.matching_files += 1;
        self.lines += hits.total;
        self.kept += hits.lines.len();
        self.files.insert(path, hits);
        // Only what an answer can hold is kept: the first by path.
        while let Some(last) = self
            .files
            .last_entry()
            .filter(|last| self.kept - last.get().lines.len() >= LINES)
        {
            self.kept -= last.remove().lines.len();
        }
    }

    fn answer(&self, cwd: &Path) -> String {
        let (mut out, mut printed) = (String::new(), 0);
        for (path, hits) in &self.files {
            let name = shown(inside(path, cwd));
            for (number, line) in &hits.lines {
                if printed == LINES || out.len() + name.len() + line.len() > ANSWER - 200 {
                    break;
                }
                out += &format!("{name}:{number}:{line}\n");
                printed += 1;
            }
        }
        let (lines, files) = (self.lines, self.matching_files);
        if lines == 0 {
            out += "No matches. Hidden, binary and .gitignored files are not searched.\n";
        } else if printed < lines {
            out += &format!(
                "[{printed} of {lines} matching lines in {files} files; narrow the pattern, path or include]\n"
            );
        }
        out + &skipped(self.unreadable)
    }
}
