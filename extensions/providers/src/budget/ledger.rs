//! The book that all models of a program share: what was allowed, spent, and is held by requests under way.
//!
//! Before a request goes out, the most that it can take is held; once it is answered, what it took is spent and the rest
//! is free again. So the sum of what was spent and is held never passes a limit. What nobody knows the bill of, such as a
//! request that was cut off, is `unsure` and counts in full.
//!
//! Left out: what a request can take at most, which is [`super::Metered`]'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use corecoder::{ErrorKind, ModelError};
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::bound::Counts;
use super::day::{Day, Receipt};
use super::money::{self, Nano};
use super::room::{Left, Need, Short};

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
    state: Mutex<State>,
    pub(super) counts: Mutex<Counts>,
    /// Who is next to hold something. It is passed on in the order of asking, and kept while waiting, so that a large
    /// request is not starved by small ones.
    door: tokio::sync::Mutex<()>,
    /// Something was given back.
    freed: Notify,
    tickets: AtomicU64,
    ask: Mutex<Option<Arc<Ask>>>,
    day: Option<Day>,
}

#[derive(Default)]
struct State {
    limits: Limits,
    spent: Sum,
    unsure: Sum,
    reserved: Sum,
    /// How many requests hold something.
    holds: usize,
    unpriced: u64,
    /// Who came before this ticket was refused with whom the user was asked about.
    refused: u64,
    problem: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub nano: Nano,
    pub tokens: u64,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.nano = self.nano.saturating_add(other.nano);
        self.tokens = self.tokens.saturating_add(other.tokens);
    }

    fn subtract(&mut self, other: Sum) {
        self.nano = self.nano.saturating_sub(other.nano);
        self.tokens = self.tokens.saturating_sub(other.tokens);
    }
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
    fn raise(&mut self, other: Limits) -> bool {
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

    fn raise(&self, limits: Limits) -> bool {
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

    /// Holds the most that a request can take. Waits while others hold what it needs; errors if it does not fit.
    pub(super) async fn hold(self: &Arc<Self>, need: &Need<'_>) -> Result<Hold, ModelError> {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        let _door = self.door.lock().await;
        loop {
            let left = match self.try_hold(need).await? {
                Ok(hold) => return Ok(hold),
                Err(left) => left,
            };
            if left.is_held {
                self.freed.notified().await;
                continue;
            }
            let short = need.short(&left);
            if ticket < self.state.lock().refused || !self.is_raised(&short).await {
                return Err(ModelError::new(ErrorKind::Limit, short.advice()));
            }
        }
    }

    /// Asks the user for more.
    async fn is_raised(&self, short: &Short) -> bool {
        let ask = self.ask.lock().clone();
        let answer = match ask {
            Some(ask) => ask(short.clone()).await,
            None => None,
        };
        let is_raised = answer.is_some_and(|limits| self.raise(limits));
        if !is_raised {
            self.state.lock().refused = self.tickets.load(Ordering::Relaxed);
        }
        is_raised
    }

    /// Holds it, or says what is left.
    async fn try_hold(self: &Arc<Self>, need: &Need<'_>) -> Result<Result<Hold, Left>, ModelError> {
        let open = match &self.day {
            Some(day) => day.open().await.map(|open| Some((day.id(), open))),
            None => Ok(None),
        };
        let mut state = self.state.lock();
        let open = match open {
            Ok(open) => open,
            Err(error) => {
                state.day_failed(&error)?;
                None
            }
        };
        let left = state.left(open.as_ref().map(|(_, open)| open.total()));
        let Some(max_tokens) = need.fit(&left) else {
            return Ok(Err(left));
        };
        let sum = Sum {
            nano: need.cost(max_tokens),
            tokens: need.tokens(max_tokens),
        };
        let receipt = match open.map(|(id, open)| open.hold(id, sum.nano)).transpose() {
            Ok(receipt) => receipt,
            Err(error) => {
                state.day_failed(&error)?;
                None
            }
        };
        state.reserved.add(sum);
        state.holds += 1;
        Ok(Ok(Hold {
            ledger: self.clone(),
            sum,
            max_tokens,
            receipt,
            is_sent: false,
            is_open: true,
        }))
    }
}

impl State {
    /// The day's file can't be used. Errors if a limit depends on it.
    fn day_failed(&mut self, error: &std::io::Error) -> Result<(), ModelError> {
        let problem = format!("what is spent today can't be kept: {error}");
        self.problem = Some(problem.clone());
        match self.limits.day {
            Some(_) => Err(ModelError::new(
                ErrorKind::Limit,
                format!(
                    "{problem}; so the limit of the day can't be held: mend that, or take the limit away"
                ),
            )),
            None => Ok(()),
        }
    }

    fn left(&self, today: Option<Nano>) -> Left {
        let sums = [self.spent, self.unsure, self.reserved];
        let taken = sums.into_iter().fold(Sum::default(), |mut sum, part| {
            sum.add(part);
            sum
        });
        let rest = |limit: Option<f64>, taken: Nano| {
            let allowed = money::down(limit?);
            Some((allowed, allowed.saturating_sub(taken)))
        };
        let tokens = self.limits.tokens;
        Left {
            session: rest(self.limits.session, taken.nano),
            day: rest(self.limits.day, today.unwrap_or(0)),
            tokens: tokens.map(|allowed| (allowed, allowed.saturating_sub(taken.tokens))),
            is_held: self.holds > 0,
        }
    }
}

/// What one request holds. If it falls before it is settled, what was sent counts in full, and what was not is free.
pub(super) struct Hold {
    ledger: Arc<Ledger>,
    sum: Sum,
    /// The longest reply that it pays for.
    pub max_tokens: u64,
    receipt: Option<Receipt>,
    pub is_sent: bool,
    is_open: bool,
}

/// What became of a request.
pub(super) enum Outcome {
    /// It cost this; the tokens are `None` if nobody counted them.
    Paid { nano: Nano, tokens: Option<u64> },
    /// It took tokens at a price that is not known.
    Unpriced { tokens: u64 },
    /// It may have cost all that it held.
    Unsure,
    /// It cost nothing.
    Free,
}

impl Hold {
    /// Closes the hold. What the day's file can't be told stays held there.
    pub async fn settle(mut self, outcome: Outcome) {
        let paid = self.close(&outcome);
        if let (Some(day), Some(receipt), Some(paid)) = (&self.ledger.day, &self.receipt, paid) {
            if let Err(error) = day.pay(receipt, paid).await {
                let problem = format!("what is spent today can't be kept: {error}");
                self.ledger.state.lock().problem = Some(problem);
            }
            self.ledger.freed.notify_one();
        }
    }

    /// Moves what was held to where it belongs; returns what the day's file is to be told, if anything.
    fn close(&mut self, outcome: &Outcome) -> Option<Nano> {
        self.is_open = false;
        let mut state = self.ledger.state.lock();
        state.reserved.subtract(self.sum);
        state.holds -= 1;
        let (nano, tokens) = (self.sum.nano, self.sum.tokens);
        let paid = match *outcome {
            Outcome::Paid {
                nano,
                tokens: count,
            } => {
                let spent = count.unwrap_or(0);
                state.spent.add(Sum {
                    nano,
                    tokens: spent,
                });
                let unsure = if count.is_none() { tokens } else { 0 };
                state.unsure.add(Sum {
                    nano: 0,
                    tokens: unsure,
                });
                Some(nano)
            }
            Outcome::Unpriced { tokens } => {
                state.spent.add(Sum { nano: 0, tokens });
                state.unpriced += 1;
                Some(0)
            }
            Outcome::Unsure => {
                state.unsure.add(Sum { nano, tokens });
                None
            }
            Outcome::Free => Some(0),
        };
        drop(state);
        self.ledger.freed.notify_one();
        paid
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if !self.is_open {
            return;
        }
        let outcome = if self.is_sent {
            Outcome::Unsure
        } else {
            Outcome::Free
        };
        let paid = self.close(&outcome);
        if let (Some(day), Some(receipt), Some(_)) = (&self.ledger.day, &self.receipt, paid) {
            day.release(receipt);
            self.ledger.freed.notify_one();
        }
    }
}
