//! Pass 6: `...` for lines that old and new both leave out.
//!
//! Both must leave out as often, and the parts between must stand in the file in this order in one way only. What the
//! dots stand for is not touched. Dots in one of the two alone are refused: they would delete, or be written.

use std::ops::Range;

use crate::form::Form;
use crate::lines::{Lines, Passage};
use crate::mapping::Mapping;
use crate::nearest::Nearest;
use crate::placeholder::is_elision;
use crate::places::{Place, find};
use crate::rebuild::rebuilt;
use crate::refusal::Refusal;
use crate::splice::spliced;

/// The text after the edit; `None` if old leaves nothing out.
pub fn apply(
    lines: &Lines<'_>,
    old: &Passage<'_>,
    new: &Passage<'_>,
) -> Result<Option<String>, Refusal> {
    if !old.lines.iter().any(|line| is_elision(line)) {
        return Ok(None);
    }
    let refused = || Refusal::Elided(Nearest::to(lines, old));
    let parts = pairs(old, new).ok_or_else(refused)?;
    let readings: Vec<Vec<Part<'_>>> = parts
        .iter()
        .map(|(old, new)| readings(lines, old, new))
        .collect();
    let chosen = only_way(&readings).ok_or_else(refused)?;
    let replacements: Option<Vec<_>> = chosen.into_iter().map(|part| part.rebuilt(lines)).collect();
    spliced(lines.text(), replacements.ok_or_else(refused)?, true).map(Some)
}

/// One part of old at one place, with what new has for it.
struct Part<'a> {
    place: Place,
    old: Passage<'a>,
    new: Passage<'a>,
}

impl Part<'_> {
    fn rebuilt(&self, lines: &Lines<'_>) -> Option<(Place, String)> {
        let (text, file) = (lines.text(), self.place.lines(lines.text()));
        let mapping = Mapping::learn(Form::Marks, &self.old, &file, &self.new)?;
        let new = rebuilt(text, &self.place, &self.old, &self.new, &mapping).ok()?;
        Some((self.place.clone(), new))
    }
}

/// The parts of old with those of new; blank parts at the ends, where old begins or ends with dots, are left out.
fn pairs<'a>(old: &Passage<'a>, new: &Passage<'a>) -> Option<Vec<(Passage<'a>, Passage<'a>)>> {
    let (old, new) = (parts(old), parts(new));
    if old.len() != new.len() {
        return None;
    }
    let blank = |part: &Passage<'_>| part.lines.iter().all(|line| line.trim().is_empty());
    let pairs: Vec<_> = old.into_iter().zip(new).collect();
    // Nothing says where a part that only new has belongs.
    if pairs.iter().any(|(old, new)| blank(old) && !blank(new)) {
        return None;
    }
    let pairs: Vec<_> = pairs.into_iter().filter(|(old, _)| !blank(old)).collect();
    (!pairs.is_empty()).then_some(pairs)
}

fn parts<'a>(passage: &Passage<'a>) -> Vec<Passage<'a>> {
    let pieces: Vec<&[&str]> = passage.lines.split(|line| is_elision(line)).collect();
    let last = pieces.len() - 1;
    let part = |(at, lines): (usize, &&[&'a str])| Passage {
        lines: lines.to_vec(),
        ended: at < last || passage.ended,
        ..*passage
    };
    pieces.iter().enumerate().map(part).collect()
}

/// Where a part stands, by the strictest form that finds it.
fn readings<'a>(lines: &Lines<'_>, old: &Passage<'a>, new: &Passage<'a>) -> Vec<Part<'a>> {
    for form in [Form::Ends, Form::Blanks, Form::Marks] {
        let found = find(lines, old, new, form);
        if !found.places.is_empty() {
            let part = |place| Part {
                place,
                old: found.old.clone(),
                new: found.new.clone(),
            };
            return found.places.into_iter().map(part).collect();
        }
    }
    Vec::new()
}

/// One place of each part, one behind the other, if there is one such choice alone.
fn only_way<'a, 'b>(readings: &'b [Vec<Part<'a>>]) -> Option<Vec<&'b Part<'a>>> {
    let mut ways: Vec<Vec<&Part<'_>>> = vec![Vec::new()];
    for places in readings {
        let mut longer = Vec::new();
        for way in &ways {
            let from = way.last().map_or(0, |part| part.place.end);
            let fits = |range: Range<usize>| range.start >= from;
            for part in places.iter().filter(|part| fits(part.place.range())) {
                longer.push([&way[..], &[part]].concat());
                if longer.len() > 1_000 {
                    return None;
                }
            }
        }
        ways = longer;
    }
    match ways.len() {
        1 => ways.pop(),
        _ => None,
    }
}
