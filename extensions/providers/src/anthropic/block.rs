//! One block of a reply: text, thoughts, or a call.

use corecoder::ToolCall;
use corecoder::wire::{Ids, object};
use serde_json::{Map, Value, json};

/// One block, as it is sent back, with what it says in pieces.
pub(super) struct Block {
    pub index: u64,
    pub value: Value,
    /// Text or thoughts.
    pub said: String,
    /// The arguments of a call.
    pub json: String,
    pub stopped: bool,
}

impl Block {
    /// Only the fields that the API takes: it refuses a request with others, even those it sent itself.
    pub fn thought(&self) -> Value {
        if self.value["type"] != "thinking" {
            return json!({"type": "redacted_thinking", "data": self.value["data"]});
        }
        let mut thought = json!({"type": "thinking", "thinking": self.said});
        // Servers that imitate the API may sign nothing.
        if let Some(signature) = self.value["signature"].as_str() {
            thought["signature"] = json!(signature);
        }
        thought
    }

    pub fn call(&self, ids: &mut Ids) -> ToolCall {
        let start = self.value["input"].as_object().cloned().unwrap_or_default();
        let args = match self.json.trim() {
            "" => Ok(Value::Object(start)),
            json => object(json).ok_or_else(|| self.json.clone()),
        };
        ToolCall {
            id: ids.unique(self.value["id"].as_str().unwrap_or_default()),
            name: self.value["name"].as_str().unwrap_or_default().to_string(),
            args,
            echo: Map::new(),
        }
    }
}
