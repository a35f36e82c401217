//! Pass 1: the bytes of the old text.
//!
//! They are replaced by the bytes of the new one, but for line ends: models write `\n` whatever the file has, so new
//! lines get the line ends of their neighbours. Who quotes the file's own `\r\n` means what is written.

use memchr::memmem;

use crate::Edit;
use crate::form::Form;
use crate::lines::Passage;
use crate::mapping::Mapping;
use crate::places::{MOST, Place};
use crate::rebuild::rebuilt;
use crate::refusal::Refusal;
use crate::splice::{already, spliced, stands_around};

/// The text with the bytes of old replaced; `None` if they are not there.
pub fn exact(content: &str, edit: &Edit) -> Result<Option<String>, Refusal> {
    let at = match edit.all {
        // Places that overlap can't all be replaced.
        true => memmem::find_iter(content.as_bytes(), edit.old.as_bytes()).collect(),
        false => overlapping(content, &edit.old),
    };
    if at.is_empty() {
        return Ok(None);
    }
    let (old, new) = (Passage::new(&edit.old), Passage::new(&edit.new));
    // Old text that has the file's own line ends, and new text with others, is about the line ends.
    let same = old.lines == new.lines && old.ended == new.ended;
    let meant = edit.old.contains("\r\n") && (edit.new.contains("\r\n") || same);
    let plain = !content.contains('\r') && !edit.new.contains('\r');
    let plain_mapping = Mapping::learn(Form::Ends, &old, &old.lines, &new);
    let replacement = |at: usize| {
        let place = Place::of_bytes(content, at, &edit.old);
        let text = match &plain_mapping {
            Some(mapping) if !plain && !meant => rebuilt(content, &place, &old, &new, mapping),
            _ => Ok(edit.new.clone()),
        };
        (place, text.unwrap_or_else(|_| edit.new.clone()))
    };
    let replacements: Vec<_> = at.into_iter().map(replacement).collect();
    if !edit.all
        && let [(place, _)] = &replacements[..]
        && stands_around(content, place, &new)
    {
        return Err(already(content, place));
    }
    spliced(content, replacements, edit.all).map(Some)
}

/// Where `old` begins, places that overlap included.
fn overlapping(content: &str, old: &str) -> Vec<usize> {
    let (text, wanted) = (content.as_bytes(), old.as_bytes());
    // A short needle is looked for many bytes at a time, a long one is not; but where the beginning stands everywhere,
    // comparing the rest at each place would take too long.
    let short = memmem::Finder::new(&wanted[..wanted.len().min(SHORT)]);
    let long = memmem::Finder::new(wanted);
    let mut patience = 16 * text.len();
    let (mut found, mut from) = (Vec::new(), 0);
    while found.len() < MOST {
        let finder = if patience > 0 { &short } else { &long };
        let Some(at) = finder.find(&text[from..]) else {
            break;
        };
        if text[from + at..].starts_with(wanted) {
            found.push(from + at);
        }
        patience = patience.saturating_sub(wanted.len());
        from += at + 1;
    }
    found
}

/// Bytes that are compared at once.
const SHORT: usize = 24;
