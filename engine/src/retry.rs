//! When a failed request is worth another try, and after which pause.

use std::time::Duration;

use crate::http;
use crate::model::ModelError;

/// Requests made for one reply, at most.
const TRIES: u32 = 6;
/// A longer wait than this is the user's to decide about.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long to wait after the `tries`-th failure, counted from 1, or the error that ends the request.
pub fn pause(mut error: ModelError, tries: u32) -> Result<(ModelError, Duration), ModelError> {
    // The model's own slip in writing a call (Groq): a second sample may do better, a third seldom does.
    let slip = error.message.contains("tool_use_failed");
    if !(slip || error.kind.passes()) {
        return Err(error);
    }
    // Nobody listens at that address: seconds may help a server that starts, minutes no one.
    let nobody = ["Connection refused", "dns error"].map(|words| error.message.contains(words));
    let limit = match nobody.contains(&true) {
        _ if slip || error.message.contains(http::TOO_LATE) => 2,
        true => 3,
        false => TRIES,
    };
    let growing = Duration::from_millis(500) * 2u32.pow(tries - 1);
    let jitter = 0.75 + fastrand::f64() / 2.0;
    let wait = error.wait.unwrap_or(growing.mul_f64(jitter));
    if tries < limit && wait <= LONGEST_WAIT {
        return Ok((error, wait));
    }
    error.message += &format!(" (gave up after {tries} tries");
    if let Some(asked) = error.wait {
        error.message += &format!("; the provider asks to wait {} s", asked.as_secs());
    }
    error.message += ")";
    Err(error)
}
