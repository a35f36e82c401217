//! Azure OpenAI: chat completions as the engine writes and reads them, at Azure's URLs and with its header.
//!
//! The model is the name of a deployment. Without a version requests go to the `v1` API, which takes the name in the
//! body; with one to the dated API, which takes it in the path.
//! Rules are those of learn.microsoft.com/azure/foundry (API version lifecycle) and of OpenAI's SDK 3.54, November 2026.
//!
//! Left out: Entra's sign-in, though its tokens can be the key with [`Azure::bearer`]; data sources.

use corecoder::{ModelError, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::chat::{ByLine, body};
use crate::headers;
use crate::wire::{Concession, Effort, Options, Reading, Sent, Wire};

/// The names of a reply's limit, Azure's own first; models of other makers know the older one.
const LIMITS: body::Limits = ["max_completion_tokens", "max_tokens"];

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
        let more = [
            ("reasoning_effort", json!(options.effort.map(word))),
            ("prompt_cache_key", json!(options.session)),
        ];
        let more = more.map(|(name, value)| (name.to_string(), value));
        Sent {
            path: self.path(&options.model),
            headers: Vec::new(),
            body: body::of(request, options, LIMITS, more.into_iter().collect()).into(),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(ByLine::default())
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        let mut error = headers::refused(status, headers, body);
        if status == 404 {
            error.message += " (on Azure the model is the name of a deployment, and the base URL that of a resource)";
        }
        error
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        body::concession(error, body, LIMITS)
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
