//! Server-sent events: bytes in, events out, however the reads fall.
//!
//! The algorithm is the one of the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream":
//! lines end with LF, CR or CR LF, a blank line dispatches, bytes that are not UTF-8 become U+FFFD.
//! Two liberties, both seen in the field: an event that the end of the stream cuts off is still dispatched
//! ([`Sse::end`]), and `error: {...}`, which older llama.cpp servers send as a field, is an event of that name.
//!
//! Left out: `retry`, since a POST is never reconnected by itself; [`crate::llm`] decides about that.

use std::mem::take;

/// One dispatched event.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct SseEvent {
    /// The event's type; `message` unless the stream named another.
    pub event: String,
    /// The `data` lines, joined with LF.
    pub data: String,
    /// The last `id` that the stream has sent, or empty.
    pub id: String,
}

/// The parser's state between two reads.
#[derive(Default)]
pub struct Sse {
    line: Vec<u8>,
    past_first_line: bool,
    after_cr: bool,
    event: String,
    data: Option<String>,
    id: String,
}

impl Sse {
    /// Takes one read and returns the events that it completed.
    pub fn push(&mut self, mut bytes: &[u8]) -> Vec<SseEvent> {
        let mut events = Vec::new();
        while let Some(at) = memchr::memchr2(b'\r', b'\n', bytes) {
            // A CR LF may be split over two reads: the LF then stands first and ends no second line.
            let second_half = self.after_cr && at == 0 && bytes[0] == b'\n';
            self.after_cr = bytes[at] == b'\r';
            if !second_half {
                self.line.extend_from_slice(&bytes[..at]);
                events.extend(self.end_of_line());
            }
            bytes = &bytes[at + 1..];
        }
        if !bytes.is_empty() {
            self.after_cr = false;
            self.line.extend_from_slice(bytes);
        }
        events
    }

    /// The stream is over: an event that lacks its blank line is dispatched all the same.
    pub fn end(&mut self) -> Option<SseEvent> {
        self.end_of_line().or_else(|| self.dispatch())
    }

    fn end_of_line(&mut self) -> Option<SseEvent> {
        let mut line = take(&mut self.line);
        if !self.past_first_line && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        self.past_first_line = true;
        if line.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(&line);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => self.add_data(value),
            "event" => self.event = value.to_string(),
            "id" if !value.contains('\0') => self.id = value.to_string(),
            "error" => {
                self.event = "error".to_string();
                self.add_data(value);
            }
            _ => {}
        }
        None
    }

    fn add_data(&mut self, value: &str) {
        match &mut self.data {
            Some(data) => *data += &format!("\n{value}"),
            None => self.data = Some(value.to_string()),
        }
    }

    fn dispatch(&mut self) -> Option<SseEvent> {
        let event = take(&mut self.event);
        Some(SseEvent {
            data: self.data.take()?,
            event: if event.is_empty() {
                "message".to_string()
            } else {
                event
            },
            id: self.id.clone(),
        })
    }
}
