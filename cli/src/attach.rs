//! `@path` in a message brings the file or the picture along.
//!
//! What is no file stays as it is written: an `@` may mean a person. What can't be attached is said.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use corecoder::files::shown;
use corecoder::{Entry, Picture};

/// The largest text that is attached, in bytes: a model can read the rest by itself.
const TEXT: u64 = 100_000;
/// The largest picture, in bytes: what providers take (Anthropic's "vision", 5 MB).
const PICTURE: u64 = 5 << 20;

/// What a message brings along, and what of it could not be brought.
#[derive(Debug, Default, PartialEq)]
pub struct Attached {
    pub entries: Vec<Entry>,
    /// What was attached, for the person.
    pub names: Vec<String>,
    pub problems: Vec<String>,
}

/// Reads what the message names with `@`, relative to `folder`, unless it is `refused`, with the reason, or `is_other`
/// than a file.
pub fn attached(
    message: &str,
    folder: &Path,
    home: Option<&Path>,
    refused: impl Fn(&Path) -> Option<String>,
    is_other: impl Fn(&str) -> bool,
) -> Attached {
    let mut attached = Attached::default();
    let mut seen: Vec<PathBuf> = Vec::new();
    for name in names(message).into_iter().filter(|name| !is_other(name)) {
        let Some(path) = place(&name, folder, home) else {
            if looks_like_a_file(&name) {
                let words = format!("there is no file {name}, so @{name} stays text");
                attached.problems.push(words);
            }
            continue;
        };
        if seen.contains(&path) {
            continue;
        }
        seen.push(path.clone());
        match refused(&path).map_or_else(|| entry(&name, &path), Err) {
            Ok(entry) => {
                attached.names.push(name);
                attached.entries.push(entry);
            }
            Err(why) => attached
                .problems
                .push(format!("@{name} is not attached: {why}")),
        }
    }
    attached
}

/// The words behind an `@` that begins a word; in quotes, if there are blanks in them.
pub fn names(message: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in message.match_indices('@') {
        let begins = message[..at].chars().next_back();
        if begins.is_some_and(|c| !c.is_whitespace() && !matches!(c, '(' | '"' | '\'' | '[')) {
            continue;
        }
        let rest = &message[at + 1..];
        let name = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next().unwrap_or_default(),
            None => rest.split(char::is_whitespace).next().unwrap_or_default(),
        };
        names.push(name.to_string());
    }
    names
}

/// Whether a name was meant for a file: `@src/a.rs`, `@notes.txt`; not `@maria`, nor the package `@types/node`.
fn looks_like_a_file(name: &str) -> bool {
    let end = name.trim_end_matches(|c: char| !c.is_alphanumeric());
    let ending = end.rsplit_once('.').map_or("", |(_, ending)| ending);
    (1..=5).contains(&ending.len()) && ending.chars().all(char::is_alphanumeric)
}

/// The file or folder that a name means, less the punctuation of the sentence that it stands in.
fn place(name: &str, folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let of = |name: &str| match (name.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => folder.join(name),
    };
    let trimmed = name.trim_end_matches([',', '.', ';', ':', '!', '?', ')', ']', '\'', '"']);
    let names = [name, trimmed].into_iter().filter(|name| !name.is_empty());
    names
        .map_while(|name| Some(of(name)))
        .find(|path| path.exists())
}

fn entry(name: &str, path: &Path) -> Result<Entry, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_dir() {
        return Ok(Entry::Note(listing(name, path)));
    }
    if !metadata.is_file() {
        return Err("it is no file".to_string());
    }
    let bytes = read(path, PICTURE + 1)?;
    if let Some(kind) = picture(&bytes) {
        return match bytes.len() as u64 {
            0..=PICTURE => Ok(Entry::Picture(Picture {
                name: name.to_string(),
                media_type: kind.to_string(),
                data: STANDARD.encode(&bytes),
            })),
            _ => Err("a picture may have 5 MB at most".to_string()),
        };
    }
    if bytes.contains(&0) {
        return Err("it is neither text nor a PNG, JPEG, GIF or WebP picture".to_string());
    }
    let cut = bytes.len() as u64 > TEXT;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT as usize)]).into_owned();
    let note = match cut {
        true => format!(
            " (its first {TEXT} bytes of {}; read on with read_file)",
            metadata.len()
        ),
        false => String::new(),
    };
    let place = shown(path);
    Ok(Entry::Note(format!(
        "[the user attached {place}{note}]\n{text}"
    )))
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let read = file.take(most).read_to_end(&mut bytes);
    read.map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn listing(name: &str, folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            format!("{}{slash}", shown(Path::new(&entry.file_name())))
        })
        .collect();
    names.sort();
    let more = names.len().saturating_sub(200);
    names.truncate(200);
    let more = if more > 0 {
        format!("\n... and {more} more")
    } else {
        String::new()
    };
    format!(
        "[the user attached the folder {name}]\n{}{more}",
        names.join("\n")
    )
}

/// The media type of a picture that providers take, told from its first bytes.
fn picture(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some("image/webp"),
        _ => None,
    }
}
