//! HTTP as every model behind a server needs it: one client, one more try where a kept connection was just closed,
//! limits for each wait, failures in words that hold neither the key nor the URL's query.
//!
//! Left out: growing pauses, which are [`crate::retry`]'s, and what a status means, which is each protocol's own.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use tokio::time::Instant;

use crate::model::{ErrorKind, ModelError};

/// How long to wait for a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection.
    pub connect: Duration,
    /// For the first byte of a reply; local models read a long prompt for minutes before it.
    pub first_byte: Duration,
    /// For each further piece.
    pub idle: Duration,
    /// For a whole reply; `None` is as long as it takes.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts {
            connect: Duration::from_secs(20),
            first_byte: Duration::from_secs(600),
            idle: Duration::from_secs(300),
            total: None,
        }
    }
}

/// A client that waits so long for a connection. Errors if TLS can't start, or if `key` can't stand in a header.
/// Redirects to other hosts lose an `Authorization`, but no header of another name: who sends the key in one follows
/// none.
pub fn client(key: &str, redirects: Policy, timeouts: Timeouts) -> Result<Client, ModelError> {
    let bad = |message: String| ModelError::new(ErrorKind::BadRequest, message);
    HeaderValue::from_str(key)
        .map_err(|_| bad("the API key holds a character that no HTTP header may hold".into()))?;
    // A provider is installed once for the process; another caller's choice is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("corecoder/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects)
        .connect_timeout(timeouts.connect)
        .build()
        .map_err(|error| bad(format!("the HTTP client can't start: {error:?}")))
}

/// A request and its response, each part of it in time or not at all.
pub struct Exchange {
    pub response: Response,
    clock: Clock,
}

impl Exchange {
    /// The response to a request, whatever its status. Errors if there is none.
    pub async fn new(request: RequestBuilder, timeouts: Timeouts) -> Result<Exchange, ModelError> {
        let clock = Clock {
            timeouts,
            began: Instant::now(),
            has_bytes: false,
        };
        let response = clock.wait(send(request)).await??;
        Ok(Exchange { response, clock })
    }

    /// The next piece; `None` at the end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ModelError> {
        let chunk = self.clock.wait(self.response.chunk()).await?;
        self.clock.has_bytes = true;
        chunk.map_err(network)
    }
}

/// How long a reply has taken.
struct Clock {
    timeouts: Timeouts,
    began: Instant,
    has_bytes: bool,
}

impl Clock {
    /// What comes, unless a limit is over before it.
    async fn wait<T>(&self, coming: impl Future<Output = T>) -> Result<T, ModelError> {
        let (limits, elapsed) = (self.timeouts, self.began.elapsed());
        let left = |limit: Duration| limit.saturating_sub(elapsed);
        // How long to wait from now on, the limit that is over then, and what is wrong with the reply.
        let next = match self.has_bytes {
            false => (left(limits.first_byte), limits.first_byte, "began no reply"),
            true => (limits.idle, limits.idle, "fell silent"),
        };
        let whole = limits
            .total
            .map(|total| (left(total), total, "was not done in time"));
        let (left, limit, words) = whole.map_or(next, |whole| whole.min(next));
        let message = || {
            format!(
                "the provider {words} ({TOO_LATE} {} s)",
                limit.as_secs_f64()
            )
        };
        let waited = tokio::time::timeout(left, coming).await;
        waited.map_err(|_| ModelError::new(ErrorKind::Network, message()))
    }
}

/// How an error about a limit is told from others.
pub(crate) const TOO_LATE: &str = "timed out after";

/// The response to a request, whatever its status. Errors if there is none.
async fn send(request: RequestBuilder) -> Result<Response, ModelError> {
    let again = request.try_clone();
    let mut sent = request.send().await.map_err(network);
    // A server may close a kept connection just as it is used again; a new one is asked at once.
    let closed = |error: &ModelError| error.message.contains("closed before message completed");
    if let Some(again) = again.filter(|_| sent.as_ref().is_err_and(closed)) {
        sent = again.send().await.map_err(network);
    }
    sent
}

/// A failed connection, with its causes. The URL may hold a key, so only its host is named.
pub fn network(error: reqwest::Error) -> ModelError {
    let place = error
        .url()
        .and_then(|url| Some((url.host_str()?, url.port_or_known_default()?)));
    let (host, port) = place.unwrap_or(("the provider", 0));
    let mut message = format!("no reply from {host}:{port}");
    let error = error.without_url();
    let mut cause: Option<&dyn std::error::Error> = Some(&error);
    while let Some(error) = cause {
        message += &format!(": {error}");
        cause = error.source();
    }
    // A certificate that is not trusted now is not trusted a second later.
    let kind = match message.contains("invalid peer certificate") {
        true => ErrorKind::Other,
        false => ErrorKind::Network,
    };
    ModelError::new(kind, message)
}

/// The error with the key taken out of its words, should a server have quoted it.
pub fn without_key(mut error: ModelError, key: &str) -> ModelError {
    // What stands in for a key where none is needed, such as "x", may be part of any word.
    if key.len() >= 8 {
        error.message = error.message.replace(key, "[key]");
    }
    error
}
