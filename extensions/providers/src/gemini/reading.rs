//! A reply out of its parts. Each part is whole: text is said on, a call is one call, whatever came before.
//!
//! The stream ends with the connection: a `finishReason` may stand before the last words, so that nothing is over
//! when it comes, but without one there is no reply.

use corecoder::wire::Ids;
use corecoder::{Delta, ErrorKind, ModelError, Reply, ToolCall, Usage};
use serde_json::{Map, Value, json};

use super::contents::{PARTS, SIGNATURE};
use super::refusal;
use crate::events::Fold;
use crate::order;

/// The ends that are the model's own slips, and begin the error's words.
pub(super) const SLIPS: [&str; 5] = [
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "OTHER",
];
const FILTERED: [&str; 9] = [
    "SAFETY",
    "RECITATION",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MODEL_ARMOR",
    "ESCALATION",
    "LANGUAGE",
    "PUP_LIMITED_DISABLED",
];

/// A reply as far as it has come.
#[derive(Default)]
pub(super) struct Parts {
    reply: Reply,
    /// The order of text and calls, with the signatures of text.
    parts: Vec<Value>,
    is_signed: bool,
    ids: Ids,
    finish: Option<String>,
    /// What the provider adds to the reason.
    why: String,
}

impl Fold for Parts {
    fn value(&mut self, chunk: &Value, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        if !chunk["error"].is_null() {
            return Err(refusal::in_stream(chunk));
        }
        self.reply.usage = usage(&chunk["usageMetadata"]).or(self.reply.usage);
        let candidates = chunk["candidates"].as_array().into_iter().flatten();
        let mut first = candidates.filter(|one| one["index"].as_u64().unwrap_or(0) == 0);
        let Some(candidate) = first.next() else {
            return match chunk["promptFeedback"]["blockReason"].as_str() {
                Some(reason) => Err(blocked(reason)),
                None => Ok(()),
            };
        };
        for part in candidate["content"]["parts"]
            .as_array()
            .into_iter()
            .flatten()
        {
            self.part(part, deltas)?;
        }
        if let Some(reason) = candidate["finishReason"].as_str() {
            self.finish = Some(reason.to_string());
        }
        if let Some(why) = candidate["finishMessage"].as_str() {
            self.why = why.to_string();
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        false
    }

    fn reply(&mut self) -> Option<Result<Reply, ModelError>> {
        let reason = self.finish.take()?;
        let mut reply = std::mem::take(&mut self.reply);
        let finish = match reason.as_str() {
            "MISSING_THOUGHT_SIGNATURE" => {
                let message = format!(
                    "{reason}: a call in the history is not signed. {}",
                    self.why
                );
                return Some(Err(ModelError::new(ErrorKind::BadRequest, message)));
            }
            "MAX_TOKENS" | "CONTINUATION" => "length",
            reason if FILTERED.contains(&reason) => "content_filter",
            "OTHER" | "TOO_MANY_TOOL_CALLS" if !reply.is_empty() => ended(&reply),
            slip if SLIPS.contains(&slip) => {
                let message = format!("{slip}: {}", self.why);
                return Some(Err(ModelError::new(ErrorKind::Other, message)));
            }
            _ => ended(&reply),
        };
        reply.finish = finish.to_string();
        if self.is_signed {
            let parts = std::mem::take(&mut self.parts);
            reply.echo.insert(PARTS.to_string(), parts.into());
        }
        Some(Ok(reply))
    }

    fn failure(body: &str) -> ModelError {
        refusal::in_stream(&json!({"error": {"message": body}}))
    }
}

impl Parts {
    fn part(&mut self, part: &Value, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        let call = &part["functionCall"];
        let text = part["text"].as_str();
        if call["willContinue"] == true {
            let message = "the server sends a call's arguments in pieces, which was not asked for";
            return Err(ModelError::new(ErrorKind::Other, message));
        }
        if call["name"].as_str().is_some_and(|name| !name.is_empty()) {
            self.call(call, &part[SIGNATURE], deltas);
        } else if part["thought"] == true {
            let thought = text.unwrap_or_default();
            self.reply.reasoning += thought;
            deltas.push(Delta::Reasoning(thought.to_string()));
        } else if let Some(said) = text {
            self.text(said, &part[SIGNATURE]);
            if !said.is_empty() {
                deltas.push(Delta::Text(said.to_string()));
            }
        }
        Ok(())
    }

    /// A part that is signed stays a part; what is not is joined with its neighbour.
    fn text(&mut self, said: &str, signature: &Value) {
        self.reply.text += said;
        let bytes = said.len() as u64;
        if signature.is_string() {
            self.is_signed = true;
            self.parts
                .push(json!({"bytes": bytes, SIGNATURE: signature}));
            return;
        }
        let last = self.parts.last_mut();
        let joint = last.filter(|last| last[SIGNATURE].is_null() && last["bytes"].is_u64());
        match joint {
            Some(last) => last["bytes"] = json!(last["bytes"].as_u64().unwrap_or(0) + bytes),
            None if bytes > 0 => self.parts.push(json!({"bytes": bytes})),
            None => {}
        }
    }

    fn call(&mut self, call: &Value, signature: &Value, deltas: &mut Vec<Delta>) {
        let id = call["id"].as_str().unwrap_or_default();
        let mut echo = Map::new();
        if !id.is_empty() {
            echo.insert("id".into(), json!(id));
        }
        if signature.is_string() {
            echo.insert(SIGNATURE.into(), signature.clone());
        }
        let args = match &call["args"] {
            Value::Null => Ok(json!({})),
            args if args.is_object() => Ok(args.clone()),
            args => Err(args.to_string()),
        };
        let call = ToolCall {
            id: self.ids.unique(id),
            name: call["name"].as_str().unwrap_or_default().to_string(),
            args,
            echo,
        };
        self.parts.push(order::call());
        self.reply.calls.push(call.clone());
        deltas.push(Delta::Call(call));
    }
}

fn ended(reply: &Reply) -> &'static str {
    match reply.calls.is_empty() {
        true => "stop",
        false => "tool_calls",
    }
}

fn blocked(reason: &str) -> ModelError {
    let message = format!("the provider blocked the request ({reason}); word it otherwise");
    ModelError::new(ErrorKind::BadRequest, message)
}

/// The counts of one chunk, which are those of the reply so far. Thoughts are counted apart.
fn usage(usage: &Value) -> Option<Usage> {
    let number = |name: &str| usage[name].as_u64().unwrap_or(0);
    let usage = Usage {
        prompt: number("promptTokenCount"),
        completion: number("candidatesTokenCount").saturating_add(number("thoughtsTokenCount")),
        cached: number("cachedContentTokenCount"),
        written: 0,
        reasoning: number("thoughtsTokenCount"),
    };
    (usage != Usage::default()).then_some(usage)
}
