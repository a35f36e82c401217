//! Entries as messages: content is always one text, a call's arguments an object, results follow in the order of calls.

use corecoder::{Entry, Picture, Request, Round, ToolCall};
use serde_json::{Value, json};

use crate::turns;
use crate::wire::Options;

/// The messages of a request.
pub(super) fn of(request: &Request<'_>, options: &Options) -> Vec<Value> {
    let mut messages = Vec::new();
    if !request.system.trim().is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    for entry in request.entries {
        match entry {
            Entry::User(text) | Entry::Note(text) => messages.push(user(text)),
            Entry::Summary(summary) => messages.push(user(&summary.to_string())),
            Entry::Picture(picture) => messages.push(shown(picture, options)),
            Entry::Round(round) => add(round, options, &mut messages),
        }
    }
    messages
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": turns::filled(text)})
}

fn shown(picture: &Picture, options: &Options) -> Value {
    let kinds = ["image/png", "image/jpeg", "image/webp"];
    if options.refused.has("pictures") || !kinds.contains(&picture.media_type.as_str()) {
        return user(&turns::blind(&picture.name));
    }
    let name = format!("[picture: {}]", picture.name);
    json!({"role": "user", "content": name, "images": [picture.data]})
}

fn add(round: &Round, options: &Options, messages: &mut Vec<Value>) {
    let reply = round.reply();
    let is_home = reply.origin == options.origin;
    let is_silent = reply.text.trim().is_empty() && reply.calls.is_empty();
    let text = if is_silent {
        turns::SILENCE
    } else {
        &reply.text
    };
    let mut message = json!({"role": "assistant", "content": text});
    if !reply.calls.is_empty() {
        // Templates use thoughts while a turn goes on. They stay behind it, so that the prefix is the same.
        if is_home && !reply.reasoning.is_empty() {
            message["thinking"] = json!(reply.reasoning);
        }
        message["tool_calls"] = reply
            .calls
            .iter()
            .map(|call| asked(call, is_home))
            .collect();
    }
    messages.push(message);
    for (call, result) in round.answered() {
        let (said, _) = turns::result(call, result);
        let mut message = json!({"role": "tool", "tool_name": call.name, "content": said});
        if let Some(id) = call.echo.get("id").filter(|_| is_home) {
            message["tool_call_id"] = id.clone();
        }
        messages.push(message);
    }
}

/// A call as it goes back, with its id if the server gave it one.
fn asked(call: &ToolCall, is_home: bool) -> Value {
    let mut asked = json!({"function": {"name": call.name, "arguments": turns::object(call)}});
    if let Some(id) = call.echo.get("id").filter(|_| is_home) {
        asked["id"] = id.clone();
    }
    asked
}
