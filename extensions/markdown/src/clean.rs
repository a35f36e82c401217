//! What a terminal must not be told: control characters, escape sequences and marks of writing direction.
//!
//! A model's words, a file's content and a tool's output all come from outside and may carry sequences that move the
//! cursor, set the title or make a line read differently from what it is. [`Clean`] goes character by character, so that
//! no split of a stream can hide a sequence.
//! Left out: repairing what such a sequence meant to draw.

/// Where in a sequence the last character stood.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Text,
    Escape,
    /// `ESC [` up to a final byte (ECMA-48, 5.4).
    Control,
    /// `ESC ]`, `P`, `X`, `^`, `_` up to BEL or `ESC \` (ECMA-48, 5.6).
    Str,
}

/// A filter for one stream of characters.
#[derive(Clone)]
pub(crate) struct Clean {
    at: At,
    column: usize,
    returned: bool,
}

/// Columns from one tab stop to the next.
const TAB: usize = 4;

impl Clean {
    pub(crate) fn new() -> Clean {
        Clean {
            at: At::Text,
            column: 0,
            returned: false,
        }
    }

    /// The character to show for this one, and how many times; none if it is dropped. A carriage return ends a line.
    pub(crate) fn step(&mut self, c: char) -> Option<(char, usize)> {
        let after_return = std::mem::replace(&mut self.returned, c == '\r');
        if matches!(c, '\n' | '\r') {
            (self.at, self.column) = (At::Text, 0);
            return (c == '\r' || !after_return).then_some(('\n', 1));
        }
        if self.at != At::Text || c == '\x1b' {
            self.at = self.skip(c);
            return None;
        }
        if c == '\t' {
            let count = TAB - self.column % TAB;
            self.column += count;
            return Some((' ', count));
        }
        is_shown(c).then(|| {
            self.column += 1;
            (c, 1)
        })
    }

    fn skip(&self, c: char) -> At {
        match (self.at, c) {
            (_, '\x1b') => At::Escape,
            (At::Escape, '[') => At::Control,
            (At::Escape, ']' | 'P' | 'X' | '^' | '_') => At::Str,
            // Of `ESC ( B` the intermediate byte does not end it.
            (At::Escape, ' '..='/') => At::Escape,
            (At::Control, ' '..='?') => At::Control,
            (At::Str, c) if c != '\x07' => At::Str,
            _ => At::Text,
        }
    }
}

/// Whether a character may reach the terminal.
pub(crate) fn is_shown(c: char) -> bool {
    let direction = matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}');
    // Terminals do not agree on the width of these, or on whether they end a line.
    let odd = matches!(
        c,
        '\u{ad}' | '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}'
    );
    !c.is_control() && !direction && !odd
}

/// A whole text, clean; its lines end with `\n`. A carriage return inside a line is no end of it: else the content of a
/// changed file could make up lines of a diff.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = Clean::new();
    let kept = text.chars().filter(|c| *c != '\r');
    let steps = kept.filter_map(|c| clean.step(c));
    steps
        .flat_map(|(c, count)| std::iter::repeat_n(c, count))
        .collect()
}
