//! The open quotes and list items, and what each puts before a line.
//!
//! An item's mark stands before its first line and spaces of the same width before the others, so the room for text is
//! the same in all of them. Nothing may take more than half of the width: the outermost give way.

use crate::start::{Kind, Mark};
use crate::style::{Line, Style, columns};

#[derive(Default)]
pub(crate) struct Stack {
    pub(crate) kinds: Vec<Kind>,
    prefixes: Vec<Prefix>,
}

struct Prefix {
    text: String,
    is_quote: bool,
    /// The mark was printed: spaces of its width from now on.
    printed: bool,
}

impl Stack {
    pub(crate) fn push(&mut self, kind: Kind, unicode: bool) {
        let is_bullet = |kind: &&Kind| {
            matches!(
                kind,
                Kind::Item {
                    mark: Mark::Bullet,
                    ..
                }
            )
        };
        let bullets = self.kinds.iter().filter(is_bullet).count();
        let text = match &kind {
            Kind::Quote => if unicode { "│ " } else { "> " }.to_string(),
            Kind::Item { mark, .. } => item(mark, bullets, unicode),
        };
        let is_quote = kind == Kind::Quote;
        self.prefixes.push(Prefix {
            text,
            is_quote,
            printed: false,
        });
        self.kinds.push(kind);
    }

    pub(crate) fn truncate(&mut self, kept: usize) {
        self.kinds.truncate(kept);
        self.prefixes.truncate(kept);
    }

    /// Whether a mark above this depth was not printed yet: of an item without text.
    pub(crate) fn has_unprinted(&self, kept: usize) -> bool {
        let above = self.prefixes.iter().skip(kept);
        above
            .into_iter()
            .any(|prefix| !prefix.is_quote && !prefix.printed)
    }

    pub(crate) fn set_printed(&mut self) {
        self.prefixes
            .iter_mut()
            .for_each(|prefix| prefix.printed = true);
    }

    /// Columns for text.
    pub(crate) fn room(&self, width: usize) -> usize {
        width.saturating_sub(self.prefix(width, false).width).max(1)
    }

    /// What stands before a line; `bare` leaves out marks, as before an empty line.
    pub(crate) fn prefix(&self, width: usize, bare: bool) -> Line {
        let width_of = |prefix: &Prefix| columns(&prefix.text);
        let mut all: usize = self.prefixes.iter().map(width_of).sum();
        let mut line = Line::default();
        for prefix in &self.prefixes {
            if all > width / 2 {
                all -= width_of(prefix);
            } else if prefix.is_quote {
                line.push(prefix.text.trim_end(), Style::DIM);
                line.push(" ", Style::PLAIN);
            } else if prefix.printed || bare {
                line.push(&" ".repeat(width_of(prefix)), Style::PLAIN);
            } else {
                line.push(&prefix.text, Style::PLAIN);
            }
        }
        line
    }
}

fn item(mark: &Mark, depth: usize, unicode: bool) -> String {
    match (mark, unicode) {
        (Mark::Bullet, true) => format!("{} ", ["•", "◦", "▪"][depth.min(2)]),
        (Mark::Bullet, false) => "- ".to_string(),
        (Mark::Number(number), _) => format!("{number} "),
        (Mark::Task(done), true) => if *done { "☑ " } else { "☐ " }.to_string(),
        (Mark::Task(done), false) => if *done { "[x] " } else { "[ ] " }.to_string(),
    }
}
