//! The forms in which models write calls as text, and what they mean.
//!
//! JSON: `{"name": .., "arguments": ..}` with the synonyms of other protocols, lists of such under `tool_calls`, and
//! arguments alone behind a name (`Action: NAME`, `<function=NAME>`, `NAME{..}`). XML: `<function=NAME>` with
//! `<parameter=KEY>`. Python: `NAME(key="value")` alone on its line.
//!
//! Left out: positional arguments, which any code has; names without any mark, which any sentence has.

use serde_json::{Map, Value};

use crate::wire::text;

/// A call: its place, its name, its arguments.
type Call = (usize, String, Value);

/// The calls that the mark at this place begins, and where they end; `None` if it is no call's mark.
pub(super) fn at(text: &str, at: usize) -> Option<(Vec<Call>, usize)> {
    match text.as_bytes()[at] {
        b'{' => json(text, at),
        b'<' => xml(text, at),
        _ => python(text, at),
    }
}

fn json(whole: &str, at: usize) -> Option<(Vec<Call>, usize)> {
    let before = whole[..at].trim_end_matches([' ', '\t']);
    let begins = before.is_empty() || before.ends_with(['\n', '>', '[', ',', '}']);
    let name = name_before(before);
    if !begins && name.is_none() {
        return None;
    }
    let (object, length) = text::first_json(&whole[at..])?;
    let mut calls: Vec<Call> = Vec::new();
    add_calls(&object, at, &mut calls);
    if let Some((start, name)) = name.filter(|_| calls.is_empty() && object.is_object()) {
        calls.push((start, name.to_string(), object));
    }
    Some((calls, at + length))
}

/// A name that stands before its arguments, with what marks it as one.
fn name_before(before: &str) -> Option<(usize, &str)> {
    let before = before.trim_end();
    let before = before.strip_suffix("```json").unwrap_or(before).trim_end();
    let before = before
        .strip_suffix("Action Input:")
        .unwrap_or(before)
        .trim_end();
    let inner = before.strip_suffix('>');
    let word = inner.unwrap_or(before);
    let start = word.rfind(|c: char| !is_word(c));
    let start = start.map_or(0, |at| word.ceil_char_boundary(at + 1));
    let (lead, name) = word.split_at(start);
    let marks = ["Action: ", "[TOOL_CALLS]", "<｜tool▁sep｜>"];
    let place = match inner {
        Some(_) => lead.strip_suffix("<function=")?.len(),
        None => marks
            .iter()
            .find(|mark| lead.ends_with(*mark))
            .map(|_| start)?,
    };
    (!name.is_empty()).then_some((place, name))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-' || c == '.'
}

fn add_calls(value: &Value, at: usize, calls: &mut Vec<Call>) {
    for list in ["tool_calls", "calls"] {
        for call in value[list].as_array().into_iter().flatten() {
            add_calls(call, at, calls);
        }
    }
    let wrapped = ["function", "tool_call", "function_call"].map(|key| &value[key]);
    let object = wrapped
        .into_iter()
        .find(|inner| inner.is_object())
        .unwrap_or(value);
    let first = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key)).cloned();
    let Some(Value::String(name)) = first(&["name", "tool", "tool_name", "function", "action"])
    else {
        return;
    };
    let args = first(&[
        "arguments",
        "parameters",
        "args",
        "params",
        "input",
        "action_input",
        "tool_input",
    ]);
    // Some servers' own form: JSON in a string.
    let args = args.map(|args| args.as_str().and_then(text::json).unwrap_or(args));
    if let Some(args) = args.filter(Value::is_object) {
        calls.push((at, name, args));
    }
}

/// `<function=NAME><parameter=KEY>text</parameter></function>`, as Qwen3-Coder writes it.
fn xml(whole: &str, at: usize) -> Option<(Vec<Call>, usize)> {
    let (name, body) = whole[at..].strip_prefix("<function=")?.split_once('>')?;
    let (body, _) = body.split_once("</function>")?;
    let end = at + "<function=".len() + name.len() + 1 + body.len();
    let (mut args, mut rest) = (Map::new(), body);
    while let Some((_, parameter)) = rest.split_once("<parameter=") {
        let (key, value) = parameter.split_once('>')?;
        let (value, after) = value.split_once("</parameter>")?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        args.insert(key.trim().to_string(), Value::from(value));
        rest = after;
    }
    let name = name.trim().to_string();
    (!args.is_empty()).then(|| (vec![(at, name, Value::Object(args))], end))
}

/// `NAME(key="value", other=5)`, alone on its line.
fn python(whole: &str, at: usize) -> Option<(Vec<Call>, usize)> {
    let line = whole[..at].rfind('\n').map_or(0, |end| end + 1);
    let name = whole[line..at].trim_start_matches([' ', '[']);
    if name.is_empty() || !name.chars().all(is_word) {
        return None;
    }
    let (mut args, mut rest) = (Map::new(), whole[at + 1..].trim_start());
    while !rest.starts_with(')') {
        let (key, value) = rest.split_once('=')?;
        let (value, after) = literal(value.trim_start())?;
        let key = key.trim();
        if key.is_empty() || !key.chars().all(is_word) {
            return None;
        }
        args.insert(key.to_string(), value);
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    let tail = rest[1..].trim_start_matches([']', ' ']);
    let alone = tail.is_empty() || tail.starts_with(['\n', '<', ',']);
    let place = at - name.len();
    (alone && !args.is_empty()).then(|| {
        (
            vec![(place, name.to_string(), Value::Object(args))],
            whole.len() - rest.len() + 1,
        )
    })
}

/// A value of Python or JSON at the beginning of a text, and what follows it.
fn literal(text: &str) -> Option<(Value, &str)> {
    for quote in ["\"\"\"", "'''"] {
        if let Some((inner, after)) = text
            .strip_prefix(quote)
            .and_then(|text| text.split_once(quote))
        {
            return Some((Value::from(inner), after));
        }
    }
    for (word, value) in [("True", true), ("False", false)] {
        if let Some(after) = text.strip_prefix(word) {
            return Some((Value::from(value), after));
        }
    }
    if let Some(inner) = text.strip_prefix('\'') {
        let end = quote_end(inner)?;
        let json = format!(
            "\"{}\"",
            inner[..end]
                .replace("\\'", "'")
                .replace("\\\"", "\"")
                .replace('"', "\\\"")
        );
        return Some((text::json(&json)?, &inner[end + 1..]));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    Some((value, &text[end..]))
}

/// Where a string in single quotes ends.
fn quote_end(inner: &str) -> Option<usize> {
    let mut escaped = false;
    inner.char_indices().find_map(|(at, c)| {
        let ends = c == '\'' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}
