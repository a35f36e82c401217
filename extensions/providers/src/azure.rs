//! Azure OpenAI: chat completions as the engine writes and reads them, at Azure's URLs and with its header.
//!
//! The model is the name of a deployment. Without a version requests go to the `v1` API, which takes the name in the
//! body; with one to the dated API, which takes it in the path.
//! Rules are those of learn.microsoft.com/azure/foundry (API version lifecycle) and of OpenAI's SDK 3.54, November 2026.
//!
//! Left out: Entra's sign-in, though its tokens can be the key with [`Azure::bearer`]; data sources.

use corecoder::wire;
use corecoder::{Delta, ErrorKind, ModelError, Reply, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::headers;
use crate::wire::{Concession, Effort, Options, Reading, Sent, Wire};

/// Azure's protocol.
#[derive(Debug, Clone, Default)]
pub struct Azure {
    version: Option<String>,
    bearer: bool,
}

impl Azure {
    /// Speaks to the dated API, such as `2024-10-21`.
    pub fn version(mut self, version: impl Into<String>) -> Azure {
        self.version = Some(version.into());
        self
    }

    /// Sends the key as a token of Entra's, instead of as `api-key`.
    pub fn bearer(mut self) -> Azure {
        self.bearer = true;
        self
    }
}

impl Wire for Azure {
    /// There is none: each resource has its own, `https://RESOURCE.openai.azure.com`.
    fn base(&self) -> &str {
        "https://RESOURCE.openai.azure.com"
    }

    fn key(&self, key: &str) -> (&'static str, String) {
        match self.bearer {
            true => ("authorization", format!("Bearer {key}")),
            false => ("api-key", key.to_string()),
        }
    }

    fn request(&self, request: &Request<'_>, options: &Options) -> Sent {
        let mut messages = wire::messages(request, &options.origin);
        if options.refused.has("pictures") {
            messages.iter_mut().for_each(wire::Message::blind);
        }
        let mut body = Map::new();
        body.insert("model".into(), json!(options.model));
        body.insert("messages".into(), json!(messages));
        let effort = options.effort.map(word);
        let limit = if options.refused.has("max_completion_tokens") {
            "max_tokens"
        } else {
            "max_completion_tokens"
        };
        for (name, value) in [
            (
                "tools",
                json!(Some(wire::tools(request)).filter(|tools| !tools.is_empty())),
            ),
            (limit, json!(options.limit())),
            ("temperature", json!(options.temperature)),
            ("reasoning_effort", json!(effort)),
            ("prompt_cache_key", json!(options.session)),
            ("stream", json!(true)),
            ("stream_options", json!({"include_usage": true})),
        ] {
            if !value.is_null() && !options.refused.has(name) {
                body.insert(name.into(), value);
            }
        }
        Sent {
            path: self.path(&options.model),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(Chat::default())
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        let mut error = headers::refused(status, headers, body);
        if status == 404 {
            error.message += " (on Azure the model is the name of a deployment, and the base URL that of a resource)";
        }
        error
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        let message = error.message.to_lowercase();
        let between = |c: char| !c.is_alphanumeric() && c != '_';
        let is_named = |name: &str| message.split(between).any(|word| word == name);
        let names = [
            "max_completion_tokens",
            "max_tokens",
            "temperature",
            "reasoning_effort",
            "stream_options",
            "prompt_cache_key",
        ];
        let is_sent = |name: &str| !body[name].is_null();
        let mut named = names
            .into_iter()
            .filter(|name| is_named(name) && is_sent(name));
        let has_picture = || body["messages"].to_string().contains("\"image_url\"");
        let picture = || {
            ["image_url", "image", "images"]
                .iter()
                .any(|word| is_named(word))
        };
        let is_refused = error.kind == ErrorKind::BadRequest;
        let name = named
            .next()
            .or_else(|| (picture() && has_picture()).then_some("pictures"));
        name.filter(|_| is_refused).map(|name| match name {
            "max_tokens" => Concession::Unlimited,
            name => Concession::Without(name),
        })
    }
}

impl Azure {
    fn path(&self, deployment: &str) -> String {
        match &self.version {
            None => "/openai/v1/chat/completions".to_string(),
            Some(version) => {
                let deployment = utf8_percent_encode(deployment, NON_ALPHANUMERIC);
                let version = utf8_percent_encode(version, NON_ALPHANUMERIC);
                format!("/openai/deployments/{deployment}/chat/completions?api-version={version}")
            }
        }
    }
}

fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "xhigh",
    }
}

/// The engine's reader, which gives an error instead of what came before it in one read: so it reads by lines.
#[derive(Default)]
struct Chat {
    reading: wire::Reading,
    failure: Option<ModelError>,
}

impl Reading for Chat {
    fn push(&mut self, bytes: &[u8]) -> Vec<Delta> {
        let mut deltas = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.failure.is_some() {
                break;
            }
            match self.reading.push(line) {
                Ok(more) => deltas.extend(more),
                Err(error) => self.failure = Some(error),
            }
        }
        deltas
    }

    fn is_done(&self) -> bool {
        self.failure.is_some() || self.reading.is_done()
    }

    fn finish(&mut self) -> Result<Reply, ModelError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.reading.finish().map(in_our_words),
        }
    }
}

/// The reply with one of the engine's words for its end. Models sold by Azure end in words of their own, or in none.
fn in_our_words(mut reply: Reply) -> Reply {
    let word = match reply.finish.as_str() {
        "length" => "length",
        "content_filter" => "content_filter",
        _ if reply.calls.is_empty() => "stop",
        _ => "tool_calls",
    };
    reply.finish = word.to_string();
    reply
}
