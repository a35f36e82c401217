//! The book that all models of a program share: what was allowed, spent, and is held by requests under way.
//!
//! Before a request goes out, the most that it can take is held; once it is answered, what it took is spent and the rest
//! is free again. So the sum of what was spent and is held never passes a limit. What nobody knows the bill of, such as a
//! request that was cut off, is `unsure` and counts in full.
//!
//! Left out: what a request can take at most, which is [`super::Metered`]'s.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::bound::Counts;
use super::day::Day;
use super::money;
use super::room::Short;
use super::state::{State, Sum};

/// What may be spent. `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Dollars for the session.
    pub session: Option<f64>,
    /// Dollars for the day, of all programs together.
    pub day: Option<f64>,
    /// Tokens for the session, those of requests and replies together.
    pub tokens: Option<u64>,
}

/// What the ledger tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub limits: Limits,
    /// Dollars: what replies are known to have cost; what requests may have cost whose bill nobody told; what those under
    /// way hold.
    pub spent: f64,
    pub unsure: f64,
    pub reserved: f64,
    /// Tokens, likewise.
    pub spent_tokens: u64,
    pub unsure_tokens: u64,
    pub reserved_tokens: u64,
    /// Replies whose price is not known; they are not in `spent`.
    pub unpriced: u64,
    /// What was wrong with the day's file last.
    pub problem: Option<String>,
}

/// Asked when a request does not fit: what is short, and the answer, new limits or none.
pub type Ask = dyn Fn(Short) -> BoxFuture<'static, Option<Limits>> + Send + Sync;

/// What is allowed, spent and held. Shared by all models of a program.
pub struct Ledger {
    pub(super) state: Mutex<State>,
    pub(super) counts: Mutex<Counts>,
    /// Who is next to hold something. It is passed on in the order of asking, and kept while waiting, so that a large
    /// request is not starved by small ones.
    pub(super) door: tokio::sync::Mutex<()>,
    /// Something was given back.
    pub(super) freed: Notify,
    pub(super) tickets: AtomicU64,
    pub(super) ask: Mutex<Option<Arc<Ask>>>,
    pub(super) day: Option<Day>,
}

impl Limits {
    /// Whether dollars are limited.
    pub fn has_dollars(&self) -> bool {
        self.session.is_some() || self.day.is_some()
    }

    /// Whether anything is limited.
    pub fn has_any(&self) -> bool {
        self.has_dollars() || self.tokens.is_some()
    }

    /// The higher of both where both are set; returns whether that is more than before.
    pub(super) fn raise(&mut self, other: Limits) -> bool {
        let before = *self;
        let higher = |own: Option<f64>, other: Option<f64>| Some(own?.max(other.unwrap_or(0.0)));
        self.session = higher(self.session, other.session);
        self.day = higher(self.day, other.day);
        self.tokens = self.tokens.map(|own| own.max(other.tokens.unwrap_or(0)));
        *self != before
    }
}

impl Ledger {
    /// `day` is where what is spent in a day is kept; without it a limit of the day is not held.
    pub fn new(limits: Limits, day: Option<Day>) -> Ledger {
        let state = State {
            limits,
            ..State::default()
        };
        Ledger {
            state: Mutex::new(state),
            counts: Mutex::default(),
            door: tokio::sync::Mutex::default(),
            freed: Notify::new(),
            tickets: AtomicU64::new(0),
            ask: Mutex::default(),
            day,
        }
    }

    /// From now on, `ask` is asked before a request is refused: one question at a time. A no holds for all who waited
    /// for it; after new limits everybody tries again.
    pub fn on_short(&self, ask: Arc<Ask>) {
        *self.ask.lock() = Some(ask);
    }

    /// The session has spent this already, in dollars and tokens: it is gone on with.
    pub fn begin(&self, dollars: f64, tokens: u64) {
        let mut state = self.state.lock();
        let nano = money::up(dollars);
        (state.spent, state.unsure) = (Sum { nano, tokens }, Sum::default());
        state.unpriced = 0;
    }

    /// A new session. What requests under way hold is spent in it.
    pub fn reset(&self) {
        self.begin(0.0, 0);
    }

    /// Other limits from now on.
    pub fn limit(&self, limits: Limits) {
        self.state.lock().limits = limits;
        self.freed.notify_one();
    }

    /// Raises the session's limit to so many dollars. What is not limited, or higher, stays so.
    pub fn raise_cost(&self, dollars: f64) {
        self.raise(Limits {
            session: Some(dollars),
            ..Limits::default()
        });
    }

    /// Raises the day's limit to so many dollars, likewise.
    pub fn raise_day(&self, dollars: f64) {
        self.raise(Limits {
            day: Some(dollars),
            ..Limits::default()
        });
    }

    /// Raises the session's limit to so many tokens, likewise.
    pub fn raise_tokens(&self, tokens: u64) {
        self.raise(Limits {
            tokens: Some(tokens),
            ..Limits::default()
        });
    }

    pub(super) fn raise(&self, limits: Limits) -> bool {
        let is_more = self.state.lock().limits.raise(limits);
        self.freed.notify_one();
        is_more
    }

    pub fn limits(&self) -> Limits {
        self.state.lock().limits
    }

    pub fn figures(&self) -> Figures {
        let state = self.state.lock();
        Figures {
            limits: state.limits,
            spent: money::dollars(state.spent.nano),
            unsure: money::dollars(state.unsure.nano),
            reserved: money::dollars(state.reserved.nano),
            spent_tokens: state.spent.tokens,
            unsure_tokens: state.unsure.tokens,
            reserved_tokens: state.reserved.tokens,
            unpriced: state.unpriced,
            problem: state.problem.clone(),
        }
    }

    /// The dollars that all programs spent today or hold; `None` if no folder for days was given. Errors if the day's
    /// file can't be read.
    pub async fn today(&self) -> Option<Result<f64, String>> {
        let total = self.day.as_ref()?.total().await;
        Some(total.map(money::dollars).map_err(|error| error.to_string()))
    }
}
