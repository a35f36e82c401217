//! What comes in a passage's place.
//!
//! Old and new are compared line by line. A line that both have comes from the file, byte for byte, with its line end;
//! only a line that is new comes from the model, mapped by what the pass found out. So what the model misquoted and
//! did not mean to change stays as it is.

use imara_diff::{Algorithm, Diff, InternedInput};

use crate::form::Form;
use crate::lines::{Passage, line_end_at};
use crate::mapping::Mapping;
use crate::places::Place;

/// Where a line of the new text comes from.
struct Origin {
    /// The line of the old text that it is.
    kept: Option<usize>,
    /// The line of the old text that it stands for or beside.
    beside: usize,
}

/// The text for a place, or the new line that the mapping can't map.
pub fn rebuilt<'a>(
    text: &str,
    place: &Place,
    old: &Passage<'_>,
    new: &Passage<'a>,
    mapping: &Mapping,
) -> Result<String, &'a str> {
    let file = place.lines(text);
    let last = old.lines.len().saturating_sub(1);
    // At the end of a file without a last line end the passage has none either.
    let without = old.ended && place.line_end(text, last).is_empty();
    let ended = new.ended && !without;
    let (mut out, count) = (String::new(), new.lines.len());
    for (at, origin) in origins(old, new, mapping.form()).iter().enumerate() {
        let line = new.lines[at];
        // What old quoted as it is and new has otherwise was meant to change, be it a blank.
        let copied = |kept: usize| old.lines[kept] == line || old.lines[kept] != file[kept];
        match origin.kept.filter(|kept| copied(*kept)) {
            Some(kept) => out += file[kept],
            None => out += &mapping.line(line).ok_or(line)?,
        }
        if at + 1 < count || ended {
            out += match place.line_end(text, origin.beside.min(last)) {
                "" => line_end_at(text, place.end).unwrap_or(new.line_end),
                end => end,
            };
        }
    }
    Ok(out)
}

/// For each line of `new`, what it is of `old`.
fn origins(old: &Passage<'_>, new: &Passage<'_>, form: Form) -> Vec<Origin> {
    // Indentation that differs between old and new is a change, whatever the pass forgives between old and the file.
    let form = form.min(Form::Marks);
    let cleaned = |passage: &Passage<'_>| -> Vec<String> {
        let lines = passage.lines.iter();
        lines.map(|line| form.clean(line).into_owned()).collect()
    };
    let (old, new) = (cleaned(old), cleaned(new));
    // A passage is quoted with what stands around the change: an end that stayed the same is the file's own, even
    // where what was added ends alike.
    let ends = old.iter().rev().zip(new.iter().rev());
    let tail = ends.take_while(|(old, new)| old == new).count();
    let (head, new_head) = (old.len() - tail, new.len() - tail);
    let mut input = InternedInput::default();
    input.update_before(old[..head].iter().map(String::as_str));
    input.update_after(new[..new_head].iter().map(String::as_str));
    let diff = Diff::compute(Algorithm::Myers, &input);
    let (mut origins, mut before) = (Vec::new(), 0);
    let kept = |line: usize| Origin {
        kept: Some(line),
        beside: line,
    };
    for hunk in diff.hunks() {
        let (start, end) = (hunk.before.start as usize, hunk.before.end as usize);
        origins.extend((before..start).map(kept));
        origins.extend(hunk.after.clone().enumerate().map(|(at, _)| Origin {
            kept: None,
            beside: (start + at).min(end.saturating_sub(1)),
        }));
        before = end;
    }
    origins.extend((before..old.len()).map(kept));
    origins
}
