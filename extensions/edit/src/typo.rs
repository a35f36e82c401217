//! Pass 7: one slip of the pen, in a line that the edit keeps.
//!
//! All other lines must stand in the file, at least two of them not blank, in one place only. The line itself may
//! differ in its blanks, or in one letter of a longer word that is missing, added, wrong or swapped with the next. The
//! edit must keep it: then it comes from the file, and nothing rests on what the model took it for. Digits and signs
//! are no slips; they mean something else.

use crate::form::Form;
use crate::lines::{Lines, Passage, is_blank};
use crate::mapping::Mapping;
use crate::places::{Place, runs};
use crate::rebuild::rebuilt;
use crate::refusal::Refusal;
use crate::splice::{many, spliced};

/// A half of the passage that stands in more places than this does not tell where the passage is.
const MOST: usize = 200;

/// The text after the edit; `None` if there is no such line.
pub fn apply(
    lines: &Lines<'_>,
    old: &Passage<'_>,
    new: &Passage<'_>,
) -> Result<Option<String>, Refusal> {
    if old.lines.iter().filter(|line| !is_blank(line)).count() < 3 {
        return Ok(None);
    }
    let mut places = almost(lines, old);
    places.retain(|(start, odd)| is_kept_slip(old, new, *odd, lines.line(start + odd)));
    let [(start, odd)] = places[..] else {
        let places = places.iter();
        let places: Vec<_> = places
            .map(|(start, _)| Place::of_lines(lines, *start, old))
            .collect();
        return match places.len() {
            0 => Ok(None),
            _ => Err(many(lines.text(), &places)),
        };
    };
    let (mistaken, meant) = (old.lines[odd], lines.line(start + odd));
    // With the slip mended in both, the passage stands in the file.
    let (old, new) = (mended(old, mistaken, meant), mended(new, mistaken, meant));
    let place = Place::of_lines(lines, start, &old);
    let file = place.lines(lines.text());
    let text = Mapping::learn(Form::Marks, &old, &file, &new)
        .and_then(|mapping| rebuilt(lines.text(), &place, &old, &new, &mapping).ok());
    text.map(|text| spliced(lines.text(), vec![(place, text)], false))
        .transpose()
}

fn mended<'a>(passage: &Passage<'a>, mistaken: &str, meant: &'a str) -> Passage<'a> {
    let mend = |line: &'a str| if line == mistaken { meant } else { line };
    Passage {
        lines: passage.lines.iter().copied().map(mend).collect(),
        ..*passage
    }
}

/// Where all lines of `old` but one stand: the first line, and which one differs.
fn almost(lines: &Lines<'_>, old: &Passage<'_>) -> Vec<(usize, usize)> {
    // One half of the passage has no slip.
    let half = old.lines.len() / 2;
    let (upper, lower) = old.lines.split_at(half);
    let found = |half: &[&str]| {
        let starts = runs(lines, half, Form::Marks);
        if starts.len() > MOST {
            Vec::new()
        } else {
            starts
        }
    };
    let (upper, lower) = (found(upper), found(lower).into_iter());
    let lower: Vec<_> = lower.filter_map(|start| start.checked_sub(half)).collect();
    let cleaned: Vec<_> = old
        .lines
        .iter()
        .map(|line| Form::Marks.clean(line))
        .collect();
    let mut starts = [upper, lower].concat();
    starts.sort_unstable();
    starts.dedup();
    let odd = |start: usize| {
        let differ = |at: &usize| Form::Marks.clean(lines.line(start + at)) != cleaned[*at];
        let mut odd = (0..cleaned.len()).filter(differ);
        let first = odd.next()?;
        odd.next().is_none().then_some((start, first))
    };
    starts.retain(|start| start + old.lines.len() <= lines.len());
    starts.into_iter().filter_map(odd).collect()
}

/// Whether a line of old is the file's but for a slip, and stays what it is.
fn is_kept_slip(old: &Passage<'_>, new: &Passage<'_>, odd: usize, meant: &str) -> bool {
    let mistaken = old.lines[odd];
    let once = |passage: &Passage<'_>| {
        let same = passage.lines.iter().filter(|line| **line == mistaken);
        same.count() == 1
    };
    once(old) && once(new) && is_slip(mistaken, meant)
}

/// Whether two lines differ in blanks alone, or in one letter of a word.
fn is_slip(mistaken: &str, meant: &str) -> bool {
    let bare = |line: &str| -> Vec<char> {
        let line = Form::Trimmed.clean(line);
        line.chars().filter(|c| !c.is_whitespace()).collect()
    };
    if bare(mistaken) == bare(meant) {
        return true;
    }
    let whole = |line: &str| -> Vec<char> { Form::Marks.clean(line).chars().collect() };
    is_misspelt(&whole(mistaken), &whole(meant))
}

/// Whether one letter is missing, added, wrong, or swapped with the next, in a word of at least four.
fn is_misspelt(mistaken: &[char], meant: &[char]) -> bool {
    let same = |(one, other): &(&char, &char)| one == other;
    let head = mistaken.iter().zip(meant).take_while(same).count();
    let (mistaken_rest, meant_rest) = (&mistaken[head..], &meant[head..]);
    let ends = mistaken_rest.iter().rev().zip(meant_rest.iter().rev());
    let tail = ends.take_while(same).count();
    let wrong = &mistaken_rest[..mistaken_rest.len() - tail];
    let right = &meant_rest[..meant_rest.len() - tail];
    let slip = match (wrong, right) {
        ([], [_]) | ([_], []) | ([_], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    };
    let letters = wrong.iter().chain(right).all(|c| c.is_alphabetic());
    slip && letters && word_around(mistaken, head) >= 4 && word_around(meant, head) >= 4
}

/// The length of the word at, or just before, a place.
fn word_around(line: &[char], at: usize) -> usize {
    let part = |c: &&char| c.is_alphabetic();
    let before = line[..at].iter().rev().take_while(part).count();
    before + line[at..].iter().take_while(part).count()
}
