//! The body of a request for a chat completion, less what the server has refused.
//!
//! Servers disagree on the parameters they take, and say so by name. All but the conversation may be refused, what the
//! table adds included. Equal entries give equal messages.

use corecoder::{ErrorKind, ModelError, Request, wire};
use serde_json::{Map, Value, json};

use crate::wire::{Concession, Options};

/// The names of a reply's limit, the one to begin with first.
pub(crate) type Limits = [&'static str; 2];

/// What is looked for first in a refusal, in this order: who refuses one of these may explain it by one behind it.
const FIRST: [&str; 5] = [
    "stream_options",
    "temperature",
    "max_tokens",
    "max_completion_tokens",
    REASONING,
];
/// What no request does without.
const NEEDED: [&str; 3] = ["model", "messages", "tools"];
/// Thoughts that go back, as most servers call them, and with the names that others have for them.
pub(super) const REASONING: &str = "reasoning_content";
const REASONINGS: [&str; 3] = [REASONING, "reasoning", "reasoning_details"];

/// The body of a request that says `more` beside the usual.
pub(crate) fn of(
    request: &Request<'_>,
    options: &Options,
    limits: Limits,
    more: Map<String, Value>,
) -> Map<String, Value> {
    let is_refused = |name: &str| options.refused.has(name);
    let tools = Some(wire::tools(request)).filter(|tools| !tools.is_empty());
    let [first, second] = limits;
    let limit = if is_refused(first) { second } else { first };
    let usage = (!is_refused("stream")).then(|| json!({"include_usage": true}));
    let mut body = Map::new();
    body.insert("model".into(), json!(options.model));
    body.insert("messages".into(), messages(request, options));
    let usual = [
        ("tools", json!(tools)),
        (limit, json!(options.limit())),
        ("temperature", json!(options.temperature)),
        ("stream", json!(true)),
        ("stream_options", json!(usage)),
    ];
    let usual = usual.map(|(name, value)| (name.to_string(), value));
    let said = more.into_iter().chain(usual);
    body.extend(said.filter(|(name, value)| !value.is_null() && !is_refused(name)));
    body
}

fn messages(request: &Request<'_>, options: &Options) -> Value {
    let mut messages = wire::messages(request, &options.origin);
    if options.refused.has("pictures") {
        messages.iter_mut().for_each(wire::Message::blind);
    }
    let mut messages = json!(messages);
    if options.refused.has(REASONING) {
        let messages = messages.as_array_mut().into_iter().flatten();
        for message in messages.filter_map(Value::as_object_mut) {
            message.retain(|name, _| !REASONINGS.contains(&name.as_str()));
        }
    }
    messages
}

/// What was sent and refused by name, to do without.
pub(crate) fn concession(error: &ModelError, body: &Value, limits: Limits) -> Option<Concession> {
    let words = error.message.to_lowercase().replace("streaming", "stream");
    let between = |c: char| !c.is_alphanumeric() && c != '_';
    let is_named = |name: &str| words.split(between).any(|word| word == name);
    let messages = body["messages"].to_string();
    let is_sent = |name: &str| match name {
        REASONING => messages.contains("\"reasoning_content\""),
        name => !body[name].is_null(),
    };
    let fields = body.as_object()?.keys().map(String::as_str);
    let others = fields.filter(|name| !NEEDED.contains(name));
    let mut names = FIRST.into_iter().chain(others);
    let named = names.find(|name| is_named(name) && is_sent(name));
    match named.filter(|_| error.kind == ErrorKind::BadRequest) {
        Some(name) if name == limits[1] => Some(Concession::Unlimited),
        Some(name) => Some(Concession::Without(name.into())),
        // Servers refuse pictures in words of their own, some as an error of their own.
        None => {
            let pictures = ["image_url", "image", "images", "vision"];
            let is_refused = pictures.into_iter().any(is_named);
            let has_picture = messages.contains("\"image_url\"");
            (is_refused && has_picture).then(|| Concession::Without("pictures".into()))
        }
    }
}
