//! The block that is open, and what it does with text.
//!
//! Paragraphs and headings take characters and answer lines as they fill; code and tables take whole lines of source.
//! Left out: what opens a block, and what stands before its lines.

use crate::Look;
use crate::highlight::Painter;
use crate::paragraph::Paragraph;
use crate::start::{self, Fence};
use crate::style::{Ink, Line, Style};
use crate::table::{self, Table};

pub(crate) enum Open {
    None,
    Paragraph(Box<Paragraph>),
    Heading(Box<Paragraph>),
    Code(Fence, Painter),
    Table(Table),
}

/// What became of a line of source.
pub(crate) enum Taken {
    /// It is for others.
    No,
    /// It is for others, and the block is over.
    Ended,
    /// It was the last of its block.
    Last,
    Row,
    Code(Line),
}

impl Open {
    pub(crate) fn resize(&mut self, room: usize, colour: bool) {
        if let Open::Paragraph(text) | Open::Heading(text) = self {
            text.resize(room, colour);
        }
    }

    pub(crate) fn push(&mut self, c: char) -> Vec<Line> {
        match self {
            Open::Paragraph(text) | Open::Heading(text) => text.push(c),
            _ => Vec::new(),
        }
    }

    /// The cells of the line that ended, if it may be the head of a table.
    pub(crate) fn cells(&self) -> Option<usize> {
        match self {
            Open::Paragraph(text) => text.head().map(|head| table::cells(head).len()),
            _ => None,
        }
    }

    /// A line of source ended: a heading with it, and each line of a text that is shown as it is written.
    pub(crate) fn end_line(&mut self) -> Vec<Line> {
        match self {
            Open::Heading(heading) => {
                let lines = heading.end_heading();
                *self = Open::None;
                lines
            }
            Open::Paragraph(text) if text.is_raw() => text.end(),
            _ => Vec::new(),
        }
    }

    /// What comes next stands on a line of its own.
    pub(crate) fn close_line(&mut self) -> Vec<Line> {
        match self {
            Open::Paragraph(text) => text.end(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn close(&mut self, room: usize, look: Look) -> Vec<Line> {
        match std::mem::replace(self, Open::None) {
            Open::Paragraph(mut text) | Open::Heading(mut text) => text.end(),
            Open::Table(table) => table.draw(room, look.colour, look.unicode),
            Open::Code(..) | Open::None => Vec::new(),
        }
    }

    /// A line for code or a table, without what belongs to the blocks around; none if those ended.
    pub(crate) fn take(&mut self, text: Option<&str>) -> Taken {
        match (self, text) {
            (Open::Code(fence, _), Some(text)) if closes(fence, text) => Taken::Last,
            (Open::Code(fence, painter), Some(text)) => {
                Taken::Code(painter.line(start::unindent(text, fence.indent)))
            }
            (Open::Table(table), Some(text)) if text.contains('|') => {
                table.push(text);
                Taken::Row
            }
            (Open::Code(..) | Open::Table(_), _) => Taken::Ended,
            _ => Taken::No,
        }
    }
}

fn closes(fence: &Fence, text: &str) -> bool {
    let bare = text.trim();
    bare.len() >= fence.count && bare.chars().all(|c| c == fence.mark)
}

/// A heading's level is seen from its marks, or with colour from how much it stands out.
pub(crate) fn heading(level: usize, room: usize, look: Look) -> Paragraph {
    let style = Style {
        bold: true,
        underline: level == 1,
        ink: (level <= 2).then_some(Ink::Cyan),
        ..Style::PLAIN
    };
    let mut heading = Paragraph::new(room, style, look.colour);
    if !look.colour {
        heading.lead(&format!("{} ", "#".repeat(level)));
    }
    heading
}
