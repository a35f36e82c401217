//! A reply out of its lines. Each call is whole, and may stand in any line, the last included.

use corecoder::wire::{Ids, object, text};
use corecoder::{Delta, ModelError, Reply, ToolCall, Usage};
use serde_json::{Map, Value, json};

use super::refusal;
use crate::events::Fold;
use crate::thoughts::Thoughts;

/// A reply as far as it has come.
#[derive(Default)]
pub(super) struct Said {
    reply: Reply,
    thoughts: Thoughts,
    ids: Ids,
    done: bool,
}

impl Fold for Said {
    fn value(&mut self, line: &Value, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        if !line["error"].is_null() {
            return Err(refusal::in_stream(line));
        }
        let message = &line["message"];
        let thought = message["thinking"].as_str().unwrap_or_default();
        if !thought.is_empty() {
            self.reply.reasoning += thought;
            deltas.push(Delta::Reasoning(thought.to_string()));
        }
        if let Some(said) = message["content"].as_str() {
            self.thoughts.push(said, &mut self.reply, deltas);
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            self.call(call, deltas);
        }
        if line["done"] == true {
            self.done = true;
            self.thoughts.end(&mut self.reply, deltas);
            self.reply.usage = usage(line);
            self.reply.finish = match line["done_reason"].as_str() {
                Some("length") => "length",
                _ if self.reply.calls.is_empty() => "stop",
                _ => "tool_calls",
            }
            .to_string();
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn reply(&mut self) -> Option<Result<Reply, ModelError>> {
        self.done.then(|| {
            let mut reply = std::mem::take(&mut self.reply);
            // A template that opens the tag itself leaves the closing one alone.
            if reply.reasoning.is_empty() {
                reply.text = text::without_thinking(&mut reply);
            }
            Ok(reply)
        })
    }

    fn failure(body: &str) -> ModelError {
        refusal::in_stream(&json!({"error": body}))
    }
}

impl Said {
    fn call(&mut self, call: &Value, deltas: &mut Vec<Delta>) {
        let id = call["id"].as_str().unwrap_or_default();
        let args = match &call["function"]["arguments"] {
            Value::Null => Ok(json!({})),
            // Servers that imitate this one send them encoded.
            Value::String(encoded) => object(encoded).ok_or_else(|| encoded.clone()),
            args if args.is_object() => Ok(args.clone()),
            args => Err(args.to_string()),
        };
        let given = (!id.is_empty()).then(|| ("id".to_string(), json!(id)));
        let call = ToolCall {
            id: self.ids.unique(id),
            name: call["function"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_string(),
            args,
            echo: given.into_iter().collect::<Map<_, _>>(),
        };
        self.reply.calls.push(call.clone());
        deltas.push(Delta::Call(call));
    }
}

/// The counts of the last line; a count of 0 is left out. What came from the cache is not counted.
fn usage(line: &Value) -> Option<Usage> {
    let (prompt, completion) = (
        line["prompt_eval_count"].as_u64(),
        line["eval_count"].as_u64(),
    );
    prompt.or(completion)?;
    Some(Usage {
        prompt: prompt.unwrap_or(0),
        completion: completion.unwrap_or(0),
        ..Usage::default()
    })
}
