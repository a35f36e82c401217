//! Calls that a model wrote as text: small local models print `{"name": ..., "arguments": ...}`, in a fence, in
//! `<tool_call>` or bare, where the protocol has a field for it.
//!
//! What counts begins a line, a tag's content or a list, and names a tool that exists. Of several calls those up to
//! the first that may change something count: what stands after it only guesses at results. The forms themselves are
//! in [`written`].

use serde_json::Value;

use crate::conversation::Reply;
use crate::kit::Kit;
use crate::tools::Effect;

mod written;

/// The reply, with calls out of its text if it has no native ones; the words before them stay.
pub(crate) fn recovered(mut reply: Reply, kit: &Kit) -> Reply {
    if !reply.calls.is_empty() {
        return reply;
    }
    let (mut words, mut found) = (reply.text.len(), Vec::new());
    for (at, name, args) in in_text(&reply.text) {
        let Some(tool) = kit.tools.get(&name) else {
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
        let mut text = reply.text[..words].trim_end();
        for mark in OPENING {
            text = text.strip_suffix(mark).unwrap_or(text).trim_end();
        }
        reply.text = text.to_string();
    }
    reply
}

/// What stands before a call and belongs to it.
const OPENING: [&str; 12] = [
    "[",
    "```json",
    "```python",
    "```xml",
    "```",
    "<tool_call>",
    "<tools>",
    "<|tool_call|>",
    "<|python_tag|>",
    "[TOOL_CALLS]",
    "<function_calls>",
    "Action:",
];

/// What has the form of a call in a text, in order: its place, the tool's name, whether there is such a tool or not,
/// and the arguments.
pub fn in_text(text: &str) -> Vec<(usize, String, Value)> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find(['{', '<', '(']).map(|at| from + at) {
        match written::at(text, at) {
            Some((calls, end)) => {
                found.extend(calls);
                from = end;
            }
            None => from = at + 1,
        }
    }
    found
}
