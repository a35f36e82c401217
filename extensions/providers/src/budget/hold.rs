//! Holding what a request can take, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use corecoder::{ErrorKind, ModelError};
use tokio::time::Instant;

use super::day::Receipt;
use super::ledger::Ledger;
use super::money::Nano;
use super::room::{Left, Need, Short};
use super::state::Sum;

impl Ledger {
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
            sent: None,
            is_open: true,
        }))
    }
}

/// What one request holds. If it falls before it is settled, what was sent counts in full, and what was not is free.
pub(super) struct Hold {
    ledger: Arc<Ledger>,
    sum: Sum,
    /// The longest reply that it pays for.
    pub max_tokens: u64,
    receipt: Option<Receipt>,
    /// From when on the request may be on its way.
    pub sent: Option<Instant>,
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
        let outcome = if self.sent.is_some_and(|sent| sent <= Instant::now()) {
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
