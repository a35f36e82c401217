//! The third step: a summary without a model, and the last entries in their tightest form.

use serde_json::Value;

use crate::context::snip::with_results;
use crate::context::summary::{recent, shortened, summary};
use crate::context::tokens;
use crate::conversation::{Entry, Round};

/// Tokens kept of each older output.
const TIGHT: u64 = 100;
/// Tokens below which no text that the model has not seen is cut.
const LEAST: u64 = 20;

/// The entries in about `room` tokens. What the model has not seen is cut only if it does not fit by itself.
pub fn collapse(entries: &[Entry], unseen: usize, room: u64) -> Vec<Entry> {
    let start = recent(entries, unseen, room / 10).max(usize::from(entries.len() > 1));
    let (older, last) = entries.split_at(start.min(unseen));
    let (seen, fresh) = last.split_at(unseen - older.len());
    let mut tight = Vec::new();
    if !older.is_empty() {
        tight.push(Entry::Summary(summary(older, None, room)));
    }
    tight.extend(seen.iter().map(|entry| match entry {
        Entry::Round(round) => with_results(round, |result| shortened(result, TIGHT)),
        other => other.clone(),
    }));
    let room = room.saturating_sub(tokens::of_entries(&tight));
    tight.extend(fitted(fresh, room));
    tight
}

/// The entries, their longest texts cut until all of them fit.
pub(super) fn fitted(entries: &[Entry], room: u64) -> Vec<Entry> {
    let mut fitted = entries.to_vec();
    let mut cap = room;
    while tokens::of_entries(&fitted) > room && cap > LEAST {
        fitted = entries.iter().map(|entry| capped(entry, cap)).collect();
        cap = cap * 3 / 4;
    }
    fitted
}

/// The entry with no text longer than `cap` tokens but the model's own words.
fn capped(entry: &Entry, cap: u64) -> Entry {
    match entry {
        Entry::User(words) => Entry::User(shortened(words, cap)),
        Entry::Note(words) => Entry::Note(shortened(words, cap)),
        Entry::Round(round) => {
            let mut reply = round.reply().clone();
            reply
                .calls
                .iter_mut()
                .for_each(|call| match &mut call.args {
                    Ok(args) => cap_strings(args, cap),
                    Err(raw) => *raw = shortened(raw, cap),
                });
            let results: Vec<&str> = round.answered().map(|(_, result)| result).collect();
            Entry::Round(Round::new(reply, |at, _| shortened(results[at], cap)))
        }
        Entry::Summary(_) | Entry::Picture(_) => entry.clone(),
    }
}

/// Arguments stay what the tool's schema wants; only their texts get shorter.
fn cap_strings(args: &mut Value, cap: u64) {
    match args {
        Value::String(text) => *text = shortened(text, cap),
        Value::Array(values) => values.iter_mut().for_each(|value| cap_strings(value, cap)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| cap_strings(value, cap)),
        _ => {}
    }
}
