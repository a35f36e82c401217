//! Calls that a model wrote as text: small local models print `{"name": ..., "arguments": ...}`, in a fence, in
//! `<tool_call>` or bare, where the protocol has a field for it.
//!
//! A JSON object counts if it begins a line, a tag's content or a list, and names a tool that exists. Of several
//! calls those up to the first that may change something count: what stands after it only guesses at results.
//!
//! Left out: the XML dialects of single model families; a `Model` that wraps another can translate them.

use serde_json::{Map, Value};

use crate::conversation::{Reply, ToolCall};
use crate::kit::Kit;
use crate::text;
use crate::tools::Effect;

/// Moves calls out of the text of a reply that has no native ones; the words before them stay.
pub(crate) fn recover(reply: &mut Reply, kit: &Kit) {
    if !reply.calls.is_empty() {
        return;
    }
    let mut words = reply.text.len();
    for (at, object) in objects(&reply.text) {
        let Some((name, args)) = named_call(&object, kit) else {
            continue;
        };
        words = words.min(at);
        let reads = kit
            .tool(&name)
            .is_some_and(|tool| tool.effect(&args, kit) == Ok(Effect::Read));
        let id = format!("text_{}", reply.calls.len());
        reply.calls.push(ToolCall {
            id,
            name,
            args: Ok(args),
            echo: Map::new(),
        });
        if !reads {
            break;
        }
    }
    reply.text.truncate(words);
    if let Some((_, last)) = reply
        .text
        .trim_end()
        .rsplit_once('\n')
        .or(Some(("", &reply.text)))
    {
        let opening = ["```", "<", "["]
            .iter()
            .any(|mark| last.trim_start().starts_with(mark));
        let kept = reply.text.trim_end().len() - if opening { last.trim_end().len() } else { 0 };
        reply.text.truncate(kept);
    }
}

/// The JSON objects that begin where a call may begin, with their places.
fn objects(text: &str) -> Vec<(usize, Value)> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find('{').map(|at| from + at) {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let begins = before.is_empty() || before.ends_with(['\n', '>', '[', ',', '}']);
        match text::first_json(&text[at..]).filter(|_| begins) {
            Some((object, length)) => {
                found.push((at, object));
                from = at + length;
            }
            None => from = at + 1,
        }
    }
    found
}

fn named_call(object: &Value, kit: &Kit) -> Option<(String, Value)> {
    let object = object
        .get("function")
        .filter(|inner| inner.is_object())
        .unwrap_or(object);
    let name = object["name"]
        .as_str()
        .filter(|name| kit.tool(name).is_some())?;
    let args = ["arguments", "parameters"]
        .iter()
        .find_map(|key| object.get(key))?;
    let inner = args.as_str().and_then(text::json);
    let args = inner.as_ref().unwrap_or(args);
    args.is_object().then(|| (name.to_string(), args.clone()))
}
