//! Markdown that streams in, code and diffs, as lines for a terminal.
//!
//! A line is answered when it can't change any more, so a program prints it once and never touches it again; what is not
//! finished is shown in a live area with [`Markdown::tail`]. However a text is split into pieces, its lines are the same.
//! No line is wider than asked for, each style is closed at its end, and nothing that controls a terminal comes through.
//! Left out: setext headings, reference links, footnotes, and where lines are printed.

mod clean;
mod style;

// Text.
mod fill;
mod inline;
mod paragraph;
mod scan;

// Blocks.
mod blocks;
mod open;
mod page;
mod stack;
mod start;

// Tables.
mod grid;
mod table;

// Code and its changes.
mod code;
mod diff;
#[cfg_attr(not(feature = "highlight"), path = "plain.rs")]
mod highlight;
mod patch;
mod words;

pub use code::code;
pub use diff::diff;

use blocks::Blocks;
use clean::Clean;

/// How lines are to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Display columns; `usize::MAX` does not wrap, 0 counts as 1.
    pub width: usize,
    /// ANSI styles in the terminal's own 16 colours; else plain text, with the marks that carry meaning.
    pub colour: bool,
    /// Bullets and lines outside ASCII.
    pub unicode: bool,
}

/// A text in Markdown that comes in pieces.
///
/// ```
/// use corecoder_markdown::{Look, Markdown};
///
/// let look = Look { width: 20, colour: false, unicode: false };
/// let mut text = Markdown::new(look);
/// assert!(text.push("Some **wor").is_empty());
/// assert_eq!(text.tail(), "Some wor");
/// assert_eq!(text.push("ds** that do not fit"), ["Some words that do"]);
/// assert_eq!(text.finish(), ["not fit"]);
/// ```
pub struct Markdown {
    clean: Clean,
    blocks: Blocks,
}

impl Markdown {
    pub fn new(look: Look) -> Markdown {
        Markdown {
            clean: Clean::new(),
            blocks: Blocks::new(look.sound()),
        }
    }

    /// The window was resized: from the next line on.
    pub fn look(&mut self, look: Look) {
        self.blocks.look(look.sound());
    }

    /// Takes the next piece, split anywhere, and answers the lines that are finished now, without line ends.
    pub fn push(&mut self, piece: &str) -> Vec<String> {
        for c in piece.chars() {
            if let Some((c, count)) = self.clean.step(c) {
                (0..count).for_each(|_| self.blocks.step(c));
            }
        }
        self.blocks.take()
    }

    /// The unfinished line as far as it is known, at most as wide as a line; may be empty. Its end may still change.
    pub fn tail(&self) -> String {
        self.blocks.tail()
    }

    /// The text is over: what was held back. Another text may follow.
    pub fn finish(&mut self) -> Vec<String> {
        self.blocks.finish();
        self.clean = Clean::new();
        self.blocks.take()
    }
}

impl Look {
    fn sound(self) -> Look {
        Look {
            width: self.width.max(1),
            ..self
        }
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
