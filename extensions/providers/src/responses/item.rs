//! One item of a reply: what it says, what goes back of it.

use corecoder::wire::{Ids, object};
use corecoder::{ToolCall, Usage};
use serde_json::{Map, Value, json};

/// What a message says; a refusal is shown as text.
pub(super) fn text(item: &Value, refused: &mut bool) -> String {
    let mut said = String::new();
    for part in item["content"].as_array().into_iter().flatten() {
        *refused |= part["refusal"].is_string();
        let text = part["text"].as_str().or(part["refusal"].as_str());
        said += text.unwrap_or_default();
    }
    said
}

/// A reasoning item with the fields that the API takes back. `summary` is required, even if it is empty.
pub(super) fn thought(item: &Value) -> Value {
    let summary = item["summary"].as_array().cloned().unwrap_or_default();
    let mut thought = json!({"type": "reasoning", "id": item["id"], "summary": summary});
    if item["content"]
        .as_array()
        .is_some_and(|content| !content.is_empty())
    {
        thought["content"] = item["content"].clone();
    }
    thought["encrypted_content"] = item["encrypted_content"].clone();
    thought
}

pub(super) fn call(item: &Value, ids: &mut Ids) -> ToolCall {
    let field = |name: &str| item[name].as_str().unwrap_or_default();
    let args = match &item["arguments"] {
        args if args.is_object() => Ok(args.clone()),
        _ => object(field("arguments")).ok_or_else(|| field("arguments").to_string()),
    };
    ToolCall {
        id: ids.unique(field("call_id")),
        name: field("name").to_string(),
        args,
        echo: Map::new(),
    }
}

pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let number = |place: &str| usage.pointer(place).and_then(Value::as_u64).unwrap_or(0);
    let usage = Usage {
        prompt: number("/input_tokens"),
        completion: number("/output_tokens"),
        cached: number("/input_tokens_details/cached_tokens"),
        written: number("/input_tokens_details/cache_write_tokens"),
        reasoning: number("/output_tokens_details/reasoning_tokens"),
    };
    (usage != Usage::default()).then_some(usage)
}
