//! Tables: held back until they end, then drawn so that they fit.
//!
//! Columns take what they need; if that is too much the wide ones share what the narrow ones leave, and text is wrapped
//! inside its cell. A column below [`NARROW`] can't be read: then each row becomes a block of `key: value` lines.
//! Left out: cells over several rows or columns, which Markdown has not.

use crate::fill::Fill;
use crate::inline;
use crate::style::{Line, Style, columns};

/// Columns that a wrapped cell must have, and those that its longest word may claim.
const NARROW: usize = 6;
const WORD: usize = 12;
/// No column is wider: each row is as long as the longest cell, and one long cell must not make megabytes of spaces.
const WIDE: usize = 200;
/// More columns are not a table: a missing cell costs nothing to write and much to draw.
pub(crate) const COLUMNS: usize = 40;
/// Columns between two cells.
const GAP: usize = 3;

/// The cells of a row of source: between bars that are not escaped (GFM 0.29, 4.10).
pub(crate) fn cells(row: &str) -> Vec<String> {
    let row = row.trim();
    let row = row.strip_prefix('|').unwrap_or(row);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in row.chars() {
        let last = cells.len() - 1;
        match c {
            '|' if !escaped => cells.push(String::new()),
            // In code too a bar must be escaped, and there a backslash would be shown.
            '|' => {
                cells[last].pop();
                cells[last].push('|');
            }
            _ => cells[last].push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_string()).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Middle,
    Right,
}

#[derive(Clone)]
pub(crate) struct Table {
    head: Vec<String>,
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &str, delimiter: &str) -> Table {
        let side = |cell: &String| match (cell.starts_with(':'), cell.ends_with(':')) {
            (true, true) => Side::Middle,
            (false, true) => Side::Right,
            _ => Side::Left,
        };
        Table {
            head: cells(head),
            sides: cells(delimiter).iter().map(side).collect(),
            rows: Vec::new(),
        }
    }

    /// What is too much for the head goes into the last cell, so that nothing is lost. Cells may be missing.
    pub(crate) fn push(&mut self, row: &str) {
        let mut row = cells(row);
        let rest = row.split_off(row.len().min(self.head.len()));
        if let (Some(last), false) = (row.last_mut(), rest.is_empty()) {
            *last = format!("{last} | {}", rest.join(" | "));
        }
        self.rows.push(row);
    }

    pub(crate) fn draw(&self, width: usize, colour: bool, unicode: bool) -> Vec<Line> {
        let draw = Draw {
            table: self,
            colour,
            bar: if unicode { " │ " } else { " | " },
            unicode,
        };
        match self.widths(width, colour) {
            Some(widths) => draw.grid(&widths),
            None => draw.list(width),
        }
    }

    /// What each column gets of the width; none if that would be too little.
    fn widths(&self, width: usize, colour: bool) -> Option<Vec<usize>> {
        let rows = || std::iter::once(&self.head).chain(&self.rows);
        let need = |column: usize| {
            let cells = rows().filter_map(|row| row.get(column));
            let widths = cells.map(|cell| widest(&fill(cell, Style::PLAIN, usize::MAX, colour)));
            widths.max().unwrap_or(0).clamp(1, WIDE)
        };
        let needs: Vec<usize> = (0..self.head.len()).map(need).collect();
        let gaps = GAP * (needs.len() - 1);
        let mut room = width.checked_sub(gaps)?;
        let mut widths = needs.clone();
        let mut order: Vec<usize> = (0..needs.len()).collect();
        order.sort_by_key(|column| needs[*column]);
        for (index, column) in order.iter().enumerate() {
            let share = room / (order.len() - index);
            widths[*column] = needs[*column].min(share);
            room -= widths[*column];
        }
        let word = |column: usize| {
            let cells = rows().filter_map(|row| row.get(column));
            let words = cells.flat_map(|cell| cell.split(' ')).map(columns);
            words.max().unwrap_or(0).clamp(NARROW, WORD)
        };
        let legible = |at: usize| widths[at] == needs[at] || widths[at] >= word(at);
        (0..widths.len()).all(legible).then_some(widths)
    }
}

struct Draw<'a> {
    table: &'a Table,
    colour: bool,
    bar: &'a str,
    unicode: bool,
}

impl Draw<'_> {
    fn grid(&self, widths: &[usize]) -> Vec<Line> {
        let head = self.row(&self.table.head, widths, Style::BOLD);
        let rows = self.table.rows.iter();
        let rows: Vec<Vec<Line>> = rows
            .map(|row| self.row(row, widths, Style::PLAIN))
            .collect();
        // Where a row takes several lines it must be seen where the next one starts.
        let parted = rows.iter().any(|row| row.len() > 1);
        let mut lines = head;
        lines.push(self.rule(widths, false));
        for (index, row) in rows.into_iter().enumerate() {
            if parted && index > 0 {
                lines.push(self.rule(widths, true));
            }
            lines.extend(row);
        }
        lines
    }

    fn rule(&self, widths: &[usize], light: bool) -> Line {
        let (dash, cross) = match (self.unicode, light) {
            (true, false) => ("─", "─┼─"),
            (true, true) => ("┈", "┈┼┈"),
            (false, false) => ("-", "-+-"),
            (false, true) => (".", ".+."),
        };
        let parts: Vec<String> = widths.iter().map(|width| dash.repeat(*width)).collect();
        Line::of(&parts.join(cross), Style::DIM)
    }

    fn row(&self, row: &[String], widths: &[usize], style: Style) -> Vec<Line> {
        let text = |column: usize| row.get(column).map_or("", String::as_str);
        let cells = widths.iter().enumerate();
        let cells: Vec<Vec<Line>> = cells
            .map(|(column, width)| fill(text(column), style, *width, self.colour))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let line = |at: usize| {
            let mut line = Line::default();
            for (column, cell) in cells.iter().enumerate() {
                if column > 0 {
                    line.push(self.bar, Style::DIM);
                }
                let text = cell.get(at).cloned().unwrap_or_default();
                let last = column + 1 == cells.len();
                place(
                    &mut line,
                    text,
                    widths[column],
                    self.table.sides[column],
                    last,
                );
            }
            line
        };
        (0..height).map(line).collect()
    }

    /// `key: value` lines, the rows apart.
    fn list(&self, width: usize) -> Vec<Line> {
        let mut lines = Vec::new();
        for (index, row) in self.table.rows.iter().enumerate() {
            if index > 0 {
                lines.push(Line::default());
            }
            for (key, value) in self.table.head.iter().zip(row) {
                let mut fill = Fill::new(width);
                if !key.is_empty() {
                    fill.pieces(&inline::parse(key, Style::BOLD, self.colour));
                    fill.text(": ", Style::BOLD);
                }
                cell(&mut fill, value, Style::PLAIN, self.colour);
                fill.end();
                lines.extend(fill.take());
            }
        }
        if self.table.rows.is_empty() {
            let heads = self.table.head.iter();
            lines.extend(heads.flat_map(|key| fill(key, Style::BOLD, width, self.colour)));
        }
        lines
    }
}

fn place(line: &mut Line, text: Line, width: usize, side: Side, last: bool) {
    let room = width.saturating_sub(text.width);
    let before = match side {
        Side::Left => 0,
        Side::Middle => room / 2,
        Side::Right => room,
    };
    line.push(&" ".repeat(before), Style::PLAIN);
    line.append(text);
    if !last {
        line.push(&" ".repeat(room - before), Style::PLAIN);
    }
}

fn fill(text: &str, style: Style, width: usize, colour: bool) -> Vec<Line> {
    let mut fill = Fill::new(width);
    cell(&mut fill, text, style, colour);
    fill.end();
    fill.take()
}

/// In a cell `<br>` is the only way to write a line break, so there it is one.
fn cell(fill: &mut Fill, text: &str, style: Style, colour: bool) {
    let text = text.replace("<br/>", "<br>").replace("<br />", "<br>");
    for (index, part) in text.split("<br>").enumerate() {
        if index > 0 {
            fill.end();
        }
        fill.pieces(&inline::parse(part, style, colour));
    }
}

fn widest(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.width).max().unwrap_or(0)
}
