//! What providers say in headers beside the status.

use corecoder::wire::refusal;
use corecoder::{ErrorKind, ModelError};
use reqwest::header::HeaderMap;

/// A header's text.
pub(crate) fn get(headers: &HeaderMap) -> impl Fn(&str) -> Option<String> {
    |name| Some(headers.get(name)?.to_str().ok()?.to_string())
}

/// The error of a response as the engine's rules have it, with the wait of its headers.
pub(crate) fn refused(status: u16, headers: &HeaderMap, body: &str) -> ModelError {
    refusal::in_response(status, refusal::wait_in_headers(get(headers)), body)
}

/// What the server says will not pass is the user's to decide about. Anthropic's and OpenAI's SDKs obey this header.
pub(crate) fn obeyed(mut error: ModelError, headers: &HeaderMap) -> ModelError {
    if get(headers)("x-should-retry").as_deref() == Some("false") && error.kind.passes() {
        error.kind = match error.kind {
            ErrorKind::RateLimit => ErrorKind::Quota,
            _ => ErrorKind::Other,
        };
    }
    error
}
