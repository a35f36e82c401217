//! New text put where the old one stands, unless it stands there already.

use memchr::memmem;

use crate::form::Form;
use crate::lines::{Lines, Passage};
use crate::places::{Place, runs};
use crate::refusal::Refusal;

/// The text with each place replaced, or why not.
pub fn spliced(
    text: &str,
    replacements: Vec<(Place, String)>,
    all: bool,
) -> Result<String, Refusal> {
    let [(first, _), ..] = &replacements[..] else {
        return Err(Refusal::Empty);
    };
    if replacements.len() > 1 && !all {
        let places: Vec<Place> = replacements.into_iter().map(|(place, _)| place).collect();
        return Err(many(text, &places));
    }
    let stand = |(place, new): &(Place, String)| stands_already(text, place, new);
    if replacements.iter().all(stand) {
        return Err(already(text, first));
    }
    Ok(replaced(text, &replacements))
}

/// The text with new text in each of these places, which are in order.
fn replaced(text: &str, replacements: &[(Place, String)]) -> String {
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for (place, new) in replacements {
        // Lines that repeat may give places that overlap; the first of them counts.
        if place.start() < from {
            continue;
        }
        out += &text[from..place.start()];
        out += new;
        from = place.end;
    }
    out + &text[from..]
}

/// Whether nothing would change, or what the edit adds around the place was added before.
fn stands_already(text: &str, place: &Place, new: &str) -> bool {
    let old = &text[place.range()];
    if old == new {
        return true;
    }
    let mut inner = memmem::find_iter(new.as_bytes(), old.as_bytes());
    inner.any(|at| {
        let adds = |text: &str| text.contains(|character: char| character.is_alphanumeric());
        let added = adds(&new[..at]) || adds(&new[at + old.len()..]);
        let start = place.start().checked_sub(at);
        let there = start.and_then(|start| text.get(start..));
        added && there.is_some_and(|there| there.starts_with(new))
    })
}

/// Whether the new lines stand around the place, whatever the pass made of them: an edit that wraps lines, and indents
/// them, would else find them again within what it made.
pub fn stands_around(text: &str, place: &Place, new: &Passage<'_>) -> bool {
    let old = place.lines(text);
    let adds = |line: &&&str| {
        let told = line.trim();
        told.contains(|character: char| character.is_alphanumeric())
            && !old.iter().any(|old| old.trim() == told)
    };
    if new.lines.len() <= old.len() || new.lines.iter().filter(adds).count() == 0 {
        return false;
    }
    let reach: usize = new.lines.iter().map(|line| 2 * line.len() + 100).sum();
    let start = text.floor_char_boundary(place.start().saturating_sub(reach));
    let start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let end = text.ceil_char_boundary((place.end + reach).min(text.len()));
    let window = Lines::new(&text[start..end]);
    let holds = |first: usize| {
        let last = first + new.lines.len() - 1;
        start + window.start(first) <= place.start() && place.end <= start + window.start(last + 1)
    };
    let mut runs = runs(&window, &new.lines, Form::Blanks).into_iter();
    runs.any(holds)
}

fn line_of(text: &str, place: &Place) -> usize {
    text[..place.start()].matches('\n').count() + 1
}

/// Refuses to make an edit twice.
pub fn already(text: &str, place: &Place) -> Refusal {
    Refusal::Already(line_of(text, place))
}

/// Refuses to choose.
pub fn many(text: &str, places: &[Place]) -> Refusal {
    let lines = places.iter().take(20).map(|place| line_of(text, place));
    Refusal::Many {
        count: places.len(),
        lines: lines.collect(),
    }
}
