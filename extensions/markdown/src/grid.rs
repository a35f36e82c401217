//! Drawing a table: cells side by side, or a block of lines for each row.
//!
//! Lines between columns and rows are dim, so that the text stands out; where a row takes several lines there is a rule
//! between rows. Left out: a frame around the table, which would take four columns from the text.

use crate::fill::Fill;
use crate::inline;
use crate::style::{Line, Style};
use crate::table::{Side, Table, cell, fill};

/// A table with how it is to look.
pub(crate) struct Grid<'a> {
    pub(crate) table: &'a Table,
    pub(crate) colour: bool,
    pub(crate) bar: &'a str,
    pub(crate) unicode: bool,
}

impl Grid<'_> {
    pub(crate) fn lines(&self, widths: &[usize]) -> Vec<Line> {
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
    pub(crate) fn list(&self, width: usize) -> Vec<Line> {
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
