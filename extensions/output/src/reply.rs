//! A reply in the words of Anthropic's Messages API.

use corecoder::{Reply, ToolCall};
use serde_json::{Value, json};

use crate::line::{Block, Message, Tokens};

/// A message without content, as a stream begins with it.
pub(crate) fn empty(id: String, model: &str) -> Message {
    Message {
        id,
        kind: "message".to_string(),
        role: "assistant".to_string(),
        model: model.to_string(),
        content: Vec::new(),
        stop_reason: None,
        stop_sequence: None,
        usage: Tokens::default(),
    }
}

/// The whole message; one that was cut off has no reason to stop.
pub(crate) fn message(id: String, model: &str, reply: &Reply, cut: bool) -> Message {
    Message {
        content: content(reply),
        stop_reason: (!cut).then(|| stop_reason(reply).to_string()),
        usage: Tokens::from(reply.usage.unwrap_or_default()),
        // Another one may have taken over from the one that was meant.
        ..empty(
            id,
            if reply.model.is_empty() {
                model
            } else {
                &reply.model
            },
        )
    }
}

/// A call's arguments as they are printed: always an object, as the Messages API has it.
pub(crate) fn arguments(call: &ToolCall) -> Value {
    match &call.args {
        Ok(args) if args.is_object() => args.clone(),
        Ok(args) => json!({"_unreadable": args.to_string()}),
        Err(raw) => json!({"_unreadable": raw}),
    }
}

fn content(reply: &Reply) -> Vec<Block> {
    let said = |text: &String| (!text.is_empty()).then(|| text.clone());
    let thinking = said(&reply.reasoning).map(|thinking| Block::Thinking {
        thinking,
        signature: String::new(),
    });
    let text = said(&reply.text).map(|text| Block::Text { text });
    let call = |call: &ToolCall| Block::ToolUse {
        id: call.id.clone(),
        name: call.name.clone(),
        input: arguments(call),
    };
    let calls = reply.calls.iter().map(call);
    thinking.into_iter().chain(text).chain(calls).collect()
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.finish.as_str() {
        "length" => "max_tokens",
        "content_filter" => "refusal",
        _ if !reply.calls.is_empty() => "tool_use",
        _ => "end_turn",
    }
}
