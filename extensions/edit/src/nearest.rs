//! The lines of a file that are most like a passage that is not in it.
//!
//! They are for the model to read, never for an edit to be made to. A line counts by the words that it shares with the
//! passage, rare ones more, and most by being one of its lines.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use crate::form::Form;
use crate::lines::{Lines, Passage};

/// Lines of a file with their numbers, as `read_file` shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nearest {
    /// The number of the first one.
    pub first: usize,
    pub lines: Vec<String>,
}

/// Lines that are shown, at most.
const SHOWN: usize = 30;
/// Bytes of a line that are shown, at most.
const WIDTH: usize = 300;

impl Nearest {
    /// What is most like the passage, with a line on either side.
    pub(crate) fn to(lines: &Lines<'_>, old: &Passage<'_>) -> Nearest {
        let near = nearest(lines, old);
        let shown = near.start.saturating_sub(1)..(near.end + 1).min(lines.len());
        let text = |line: usize| {
            let line = lines.line(line);
            line[..line.floor_char_boundary(WIDTH)].to_string()
        };
        Nearest {
            first: shown.start + 1,
            lines: shown.map(text).collect(),
        }
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbered = self.lines.iter().enumerate();
        numbered.try_for_each(|(at, line)| writeln!(f, "{:>6}\t{line}", self.first + at))
    }
}

fn nearest(lines: &Lines<'_>, old: &Passage<'_>) -> Range<usize> {
    let (above, below) = old.outer_blanks();
    let old = old.without_blanks(above, below);
    let height = old.lines.len().min(SHOWN).min(lines.len());
    let scores = scores(lines, &old);
    let mut sum: f64 = scores[..height].iter().sum();
    let (mut best, mut most) = (0, sum);
    for start in 1..=lines.len() - height {
        sum += scores[start + height - 1] - scores[start - 1];
        if sum > most + 1e-9 {
            (best, most) = (start, sum);
        }
    }
    let start = aligned(lines, &old, best, height).min(lines.len() - height);
    start..start + height
}

/// The beginning near `start` at which most lines stand beside their like.
fn aligned(lines: &Lines<'_>, old: &Passage<'_>, start: usize, height: usize) -> usize {
    let wanted: Vec<_> = old
        .lines
        .iter()
        .map(|line| Form::Trimmed.clean(line))
        .collect();
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for line in start..start + height {
        let text = Form::Trimmed.clean(lines.line(line));
        let like = wanted.iter().take(SHOWN).enumerate();
        for (at, _) in like.filter(|(_, like)| **like == text && !like.is_empty()) {
            *votes.entry(line.saturating_sub(at)).or_default() += text.len();
        }
    }
    let most = votes
        .into_iter()
        .max_by_key(|(start, votes)| (*votes, std::cmp::Reverse(*start)));
    most.map_or(start, |(start, _)| start)
}

/// For each line of the file, how much of the passage it holds.
fn scores(lines: &Lines<'_>, old: &Passage<'_>) -> Vec<f64> {
    let cleaned: Vec<_> = old
        .lines
        .iter()
        .map(|line| Form::Trimmed.clean(line))
        .collect();
    let whole = cleaned
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.as_bytes());
    let mut known: HashMap<&[u8], usize> = HashMap::new();
    for part in old.lines.iter().flat_map(|line| words(line)).chain(whole) {
        let next = known.len();
        known.entry(part).or_insert(next);
    }
    // How long each part is, and how often it stands in the file.
    let mut weights = vec![(0_usize, 0_usize); known.len()];
    let mut hits = Vec::new();
    for line in 0..lines.len() {
        let cleaned = Form::Trimmed.clean(lines.line(line));
        for part in words(&cleaned).chain([cleaned.as_bytes()]) {
            if let Some(id) = known.get(part) {
                weights[*id] = (part.len(), weights[*id].1 + 1);
                hits.push((line, *id));
            }
        }
    }
    let mut scores = vec![0.0; lines.len()];
    for (line, id) in hits {
        let (length, count) = weights[id];
        scores[line] += length as f64 / (count as f64).sqrt();
    }
    scores
}

/// Words of two bytes and more.
fn words(line: &str) -> impl Iterator<Item = &[u8]> {
    let part = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'_' && byte.is_ascii();
    let words = line.as_bytes().split(part);
    words.filter(|word| word.len() > 1)
}
