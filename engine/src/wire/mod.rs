//! OpenAI's chat completions as pure functions: entries to a request, bytes to deltas. No I/O.
//!
//! Provider JSON exists in this folder alone. Equal entries give equal bytes, whatever follows them, so that the
//! provider's cache of the prefix holds; what came back is [`Reading`]'s business.
//!
//! Left out: audio, and pictures that a model makes; other protocols, which are models of their own.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::conversation::{Entry, Picture, Round};
use crate::model::Request;
use crate::tools::Spec;

mod fragments;
mod reading;
pub mod refusal;
pub mod sse;
pub mod text;

pub use fragments::object;
pub use reading::Reading;

/// One message as it goes over the wire. It borrows, since a long history is sent again with every request.
#[derive(Default, Serialize)]
pub struct Message<'a> {
    role: &'static str,
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
    /// What the provider wants back: reasoning and its signatures.
    #[serde(flatten)]
    pub(crate) echo: Option<&'a Map<String, Value>>,
}

/// What a message says.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Content<'a> {
    Text(Cow<'a, str>),
    /// A picture, with its name before it.
    Picture([Value; 2]),
}

#[derive(Serialize)]
struct Call<'a> {
    id: String,
    r#type: &'static str,
    function: Function<'a>,
    #[serde(flatten)]
    echo: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: String,
}

/// The messages of a request to the server `origin`. Equal entries give equal bytes, whatever follows them.
pub fn messages<'a>(request: &Request<'a>, origin: &str) -> Vec<Message<'a>> {
    let mut messages = vec![said("system", Some(request.system))];
    let mut ids = Ids::default();
    for entry in request.entries {
        match entry {
            Entry::User(text) | Entry::Note(text) => messages.push(said("user", Some(text))),
            Entry::Picture(picture) => messages.push(Message {
                content: Some(Content::Picture(shown(picture))),
                ..said("user", None)
            }),
            Entry::Summary(summary) => messages.push(Message {
                content: Some(Content::Text(summary.to_string().into())),
                ..said("user", None)
            }),
            Entry::Round(round) => add_round(round, origin, &mut ids, &mut messages),
        }
    }
    messages
}

fn said<'a>(role: &'static str, content: Option<&'a str>) -> Message<'a> {
    Message {
        role,
        content: content.map(|text| Content::Text(text.into())),
        ..Message::default()
    }
}

fn shown(picture: &Picture) -> [Value; 2] {
    let Picture {
        name,
        media_type,
        data,
    } = picture;
    [
        json!({"type": "text", "text": format!("[picture: {name}]")}),
        json!({"type": "image_url", "image_url": {"url": format!("data:{media_type};base64,{data}")}}),
    ]
}

impl Message<'_> {
    pub(crate) fn is_picture(&self) -> bool {
        matches!(self.content, Some(Content::Picture(_)))
    }

    /// Says what stood there instead of showing a picture.
    pub fn blind(&mut self) {
        if let Some(Content::Picture([name, _])) = &self.content {
            let name = name["text"].as_str().unwrap_or_default();
            let text = format!("{name} This model can't be shown pictures. Say so if it matters.");
            self.content = Some(Content::Text(text.into()));
        }
    }
}

fn add_round<'a>(round: &'a Round, origin: &str, ids: &mut Ids, messages: &mut Vec<Message<'a>>) {
    let reply = round.reply();
    let at_home = reply.origin == origin;
    let place = messages.len();
    let text = Some(reply.text.as_str()).filter(|text| !text.is_empty());
    messages.push(said(
        "assistant",
        text.or(reply.calls.is_empty().then_some("[no answer]")),
    ));
    let mut tool_calls = Vec::new();
    for (call, result) in round.answered() {
        let id = ids.unique(&call.id);
        let arguments = match &call.args {
            Ok(args) => args.to_string(),
            Err(raw) => json!({"unreadable": text::head(raw, 500)}).to_string(),
        };
        let function = Function {
            name: &call.name,
            arguments,
        };
        let echo = at_home.then_some(&call.echo);
        tool_calls.push(Call {
            id: id.clone(),
            r#type: "function",
            function,
            echo,
        });
        messages.push(Message {
            tool_call_id: Some(id),
            ..said("tool", Some(result))
        });
    }
    // Providers want their reasoning back while a turn goes on, and ignore it after a final answer.
    messages[place].echo = Some(&reply.echo).filter(|_| at_home && !reply.calls.is_empty());
    messages[place].tool_calls = tool_calls;
}

/// Makes ids unique: servers that count calls from 0 in each reply give two calls of a history one id.
#[derive(Default)]
pub struct Ids(HashMap<String, usize>);

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
