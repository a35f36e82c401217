//! Chat completions for servers that want them otherwise than OpenAI, in ways that no refusal tells.
//!
//! The engine writes the messages and reads the reply; a row of the table says what is changed of both (`dialect`) and
//! what a request says more. Servers without such wishes are asked by the engine's own [`corecoder::Llm`]. Azure uses
//! the same body and reader at its own URLs.
//!
//! Left out: content as parts or text by model, echoes of Mistral's thinking parts.

use std::sync::Arc;

use corecoder::{ModelError, Request};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::choice::listed;
use crate::headers;
use crate::table::Row;
use crate::wire::{Concession, Listed, Options, Reading, Sent, Wire};

pub(crate) mod body;
mod dialect;
mod reading;

pub(crate) use reading::ByLine;

/// The names of a reply's limit: what the protocol began with, then what OpenAI's reasoning models insist on.
const LIMITS: body::Limits = ["max_tokens", "max_completion_tokens"];

/// Chat completions as one provider wants them.
#[derive(Debug, Clone)]
pub struct Chat {
    row: Arc<Row>,
    /// What stands between the host and the protocol's own paths, from the slash on.
    version: String,
}

impl Default for Chat {
    fn default() -> Chat {
        Chat::of(Arc::new(Row::custom()), "https://api.openai.com/v1")
    }
}

impl Chat {
    /// As `row` has it, at `base_url`, which holds the version, as OpenAI's does.
    pub fn of(row: Arc<Row>, base_url: &str) -> Chat {
        let (_, place) = base_url.split_once("://").unwrap_or(("", base_url));
        let (_, version) = place.split_at(place.find('/').unwrap_or(place.len()));
        let version = version.trim_end_matches('/').to_string();
        Chat { row, version }
    }
}

impl Wire for Chat {
    fn base(&self) -> &str {
        "https://api.openai.com"
    }

    fn key(&self, key: &str) -> (&'static str, String) {
        ("authorization", format!("Bearer {key}"))
    }

    fn request(&self, request: &Request<'_>, options: &Options) -> Sent {
        let mut more = self.row.fields(options.effort);
        if let Some((name, session)) = self.row.session.clone().zip(options.session.clone()) {
            more.insert(name, session.into());
        }
        let mut body = body::of(request, options, LIMITS, more);
        dialect::fit(&self.row, &options.refused, &mut body["messages"]);
        Sent {
            path: format!("{}/chat/completions", self.version),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(ByLine::keeping_reasoning(self.row.echo_reasoning))
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        headers::refused(status, headers, body)
    }

    fn listing(&self) -> Option<Sent> {
        Some(Sent::get(format!("{}/models", self.version)))
    }

    fn listed(&self, body: &Value) -> Vec<Listed> {
        listed(body)
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        body::concession(error, body, LIMITS)
    }
}
