//! The marks inside a paragraph: a chunk of one line of source becomes styled pieces.
//!
//! pulldown-cmark decides what is emphasis, code or a link. The chunk stands behind a word of our own, so that nothing
//! at its beginning can be taken for a block; the word is removed from the first text.
//! Left out: reference links and footnotes, whose definitions may come at the text's end; they stay as they are written.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::clean::is_shown;
use crate::style::{Ink, Piece, Style};

/// Stands before the chunk.
const GUARD: &str = "x ";

pub(crate) fn parse(chunk: &str, base: Style, colour: bool) -> Vec<Piece> {
    if !chunk.contains(['*', '_', '`', '[', '<', '&', '\\', '~']) {
        return vec![(chunk.to_string(), base)];
    }
    let source = format!("{GUARD}{}", keep_paths(chunk));
    let mut inline = Inline {
        base,
        colour,
        bold: 0,
        italic: 0,
        strike: 0,
        links: Vec::new(),
        pieces: Vec::new(),
    };
    for event in Parser::new_ext(&source, Options::ENABLE_STRIKETHROUGH) {
        inline.event(event);
    }
    // The parser drops spaces at the end of what it takes for a paragraph.
    if chunk.ends_with(' ') {
        inline.pieces.push((" ".to_string(), base));
    }
    let mut pieces = inline.pieces;
    let mut skip = GUARD.len();
    for (text, _) in &mut pieces {
        let cut = skip.min(text.len());
        text.drain(..cut);
        skip -= cut;
    }
    pieces
}

struct Inline {
    base: Style,
    colour: bool,
    bold: usize,
    italic: usize,
    strike: usize,
    /// The address of each open link, and the piece it began with.
    links: Vec<(String, usize)>,
    pieces: Vec<Piece>,
}

impl Inline {
    fn event(&mut self, event: Event) {
        match event {
            Event::Start(Tag::Strong) => self.bold += 1,
            Event::End(TagEnd::Strong) => self.bold -= 1,
            Event::Start(Tag::Emphasis) => self.italic += 1,
            Event::End(TagEnd::Emphasis) => self.italic -= 1,
            Event::Start(Tag::Strikethrough) => self.struck(1),
            Event::End(TagEnd::Strikethrough) => self.struck(-1),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                self.links.push((dest_url.to_string(), self.pieces.len()));
            }
            Event::End(TagEnd::Link | TagEnd::Image) => self.end_link(),
            Event::Code(code) => self.code(&code),
            Event::Text(text) | Event::InlineHtml(text) | Event::Html(text) => {
                self.text(&text, self.style());
            }
            _ => {}
        }
    }

    fn style(&self) -> Style {
        Style {
            bold: self.base.bold || self.bold > 0,
            italic: self.base.italic || self.italic > 0,
            strike: self.base.strike || self.strike > 0,
            underline: self.base.underline || !self.links.is_empty(),
            ..self.base
        }
    }

    /// An entity such as `&#27;` may stand for any character: they are looked at once more.
    fn text(&mut self, text: &str, style: Style) {
        let text = text.chars().filter(|c| is_shown(*c)).collect();
        self.pieces.push((text, style));
    }

    /// Without colour the marks stay: that a text is struck out changes what it says.
    fn struck(&mut self, by: isize) {
        self.strike = self.strike.saturating_add_signed(by);
        if !self.colour {
            self.text("~~", self.style());
        }
    }

    fn code(&mut self, code: &str) {
        let style = Style {
            code: true,
            ink: Some(Ink::Cyan),
            ..self.style()
        };
        if self.colour {
            self.text(code, style);
        } else {
            self.text(&format!("`{code}`"), style);
        }
    }

    fn end_link(&mut self) {
        let Some((url, start)) = self.links.pop() else {
            return;
        };
        let text: String = self.pieces[start..]
            .iter()
            .map(|(text, _)| text.as_str())
            .collect();
        let address = url.strip_prefix("mailto:").unwrap_or(&url);
        let known = text == url || text == address || url.is_empty();
        if known {
            return;
        }
        let (space, open) = if text.is_empty() {
            ("", "")
        } else {
            (" ", "(")
        };
        let close = if text.is_empty() { "" } else { ")" };
        let dim = Style {
            dim: true,
            ..self.base
        };
        self.text(space, self.base);
        self.text(&format!("{open}{url}{close}"), dim);
    }
}

/// Escapes underscores and asterisks in paths, addresses and names of files that stand outside of code: by the letter
/// of CommonMark `src/__init__.py` has a bold word and `a/**/b` loses its asterisks, and nobody ever means that.
fn keep_paths(chunk: &str) -> String {
    let mut in_code = false;
    let mut kept = String::with_capacity(chunk.len());
    for word in chunk.split_inclusive(' ') {
        let ticks = word.matches('`').count();
        if in_code || ticks > 0 || word.contains(['<', '[', '\\']) {
            kept.push_str(word);
        } else {
            keep_path(word, &mut kept);
        }
        in_code ^= ticks % 2 == 1;
    }
    kept
}

/// Only marks inside: those around a word belong to the text, as in `**src/main.rs**`.
fn keep_path(word: &str, kept: &mut String) {
    let is_around = |c: char| !c.is_alphanumeric();
    let after_name = word.split("__.").nth(1).unwrap_or_default();
    let is_name = word.starts_with("__") && after_name.starts_with(char::is_alphanumeric);
    let inner = if is_name {
        word
    } else {
        word.trim_start_matches(is_around)
    };
    let (before, inner) = word.split_at(word.len() - inner.len());
    let (inner, after) = inner.split_at(inner.trim_end_matches(is_around).len());
    if !is_name && !inner.contains('/') {
        return kept.push_str(word);
    }
    kept.push_str(before);
    for c in inner.chars() {
        if matches!(c, '*' | '_') {
            kept.push('\\');
        }
        kept.push(c);
    }
    kept.push_str(after);
}
