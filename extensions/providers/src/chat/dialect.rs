//! What a server wants otherwise in the messages, and does not say in a way that a program could learn from.
//!
//! Each change is a pure function of the messages before it, so that equal entries still give equal bytes.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::body::REASONING;
use crate::table::Row;
use crate::wire::Refused;

/// Changes the messages of a request into what the row's server takes.
pub(super) fn fit(row: &Row, refused: &Refused, messages: &mut Value) {
    let mut ids = Short::default();
    let messages = messages.as_array_mut().into_iter().flatten();
    for message in messages.filter_map(Value::as_object_mut) {
        let is_blank = row.blank_reasoning && !refused.has(REASONING);
        if is_blank && message.contains_key("tool_calls") {
            message.entry(REASONING).or_insert(json!(" "));
        }
        if row.short_ids {
            shorten(message, &mut ids);
        }
    }
}

fn shorten(message: &mut Map<String, Value>, ids: &mut Short) {
    if let Some(id) = message.get_mut("tool_call_id") {
        ids.shorten(id);
    }
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for call in calls.into_iter().flatten() {
        ids.shorten(&mut call["id"]);
    }
}

/// The short ids of a conversation: the same for a call and its result, different for two calls.
#[derive(Default)]
struct Short {
    known: HashMap<String, String>,
    taken: BTreeSet<String>,
}

impl Short {
    fn shorten(&mut self, id: &mut Value) {
        let long = id.as_str().unwrap_or_default();
        *id = self.of(long).into();
    }

    fn of(&mut self, id: &str) -> String {
        if let Some(short) = self.known.get(id) {
            return short.clone();
        }
        let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut short = if fits { id.to_string() } else { hashed(id) };
        while !self.taken.insert(short.clone()) {
            short = hashed(&short);
        }
        self.known.insert(id.to_string(), short.clone());
        short
    }
}

/// Nine letters and digits that follow from the text alone, in any build: FNV-1a, 64 bits.
fn hashed(text: &str) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut letter = || {
        let letter = LETTERS[(hash % 36) as usize];
        hash /= 36;
        char::from(letter)
    };
    (0..9).map(|_| letter()).collect()
}
