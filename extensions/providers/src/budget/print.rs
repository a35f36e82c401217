//! A cheap fingerprint of what is sent: all lengths, and eight samples of each text.
//!
//! It need not withstand an attacker, only tell apart what is not the same; a whole conversation is printed before each
//! request, so it must not cost more than a glance at each text.

use corecoder::{Entry, Reply};
use serde_json::Value;

/// A fingerprint under way.
#[derive(Default)]
pub(super) struct Print(u64);

/// Bytes that are looked at in one step.
const WORD: usize = 8;
const SAMPLES: usize = 8;

impl Print {
    pub fn of_reply(reply: &Reply) -> u64 {
        let mut print = Print::default();
        print.reply(reply);
        print.end()
    }

    /// The fingerprint of what was given so far.
    pub fn end(&self) -> u64 {
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    }

    fn word(&mut self, word: u64) {
        // The odd constant is 2^64 divided by the golden ratio, as in Fibonacci hashing.
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        self.word(bytes.len() as u64);
        if bytes.len() <= WORD * SAMPLES {
            for chunk in bytes.chunks(WORD) {
                let mut word = [0; WORD];
                word[..chunk.len()].copy_from_slice(chunk);
                self.word(u64::from_le_bytes(word));
            }
            return;
        }
        let last = bytes.len() - WORD;
        for sample in 0..SAMPLES {
            let at = last * sample / (SAMPLES - 1);
            let word = bytes[at..].first_chunk().copied().unwrap_or_default();
            self.word(u64::from_le_bytes(word));
        }
    }

    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.word(1),
            Value::Bool(is) => self.word(2 + u64::from(*is)),
            Value::Number(number) => self.word(number.as_f64().unwrap_or_default().to_bits()),
            Value::String(text) => self.text(text),
            Value::Array(values) => {
                self.word(values.len() as u64);
                values.iter().for_each(|value| self.value(value));
            }
            Value::Object(fields) => {
                self.word(fields.len() as u64);
                for (name, value) in fields {
                    self.text(name);
                    self.value(value);
                }
            }
        }
    }

    fn reply(&mut self, reply: &Reply) {
        self.text(&reply.text);
        self.text(&reply.origin);
        for value in reply.echo.values() {
            self.value(value);
        }
        self.word(reply.calls.len() as u64);
        for call in &reply.calls {
            self.text(&call.id);
            self.text(&call.name);
            match &call.args {
                Ok(args) => self.value(args),
                Err(raw) => self.text(raw),
            }
            for value in call.echo.values() {
                self.value(value);
            }
        }
    }

    pub fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::User(text) => {
                self.word(1);
                self.text(text);
            }
            Entry::Note(text) => {
                self.word(2);
                self.text(text);
            }
            Entry::Picture(picture) => {
                self.word(3);
                self.text(&picture.data);
            }
            Entry::Summary(summary) => {
                self.word(4);
                let lists = [&summary.said, &summary.changed, &summary.read];
                let more = [&summary.decided, &summary.errors, &summary.steps];
                for text in lists.into_iter().chain(more).flatten() {
                    self.text(text);
                }
                self.text(&summary.notes);
            }
            Entry::Round(round) => {
                self.word(5);
                self.reply(round.reply());
                round.answered().for_each(|(_, result)| self.text(result));
            }
        }
    }
}
