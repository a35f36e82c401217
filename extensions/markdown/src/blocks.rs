//! The blocks of a text, one character at a time.
//!
//! At a line's start the characters are held until [`start`] can say what the line is; from there on the text of a
//! paragraph flows into it, while lines of code and rows of tables are taken whole. As each character is one step and
//! nothing looks at how many came together, the lines are the same however the text is split.

use crate::Look;
use crate::highlight::Painter;
use crate::paragraph::Paragraph;
use crate::stack::{self, Stack};
use crate::start::{self, Before, Fence, Leaf, Start};
use crate::style::{Ink, Line, Style};
use crate::table::{self, Table};

/// The block that takes the text.
enum Open {
    None,
    Paragraph(Box<Paragraph>),
    Heading(Box<Paragraph>),
    Code(Fence, Painter),
    Table(Table),
}

pub(crate) struct Blocks {
    look: Look,
    stack: Stack,
    open: Open,
    /// The line so far, as long as it is held.
    line: String,
    /// The rest of the line is text.
    flows: bool,
    /// Cells of the last line, if it may be the head of a table.
    cells: Option<usize>,
    /// An empty line was read: it is shown when something follows.
    blank: bool,
    printed: bool,
    out: Vec<String>,
}

/// The start of a line is read again with each character up to this length, then each time it has doubled.
const EAGER: usize = 40;
/// A rule is no longer than this.
const RULE: usize = 40;

impl Blocks {
    pub(crate) fn new(look: Look) -> Blocks {
        Blocks {
            look,
            stack: Stack::default(),
            open: Open::None,
            line: String::new(),
            flows: false,
            cells: None,
            blank: false,
            printed: false,
            out: Vec::new(),
        }
    }

    pub(crate) fn look(&mut self, look: Look) {
        self.look = look;
        let room = self.room();
        if let Open::Paragraph(text) | Open::Heading(text) = &mut self.open {
            text.resize(room, look.colour);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.out)
    }

    pub(crate) fn step(&mut self, c: char) {
        match (self.flows, c) {
            (true, '\n') => self.end_text(),
            (true, _) => self.text(c),
            (false, '\n') => {
                let line = std::mem::take(&mut self.line);
                self.whole(&line);
            }
            (false, _) => {
                self.line.push(c);
                self.peek();
            }
        }
    }

    pub(crate) fn finish(&mut self) {
        if self.flows {
            self.end_text();
        } else if !self.line.is_empty() {
            let line = std::mem::take(&mut self.line);
            self.whole(&line);
        }
        self.close();
        self.leave(0);
        (self.blank, self.printed) = (false, false);
    }

    pub(crate) fn tail(&self) -> String {
        let room = self.room();
        let row = |text: &str, style| Line::of(text, style).rows(room).pop();
        let line = match &self.open {
            Open::Paragraph(text) | Open::Heading(text) if self.line.is_empty() => text.tail(),
            Open::Code(..) => {
                let text = start::strip(&self.line, &self.stack.kinds).unwrap_or_default();
                row(&format!("{}{text}", self.margin()), Style::PLAIN)
            }
            _ => row(&self.line, Style::PLAIN),
        };
        let line = line.filter(|line| !line.is_empty());
        let painted =
            |line| stack::paint(self.stack.prefix(self.look.width, false), line, self.look);
        line.map(painted).unwrap_or_default()
    }

    /// Reads the start of the line as soon as it says enough.
    fn peek(&mut self) {
        let length = self.line.len();
        let waits = matches!(self.open, Open::Code(..) | Open::Table(_));
        if waits || length > EAGER && !length.is_power_of_two() {
            return;
        }
        if let Ok(start) = self.read(&self.line, false) {
            let line = std::mem::take(&mut self.line);
            self.begin(start, &line);
        }
    }

    fn read(&self, line: &str, ended: bool) -> Result<Start, start::More> {
        let before = Before {
            blocks: &self.stack.kinds,
            paragraph: matches!(self.open, Open::Paragraph(_)),
            cells: self.cells,
        };
        start::read(line, ended, &before)
    }

    /// A line that was held up to its end.
    fn whole(&mut self, line: &str) {
        if self.takes(line) {
            return;
        }
        if let Ok(start) = self.read(line, true) {
            self.begin(start, line);
        }
        if self.flows {
            self.end_text();
        }
    }

    /// Whether the line goes on with an open code block or table.
    fn takes(&mut self, line: &str) -> bool {
        let text = start::strip(line, &self.stack.kinds);
        let ends = match (&mut self.open, text) {
            (Open::Code(..), Some(text)) => {
                self.code(text);
                return true;
            }
            (Open::Table(table), Some(text)) if text.contains('|') => {
                table.push(text);
                return true;
            }
            (Open::Code(..) | Open::Table(_), _) => true,
            _ => false,
        };
        if ends {
            self.close();
        }
        false
    }

    fn code(&mut self, text: &str) {
        let Open::Code(fence, painter) = &mut self.open else {
            return;
        };
        let bare = text.trim();
        if bare.len() >= fence.count && bare.chars().all(|c| c == fence.mark) {
            self.open = Open::None;
            return;
        }
        let line = painter.line(start::unindent(text, fence.indent));
        self.emit_code(line);
    }

    fn begin(&mut self, start: Start, line: &str) {
        let text = &line[start.at..];
        let joins = start.opened.is_empty();
        match (&mut self.open, &start.leaf) {
            (Open::Paragraph(head), Leaf::Delimiter) => {
                let head = head.head().unwrap_or_default();
                self.open = Open::Table(Table::new(head, text));
                self.cells = None;
            }
            (_, Leaf::Blank) if joins => {
                self.close();
                self.leave(start.kept);
                self.blank = self.printed;
            }
            (Open::Paragraph(paragraph), Leaf::Text | Leaf::Underline) if joins => {
                let mut lines = paragraph.next_line();
                if start.leaf == Leaf::Underline {
                    lines.extend(paragraph.end());
                }
                self.emit_all(lines);
                self.flow(text);
                if start.leaf == Leaf::Underline {
                    self.end_line();
                }
            }
            _ => self.open(start, text),
        }
    }

    fn open(&mut self, start: Start, text: &str) {
        self.close();
        self.leave(start.kept);
        if std::mem::take(&mut self.blank) {
            let prefix = self.stack.prefix(self.look.width, true);
            self.out
                .push(stack::paint(prefix, Line::default(), self.look));
        }
        for kind in start.opened {
            self.stack.push(kind, self.look.unicode);
        }
        let paragraph = Paragraph::new(self.room(), Style::PLAIN, self.look.colour);
        match start.leaf {
            Leaf::Blank | Leaf::Delimiter => return,
            Leaf::Rule => return self.rule(),
            Leaf::Indented => return self.emit_code(Line::of(text, Style::PLAIN)),
            Leaf::Fence(fence) => {
                let painter = Painter::new(&fence.language, self.look.colour);
                self.open = Open::Code(fence, painter);
                return;
            }
            Leaf::Heading(level) => self.open = Open::Heading(Box::new(self.heading(level))),
            Leaf::Row => self.open = Open::Paragraph(Box::new(paragraph.held())),
            Leaf::Html => self.open = Open::Paragraph(Box::new(paragraph.raw())),
            Leaf::Text | Leaf::Underline => self.open = Open::Paragraph(Box::new(paragraph)),
        }
        self.flow(text);
    }

    fn heading(&self, level: usize) -> Paragraph {
        let style = Style {
            bold: true,
            underline: level == 1,
            ink: (level <= 2).then_some(Ink::Cyan),
            ..Style::PLAIN
        };
        let mut heading = Paragraph::new(self.room(), style, self.look.colour);
        if !self.look.colour {
            heading.lead(&format!("{} ", "#".repeat(level)));
        }
        heading
    }

    fn rule(&mut self) {
        let dash = if self.look.unicode { "─" } else { "-" };
        let dashes = dash.repeat(self.room().min(RULE));
        self.emit(Line::of(&dashes, Style::DIM));
    }

    fn flow(&mut self, text: &str) {
        self.flows = true;
        self.cells = None;
        text.chars().for_each(|c| self.text(c));
    }

    fn text(&mut self, c: char) {
        if let Open::Paragraph(text) | Open::Heading(text) = &mut self.open {
            let lines = text.push(c);
            self.emit_all(lines);
        }
    }

    /// The line of source that flowed into a paragraph ended.
    fn end_text(&mut self) {
        self.flows = false;
        match &mut self.open {
            Open::Heading(heading) => {
                let lines = heading.end_heading();
                self.emit_all(lines);
                self.open = Open::None;
            }
            Open::Paragraph(text) if text.is_raw() => self.end_line(),
            Open::Paragraph(text) => self.cells = text.head().map(|head| table::cells(head).len()),
            _ => {}
        }
    }

    fn end_line(&mut self) {
        if let Open::Paragraph(text) = &mut self.open {
            let lines = text.end();
            self.emit_all(lines);
        }
    }

    fn close(&mut self) {
        self.cells = None;
        let look = self.look;
        let lines = match std::mem::replace(&mut self.open, Open::None) {
            Open::Paragraph(mut text) | Open::Heading(mut text) => text.end(),
            Open::Table(table) => table.draw(self.room(), look.colour, look.unicode),
            Open::Code(..) | Open::None => Vec::new(),
        };
        self.emit_all(lines);
    }

    /// Leaves the blocks above this depth; the mark of an item without text is shown.
    fn leave(&mut self, kept: usize) {
        if self.stack.has_unprinted(kept) {
            self.emit(Line::default());
        }
        self.stack.truncate(kept);
    }

    fn room(&self) -> usize {
        self.stack.room(self.look.width)
    }

    /// What stands before a line of code, where there is room for it.
    fn margin(&self) -> &'static str {
        if self.room() > 8 { "  " } else { "" }
    }

    fn emit_code(&mut self, line: Line) {
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

    fn emit_all(&mut self, lines: Vec<Line>) {
        lines.into_iter().for_each(|line| self.emit(line));
    }

    fn emit(&mut self, line: Line) {
        let prefix = self.stack.prefix(self.look.width, false);
        self.out.push(stack::paint(prefix, line, self.look));
        self.stack.set_printed();
        self.printed = true;
    }
}
