//! What a failed request means: a status, a body and headers, or an error inside a stream, become a [`ModelError`].
//!
//! Providers agree on statuses more than on words, so the status is asked first and the words settle what it
//! leaves open; an error inside a stream carries its status as a `code`, or only words. The message keeps the
//! provider's own words, shortened.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::text;
use crate::model::{ErrorKind, ModelError};

/// Phrases of a conversation that is too long, in lower case, as providers and local servers word it.
const TOO_LONG: &str = "context length|context_length|context window|context_window|context size|context_size\
    |context limit|context shift|maximum context|is too long|are too long|input length|too many tokens\
    |too many input tokens|number of tokens|token limit|max length|max_new_tokens` must be|reduce the length";
const NO_CREDIT: &str =
    "insufficient_quota|insufficient credit|insufficient balance|billing|out of credit";
const TOO_OFTEN: &str = "rate limit|rate_limit|too many requests|throttl";
const NOT_ALLOWED: &str = "authentication|api key|api_key|permission";

/// An error that came as an HTTP response.
pub fn in_response(status: u16, wait: Option<Duration>, body: &str) -> ModelError {
    let error = judged(status, &format!("HTTP {status}: "), body);
    let wait = wait.or(error.wait);
    ModelError { wait, ..error }
}

/// An error that came inside a stream that began well.
pub fn in_stream(body: &str) -> ModelError {
    let value = text::json(body).unwrap_or_default();
    let inner = value.get("error").filter(|error| error.is_object());
    let error = inner.unwrap_or(&value);
    let codes = [&error["code"], &error["status"], &error["status_code"]];
    match codes.into_iter().find_map(number) {
        Some(code) => judged(code, &format!("{code}: "), body),
        None => judged(0, "", body),
    }
}

fn judged(status: u16, prefix: &str, body: &str) -> ModelError {
    let kind = kind(status, &body.to_lowercase());
    let message = words(body, kind);
    ModelError {
        kind,
        wait: wait_in_words(&message),
        message: format!("{prefix}{message}"),
    }
}

fn number(code: &Value) -> Option<u16> {
    let number = code.as_u64().or_else(|| code.as_str()?.parse().ok())?;
    u16::try_from(number)
        .ok()
        .filter(|number| (100..600).contains(number))
}

fn kind(status: u16, words: &str) -> ErrorKind {
    let says = |phrases: &str| phrases.split('|').any(|phrase| words.contains(phrase));
    match status {
        402 => ErrorKind::Quota,
        _ if says(NO_CREDIT) => ErrorKind::Quota,
        429 => ErrorKind::RateLimit,
        401 | 403 => ErrorKind::Authentication,
        413 => ErrorKind::ContextTooLong,
        _ if says(TOO_LONG) && !says(TOO_OFTEN) => ErrorKind::ContextTooLong,
        408 | 500.. => ErrorKind::Overloaded,
        300.. => ErrorKind::BadRequest,
        _ if says(TOO_OFTEN) => ErrorKind::RateLimit,
        _ if says(NOT_ALLOWED) => ErrorKind::Authentication,
        _ if says("invalid_request|bad request") => ErrorKind::BadRequest,
        _ => ErrorKind::Overloaded,
    }
}

/// The provider's sentence out of the body: `error.message`, `message`, `detail`, or the start of the text.
fn words(body: &str, kind: ErrorKind) -> String {
    let value = text::json(body).unwrap_or_default();
    let value = value.get(0).unwrap_or(&value);
    let places = [
        "/error/message",
        "/message",
        "/error",
        "/detail/0/msg",
        "/detail",
        "/msg",
    ];
    let sentence = places
        .iter()
        .find_map(|place| value.pointer(place)?.as_str());
    // A refused request is judged by more than its sentence: validators name the parameter beside it.
    let details: &[&str] = match kind {
        ErrorKind::BadRequest => &["/error/code", "/error/param", "/detail/0/loc"],
        _ => &["/error/metadata/raw", "/error/n_ctx"],
    };
    // A gateway's code is the status once more.
    let is_status =
        |place: &str, detail: &Value| place == "/error/code" && number(detail).is_some();
    let details = details.iter().filter_map(|place| {
        let detail = value.pointer(place)?;
        (!detail.is_null() && !is_status(place, detail)).then_some(detail)
    });
    let sentence = sentence.map_or_else(|| body.trim().to_string(), str::to_string);
    let all: Vec<String> = std::iter::once(sentence)
        .chain(details.map(Value::to_string))
        .collect();
    match text::head(&all.join(" | "), 600) {
        "" => "no explanation given".to_string(),
        sentence => sentence.to_string(),
    }
}

/// The window that an error about it names, in tokens: the number behind the words for it, as providers order them.
pub fn window(message: &str) -> Option<u64> {
    const WORDS: &str = "n_ctx|> |<= |model with|maximum context length|context length|context window|context limit\
        |context size|maximum number of tokens|maximum input length|token limit|limit of|limit is|limit for this model is\
        |input length should be [1|maximum|max |at most";
    // MiniMax puts its own error code behind its words.
    let message = message.to_lowercase().replace("(2013)", "");
    let message = message.replace([',', '_'], "");
    let behind = |word: &str| {
        let (_, rest) = message.split_once(&word.replace('_', ""))?;
        let start = rest
            .find(|c: char| c.is_ascii_digit())
            .filter(|start| *start < 40)?;
        let is_window = !rest[..start].contains(" by ");
        let digits = rest[start..].split(|c: char| !c.is_ascii_digit()).next()?;
        digits
            .parse()
            .ok()
            .filter(|window| is_window && *window >= 256)
    };
    WORDS.split('|').find_map(behind)
}

/// How long to wait, out of `retry-after-ms` or `retry-after` (seconds, or a date; RFC 9110, section 10.2.3).
pub fn wait_in_headers(get: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let number = |name: &str| get(name)?.trim().parse::<f64>().ok();
    let milliseconds = number("retry-after-ms").map(|milliseconds| milliseconds / 1000.0);
    if let Some(seconds) = milliseconds.or_else(|| number("retry-after")) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = httpdate::parse_http_date(get("retry-after")?.trim()).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

/// Some providers only say it: "Please try again in 3.289s", "in 120ms", "in 1m2.5s", "retry after 26 seconds".
fn wait_in_words(message: &str) -> Option<Duration> {
    let message = message.to_lowercase();
    let words = ["try again in ", "retry in ", "retry after "];
    let mut behind = words.iter().filter_map(|words| message.split_once(words));
    let (mut seconds, mut rest) = (None, behind.next()?.1);
    while let Some(end) = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.') {
        let Ok(number) = rest[..end].parse::<f64>() else {
            break;
        };
        let after = rest[end..].trim_start();
        let units = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let Some((unit, factor)) = units.into_iter().find(|(unit, _)| after.starts_with(unit))
        else {
            break;
        };
        seconds = Some(seconds.unwrap_or(0.0) + number * factor);
        rest = &after[unit.len()..];
    }
    Duration::try_from_secs_f64(seconds?).ok()
}
