//! What OpenAI's errors mean: by their code, which a stream may hold in three places, then by the engine's rules.

use corecoder::wire::{refusal, text};
use corecoder::{ErrorKind, ModelError};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::headers;

/// An error that came as a response.
pub(super) fn in_response(status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    let error = headers::refused(status, headers, body);
    let value = text::json(body).unwrap_or_default();
    headers::obeyed(judged(error, &value["error"]), headers)
}

/// An error that came as an event: flat as documented, nested as sent, or in the response that failed.
pub(super) fn in_stream(event: &Value) -> ModelError {
    let places = [&event["response"]["error"], &event["error"]];
    let inner = places.into_iter().find(|error| error.is_object());
    let inner = inner.unwrap_or(event);
    let error = json!({"error": {"message": inner["message"], "type": inner["type"], "code": inner["code"]}});
    judged(refusal::in_stream(&error.to_string()), &error["error"])
}

fn judged(error: ModelError, body: &Value) -> ModelError {
    let code = body["code"].as_str().unwrap_or_default();
    let kind = match code {
        "server_error" | "server_is_overloaded" => ErrorKind::Overloaded,
        "rate_limit_exceeded" | "slow_down" => ErrorKind::RateLimit,
        "insufficient_quota" => ErrorKind::Quota,
        "context_length_exceeded" => ErrorKind::ContextTooLong,
        "invalid_prompt" | "bio_policy" => ErrorKind::BadRequest,
        code if code.ends_with("_policy_violation") => ErrorKind::BadRequest,
        _ if body["type"] == "invalid_request_error" && error.kind.passes() => {
            ErrorKind::BadRequest
        }
        _ => error.kind,
    };
    ModelError { kind, ..error }
}
