//! How large a conversation is, and how large it may be: estimates, corrected by what the provider says.

use crate::context::prefix::Prefix;
use crate::context::tokens;
use crate::conversation::{Entry, Usage};
use crate::kit::Kit;
use crate::model::ModelError;
use crate::wire::refusal;

/// Tokens of the window of a model that does not tell it.
const WINDOW: u64 = 128_000;
/// How many times too small an estimate may be at most; what seems to be more has another cause.
const MISJUDGED: f64 = 4.0;

/// All numbers are estimates of [`tokens`], unless they are said to be counted.
pub(super) struct Size {
    /// The size of each entry, as far as it was asked for.
    entries: Vec<u64>,
    /// How many tokens of the provider one of an estimate is: 1 until a reply brings a count.
    scale: f64,
    /// The window as the provider told it in an error, counted.
    learned: Option<u64>,
}

impl Default for Size {
    fn default() -> Size {
        Size {
            entries: Vec::new(),
            scale: 1.0,
            learned: None,
        }
    }
}

impl Size {
    /// The size of a request with these entries.
    pub fn of(&mut self, entries: &[Entry], prefix: &Prefix) -> u64 {
        self.entries.truncate(entries.len());
        let new = entries[self.entries.len()..].iter().map(tokens::of_entry);
        self.entries.extend(new);
        prefix.size + self.entries.iter().sum::<u64>()
    }

    /// The entries from here on have changed.
    pub fn forget(&mut self, from: usize) {
        self.entries.truncate(from);
    }

    /// The window, counted: the setting, else the model's, unless the provider said less.
    pub fn limit(&self, kit: &Kit) -> u64 {
        let window = kit.window.or_else(|| kit.model.window()).unwrap_or(WINDOW);
        window.min(self.learned.unwrap_or(u64::MAX))
    }

    /// The window.
    pub fn window(&self, kit: &Kit) -> u64 {
        (self.limit(kit) as f64 / self.scale) as u64
    }

    pub fn window_is_a_guess(&self, kit: &Kit) -> bool {
        let known = kit.window.or_else(|| kit.model.window());
        known.or(self.learned).is_none()
    }

    /// An estimate as the provider would count it.
    pub fn counted(&self, estimate: u64) -> u64 {
        (estimate as f64 * self.scale).round() as u64
    }

    /// The provider may have counted a request of this size.
    pub fn replied(&mut self, size: u64, usage: Option<Usage>) {
        let scale = usage.map_or(0.0, |usage| usage.prompt as f64 / size.max(1) as f64);
        // Servers that leave out what they had cached, or forgot the beginning, count far too little.
        if scale > 0.5 {
            self.scale = scale.min(MISJUDGED);
        }
    }

    /// The provider found a request of this size too long, so it is at least as long as the window.
    pub fn refused(&mut self, size: u64, error: &ModelError) {
        let told = refusal::window(&error.message).unwrap_or(self.counted(size) * 3 / 4);
        // The same error once more means that it was understood wrong.
        let known = self.learned.unwrap_or(u64::MAX);
        let window = if told < known { told } else { known * 3 / 4 };
        self.learned = Some(window);
        let scale = window as f64 / size.max(1) as f64;
        self.scale = self.scale.max(scale).min(MISJUDGED);
    }
}
