//! Ollama's own `/api/chat`, on this machine or at ollama.com.
//!
//! Beside the OpenAI-compatible endpoint it says what that one can't: how long a window to load, not to drop the oldest
//! messages without a word, how hard to think. The window is the user's to set, since a longer one needs more memory
//! and another one reloads the model: so it is the same in each request.
//! Rules are those of docs.ollama.com and of the server's source, August 2026.
//!
//! Left out: pulling models, embeddings, formats.

use corecoder::{ErrorKind, ModelError, Request, wire};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::events::{Events, Lines};
use crate::wire::{Concession, Effort, Listed, Options, Reading, Sent, Wire};

mod messages;
mod reading;
mod refusal;

/// Ollama's protocol.
#[derive(Debug, Clone)]
pub struct Ollama {
    keep_alive: String,
}

impl Default for Ollama {
    fn default() -> Ollama {
        // Longer than the server's five minutes: a model that is loaded anew reads the whole conversation anew.
        let keep_alive = "30m".to_string();
        Ollama { keep_alive }
    }
}

impl Ollama {
    /// How long the model stays loaded after a reply, as Go writes durations: `"10m"`, `"-1s"` for ever.
    pub fn keep_alive(mut self, duration: impl Into<String>) -> Ollama {
        self.keep_alive = duration.into();
        self
    }
}

impl Wire for Ollama {
    fn base(&self) -> &str {
        "http://127.0.0.1:11434"
    }

    fn key(&self, key: &str) -> (&'static str, String) {
        ("authorization", format!("Bearer {key}"))
    }

    fn request(&self, request: &Request<'_>, options: &Options) -> Sent {
        let mut body = Map::new();
        body.insert("model".into(), json!(options.model));
        body.insert("messages".into(), messages::of(request, options).into());
        if !request.tools.is_empty() && !options.refused.has("tools") {
            body.insert("tools".into(), wire::tools(request).into());
        }
        let mut settings = Map::new();
        let window = options.window.filter(|_| !is_cloud(&options.model));
        for (name, value) in [
            ("num_ctx", json!(window)),
            ("num_predict", json!(options.max_tokens)),
            ("temperature", json!(options.temperature)),
        ] {
            if !value.is_null() {
                settings.insert(name.into(), value);
            }
        }
        if !settings.is_empty() {
            body.insert("options".into(), settings.into());
        }
        if let Some(effort) = options.effort.filter(|_| !options.refused.has("think")) {
            body.insert("think".into(), json!(word(effort, &options.model)));
        }
        body.insert("stream".into(), json!(true));
        body.insert("keep_alive".into(), json!(self.keep_alive));
        // Too long shall be an error, which is compacted, and not a conversation without its beginning.
        body.insert("truncate".into(), json!(false));
        body.insert("shift".into(), json!(false));
        Sent {
            path: "/api/chat".to_string(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(Events::<Lines, reading::Said>::default())
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        refusal::in_response(status, headers, body)
    }

    fn listing(&self) -> Option<Sent> {
        Some(Sent::get("/api/tags"))
    }

    fn listed(&self, body: &Value) -> Vec<Listed> {
        Listed::all(&body["models"], ["name", "", ""])
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        let says = |words: &str| error.message.contains(words);
        let has_picture = || body["messages"].to_string().contains("\"images\":");
        let pictures = error.message.to_lowercase();
        let pictures = pictures.contains("image") || pictures.contains("vision");
        let name = match error.kind {
            ErrorKind::BadRequest if says("does not support thinking") => "think",
            ErrorKind::BadRequest if says("does not support tools") => "tools",
            ErrorKind::BadRequest | ErrorKind::Overloaded if pictures && has_picture() => {
                "pictures"
            }
            _ => return None,
        };
        Some(Concession::Without(name.into()))
    }

    fn is_slip(&self, error: &ModelError) -> bool {
        error.message.contains(refusal::SLIP)
    }

    fn window(&self, options: &Options) -> Option<u64> {
        // What a local server loads unless it is told is not what the model was made for.
        let known = || corecoder::windows::of(&options.model);
        let is_cloud = is_cloud(&options.model);
        options.window.or_else(|| known().filter(|_| is_cloud))
    }
}

/// Whether the model runs at ollama.com, where the window is always the model's own.
fn is_cloud(model: &str) -> bool {
    model.ends_with(":cloud") || model.ends_with("-cloud")
}

fn word(effort: Effort, model: &str) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::Max if !model.contains("gpt-oss") => "max",
        Effort::High | Effort::Max => "high",
    }
}
