//! A bill as a table: eight columns where there is room, five where there is little.

use corecoder::Usage;

use super::Row;
use super::sheet::{Sheet, Sum};
use crate::budget::count;

/// From here on all columns have room.
const WIDE: usize = 76;
/// No terminal is narrower than the columns that must be there.
const NARROW: usize = 38;

/// How the table is laid out.
struct Layout {
    width: usize,
    is_wide: bool,
    /// Of each column; 0 leaves it out.
    widths: [usize; 6],
}

/// Of prompt, cached, written, reply, thought and dollars.
const WIDE_COLUMNS: [usize; 6] = [11, 11, 9, 8, 8, 9];
const NARROW_COLUMNS: [usize; 6] = [9, 9, 0, 7, 0, 8];

pub(super) fn text(sheet: &Sheet<'_>, width: usize) -> String {
    let layout = Layout {
        width: width.max(NARROW),
        is_wide: width >= WIDE,
        widths: if width >= WIDE {
            WIDE_COLUMNS
        } else {
            NARROW_COLUMNS
        },
    };
    let mut lines = vec![layout.head("round")];
    for (at, row) in sheet.rounds.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| &sheet.rounds[at]);
        lines.extend(layout.row(row, before));
    }
    for (title, sums) in [("model", &sheet.models), ("part", &sheet.parts)] {
        lines.push(String::new());
        lines.push(layout.head(title));
        lines.extend(sums.iter().flat_map(|sum| layout.sum(sum)));
    }
    lines.push(String::new());
    lines.extend(layout.sum(&sheet.total));
    lines.extend(
        notes(&sheet.total)
            .iter()
            .flat_map(|note| layout.wrap(note, "")),
    );
    lines.join("\n") + "\n"
}

/// What the total does not show.
fn notes(total: &Sum) -> Vec<String> {
    let mut notes = Vec::new();
    if total.usage.cached > 0 || total.usage.written > 0 {
        notes.push(match total.saved {
            saved if saved < 0.0 => {
                format!("the cache cost {} more than it saved", dollars(-saved))
            }
            saved => format!("the cache saved about {}", dollars(saved)),
        });
    }
    if total.unpriced > 0 {
        notes.push(format!(
            "no price is known for {} of the replies, so they are not in the sum",
            total.unpriced
        ));
    }
    if total.uncounted > 0 {
        notes.push(format!(
            "the provider did not count {} of the replies",
            total.uncounted
        ));
    }
    notes
}

/// `$0.0412`; from ten dollars on with two places.
fn dollars(amount: f64) -> String {
    let places = if amount.abs() < 10.0 { 4 } else { 2 };
    format!("${amount:.places$}")
}

/// Who asked whom.
fn label(row: &Row) -> String {
    let what = if row.summary { "summary, " } else { "" };
    match row.who.as_str() {
        "" => format!("{what}{}", row.model),
        who => format!("{what}{who}, {}", row.model),
    }
}

impl Layout {
    fn head(&self, first: &str) -> String {
        let names = ["prompt", "cached", "written", "reply", "thought", "dollars"];
        self.cells(first, names.map(String::from))
    }

    /// One line: a label and the columns that there is room for.
    fn cells(&self, label: &str, cells: [String; 6]) -> String {
        let columns: usize = self.widths.iter().sum();
        let room = self.width.min(100) - columns;
        let mut line = format!("{:<room$}", cut(label, room));
        for (cell, width) in cells.iter().zip(self.widths) {
            if width > 0 {
                line += &format!("{cell:>width$}");
            }
        }
        line
    }

    /// Tokens of each kind, and dollars.
    fn columns(&self, usage: Option<&Usage>, amount: Option<f64>) -> [String; 6] {
        let [prompt, cached, written, reply, thought, _] = self.widths;
        let of = |part: fn(&Usage) -> u64, width: usize| {
            usage.map_or("?".to_string(), |usage| fitting(part(usage), width))
        };
        [
            of(|usage| usage.prompt, prompt),
            of(|usage| usage.cached, cached),
            of(|usage| usage.written, written),
            of(|usage| usage.completion, reply),
            of(|usage| usage.reasoning, thought),
            amount.map_or("?".to_string(), dollars),
        ]
    }

    /// What a row has in common with the one before it is not said again.
    fn row(&self, row: &Row, before: Option<&Row>) -> Vec<String> {
        let (number, label) = (row.number, label(row));
        let cells = self.columns(row.usage.as_ref(), row.dollars);
        let mut lines = Vec::new();
        match self.is_wide {
            true => lines.push(self.cells(&format!("{number:>3} {label}"), cells)),
            // The name has a line of its own where it changes.
            false => {
                if before.is_none_or(|before| self::label(before) != label) {
                    lines.extend(self.wrap(&label, ""));
                }
                lines.push(self.cells(&format!("{number:>4}"), cells));
            }
        }
        let why = row
            .why
            .iter()
            .filter(|_| before.is_none_or(|before| before.why != row.why));
        lines.extend(why.flat_map(|why| self.wrap(&format!("not cached: {why}"), "    ")));
        lines
    }

    fn sum(&self, sum: &Sum) -> Vec<String> {
        let is_known = sum.unpriced < sum.replies || sum.replies == 0;
        let cells = self.columns(Some(&sum.usage), is_known.then_some(sum.dollars));
        let label = format!("{} ({})", sum.name, sum.replies);
        match self.is_wide {
            true => vec![self.cells(&label, cells)],
            false => {
                let mut lines = self.wrap(&label, "");
                lines.push(self.cells("", cells));
                lines
            }
        }
    }

    /// Words in lines of the table's width, indented.
    fn wrap(&self, words: &str, indent: &str) -> Vec<String> {
        let room = self.width - indent.len();
        let mut lines: Vec<String> = Vec::new();
        for word in words.split_whitespace() {
            let word = cut(word, room);
            match lines.last_mut() {
                Some(line) if line.chars().count() + 1 + word.chars().count() <= room => {
                    *line += " ";
                    *line += &word;
                }
                _ => lines.push(word),
            }
        }
        lines
            .into_iter()
            .map(|line| format!("{indent}{line}"))
            .collect()
    }
}

/// `1,234,567`, or `1.2M` where that has no room.
fn fitting(number: u64, width: usize) -> String {
    let whole = count(number);
    if whole.len() < width {
        return whole;
    }
    match number / 100_000 {
        tenths @ ..1_000 => format!("{}.{}M", tenths / 10, tenths % 10),
        tenths => format!("{}M", tenths / 10),
    }
}

/// The text, with its middle left out if it is longer than so many characters; control characters are left out too.
fn cut(text: &str, room: usize) -> String {
    let text: Vec<char> = text.chars().filter(|char| !char.is_control()).collect();
    if text.len() <= room {
        return text.into_iter().collect();
    }
    let kept = room.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let (head, tail) = (&text[..head], &text[text.len() - tail..]);
    head.iter().chain(&['…']).chain(tail).collect()
}
