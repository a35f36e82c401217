//! How a connection fails to come up and how a call fails, in words that say what to do.

use std::time::Duration;

use thiserror::Error;

/// Why there is no connection. A person reads it.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum OpenError {
    /// No program of this name.
    #[error("{command} was not found: {hint}")]
    NotFound { command: String, hint: String },
    /// There is such a program, but it can't be started.
    #[error("{command} can't be started: {why}")]
    NotStarted { command: String, why: String },
    /// It ended before it could be spoken to.
    #[error("the server {how}{}", last_words(.errors))]
    Exited { how: String, errors: String },
    /// It did not answer in time.
    #[error("the server did not answer within {} s (startTimeoutSeconds){}", .after.as_secs_f64(), last_words(.errors))]
    TimedOut { after: Duration, errors: String },
    /// 401 or 403.
    #[error("{0}")]
    Unauthorized(String),
    /// It answered, and would not.
    #[error("{0}")]
    Refused(String),
    /// Nothing answers there.
    #[error("{0}")]
    Unreachable(String),
    /// What is configured can't be used.
    #[error("{0}")]
    Setting(String),
}

/// Why a call has no result. The model reads it.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum CallError {
    /// The server is gone.
    #[error("{0}")]
    Closed(String),
    /// It gave neither an answer nor a sign of progress.
    #[error("the server did not answer within {} s; it was told to stop", .after.as_secs_f64())]
    TimedOut { after: Duration },
    /// It answered with an error.
    #[error("the server refused: {message} (code {code})")]
    Refused { code: i32, message: String },
    /// It answered with something that the protocol does not know.
    #[error("the server's answer is not valid: {0}")]
    Invalid(String),
    /// 401 or 403.
    #[error("{0}")]
    Unauthorized(String),
    /// It answered with more than is taken.
    #[error("{0}")]
    TooLarge(String),
    /// The call did not come through.
    #[error("{0}")]
    Failed(String),
}

/// The last lines of what a server wrote to its standard error, as the end of a sentence.
pub(crate) fn last_words(errors: &str) -> String {
    let lines: Vec<&str> = errors
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(5)..].join("\n");
    match last.is_empty() {
        true => String::new(),
        false => format!("; the last it wrote to stderr:\n{}", end_of(&last, 1000)),
    }
}

/// The last characters of a text.
fn end_of(text: &str, most: usize) -> &str {
    let skipped = text.chars().count().saturating_sub(most);
    text.char_indices()
        .nth(skipped)
        .map_or("", |(start, _)| &text[start..])
}

/// The first characters of a text.
pub(crate) fn start_of(text: &str, most: usize) -> &str {
    text.char_indices()
        .nth(most)
        .map_or(text, |(end, _)| &text[..end])
}

/// What to do where a server wants to know who is there.
pub(crate) fn unauthorized(place: &str, status: u16) -> String {
    format!(
        "{place} answered {status}: it wants a key, or another one. Give it in the server's settings, \
         \"headers\": {{\"Authorization\": \"Bearer ${{TOKEN}}\"}}, and set TOKEN in the environment; \
         signing in through a browser (OAuth) is not supported"
    )
}
