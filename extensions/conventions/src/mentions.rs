//! `@path` in the text of instructions: which files it may mean.
//!
//! As in Claude Code (code.claude.com/docs/en/memory) it counts at the beginning of a word, not in code. Many an `@` is a
//! person or a package, and a path in a sentence is followed by its punctuation, so a mention only offers paths to try.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

/// Linux's longest path, in bytes; what is longer is no path.
const LONGEST: usize = 4096;

/// An `@` with what follows it.
pub(crate) struct Mention {
    /// As it is written, without the `@` and the punctuation after it.
    pub text: String,
    /// The paths that it may mean, the likeliest first.
    pub paths: Vec<PathBuf>,
}

impl Mention {
    /// Whether it can hardly be anything but a document.
    pub fn is_document(&self) -> bool {
        self.text.ends_with(".md")
    }
}

/// The mentions in Markdown, in order, each once. `folder` is where relative ones start, `home` what `~/` stands for.
pub(crate) fn mentions(markdown: &str, folder: &Path, home: Option<&Path>) -> Vec<Mention> {
    if !markdown.contains('@') {
        return Vec::new();
    }
    let code = code(markdown);
    let (mut found, mut known, mut at) = (Vec::new(), HashSet::new(), 0);
    while let Some(next) = markdown[at..].find('@').map(|offset| at + offset) {
        at = next + 1;
        let before = markdown[..next].chars().next_back();
        let begins = before.is_none_or(|c| c.is_whitespace() || "([{\"'*_".contains(c));
        let block = code.partition_point(|range| range.end <= next);
        let is_code = code.get(block).is_some_and(|range| range.contains(&next));
        if begins && !is_code && !markdown[at..].starts_with('@') {
            let word = &markdown[at..at + length(&markdown[at..])];
            let is_new = known.insert(word);
            found.extend(is_new.then(|| mention(word, folder, home)).flatten());
            at += word.len();
        }
    }
    found
}

/// Where code spans and fenced code stand, in order.
fn code(markdown: &str) -> Vec<Range<usize>> {
    let is_code = |event: &Event| {
        matches!(
            event,
            Event::Code(_) | Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_)))
        )
    };
    let events = Parser::new(markdown).into_offset_iter();
    let ranges = events.filter_map(|(event, range)| is_code(&event).then_some(range));
    ranges.collect()
}

/// Up to the next white space that is not written `\ `.
fn length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !(is_escaped && c == ' ') {
            return at;
        }
        is_escaped = c == '\\';
    }
    text.len()
}

fn mention(word: &str, folder: &Path, home: Option<&Path>) -> Option<Mention> {
    let word = word.replace("\\ ", " ");
    let bare = word.trim_end_matches(|c: char| ".,;:!?)]}\"'*_>".contains(c));
    let file = bare.split('#').next().unwrap_or_default();
    let mut texts = vec![word.as_str(), bare, file];
    texts.dedup();
    texts.retain(|text| !text.is_empty() && text.len() < LONGEST && !text.contains('\0'));
    let path = |text: &&str| match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(text),
    };
    let paths: Vec<PathBuf> = texts.iter().map(path).collect();
    let text = bare.to_string();
    (!paths.is_empty()).then_some(Mention { text, paths })
}
