//! Anthropic Messages (`POST /v1/messages`), and the servers that imitate it.
//!
//! The reply is a list of blocks whose order matters where thinking is among them: signatures are checked against it.
//! So the order is kept in [`corecoder::Reply::echo`] and written again as it was, to the same server and model only.
//! Rules are those of platform.claude.com/docs and of the types of Anthropic's SDK 2.12, November 2026.
//!
//! Left out: tools that run at Anthropic, documents, citations, OAuth; Bedrock and Vertex, which sign otherwise.

use corecoder::{ErrorKind, ModelError, Request, Spec, sse};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::events::Events;
use crate::wire::{Concession, Listed, Options, Reading, Sent, Wire};

mod abilities;
mod block;
mod messages;
mod reading;
mod refusal;

use abilities::Abilities;

/// The version that every server knows and that still takes a temperature.
const VERSION: &str = "2023-06-01";

/// The Messages protocol. The default is what api.anthropic.com and its imitators take.
#[derive(Debug, Clone)]
pub struct Anthropic {
    version: String,
    bearer: bool,
}

impl Default for Anthropic {
    fn default() -> Anthropic {
        Anthropic {
            version: VERSION.to_string(),
            bearer: false,
        }
    }
}

impl Anthropic {
    /// Sends another `anthropic-version`, such as `2026-10-21`, which takes no temperature any more.
    pub fn version(mut self, version: impl Into<String>) -> Anthropic {
        self.version = version.into();
        self
    }

    /// Sends the key as `Authorization: Bearer`, as `ANTHROPIC_AUTH_TOKEN` is meant, instead of `x-api-key`.
    pub fn bearer(mut self) -> Anthropic {
        self.bearer = true;
        self
    }
}

impl Wire for Anthropic {
    fn base(&self) -> &str {
        "https://api.anthropic.com"
    }

    fn key(&self, key: &str) -> (&'static str, String) {
        match self.bearer {
            true => ("authorization", format!("Bearer {key}")),
            false => ("x-api-key", key.to_string()),
        }
    }

    fn request(&self, request: &Request<'_>, options: &Options) -> Sent {
        let abilities = Abilities::of(&options.model);
        let mut body = abilities.parameters(request.entries, options);
        if self.version != VERSION {
            body.remove("temperature");
        }
        let thinking = body.get("thinking").map(|thinking| &thinking["type"]);
        let interleaved = thinking.is_some_and(|kind| kind == "enabled") && abilities.is_claude;
        if !request.tools.is_empty() {
            let eager = abilities.is_claude && !options.refused.has("eager_input_streaming");
            let tool = |spec: &Spec| tool(spec, eager);
            body.insert("tools".into(), request.tools.iter().map(tool).collect());
        }
        if !request.system.trim().is_empty() {
            body.insert("system".into(), json!([messages::text(request.system)]));
        }
        body.insert(
            "messages".into(),
            messages::of(request.entries, options).into(),
        );
        if !options.refused.has("cache_control") {
            messages::mark(&mut body);
        }
        let mut headers = vec![("anthropic-version", self.version.clone())];
        if interleaved {
            let beta = "interleaved-thinking-2025-05-14".to_string();
            headers.push(("anthropic-beta", beta));
        }
        Sent {
            path: "/v1/messages".to_string(),
            headers,
            body: Value::Object(body),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(Events::<sse::Sse, reading::Blocks>::default())
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        refusal::in_response(status, headers, body)
    }

    fn listing(&self) -> Option<Sent> {
        let headers = vec![("anthropic-version", self.version.clone())];
        Some(Sent {
            headers,
            ..Sent::get("/v1/models?limit=1000")
        })
    }

    fn listed(&self, body: &Value) -> Vec<Listed> {
        Listed::all(&body["data"], ["id", "max_input_tokens", "max_tokens"])
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        if error.kind != ErrorKind::BadRequest {
            return None;
        }
        if let Some(most) = refusal::most_tokens(&error.message) {
            return Some(Concession::MaxTokens(most));
        }
        let words = error.message.to_lowercase();
        let is_named = |named: &str| named.split('|').any(|word| words.contains(word));
        let mut parts = CONCESSIONS.iter();
        let part = parts.find(|(name, named)| is_named(named) && is_sent(name, body));
        part.map(|(name, _)| Concession::Without((*name).into()))
    }
}

/// What can be done without, and the words of which a refusal for it has one. The first that fits is meant.
const CONCESSIONS: [(&str, &str); 9] = [
    // Calls of the running turn that were made without thoughts.
    ("thinking", "expected `thinking`"),
    ("thinking_blocks", "signature|cannot be modified"),
    ("eager_input_streaming", "eager_input"),
    ("cache_control", "cache_control"),
    ("budget", "adaptive"),
    ("thinking", "thinking"),
    ("effort", "effort|output_config"),
    ("temperature", "temperature"),
    ("pictures", "image"),
];

/// Whether the body holds what is called so.
fn is_sent(name: &str, body: &Value) -> bool {
    match name {
        "thinking_blocks" => messages::has(body, "thinking"),
        "pictures" => messages::has(body, "image"),
        "budget" => body["thinking"]["type"] == "enabled",
        "effort" => !body["output_config"].is_null(),
        "eager_input_streaming" => !body["tools"].is_null(),
        "cache_control" => true,
        name => !body[name].is_null(),
    }
}

/// A tool as the request lists it. `eager` asks for its arguments as they are written, or a long file shows nothing
/// for many seconds; they may then be no JSON, which the reader keeps as text.
fn tool(spec: &Spec, eager: bool) -> Value {
    let mut schema = spec.parameters.as_object().cloned().unwrap_or_default();
    // The API refuses alternatives at the top of a schema; the call is held against the whole schema anyway.
    for word in ["oneOf", "anyOf", "allOf"] {
        schema.remove(word);
    }
    schema.insert("type".into(), json!("object"));
    let mut tool = Map::new();
    tool.insert("name".into(), json!(spec.name));
    tool.insert("description".into(), json!(spec.description));
    tool.insert("input_schema".into(), Value::Object(schema));
    if eager {
        tool.insert("eager_input_streaming".into(), json!(true));
    }
    Value::Object(tool)
}
