//! What Gemini's errors mean. Their words speak of quota and billing whatever happened, so the details are asked first.
//!
//! From ai.google.dev/gemini-api/docs (troubleshooting, rate limits) and google.rpc's error details, November 2026.

use std::time::Duration;

use corecoder::wire::{refusal, text};
use corecoder::{ErrorKind, ModelError};
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::headers;

/// An error that came as a response. A streaming request may be answered with a list of one.
pub(super) fn in_response(status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    let error = headers::refused(status, headers, body);
    let value = text::json(body).unwrap_or_default();
    judged(error, &value.get(0).unwrap_or(&value)["error"])
}

/// An error that came as a chunk.
pub(super) fn in_stream(chunk: &Value) -> ModelError {
    judged(refusal::in_stream(&chunk.to_string()), &chunk["error"])
}

fn judged(mut error: ModelError, body: &Value) -> ModelError {
    let details = || body["details"].as_array().into_iter().flatten();
    error.kind = match body["status"].as_str().unwrap_or_default() {
        _ if details().any(|detail| detail["reason"] == "API_KEY_INVALID") => {
            ErrorKind::Authentication
        }
        "RESOURCE_EXHAUSTED" if is_spent(body) => ErrorKind::Quota,
        "RESOURCE_EXHAUSTED" => ErrorKind::RateLimit,
        "UNAUTHENTICATED" | "PERMISSION_DENIED" => ErrorKind::Authentication,
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" => ErrorKind::Overloaded,
        "NOT_FOUND" => ErrorKind::BadRequest,
        _ => error.kind,
    };
    let mut waits = details().filter_map(|detail| {
        let seconds = detail["retryDelay"].as_str()?.strip_suffix('s')?;
        Duration::try_from_secs_f64(seconds.parse().ok()?).ok()
    });
    error.wait = waits.next().or(error.wait);
    error
}

/// Whether waiting for a minute does not help: a day's quota, a plan without this model, no credit.
fn is_spent(body: &Value) -> bool {
    let words = body["message"].as_str().unwrap_or_default().to_lowercase();
    let is_zero = words.split("limit: ").skip(1).any(|rest| {
        let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
        digits == Some("0")
    });
    let details = body["details"].as_array().into_iter().flatten();
    let mut violations =
        details.flat_map(|detail| detail["violations"].as_array().into_iter().flatten());
    let is_daily = |violation: &Value| {
        let quota = violation["quotaId"].as_str().unwrap_or_default();
        quota.contains("PerDay")
    };
    is_zero || words.contains("credits are depleted") || violations.any(is_daily)
}
