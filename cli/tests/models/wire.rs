//! The wires as a provider sees them: what a request says, and a reply in pieces.

use serde_json::{Value, json};

use crate::provider::{Asked, Count};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wire {
    Chat,
    Anthropic,
    Gemini,
    Responses,
    Ollama,
}

type Call = (&'static str, Value);

impl Wire {
    pub fn of(path: &str) -> Option<Wire> {
        let path = path.split('?').next().unwrap_or_default();
        Some(match path {
            _ if path.ends_with("/chat/completions") => Wire::Chat,
            _ if path.ends_with("/v1/messages") => Wire::Anthropic,
            _ if path.ends_with(":streamGenerateContent") => Wire::Gemini,
            _ if path.ends_with("/v1/responses") => Wire::Responses,
            "/api/chat" => Wire::Ollama,
            _ => return None,
        })
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Wire::Ollama => "application/x-ndjson",
            _ => "text/event-stream",
        }
    }

    /// A whole reply in its pieces.
    pub fn reply(self, texts: &[&str], calls: &[Call], count: Count) -> Vec<String> {
        match self {
            Wire::Chat => chat(texts, calls, count),
            Wire::Anthropic => anthropic(texts, calls, count),
            Wire::Gemini => gemini(texts, calls, count),
            Wire::Responses => responses(texts, calls, count),
            Wire::Ollama => ollama(texts, calls, count),
        }
    }

    /// The beginning of a reply, up to its first words.
    pub fn begun(self, text: &str, count: Count) -> Vec<String> {
        let mut pieces = self.reply(&[text], &[], count);
        let said = pieces.iter().position(|piece| piece.contains(text));
        pieces.truncate(said.unwrap() + 1);
        pieces
    }
}

fn data(value: Value) -> String {
    format!("data: {value}\n\n")
}

fn event(value: Value) -> String {
    let kind = value["type"].as_str().unwrap_or_default().to_string();
    format!("event: {kind}\ndata: {value}\n\n")
}

fn chat(texts: &[&str], calls: &[Call], count: Count) -> Vec<String> {
    let delta = |delta: Value| data(json!({"choices": [{"index": 0, "delta": delta}]}));
    let mut pieces: Vec<String> = said_of(texts)
        .map(|text| delta(json!({"content": text})))
        .collect();
    for (at, (name, args)) in calls.iter().enumerate() {
        let function = json!({"name": name, "arguments": args.to_string()});
        let id = format!("call_{at}");
        let call = json!({"index": at, "id": id, "type": "function", "function": function});
        pieces.push(delta(json!({"tool_calls": [call]})));
    }
    let finish = if calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    let usage = json!({
        "prompt_tokens": count.prompt, "completion_tokens": count.completion,
        "prompt_tokens_details": {"cached_tokens": count.cached},
    });
    let end = json!([{"index": 0, "delta": {}, "finish_reason": finish}]);
    pieces.push(data(json!({"choices": end, "usage": usage})));
    pieces.push("data: [DONE]\n\n".to_string());
    pieces
}

fn anthropic(texts: &[&str], calls: &[Call], count: Count) -> Vec<String> {
    let usage = json!({
        "input_tokens": count.prompt - count.cached, "cache_read_input_tokens": count.cached,
        "cache_creation_input_tokens": 0, "output_tokens": 1,
    });
    let message = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "content": [], "stop_reason": null, "usage": usage,
    });
    let mut pieces = vec![event(json!({"type": "message_start", "message": message}))];
    let mut block = |at: usize, start: Value, deltas: Vec<Value>| {
        pieces.push(event(
            json!({"type": "content_block_start", "index": at, "content_block": start}),
        ));
        for delta in deltas {
            pieces.push(event(
                json!({"type": "content_block_delta", "index": at, "delta": delta}),
            ));
        }
        pieces.push(event(json!({"type": "content_block_stop", "index": at})));
    };
    let words: Vec<Value> = said_of(texts)
        .map(|text| json!({"type": "text_delta", "text": text}))
        .collect();
    if !words.is_empty() {
        block(0, json!({"type": "text", "text": ""}), words);
    }
    for (at, (name, args)) in calls.iter().enumerate() {
        let id = format!("toolu_{at}");
        let start = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        let args = json!({"type": "input_json_delta", "partial_json": args.to_string()});
        block(at + 1, start, vec![args]);
    }
    let reason = if calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    };
    pieces.push(event(
        json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": count.completion}}),
    ));
    pieces.push(event(json!({"type": "message_stop"})));
    pieces
}

fn gemini(texts: &[&str], calls: &[Call], count: Count) -> Vec<String> {
    let usage = json!({
        "promptTokenCount": count.prompt, "cachedContentTokenCount": count.cached,
        "candidatesTokenCount": count.completion, "totalTokenCount": count.prompt + count.completion,
    });
    let piece = |parts: Value, finish: Option<&str>| {
        let content = json!({"role": "model", "parts": parts});
        let candidate = json!({"content": content, "finishReason": finish, "index": 0});
        data(json!({"candidates": [candidate], "usageMetadata": usage}))
    };
    let mut pieces: Vec<String> = said_of(texts)
        .map(|text| piece(json!([{"text": text}]), None))
        .collect();
    for (at, (name, args)) in calls.iter().enumerate() {
        let call = json!({"name": name, "args": args, "id": format!("fc_{at}")});
        pieces.push(piece(
            json!([{"functionCall": call, "thoughtSignature": format!("c2ln{at}")}]),
            None,
        ));
    }
    pieces.push(piece(json!([{"text": ""}]), Some("STOP")));
    pieces
}

fn responses(texts: &[&str], calls: &[Call], count: Count) -> Vec<String> {
    let response = |status: &str, output: &[Value], usage: Value| {
        json!({
            "id": "resp_1", "object": "response", "status": status, "error": null, "incomplete_details": null,
            "output": output, "usage": usage,
        })
    };
    let mut pieces = vec![event(
        json!({"type": "response.created", "response": response("in_progress", &[], Value::Null)}),
    )];
    let mut output = Vec::new();
    let whole = texts.concat();
    if !whole.is_empty() {
        let item = |status: &str, content: Value| json!({"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": content});
        let begun = item("in_progress", json!([]));
        pieces.push(event(
            json!({"type": "response.output_item.added", "output_index": 0, "item": begun}),
        ));
        pieces.extend(said_of(texts).map(|text| {
            event(json!({
                "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0,
                "delta": text,
            }))
        }));
        let done = item(
            "completed",
            json!([{"type": "output_text", "text": whole, "annotations": []}]),
        );
        pieces.push(event(
            json!({"type": "response.output_item.done", "output_index": 0, "item": done}),
        ));
        output.push(done);
    }
    for (name, args) in calls {
        let at = output.len();
        let item = |status: &str, args: &str| {
            json!({
                "id": format!("fc_{at}"), "type": "function_call", "status": status, "arguments": args,
                "call_id": format!("call_{at}"), "name": name,
            })
        };
        let args = args.to_string();
        pieces.push(event(
            json!({"type": "response.output_item.added", "output_index": at, "item": item("in_progress", "")}),
        ));
        pieces.push(event(json!({
            "type": "response.function_call_arguments.delta", "item_id": format!("fc_{at}"), "output_index": at,
            "delta": args,
        })));
        let done = item("completed", &args);
        pieces.push(event(
            json!({"type": "response.output_item.done", "output_index": at, "item": done}),
        ));
        output.push(done);
    }
    let usage = json!({
        "input_tokens": count.prompt, "input_tokens_details": {"cached_tokens": count.cached},
        "output_tokens": count.completion, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": count.prompt + count.completion,
    });
    pieces.push(event(
        json!({"type": "response.completed", "response": response("completed", &output, usage)}),
    ));
    pieces
}

fn ollama(texts: &[&str], calls: &[Call], count: Count) -> Vec<String> {
    let line = |value: Value| format!("{value}\n");
    let message = |message: Value| line(json!({"model": "m", "message": message, "done": false}));
    let mut pieces: Vec<String> = said_of(texts)
        .map(|text| message(json!({"role": "assistant", "content": text})))
        .collect();
    if !calls.is_empty() {
        let calls: Vec<Value> = calls
            .iter()
            .map(|(name, args)| json!({"function": {"name": name, "arguments": args}}))
            .collect();
        pieces.push(message(
            json!({"role": "assistant", "content": "", "tool_calls": calls}),
        ));
    }
    pieces.push(line(json!({
        "model": "m", "message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop",
        "prompt_eval_count": count.prompt, "eval_count": count.completion,
    })));
    pieces
}

fn said_of<'a>(texts: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    texts.iter().copied().filter(|text| !text.is_empty())
}

/// The longest reply that the request wants.
pub fn longest(asked: &Asked, wire: Wire) -> Option<u64> {
    let body = &asked.body;
    match wire {
        Wire::Chat => body["max_tokens"]
            .as_u64()
            .or(body["max_completion_tokens"].as_u64()),
        Wire::Anthropic => body["max_tokens"].as_u64(),
        Wire::Gemini => body["generationConfig"]["maxOutputTokens"].as_u64(),
        Wire::Responses => body["max_output_tokens"].as_u64(),
        Wire::Ollama => body["options"]["num_predict"].as_u64(),
    }
}

/// The messages, whatever they are called.
fn messages(asked: &Asked) -> Vec<Value> {
    let names = ["messages", "contents", "input"];
    let list = names.iter().find_map(|name| asked.body[name].as_array());
    list.cloned().unwrap_or_default()
}

/// The parts of a message; a text is one.
fn parts(message: &Value) -> Vec<Value> {
    let content = [&message["content"], &message["parts"]];
    match content.into_iter().find(|content| !content.is_null()) {
        Some(Value::Array(parts)) => parts.clone(),
        Some(text) => vec![json!({"text": text})],
        None => vec![message.clone()],
    }
}

/// What the user said, in order; what the program adds is in brackets and left out.
pub fn said(asked: &Asked) -> Vec<String> {
    let users = messages(asked)
        .into_iter()
        .filter(|message| message["role"] == "user");
    let parts = users.flat_map(|message| parts(&message));
    let texts = parts.filter_map(|part| part["text"].as_str().map(str::to_string));
    texts.filter(|text| !text.starts_with('[')).collect()
}

/// The results of calls, in order.
pub fn results(asked: &Asked) -> Vec<String> {
    let mut results = Vec::new();
    for message in messages(asked) {
        for part in parts(&message) {
            let is_result = message["role"] == "tool"
                || part["type"] == "tool_result"
                || part["type"] == "function_call_output"
                || !part["functionResponse"].is_null();
            if is_result {
                results.push(part.to_string());
            }
        }
    }
    results
}
