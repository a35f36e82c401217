//! Tables: held back until they end, then drawn so that they fit.
//!
//! Columns take what they need; if that is too much the wide ones share what the narrow ones leave, and text is wrapped
//! inside its cell. A column below [`NARROW`] can't be read: then each row becomes a block of `key: value` lines.
//! Left out: cells over several rows or columns, which Markdown has not.

use crate::fill::Fill;
use crate::grid::Grid;
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
pub(crate) enum Side {
    Left,
    Middle,
    Right,
}

pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    pub(crate) sides: Vec<Side>,
    pub(crate) rows: Vec<Vec<String>>,
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
        let grid = Grid {
            table: self,
            colour,
            bar: if unicode { " │ " } else { " | " },
            unicode,
        };
        match self.widths(width, colour) {
            Some(widths) => grid.lines(&widths),
            None => grid.list(width),
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

pub(crate) fn fill(text: &str, style: Style, width: usize, colour: bool) -> Vec<Line> {
    let mut fill = Fill::new(width);
    cell(&mut fill, text, style, colour);
    fill.end();
    fill.take()
}

/// In a cell `<br>` is the only way to write a line break, so there it is one.
pub(crate) fn cell(fill: &mut Fill, text: &str, style: Style, colour: bool) {
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
