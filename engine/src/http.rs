//! HTTP as every model behind a server needs it: one client, one more try where a kept connection was just closed,
//! failures in words that hold neither the key nor the URL's query.
//!
//! Left out: growing pauses, which are [`crate::retry`]'s, and what a status means, which is each protocol's own.

use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

use crate::model::{ErrorKind, ModelError};

/// A client with the engine's time limits. Errors if TLS can't start, or if `key` can't stand in a header. Redirects to
/// other hosts lose an `Authorization`, but no header of another name: who sends the key in one follows none.
pub fn client(key: &str, redirects: Policy) -> Result<Client, ModelError> {
    let bad = |message: String| ModelError::new(ErrorKind::BadRequest, message);
    HeaderValue::from_str(key)
        .map_err(|_| bad("the API key holds a character that no HTTP header may hold".into()))?;
    // A provider is installed once for the process; another caller's choice is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent(concat!("corecoder/", env!("CARGO_PKG_VERSION")))
        .redirect(redirects)
        .connect_timeout(Duration::from_secs(20))
        // Local models read a long prompt for minutes before their first byte.
        .read_timeout(Duration::from_secs(600))
        .build()
        .map_err(|error| bad(format!("the HTTP client can't start: {error:?}")))
}

/// The response to a request, whatever its status. Errors if there is none.
pub async fn send(request: RequestBuilder) -> Result<Response, ModelError> {
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
