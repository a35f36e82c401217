//! What requests may have cost whose bill nobody told, such as those that were cut off: no bill names it, but it counts
//! against the limits of their session, also when the session goes on.
//!
//! It is kept where a limit was set: without one, the most that a request may cost is no guess of what it did. A program
//! that is killed keeps none; the limit of the day counts what it held.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::Start;
use crate::keep::Kept;

/// The most that may have been billed.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Unsure {
    pub dollars: f64,
    pub tokens: u64,
}

/// What is kept of this session; nothing if there is none, or it can't be read.
pub fn of(start: &Start, kept: &Kept) -> Unsure {
    let content = file(start, kept).and_then(|file| fs::read(file).ok());
    let unsure = content.and_then(|content| serde_json::from_slice(&content).ok());
    unsure.unwrap_or_default()
}

/// Keeps what came of this program, once it asks nothing any more in this session. A file that can't be written is told.
pub fn keep(start: &Start, kept: &Kept) {
    let figures = start.backend.ledger.figures();
    let (dollars, tokens) = (
        figures.unsure + figures.reserved,
        figures.unsure_tokens + figures.reserved_tokens,
    );
    let is_kept = |kept: &Kept| {
        let session = kept.session.as_ref();
        session.is_some_and(|session| session.path().exists())
    };
    if !figures.limits.has_any() || (dollars == 0.0 && tokens == 0) || !is_kept(kept) {
        return;
    }
    let Some(file) = file(start, kept) else {
        return;
    };
    let before = of(start, kept);
    let sum = Unsure {
        dollars: before.dollars + dollars,
        tokens: before.tokens + tokens,
    };
    let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(&file, serde_json::json!(sum).to_string()));
    if let Err(error) = written {
        eprintln!("corecoder: what this session may have cost can't be kept: {error}");
    }
}

fn file(start: &Start, kept: &Kept) -> Option<PathBuf> {
    let data = start.project.places.data.as_deref()?;
    let id = kept.session.as_ref()?.id();
    Some(data.join("spent").join(format!("{id}.json")))
}
