//! A response: bytes are pushed in, deltas come out, and in the end the whole reply.
//!
//! Every server speaks its own dialect of the protocol, so the rules are few and forgiving: a chunk that can't be
//! read is skipped, an unknown field ignored, the same text under three names counted once. One thing is strict:
//! a reply counts only after `finish_reason` or `[DONE]`, so that nothing runs out of half a stream.

use serde_json::{Map, Value, json};

use super::fragments::Fragments;
use super::sse::{Sse, SseEvent};
use super::{refusal, text};
use crate::conversation::{Reply, Usage};
use crate::model::{Delta, ErrorKind, ModelError};

/// A response under way: bytes are pushed in, deltas come out.
#[derive(Default)]
pub struct Reading {
    sse: Sse,
    /// What came before the first event: a body that is no event stream, such as plain JSON or HTML.
    body: Vec<u8>,
    saw_event: bool,
    reply: Reply,
    fragments: Fragments,
    thinking: bool,
    done: bool,
}

impl Reading {
    /// Takes one read. An error that the stream holds ends it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Delta>, ModelError> {
        let mut deltas = Vec::new();
        if !self.saw_event {
            self.body.extend_from_slice(bytes);
        }
        for event in self.sse.push(bytes) {
            self.event(event, &mut deltas)?;
        }
        Ok(deltas)
    }

    /// Whether `[DONE]` was seen: what follows is ignored.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The connection is at its end: the whole reply, if it is one.
    pub fn finish(&mut self) -> Result<Reply, ModelError> {
        let mut deltas = Vec::new();
        if let Some(event) = self.sse.end() {
            self.event(event, &mut deltas)?;
        }
        let body = String::from_utf8_lossy(&self.body).into_owned();
        if !self.saw_event {
            self.chunk(body.trim_start_matches('\u{feff}'), &mut deltas)?;
        }
        if !self.done && self.reply.finish.is_empty() {
            let start = text::head(&body, 200);
            let message =
                format!("the reply ended before it was complete; it began with: {start:?}");
            return Err(ModelError::new(ErrorKind::Network, message));
        }
        let mut reply = std::mem::take(&mut self.reply);
        (reply.calls, reply.text) = (self.fragments.finish(), text::without_thinking(&mut reply));
        Ok(reply)
    }

    fn event(&mut self, event: SseEvent, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        self.saw_event = true;
        if self.done {
            return Ok(());
        }
        if event.data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        if event.event == "error" {
            return Err(refusal::in_stream(&event.data));
        }
        self.chunk(&event.data, deltas)
    }

    fn chunk(&mut self, data: &str, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        // A chunk that is not JSON, such as a comment that a gateway wrapped in `data:`, says nothing.
        let Some(chunk) = text::json(data) else {
            return Ok(());
        };
        let chunk = chunk.get(0).unwrap_or(&chunk);
        let choices = chunk["choices"].as_array().into_iter().flatten();
        let mut first = choices.filter(|choice| choice["index"].as_u64().unwrap_or(0) == 0);
        let choice = first.next().unwrap_or(&Value::Null);
        for error in [&chunk["error"], &choice["error"], &chunk["x_groq"]["error"]] {
            let error = error.to_string();
            if !["null", "false", "\"\"", "{}"].contains(&error.as_str()) {
                return Err(refusal::in_stream(&error));
            }
        }
        if chunk["object"] == "error" || choice["finish_reason"] == "error" {
            return Err(refusal::in_stream(data));
        }
        for usage in [&chunk["usage"], &choice["usage"], &chunk["x_groq"]["usage"]] {
            self.reply.usage = read_usage(usage).or(self.reply.usage);
            // OpenRouter says what it charges.
            self.reply.cost = usage["cost"].as_f64().or(self.reply.cost);
        }
        let delta = &choice["delta"];
        let whole = delta.as_object().is_none_or(Map::is_empty);
        self.message(if whole { &choice["message"] } else { delta }, deltas);
        let finish = choice["finish_reason"].as_str().unwrap_or_default();
        if !finish.is_empty() {
            self.reply.finish = finish.to_string();
            deltas.extend(self.fragments.settled(true).into_iter().map(Delta::Call));
        }
        Ok(())
    }

    fn message(&mut self, message: &Value, deltas: &mut Vec<Delta>) {
        let reasoning = text::first_of(message, &["reasoning_content", "reasoning"])
            .or_else(|| text::parts(&message["content"], "thinking"))
            .or_else(|| text::first_of(&message["reasoning_details"][0], &["text"]));
        if let Some(piece) = reasoning {
            self.reply.reasoning += &piece;
            deltas.push(Delta::Reasoning(piece));
        }
        let echo = &mut self.reply.echo;
        remember(echo, message);
        remember_details(echo, "reasoning_details", message);
        remember_details(echo, "thinking_blocks", message);
        let said = text::parts(&message["content"], "text")
            .or_else(|| text::first_of(message, &["refusal"]));
        if let Some(piece) = said {
            let thought = self.in_thought(&piece);
            self.reply.text += &piece;
            deltas.push(if thought {
                Delta::Reasoning(piece)
            } else {
                Delta::Text(piece)
            });
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            self.fragments.add(call);
        }
        if message["function_call"].is_object() {
            self.fragments
                .add(&json!({"index": 0, "function": message["function_call"]}));
        }
        deltas.extend(self.fragments.settled(false).into_iter().map(Delta::Call));
    }

    /// Whether this piece of text belongs to thoughts that the text began with; they are cut out in the end.
    fn in_thought(&mut self, piece: &str) -> bool {
        let begins = self.reply.text.trim().is_empty() && piece.trim_start().starts_with("<think>");
        let was = self.thinking || begins;
        let ending = text::tail(&self.reply.text, "</think>".len()).to_string() + piece;
        self.thinking = was && !ending.contains("</think>");
        was
    }
}

/// Keeps reasoning that must go back, as one text.
fn remember(echo: &mut Map<String, Value>, message: &Value) {
    if let Some(piece) = message["reasoning_content"].as_str() {
        append(echo.entry("reasoning_content").or_insert(json!("")), piece);
    }
}

/// Keeps the details of it, a list whose pieces are joined by index. Claude's blocks, as LiteLLM passes them on, have
/// none: a signature ends each, and what is redacted comes whole.
fn remember_details(echo: &mut Map<String, Value>, name: &str, message: &Value) {
    for piece in message[name].as_array().into_iter().flatten() {
        let list = echo.entry(name).or_insert(json!([]));
        let Value::Array(list) = list else { continue };
        let is_signed = |last: &Value| last["signature"].as_str().is_some_and(|s| !s.is_empty());
        let is_open = |last: &Value| piece["type"] == "thinking" && !is_signed(last);
        let same = |last: &&mut Value| {
            let alike = last["index"] == piece["index"] && last["type"] == piece["type"];
            alike && (name != "thinking_blocks" || is_open(last))
        };
        let Some(last) = list.last_mut().filter(same) else {
            list.push(piece.clone());
            continue;
        };
        for (key, value) in piece.as_object().into_iter().flatten() {
            let is_text = ["text", "summary", "data", "thinking"].contains(&key.as_str());
            match value.as_str().filter(|_| is_text) {
                Some(more) => append(&mut last[key], more),
                None => last[key] = value.clone(),
            }
        }
    }
}

fn append(target: &mut Value, more: &str) {
    *target = json!(format!("{}{more}", target.as_str().unwrap_or_default()));
}

/// Token counts under any of the names in use; `None` if there are none.
fn read_usage(usage: &Value) -> Option<Usage> {
    let count = |names: &[&str]| {
        let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
        let number = names.iter().find_map(|name| number(usage.pointer(name)?));
        number.unwrap_or(0.0) as u64
    };
    let usage = Usage {
        prompt: count(&["/prompt_tokens", "/input_tokens"]),
        completion: count(&["/completion_tokens", "/output_tokens"]),
        cached: count(&[
            "/prompt_tokens_details/cached_tokens",
            "/input_tokens_details/cached_tokens",
            "/prompt_cache_hit_tokens",
            "/cache_read_input_tokens",
            "/cached_tokens",
        ]),
        written: count(&["/prompt_tokens_details/cache_write_tokens"]),
        reasoning: count(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
        ]),
    };
    (usage != Usage::default()).then_some(usage)
}
