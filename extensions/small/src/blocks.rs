//! Fenced blocks in a reply, and the calls that they mean.
//!
//! A shell block is a command; a block with a path is a file, or, with SEARCH and REPLACE in it, a change of one. The
//! path stands behind the language, alone on the line above, in a comment on the first line, or in the sentence that
//! announces "the corrected `file.py`:". A block that shows output or an example has none of these and does nothing.

use serde_json::{Value, json};

use crate::path::{announced, comment, is_path};

/// A fenced block and what it asks for.
#[derive(Debug, PartialEq)]
pub struct Block {
    /// Where its first fence begins, and where its last one ends, in bytes.
    pub start: usize,
    pub end: usize,
    pub meaning: Meaning,
}

/// What a block asks for.
#[derive(Debug, PartialEq)]
pub enum Meaning {
    /// A call of the tool of this name.
    Call(&'static str, Value),
    /// Code that could be a file, if it said which.
    Unnamed,
    /// Output, data, an example.
    Nothing,
}

const SHELLS: [&str; 6] = ["bash", "sh", "shell", "console", "zsh", "terminal"];
/// Languages of blocks that show something.
const SHOWN: [&str; 9] = [
    "",
    "json",
    "text",
    "txt",
    "plaintext",
    "output",
    "diff",
    "markdown",
    "md",
];

/// The first block that is a call, or, if `unnamed`, the first that is a call or could have been one.
pub fn first(text: &str, unnamed: bool) -> Option<Block> {
    blocks(text).into_iter().find(|block| match block.meaning {
        Meaning::Call(..) => true,
        Meaning::Unnamed => unnamed,
        Meaning::Nothing => false,
    })
}

/// The closed blocks of a text, in order.
fn blocks(text: &str) -> Vec<Block> {
    let (mut found, mut open): (Vec<Block>, Option<Open>) = (Vec::new(), None);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let (start, fence) = (at, Fence::of(line));
        at += line.len();
        match (&mut open, fence) {
            (None, Some(fence)) => {
                open = Some(Open {
                    start,
                    body: at,
                    fence,
                    depth: 0,
                })
            }
            (Some(block), Some(fence)) if fence.ticks >= block.fence.ticks => {
                let is_end = block.closes(&fence);
                if is_end && let Some(block) = open.take() {
                    let meaning = block.meaning(&text[..block.start], &text[block.body..start]);
                    let end = start + line.trim_end().len();
                    found.push(Block {
                        start: block.start,
                        end,
                        meaning,
                    });
                }
            }
            _ => {}
        }
    }
    found
}

/// How much of an unfinished reply can be shown: what stands before its first fence, or before a line that may
/// become one.
pub fn prose(text: &str) -> &str {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let begins = line.trim_start();
        let may_become = !line.ends_with('\n') && "```".starts_with(begins.trim_end());
        if begins.starts_with("```") || may_become {
            break;
        }
        at += line.len();
    }
    &text[..at]
}

struct Fence<'a> {
    ticks: usize,
    info: &'a str,
}

impl Fence<'_> {
    fn of(line: &str) -> Option<Fence<'_>> {
        let line = line.trim();
        let info = line.trim_start_matches('`');
        let ticks = line.len() - info.len();
        (ticks >= 3 && !info.contains('`')).then(|| Fence {
            ticks,
            info: info.trim(),
        })
    }
}

/// A block whose end has not come yet.
struct Open<'a> {
    start: usize,
    body: usize,
    fence: Fence<'a>,
    /// Blocks inside, which Markdown files have.
    depth: usize,
}

impl Open<'_> {
    fn closes(&mut self, fence: &Fence) -> bool {
        let nests = self.fence.info.ends_with(".md") && fence.ticks == self.fence.ticks;
        match (nests, fence.info.is_empty()) {
            (true, false) => self.depth += 1,
            (true, true) if self.depth > 0 => self.depth -= 1,
            (_, is_bare) => return is_bare,
        }
        false
    }

    fn meaning(&self, before: &str, body: &str) -> Meaning {
        let mut words = self.fence.info.split_whitespace();
        let (first, second) = (words.next().unwrap_or(""), words.next());
        let language = first.to_lowercase();
        if words.next().is_some() {
            return Meaning::Nothing;
        }
        let told = second.or(Some(first).filter(|word| word.contains('.')));
        let told = told.filter(|word| is_path(word, second.is_some()));
        if let Some(path) = told {
            return file(path, body);
        }
        if SHELLS.contains(&language.as_str()) && !body.starts_with("#!") {
            return command(body);
        }
        if SHOWN.contains(&language.as_str()) {
            return Meaning::Nothing;
        }
        if let Some((path, rest)) = comment(body) {
            return file(path, rest);
        }
        announced(before).map_or(Meaning::Unnamed, |path| file(path, body))
    }
}

fn command(body: &str) -> Meaning {
    let prompted: Vec<&str> = body
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("$ "))
        .collect();
    let line = match body.trim_start().starts_with("$ ") {
        true => prompted.join("\n"),
        false => body.trim().to_string(),
    };
    match line.is_empty() {
        true => Meaning::Nothing,
        false => Meaning::Call("bash", json!({"command": line})),
    }
}

fn file(path: &str, body: &str) -> Meaning {
    match change(body) {
        Some((old, new)) => Meaning::Call(
            "edit_file",
            json!({"file_path": path, "old_string": old, "new_string": new}),
        ),
        None => Meaning::Call("write_file", json!({"file_path": path, "content": body})),
    }
}

/// The old and the new lines of a block in the form that git and others use for conflicts.
fn change(body: &str) -> Option<(&str, &str)> {
    let (_, rest) = body.split_once("<<<<<<< SEARCH\n")?;
    let (old, rest) = rest.split_once("=======\n")?;
    let (new, _) = rest.split_once(">>>>>>> REPLACE")?;
    Some((old, new))
}
