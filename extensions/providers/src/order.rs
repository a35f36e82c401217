//! The order of a reply's pieces, kept by reference: of text the length, of calls their turn, what only the provider
//! can read as it came.
//!
//! So a long argument is stored once, and what was shortened since still has its place. Where the list does not fit
//! the reply any more, it is not used.

use corecoder::Reply;
use serde_json::{Value, json};

/// One piece of a reply.
pub(crate) enum Piece<'a> {
    /// What goes back as it came.
    Kept(&'a Value),
    /// Text, with the fields that were kept beside its length.
    Text(&'a str, &'a Value),
    /// The next call.
    Call,
}

/// How a text of so many bytes is kept.
pub(crate) fn text(bytes: usize) -> Value {
    json!({"bytes": bytes})
}

/// How a call is kept.
pub(crate) fn call() -> Value {
    json!({"call": true})
}

/// The pieces in their order, if they still are those of the reply.
pub(crate) fn restored<'a>(reply: &'a Reply, kept: &'a [Value]) -> Option<Vec<Piece<'a>>> {
    let (mut pieces, mut at, mut calls) = (Vec::new(), 0_usize, 0);
    for piece in kept {
        pieces.push(if piece["call"] == true {
            calls += 1;
            Piece::Call
        } else if let Some(bytes) = piece["bytes"].as_u64() {
            let end = at.checked_add(usize::try_from(bytes).ok()?)?;
            let text = reply.text.get(at..end)?;
            at = end;
            Piece::Text(text, piece)
        } else {
            Piece::Kept(piece)
        });
    }
    (at == reply.text.len() && calls == reply.calls.len()).then_some(pieces)
}

/// What was kept first, then text, then calls: for a reply without an order of its own.
pub(crate) fn usual<'a>(reply: &'a Reply, kept: &'a [Value]) -> Vec<Piece<'a>> {
    let is_kept = |piece: &&Value| piece["call"] != true && !piece["bytes"].is_u64();
    let kept = kept.iter().filter(is_kept).map(Piece::Kept);
    let text = std::iter::once(Piece::Text(&reply.text, &Value::Null));
    let calls = reply.calls.iter().map(|_| Piece::Call);
    kept.chain(text).chain(calls).collect()
}
