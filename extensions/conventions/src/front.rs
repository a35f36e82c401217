//! Front matter: the YAML between two lines `---` with which a Markdown file may begin.
//!
//! Only the values at its top are kept, as text. They are taken from the parser's events: nothing is nested, an alias is
//! not followed, so no document can make more of itself than its own length.
//!
//! People write descriptions with a colon in them and hints such as `[file] [line]`, which is not YAML, and other programs
//! read it. So what does not parse is tried once more with such values quoted; if that fails too, the first error stands.

use std::collections::HashMap;
use std::path::Path;

use granit_parser::{Event, Parser, ScalarStyle};

use crate::file::{self, shown};

/// How much of a file is read for its front matter, in bytes.
const HEAD: usize = 16 * 1024;
/// How long a whole file may be, in bytes: more than any model should be told at once.
const WHOLE: usize = 256 * 1024;

/// What stands at the beginning of a file.
pub(crate) struct Head {
    values: HashMap<String, String>,
    /// The beginning of the body.
    pub opening: String,
}

impl Head {
    /// Reads the first 16 KiB. The error names the file, the line and the reason.
    pub fn read(path: &Path) -> Result<Head, String> {
        let content = file::read(path, HEAD).map_err(|error| problem(path, &error))?;
        let at = |(line, reason): (usize, String)| format!("{}:{line}: {reason}", shown(path));
        let (yaml, body) = split(&content.text, content.is_whole).map_err(at)?;
        Ok(Head {
            values: parse(yaml).map_err(at)?,
            opening: body.to_string(),
        })
    }

    /// A value that is not empty, on one line.
    pub fn get(&self, key: &str) -> Option<String> {
        let value = self.values.get(key).map(|value| one_line(value));
        value.filter(|value| !value.is_empty())
    }

    /// Whether a value is the word `true` or `false`, however it is written.
    pub fn says(&self, key: &str, word: &str) -> bool {
        self.get(key)
            .is_some_and(|value| value.eq_ignore_ascii_case(word))
    }
}

/// The body of a file, all of it. The error names the file.
pub(crate) fn body(path: &Path) -> Result<String, String> {
    let content = file::read(path, WHOLE).map_err(|error| problem(path, &error))?;
    if !content.is_whole {
        let bytes = content.bytes;
        return Err(problem(
            path,
            &format!("it has {bytes} bytes; at most {WHOLE} are sent, so shorten it"),
        ));
    }
    let at = |(line, reason)| format!("{}:{line}: {reason}", shown(path));
    let (_, body) = split(&content.text, true).map_err(at)?;
    match body.trim() {
        "" => Err(problem(path, &"it says nothing below its front matter")),
        body => Ok(body.to_string()),
    }
}

pub(crate) fn problem(path: &Path, reason: &dyn std::fmt::Display) -> String {
    format!("{}: {reason}", shown(path))
}

/// Text on one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    file::plain(&words.join(" "))
}

/// The YAML, empty if there is none, and what follows it.
fn split(text: &str, is_whole: bool) -> Result<(&str, &str), (usize, String)> {
    let is_fence = |line: &str| line.trim_end() == "---";
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| is_fence(line));
    let Some(start) = first.map(str::len) else {
        return Ok(("", text));
    };
    let mut end = start;
    for line in lines {
        if is_fence(line) {
            return Ok((&text[start..end], &text[end + line.len()..]));
        }
        end += line.len();
    }
    let reason = match is_whole {
        true => "the front matter that begins here has no end: a line `---` is missing".to_string(),
        false => format!("the front matter that begins here does not end within {HEAD} bytes"),
    };
    Err((1, reason))
}

/// The values at the top of the YAML. Lines are counted in the file, whose first line is the fence.
fn parse(yaml: &str) -> Result<HashMap<String, String>, (usize, String)> {
    values(yaml).or_else(|error| values(&quoted(yaml)).map_err(|_| error))
}

fn values(yaml: &str) -> Result<HashMap<String, String>, (usize, String)> {
    let (mut values, mut key, mut list) = (HashMap::new(), None, Vec::new());
    let mut depth = 0;
    for next in Parser::new_from_str(yaml) {
        let (event, span) = next.map_err(|error| (error.marker().line() + 1, error.info()))?;
        let mut node = None;
        match event {
            Event::MappingStart(..) => depth += 1,
            Event::SequenceStart(..) if depth > 0 => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => {
                depth -= 1;
                node = (depth == 1).then(|| format!("[{}]", std::mem::take(&mut list).join(", ")));
            }
            Event::Scalar(text, style, ..) if depth == 1 => {
                let is_null = style == ScalarStyle::Plain && ["~", "null"].contains(&&*text);
                node = Some(if is_null {
                    String::new()
                } else {
                    text.into_owned()
                });
            }
            Event::Scalar(text, ..) if depth == 2 => list.push(text.into_owned()),
            Event::Alias(_) if depth == 1 => node = Some(String::new()),
            Event::Scalar(..) | Event::SequenceStart(..) if depth == 0 => {
                let reason = "lines such as `description: what it is for` are expected here";
                return Err((span.start.line() + 1, reason.to_string()));
            }
            _ => {}
        }
        // A node at depth 1 is a key or, after a key, its value.
        match (key.take(), node) {
            (None, node) => key = node,
            (Some(name), Some(value)) => drop(values.insert(name, value)),
            (name, None) => key = name,
        }
    }
    Ok(values)
}

/// The YAML with those one-line values at its top in quotes that are not YAML as they stand, but mean themselves.
fn quoted(yaml: &str) -> String {
    let line = |line: &str| {
        let (key, value) = line.split_once(": ")?;
        let value = value.trim();
        let is_key = !key.is_empty() && !key.contains(|c: char| c.is_whitespace() || c == '#');
        let is_hint = value.starts_with('[') && value.contains(']');
        let is_marked = value.starts_with(['*', '&', '%', '@', '`', '!']);
        let has_colon = value.contains(": ") && !value.starts_with(['"', '\'', '[', '{']);
        let needs = is_key && (is_hint || is_marked || has_colon);
        needs.then(|| format!("{key}: '{}'", value.replace('\'', "''")))
    };
    let lines = yaml
        .lines()
        .map(|text| line(text).unwrap_or_else(|| text.to_string()));
    lines.collect::<Vec<_>>().join("\n")
}
