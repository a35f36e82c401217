//! Sessions that the Python program of the same name saved: `ID.json` with `id`, `model`, `saved_at` and `messages`.

use corecoder::{Entry, Summary};
use serde_json::Value;

use crate::messages;

/// What such a file holds.
pub struct Saved {
    pub model: String,
    pub entries: Vec<Entry>,
}

/// How that program words what it left of older messages.
const SUMMARIES: [&str; 2] = ["[Context compressed", "[Hard context reset"];

/// Reads a saved session; `None` if the file is none.
pub fn read(file: &[u8]) -> Option<Saved> {
    let saved: Value = serde_json::from_slice(file).ok()?;
    let messages = saved["messages"].as_array()?;
    let entries = messages::entries(messages)
        .into_iter()
        .map(|entry| match entry {
            Entry::User(text) if SUMMARIES.iter().any(|words| text.starts_with(words)) => {
                Entry::Summary(Summary {
                    notes: text,
                    ..Summary::default()
                })
            }
            entry => entry,
        });
    let model = saved["model"].as_str().unwrap_or_default().to_string();
    Some(Saved {
        model,
        entries: entries.collect(),
    })
}
