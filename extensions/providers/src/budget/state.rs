//! What a ledger adds up, without any waiting.

use corecoder::{ErrorKind, ModelError};

use super::ledger::Limits;
use super::money::{self, Nano};
use super::room::Left;

#[derive(Default)]
pub(super) struct State {
    pub limits: Limits,
    pub spent: Sum,
    pub unsure: Sum,
    pub reserved: Sum,
    /// How many requests hold something.
    pub holds: usize,
    pub unpriced: u64,
    /// Who came before this ticket was refused with whom the user was asked about.
    pub refused: u64,
    pub problem: Option<String>,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    pub nano: Nano,
    pub tokens: u64,
}

impl Sum {
    pub fn add(&mut self, other: Sum) {
        self.nano = self.nano.saturating_add(other.nano);
        self.tokens = self.tokens.saturating_add(other.tokens);
    }

    pub fn subtract(&mut self, other: Sum) {
        self.nano = self.nano.saturating_sub(other.nano);
        self.tokens = self.tokens.saturating_sub(other.tokens);
    }
}

impl State {
    /// The day's file can't be used. Errors if a limit depends on it.
    pub fn day_failed(&mut self, error: &std::io::Error) -> Result<(), ModelError> {
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

    pub fn left(&self, today: Option<Nano>) -> Left {
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
