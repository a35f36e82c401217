//! Where lines go: behind what the open quotes and items put before them, and painted.
//!
//! Empty lines are kept until something follows, and are then one; none stands at the beginning or the end.
//! Left out: what a line says.

use crate::Look;
use crate::stack::Stack;
use crate::start::Kind;
use crate::style::{Line, Style};

/// A rule is no longer than this.
const RULE: usize = 40;
/// With no more room than this code stands at the edge.
const NARROW: usize = 8;
/// Of a line that is held so many bytes are shown.
const TAIL: usize = 2000;

pub(crate) struct Page {
    pub(crate) look: Look,
    pub(crate) stack: Stack,
    blank: bool,
    printed: bool,
    out: Vec<String>,
}

impl Page {
    pub(crate) fn new(look: Look) -> Page {
        Page {
            look,
            stack: Stack::default(),
            blank: false,
            printed: false,
            out: Vec::new(),
        }
    }

    /// The lines that were finished since.
    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    pub(crate) fn finish(&mut self) {
        self.leave(0);
        (self.blank, self.printed) = (false, false);
    }

    /// An empty line was read.
    pub(crate) fn blank(&mut self) {
        self.blank = self.printed;
    }

    /// Leaves the blocks above this depth; the mark of an item without text is shown.
    pub(crate) fn leave(&mut self, kept: usize) {
        if self.stack.has_unprinted(kept) {
            self.emit(Line::default());
        }
        self.stack.truncate(kept);
    }

    /// Something follows, in these blocks.
    pub(crate) fn enter(&mut self, opened: Vec<Kind>) {
        if std::mem::take(&mut self.blank) {
            let prefix = self.stack.prefix(self.look.width, true);
            self.out.push(paint(prefix, Line::default(), self.look));
        }
        for kind in opened {
            self.stack.push(kind, self.look.unicode);
        }
    }

    /// Columns for text.
    pub(crate) fn room(&self) -> usize {
        self.stack.room(self.look.width)
    }

    /// What stands before a line of code.
    pub(crate) fn margin(&self) -> &'static str {
        if self.room() > NARROW { "  " } else { "" }
    }

    pub(crate) fn rule(&mut self) {
        let dash = if self.look.unicode { "─" } else { "-" };
        let dashes = dash.repeat(self.room().min(RULE));
        self.emit(Line::of(&dashes, Style::DIM));
    }

    pub(crate) fn emit_code(&mut self, line: Line) {
        let margin = self.margin();
        for row in line.rows(self.room() - margin.len()) {
            let mut line = Line::default();
            if !row.is_empty() {
                line.push(margin, Style::PLAIN);
            }
            line.append(row);
            self.emit(line);
        }
    }

    pub(crate) fn emit_all(&mut self, lines: Vec<Line>) {
        lines.into_iter().for_each(|line| self.emit(line));
    }

    pub(crate) fn emit(&mut self, line: Line) {
        let painted = self.paint(line);
        self.out.push(painted);
        self.stack.set_printed();
        self.printed = true;
    }

    /// The line as it would be emitted.
    pub(crate) fn paint(&self, line: Line) -> String {
        let prefix = self.stack.prefix(self.look.width, false);
        paint(prefix, line, self.look)
    }
}

/// Nothing is left at the end of an empty line.
fn paint(mut prefix: Line, line: Line, look: Look) -> String {
    let is_empty = line.is_empty();
    prefix.append(line);
    let painted = prefix.paint(look.colour);
    if is_empty {
        painted.trim_end().to_string()
    } else {
        painted
    }
}

/// The end of a line that is held; of a long one no more than any window shows.
pub(crate) fn ending(line: &str) -> &str {
    let from = line.len().saturating_sub(TAIL);
    &line[line.ceil_char_boundary(from)..]
}
