//! A reply out of its blocks: each begins, grows by deltas, and stops.
//!
//! Blocks are found by their index, the newest that has it, since translating gateways mix them and use one twice.
//! What is not known, event, block or delta, is passed over: the API's versioning allows for more of each.

use corecoder::wire::Ids;
use corecoder::{Delta, ModelError, Reply, ToolCall, Usage};
use serde_json::{Map, Value, json};

use super::block::Block;
use super::messages::{BLOCKS, is_thought};
use super::refusal;
use crate::events::Fold;
use crate::order;

/// A reply as far as it has come.
#[derive(Default)]
pub(super) struct Blocks {
    blocks: Vec<Block>,
    usage: Map<String, Value>,
    stop: Option<String>,
    calls: Vec<ToolCall>,
    /// How many blocks hold no call that is still to be returned.
    settled: usize,
    ids: Ids,
    reasoning: String,
    done: bool,
}

impl Fold for Blocks {
    fn value(&mut self, event: &Value, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        let index = event["index"].as_u64().unwrap_or(0);
        match event["type"].as_str().unwrap_or_default() {
            "message_start" => self.count(&event["message"]["usage"]),
            "content_block_start" => self.begin(index, &event["content_block"], deltas),
            "content_block_delta" => self.extend(index, &event["delta"], deltas),
            "content_block_stop" => self.stop(index, deltas),
            "message_delta" => {
                self.count(&event["usage"]);
                self.end(&event["delta"], deltas);
            }
            "message_stop" => self.done = true,
            "error" => return Err(refusal::in_stream(event)),
            // A gateway that does not stream answers with the message whole.
            "message" => self.whole(event, deltas),
            // Some gateways send their own errors without the type.
            _ if event["error"].is_object() => return Err(refusal::in_stream(event)),
            _ => {}
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.done
    }

    fn reply(&mut self) -> Option<Result<Reply, ModelError>> {
        let stop = self.stop.take()?;
        let texts = self
            .blocks
            .iter()
            .filter(|block| block.value["type"] == "text");
        let reply = Reply {
            text: texts.map(|block| block.said.as_str()).collect(),
            finish: finish(&stop, !self.calls.is_empty()).to_string(),
            usage: self.usage(),
            echo: self.echo(),
            reasoning: std::mem::take(&mut self.reasoning),
            calls: std::mem::take(&mut self.calls),
            ..Reply::default()
        };
        Some(Ok(reply))
    }
}

impl Blocks {
    /// Numbers overwrite: those at the end are sums, not more of the same. What is null says nothing.
    fn count(&mut self, usage: &Value) {
        let said = usage.as_object().into_iter().flatten();
        let said = said.filter(|(_, value)| value.is_u64());
        self.usage
            .extend(said.map(|(name, value)| (name.clone(), value.clone())));
    }

    fn begin(&mut self, index: u64, value: &Value, deltas: &mut Vec<Delta>) {
        self.blocks.push(Block {
            index,
            value: value.clone(),
            said: String::new(),
            json: String::new(),
            stopped: false,
        });
        // Mostly empty, but some gateways put the first words here.
        let first = [("text", "text_delta"), ("thinking", "thinking_delta")];
        for (field, kind) in first {
            if value["type"] == field && !value[field].as_str().unwrap_or_default().is_empty() {
                self.extend(index, &json!({"type": kind, field: value[field]}), deltas);
            }
        }
    }

    fn extend(&mut self, index: u64, delta: &Value, deltas: &mut Vec<Delta>) {
        let Some(block) = self.blocks.iter_mut().rfind(|block| block.index == index) else {
            return;
        };
        let piece = |field: &str| delta[field].as_str().unwrap_or_default();
        match (delta["type"].as_str(), block.value["type"].as_str()) {
            (Some("text_delta"), Some("text")) => {
                block.said += piece("text");
                deltas.push(Delta::Text(piece("text").to_string()));
            }
            (Some("thinking_delta"), Some("thinking")) => {
                let is_next = block.said.is_empty() && !self.reasoning.is_empty();
                let gap = if is_next { "\n\n" } else { "" };
                block.said += piece("thinking");
                self.reasoning += &format!("{gap}{}", piece("thinking"));
                deltas.push(Delta::Reasoning(format!("{gap}{}", piece("thinking"))));
            }
            (Some("signature_delta"), _) => block.value["signature"] = json!(piece("signature")),
            (Some("input_json_delta"), _) => block.json += piece("partial_json"),
            _ => {}
        }
    }

    /// The block is whole; so are the calls up to the first that is not.
    fn stop(&mut self, index: u64, deltas: &mut Vec<Delta>) {
        if let Some(block) = self.blocks.iter_mut().rfind(|block| block.index == index) {
            block.stopped = true;
        }
        while let Some(block) = self.blocks.get(self.settled) {
            let is_call = block.value["type"] == "tool_use";
            if is_call && !block.stopped {
                break;
            }
            if is_call {
                let call = block.call(&mut self.ids);
                deltas.push(Delta::Call(call.clone()));
                self.calls.push(call);
            }
            self.settled += 1;
        }
    }

    fn end(&mut self, delta: &Value, deltas: &mut Vec<Delta>) {
        let Some(stop) = delta["stop_reason"].as_str() else {
            return;
        };
        self.stop = Some(stop.to_string());
        // A gateway may forget to stop a block; the end of the message stops them all.
        for block in &mut self.blocks {
            block.stopped = true;
        }
        self.stop(u64::MAX, deltas);
    }

    fn whole(&mut self, message: &Value, deltas: &mut Vec<Delta>) {
        self.count(&message["usage"]);
        let content = message["content"].as_array().into_iter().flatten();
        for (index, block) in (0..).zip(content) {
            self.begin(index, block, deltas);
        }
        self.end(message, deltas);
    }

    /// Tokens with those from the cache and into it, which `input_tokens` leaves out.
    fn usage(&self) -> Option<Usage> {
        let number = |name: &str| self.usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        let cached = number("cache_read_input_tokens");
        let written = number("cache_creation_input_tokens");
        let usage = Usage {
            prompt: number("input_tokens")
                .saturating_add(cached)
                .saturating_add(written),
            completion: number("output_tokens"),
            cached,
            written,
            // What is thought is counted as what is said.
            reasoning: 0,
        };
        (usage != Usage::default()).then_some(usage)
    }

    /// The order of the blocks, where thoughts are among them: those whole, of the others their places.
    fn echo(&self) -> Map<String, Value> {
        let mut kept = Vec::new();
        for block in &self.blocks {
            match block.value["type"].as_str() {
                Some("text") => kept.push(order::text(block.said.len())),
                Some("tool_use") => kept.push(order::call()),
                _ if is_thought(&block.value) => kept.push(block.thought()),
                _ => {}
            }
        }
        match kept.iter().any(is_thought) {
            true => Map::from_iter([(BLOCKS.to_string(), Value::Array(kept))]),
            false => Map::new(),
        }
    }
}

/// The engine's word for the API's.
fn finish(stop: &str, calls: bool) -> &'static str {
    match stop {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "refusal" => "content_filter",
        _ if calls => "tool_calls",
        _ => "stop",
    }
}
