//! What a server says about its models: which there are, and how long a request each of them reads.
//!
//! Servers tell the window in many places; the one that was really loaded comes before the one that the model could
//! have. Nothing here is needed for a request: a server that is down costs its two seconds and no more.

use std::time::Duration;

use corecoder::http::{self, Timeouts};
use corecoder::wire::{refusal, text};
use corecoder::{ErrorKind, ModelError};
use reqwest::RequestBuilder;
use reqwest::redirect::Policy;
use serde_json::{Value, json};

use super::chosen::Chosen;
use crate::table::Kind;
use crate::wire::{Listed, Options};

/// Of a list no more bytes are read. OpenRouter's is the longest, with one million.
const LONGEST_LIST: usize = 8 << 20;
/// What Ollama is asked to load where the model could do more: a longer one needs more memory than most have.
const OLLAMA_WINDOW: u64 = 32_768;
/// Where lists have the window, in tokens: LM Studio's loaded one first; OpenRouter, vLLM, Groq, Mistral; llama.cpp
/// what the model was trained for; LiteLLM.
const WINDOWS: [&str; 7] = [
    "/loaded_context_length",
    "/context_length",
    "/max_model_len",
    "/context_window",
    "/max_context_length",
    "/meta/n_ctx_train",
    "/max_input_tokens",
];

impl Chosen {
    /// The models that the server offers, as it lists them, with windows where it says them. Errors where there is no
    /// such list, or it can't be had within 10 s.
    pub async fn models(&self) -> Result<Vec<Listed>, ModelError> {
        if self.kind != Kind::OpenAi {
            return self.remote(&Options::default())?.models().await;
        }
        let body = self.ask("/models", None).await?;
        let mut models = listed(&body);
        // Two local servers tell the window elsewhere.
        let root = self.root();
        if self.row.name == "lmstudio"
            && let Ok(body) = self.ask_at(&format!("{root}/api/v0/models"), None).await
        {
            let known = listed(&body);
            let window = |name: &str| known.iter().find(|model| model.name == name)?.window;
            models
                .iter_mut()
                .for_each(|model| model.window = window(&model.name).or(model.window));
        }
        if self.row.name == "llamacpp"
            && let Ok(body) = self.ask_at(&format!("{root}/props"), None).await
        {
            let window = body
                .pointer("/default_generation_settings/n_ctx")
                .and_then(Value::as_u64);
            models
                .iter_mut()
                .for_each(|model| model.window = window.or(model.window));
        }
        Ok(models)
    }

    /// Asks a server of one's own how long a request it reads, where `window` (tokens, the user's own setting) does not
    /// say so. Ollama must be told what to load, or it loads 4,096 tokens. Takes 2 s at most, and changes nothing where
    /// the server does not answer.
    pub async fn prepare(&mut self, window: Option<u64>) {
        self.window = match window {
            Some(window) => Some(window),
            None => tokio::time::timeout(Duration::from_secs(2), self.told())
                .await
                .ok()
                .flatten(),
        };
    }

    async fn told(&self) -> Option<u64> {
        match self.kind {
            Kind::Ollama => self.of_ollama().await,
            Kind::OpenAi if self.is_own() => {
                let models = self.models().await.ok()?;
                models
                    .into_iter()
                    .find(|model| model.name == self.model)?
                    .window
            }
            _ => None,
        }
    }

    /// Whether the server is the user's own, where nobody's table knows the windows.
    fn is_own(&self) -> bool {
        self.base_url.starts_with("http://") || self.row.local
    }

    async fn of_ollama(&self) -> Option<u64> {
        let is_cloud = self.model.ends_with(":cloud") || self.model.ends_with("-cloud");
        // At ollama.com the window is always the model's own.
        if is_cloud || self.base_url.starts_with("https://ollama.com") {
            return None;
        }
        let show = json!({"model": self.model});
        let shown = self
            .ask_at(&format!("{}/api/show", self.root()), Some(show))
            .await
            .ok()?;
        let info = shown["model_info"].as_object()?;
        let mut windows = info
            .iter()
            .filter(|(name, _)| name.ends_with(".context_length"));
        Some(windows.next()?.1.as_u64()?.min(OLLAMA_WINDOW))
    }

    /// The base URL without the version of the OpenAI-compatible endpoint.
    fn root(&self) -> &str {
        let base = self.base_url.trim_end_matches('/');
        base.strip_suffix("/v1").unwrap_or(base)
    }

    async fn ask(&self, path: &str, body: Option<Value>) -> Result<Value, ModelError> {
        self.ask_at(
            &format!("{}{path}", self.base_url.trim_end_matches('/')),
            body,
        )
        .await
    }

    async fn ask_at(&self, url: &str, body: Option<Value>) -> Result<Value, ModelError> {
        // A redirect would take the key along, to whatever host.
        let client = http::client(&self.key, Policy::none(), Timeouts::default())?;
        let mut request = match body {
            Some(body) => client.post(url).json(&body),
            None => client.get(url),
        };
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        let answer = answer(request.timeout(Duration::from_secs(10)), LONGEST_LIST).await;
        answer.map_err(|error| http::without_key(error, &self.key))
    }
}

/// The JSON that answers a request, in at most so many bytes.
pub(crate) async fn answer(request: RequestBuilder, longest: usize) -> Result<Value, ModelError> {
    let mut response = request.send().await.map_err(http::network)?;
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.map_err(http::network)? {
        body.extend_from_slice(&bytes);
        if body.len() > longest {
            break;
        }
    }
    let body = String::from_utf8_lossy(&body);
    if !response.status().is_success() {
        return Err(refusal::in_response(
            response.status().as_u16(),
            None,
            &body,
        ));
    }
    let none = || {
        let message = format!(
            "the answer is no JSON; it begins with {:?}",
            text::head(&body, 100)
        );
        ModelError::new(ErrorKind::Other, message)
    };
    serde_json::from_str(&body).map_err(|_| none())
}

/// The models of a list in OpenAI's form; most wrap it in `data`, some (Together's) don't.
pub(crate) fn listed(body: &Value) -> Vec<Listed> {
    let models = body["data"].as_array().or(body.as_array());
    let listed = |model: &Value| {
        let window = WINDOWS
            .iter()
            .find_map(|place| model.pointer(place)?.as_u64());
        let most = model
            .pointer("/top_provider/max_completion_tokens")
            .or(model.get("max_completion_tokens"))
            .or(model.get("max_output_tokens"));
        Some(Listed {
            name: model["id"].as_str()?.to_string(),
            window: window.filter(|window| *window > 0),
            max_tokens: most.and_then(Value::as_u64),
        })
    };
    models.into_iter().flatten().filter_map(listed).collect()
}
