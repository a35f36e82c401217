//! Messages as they are read from a line: leniently, and so that what is wrong with one fails the call that it answers.
//!
//! Results are kept as they came. The SDK's own reading would try every kind of result in turn and lose what it doesn't know.

use std::collections::VecDeque;

use rmcp::model::{
    CustomNotification, CustomRequest, CustomResult, ErrorCode, ErrorData, PingRequest, RequestId,
    ServerJsonRpcMessage, ServerNotification, ServerRequest, ServerResult,
};
use serde_json::{Map, Value};

use crate::errors::start_of;
use crate::link::Link;
use crate::transport::lenient::mended;

/// Codes of errors that we make out of what a server sends; none of them comes from a server.
pub const INVALID: i32 = i32::MIN + 1;
pub const TOO_LARGE: i32 = i32::MIN + 2;

/// Reads a line. What is no JSON at all, such as a banner, is handed back.
pub fn read(line: &[u8], link: &Link, into: &mut VecDeque<ServerJsonRpcMessage>) -> Option<String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = line.trim_ascii();
    let is_message = matches!(line.first(), Some(b'{' | b'['));
    let read = serde_json::from_slice(line).or_else(|error| match is_message {
        true => serde_json::from_str(&mended(line)).map_err(|_| error),
        false => Err(error),
    });
    match read {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => take(value, into),
        Err(error) if is_message => {
            if let Some(id) = awaited_in(line, link) {
                let text = String::from_utf8_lossy(line);
                let start = start_of(&text, 100);
                into.push_back(failure(id, INVALID, format!("{error}: {start}")));
            }
        }
        _ if line.is_empty() => {}
        _ => return Some(String::from_utf8_lossy(line).into_owned()),
    }
    None
}

/// A message, or several at once, as 2025-03-26 allows.
pub fn take(value: Value, into: &mut VecDeque<ServerJsonRpcMessage>) {
    match value {
        Value::Array(messages) => {
            let objects = messages.into_iter().filter(Value::is_object);
            objects.for_each(|message| take(message, into));
        }
        Value::Object(message) => into.extend(one(message)),
        _ => {}
    }
}

fn one(mut message: Map<String, Value>) -> Option<ServerJsonRpcMessage> {
    let id = message.get("id").and_then(id);
    if let Some(Value::String(method)) = message.remove("method") {
        let params = message.remove("params");
        return Some(match id {
            Some(id) => ServerJsonRpcMessage::request(request(method, params), id),
            None => ServerJsonRpcMessage::notification(notification(method, params)),
        });
    }
    let error = message.remove("error").filter(|error| !error.is_null());
    match (message.remove("result"), error) {
        (Some(result), None) => {
            let result = ServerResult::CustomResult(CustomResult(result));
            Some(ServerJsonRpcMessage::response(result, id?))
        }
        (None, Some(error)) => Some(ServerJsonRpcMessage::error(error_data(&error), id)),
        (Some(_), Some(_)) => Some(failure(
            id?,
            INVALID,
            "it is both a result and an error".to_string(),
        )),
        (None, None) => Some(failure(
            id?,
            INVALID,
            "it is neither a result nor an error".to_string(),
        )),
    }
}

/// An id; some servers make a fraction of a whole number.
fn id(value: &Value) -> Option<RequestId> {
    match value {
        Value::String(text) => Some(RequestId::String(text.as_str().into())),
        Value::Number(number) => {
            let whole = || number.as_f64().filter(|number| number.fract() == 0.0);
            let number = number.as_i64().or_else(|| whole().map(|n| n as i64))?;
            Some(RequestId::Number(number))
        }
        _ => None,
    }
}

fn request(method: String, params: Option<Value>) -> ServerRequest {
    match method.as_str() {
        "ping" => ServerRequest::PingRequest(PingRequest::default()),
        _ => ServerRequest::CustomRequest(CustomRequest::new(method, params)),
    }
}

/// Only a cancellation means something to the SDK; all others are ours.
fn notification(method: String, params: Option<Value>) -> ServerNotification {
    if method == "notifications/cancelled"
        && let Ok(cancelled) =
            serde_json::from_value(serde_json::json!({"method": method, "params": params}))
    {
        return ServerNotification::CancelledNotification(cancelled);
    }
    ServerNotification::CustomNotification(CustomNotification::new(method, params))
}

fn error_data(error: &Value) -> ErrorData {
    let code = error["code"].as_i64().and_then(|code| code.try_into().ok());
    let message = match &error["message"] {
        Value::String(message) => message.clone(),
        _ => error.to_string(),
    };
    let data = error.get("data").cloned();
    // An error without a code is one all the same: JSON-RPC's internal error.
    ErrorData::new(ErrorCode(code.unwrap_or(-32603)), message, data)
}

/// An answer that fails a call.
pub fn failure(id: RequestId, code: i32, message: String) -> ServerJsonRpcMessage {
    ServerJsonRpcMessage::error(ErrorData::new(ErrorCode(code), message, None), Some(id))
}

/// The id of an awaited answer, found at the beginning or the end of a text that can't be read.
pub fn awaited_in(text: &[u8], link: &Link) -> Option<RequestId> {
    const NEAR: usize = 512;
    let start = &text[..text.len().min(NEAR)];
    let end = &text[text.len().saturating_sub(NEAR)..];
    [start, end].into_iter().find_map(|part| {
        let part = String::from_utf8_lossy(part);
        let mut ids = part.match_indices("\"id\"").filter_map(|(at, key)| {
            let rest = part[at + key.len()..].trim_start().strip_prefix(':')?;
            let rest = rest.trim_start().trim_start_matches('"');
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            digits.parse().ok().map(RequestId::Number)
        });
        ids.find(|id| link.expects(id))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::client::Client;

    struct Nobody;

    impl Client for Nobody {}

    /// What looks like a message, as far as JSON goes.
    fn parts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            Just("{"),
            Just("}"),
            Just("["),
            Just("]"),
            Just(","),
            Just("\"id\""),
            Just(":"),
            Just("7"),
            Just("null"),
            Just("\"method\""),
            Just("\"result\""),
            Just("\"error\""),
            Just("\"notifications/cancelled\""),
            Just(" "),
            Just("\"params\""),
            Just("1e99"),
            Just("\"jsonrpc\":\"2.0\""),
        ];
        prop::collection::vec(part, 0..20).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn nothing_that_is_read_is_a_bug(text in parts(), bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let link = Link::new("x", Arc::new(Nobody));
            link.expect(RequestId::Number(7));
            let mut read_so_far = VecDeque::new();
            read(text.as_bytes(), &link, &mut read_so_far);
            read(&bytes, &link, &mut read_so_far);
        }

        #[test]
        fn an_awaited_answer_that_is_cut_off_fails_its_call(cut in 24usize..60) {
            let link = Link::new("x", Arc::new(Nobody));
            link.expect(RequestId::Number(7));
            let whole = r#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"x"}]}}"#;
            let mut messages = VecDeque::new();
            read(&whole.as_bytes()[..cut], &link, &mut messages);
            let fails = matches!(&messages[0], ServerJsonRpcMessage::Error(error) if error.error.code.0 == INVALID);
            prop_assert!(fails);
        }
    }
}
