//! Where a passage stands in a file.
//!
//! The search is over whole lines, by Knuth, Morris and Pratt, so it takes time in proportion to the file whatever the
//! passage is. Only if whole lines are not found, the passage may begin or end within a line.

use std::ops::Range;

use crate::form::Form;
use crate::lines::{Lines, Passage, is_blank};

/// More places than this are not looked for: two are too many already.
pub const MOST: usize = 1_000;

/// One place of a passage: the bytes of the file for each of its lines, without line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub pieces: Vec<Range<usize>>,
    /// Where the passage ends, with the end of its last line if the passage has that.
    pub end: usize,
}

impl Place {
    pub fn start(&self) -> usize {
        self.pieces.first().map_or(self.end, |piece| piece.start)
    }

    pub fn range(&self) -> Range<usize> {
        self.start()..self.end
    }

    /// The line end of the file behind a line of the passage; empty at the end of the file, or of the passage.
    pub fn line_end<'a>(&self, text: &'a str, line: usize) -> &'a str {
        let next = self
            .pieces
            .get(line + 1)
            .map_or(self.end, |next| next.start);
        self.pieces
            .get(line)
            .map_or("", |piece| &text[piece.end..next])
    }

    /// What the file has for the passage's lines.
    pub fn lines<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let pieces = self.pieces.iter();
        pieces.map(|piece| &text[piece.clone()]).collect()
    }

    /// The place of a passage that stands at this line, line by line.
    pub fn of_lines(lines: &Lines<'_>, first: usize, passage: &Passage<'_>) -> Place {
        let after = first + passage.lines.len();
        let pieces: Vec<_> = (first..after).map(|line| lines.range(line)).collect();
        let end = match pieces.last() {
            Some(last) if !passage.ended => last.end,
            _ => lines.start(after),
        };
        Place { pieces, end }
    }

    /// The place of a passage that stands byte for byte at this one.
    pub fn of_bytes(text: &str, at: usize, old: &str) -> Place {
        let (mut pieces, mut start) = (Vec::new(), at);
        for (line, whole) in Passage::new(old)
            .lines
            .iter()
            .zip(old.split_inclusive('\n'))
        {
            pieces.push(start..start + line.len());
            start += whole.len();
        }
        // A line feed at the beginning of the passage may be the second half of a line end.
        let halved = old.starts_with('\n') && text[..at].ends_with('\r');
        if halved && let Some(first) = pieces.first_mut() {
            *first = at - 1..at - 1;
        }
        Place { pieces, end: start }
    }
}

/// The places of a passage, and the passage without the blank lines around it that the file has not.
pub struct Found<'a> {
    pub places: Vec<Place>,
    pub old: Passage<'a>,
    pub new: Passage<'a>,
}

/// Where `old` stands in this form: as whole lines, else but for blank lines around it, else within lines.
pub fn find<'a>(lines: &Lines<'_>, old: &Passage<'a>, new: &Passage<'a>, form: Form) -> Found<'a> {
    let found = |places| Found {
        places,
        old: old.clone(),
        new: new.clone(),
    };
    let starts = runs(lines, &old.lines, form);
    if !starts.is_empty() {
        let places = starts.into_iter();
        return found(
            places
                .map(|start| Place::of_lines(lines, start, old))
                .collect(),
        );
    }
    if form > Form::Ends
        && let Some(found) = without_outer_blanks(lines, old, new, form)
    {
        return found;
    }
    found(match form {
        Form::Trimmed => Vec::new(),
        _ => within_lines(lines, old, form),
    })
}

/// The lines where these lines stand one after another, from zero.
pub fn runs(lines: &Lines<'_>, wanted: &[&str], form: Form) -> Vec<usize> {
    let wanted: Vec<_> = wanted.iter().map(|line| form.clean(line)).collect();
    let back = fallbacks(&wanted);
    let (mut found, mut matched) = (Vec::new(), 0);
    for at in 0..lines.len() {
        let line = form.clean(lines.line(at));
        while matched > 0 && wanted.get(matched) != Some(&line) {
            matched = back[matched - 1];
        }
        matched += usize::from(wanted.get(matched) == Some(&line));
        if matched > 0 && matched == wanted.len() {
            found.push(at + 1 - matched);
            if found.len() >= MOST {
                break;
            }
        }
    }
    found
}

/// For each beginning of `wanted`, the length of the longest beginning that is also its end.
fn fallbacks<T: PartialEq>(wanted: &[T]) -> Vec<usize> {
    let mut back = vec![0; wanted.len()];
    for at in 1..wanted.len() {
        let mut length = back[at - 1];
        while length > 0 && wanted[at] != wanted[length] {
            length = back[length - 1];
        }
        back[at] = length + usize::from(wanted[at] == wanted[length]);
    }
    back
}

/// The place of what stands between the blank lines around `old`, with as many of those as the file has.
fn without_outer_blanks<'a>(
    lines: &Lines<'_>,
    old: &Passage<'a>,
    new: &Passage<'a>,
    form: Form,
) -> Option<Found<'a>> {
    let (above, below) = old.outer_blanks();
    if above + below == 0 {
        return None;
    }
    let core = old.without_blanks(above, below);
    let starts = runs(lines, &core.lines, form);
    let blank = |line: usize| line < lines.len() && is_blank(lines.line(line));
    let has_above = |start: usize| {
        (1..=above.min(start))
            .take_while(|far| blank(start - far))
            .count()
    };
    let has_below = |start: usize| {
        let after = start + core.lines.len();
        (0..below).take_while(|far| blank(after + far)).count()
    };
    // All places are to have the same lines, as many as each of them has.
    let has_above = starts.iter().map(|start| has_above(*start)).min()?;
    let has_below = starts.iter().map(|start| has_below(*start)).min()?;
    let (too_many_above, too_many_below) = (above - has_above, below - has_below);
    let old = old.without_blanks(too_many_above, too_many_below);
    let places = starts.iter().map(|start| start - has_above);
    Some(Found {
        places: places
            .map(|start| Place::of_lines(lines, start, &old))
            .collect(),
        new: new.without_blanks(too_many_above, too_many_below),
        old,
    })
}

/// The places where `old` begins or ends within a line.
fn within_lines(lines: &Lines<'_>, old: &Passage<'_>, form: Form) -> Vec<Place> {
    let Some((first, rest)) = old.lines.split_first() else {
        return Vec::new();
    };
    // A blank beginning would be found at the end of each line.
    if is_blank(first) {
        return Vec::new();
    }
    if rest.is_empty() && !old.ended {
        return within_one_line(lines, first, form);
    }
    let whole = if old.ended {
        rest
    } else {
        &rest[..rest.len() - 1]
    };
    let starts: Vec<usize> = match whole {
        [] => (0..lines.len()).collect(),
        _ => {
            let starts = runs(lines, whole, form).into_iter();
            starts.filter_map(|start| start.checked_sub(1)).collect()
        }
    };
    let places = starts
        .into_iter()
        .filter_map(|start| open_ended(lines, start, old, form));
    places.take(MOST).collect()
}

/// The place whose first line ends with the passage's first, and whose last begins with its last.
fn open_ended(lines: &Lines<'_>, start: usize, old: &Passage<'_>, form: Form) -> Option<Place> {
    let last = start + old.lines.len() - 1;
    if last >= lines.len() {
        return None;
    }
    let mut place = Place::of_lines(lines, start, old);
    let (line, wanted) = (lines.line(start), form.clean(old.lines.first()?));
    let cleaned = form.clean(line);
    let offset = cleaned.strip_suffix(&*wanted)?.len();
    place.pieces[0].start = lines.start(start) + form.offset(line, offset)?;
    if !old.ended {
        let (line, raw) = (lines.line(last), old.lines.last()?);
        let (cleaned, wanted) = (form.clean(line), form.clean(raw));
        let rest = cleaned.strip_prefix(&*wanted)?;
        if !rest.is_empty() {
            // Blanks at the end of the passage are then blanks within the line, and were not forgiven.
            let offset = form
                .offset(line, wanted.len())
                .filter(|_| *raw == raw.trim_end())?;
            place.end = lines.start(last) + offset;
            place.pieces.last_mut()?.end = place.end;
        }
    }
    Some(place)
}

/// The places of a piece of a line.
fn within_one_line(lines: &Lines<'_>, wanted: &str, form: Form) -> Vec<Place> {
    let cleaned = form.clean(wanted);
    let to_the_end = wanted.trim_end() != wanted;
    let finder = memchr::memmem::Finder::new(cleaned.as_bytes());
    let mut places = Vec::new();
    for at in 0..lines.len() {
        let (line, start) = (lines.line(at), lines.start(at));
        let text = form.clean(line);
        for found in finder.find_iter(text.as_bytes()) {
            let end = found + cleaned.len();
            let ends = (form.offset(line, found), form.offset(line, end));
            if let (Some(from), Some(to)) = ends
                && (!to_the_end || end == text.len())
            {
                places.push(Place {
                    pieces: std::iter::once(start + from..start + to).collect(),
                    end: start + to,
                });
            }
        }
        if places.len() >= MOST {
            break;
        }
    }
    places
}
