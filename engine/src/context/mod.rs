//! Context: what of a conversation is sent, when not all of it fits the model's window.
//!
//! Ground is given in three steps, the cheapest first: at half of the window old tool outputs are [`snip`]ped, at
//! 70 % older entries become a [`summary`] that the model writes, at 90 % everything but the last entries is told in
//! the tightest form. Each pass goes far below its mark, so that the prefix, which the provider caches, changes
//! seldom. Entries stay paired whatever is cut, since a round is one entry.
//!
//! Left out: what was stored, which compaction never changes; see [`crate::session`].

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::agent::AgentError;
use crate::conversation::Entry;
use crate::host::Event;
use crate::kit::Kit;

pub mod collapse;
mod known;
mod notes;
mod prefix;
mod size;
pub mod snip;
pub mod summary;
pub mod tokens;

pub use known::Context;
pub use prefix::Prefix;

/// Percent of the window at which a step is taken.
const SNIP_AT: u64 = 50;
const SUMMARIZE_AT: u64 = 70;
const COLLAPSE_AT: u64 = 90;
/// Percent of the window that what the model has not seen may fill before it is cut; the rest is for the reply.
const FULL: u64 = 97;
/// Percent of the window to which outputs are snipped.
const SNIP_TO: u64 = 35;
/// Percent of the window that recent entries keep when older ones are summarized, and when the user asks for that.
const RECENT: u64 = 20;
const RECENT_ASKED: u64 = 5;
/// Percent of the window that entries without a summary must fill before the model is asked for one.
const WORTH_ASKING: u64 = 5;

/// One compaction: `entries[at]` became `by`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compaction {
    /// Tokens of the next request, before and after.
    pub before: u64,
    pub after: u64,
    /// What was done, in words.
    pub what: String,
    pub at: Range<usize>,
    pub by: Vec<Entry>,
}

impl Context {
    /// Makes room if the next request needs it, and returns whether anything was shortened. Errors if even what can't
    /// be left out does not fit.
    pub async fn fit(&mut self, entries: &mut Vec<Entry>, kit: &Kit) -> Result<bool, AgentError> {
        // What is told once more after a compaction needs its room too.
        let standing = self.prefix(kit).standing(kit);
        let standing = standing.values().map(|text| tokens::of_message(text)).sum();
        let window = self.size.window(kit).saturating_sub(standing);
        let size = self.size(entries, kit);
        if size * 100 < window * SNIP_AT {
            return Ok(false);
        }
        let mut shortened = self.snip(entries, window, kit);
        if !shortened && size * 100 >= window * SUMMARIZE_AT {
            let room = window * RECENT / 100;
            shortened = self.summarize(entries, room, kit).await;
        }
        // The provider knows better than a guess what does not fit, and will say so.
        if self.size.window_is_a_guess(kit) {
            return Ok(shortened);
        }
        if self.size(entries, kit) * 100 >= window * COLLAPSE_AT {
            shortened |= self.collapse(entries, window, kit);
        }
        let size = self.size(entries, kit);
        if size > window {
            let size = self.size.counted(size + standing);
            let window = self.size.counted(window + standing);
            return Err(AgentError::TooLong { size, window });
        }
        Ok(shortened)
    }

    /// Makes room because the user asks for it, with this in mind; returns whether anything was shortened. Errors if
    /// the model gives no notes, since nothing forces a loss.
    pub async fn compact(
        &mut self,
        entries: &mut Vec<Entry>,
        focus: &str,
        kit: &Kit,
    ) -> Result<bool, String> {
        let room = self.size.window(kit) * RECENT_ASKED / 100;
        let Some(start) = self.older(entries, room, kit) else {
            return Ok(false);
        };
        let notes = self.notes(&entries[..start], focus, kit).await?;
        Ok(self.replace(entries, start, Ok(notes), kit))
    }

    /// The first step; whether it was worth it. A small gain is not: the provider would read all of it anew.
    fn snip(&mut self, entries: &mut Vec<Entry>, window: u64, kit: &Kit) -> bool {
        let size = self.size(entries, kit);
        let wanted = size.saturating_sub(window * SNIP_TO / 100);
        let Some((by, cut)) = snip::snip(&entries[..self.seen], wanted) else {
            return false;
        };
        let freed = tokens::of_entries(&entries[..by.len()]) - tokens::of_entries(&by);
        let after = size.saturating_sub(freed);
        let is_worth_it =
            freed * 100 >= window * (SNIP_AT - SNIP_TO) && after * 100 < window * SUMMARIZE_AT;
        let what = format!("old outputs cut short: {cut}");
        is_worth_it && self.apply(entries, 0..by.len(), by, what, kit)
    }

    /// The second step: all but the newest `room` tokens become a summary.
    async fn summarize(&mut self, entries: &mut Vec<Entry>, room: u64, kit: &Kit) -> bool {
        let Some(start) = self.older(entries, room, kit) else {
            return false;
        };
        let notes = self.notes(&entries[..start], "", kit).await;
        self.replace(entries, start, notes, kit)
    }

    /// How many entries are older than the newest `room` tokens; `None` if a summary of them is not worth a question.
    fn older(&self, entries: &[Entry], room: u64, kit: &Kit) -> Option<usize> {
        let start = summary::recent(entries, self.seen, room);
        let is_new = |entry: &&Entry| !matches!(entry, Entry::Summary(_));
        let new = entries[..start].iter().filter(is_new);
        let new: u64 = new.map(tokens::of_entry).sum();
        (new * 100 >= self.size.window(kit) * WORTH_ASKING).then_some(start)
    }

    async fn notes(&mut self, older: &[Entry], focus: &str, kit: &Kit) -> Result<String, String> {
        kit.tell(Event::Compacting);
        let (window, prefix) = (self.size.window(kit), self.prefix(kit));
        notes::ask(older, window, focus, &prefix, kit).await
    }

    /// The first `start` entries become a summary with these notes.
    fn replace(
        &mut self,
        entries: &mut Vec<Entry>,
        start: usize,
        notes: Result<String, String>,
        kit: &Kit,
    ) -> bool {
        let how = match &notes {
            Ok(_) => String::new(),
            Err(why) => format!(", without the model's notes: {why}"),
        };
        let what = format!("{start} older entries became a summary{how}");
        let window = self.size.window(kit);
        let summary = summary::summary(&entries[..start], notes.ok(), window);
        self.apply(entries, 0..start, vec![Entry::Summary(summary)], what, kit)
    }

    /// The third step.
    fn collapse(&mut self, entries: &mut Vec<Entry>, window: u64, kit: &Kit) -> bool {
        let room = (window * FULL / 100).saturating_sub(self.prefix(kit).size);
        let by = collapse::collapse(entries, self.seen, room);
        let unseen = entries.len() - self.seen;
        let whole = by.len() >= unseen && entries.ends_with(&by[by.len() - unseen..]);
        let what = match whole {
            true => "all but the last entries left out".to_string(),
            false => {
                "the newest text is longer than the window, so its middle was cut out".to_string()
            }
        };
        self.apply(entries, 0..entries.len(), by, what, kit)
    }
}
