//! Text as models and servers really write it: almost JSON, cut in the middle, thoughts among the words.

use serde_json::Value;

use crate::conversation::Reply;

/// At most `bytes` of the beginning, cut between two characters.
pub fn head(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// At most `bytes` of the end, cut between two characters.
pub fn tail(text: &str, bytes: usize) -> &str {
    &text[text.ceil_char_boundary(text.len().saturating_sub(bytes))..]
}

/// The first JSON value in `text`, if all of `text` is JSON.
pub fn json(text: &str) -> Option<Value> {
    json_values(text)?.into_iter().next()
}

/// The JSON values that `text` consists of; `None` if anything else is in it, even after [`repaired`] and [`requoted`].
pub fn json_values(text: &str) -> Option<Vec<Value>> {
    let parse = |text: &str| -> Option<Vec<Value>> {
        serde_json::Deserializer::from_str(text)
            .into_iter()
            .collect::<Result<_, _>>()
            .ok()
    };
    let mended = || repaired(text);
    parse(text)
        .or_else(|| parse(&mended()))
        .or_else(|| parse(&requoted(&mended())))
}

/// The JSON value that `text` begins with, and its length in bytes.
pub(crate) fn first_json(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    if let Some(Ok(value)) = values.next() {
        return Some((value, values.byte_offset()));
    }
    // A mended value can't say where it ends in the text, so the end is the fence's or the tag's.
    let alone = text.split("\n```").next()?.split("</").next()?;
    Some((json(alone)?, alone.len()))
}

/// Mends the two mistakes that have one reading only: a control character that stands raw in a string, and half of a
/// UTF-16 pair, which becomes U+FFFD (as does a whole pair beside it; what is mended was broken before).
fn repaired(text: &str) -> String {
    let (mut out, mut in_string) = (String::with_capacity(text.len()), false);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let escaped = rest.get(1..2).filter(|_| next == '\\' && in_string);
        let surrogate = escaped == Some("u") && rest.get(2..3).is_some_and(|d| "dD".contains(d));
        let surrogate = surrogate && rest.get(3..4).is_some_and(|d| "89abcdefABCDEF".contains(d));
        in_string ^= next == '"';
        let taken = match escaped {
            Some(_) if surrogate => rest.ceil_char_boundary(6),
            Some(_) => 2,
            None => next.len_utf8(),
        };
        match next {
            _ if surrogate => out += "\\ufffd",
            '\0'..' ' if in_string => out += &format!("\\u{:04x}", next as u32),
            _ => out += &rest[..taken],
        }
        rest = &rest[taken..];
    }
    out
}

/// Escapes quotes that stand bare in a string: `"print("hi")"`. A quote ends a string only where JSON goes on behind
/// it: by a colon after a key, by the next key, or by nothing but brackets to the end.
fn requoted(text: &str) -> String {
    let (mut out, mut is_key, mut inside) = (String::with_capacity(text.len()), true, false);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        out.push(c);
        match (c, inside) {
            ('\\', true) => out.extend(chars.next().map(|(_, escaped)| escaped)),
            ('"', false) => inside = true,
            ('"', true) if ends_string(&text[at + 1..], is_key) => inside = false,
            ('"', true) => out.insert(out.len() - 1, '\\'),
            ('{' | ',', false) => is_key = true,
            (':', false) => is_key = false,
            _ => {}
        }
    }
    out
}

fn ends_string(rest: &str, is_key: bool) -> bool {
    let rest = rest.trim_start();
    if is_key {
        return rest.starts_with(':');
    }
    let ends = |c: char| c == '}' || c == ']' || c.is_whitespace();
    let next_key = |rest: &str| {
        let name = rest.trim_start().strip_prefix('"')?;
        let (name, after) = name.split_once('"')?;
        let is_name = name.chars().all(|c| c.is_alphanumeric() || c == '_');
        Some(is_name && after.trim_start().starts_with(':'))
    };
    // Behind the brackets of an inner object the next key may follow.
    let outside = rest.trim_start_matches(ends);
    outside.is_empty()
        || outside
            .strip_prefix(',')
            .and_then(next_key)
            .unwrap_or(false)
}

/// The first of these fields that holds text.
pub(crate) fn first_of(message: &Value, fields: &[&str]) -> Option<String> {
    let mut texts = fields.iter().filter_map(|field| message[*field].as_str());
    texts.find(|text| !text.is_empty()).map(str::to_string)
}

/// A message's content of one kind: a plain string is text; a list has parts, which may hold parts.
pub(crate) fn parts(content: &Value, kind: &str) -> Option<String> {
    let whole = match content {
        Value::String(text) if kind == "text" => text.clone(),
        Value::Array(list) => {
            let of_kind = |part: &&Value| part["type"].as_str().unwrap_or(kind) == kind;
            let wanted = list.iter().filter(of_kind);
            wanted
                .filter_map(|part| parts(&part[kind], "text"))
                .collect()
        }
        _ => String::new(),
    };
    (!whole.is_empty()).then_some(whole)
}

/// The reply's text without the thoughts that a server left in front of it, which move to `reasoning`.
/// Templates that open `<think>` themselves make servers send the closing tag alone.
pub fn without_thinking(reply: &mut Reply) -> String {
    let text = std::mem::take(&mut reply.text);
    let inner = text.trim_start().strip_prefix("<think>");
    let body = inner.unwrap_or(&text);
    let (thoughts, answer) = match body.split_once("</think>") {
        Some((thoughts, answer)) if !thoughts.contains("<think>") && !thoughts.ends_with('`') => {
            (thoughts, answer.trim_start())
        }
        None if inner.is_some() => (body, ""),
        _ => return text,
    };
    reply.reasoning += thoughts.trim();
    answer.to_string()
}
