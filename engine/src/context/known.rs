//! What an agent knows of its conversation: how large it is, what the model has seen, and what it was told.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::context::size::Size;
use crate::context::{Compaction, Prefix, tokens};
use crate::conversation::{Entry, Usage};
use crate::host::Event;
use crate::kit::Kit;
use crate::model::ModelError;

/// What an agent knows of the size of its conversation, and what it has told the model beside it.
#[derive(Default)]
pub struct Context {
    prefix: Option<Arc<Prefix>>,
    pub(super) size: Size,
    /// How many entries the model has been sent.
    pub(super) seen: usize,
    /// The standing texts, by name, as they were told last.
    told: BTreeMap<String, String>,
}

impl Context {
    /// Of a conversation that a model has seen before.
    pub fn resumed(entries: &[Entry]) -> Context {
        let seen = entries.len();
        Context {
            seen,
            ..Context::default()
        }
    }

    /// Puts `by` in place of `entries[at]` if that is shorter, and returns whether it is.
    pub(super) fn apply(
        &mut self,
        entries: &mut Vec<Entry>,
        mut at: Range<usize>,
        mut by: Vec<Entry>,
        what: String,
        kit: &Kit,
    ) -> bool {
        if tokens::of_entries(&by) >= tokens::of_entries(&entries[at.clone()]) {
            return false;
        }
        let before = self.counted(entries, kit);
        // What is as it was is neither stored again nor estimated again.
        let pairs = entries[at.clone()].iter().zip(&by);
        let same = pairs.take_while(|(old, new)| old == new).count();
        at.start += same;
        by.drain(..same);
        entries.splice(at.clone(), by.iter().cloned());
        self.seen = (self.seen + by.len()).saturating_sub(at.len());
        self.size.forget(at.start);
        // The provider reads all of it anew, so whatever changed in front may change now.
        (self.prefix, self.told) = (None, BTreeMap::new());
        let after = self.counted(entries, kit);
        let compaction = Compaction {
            before,
            after,
            what,
            at,
            by,
        };
        kit.tell(Event::Compacted(&compaction));
        true
    }

    /// What stands before the first entry, from the first request on.
    pub fn prefix(&mut self, kit: &Kit) -> Arc<Prefix> {
        let prefix = self.prefix.get_or_insert_with(|| Arc::new(Prefix::of(kit)));
        prefix.clone()
    }

    /// What has to be told since the last request.
    pub(crate) fn news(&mut self, kit: &Kit) -> Vec<Entry> {
        let standing = self.prefix(kit).standing(kit);
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
        let size = self.size(entries, kit);
        self.size.replied(size, usage);
    }

    /// The provider found a request with these entries too long.
    pub(crate) fn refused(&mut self, error: &ModelError, entries: &[Entry], kit: &Kit) {
        let size = self.size(entries, kit);
        self.size.refused(size, error);
    }

    /// Another model counts otherwise, and has another window.
    pub(crate) fn forget_provider(&mut self) {
        self.size = Size::default();
    }

    pub(super) fn size(&mut self, entries: &[Entry], kit: &Kit) -> u64 {
        // A look at the size sends nothing, so what stands in front may still change.
        let prefix = self.prefix.clone();
        let prefix = prefix.unwrap_or_else(|| Arc::new(Prefix::of(kit)));
        self.size.of(entries, &prefix)
    }

    /// Tokens of the next request, as the provider would count them.
    pub fn counted(&mut self, entries: &[Entry], kit: &Kit) -> u64 {
        let size = self.size(entries, kit);
        self.size.counted(size)
    }

    /// The window, as the provider counts.
    pub fn window(&self, kit: &Kit) -> u64 {
        self.size.limit(kit)
    }
}
