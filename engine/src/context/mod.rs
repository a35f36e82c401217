//! Context: what of a conversation is sent, when not all of it fits the model's window.
//!
//! Ground is given in three steps, the cheapest first: at half of the window old tool outputs are [`snip`]ped, at
//! 70 % older entries become a [`summary`] that the model writes, at 90 % everything but the last entries is told in
//! the tightest form. Each pass goes far below its mark, so that the prefix, which the provider caches, changes
//! seldom. Entries stay paired whatever is cut, since a round is one entry.
//!
//! Left out: what was stored, which compaction never changes; see [`crate::session`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use crate::agent::AgentError;
use crate::conversation::{Entry, Usage};
use crate::host::Event;
use crate::kit::Kit;
use crate::model::{Delta, ModelError, Request};
use crate::prompt;
use crate::tools::Spec;
use crate::wire::refusal;

pub mod snip;
pub mod summary;
pub mod tokens;

/// Percent of the window at which a step is taken.
const SNIP_AT: u64 = 50;
const SUMMARIZE_AT: u64 = 70;
const COLLAPSE_AT: u64 = 90;
/// Percent of the window to which outputs are snipped.
const SNIP_TO: u64 = 35;
/// Percent of the window that recent entries keep when older ones are summarized.
const RECENT: u64 = 20;
/// Percent of the window for the user's own words in a summary, and for its notes.
const WORDS: u64 = 10;
const NOTES: u64 = 15;
/// How many times too small an estimate may be at most; what seems to be more has another cause.
const MISJUDGED: f64 = 4.0;
/// Tokens of the window of a model that does not tell it.
const WINDOW: u64 = 128_000;

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

/// What an agent knows of the size of its conversation, and what it has told the model beside it.
pub struct Context {
    prefix: Option<Arc<Prefix>>,
    /// The estimate of each entry, as far as it was made.
    sizes: Vec<u64>,
    /// How many tokens of the provider one of the estimate is: 1 until a reply brings a count.
    scale: f64,
    /// The window as the provider told it in an error.
    learned: Option<u64>,
    /// How many entries the model has been sent.
    seen: usize,
    /// The standing texts, by name, as they were told last.
    told: BTreeMap<String, String>,
}

/// What stands before the first entry. It stays the same from one compaction to the next, whatever changes.
pub struct Prefix {
    pub system: String,
    pub tools: Vec<Spec>,
    size: u64,
}

impl Default for Context {
    fn default() -> Context {
        Context {
            prefix: None,
            sizes: Vec::new(),
            scale: 1.0,
            learned: None,
            seen: 0,
            told: BTreeMap::new(),
        }
    }
}

impl Context {
    /// Of a conversation that a model has seen before.
    pub fn resumed(entries: &[Entry]) -> Context {
        Context {
            seen: entries.len(),
            ..Context::default()
        }
    }

    /// Makes room if the next request needs it, and returns whether anything was shortened. Errors if even what can't
    /// be left out does not fit.
    pub async fn fit(&mut self, entries: &mut Vec<Entry>, kit: &Kit) -> Result<bool, AgentError> {
        // What is told once more after a compaction needs its room too.
        let standing = self.standing(kit).into_values().map(Entry::Note);
        let standing = standing.map(|note| tokens::of_entry(&note)).sum();
        let window = self.window(kit).saturating_sub(standing);
        let size = self.size(entries, kit);
        if size * 100 < window * SNIP_AT {
            return Ok(false);
        }
        let mut shortened = self.snip(entries, window, kit);
        if !shortened && size * 100 >= window * SUMMARIZE_AT {
            let room = window * RECENT / 100;
            shortened = self.summarize(entries, room, "", kit).await;
        }
        if self.size(entries, kit) * 100 >= window * COLLAPSE_AT {
            shortened |= self.collapse(entries, window, kit);
        }
        let size = self.size(entries, kit);
        if size > window {
            let (size, window) = (size + standing, window + standing);
            let (size, window) = (self.counted(size), self.counted(window));
            return Err(AgentError::TooLong { size, window });
        }
        Ok(shortened)
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
        let what = format!("{cut} old outputs cut short");
        is_worth_it && self.apply(entries, 0..by.len(), by, what, kit)
    }

    /// The second step: all but the newest `room` tokens become a summary with the user's `focus` in mind.
    pub async fn summarize(
        &mut self,
        entries: &mut Vec<Entry>,
        room: u64,
        focus: &str,
        kit: &Kit,
    ) -> bool {
        let start = summary::recent(entries, self.seen, room);
        let older = &entries[..start];
        if older.iter().all(|entry| matches!(entry, Entry::Summary(_))) {
            return false;
        }
        let window = self.window(kit);
        let (notes, how) = match self.notes(older, window, focus, kit).await {
            Ok(notes) => (notes, String::new()),
            Err(why) => {
                let extract = summary::extract(older, window * NOTES / 100);
                (extract, format!(" by an extract: {why}"))
            }
        };
        let what = format!("{start} entries summarized{how}");
        let summary = summary::summary(older, notes, window * WORDS / 100);
        self.apply(entries, 0..start, vec![Entry::Summary(summary)], what, kit)
    }

    /// The third step.
    fn collapse(&mut self, entries: &mut Vec<Entry>, window: u64, kit: &Kit) -> bool {
        let room = (window * COLLAPSE_AT / 100).saturating_sub(self.prefix(kit).size);
        let by = summary::collapse(entries, self.seen, room);
        let what = "all but the last entries left out".to_string();
        self.apply(entries, 0..entries.len(), by, what, kit)
    }

    /// The model's notes on older entries, asked for behind the unchanged prefix; or why they can't be used.
    async fn notes(
        &mut self,
        older: &[Entry],
        window: u64,
        focus: &str,
        kit: &Kit,
    ) -> Result<String, String> {
        kit.host.event(&kit.name, &Event::Compacting);
        let prefix = self.prefix(kit);
        let mut asked = older.to_vec();
        asked.push(Entry::Note(prompt::summarize(focus)));
        let size = tokens::of_entries(&asked);
        if prefix.size + size > window {
            return Err("it is too long to be read at once".to_string());
        }
        let request = Request {
            system: &prefix.system,
            tools: &prefix.tools,
            entries: &asked,
        };
        let mut deltas = kit.model.stream(request);
        let mut notes = String::new();
        while let Some(delta) = deltas.next().await {
            if let Delta::Done(reply) = delta.map_err(|error| error.to_string())? {
                kit.spend(reply.usage);
                notes = reply.text.trim().to_string();
            }
        }
        match tokens::of(&notes) {
            0 => Err("the model wrote none".to_string()),
            length if length >= size.min(window * NOTES / 100) => {
                Err("the model's is too long".to_string())
            }
            _ => Ok(notes),
        }
    }

    /// Puts `by` in place of `entries[at]`, and returns whether that changes anything.
    fn apply(
        &mut self,
        entries: &mut Vec<Entry>,
        at: Range<usize>,
        by: Vec<Entry>,
        what: String,
        kit: &Kit,
    ) -> bool {
        if entries[at.clone()] == by {
            return false;
        }
        let before = self.size(entries, kit);
        entries.splice(at.clone(), by.iter().cloned());
        self.seen = (self.seen + by.len()).saturating_sub(at.len());
        self.sizes.truncate(at.start);
        // The provider reads all of it anew, so whatever changed in front may change now.
        (self.prefix, self.told) = (None, BTreeMap::new());
        let after = self.size(entries, kit);
        let compaction = Compaction {
            before: self.counted(before),
            after: self.counted(after),
            what,
            at,
            by,
        };
        let event = Event::Compacted(&compaction);
        kit.host.event(&kit.name, &event);
        true
    }

    pub fn prefix(&mut self, kit: &Kit) -> Arc<Prefix> {
        let new = || {
            let system = prompt::system(kit);
            let tools: Vec<Spec> = kit.tools.iter().map(|tool| tool.spec()).collect();
            let size = tokens::of_prefix(&system, &tools);
            Arc::new(Prefix {
                system,
                tools,
                size,
            })
        };
        self.prefix.get_or_insert_with(new).clone()
    }

    /// What the model must know beside the conversation: the standing texts, and the tools that came late.
    fn standing(&mut self, kit: &Kit) -> BTreeMap<String, String> {
        let (mut standing, prefix) = (kit.standing.texts(), self.prefix(kit));
        for tool in kit.tools.iter().map(|tool| tool.spec()) {
            if !prefix.tools.iter().any(|known| known.name == tool.name) {
                standing.insert(format!("tool {}", tool.name), prompt::late_tool(&tool));
            }
        }
        standing
    }

    /// What of it has to be told, since it changed after the last request.
    pub fn news(&mut self, kit: &Kit) -> Vec<Entry> {
        let standing = self.standing(kit);
        let told = std::mem::replace(&mut self.told, standing);
        let news = self
            .told
            .iter()
            .filter(|(name, text)| told.get(*name) != Some(text));
        news.map(|(_, text)| Entry::Note(text.clone())).collect()
    }

    /// A reply came, so the model has seen these entries, and the provider may have counted them.
    pub fn replied(&mut self, entries: &[Entry], usage: Option<Usage>, kit: &Kit) {
        self.seen = entries.len();
        let own = self.size(entries, kit).max(1);
        let scale = usage.map_or(0.0, |usage| usage.prompt as f64 / own as f64);
        // Servers that leave out what they had cached, or forgot the beginning, count far too little.
        if scale > 0.5 {
            self.scale = scale.min(MISJUDGED);
        }
    }

    /// The provider found the conversation too long, so it is at least as long as the window.
    pub fn refused(&mut self, error: &ModelError, entries: &[Entry], kit: &Kit) {
        let own = self.size(entries, kit);
        let told = refusal::window(&error.message).unwrap_or(self.counted(own) * 3 / 4);
        // The same error once more means that it was understood wrong.
        let known = self.learned.unwrap_or(u64::MAX);
        let window = if told < known { told } else { known * 3 / 4 };
        self.learned = Some(window);
        self.scale = (self.scale.max(window as f64 / own.max(1) as f64)).min(MISJUDGED);
    }

    /// Tokens of the next request and of the window, as the provider counts them.
    pub fn sizes(&mut self, entries: &[Entry], kit: &Kit) -> (u64, u64) {
        let (size, window) = (self.size(entries, kit), self.window(kit));
        (self.counted(size), self.counted(window))
    }

    /// Another model counts otherwise, and has another window.
    pub fn forget_provider(&mut self) {
        (self.scale, self.learned) = (1.0, None);
    }

    /// Tokens of the next request, estimated.
    fn size(&mut self, entries: &[Entry], kit: &Kit) -> u64 {
        self.sizes.truncate(entries.len());
        let new = entries[self.sizes.len()..].iter().map(tokens::of_entry);
        self.sizes.extend(new);
        self.prefix(kit).size + self.sizes.iter().sum::<u64>()
    }

    /// The window in the same measure: the setting, else the model's, unless the provider said less.
    pub fn window(&self, kit: &Kit) -> u64 {
        let window = kit.window.or_else(|| kit.model.window()).unwrap_or(WINDOW);
        (window.min(self.learned.unwrap_or(u64::MAX)) as f64 / self.scale) as u64
    }

    /// An estimate as the provider would count it.
    fn counted(&self, estimate: u64) -> u64 {
        (estimate as f64 * self.scale).round() as u64
    }
}
