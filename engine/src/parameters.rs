//! What a request says beside messages and tools, less what the server has refused.
//!
//! Servers disagree on the parameters they take, and say so by name in a 400 or 422. What is refused is left out for
//! as long as the model lives, so that each costs one request once.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use serde_json::{Map, Value, json};

use crate::model::{ErrorKind, ModelError};
use crate::wire::Message;

/// What may be refused.
const OPTIONAL: [&str; 7] = [
    "stream_options",
    "temperature",
    LIMITS[0],
    LIMITS[1],
    "reasoning_content",
    "stream",
    PICTURES,
];
/// The names of a reply's limit: what the protocol began with, and what OpenAI's reasoning models insist on.
const LIMITS: [&str; 2] = ["max_tokens", "max_completion_tokens"];
/// Pictures, as the protocol calls them. Servers refuse them in words of their own, some as an error of their own.
const PICTURES: &str = "image_url";

#[derive(Default)]
pub(crate) struct Parameters {
    pub max_tokens: Option<u64>,
    pub temperature: Option<f64>,
    /// Whatever else is said; all of it may be refused.
    pub extra: Map<String, Value>,
    refused: Mutex<BTreeSet<String>>,
}

impl Parameters {
    /// The parameters as they are sent now, for a reply of at most this many tokens. The model's own limit is a wish, but
    /// this one is a promise: errors if the server refuses both names for it.
    pub fn sent(&self, most: Option<u64>) -> Result<Map<String, Value>, ModelError> {
        let refused = self.refused.lock();
        if most.is_some() && LIMITS.iter().all(|name| refused.contains(*name)) {
            return Err(ModelError::no_limit());
        }
        let max_tokens = self.max_tokens.into_iter().chain(most).min();
        let newer = max_tokens.filter(|_| refused.contains(LIMITS[0]));
        let usage = (!refused.contains("stream")).then(|| json!({"include_usage": true}));
        let mut sent = self.extra.clone();
        sent.retain(|name, _| !refused.contains(name));
        for (name, value) in [
            (LIMITS[0], json!(max_tokens)),
            (LIMITS[1], json!(newer)),
            ("temperature", json!(self.temperature)),
            ("stream", json!(true)),
            ("stream_options", json!(usage)),
        ] {
            if !value.is_null() && !refused.contains(name) {
                sent.insert(name.to_string(), value);
            }
        }
        Ok(sent)
    }

    /// Takes out of the messages what was refused in them.
    pub fn clean(&self, messages: &mut [Message<'_>]) {
        if self.refused.lock().contains("reasoning_content") {
            messages.iter_mut().for_each(|message| message.echo = None);
        }
        if self.refused.lock().contains(PICTURES) {
            messages.iter_mut().for_each(Message::blind);
        }
    }

    /// Whether the server refused by name what can be left out; it is, from now on.
    pub fn adapt(
        &self,
        error: &ModelError,
        sent: &Map<String, Value>,
        messages: &[Message<'_>],
    ) -> bool {
        let between = |c: char| !c.is_alphanumeric() && c != '_';
        let message = error.message.to_lowercase().replace("streaming", "stream");
        let has = |word: &str| message.split(between).any(|other| other == word);
        let blames = |name: &str| match name {
            PICTURES => [PICTURES, "image", "images", "vision"].into_iter().any(has),
            name => error.kind == ErrorKind::BadRequest && has(name),
        };
        let was_sent = |name: &str| match name {
            PICTURES => messages.iter().any(Message::is_picture),
            name => sent.contains_key(name) || name == "reasoning_content",
        };
        let extra = self.extra.keys().map(String::as_str);
        let culprit = OPTIONAL
            .into_iter()
            .chain(extra)
            .find(|name| blames(name) && was_sent(name));
        culprit.is_some_and(|name| self.refused.lock().insert(name.to_string()))
    }
}
