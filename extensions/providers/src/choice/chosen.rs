//! A model that was chosen: all that is needed to ask it, and to ask its server about it.

use std::fmt;
use std::sync::Arc;

use corecoder::config::is_loopback;
use corecoder::{Delta, Deltas, Llm, Model, ModelError, Request};
use futures::StreamExt;

use super::keys::Key;
use super::place::Place;
use super::spelling;
use crate::table::{Kind, Row};
use crate::wire::{Options, Wire};
use crate::{Anthropic, Azure, Chat, Gemini, Ollama, Remote, Responses};

/// Which model, of whom, where, with which key.
#[derive(Clone)]
pub struct Chosen {
    /// The provider's name in the table; `custom` for an endpoint that it does not know.
    pub provider: String,
    pub kind: Kind,
    /// The model's name as the provider writes it.
    pub model: String,
    pub base_url: String,
    /// The variable that held the key, if one did.
    pub key_from: Option<String>,
    name: String,
    pub(super) key: String,
    pub(super) row: Arc<Row>,
    version: Option<String>,
    /// The longest request in tokens, as the server said.
    pub(super) window: Option<u64>,
}

impl Chosen {
    pub(super) fn new(
        place: Place,
        key: Option<Key>,
        [model, name]: [String; 2],
        version: Option<String>,
    ) -> Chosen {
        let (key, key_from) =
            key.map_or_else(Default::default, |key| (key.given.text, key.variable));
        Chosen {
            provider: place.row.name.clone(),
            kind: place.kind,
            model,
            base_url: place.url.text,
            key_from,
            name,
            key,
            row: place.row,
            version,
            window: None,
        }
    }

    /// The name as the user wrote it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The longest request in tokens, as the server said, or as it is known of the name.
    pub fn window(&self) -> Option<u64> {
        self.window.or_else(|| corecoder::windows::of(&self.model))
    }

    /// Whether there is a key to send.
    pub fn has_key(&self) -> bool {
        !self.key.is_empty()
    }

    /// Whether it runs on the user's own machine, where a request costs nothing. A gateway there asks somebody else.
    pub fn is_free(&self) -> bool {
        self.row.local && self.row.name != "litellm" && is_loopback(&self.base_url)
    }

    /// Another model of the same endpoint, by the provider's name for it.
    pub fn with_model(&self, model: &str) -> Chosen {
        Chosen {
            model: model.to_string(),
            name: model.to_string(),
            window: None,
            ..self.clone()
        }
    }

    pub(super) fn called(self, name: &str) -> Chosen {
        let name = name.to_string();
        Chosen { name, ..self }
    }

    /// Whether the endpoint's own models are named `maker/model`.
    pub(super) fn has_makers(&self) -> bool {
        self.row.maker_prefix || self.row.name == "custom" && self.model.contains('/')
    }

    /// The model, ready to be asked; what `options` call the model is ignored. Errors if the URL is none, or the key
    /// can't stand in a header.
    pub fn model(&self, options: &Options) -> Result<Arc<dyn Model>, ModelError> {
        let window = options.window.or(self.window);
        let inner: Box<dyn Model> = match self.kind {
            Kind::OpenAi if !self.row.has_dialect() => Box::new(self.llm(options)?),
            _ => Box::new(self.remote(&Options {
                window,
                ..options.clone()
            })?),
        };
        let name = self.name.clone();
        Ok(Arc::new(Named {
            inner,
            name,
            window,
        }))
    }

    fn llm(&self, options: &Options) -> Result<Llm, ModelError> {
        let llm = Llm::new(&self.model, &self.key, Some(&self.base_url))?;
        let mut llm = llm
            .max_tokens(options.max_tokens)
            .temperature(options.temperature)
            .timeouts(options.timeouts)?;
        for (name, value) in self.row.fields(options.effort) {
            llm = llm.extra(name, value);
        }
        if let Some((name, session)) = self.row.session.clone().zip(options.session.clone()) {
            llm = llm.extra(name, session.into());
        }
        Ok(llm)
    }

    pub(super) fn remote(&self, options: &Options) -> Result<Remote, ModelError> {
        let model = self.model.clone();
        let options = Options {
            model,
            ..options.clone()
        };
        Remote::new(self.wire(), &self.key, Some(&self.base_url), options)
    }

    fn wire(&self) -> Box<dyn Wire> {
        let is_bearer = self
            .key_from
            .as_ref()
            .is_some_and(|from| self.row.bearer.contains(from));
        match self.kind {
            Kind::Anthropic if is_bearer => Box::new(Anthropic::default().bearer()),
            Kind::Anthropic => Box::new(Anthropic::default()),
            Kind::Gemini => Box::new(Gemini::default()),
            Kind::Ollama => Box::new(Ollama::default()),
            Kind::OpenAi => Box::new(Chat::of(self.row.clone(), &self.base_url)),
            Kind::Responses => Box::new(Responses::default()),
            Kind::Azure => {
                // The `v1` API has no dated version.
                let dated = self
                    .version
                    .as_ref()
                    .filter(|version| version.starts_with("20"));
                let azure =
                    dated.map_or_else(Azure::default, |version| Azure::default().version(version));
                Box::new(azure)
            }
        }
    }
}

/// Without the key, and without the parts of a URL that may hold one.
impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chosen")
            .field("provider", &self.provider)
            .field("kind", &self.kind)
            .field("model", &self.model)
            .field("base_url", &spelling::bare(&self.base_url))
            .field("key_from", &self.key_from)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// A model under the name that the user gave it, with the window that is known of its server.
struct Named {
    inner: Box<dyn Model>,
    name: String,
    window: Option<u64>,
}

impl Model for Named {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let named = |mut delta| {
            if let Ok(Delta::Done(reply)) = &mut delta {
                reply.model.clone_from(&self.name);
            }
            delta
        };
        self.inner.stream(request).map(named).boxed()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn window(&self) -> Option<u64> {
        self.window.or_else(|| self.inner.window())
    }
}
