//! The passes, in their order.
//!
//! 1 exact; 2 blanks and line ends; 3 look-alikes; 4 indentation; 5 a slip of copying; 6 elisions; 7 a typo. The next
//! one is tried only when this one found nothing. A pass that finds two places refuses, even if a looser one could
//! choose between them.

use crate::Edit;
use crate::elision;
use crate::exact::exact;
use crate::form::Form;
use crate::lines::{Lines, Passage};
use crate::mapping::Mapping;
use crate::nearest::Nearest;
use crate::paste::{self, Slip};
use crate::placeholder::is_placeholder;
use crate::places::{Found, find, runs};
use crate::rebuild::rebuilt;
use crate::refusal::Refusal;
use crate::splice::{already, many, spliced, stands_around};
use crate::typo;

/// How the old text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Byte for byte.
    Exact,
    /// But for line ends.
    LineEnds,
    /// But for blanks at the ends of lines, and blank lines around it.
    Blanks,
    /// But for look-alike characters and normal forms.
    Marks,
    /// But for its indentation.
    Indentation,
    /// After this was undone.
    Paste(Slip),
    /// With the lines for which its dots stand.
    Elision,
    /// But for one slip of the pen in a line that is kept.
    Typo,
}

/// One edit in a text without a byte order mark: the text after it, and the pass that found the place.
pub fn apply(content: &str, edit: &Edit) -> Result<(String, Pass), Refusal> {
    refuse_what_says_nothing(edit)?;
    if let Some(after) = exact(content, edit)? {
        return Ok((after, Pass::Exact));
    }
    let lines = Lines::new(content);
    let (old, new) = (Passage::new(&edit.old), Passage::new(&edit.new));
    if let Some(done) = by_forms(&lines, &old, &new, edit.all)? {
        return Ok(done);
    }
    for (slip, meant_old, meant_new) in paste::undone(&edit.old, &edit.new) {
        let (old, new) = (Passage::new(&meant_old), Passage::new(&meant_new));
        if let Some((after, _)) = by_forms(&lines, &old, &new, edit.all)? {
            return Ok((after, Pass::Paste(slip)));
        }
    }
    if let Some(after) = elision::apply(&lines, &old, &new)? {
        return Ok((after, Pass::Elision));
    }
    match typo::apply(&lines, &old, &new)? {
        Some(after) => Ok((after, Pass::Typo)),
        None => Err(absent(&lines, &old, &new)),
    }
}

fn refuse_what_says_nothing(edit: &Edit) -> Result<(), Refusal> {
    if edit.old.trim().is_empty() {
        return Err(Refusal::Empty);
    }
    if edit.old == edit.new {
        return Err(Refusal::Identical);
    }
    let mut lines = edit.new.lines().map(str::trim);
    match lines.find(|line| is_placeholder(line) && !edit.old.contains(line)) {
        Some(line) => Err(Refusal::Placeholder(line.to_string())),
        None => Ok(()),
    }
}

/// Passes 2 to 4: whole lines, ever looser.
fn by_forms(
    lines: &Lines<'_>,
    old: &Passage<'_>,
    new: &Passage<'_>,
    all: bool,
) -> Result<Option<(String, Pass)>, Refusal> {
    let differs = |form: &Form| can_find_more(lines.text(), old, *form);
    for form in Form::ALL.into_iter().filter(differs) {
        let Found { places, old, new } = find(lines, old, new, form);
        if places.is_empty() {
            continue;
        }
        if places.len() > 1 && !all {
            return Err(many(lines.text(), &places));
        }
        let mut replacements = Vec::new();
        for place in places {
            let file = place.lines(lines.text());
            let is_new = file == new.lines && file != old.lines;
            if is_new || (!all && stands_around(lines.text(), &place, &new)) {
                return Err(already(lines.text(), &place));
            }
            // Then this place is like the one that was meant, and that one is changed already.
            if !all && new.lines.len() > 1 && stands(lines, &old, &new).is_some() {
                return Err(absent(lines, &old, &new));
            }
            // Indentation that no rule explains may still be one line's slip.
            let Some(mapping) = Mapping::learn(form, &old, &file, &new) else {
                return Ok(None);
            };
            let text = rebuilt(lines.text(), &place, &old, &new, &mapping);
            let Ok(text) = text else {
                return Ok(None);
            };
            replacements.push((place, text));
        }
        let after = spliced(lines.text(), replacements, all)?;
        return Ok(Some((after, pass(form))));
    }
    Ok(None)
}

/// Whether a form may find what those before it did not.
fn can_find_more(text: &str, old: &Passage<'_>, form: Form) -> bool {
    match form {
        Form::Ends => text.contains('\r') || old.line_end == "\r\n" || !text.ends_with('\n'),
        Form::Marks => !text.is_ascii() || !old.lines.iter().all(|line| line.is_ascii()),
        Form::Blanks | Form::Trimmed => true,
    }
}

fn pass(form: Form) -> Pass {
    match form {
        Form::Ends => Pass::LineEnds,
        Form::Blanks => Pass::Blanks,
        Form::Marks => Pass::Marks,
        Form::Trimmed => Pass::Indentation,
    }
}

/// The line where the new text stands, if it is more than a few signs and says what old does not.
fn stands(lines: &Lines<'_>, old: &Passage<'_>, new: &Passage<'_>) -> Option<usize> {
    let said: usize = new.lines.iter().map(|line| line.trim().len()).sum();
    let changes = !new.lines.iter().all(|line| old.lines.contains(line));
    if said <= 8 || !changes {
        return None;
    }
    let first = runs(lines, &new.lines, Form::Blanks).first().copied()?;
    Some(first + 1)
}

/// Nothing was found: what is nearest, and whether the edit was made before.
fn absent(lines: &Lines<'_>, old: &Passage<'_>, new: &Passage<'_>) -> Refusal {
    let trimmed = runs(lines, &old.lines, Form::Trimmed);
    Refusal::Absent {
        already: stands(lines, old, new),
        indentation: trimmed.first().map(|line| line + 1),
        nearest: Nearest::to(lines, old),
    }
}
