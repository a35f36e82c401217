//! Readers that the wires share: a stream of server-sent events, or of lines, each with one JSON value for a [`Fold`].
//!
//! A value that can't be read is skipped, as gateways wrap comments in `data:`. A body that is no stream at all is
//! given to the fold whole, since some gateways answer with plain JSON whatever was asked.

use corecoder::sse::{Sse, SseEvent};
use corecoder::wire::{refusal, text};
use corecoder::{Delta, ErrorKind, ModelError, Reply};
use serde_json::Value;

use crate::wire::Reading;

/// What a wire makes of its values, one by one.
pub(crate) trait Fold: Default + Send {
    /// Takes the next value. An error ends the stream.
    fn value(&mut self, value: &Value, deltas: &mut Vec<Delta>) -> Result<(), ModelError>;

    /// Whether the last value has been seen.
    fn is_done(&self) -> bool;

    /// The whole reply; `None` as long as the provider has not said that it ended.
    fn reply(&mut self) -> Option<Result<Reply, ModelError>>;

    /// An error that stands in the stream, in the provider's JSON or words.
    fn failure(body: &str) -> ModelError {
        refusal::in_stream(body)
    }
}

/// How the values of a body are told apart.
pub(crate) trait Frames: Default + Send {
    /// The events that a read completed.
    fn push(&mut self, bytes: &[u8]) -> Vec<SseEvent>;

    /// What the end of the stream cuts off.
    fn end(&mut self) -> Option<SseEvent>;
}

impl Frames for Sse {
    fn push(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        Sse::push(self, bytes)
    }

    fn end(&mut self) -> Option<SseEvent> {
        Sse::end(self)
    }
}

/// One value a line.
#[derive(Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    fn event(line: &[u8]) -> Option<SseEvent> {
        let data = String::from_utf8_lossy(line);
        // What does not begin like a value is no line of the protocol, but HTML or the middle of a document.
        data.trim_start().starts_with('{').then(|| SseEvent {
            data: data.into_owned(),
            ..SseEvent::default()
        })
    }
}

impl Frames for Lines {
    fn push(&mut self, bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        let mut lines = bytes.split(|byte| *byte == b'\n');
        self.0.extend(lines.next().unwrap_or_default());
        for line in lines {
            events.extend(Lines::event(&std::mem::take(&mut self.0)));
            self.0.extend(line);
        }
        events
    }

    fn end(&mut self) -> Option<SseEvent> {
        Lines::event(&std::mem::take(&mut self.0))
    }
}

/// A response under way, told apart by `S` and understood by `F`.
#[derive(Default)]
pub(crate) struct Events<S, F> {
    frames: S,
    fold: F,
    /// What came before the first value.
    body: Vec<u8>,
    saw_value: bool,
    failure: Option<ModelError>,
}

impl<S: Frames, F: Fold> Events<S, F> {
    fn take(&mut self, event: &SseEvent, deltas: &mut Vec<Delta>) {
        if self.is_done() {
            return;
        }
        let value = text::json(&event.data);
        // A value is what tells a stream from a document; before one, `event: error` may hold bare words.
        self.saw_value |= value.is_some() || event.event == "error";
        let taken = match value {
            Some(value) => self.fold.value(&value, deltas),
            None if event.event == "error" => Err(F::failure(&event.data)),
            None => Ok(()),
        };
        self.failure = taken.err();
    }

    /// A body without any value in its frames: one document, or a list of what would have been events.
    fn document(&mut self) {
        let Some(value) = text::json(&String::from_utf8_lossy(&self.body)) else {
            return;
        };
        let values = match &value {
            Value::Array(list) => list.iter().collect(),
            one => vec![one],
        };
        for value in values {
            if self.failure.is_none() {
                self.failure = self.fold.value(value, &mut Vec::new()).err();
            }
        }
    }
}

impl<S: Frames, F: Fold> Reading for Events<S, F> {
    fn push(&mut self, bytes: &[u8]) -> Vec<Delta> {
        let mut deltas = Vec::new();
        if !self.saw_value {
            self.body.extend_from_slice(bytes);
        }
        for event in self.frames.push(bytes) {
            self.take(&event, &mut deltas);
        }
        deltas
    }

    fn is_done(&self) -> bool {
        self.failure.is_some() || self.fold.is_done()
    }

    fn finish(&mut self) -> Result<Reply, ModelError> {
        if let Some(event) = self.frames.end() {
            self.take(&event, &mut Vec::new());
        }
        if !self.saw_value {
            self.document();
        }
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.fold.reply().unwrap_or_else(|| {
            let mut message = "the reply ended before it was complete".to_string();
            if !self.saw_value {
                let body = String::from_utf8_lossy(&self.body);
                message += &format!("; it began with: {:?}", text::head(&body, 200));
            }
            Err(ModelError::new(ErrorKind::Network, message))
        })
    }
}
