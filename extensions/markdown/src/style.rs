//! Styled text: pieces, lines, and how they are painted.
//!
//! Only the terminal's own 16 colours are used, so that light and dark themes both stay legible. Each piece is painted
//! on its own and closed at its end: no style ever reaches into the next line, whatever is printed between.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// One of the foreground colours, as its SGR number (ECMA-48, 8.3.117).
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
// Without the feature some colours have no use.
#[cfg_attr(not(feature = "highlight"), allow(dead_code))]
pub(crate) enum Ink {
    Red = 31,
    Green = 32,
    Yellow = 33,
    Blue = 34,
    Magenta = 35,
    Cyan = 36,
}

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Style {
    pub(crate) bold: bool,
    pub(crate) dim: bool,
    pub(crate) italic: bool,
    pub(crate) underline: bool,
    pub(crate) reverse: bool,
    pub(crate) strike: bool,
    pub(crate) ink: Option<Ink>,
    /// Runs of spaces are kept as they are.
    pub(crate) code: bool,
}

impl Style {
    pub(crate) const PLAIN: Style = Style {
        bold: false,
        dim: false,
        italic: false,
        underline: false,
        reverse: false,
        strike: false,
        ink: None,
        code: false,
    };
    pub(crate) const BOLD: Style = Style {
        bold: true,
        ..Style::PLAIN
    };
    pub(crate) const DIM: Style = Style {
        dim: true,
        ..Style::PLAIN
    };

    pub(crate) const fn ink(ink: Ink) -> Style {
        Style {
            ink: Some(ink),
            ..Style::PLAIN
        }
    }

    fn numbers(self) -> String {
        let set = [
            (self.bold, "1"),
            (self.dim, "2"),
            (self.italic, "3"),
            (self.underline, "4"),
            (self.reverse, "7"),
            (self.strike, "9"),
        ];
        let mut numbers: Vec<String> = set
            .iter()
            .filter(|(on, _)| *on)
            .map(|(_, number)| number.to_string())
            .collect();
        numbers.extend(self.ink.map(|ink| (ink as u8).to_string()));
        numbers.join(";")
    }
}

/// A run of text in one style.
pub(crate) type Piece = (String, Style);

/// A part of a visual line.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Line {
    pub(crate) pieces: Vec<Piece>,
    /// Display columns.
    pub(crate) width: usize,
}

impl Line {
    pub(crate) fn of(text: &str, style: Style) -> Line {
        let mut line = Line::default();
        line.push(text, style);
        line
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn push(&mut self, text: &str, style: Style) {
        self.push_wide(text, columns(text), style);
    }

    /// For text whose width is known.
    pub(crate) fn push_wide(&mut self, text: &str, width: usize, style: Style) {
        self.width += width;
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some((last, same)) if *same == style => last.push_str(text),
            _ => self.pieces.push((text.to_string(), style)),
        }
    }

    pub(crate) fn append(&mut self, other: Line) {
        self.width += other.width;
        let mut pieces = other.pieces.into_iter();
        if let Some((text, style)) = pieces.next() {
            self.push_wide(&text, 0, style);
        }
        self.pieces.extend(pieces);
    }

    /// Rows of at most this many columns (one at least), as code is broken: after a space near the end if there is one,
    /// else anywhere. One row is none too few.
    pub(crate) fn rows(mut self, width: usize) -> Vec<Line> {
        if self.width <= width {
            return vec![self];
        }
        self.narrow(width);
        let text: String = self.pieces.iter().map(|(text, _)| text.as_str()).collect();
        let mut ends = breaks(&text, width).into_iter().peekable();
        let (mut rows, mut row, mut at) = (Vec::new(), Line::default(), 0);
        for (text, style) in &self.pieces {
            let mut rest = text.as_str();
            while let Some(end) = ends.next_if(|end| *end < at + rest.len()) {
                let (head, tail) = rest.split_at(end - at);
                row.push(head, *style);
                rows.push(std::mem::take(&mut row));
                (rest, at) = (tail, end);
            }
            row.push(rest, *style);
            at += rest.len();
        }
        rows.push(row);
        rows
    }

    /// What can't be broken and is wider than a row can't be shown: a wide character in one column, or one that is made
    /// of any number of parts.
    fn narrow(&mut self, width: usize) {
        let odd = self.pieces.iter_mut().filter(|(text, _)| !text.is_ascii());
        for (text, _) in odd {
            let narrow = |part| if columns(part) > width { "?" } else { part };
            *text = text.graphemes(true).map(narrow).collect();
        }
    }

    pub(crate) fn paint(&self, colour: bool) -> String {
        let mut painted = String::new();
        for (text, style) in &self.pieces {
            let numbers = style.numbers();
            if !colour || numbers.is_empty() {
                painted.push_str(text);
            } else {
                painted.push_str(&format!("\x1b[{numbers}m{text}\x1b[0m"));
            }
        }
        painted
    }
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// Where rows of this width end, in bytes.
fn breaks(text: &str, width: usize) -> Vec<usize> {
    let (mut breaks, mut used, mut space) = (Vec::new(), 0, None);
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = grapheme.width();
        while used > 0 && used + wide > width {
            let (end, before) = space.take().unwrap_or((at, used));
            breaks.push(end);
            used -= before;
        }
        used += wide;
        if grapheme == " " && used * 3 > width * 2 {
            space = Some((at + 1, used));
        }
    }
    breaks
}
