//! A unified diff as a person reads it: numbers in a gutter, red and green, and what changed within a line emphasised.
//!
//! The n-th deleted line of a run is compared with the n-th added one. Without colour the signs say all there is to say.
//! Left out: lines side by side, and the colours of the language.

use crate::Look;
use crate::clean::clean;
use crate::patch::{self, Kind, Row};
use crate::style::{Ink, Line, Style};
use crate::words;

/// A line that takes more rows than this is cut.
const ROWS: usize = 10;
/// With less room than this for text the numbers are left out.
const NARROW: usize = 12;

/// The lines of a unified diff, none wider than `look.width`.
///
/// Headers of files, the counts of a hunk (`@@ -2 +2 @@`) and its numbers may be missing. Deleted lines have their number
/// in the old file, others that in the new one. Long lines are wrapped, and cut after ten rows with `…`.
pub fn diff(patch: &str, look: Look) -> Vec<String> {
    let patch = clean(patch);
    let rows = patch::rows(&patch);
    let numbers = rows.iter().filter_map(|row| row.number);
    let digits = numbers.max().map_or(0, |number| number.to_string().len());
    let gutter = Gutter {
        look: look.sound(),
        digits,
    };
    let lines = rows.iter().zip(contents(&rows));
    lines
        .flat_map(|(row, line)| gutter.lines(row, line))
        .collect()
}

fn style(kind: Kind) -> Style {
    match kind {
        Kind::File => Style::BOLD,
        Kind::Note => Style::DIM,
        Kind::Hunk => Style::ink(Ink::Cyan),
        Kind::Same => Style::PLAIN,
        Kind::Old => Style::ink(Ink::Red),
        Kind::New => Style::ink(Ink::Green),
    }
}

/// The text of each row in its style, with the words emphasised that differ from its partner's.
fn contents(rows: &[Row]) -> Vec<Line> {
    let plain = |row: &Row| Line::of(row.text, style(row.kind));
    let mut lines: Vec<Line> = rows.iter().map(plain).collect();
    let run = |from: usize, kind: Kind| {
        let rows = rows[from..].iter();
        rows.take_while(|row| row.kind == kind).count()
    };
    let mut at = 0;
    while at < rows.len() {
        let old = run(at, Kind::Old);
        let new = run(at + old, Kind::New);
        for (a, b) in (at..at + old).zip(at + old..at + old + new) {
            let styles = [style(Kind::Old), style(Kind::New)];
            if let Some([before, after]) = words::compare(rows[a].text, rows[b].text, styles) {
                (lines[a], lines[b]) = (before, after);
            }
        }
        at += (old + new).max(1);
    }
    lines
}

struct Gutter {
    look: Look,
    digits: usize,
}

impl Gutter {
    fn lines(&self, row: &Row, content: Line) -> Vec<String> {
        let sign = match row.kind {
            Kind::Same => " ",
            Kind::Old => "-",
            Kind::New => "+",
            _ => "",
        };
        let number = row
            .number
            .map_or(String::new(), |number| number.to_string());
        let digits = self.digits;
        let (gutter, sign) = match sign {
            "" => (String::new(), String::new()),
            _ if self.look.width < digits + NARROW && self.look.width > 1 => {
                (String::new(), sign.to_string())
            }
            _ if self.look.width == 1 => return vec![sign.to_string()],
            _ if digits == 0 => (String::new(), format!("{sign} ")),
            _ => (format!("{number:>digits$} "), format!("{sign} ")),
        };
        let taken = gutter.len() + sign.len();
        let mut first = Line::of(&gutter, Style::DIM);
        first.push(&sign, style(row.kind));
        let rest = Line::of(&" ".repeat(taken), Style::PLAIN);
        let rows = self.cut(
            content.rows(self.look.width - taken),
            self.look.width - taken,
        );
        let starts = std::iter::once(first).chain(std::iter::repeat(rest));
        let whole = |(mut start, row): (Line, Line)| {
            start.append(row);
            start.paint(self.look.colour)
        };
        starts.zip(rows).map(whole).collect()
    }

    fn cut(&self, mut rows: Vec<Line>, width: usize) -> Vec<Line> {
        let mark = if self.look.unicode { "…" } else { "~" };
        if rows.len() > ROWS {
            rows.truncate(ROWS);
            let last = rows.pop().unwrap_or_default();
            let kept = last.rows(width.saturating_sub(1).max(1)).into_iter().next();
            let mut last = kept.filter(|_| width > 1).unwrap_or_default();
            last.push(mark, Style::DIM);
            rows.push(last);
        }
        rows
    }
}
