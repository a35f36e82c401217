//! Filling lines with words.
//!
//! Text comes in any pieces; a word is what stands between two spaces, whatever styles it has. It goes to the next line
//! whole, and is broken only when it is longer than a line. Between characters that are written without spaces (Chinese,
//! Japanese) a line may end anywhere but before a closing mark and after an opening one.
//! Left out: hyphenation, and the full rules of UAX #14.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::style::{Line, Piece, Style};

#[derive(Clone)]
pub(crate) struct Fill {
    width: usize,
    line: Line,
    spaces: usize,
    space: Style,
    word: Line,
    last: Option<char>,
    done: Vec<Line>,
}

impl Fill {
    /// Lines of at most `width` columns (one at least).
    pub(crate) fn new(width: usize) -> Fill {
        Fill {
            width: width.max(1),
            line: Line::default(),
            spaces: 0,
            space: Style::PLAIN,
            word: Line::default(),
            last: None,
            done: Vec::new(),
        }
    }

    /// The lines that are full.
    pub(crate) fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.done)
    }

    /// Columns that are taken in the open line.
    pub(crate) fn column(&self) -> usize {
        self.line.width + self.spaces + self.word.width
    }

    /// The open line is laid anew: what it holds may not fit any more.
    pub(crate) fn resize(&mut self, width: usize) {
        if width.max(1) == self.width {
            return;
        }
        let old = std::mem::replace(self, Fill::new(width));
        self.done = old.done;
        self.pieces(&old.line.pieces);
        (0..old.spaces).for_each(|_| self.space(old.space));
        self.pieces(&old.word.pieces);
    }

    /// A piece that is `\n` ends the line.
    pub(crate) fn pieces(&mut self, pieces: &[Piece]) {
        for (text, style) in pieces {
            if text == "\n" {
                self.end();
            } else {
                self.text(text, *style);
            }
        }
    }

    pub(crate) fn text(&mut self, text: &str, style: Style) {
        for (at, part) in text.split(' ').enumerate() {
            if at > 0 {
                self.space(style);
            }
            if !part.is_empty() {
                self.part(part, style);
            }
        }
    }

    pub(crate) fn space(&mut self, style: Style) {
        self.commit();
        self.last = None;
        self.space = style;
        self.spaces = if style.code {
            self.spaces + 1
        } else {
            self.spaces.max(1)
        };
    }

    /// Ends the open line, if anything stands in it.
    pub(crate) fn end(&mut self) {
        self.commit();
        if !self.line.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
        self.spaces = 0;
        self.last = None;
    }

    fn part(&mut self, part: &str, style: Style) {
        if part.is_ascii() {
            self.break_before(part);
            self.word.push_wide(part, part.len(), style);
            self.last = part.chars().last();
        } else {
            for grapheme in part.graphemes(true) {
                self.break_before(grapheme);
                self.word.push_wide(grapheme, grapheme.width(), style);
                self.last = grapheme.chars().next();
            }
        }
        self.overflow();
    }

    fn break_before(&mut self, text: &str) {
        let next = text.chars().next();
        let pair = self.last.zip(next);
        if pair.is_some_and(|(last, next)| may_break(last, next)) {
            self.commit();
        }
    }

    /// A word that is longer than a line fills lines of its own.
    fn overflow(&mut self) {
        if self.word.width <= self.width {
            return;
        }
        if !self.line.is_empty() {
            self.done.push(std::mem::take(&mut self.line));
        }
        self.spaces = 0;
        let mut rows = std::mem::take(&mut self.word).rows(self.width);
        self.word = rows.pop().unwrap_or_default();
        self.done.extend(rows);
    }

    fn commit(&mut self) {
        self.overflow();
        if self.word.is_empty() {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let gap = if self.line.is_empty() { 0 } else { self.spaces };
        // The gap counts even before a short word: spaces of code may be many.
        if self
            .line
            .width
            .saturating_add(gap)
            .saturating_add(word.width)
            > self.width
        {
            self.done.push(std::mem::take(&mut self.line));
        } else if gap > 0 {
            self.line.push_wide(&" ".repeat(gap), gap, self.space);
        }
        self.line.append(word);
        self.spaces = 0;
    }
}

/// Whether a line may end between two characters without a space.
fn may_break(last: char, next: char) -> bool {
    let wide = |c: char| c.width() == Some(2);
    let closes = |c: char| {
        matches!(
            c,
            '、' | '。'
                | '，'
                | '．'
                | '！'
                | '？'
                | '；'
                | '：'
                | '）'
                | '」'
                | '』'
                | '】'
                | '》'
                | '〉'
                | '〕'
                | 'ー'
        ) || c.is_ascii_punctuation()
    };
    let opens = |c: char| {
        matches!(
            c,
            '（' | '「' | '『' | '【' | '《' | '〈' | '〔' | '(' | '[' | '{'
        )
    };
    (wide(last) || wide(next)) && !closes(next) && !opens(last)
}
