//! Texts as lines: a file's, which know their bytes, and a model's.
//!
//! A line end is `\n` or `\r\n`; a `\r` by itself is text. Line ends are never part of a line, so that two texts can
//! be compared whatever their line ends are.

use std::ops::Range;

/// A file's text, cut into lines.
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Lines<'a> {
        let after_ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let starts = std::iter::once(0).chain(after_ends);
        Lines {
            starts: starts.filter(|start| *start < text.len()).collect(),
            text,
        }
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// The byte where a line starts; the text's length behind the last one.
    pub fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(self.text.len())
    }

    /// The bytes of a line, without its end.
    pub fn range(&self, line: usize) -> Range<usize> {
        let (start, next) = (self.start(line), self.start(line + 1));
        start..start + without_end(&self.text[start..next]).len()
    }

    /// A line, without its end.
    pub fn line(&self, line: usize) -> &'a str {
        &self.text[self.range(line)]
    }
}

/// A model's text, cut into lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage<'a> {
    /// Without their ends.
    pub lines: Vec<&'a str>,
    /// Whether the last line has an end.
    pub ended: bool,
    /// The end of the first line, for files that have none.
    pub line_end: &'static str,
}

impl<'a> Passage<'a> {
    pub fn new(text: &'a str) -> Passage<'a> {
        Passage {
            lines: text.split_inclusive('\n').map(without_end).collect(),
            ended: text.ends_with('\n'),
            line_end: line_end_at(text, 0).unwrap_or("\n"),
        }
    }

    /// How many of the first lines are blank, and how many of the last.
    pub fn outer_blanks(&self) -> (usize, usize) {
        let above = self.lines.iter().take_while(|line| is_blank(line));
        let below = self.lines.iter().rev().take_while(|line| is_blank(line));
        (above.count(), below.count())
    }

    /// Without that many of the blank lines around it, or as many as there are.
    pub fn without_blanks(&self, above: usize, below: usize) -> Passage<'a> {
        let (most_above, most_below) = self.outer_blanks();
        let start = above.min(most_above);
        let end = (self.lines.len() - below.min(most_below)).max(start);
        Passage {
            lines: self.lines[start..end].to_vec(),
            ..*self
        }
    }
}

pub fn is_blank(line: &str) -> bool {
    line.trim().is_empty()
}

fn without_end(line: &str) -> &str {
    let Some(line) = line.strip_suffix('\n') else {
        return line;
    };
    line.strip_suffix('\r').unwrap_or(line)
}

/// The line end that a text has at this byte: that of the line there, else of the line before.
pub fn line_end_at(text: &str, byte: usize) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let next = memchr::memchr(b'\n', &bytes[byte..]).map(|at| byte + at);
    let end = next.or_else(|| memchr::memrchr(b'\n', &bytes[..byte]))?;
    Some(match end > 0 && bytes[end - 1] == b'\r' {
        true => "\r\n",
        false => "\n",
    })
}
