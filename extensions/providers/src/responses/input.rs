//! Entries as items: what the user says, the reply's own items in their order, a result for each call.

use corecoder::wire::{Ids, text as words};
use corecoder::{Entry, Picture, Reply, Round, ToolCall};
use serde_json::{Value, json};

use crate::order::{self, Piece};
use crate::turns;
use crate::wire::Options;

/// Where [`Reply::echo`] keeps the order of items, if reasoning or a phase is among them.
pub(super) const ITEMS: &str = "responses_items";

/// The items of a request.
pub(super) fn of(entries: &[Entry], options: &Options) -> Vec<Value> {
    let (mut items, mut ids) = (Vec::new(), Ids::default());
    for entry in entries {
        match entry {
            Entry::User(said) | Entry::Note(said) => items.push(user(said)),
            Entry::Summary(summary) => items.push(user(&summary.to_string())),
            Entry::Picture(picture) => items.push(shown(picture, options)),
            Entry::Round(round) => add(round, options, &mut ids, &mut items),
        }
    }
    items
}

fn user(said: &str) -> Value {
    let text = json!({"type": "input_text", "text": turns::filled(said)});
    json!({"role": "user", "content": [text]})
}

fn shown(picture: &Picture, options: &Options) -> Value {
    let Picture {
        name,
        media_type,
        data,
    } = picture;
    let kinds = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    if options.refused.has("pictures") || !kinds.contains(&media_type.as_str()) {
        return user(&turns::blind(name));
    }
    let mut item = user(&format!("[picture: {name}]"));
    if let Some(content) = item["content"].as_array_mut() {
        let url = format!("data:{media_type};base64,{data}");
        content.push(json!({"type": "input_image", "image_url": url, "detail": "auto"}));
    }
    item
}

fn add(round: &Round, options: &Options, ids: &mut Ids, items: &mut Vec<Value>) {
    let reply = round.reply();
    let short = |call: &ToolCall| words::head(&call.id, 60).to_string();
    let named: Vec<String> = reply
        .calls
        .iter()
        .map(|call| ids.unique(&short(call)))
        .collect();
    let mut calls = reply.calls.iter().zip(&named);
    let pieces = pieces(reply, options);
    if pieces.is_empty() {
        items.push(message(turns::SILENCE, &Value::Null));
    }
    for piece in pieces {
        items.push(match piece {
            Piece::Kept(item) => item.clone(),
            Piece::Text(said, kept) => message(said, &kept["phase"]),
            Piece::Call => calls.next().map(asked).unwrap_or_default(),
        });
    }
    for ((call, result), id) in round.answered().zip(&named) {
        // There is no mark for a failure: the text says so.
        let (said, _) = turns::result(call, result);
        items.push(json!({"type": "function_call_output", "call_id": id, "output": said}));
    }
}

/// The reply's items in their order. Reasoning that nothing follows is a 400, so it goes.
fn pieces<'a>(reply: &'a Reply, options: &Options) -> Vec<Piece<'a>> {
    let is_home = reply.origin == options.origin && !options.refused.has("reasoning_items");
    let kept = reply.echo.get(ITEMS).and_then(Value::as_array);
    let kept = kept.filter(|_| is_home).map_or(&[][..], Vec::as_slice);
    let restored = order::restored(reply, kept);
    let mut pieces = restored.unwrap_or_else(|| order::usual(reply, &[]));
    pieces.retain(|piece| !matches!(piece, Piece::Text(said, _) if said.trim().is_empty()));
    let last = pieces
        .iter()
        .rposition(|piece| !matches!(piece, Piece::Kept(_)));
    pieces.truncate(last.map_or(0, |last| last + 1));
    pieces
}

fn message(said: &str, phase: &Value) -> Value {
    let content = json!([{"type": "output_text", "text": said}]);
    let mut message = json!({"type": "message", "role": "assistant", "content": content});
    if phase.is_string() {
        message["phase"] = phase.clone();
    }
    message
}

fn asked((call, id): (&ToolCall, &String)) -> Value {
    let arguments = turns::object(call).to_string();
    json!({"type": "function_call", "call_id": id, "name": call.name, "arguments": arguments})
}
