//! OpenAI's chat completions as pure functions: entries to a request, bytes to deltas. No I/O.
//!
//! Provider JSON exists in this folder alone. Equal entries give equal bytes, whatever follows them, so that the
//! provider's cache of the prefix holds; what came back is [`Reading`]'s business.
//!
//! Left out: images and audio in either direction; other protocols, which are models of their own.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::conversation::{Entry, Round};
use crate::model::Request;
use crate::tools::Spec;

mod fragments;
mod reading;
pub mod refusal;
pub mod sse;
pub mod text;

pub use reading::Reading;

/// The messages of a request. Equal entries give equal bytes, whatever follows them.
pub fn messages(request: &Request, origin: &str) -> Vec<Value> {
    let mut messages = vec![json!({"role": "system", "content": request.system})];
    let mut ids = Ids::default();
    for entry in request.entries {
        match entry {
            Entry::User(text) => messages.push(json!({"role": "user", "content": text})),
            Entry::Summary(text) => messages.push(json!({"role": "user", "content": text})),
            Entry::Round(round) => add_round(round, origin, &mut ids, &mut messages),
        }
    }
    messages
}

fn add_round(round: &Round, origin: &str, ids: &mut Ids, messages: &mut Vec<Value>) {
    let reply = round.reply();
    let text = match (reply.text.as_str(), reply.calls.is_empty()) {
        ("", true) => Some("[no answer]"),
        ("", false) => None,
        (text, _) => Some(text),
    };
    let mut message = json!({"role": "assistant", "content": text});
    let (mut calls, mut results) = (Vec::new(), Vec::new());
    for (call, result) in round.answered() {
        let id = ids.unique(&call.id);
        let args = match &call.args {
            Ok(args) => args.to_string(),
            Err(raw) => json!({"unreadable": text::head(raw, 500)}).to_string(),
        };
        let mut sent = json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": args}});
        if reply.origin == origin {
            call.echo
                .iter()
                .for_each(|(key, value)| sent[key] = value.clone());
        }
        calls.push(sent);
        results.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
    }
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
        // Providers want their reasoning back while a turn goes on, and ignore it after a final answer.
        if reply.origin == origin {
            reply
                .echo
                .iter()
                .for_each(|(key, value)| message[key] = value.clone());
        }
    }
    messages.push(message);
    messages.append(&mut results);
}

/// Makes ids unique: servers that count calls from 0 in each reply give two calls of a history one id.
#[derive(Default)]
pub(crate) struct Ids(HashMap<String, usize>);

impl Ids {
    /// The id itself, or, if it is empty or taken, the next number behind it.
    pub fn unique(&mut self, id: &str) -> String {
        let id = if id.is_empty() { "call" } else { id };
        let mut number = self.0.get(id).copied().unwrap_or(0);
        let mut candidate = id.to_string();
        while number > 0 && self.0.contains_key(&candidate) {
            number += 1;
            candidate = format!("{id}_{number}");
        }
        self.0.insert(id.to_string(), number.max(1));
        self.0.entry(candidate.clone()).or_insert(1);
        candidate
    }
}

/// The tools as the request lists them.
pub fn tools(request: &Request) -> Vec<Value> {
    let tool = |spec: &Spec| {
        json!({"type": "function", "function": {
            "name": spec.name, "description": spec.description, "parameters": spec.parameters}})
    };
    request.tools.iter().map(tool).collect()
}
