//! Changes as a patch: from what the files were to what is on the disk now.
//!
//! The form is git's, modes, links and quoted names included, so that `git apply` and `patch -p1` make the new tree of
//! the old one. Contents that are no text in UTF-8, or not known, get one sentence that both programs skip.
//! Left out: permission bits other than a file's being executable, because git knows no others.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use imara_diff::{Algorithm, Diff, Hunk, InternedInput};

use crate::change::{self, Change, Found, LARGEST};
use crate::objects::Objects;
use crate::restore::net;

/// Unchanged lines shown on either side of a change.
const AROUND: u32 = 3;

/// A file that is text, or a link, whose text is its target.
#[derive(PartialEq, Eq)]
struct Text {
    /// As git has it: 100644, 100755, or 120000 for a link.
    mode: u32,
    text: String,
}

/// One side of a change: nothing, a text, or the reason why there is none.
type Side = Result<Option<Text>, &'static str>;

fn side(found: Found) -> Side {
    let (mode, content) = match found {
        Found::Absent => return Ok(None),
        Found::Unknown { .. } => return Err("not known"),
        Found::Link { target } => (0o120000, target.into_os_string().into_encoded_bytes()),
        Found::File { content, mode } if mode & 0o100 == 0 => (0o100644, content),
        Found::File { content, .. } => (0o100755, content),
    };
    match String::from_utf8(content) {
        Ok(text) if !text.contains('\0') => Ok(Some(Text { mode, text })),
        _ => Err("binary"),
    }
}

/// The net of `changes`, up to what is on the disk now, as a unified diff; paths below `root` are relative to it,
/// others to `/`.
pub fn patch(changes: &[Change], objects: &Objects, root: &Path) -> String {
    let mut net = net(changes);
    net.sort_by(|one, other| one.path.cmp(&other.path));
    let patches = net.iter().map(|change| {
        let name = change.path.strip_prefix(root);
        let name = name.or_else(|_| change.path.strip_prefix("/"));
        let name = name.unwrap_or(&change.path);
        let old = Found::of(&change.before, objects);
        let new = change::find(&change.path, LARGEST);
        match old == new && !matches!(old, Found::Unknown { .. }) {
            true => String::new(),
            false => file(name, &side(old), &side(new)),
        }
    });
    patches.collect()
}

/// What is to say of one file.
fn file(name: &Path, old: &Side, new: &Side) -> String {
    let what = match (old, new) {
        (Ok(None), _) => "created",
        (_, Ok(None)) => "deleted",
        _ => "changed",
    };
    match (old, new) {
        (Err(why), _) | (_, Err(why)) => {
            format!("{} was {what}; its content is {why}.\n", quoted("", name))
        }
        _ if old == new => String::new(),
        // A file that becomes a link is, to git, one file deleted and another created.
        (Ok(Some(old)), Ok(Some(new))) if old.mode >> 12 != new.mode >> 12 => {
            text(name, Some(old), None) + &text(name, None, Some(new))
        }
        (Ok(old), Ok(new)) => text(name, old.as_ref(), new.as_ref()),
    }
}

fn text(name: &Path, old: Option<&Text>, new: Option<&Text>) -> String {
    let (a, b) = (quoted("a/", name), quoted("b/", name));
    let modes = match (old.map(|old| old.mode), new.map(|new| new.mode)) {
        (Some(old), Some(new)) if old != new => format!("old mode {old:o}\nnew mode {new:o}\n"),
        (Some(old), None) => format!("deleted file mode {old:o}\n"),
        (None, Some(new)) => format!("new file mode {new:o}\n"),
        _ => String::new(),
    };
    let head = format!("diff --git {a} {b}\n{modes}");
    let nothing = ("/dev/null", "");
    let (from, before) = old.map_or(nothing, |old| (&a, &old.text));
    let (to, after) = new.map_or(nothing, |new| (&b, &new.text));
    match before == after {
        true => head,
        false => head + &format!("--- {from}\n+++ {to}\n{}", hunks(before, after)),
    }
}

/// The hunks of a unified diff.
fn hunks(before: &str, after: &str) -> String {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let all: Vec<Hunk> = diff.hunks().collect();
    // Changes whose surroundings meet are shown together.
    let near = |one: &Hunk, next: &Hunk| next.before.start - one.before.end <= 2 * AROUND;
    all.chunk_by(near)
        .map(|group| together(group, &old, &new))
        .collect()
}

/// One `@@` with its lines.
fn together(group: &[Hunk], old: &[&str], new: &[&str]) -> String {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return String::new();
    };
    let lead = first.before.start.min(AROUND);
    let trail = (old.len() as u32 - last.before.end).min(AROUND);
    let start = first.before.start - lead;
    let end = last.before.end + trail;
    let from = range(start, end);
    let to = range(first.after.start - lead, last.after.end + trail);
    let mut out = format!("@@ -{from} +{to} @@\n");
    let mut at = start;
    for hunk in group {
        out += &lines(' ', old, at, hunk.before.start);
        out += &lines('-', old, hunk.before.start, hunk.before.end);
        out += &lines('+', new, hunk.after.start, hunk.after.end);
        at = hunk.before.end;
    }
    out + &lines(' ', old, at, end)
}

/// First line and number of lines as unified diffs count: from 1, and the line before when there are none.
fn range(start: u32, end: u32) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        count => format!("{},{count}", start + 1),
    }
}

fn lines(mark: char, lines: &[&str], start: u32, end: u32) -> String {
    let marked = |line: &&str| match line.ends_with('\n') {
        true => format!("{mark}{line}"),
        false => format!("{mark}{line}\n\\ No newline at end of file\n"),
    };
    lines[start as usize..end as usize]
        .iter()
        .map(marked)
        .collect()
}

/// A path as git writes it: in quotes with escapes if a space, a control character, a quote, a backslash, or what is
/// not UTF-8 is in it.
fn quoted(side: &str, path: &Path) -> String {
    let mut whole = PathBuf::from(side).into_os_string();
    whole.push(path.as_os_str());
    let mut out = String::new();
    for chunk in whole.as_bytes().utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '"' | '\\' => out += &format!("\\{char}"),
                '\0'..' ' | '\x7f' => out += &format!("\\{:03o}", char as u32),
                _ => out.push(char),
            }
        }
        out.extend(chunk.invalid().iter().map(|byte| format!("\\{byte:03o}")));
    }
    match out.contains(['\\', '"', ' ']) {
        true => format!("\"{out}\""),
        false => out,
    }
}
