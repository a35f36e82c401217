//! OpenAI's Responses, without any state at the server: `store` is false, and reasoning travels encrypted.
//!
//! The reply is a list of items. A reasoning item must stand before the item that it preceded, and goes back to the
//! same server and model only; a message's phase goes with it.
//! Rules are those of developers.openai.com/api and of the types of OpenAI's SDK 3.54, November 2026.
//!
//! Left out: `previous_response_id`, tools that run at OpenAI, background mode, compaction by the server.

use corecoder::{ErrorKind, ModelError, Request, Spec, sse};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::events::Events;
use crate::names::version;
use crate::wire::{Concession, Effort, Listed, Options, Reading, Sent, Wire};

mod input;
mod item;
mod reading;
mod refusal;

/// The Responses protocol.
#[derive(Debug, Clone, Default)]
pub struct Responses {
    azure: bool,
}

impl Responses {
    /// Azure's path and header. The base URL is that of the resource, the model the name of a deployment.
    pub fn azure() -> Responses {
        Responses { azure: true }
    }
}

impl Wire for Responses {
    fn base(&self) -> &str {
        match self.azure {
            true => "https://RESOURCE.openai.azure.com",
            false => "https://api.openai.com",
        }
    }

    fn key(&self, key: &str) -> (&'static str, String) {
        match self.azure {
            true => ("api-key", key.to_string()),
            false => ("authorization", format!("Bearer {key}")),
        }
    }

    fn request(&self, request: &Request<'_>, options: &Options) -> Sent {
        let mut body = Map::new();
        let system = Some(request.system).filter(|system| !system.trim().is_empty());
        let tools: Vec<Value> = request.tools.iter().map(tool).collect();
        for (name, value) in [
            ("model", json!(options.model)),
            ("instructions", json!(system)),
            (
                "tools",
                json!(Some(tools).filter(|tools| !tools.is_empty())),
            ),
            ("input", input::of(request.entries, options).into()),
            ("reasoning", reasoning(options)),
            ("max_output_tokens", json!(options.limit())),
            ("temperature", json!(options.temperature)),
            ("prompt_cache_key", json!(options.session)),
            ("store", json!(false)),
            ("include", json!(["reasoning.encrypted_content"])),
            ("stream", json!(true)),
            // Padding against eavesdroppers, which doubles what is sent.
            ("stream_options", json!({"include_obfuscation": false})),
        ] {
            if !value.is_null() && !options.refused.has(name) {
                body.insert(name.to_string(), value);
            }
        }
        let path = match self.azure {
            true => "/openai/v1/responses",
            false => "/v1/responses",
        };
        Sent {
            path: path.to_string(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(Events::<sse::Sse, reading::Items>::default())
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        refusal::in_response(status, headers, body)
    }

    fn listing(&self) -> Option<Sent> {
        // Azure lists models, but what is named there is a deployment.
        (!self.azure).then(|| Sent::get("/v1/models"))
    }

    fn listed(&self, body: &Value) -> Vec<Listed> {
        Listed::all(&body["data"], ["id", "", ""])
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        if error.kind != ErrorKind::BadRequest {
            return None;
        }
        let words = error.message.to_lowercase();
        let is_named = |named: &str| named.split('|').any(|word| words.contains(word));
        let effort = body["reasoning"]["effort"].as_str().unwrap_or_default();
        let input = body["input"].to_string();
        let is_sent = |name: &str| match name {
            "reasoning_items" => input.contains("\"encrypted_content\""),
            "effort_max" => effort == "max",
            "effort_xhigh" => effort == "xhigh",
            "summary" => !body["reasoning"]["summary"].is_null(),
            "pictures" => input.contains("\"input_image\""),
            name => !body[name].is_null(),
        };
        let mut parts = CONCESSIONS.iter();
        let part = parts.find(|(name, named)| is_named(named) && is_sent(name));
        part.map(|(name, _)| match *name {
            "max_output_tokens" => Concession::Unlimited,
            name => Concession::Without(name.into()),
        })
    }
}

/// What can be done without, and the words of which a refusal for it has one. The first that fits is meant.
const CONCESSIONS: [(&str, &str); 11] = [
    (
        "reasoning_items",
        "encrypted content|encrypted_content could|invalid_encrypted_content|of type 'reasoning'\
         |required 'reasoning' item|item with id",
    ),
    ("summary", "reasoning.summary|reasoning summar"),
    ("effort_max", "effort"),
    ("effort_xhigh", "effort"),
    ("reasoning", "reasoning.effort|reasoning_effort|'reasoning'"),
    ("stream_options", "stream_options"),
    ("include", "include|encrypted_content"),
    ("temperature", "temperature"),
    ("prompt_cache_key", "prompt_cache_key"),
    ("max_output_tokens", "max_output_tokens"),
    ("pictures", "image"),
];

/// How hard to think, and that some of it be told. What a server refuses of it goes down by one step.
fn reasoning(options: &Options) -> Value {
    let Some(effort) = options.effort else {
        return Value::Null;
    };
    let refused = |name: &str| options.refused.has(name);
    let takes_max = options.model.contains("gpt-") && version(&options.model) >= (5, 6);
    let word = match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::Max if takes_max && !refused("effort_max") => "max",
        Effort::Max if !refused("effort_xhigh") => "xhigh",
        Effort::High | Effort::Max => "high",
    };
    match refused("summary") {
        true => json!({"effort": word}),
        false => json!({"effort": word, "summary": "auto"}),
    }
}

/// A tool as the request lists it. Left out, `strict` is true, and every argument would be required.
fn tool(spec: &Spec) -> Value {
    let mut schema = spec.parameters.as_object().cloned().unwrap_or_default();
    for word in ["oneOf", "anyOf", "allOf", "enum", "not"] {
        schema.remove(word);
    }
    schema.insert("type".into(), json!("object"));
    json!({
        "type": "function", "name": spec.name, "description": spec.description,
        "parameters": schema, "strict": false,
    })
}
