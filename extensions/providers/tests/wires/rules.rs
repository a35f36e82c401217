//! What each API says a request must be, and where in it the parts of a conversation stand.

use serde_json::Value;

use crate::{anthropic, azure, chat, gemini, ollama, responses};

/// Fails if the API would refuse this request.
pub fn check(wire: &str, body: &Value) {
    match wire {
        "anthropic" => anthropic::check(body),
        "gemini" => gemini::check(body),
        "ollama" => ollama::check(body),
        "azure" => azure::check(body),
        "chat" => chat::check(body),
        "responses" => responses::check(body),
        other => panic!("write down the rules of {other}"),
    }
}

/// What the model is told, in order: each piece as bytes, without the marks of the cache. A longer conversation's
/// must begin with a shorter one's.
pub fn pieces(wire: &str, body: &Value) -> Vec<String> {
    match wire {
        "anthropic" => anthropic::pieces(body),
        "gemini" => gemini::pieces(body),
        "ollama" => ollama::pieces(body),
        "azure" | "chat" => azure::pieces(body),
        "responses" => responses::pieces(body),
        other => panic!("write down the pieces of {other}"),
    }
}

/// What the model's first answer looks like when it goes back.
pub fn sent_back(wire: &str, body: &Value) -> Value {
    match wire {
        "anthropic" => body["messages"][1]["content"].clone(),
        "gemini" => body["contents"][1]["parts"].clone(),
        "ollama" | "azure" | "chat" => body["messages"][2].clone(),
        "responses" => responses::answer(body),
        other => panic!("write down the answers of {other}"),
    }
}

/// Whether an answer that goes back holds what only its own provider can read.
pub fn has_thoughts(wire: &str, back: &Value) -> bool {
    match wire {
        "anthropic" => back.to_string().contains("thinking"),
        "gemini" => gemini::has_signature(back),
        "responses" => back.to_string().contains("encrypted_content"),
        "ollama" | "azure" => !back["thinking"].is_null() || !back["reasoning_content"].is_null(),
        // Of another model's there is a blank at most.
        "chat" => back.to_string().contains("reasoning") && back["reasoning_content"] != " ",
        other => panic!("write down the thoughts of {other}"),
    }
}
