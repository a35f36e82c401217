//! What a protocol is: a request as JSON, bytes as a reply, a refusal as an error. All of it is pure.
//!
//! [`crate::Remote`] does the rest for every wire: HTTP, patience, the key. Two things hold for each: equal entries
//! give equal bytes, whatever follows them, so that the provider's cache of the prefix serves them; and a reply
//! counts only after the provider's own word for its end, so that nothing runs out of half a stream.
//!
//! Left out: files and batches, live audio, tools that run at the provider.

use std::collections::BTreeSet;

use corecoder::http::Timeouts;
use corecoder::{Delta, ModelError, Reply, Request};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// A protocol. One value serves any number of requests at once.
pub trait Wire: Send + Sync {
    /// Where the provider itself listens, without a path.
    fn base(&self) -> &str;

    /// The header that holds the key.
    fn key(&self, key: &str) -> (&'static str, String);

    /// The request as it is sent. Equal entries give equal bytes, whatever follows them.
    fn request(&self, request: &Request<'_>, options: &Options) -> Sent;

    /// A reader for one response.
    fn reading(&self) -> Box<dyn Reading>;

    /// What a response says that is no reply: any status but a 2xx.
    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError;

    /// The request for the list of models, without a body; `None` if the provider has no such list.
    fn listing(&self) -> Option<Sent> {
        None
    }

    /// The models of that list, in its order.
    fn listed(&self, _body: &Value) -> Vec<Listed> {
        Vec::new()
    }

    /// What to do without from now on, where a refusal names it; `body` is what was refused. The same request is then
    /// made again at once.
    fn concession(&self, _error: &ModelError, _body: &Value) -> Option<Concession> {
        None
    }

    /// Whether the failure is the model's own slip in writing a call: a second sample may do better.
    fn is_slip(&self, _error: &ModelError) -> bool {
        false
    }

    /// The longest request in tokens, if the wire itself settles that.
    fn window(&self, options: &Options) -> Option<u64> {
        options
            .window
            .or_else(|| corecoder::windows::of(&options.model))
    }
}

/// A response under way: bytes are pushed in, deltas come out.
pub trait Reading: Send {
    /// Takes one read, cut anywhere. An error that the stream holds ends it, and is what [`Reading::finish`] gives.
    fn push(&mut self, bytes: &[u8]) -> Vec<Delta>;

    /// Whether all has been said, or an error has: what follows is ignored.
    fn is_done(&self) -> bool;

    /// The connection is at its end: the whole reply, if it is one. Its `origin` is left to the caller.
    fn finish(&mut self) -> Result<Reply, ModelError>;
}

/// A request as it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// What follows the base URL, from the slash on, with its query.
    pub path: String,
    /// Headers beside the key's and the content's type.
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
}

impl Sent {
    /// A request for what stands there.
    pub(crate) fn get(path: impl Into<String>) -> Sent {
        Sent {
            path: path.into(),
            headers: Vec::new(),
            body: Value::Null,
        }
    }
}

/// A model as its provider lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// The longest request in tokens, if the list says so.
    pub window: Option<u64>,
    /// The longest reply in tokens, if the list says so.
    pub max_tokens: Option<u64>,
}

impl Listed {
    /// The entries of a list that have a name there; windows and caps under the names of these fields.
    pub(crate) fn all(list: &Value, [name, window, most]: [&str; 3]) -> Vec<Listed> {
        let listed = |model: &Value| {
            Some(Listed {
                name: model[name].as_str()?.to_string(),
                window: model[window].as_u64(),
                max_tokens: model[most].as_u64(),
            })
        };
        let list = list.as_array().into_iter().flatten();
        list.filter_map(listed).collect()
    }
}

/// What is asked for beside the conversation.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The model's name, as the provider writes it.
    pub model: String,
    /// The longest reply in tokens, reasoning included; `None` leaves it to the wire, or to the provider.
    pub max_tokens: Option<u64>,
    /// `None` leaves it to the provider. It is left out for models that refuse it.
    pub temperature: Option<f64>,
    /// How hard to think; `None` leaves it to the provider.
    pub effort: Option<Effort>,
    /// The same word for all requests of one conversation, where a provider finds its cache by it.
    pub session: Option<String>,
    /// The longest request in tokens, where the user knows better than the table.
    pub window: Option<u64>,
    /// How long to wait for the server.
    pub timeouts: Timeouts,
    /// Which replies' signatures and ids are worth something; [`crate::Remote`] sets it to URL and model.
    pub origin: String,
    /// What the server has refused; [`crate::Remote`] sets it.
    pub refused: Refused,
}

impl Options {
    /// These options with everything but the model left to the provider.
    pub fn of(model: impl Into<String>) -> Options {
        Options {
            model: model.into(),
            ..Options::default()
        }
    }

    /// The longest reply to ask for, in tokens; none where the server takes no limit.
    pub fn limit(&self) -> Option<u64> {
        self.max_tokens.filter(|_| !self.refused.unlimited)
    }
}

/// How hard a model is asked to think. Each wire has its own words or budgets for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    Low,
    Medium,
    High,
    Max,
}

impl Effort {
    /// As users write it.
    pub fn word(self) -> &'static str {
        match self {
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Max => "max",
        }
    }
}

impl std::str::FromStr for Effort {
    type Err = String;

    fn from_str(word: &str) -> Result<Effort, String> {
        let efforts = [Effort::Low, Effort::Medium, Effort::High, Effort::Max];
        let known = efforts
            .into_iter()
            .find(|effort| effort.word() == word.trim());
        known.ok_or_else(|| format!("effort must be low, medium, high or max, not {word:?}"))
    }
}

/// One thing that a server will not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concession {
    /// A part of the request, in the wire's own name for it.
    Without(String),
    /// Replies may not be longer than this, in tokens.
    MaxTokens(u64),
    /// Any limit for replies: a request that must have one can't be made any more.
    Unlimited,
}

/// What a server has refused so far. It is left out as long as the model lives, so that each costs one request once.
#[derive(Debug, Clone, Default)]
pub struct Refused {
    without: BTreeSet<String>,
    max_tokens: Option<u64>,
    unlimited: bool,
    concessions: u32,
}

/// A server that refuses more than this will take nothing.
const CONCESSIONS: u32 = 20;

impl Refused {
    /// Whether the request does without this part.
    pub fn has(&self, name: &str) -> bool {
        self.without.contains(name)
    }

    /// The longest reply that the server allows, if it had to say so.
    pub fn max_tokens(&self) -> Option<u64> {
        self.max_tokens
    }

    /// Whether the server takes no limit for its replies.
    pub fn is_unlimited(&self) -> bool {
        self.unlimited
    }

    /// Remembers it; false if it was known, so that asking again leads nowhere.
    pub fn add(&mut self, concession: Concession) -> bool {
        self.concessions += 1;
        let is_news = match concession {
            Concession::Without(name) => self.without.insert(name),
            Concession::MaxTokens(most) => {
                let is_news = self.max_tokens.is_none_or(|known| most < known);
                self.max_tokens = Some(self.max_tokens.map_or(most, |known| known.min(most)));
                is_news
            }
            Concession::Unlimited => !std::mem::replace(&mut self.unlimited, true),
        };
        is_news && self.concessions <= CONCESSIONS
    }
}
