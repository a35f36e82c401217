//! Entries as contents: neighbours of one role joined, all results of a round together, signatures where they came.
//!
//! A call's signature and id are kept in [`corecoder::ToolCall::echo`], for the wire invents ids where none came. Text
//! that is signed is kept in [`corecoder::Reply::echo`] as lengths, in its order among the calls.

use corecoder::{Entry, Picture, Reply, Round, ToolCall};
use serde_json::{Value, json};

use crate::order::{self, Piece};
use crate::turns::{self, Turns};
use crate::wire::Options;

/// Where [`Reply::echo`] keeps the order of text and calls, if text is signed.
pub(super) const PARTS: &str = "gemini_parts";
/// The field of a signature, in a part and in [`ToolCall::echo`].
pub(super) const SIGNATURE: &str = "thoughtSignature";
/// What stands for a signature that another model can't have given. It is documented for histories from elsewhere.
const UNSIGNED: &str = "skip_thought_signature_validator";

/// The contents of a request; `strict` asks for a signature on each content's first call.
pub(super) fn of(entries: &[Entry], options: &Options, strict: bool) -> Vec<Value> {
    let mut turns = Turns::new("parts", "model");
    for entry in entries {
        match entry {
            Entry::User(said) | Entry::Note(said) => turns.user(text(said)),
            Entry::Summary(summary) => turns.user(text(&summary.to_string())),
            Entry::Picture(picture) => show(picture, options, &mut turns),
            Entry::Round(round) => add(round, options, strict, &mut turns),
        }
    }
    turns.end(|| text(turns::END))
}

fn text(said: &str) -> Value {
    json!({"text": turns::filled(said)})
}

fn show(picture: &Picture, options: &Options, turns: &mut Turns) {
    let Picture {
        name,
        media_type,
        data,
    } = picture;
    // Gemini reads no GIF.
    let kinds = ["image/png", "image/jpeg", "image/webp"];
    if options.refused.has("pictures") || !kinds.contains(&media_type.as_str()) {
        return turns.user(text(&turns::blind(name)));
    }
    turns.user(text(&format!("[picture: {name}]")));
    turns.user(json!({"inlineData": {"mimeType": media_type, "data": data}}));
}

fn add(round: &Round, options: &Options, strict: bool, turns: &mut Turns) {
    let reply = round.reply();
    let is_home = reply.origin == options.origin;
    let is_signed = is_home && !options.refused.has("signatures");
    let mut parts = parts(reply, is_signed);
    let mut calls = reply.calls.iter();
    for part in &mut parts {
        if part.is_null() {
            *part = calls
                .next()
                .map(|call| asked(call, is_home, is_signed))
                .unwrap_or_default();
        }
    }
    let first = parts
        .iter_mut()
        .find(|part| part["functionCall"].is_object());
    if let Some(first) = first.filter(|first| strict && first[SIGNATURE].is_null()) {
        first[SIGNATURE] = json!(UNSIGNED);
    }
    if parts.is_empty() {
        parts.push(text(turns::SILENCE));
    }
    for part in parts {
        turns.model(part, || text(turns::BEGIN));
    }
    for (call, result) in round.answered() {
        turns.user(answered(call, result, is_home));
    }
}

/// The text's parts, with null in the place of each call.
fn parts(reply: &Reply, is_signed: bool) -> Vec<Value> {
    let kept = reply.echo.get(PARTS).and_then(Value::as_array);
    let kept = kept.filter(|_| is_signed).map_or(&[][..], Vec::as_slice);
    let pieces = order::restored(reply, kept);
    let pieces = pieces.unwrap_or_else(|| order::usual(reply, &[]));
    let mut parts = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(said, kept) if kept[SIGNATURE].is_string() => {
                parts.push(json!({"text": said, SIGNATURE: kept[SIGNATURE]}));
            }
            Piece::Text(said, _) if said.trim().is_empty() => {}
            Piece::Text(said, _) => parts.push(json!({"text": said})),
            Piece::Call => parts.push(Value::Null),
            Piece::Kept(_) => {}
        }
    }
    parts
}

fn asked(call: &ToolCall, is_home: bool, is_signed: bool) -> Value {
    let mut asked = json!({"name": call.name, "args": turns::object(call)});
    // An id that the wire invented means nothing there; without one, results are matched by name and order.
    if let Some(id) = call.echo.get("id").filter(|_| is_home) {
        asked["id"] = id.clone();
    }
    let mut part = json!({"functionCall": asked});
    if let Some(signature) = call.echo.get(SIGNATURE).filter(|_| is_signed) {
        part[SIGNATURE] = signature.clone();
    }
    part
}

fn answered(call: &ToolCall, result: &str, is_home: bool) -> Value {
    let (said, failed) = turns::result(call, result);
    let response = json!({if failed { "error" } else { "output" }: said});
    let mut answered = json!({"name": call.name, "response": response});
    if let Some(id) = call.echo.get("id").filter(|_| is_home) {
        answered["id"] = id.clone();
    }
    json!({"functionResponse": answered})
}
