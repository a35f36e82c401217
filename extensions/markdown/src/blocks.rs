//! The blocks of a text, one character at a time.
//!
//! At a line's start the characters are held until [`start`] can say what the line is; from there on the text of a
//! paragraph flows into it, while lines of code and rows of tables are taken whole. As each character is one step and
//! nothing looks at how many came together, the lines are the same however the text is split.

use crate::Look;
use crate::highlight::Painter;
use crate::open::{self, Open, Taken};
use crate::page::{Page, ending};
use crate::paragraph::Paragraph;
use crate::start::{self, Before, Leaf, Start};
use crate::style::{Line, Style};
use crate::table::Table;

pub(crate) struct Blocks {
    page: Page,
    open: Open,
    /// The line so far, as long as it is held.
    line: String,
    /// The rest of the line is text.
    flows: bool,
    /// Cells of the last line, if it may be the head of a table.
    cells: Option<usize>,
}

/// The start of a line is read again with each character up to this length, then each time it has doubled.
const EAGER: usize = 40;

impl Blocks {
    pub(crate) fn new(look: Look) -> Blocks {
        Blocks {
            page: Page::new(look),
            open: Open::None,
            line: String::new(),
            flows: false,
            cells: None,
        }
    }

    pub(crate) fn look(&mut self, look: Look) {
        self.page.look = look;
        let room = self.page.room();
        self.open.resize(room, look.colour);
    }

    pub(crate) fn take(&mut self) -> Vec<String> {
        self.page.take()
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
        self.page.finish();
    }

    pub(crate) fn tail(&self) -> String {
        let room = self.page.room();
        let held = ending(&self.line);
        let row = |text: &str| Line::of(text, Style::PLAIN).rows(room).pop();
        let line = match &self.open {
            Open::Paragraph(text) | Open::Heading(text) if held.is_empty() => text.tail(),
            Open::Code(..) if !held.is_empty() => {
                let text = start::strip(held, &self.page.stack.kinds).unwrap_or(held);
                row(&format!("{}{text}", self.page.margin()))
            }
            _ => row(held),
        };
        let line = line.filter(|line| !line.is_empty());
        line.map(|line| self.page.paint(line)).unwrap_or_default()
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
            blocks: &self.page.stack.kinds,
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
        let text = start::strip(line, &self.page.stack.kinds);
        match self.open.take(text) {
            Taken::Row => true,
            Taken::Code(line) => {
                self.page.emit_code(line);
                true
            }
            Taken::Last => {
                self.close();
                true
            }
            Taken::Ended => {
                self.close();
                false
            }
            Taken::No => false,
        }
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
                self.page.leave(start.kept);
                self.page.blank();
            }
            (Open::Paragraph(paragraph), Leaf::Text | Leaf::Underline) if joins => {
                let mut lines = paragraph.next_line();
                if start.leaf == Leaf::Underline {
                    lines.extend(paragraph.end());
                }
                self.page.emit_all(lines);
                self.flow(text);
                if start.leaf == Leaf::Underline {
                    let lines = self.open.close_line();
                    self.page.emit_all(lines);
                }
            }
            _ => self.open(start, text),
        }
    }

    fn open(&mut self, start: Start, text: &str) {
        self.close();
        self.page.leave(start.kept);
        self.page.enter(start.opened);
        let paragraph = Paragraph::new(self.page.room(), Style::PLAIN, self.page.look.colour);
        match start.leaf {
            Leaf::Blank | Leaf::Delimiter => return,
            Leaf::Rule => return self.page.rule(),
            Leaf::Indented => return self.page.emit_code(Line::of(text, Style::PLAIN)),
            Leaf::Fence(fence) => {
                let painter = Painter::new(&fence.language, self.page.look.colour);
                self.open = Open::Code(fence, painter);
                return;
            }
            Leaf::Heading(level) => {
                self.open = Open::Heading(Box::new(open::heading(
                    level,
                    self.page.room(),
                    self.page.look,
                )))
            }
            Leaf::Row => self.open = Open::Paragraph(Box::new(paragraph.held())),
            Leaf::Html => self.open = Open::Paragraph(Box::new(paragraph.raw())),
            Leaf::Text | Leaf::Underline => self.open = Open::Paragraph(Box::new(paragraph)),
        }
        self.flow(text);
    }

    fn flow(&mut self, text: &str) {
        self.flows = true;
        self.cells = None;
        text.chars().for_each(|c| self.text(c));
    }

    fn text(&mut self, c: char) {
        let lines = self.open.push(c);
        self.page.emit_all(lines);
    }

    /// The line of source that flowed into a paragraph ended.
    fn end_text(&mut self) {
        self.flows = false;
        self.cells = self.open.cells();
        let lines = self.open.end_line();
        self.page.emit_all(lines);
    }

    fn close(&mut self) {
        self.cells = None;
        let lines = self.open.close(self.page.room(), self.page.look);
        self.page.emit_all(lines);
    }
}
