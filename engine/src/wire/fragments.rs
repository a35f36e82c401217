//! Tool calls out of stream fragments: which fragment belongs to which call, and when a call is complete.
//!
//! The protocol gives each call an `index` and an `id`. Servers leave out either, repeat them, use index 0 for
//! every call, or send the name twice, in parts, or last. So a fragment is placed by index, id and completeness
//! together: it continues the call that it points at, unless that call is already whole and this is a new start.
//!
//! Arguments arrive as text, as text in pieces, as an object, encoded twice, or not at all (which means `{}`).
//! What is no JSON object in the end is kept as it came; it is never guessed at.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::{Ids, text};
use crate::conversation::ToolCall;

#[derive(Default)]
pub(crate) struct Fragments {
    slots: Vec<Slot>,
    settled: usize,
}

/// A call as far as it has come, or one piece of a call.
#[derive(Default)]
struct Slot {
    index: Option<u64>,
    id: String,
    name: String,
    args: String,
    echo: Map<String, Value>,
    /// The object that `args` encodes, once someone has looked.
    object: OnceCell<Option<Value>>,
}

impl Fragments {
    /// Places one element of a chunk's `tool_calls`.
    pub fn add(&mut self, call: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let piece = Slot {
            index: call["index"].as_u64(),
            id: text(&call["id"]),
            name: text(&call["function"]["name"]),
            args: match &call["function"]["arguments"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                object => object.to_string(),
            },
            echo: extras(call),
            object: OnceCell::new(),
        };
        let target = self.target(&piece);
        match target.filter(|at| !piece.begins_after(&self.slots[*at])) {
            Some(at) => self.slots[at].extend(piece),
            None => self.insert(piece),
        }
    }

    /// The call that index or id point at; a piece without either belongs to the newest.
    fn target(&self, piece: &Slot) -> Option<usize> {
        let newest = |test: &dyn Fn(&Slot) -> bool| self.slots.iter().rposition(test);
        let unnamed = piece.id.is_empty() && piece.name.is_empty();
        match (piece.index, piece.id.as_str()) {
            (Some(_), _) => {
                newest(&|slot| slot.index == piece.index).or_else(|| newest(&|_| unnamed))
            }
            (None, "") => newest(&|_| true),
            (None, id) => newest(&|slot| slot.id == id).or_else(|| newest(&|_| true)),
        }
    }

    /// Calls stand in the order of their indexes, those that share one in the order of arrival.
    fn insert(&mut self, piece: Slot) {
        let after = |slot: &Slot| piece.index.is_some() && slot.index > piece.index;
        let at = self.slots.iter().position(after);
        let at = at.unwrap_or(self.slots.len()).max(self.settled);
        self.slots.insert(at, piece);
    }

    /// Calls that can't change any more and were not returned before. While the reply goes on, those are the
    /// whole ones in front of the last; at its end (`all`) the last may be among them.
    pub fn settled(&mut self, all: bool) -> Vec<ToolCall> {
        let closed = self.slots.len().saturating_sub(usize::from(!all));
        let from = self.settled;
        // `{}` may be a server's way to begin, with the real arguments still to come.
        let whole = |slot: &Slot| !slot.name.is_empty() && slot.is_whole() && !slot.is_blank();
        while self.settled < closed && whole(&self.slots[self.settled]) {
            self.settled += 1;
        }
        if self.settled == from {
            return Vec::new();
        }
        self.finish()[from..self.settled].to_vec()
    }

    /// All calls of the reply, with ids that are unique in it.
    pub fn finish(&self) -> Vec<ToolCall> {
        let mut ids = Ids::default();
        let call = |slot: &Slot| ToolCall {
            id: ids.unique(&slot.id),
            name: slot.name.trim().to_string(),
            args: slot.object().cloned().ok_or_else(|| slot.args.clone()),
            echo: slot.echo.clone(),
        };
        self.slots.iter().map(call).collect()
    }
}

impl Slot {
    /// Whether this piece begins a new call rather than continue `slot`, which index or id point at.
    fn begins_after(&self, slot: &Slot) -> bool {
        if self.name.is_empty() {
            return false;
        }
        let other_id = !self.id.is_empty() && !slot.id.is_empty() && self.id != slot.id;
        let other_name = !slot.name.is_empty() && self.name != slot.name;
        let own_args = self.args.trim_start().starts_with('{');
        if other_id && (other_name || slot.args.is_empty() || self.index.is_none()) {
            return true;
        }
        if !(other_id || other_name || own_args) {
            return false;
        }
        if !slot.is_whole() {
            return other_id && self.is_whole();
        }
        // The same call again is no second one: some begin with `{}`, some close with a copy of the whole.
        let same = self.id == slot.id && self.name == slot.name;
        !(same && (slot.is_blank() || self.object() == slot.object()))
    }

    fn extend(&mut self, piece: Slot) {
        // Names are concatenated where they come in parts; a repeated or growing whole name replaces.
        if piece.name.starts_with(&self.name) {
            self.name = piece.name;
        } else {
            self.name += &piece.name;
        }
        if self.id.is_empty() {
            self.id = piece.id;
        }
        self.args += &piece.args;
        self.echo.extend(piece.echo);
        self.object = OnceCell::new();
    }

    fn object(&self) -> Option<&Value> {
        self.object.get_or_init(|| object(&self.args)).as_ref()
    }

    fn is_whole(&self) -> bool {
        self.args.trim_end().ends_with('}') && self.object().is_some()
    }

    fn is_blank(&self) -> bool {
        self.object()
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
    }
}

/// The one object that a call's arguments encode, `None` if it is none. Empty text means no arguments; of several objects those that are
/// equal or empty count once, since servers begin with `{}` or close with a copy of the whole.
pub fn object(text: &str) -> Option<Value> {
    if text.trim().is_empty() {
        return Some(Value::Object(Map::new()));
    }
    let mut found: Vec<Value> = text::json_values(text)?;
    if found.len() > 1 {
        found.retain(|value| value.as_object().is_none_or(|object| !object.is_empty()));
        found.dedup();
    }
    match <[Value; 1]>::try_from(found).ok()? {
        [Value::Null] => Some(Value::Object(Map::new())),
        [Value::String(inner)] => object(&inner),
        [value] => value.is_object().then_some(value),
    }
}

/// The fields of a call that the protocol does not know: signatures, which go back as they came.
fn extras(call: &Value) -> Map<String, Value> {
    let known = ["index", "id", "type", "function"];
    let fields = call.as_object().into_iter().flatten();
    fields
        .filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
