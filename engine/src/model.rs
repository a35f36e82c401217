//! The `Model` socket: a request in, a stream of deltas out.
//!
//! A model streams [`Delta`]s and closes with [`Delta::Done`], which holds the whole reply again: who only
//! wants the answer can ignore all else. Errors are of few kinds, each a different next step for the caller.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream, StreamExt};
use parking_lot::Mutex;

use crate::conversation::{Entry, Reply, ToolCall};
use crate::tools::Spec;

/// Everything a model is given. Nothing in it changes between two requests but what is appended to
/// `entries`, so that the provider's cache of the prefix holds.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    pub system: &'a str,
    pub tools: &'a [Spec],
    pub entries: &'a [Entry],
    /// The longest reply in tokens, reasoning included, where it must be shorter than the model's own setting has it. A
    /// request that has one is never sent without it: where the server takes none, it ends in [`ErrorKind::Limit`].
    pub max_tokens: Option<u64>,
}

/// What a model says, piece by piece.
#[derive(Debug, Clone)]
pub enum Delta {
    Text(String),
    Reasoning(String),
    /// The next call, in the order of the reply; it is complete and will not change.
    Call(ToolCall),
    /// The stream died and is asked for again after the wait: all deltas so far are void.
    Restart {
        error: ModelError,
        wait: Duration,
        /// The model that is asked now, if it is another one.
        model: Option<String>,
    },
    /// The whole reply, last.
    Done(Reply),
}

/// The deltas of one request; dropping it drops the request.
pub type Deltas<'a> = BoxStream<'a, Result<Delta, ModelError>>;

/// A language model.
pub trait Model: Send + Sync {
    /// Asks for one reply. An `Err` item ends the stream.
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a>;

    /// The model's name as the user writes it.
    fn name(&self) -> &str;

    /// The longest request that it can read, in tokens; `None` if that is not known.
    fn window(&self) -> Option<u64> {
        None
    }
}

/// A shared model is one, so that wrappers can hold any.
impl<M: Model + ?Sized> Model for Arc<M> {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        (**self).stream(request)
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn window(&self) -> Option<u64> {
        (**self).window()
    }
}

/// A request that failed, in the provider's own words, without any key.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ModelError {
    pub kind: ErrorKind,
    pub message: String,
    /// How long the provider asked to wait.
    pub wait: Option<Duration>,
}

impl ModelError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> ModelError {
        ModelError {
            kind,
            message: message.into(),
            wait: None,
        }
    }

    /// The server refuses every name for the limit of a request: see [`Request::max_tokens`].
    pub fn no_limit() -> ModelError {
        let message = "this server takes no limit for its replies, so a budget can't be kept: run without one, choose \
            another model, or, if its replies are only shorter than was asked for, set a smaller max_tokens";
        ModelError::new(ErrorKind::Limit, message)
    }

    /// A stream ended without [`Delta::Done`].
    pub(crate) fn unfinished() -> ModelError {
        ModelError::new(ErrorKind::Other, "the model's stream ended without a reply")
    }
}

/// What a failed request means for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Too many requests; worth another try after the wait.
    RateLimit,
    /// The provider is in trouble; worth another try.
    Overloaded,
    /// The conversation does not fit the model's window: compact, then ask again.
    ContextTooLong,
    /// No credit left.
    Quota,
    /// The key is missing, wrong, or not allowed to do this.
    Authentication,
    /// The provider refuses the request as it stands.
    BadRequest,
    /// The connection failed or broke; worth another try.
    Network,
    /// A limit of the user's own, such as a budget, leaves no room for the request, or can't be kept with it.
    Limit,
    Other,
}

impl ErrorKind {
    /// Whether the same request may succeed later.
    pub fn passes(self) -> bool {
        matches!(
            self,
            ErrorKind::RateLimit | ErrorKind::Overloaded | ErrorKind::Network
        )
    }
}

/// A model that says what you wrote: one reply a request, in order. For tests, demos and lessons.
pub struct Script(Mutex<VecDeque<Reply>>);

impl Script {
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Script {
        Script(Mutex::new(replies.into_iter().collect()))
    }
}

impl Model for Script {
    fn stream<'a>(&'a self, _request: Request<'a>) -> Deltas<'a> {
        let next = self.0.lock().pop_front();
        let end = || ModelError::new(ErrorKind::Other, "the script has no further reply");
        stream::iter([next.map(Delta::Done).ok_or_else(end)]).boxed()
    }

    fn name(&self) -> &str {
        "script"
    }
}
