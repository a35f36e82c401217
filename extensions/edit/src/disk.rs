//! The way from a call's arguments to a file and back, for both tools.

use std::path::{Path, PathBuf};

use corecoder::Kit;
use corecoder::diff::diff;
use corecoder::files::shown;
use serde_json::Value;

/// Bytes of a diff in an answer, at most.
const SHOWN: usize = 4_000;
/// Lines around a change that the diff needs, and one more.
const AROUND: usize = 4;
/// Bytes that are compared at once.
const BLOCK: usize = 4_096;

/// A text argument; empty if it is not there.
pub fn text<'a>(args: &'a Value, name: &str) -> &'a str {
    args[name].as_str().unwrap_or_default()
}

/// The file that a call names, if it may be written.
pub fn target(args: &Value, kit: &Kit) -> Result<PathBuf, String> {
    let path = kit.files.resolve(text(args, "file_path"))?;
    kit.files.may_write(&path, &*kit.shell)?;
    Ok(path)
}

/// Writes a file; the text says what is worth knowing besides.
pub fn write(path: &Path, content: &str, kit: &Kit) -> Result<String, String> {
    let note = kit.files.write(path, content.as_bytes(), &*kit.shell)?;
    Ok(note.to_string())
}

/// The text of a file that may be written.
pub fn read(path: &Path, kit: &Kit) -> Result<String, String> {
    let bytes = kit.files.before(path, &*kit.shell)?;
    String::from_utf8(bytes).map_err(|_| {
        let name = shown(path);
        format!("{name} is not UTF-8 text, so it is not edited; use a program in bash for it")
    })
}

/// The engine's diff, of the lines between the first change and the last: a large file costs no more than a small one.
pub fn difference(before: &str, after: &str) -> String {
    let (head, tail) = same_ends(before.as_bytes(), after.as_bytes());
    let start = lines_above(before, head);
    let cut = |text: &str| start..lines_below(text, text.len() - tail);
    let shown = diff(&before[cut(before)], &after[cut(after)], SHOWN);
    let above = memchr::memchr_iter(b'\n', &before.as_bytes()[..start]).count();
    let lines = shown.split_inclusive('\n');
    lines.map(|line| moved(line, above)).collect()
}

/// How many bytes are the same at the beginning and, of the rest, at the end.
fn same_ends(before: &[u8], after: &[u8]) -> (usize, usize) {
    // Whole blocks are compared many bytes at a time.
    let blocks = before.chunks_exact(BLOCK).zip(after.chunks_exact(BLOCK));
    let skipped = blocks.take_while(|(one, other)| one == other).count() * BLOCK;
    let rest = before[skipped..].iter().zip(&after[skipped..]);
    let head = skipped + rest.take_while(|(one, other)| one == other).count();
    let (before, after) = (&before[head..], &after[head..]);
    let blocks = before.rchunks_exact(BLOCK).zip(after.rchunks_exact(BLOCK));
    let skipped = blocks.take_while(|(one, other)| one == other).count() * BLOCK;
    let (before, after) = (
        &before[..before.len() - skipped],
        &after[..after.len() - skipped],
    );
    let rest = before.iter().rev().zip(after.iter().rev());
    (
        head,
        skipped + rest.take_while(|(one, other)| one == other).count(),
    )
}

/// A line of a diff, whose head counts lines from further up.
fn moved(line: &str, above: usize) -> String {
    let numbers = line.strip_prefix("@@ -").and_then(|line| {
        let (old, new) = line.trim_end().strip_suffix(" @@")?.split_once(" +")?;
        Some((old.parse::<usize>().ok()?, new.parse::<usize>().ok()?))
    });
    match numbers {
        Some((old, new)) => format!("@@ -{} +{} @@\n", old + above, new + above),
        None => line.to_string(),
    }
}

/// The start of the line some lines above a byte.
fn lines_above(text: &str, byte: usize) -> usize {
    let mut ends = memchr::memrchr_iter(b'\n', &text.as_bytes()[..byte]);
    ends.nth(AROUND).map_or(0, |end| end + 1)
}

/// The end of the line some lines below a byte.
fn lines_below(text: &str, byte: usize) -> usize {
    let mut ends = memchr::memchr_iter(b'\n', &text.as_bytes()[byte..]);
    ends.nth(AROUND).map_or(text.len(), |end| byte + end + 1)
}
