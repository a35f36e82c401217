//! The engine's reader of chat completions as a [`Reading`].

use corecoder::{Delta, ModelError, Reply, wire};
use serde_json::json;

use super::body::REASONING;
use crate::wire::Reading;

/// The engine's reader, which gives an error instead of what came before it in one read: so it reads by lines.
#[derive(Default)]
pub(crate) struct ByLine {
    reading: wire::Reading,
    failure: Option<ModelError>,
    keeps_reasoning: bool,
}

impl ByLine {
    /// One that keeps thoughts to be sent back as `reasoning`, if they came by no name that the engine keeps them by.
    pub fn keeping_reasoning(keeps_reasoning: bool) -> ByLine {
        ByLine {
            keeps_reasoning,
            ..ByLine::default()
        }
    }
}

impl Reading for ByLine {
    fn push(&mut self, bytes: &[u8]) -> Vec<Delta> {
        let mut deltas = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.failure.is_some() {
                break;
            }
            match self.reading.push(line) {
                Ok(more) => deltas.extend(more),
                Err(error) => self.failure = Some(error),
            }
        }
        deltas
    }

    fn is_done(&self) -> bool {
        self.failure.is_some() || self.reading.is_done()
    }

    fn finish(&mut self) -> Result<Reply, ModelError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let mut reply = self.reading.finish()?;
        let is_unkept = !reply.reasoning.is_empty() && !reply.echo.contains_key(REASONING);
        if self.keeps_reasoning && is_unkept {
            let reasoning = json!(reply.reasoning);
            reply.echo.insert("reasoning".into(), reasoning);
        }
        Ok(in_our_words(reply))
    }
}

/// The reply with one of the engine's words for its end. Some models end in words of their own, or in none.
fn in_our_words(mut reply: Reply) -> Reply {
    let word = match reply.finish.as_str() {
        "length" => "length",
        "content_filter" => "content_filter",
        _ if reply.calls.is_empty() => "stop",
        _ => "tool_calls",
    };
    reply.finish = word.to_string();
    reply
}
