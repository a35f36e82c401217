//! Calls that a model wrote as text: small local models print `{"name": ..., "arguments": ...}`, in a fence, in
//! `<tool_call>` or bare, where the protocol has a field for it.
//!
//! A JSON object counts if it begins a line, a tag's content or a list, and names a tool that exists. Of several
//! calls those up to the first that may change something count: what stands after it only guesses at results.
//!
//! Left out: the XML dialects of single model families; a `Model` that wraps another can translate them.

use serde_json::Value;

use crate::conversation::Reply;
use crate::kit::Kit;
use crate::tools::Effect;
use crate::wire::text;

/// The reply, with calls out of its text if it has no native ones; the words before them stay.
pub(crate) fn recovered(mut reply: Reply, kit: &Kit) -> Reply {
    if !reply.calls.is_empty() {
        return reply;
    }
    let (mut words, mut found) = (reply.text.len(), Vec::new());
    for (at, name, args) in in_text(&reply.text) {
        let Some(tool) = kit.tool(&name) else {
            continue;
        };
        words = words.min(at);
        let effect = tool.effect(&args, kit);
        found.push((name, args));
        if effect != Ok(Effect::Read) {
            break;
        }
    }
    reply.calls = Reply::calls(found).calls;
    if !reply.calls.is_empty() {
        let opening = [
            "```json",
            "```",
            "<tool_call>",
            "<tools>",
            "<|python_tag|>",
            "[",
            "[TOOL_CALLS]",
        ];
        let mut text = reply.text[..words].trim_end();
        for mark in opening {
            text = text.strip_suffix(mark).unwrap_or(text).trim_end();
        }
        reply.text = text.to_string();
    }
    reply
}

/// What has the form of a call in a text: its place, the tool's name, whether there is such a tool or not, and the
/// arguments.
pub fn in_text(text: &str) -> impl Iterator<Item = (usize, String, Value)> {
    objects(text).into_iter().filter_map(|(at, object)| {
        let (name, args) = named_call(&object)?;
        Some((at, name, args))
    })
}

/// The JSON objects that begin where a call may begin, with their places.
fn objects(text: &str) -> Vec<(usize, Value)> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find('{').map(|at| from + at) {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let begins = before.is_empty() || before.ends_with(['\n', '>', '[', ',', '}']);
        match begins.then(|| text::first_json(&text[at..])).flatten() {
            Some((object, length)) => {
                found.push((at, object));
                from = at + length;
            }
            None => from = at + 1,
        }
    }
    found
}

fn named_call(object: &Value) -> Option<(String, Value)> {
    let inner = object.get("function").filter(|inner| inner.is_object());
    let object = inner.unwrap_or(object);
    let name = object["name"].as_str()?;
    let args = object.get("arguments").or(object.get("parameters"))?;
    let inner = args.as_str().and_then(text::json);
    let args = inner.as_ref().unwrap_or(args);
    args.is_object().then(|| (name.to_string(), args.clone()))
}
