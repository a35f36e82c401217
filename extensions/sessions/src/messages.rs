//! Conversations as OpenAI's API words them, read into entries: what other programs save.
//!
//! Nothing that was said is lost: a call without its result gets one that says so, and a result without its call becomes
//! a note.

use corecoder::{Entry, Reply, Round, ToolCall};
use serde_json::{Map, Value};

/// The entries that these messages mean. The system message is left out, since each request has its own.
pub fn entries(messages: &[Value]) -> Vec<Entry> {
    let (mut entries, mut rest) = (Vec::new(), messages);
    while let Some((message, behind)) = rest.split_first() {
        rest = behind;
        match message["role"].as_str() {
            Some("system" | "developer") => {}
            Some("assistant") => {
                let is_result = |message: &&Value| message["role"] == "tool";
                let results = rest.iter().take_while(is_result).count();
                let (results, behind) = rest.split_at(results);
                rest = behind;
                add_round(message, results, &mut entries);
            }
            Some("user") => entries.push(Entry::User(text(&message["content"]))),
            _ => entries.push(Entry::Note(text(&message["content"]))),
        }
    }
    entries
}

fn add_round(message: &Value, results: &[Value], entries: &mut Vec<Entry>) {
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let reply = Reply {
        text: text(&message["content"]),
        calls: calls.map(call).collect(),
        ..Reply::default()
    };
    let mut results: Vec<&Value> = results.iter().collect();
    let round = Round::new(reply, |_, call| {
        let place = results
            .iter()
            .position(|result| result["tool_call_id"] == *call.id);
        match place {
            Some(place) => text(&results.remove(place)["content"]),
            None => "[no result was kept for this call]".to_string(),
        }
    });
    entries.push(Entry::Round(round));
    let lost = results
        .iter()
        .map(|result| Entry::Note(text(&result["content"])));
    entries.extend(lost);
}

fn call(call: &Value) -> ToolCall {
    let function = &call["function"];
    let arguments = match &function["arguments"] {
        Value::String(raw) => raw.clone(),
        other => other.to_string(),
    };
    let args = serde_json::from_str(&arguments)
        .ok()
        .filter(Value::is_object);
    ToolCall {
        id: text(&call["id"]),
        name: text(&function["name"]),
        args: args.ok_or(arguments),
        echo: Map::new(),
    }
}

/// Plain text, or the text parts of a list.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text(&part["text"])).collect(),
        _ => String::new(),
    }
}
