//! Entries as messages: neighbours of one role joined, results first in the message after their calls, and thoughts
//! where they stood.
//!
//! The order of a reply's blocks is kept in [`Reply::echo`], as [`crate::order`] writes it.

use corecoder::wire::{Ids, text as words};
use corecoder::{Entry, Picture, Reply, Round, ToolCall};
use serde_json::{Map, Value, json};

use crate::order::{self, Piece};
use crate::turns::{self, Turns};
use crate::wire::Options;

/// Where [`Reply::echo`] keeps the order.
pub(super) const BLOCKS: &str = "anthropic_blocks";
/// The messages of a request.
pub(super) fn of(entries: &[Entry], options: &Options) -> Vec<Value> {
    let (mut turns, mut ids) = (Turns::new("content", "assistant"), Ids::default());
    for entry in entries {
        match entry {
            Entry::User(said) | Entry::Note(said) => turns.user(text(said)),
            Entry::Summary(summary) => turns.user(text(&summary.to_string())),
            Entry::Picture(picture) => show(picture, options, &mut turns),
            Entry::Round(round) => add(round, options, &mut ids, &mut turns),
        }
    }
    turns.end(|| text(turns::END))
}

/// A block of text. An empty one is a 400.
pub(super) fn text(said: &str) -> Value {
    json!({"type": "text", "text": turns::filled(said)})
}

fn show(picture: &Picture, options: &Options, turns: &mut Turns) {
    let Picture {
        name,
        media_type,
        data,
    } = picture;
    let kinds = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    if options.refused.has("pictures") || !kinds.contains(&media_type.as_str()) {
        return turns.user(text(&turns::blind(name)));
    }
    let source = json!({"type": "base64", "media_type": media_type, "data": data});
    turns.user(text(&format!("[picture: {name}]")));
    turns.user(json!({"type": "image", "source": source}));
}

fn add(round: &Round, options: &Options, ids: &mut Ids, turns: &mut Turns) {
    let reply = round.reply();
    let named: Vec<String> = reply
        .calls
        .iter()
        .map(|call| ids.unique(&valid(call)))
        .collect();
    let mut calls = reply.calls.iter().zip(&named);
    let pieces = order(reply, options);
    if pieces.is_empty() {
        turns.model(text(turns::SILENCE), || text(turns::BEGIN));
    }
    for piece in pieces {
        let block = match piece {
            Piece::Kept(thought) => thought.clone(),
            Piece::Text(said, _) => text(said),
            Piece::Call => calls.next().map(asked).unwrap_or_default(),
        };
        turns.model(block, || text(turns::BEGIN));
    }
    for ((call, result), id) in round.answered().zip(&named) {
        turns.user(answered(call, result, id));
    }
}

/// A call as it goes back.
fn asked((call, id): (&ToolCall, &String)) -> Value {
    json!({"type": "tool_use", "id": id, "name": call.name, "input": turns::object(call)})
}

fn answered(call: &ToolCall, result: &str, id: &str) -> Value {
    let (said, failed) = turns::result(call, result);
    let mut block = json!({"type": "tool_result", "tool_use_id": id, "content": said});
    if failed {
        block["is_error"] = json!(true);
    }
    block
}

/// The id in the letters that the API takes, `^[a-zA-Z0-9_-]+$`; other providers use more.
fn valid(call: &ToolCall) -> String {
    let letter = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' {
            c
        } else {
            '_'
        }
    };
    words::head(&call.id, 64).chars().map(letter).collect()
}

/// The thoughts that may go back there, in the order of the reply; `None` if there are none.
pub(super) fn thoughts<'a>(reply: &'a Reply, options: &Options) -> Option<&'a Vec<Value>> {
    let is_home = reply.origin == options.origin && !options.refused.has("thinking_blocks");
    reply.echo.get(BLOCKS)?.as_array().filter(|_| is_home)
}

/// The reply's blocks in their order; without one that fits, thoughts stand first and calls last.
fn order<'a>(reply: &'a Reply, options: &Options) -> Vec<Piece<'a>> {
    let kept = thoughts(reply, options).map_or(&[][..], Vec::as_slice);
    let is_refused = reply.finish == "content_filter" && reply.calls.is_empty();
    let restored = order::restored(reply, kept);
    let mut pieces = restored.unwrap_or_else(|| order::usual(reply, kept));
    pieces.retain(|piece| !matches!(piece, Piece::Text(said, _) if said.trim().is_empty()));
    // Thoughts alone are no message; and a refused answer in the history has all that follows refused.
    if is_refused || pieces.iter().all(|piece| matches!(piece, Piece::Kept(_))) {
        pieces.clear();
    }
    pieces
}

pub(super) fn is_thought(block: &Value) -> bool {
    ["thinking", "redacted_thinking"]
        .map(Value::from)
        .contains(&block["type"])
}

/// Whether a body holds a block of this type.
pub(super) fn has(body: &Value, kind: &str) -> bool {
    let messages = body["messages"].as_array().into_iter().flatten();
    let mut blocks =
        messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    blocks.any(|block| block["type"] == kind || (kind == "thinking" && is_thought(block)))
}

/// Marks where the provider shall keep the prefix: tools, system, and the last two of the user's messages, since it
/// looks back no further than 20 blocks. Four marks are the most that a request may have.
pub(super) fn mark(body: &mut Map<String, Value>) {
    let mark = |block: Option<&mut Value>| {
        if let Some(block) = block {
            block["cache_control"] = json!({"type": "ephemeral"});
        }
    };
    for part in ["tools", "system"] {
        let list = body.get_mut(part).and_then(Value::as_array_mut);
        mark(list.and_then(|list| list.last_mut()));
    }
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    let from_user = messages.into_iter().flatten().rev();
    for message in from_user
        .filter(|message| message["role"] == "user")
        .take(2)
    {
        mark(
            message["content"]
                .as_array_mut()
                .and_then(|blocks| blocks.last_mut()),
        );
    }
}
