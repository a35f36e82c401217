//! What the model must always know in its newest form: a plan, a to-do list, a mode.
//!
//! A text that changes is told at the tail of the conversation, so that the prefix stays as it is, and all of them
//! are told again after a compaction, so that none is lost.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Texts by name; a clone is the same.
#[derive(Clone, Default)]
pub struct Standing(Arc<Mutex<BTreeMap<String, String>>>);

impl Standing {
    /// From the next request on `name` is `text`. It says by itself what it is, and that something is over, if it is.
    pub fn set(&self, name: &str, text: impl Into<String>) {
        self.0.lock().insert(name.to_string(), text.into());
    }

    /// Tells it no more. What was told is not taken back.
    pub fn remove(&self, name: &str) {
        self.0.lock().remove(name);
    }

    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        self.0.lock().clone()
    }
}
