//! The marks of quotes and list items at a line's start (CommonMark 0.31, 5).
//!
//! The reader moves over what it has understood. Nothing is guessed: where the next character decides, it asks for more.
//! Left out: tabs, which are spaces by now.

use super::{Kind, Mark, More};

/// The line as far as it is known, and how much of it is understood.
pub(super) struct Reader<'a> {
    pub(super) line: &'a str,
    pub(super) at: usize,
    pub(super) ended: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// The rest without its spaces, and how many they are.
    pub(super) fn indented(&self) -> (usize, &'a str) {
        let text = self.rest().trim_start_matches(' ');
        (self.rest().len() - text.len(), text)
    }

    /// Not before the line's end.
    pub(super) fn whole(&self) -> Result<(), More> {
        if self.ended { Ok(()) } else { Err(More) }
    }

    pub(super) fn keep(&mut self, blocks: &[Kind]) -> Result<usize, More> {
        for (index, kind) in blocks.iter().enumerate() {
            let (indent, text) = self.indented();
            if text.is_empty() {
                self.whole()?;
            }
            match kind {
                Kind::Quote if indent < 4 && text.starts_with('>') => self.quote(indent)?,
                Kind::Item { text: most, .. } if text.is_empty() => self.at += indent.min(*most),
                Kind::Item { from, text, .. } if indent >= *from => self.at += indent.min(*text),
                _ => return Ok(index),
            }
        }
        Ok(blocks.len())
    }

    fn quote(&mut self, indent: usize) -> Result<(), More> {
        self.at += indent + 1;
        if self.rest().is_empty() {
            self.whole()?;
        }
        self.at += usize::from(self.rest().starts_with(' '));
        Ok(())
    }

    pub(super) fn container(&mut self, goes_on: bool, sibling: bool) -> Result<Option<Kind>, More> {
        let (indent, text) = self.indented();
        if text.is_empty() {
            self.whole()?;
        }
        if indent >= 4 {
            return Ok(None);
        }
        if text.starts_with('>') {
            self.quote(indent)?;
            return Ok(Some(Kind::Quote));
        }
        if self.is_rule(text)? {
            return Ok(None);
        }
        self.item(indent, text, goes_on && !sibling)
    }

    fn item(&mut self, indent: usize, text: &str, joins: bool) -> Result<Option<Kind>, More> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let Some(rest) = self.behind_mark(text, digits)? else {
            return Ok(None);
        };
        let (width, content) = (digits + 1, rest.trim_start_matches(' '));
        // Of what may be text that only begins like an item, no paragraph is interrupted (5.2).
        if joins && (content.is_empty() || digits > 0 && &text[..digits] != "1") {
            return Ok(None);
        }
        let spaces = rest.len() - content.len();
        let gap = if content.is_empty() || spaces > 4 {
            1
        } else {
            spaces
        };
        let task = self.task(content)?;
        self.at += indent + width + gap.min(rest.len());
        self.at += if task.is_some() { spaces - gap + 4 } else { 0 };
        let number = || Mark::Number(text[..width].to_string());
        Ok(Some(Kind::Item {
            from: indent + 2,
            text: indent + width + gap,
            mark: match task {
                Some(done) => Mark::Task(done),
                None if digits > 0 => number(),
                None => Mark::Bullet,
            },
        }))
    }

    /// What stands behind an item's mark of so many digits, if it is one.
    fn behind_mark<'t>(&self, text: &'t str, digits: usize) -> Result<Option<&'t str>, More> {
        let marks = if digits > 0 { ".)" } else { "-*+" };
        // Up to nine digits: more are no number of a list (5.2).
        let rest = match text[digits..].chars().next() {
            None if digits <= 9 && !self.ended => return Err(More),
            Some(mark) if digits <= 9 && marks.contains(mark) => &text[digits + 1..],
            _ => return Ok(None),
        };
        if rest.trim_start_matches(' ').is_empty() {
            self.whole()?;
        } else if !rest.starts_with(' ') {
            return Ok(None);
        }
        Ok(Some(rest))
    }

    fn task(&self, content: &str) -> Result<Option<bool>, More> {
        let boxes = [("[ ] ", false), ("[x] ", true), ("[X] ", true)];
        if !self.ended
            && boxes
                .iter()
                .any(|(text, _)| content.len() < 4 && text.starts_with(content))
        {
            return Err(More);
        }
        let found = boxes.iter().find(|(text, _)| content.starts_with(text));
        Ok(found.map(|(_, done)| *done))
    }

    pub(super) fn is_rule(&self, text: &str) -> Result<bool, More> {
        let Some(mark) = text.chars().next().filter(|c| "-*_".contains(*c)) else {
            return Ok(false);
        };
        if !text.chars().all(|c| c == mark || c == ' ') {
            return Ok(false);
        }
        self.whole()?;
        Ok(text.matches(mark).count() >= 3)
    }
}
