//! A conversation in turns: user and model alternate, the user begins and ends, and no block of text is empty.
//!
//! Anthropic's messages and Gemini's contents follow these rules, with other names for the parts. What is put in to
//! keep them stands where the entry stood, so that equal entries give equal bytes; only what closes an open end goes
//! again with the next entry.

use corecoder::ToolCall;
use corecoder::wire::text;
use serde_json::{Value, json};

/// What each result of a failed call begins with, as [`corecoder::tools::worded`] writes it.
const FAILED: &str = "Error: ";

/// The turns so far.
pub(crate) struct Turns {
    turns: Vec<Value>,
    /// The field that holds a turn's blocks.
    field: &'static str,
    /// The model's role.
    model: &'static str,
}

impl Turns {
    pub fn new(field: &'static str, model: &'static str) -> Turns {
        let turns = Vec::new();
        Turns {
            turns,
            field,
            model,
        }
    }

    /// Adds a block to what the user says.
    pub fn user(&mut self, block: Value) {
        self.say("user", block);
    }

    /// Adds a block to what the model says, behind `first` if nothing was said before.
    pub fn model(&mut self, block: Value, first: impl FnOnce() -> Value) {
        if self.turns.is_empty() {
            self.user(first());
        }
        self.say(self.model, block);
    }

    fn say(&mut self, role: &str, block: Value) {
        let last = self.turns.last_mut().filter(|last| last["role"] == role);
        match last.and_then(|last| last[self.field].as_array_mut()) {
            Some(blocks) => blocks.push(block),
            None => self.turns.push(json!({"role": role, self.field: [block]})),
        }
    }

    /// All turns; `last` is said by the user if the model has the last word, which no provider takes.
    pub fn end(mut self, last: impl FnOnce() -> Value) -> Vec<Value> {
        if self.turns.last().is_none_or(|turn| turn["role"] != "user") {
            self.user(last());
        }
        self.turns
    }
}

/// Words in the place of a conversation's beginning, its end, and of an answer that said nothing.
pub(crate) const BEGIN: &str = "[The conversation goes on.]";
pub(crate) const END: &str = "Go on.";
pub(crate) const SILENCE: &str = "[no answer]";

/// The text, or words for none: providers refuse a text that is blank.
pub(crate) fn filled(said: &str) -> &str {
    if said.trim().is_empty() {
        "[no text]"
    } else {
        said
    }
}

/// A result as the model reads it, and whether the call failed.
pub(crate) fn result<'a>(call: &ToolCall, result: &'a str) -> (&'a str, bool) {
    let said = match result.trim() {
        "" => "(no output)",
        _ => result,
    };
    (said, call.args.is_err() || result.starts_with(FAILED))
}

/// The arguments as an object, which is all that a provider takes back. What could not be read is shown in one.
pub(crate) fn object(call: &ToolCall) -> Value {
    let raw = match &call.args {
        Ok(args) if args.is_object() => return args.clone(),
        Ok(other) => other.to_string(),
        Err(raw) => raw.clone(),
    };
    json!({"INVALID_JSON": text::head(&raw, 500)})
}

/// What stands for a picture that can't be shown.
pub(crate) fn blind(name: &str) -> String {
    format!(
        "[picture: {name}] This model can't be shown pictures of this kind. Say so if it matters."
    )
}
