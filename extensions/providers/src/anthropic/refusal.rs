//! What Anthropic's errors mean. The type is asked first, then the code in the details, and the engine's rules for
//! statuses and words settle the rest.
//!
//! From platform.claude.com/docs/en/api/errors and rate-limits, November 2026.

use std::time::Duration;

use corecoder::wire::{refusal, text};
use corecoder::{ErrorKind, ModelError};
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::headers;

/// An error that came as a response.
pub(super) fn in_response(status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    let error = headers::refused(status, headers, body);
    let value = text::json(body).unwrap_or_default();
    let mut error = judged(error, &value["error"]);
    if error.kind == ErrorKind::RateLimit && error.wait.is_none() {
        error.wait = reset(&headers::get(headers));
    }
    headers::obeyed(error, headers)
}

/// An error that came as an event.
pub(super) fn in_stream(event: &Value) -> ModelError {
    let error = judged(refusal::in_stream(&event.to_string()), &event["error"]);
    let message = match event["error"]["type"].as_str() {
        Some(kind) => format!("{kind}: {}", error.message),
        None => error.message,
    };
    ModelError { message, ..error }
}

fn judged(error: ModelError, body: &Value) -> ModelError {
    let words = error.message.to_lowercase();
    let code = body["details"]["error_code"].as_str().unwrap_or_default();
    let spent = code.ends_with("spend_limit_reached")
        || words.contains("credit balance")
        || words.contains("usage limits");
    let kind = match body["type"].as_str().unwrap_or_default() {
        _ if spent => ErrorKind::Quota,
        "billing_error" => ErrorKind::Quota,
        "rate_limit_error" => ErrorKind::RateLimit,
        "overloaded_error" | "api_error" | "timeout_error" => ErrorKind::Overloaded,
        "authentication_error" | "permission_error" => ErrorKind::Authentication,
        "request_too_large" => ErrorKind::ContextTooLong,
        "not_found_error" => ErrorKind::BadRequest,
        // Everything else that is wrong with a request; only its words tell that it was too long.
        "invalid_request_error" if error.kind.passes() => ErrorKind::BadRequest,
        _ => error.kind,
    };
    ModelError { kind, ..error }
}

/// How long until the last of the limits that are used up counts anew.
fn reset(get: &impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let limits = ["requests", "tokens", "input-tokens", "output-tokens"];
    let waits = limits.into_iter().filter_map(|limit| {
        let header = |part: &str| get(&format!("anthropic-ratelimit-{limit}-{part}"));
        let is_used_up = header("remaining")?.trim() == "0";
        let reset: Timestamp = header("reset")?.trim().parse().ok()?;
        let wait = reset.duration_since(Timestamp::now());
        is_used_up.then(|| Duration::try_from(wait).unwrap_or_default())
    });
    waits.max()
}

/// The longest reply that the server allows: "max_tokens: 64000 > 8192, which is the maximum allowed number of output
/// tokens". The sum with the prompt, which is about the window, is worded otherwise.
pub(super) fn most_tokens(message: &str) -> Option<u64> {
    let (_, rest) = message.split_once("max_tokens: ")?;
    let (_, most) = rest.split_once(" > ")?;
    let digits = most.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().filter(|most| *most > 0)
}
