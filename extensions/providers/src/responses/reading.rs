//! A reply out of its items. An item counts when it is done; deltas are for the eye.
//!
//! Gateways leave out whole kinds of events, so the last one, which holds all items again, stands in for those that
//! were not seen; and some send that one empty.

use std::collections::{BTreeMap, BTreeSet};

use corecoder::wire::Ids;
use corecoder::{Delta, ErrorKind, ModelError, Reply, ToolCall};
use serde_json::{Map, Value, json};

use super::input::ITEMS;
use super::{item, refusal};
use crate::events::Fold;
use crate::order;

/// A reply as far as it has come.
#[derive(Default)]
pub(super) struct Items {
    items: BTreeMap<u64, Value>,
    /// Items that have begun and are not done.
    open: BTreeSet<u64>,
    /// What the items were called, for some servers send one twice.
    seen: BTreeSet<String>,
    calls: Vec<ToolCall>,
    /// The first index whose call was not returned yet.
    settled: u64,
    ids: Ids,
    text: String,
    reasoning: String,
    /// Which part of which item was thought last.
    part: Value,
    refused: bool,
    end: Option<Value>,
}

impl Fold for Items {
    fn value(&mut self, event: &Value, deltas: &mut Vec<Delta>) -> Result<(), ModelError> {
        let delta = event["delta"].as_str().unwrap_or_default();
        let index = event["output_index"].as_u64();
        let index = index.map_or_else(|| self.next(), |index| index.min(u32::MAX.into()));
        match event["type"].as_str().unwrap_or_default() {
            "response.output_item.added" => {
                self.open.insert(index);
            }
            "response.output_item.done" => self.done(index, &event["item"], deltas),
            kind @ ("response.output_text.delta" | "response.refusal.delta") => {
                self.refused |= kind == "response.refusal.delta";
                self.text += delta;
                deltas.push(Delta::Text(delta.to_string()));
            }
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.think(event, delta, deltas);
            }
            "response.completed" | "response.incomplete" => self.end(&event["response"], deltas),
            "response.failed" | "error" => return Err(refusal::in_stream(event)),
            "response.cancelled" => {
                let message = "the response was cancelled at the provider";
                return Err(ModelError::new(ErrorKind::Network, message));
            }
            _ if event["object"] == "response" => self.end(event, deltas),
            _ if event["error"].is_object() => return Err(refusal::in_stream(event)),
            _ => {}
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.end.is_some()
    }

    fn reply(&mut self) -> Option<Result<Reply, ModelError>> {
        let end = self.end.take()?;
        if end["status"] == "failed" {
            return Some(Err(refusal::in_stream(&end)));
        }
        let (text, echo) = self.order();
        let reply = Reply {
            finish: self.finish(&end).to_string(),
            usage: item::usage(&end["usage"]),
            text: if text.is_empty() {
                std::mem::take(&mut self.text)
            } else {
                text
            },
            reasoning: self.thoughts(),
            calls: std::mem::take(&mut self.calls),
            echo,
            ..Reply::default()
        };
        Some(Ok(reply))
    }

    fn failure(body: &str) -> ModelError {
        refusal::in_stream(&json!({"error": {"message": body}}))
    }
}

impl Items {
    /// An item is whole; so are the calls up to the first item that is not.
    fn done(&mut self, index: u64, item: &Value, deltas: &mut Vec<Delta>) {
        self.open.remove(&index);
        let name = format!("{} {}", item["id"], item["call_id"]);
        if name != "null null" && !self.seen.insert(name) {
            return;
        }
        // A gateway may give all items one index, or an index too late: then the order of arrival counts.
        let is_late = index < self.settled || self.items.contains_key(&index);
        let next = self.next();
        self.items
            .insert(if is_late { next } else { index }, item.clone());
        self.settle(deltas);
    }

    /// The index behind all that were seen.
    fn next(&self) -> u64 {
        let last = self.items.keys().last();
        last.map_or(0, |last| last.saturating_add(1))
    }

    fn settle(&mut self, deltas: &mut Vec<Delta>) {
        let limit = self.open.first().copied().unwrap_or(u64::MAX);
        let whole = self.items.range(self.settled.min(limit)..limit);
        let mut settled = self.settled;
        for (index, item) in whole {
            if item["type"] == "function_call" {
                let call = item::call(item, &mut self.ids);
                deltas.push(Delta::Call(call.clone()));
                self.calls.push(call);
            }
            settled = index.saturating_add(1);
        }
        self.settled = settled;
    }

    /// Parts of a summary are paragraphs.
    fn think(&mut self, event: &Value, delta: &str, deltas: &mut Vec<Delta>) {
        let part = json!([
            event["item_id"],
            event["summary_index"],
            event["content_index"]
        ]);
        let is_next = self.part != part && !self.reasoning.is_empty();
        let said = format!("{}{delta}", if is_next { "\n\n" } else { "" });
        self.part = part;
        self.reasoning += &said;
        deltas.push(Delta::Reasoning(said));
    }

    fn end(&mut self, response: &Value, deltas: &mut Vec<Delta>) {
        self.end = Some(response.clone());
        let listed = response["output"].as_array().map_or(&[][..], Vec::as_slice);
        if listed.len() > self.items.len() {
            for (index, item) in (0..).zip(listed) {
                self.done(index, item, deltas);
            }
        }
        self.open.clear();
        self.settle(deltas);
    }

    /// The text of all messages, and the order of items where it must be kept.
    fn order(&mut self) -> (String, Map<String, Value>) {
        let (mut text, mut kept, mut matters) = (String::new(), Vec::new(), false);
        for item in self.items.values() {
            match item["type"].as_str().unwrap_or_default() {
                "message" => {
                    let said = item::text(item, &mut self.refused);
                    let mut place = order::text(said.len());
                    if item["phase"].is_string() {
                        place["phase"] = item["phase"].clone();
                        matters = true;
                    }
                    kept.push(place);
                    text += &said;
                }
                "function_call" => kept.push(order::call()),
                // What is not encrypted names something at the server, and nothing is stored there.
                "reasoning" if item["encrypted_content"].is_string() => {
                    kept.push(item::thought(item));
                    matters = true;
                }
                _ => {}
            }
        }
        let echo = matters.then(|| (ITEMS.to_string(), Value::Array(kept)));
        (text, echo.into_iter().collect())
    }

    /// What was thought aloud, or else stands in the items.
    fn thoughts(&mut self) -> String {
        if !self.reasoning.is_empty() {
            return std::mem::take(&mut self.reasoning);
        }
        let of = |item: &Value, field: &str| -> Vec<String> {
            let parts = item[field].as_array().into_iter().flatten();
            parts
                .filter_map(|part| Some(part["text"].as_str()?.to_string()))
                .collect()
        };
        let items = self
            .items
            .values()
            .filter(|item| item["type"] == "reasoning");
        let parts = items.flat_map(|item| {
            let summary = of(item, "summary");
            if summary.is_empty() {
                of(item, "content")
            } else {
                summary
            }
        });
        parts.collect::<Vec<_>>().join("\n\n")
    }

    fn finish(&self, end: &Value) -> &'static str {
        match end["incomplete_details"]["reason"].as_str() {
            Some("content_filter") => "content_filter",
            Some(_) => "length",
            None if !self.calls.is_empty() => "tool_calls",
            None if self.refused => "content_filter",
            None => "stop",
        }
    }
}
