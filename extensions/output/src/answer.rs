//! The JSON in a model's answer: all of it, in a fence, or among words.
//!
//! Three readings, tried in this order; the first in which there is JSON counts, so `[1]` in a sentence does not stand
//! against the object in the fence.

use serde_json::{Deserializer, Value};

/// How many places of a text are tried: models write short answers, and each place may cost the whole text.
const PLACES: usize = 200;

/// The values that the answer may mean, in the order of the text.
pub(crate) fn values(answer: &str) -> Vec<Value> {
    if let Ok(value) = serde_json::from_str(answer.trim().trim_start_matches('\u{feff}')) {
        return vec![value];
    }
    let fenced = fenced(answer);
    match fenced.is_empty() {
        true => among_words(answer),
        false => fenced,
    }
}

/// What stands in fenced blocks and is JSON.
fn fenced(answer: &str) -> Vec<Value> {
    let (mut values, mut block) = (Vec::new(), None::<(&str, String)>);
    for line in answer.lines() {
        let fence = fence(line);
        match (&mut block, fence) {
            (Some((open, text)), Some(close))
                if close.starts_with(*open) && close.len() == line.trim().len() =>
            {
                values.extend(serde_json::from_str::<Value>(text));
                block = None;
            }
            (Some((_, text)), _) => {
                *text += line;
                text.push('\n');
            }
            (None, Some(open)) => block = Some((open, String::new())),
            (None, None) => {}
        }
    }
    // The answer may end before its fence does.
    values.extend(block.and_then(|(_, text)| serde_json::from_str::<Value>(&text).ok()));
    values
}

/// The backticks or tildes that a line begins with, if they are a fence (CommonMark 0.31, 4.5).
fn fence(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let mark = line.chars().next().filter(|mark| "`~".contains(*mark))?;
    let length = line.len() - line.trim_start_matches(mark).len();
    (length >= 3).then(|| &line[..length])
}

/// The outermost objects and arrays.
fn among_words(answer: &str) -> Vec<Value> {
    let (mut values, mut rest) = (Vec::new(), answer);
    for _ in 0..PLACES {
        let Some(at) = rest.find(['{', '[']) else {
            break;
        };
        rest = &rest[at..];
        let mut stream = Deserializer::from_str(rest).into_iter::<Value>();
        let length = match stream.next() {
            Some(Ok(value)) => {
                values.push(value);
                stream.byte_offset()
            }
            _ => 1,
        };
        rest = &rest[length..];
    }
    values
}
