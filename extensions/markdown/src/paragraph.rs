//! A paragraph, or a heading, while it comes in.
//!
//! Characters wait in a chunk until they would overflow the open line; then as much of it is parsed and filled into lines
//! as ends where no mark is open. What a chunk holds is bounded, so the time is linear, and where it ends depends on the
//! characters alone and not on how they arrived.

use unicode_width::UnicodeWidthChar;

use crate::fill::Fill;
use crate::inline;
use crate::scan::Scan;
use crate::style::{Line, Style};

/// A chunk of so many bytes is parsed even if the line is not full.
const CHUNK: usize = 1000;
/// A word of so many bytes is broken.
const WORD: usize = 4000;
/// A line that may be the head of a table is held back up to this many bytes.
const HEAD: usize = 2000;

#[derive(Clone)]
pub(crate) struct Paragraph {
    base: Style,
    colour: bool,
    width: usize,
    fill: Fill,
    scan: Scan,
    chunk: String,
    /// Columns of the chunk as it is written.
    columns: usize,
    /// Up to here the chunk can be parsed.
    safe: usize,
    last: char,
    /// Spaces at the end.
    spaces: usize,
    raw: bool,
    /// The first line as long as none of it was shown: it may be the head of a table.
    head: Option<String>,
    held: bool,
}

impl Paragraph {
    pub(crate) fn new(width: usize, base: Style, colour: bool) -> Paragraph {
        Paragraph {
            base,
            colour,
            width,
            fill: Fill::new(width),
            scan: Scan::new(),
            chunk: String::new(),
            columns: 0,
            safe: 0,
            last: ' ',
            spaces: 0,
            raw: false,
            head: Some(String::new()),
            held: false,
        }
    }

    /// Text in which marks mean nothing, and each line stands for itself.
    pub(crate) fn raw(mut self) -> Paragraph {
        (self.raw, self.head) = (true, None);
        self
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.raw
    }

    /// A line that may be the head of a table: held back until the next one is known.
    pub(crate) fn held(mut self) -> Paragraph {
        self.held = true;
        self
    }

    /// Text that stands before all and has no marks.
    pub(crate) fn lead(&mut self, text: &str) {
        self.fill.text(text, self.base);
    }

    pub(crate) fn resize(&mut self, width: usize, colour: bool) {
        (self.width, self.colour) = (width, colour);
        self.fill.resize(width);
    }

    /// The first line if it could be the head of a table.
    pub(crate) fn head(&self) -> Option<&str> {
        self.head.as_deref().filter(|head| head.contains('|'))
    }

    pub(crate) fn push(&mut self, c: char) -> Vec<Line> {
        if let Some(head) = &mut self.head {
            head.push(c);
            if head.len() > HEAD {
                (self.head, self.held) = (None, false);
            }
        }
        self.add(c);
        self.ready()
    }

    /// The line of source ended and another follows: a space, or a hard break after two spaces or a backslash.
    pub(crate) fn next_line(&mut self) -> Vec<Line> {
        (self.head, self.held) = (None, false);
        let mut lines = self.ready();
        if self.scan.is_escaped() && self.chunk.ends_with('\\') {
            self.chunk.pop();
            lines.extend(self.end());
        } else if self.raw || self.spaces >= 2 {
            lines.extend(self.end());
        } else {
            self.add(' ');
        }
        lines
    }

    /// The text is over: what is open is shown as it is written.
    pub(crate) fn end(&mut self) -> Vec<Line> {
        self.safe = self.chunk.len();
        self.parse();
        self.scan = Scan::new();
        (self.last, self.spaces) = (' ', 0);
        self.fill.end();
        self.fill.take()
    }

    /// The closing marks of a heading are not part of it (CommonMark 0.31, 4.2).
    pub(crate) fn end_heading(&mut self) -> Vec<Line> {
        let text = self.chunk.trim_end();
        let bare = text.trim_end_matches('#');
        if bare.ends_with(' ') || bare.is_empty() {
            self.chunk.truncate(bare.trim_end().len());
        }
        self.end()
    }

    /// The open line with all that is known of it, as it would stand if the text ended here.
    pub(crate) fn tail(&self) -> Option<Line> {
        let mut fill = self.fill.clone();
        let mut text = self.chunk.trim_end();
        if let Some(mark) = self.scan.run() {
            // It opens something that is not there yet, or closes what is closed here in any case.
            text = text.trim_end_matches(mark);
        }
        let closed = format!("{text}{}", self.scan.closers());
        fill.pieces(&self.pieces(&closed));
        fill.end();
        fill.take().pop()
    }

    fn add(&mut self, c: char) {
        if !self.raw {
            self.scan.step(c);
        }
        let settled = !self.scan.is_open();
        self.chunk.push(c);
        self.columns += c.width().unwrap_or(0);
        if settled && c == ' ' {
            self.safe = self.chunk.len();
        } else if settled && is_ideograph(self.last) && is_ideograph(c) {
            self.safe = self.chunk.len() - c.len_utf8();
        } else if self.chunk.len() > WORD && self.safe == 0 {
            self.safe = self.chunk.len();
        }
        self.last = c;
        self.spaces = if c == ' ' { self.spaces + 1 } else { 0 };
    }

    fn ready(&mut self) -> Vec<Line> {
        let full = self.columns > self.width.saturating_sub(self.fill.column());
        if self.held || self.safe == 0 || !full && self.chunk.len() < CHUNK {
            return Vec::new();
        }
        self.parse();
        let lines = self.fill.take();
        if !lines.is_empty() {
            self.head = None;
        }
        lines
    }

    fn parse(&mut self) {
        let rest = self.chunk.split_off(self.safe);
        let chunk = std::mem::replace(&mut self.chunk, rest);
        let pieces = self.pieces(&chunk);
        self.fill.pieces(&pieces);
        self.columns = self.chunk.chars().filter_map(|c| c.width()).sum();
        self.safe = 0;
    }

    fn pieces(&self, chunk: &str) -> Vec<(String, Style)> {
        if self.raw {
            vec![(chunk.to_string(), self.base)]
        } else {
            inline::parse(chunk, self.base, self.colour)
        }
    }
}

/// Written without spaces between words.
fn is_ideograph(c: char) -> bool {
    c.width() == Some(2) && c.is_alphanumeric()
}
