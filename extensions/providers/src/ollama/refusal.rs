//! What Ollama's errors mean: one sentence under `error`, sometimes with another server's JSON in it.

use corecoder::wire::{refusal, text};
use corecoder::{ErrorKind, ModelError};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::headers;

/// The server could not read a call that the model wrote.
pub(super) const SLIP: &str = "invalid tool call arguments";

/// An error that came as a response, with what helps against it.
pub(super) fn in_response(status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    let mut error = judged(headers::refused(status, headers, body));
    let value = text::json(body).unwrap_or_default();
    if let Some(url) = value["signin_url"].as_str() {
        error.message += &format!(" (sign in at {url})");
    }
    if status == 404 && error.message.contains("model") {
        error.message += " (`ollama list` shows what is there, `ollama pull` fetches more)";
    }
    error
}

/// An error that came as a line.
pub(super) fn in_stream(line: &Value) -> ModelError {
    judged(refusal::in_stream(&line.to_string()))
}

fn judged(error: ModelError) -> ModelError {
    let kind = match error.message.to_lowercase() {
        words if words.contains(SLIP) => ErrorKind::Other,
        words if words.contains("usage limit") => ErrorKind::Quota,
        _ => error.kind,
    };
    ModelError { kind, ..error }
}
