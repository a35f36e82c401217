//! One request's way from model to model: whose failure is borne, who is next, what is told.

use std::time::Duration;

use corecoder::{Delta, ErrorKind, ModelError};

use super::verdict;

/// Retries after a rate limit that are awaited before the next model is asked.
const SHORT_RETRIES: u32 = 2;
/// A longer wait is not awaited.
const SHORT_WAIT: Duration = Duration::from_secs(10);

/// Where a request stands.
pub(super) struct Walk {
    /// The model that is asked now.
    pub at: usize,
    /// The version of the choice that this request began with.
    pub version: u64,
    names: Vec<String>,
    /// The error of each model that has failed.
    failures: Vec<Option<ModelError>>,
    /// The model that the listener takes the deltas for.
    told: usize,
    stage: Stage,
    /// Rate limits of the present model so far.
    limits: u32,
    /// Whether deltas were passed on since the last restart.
    said: bool,
}

/// What the failure of the present model means.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// The first model is tried again while another one is at hand: whatever it is, that one answers.
    Probe,
    /// The model that the request was meant for: what is wrong with the request is said.
    Meant,
    /// One that stands in: the next may do better.
    StandIn,
    /// All have failed once, and this one is asked with its full patience.
    Last,
}

impl Walk {
    pub fn new(names: Vec<String>, present: usize, version: u64, is_probe: bool) -> Walk {
        let stage = match names.len() {
            0 | 1 => Stage::Last,
            _ if is_probe => Stage::Probe,
            _ => Stage::Meant,
        };
        Walk {
            at: if is_probe { 0 } else { present },
            version,
            failures: vec![None; names.len()],
            names,
            told: present,
            stage,
            limits: 0,
            said: false,
        }
    }

    pub fn has_failed(&self, at: usize) -> bool {
        self.failures.get(at).is_some_and(Option::is_some)
    }

    /// Whether the present model may try again by itself after `wait`, as it has announced.
    pub fn bears(&mut self, error: &ModelError, wait: Duration) -> bool {
        match error.kind {
            _ if self.stage == Stage::Last => true,
            ErrorKind::RateLimit => {
                self.limits += 1;
                let is_short = self.limits <= SHORT_RETRIES && wait <= SHORT_WAIT;
                self.stage != Stage::Probe && is_short
            }
            // A part of the request that is left out from now on, or a slip in a call: the model is well.
            kind => !kind.passes(),
        }
    }

    /// What is told before the first model's first word, once it answers again.
    pub fn comes_back(&mut self) -> Option<Delta> {
        if self.stage != Stage::Probe || self.told == self.at {
            return None;
        }
        let message = format!("{} answers again", self.names[self.at]);
        Some(self.restart(ModelError::new(ErrorKind::Other, message)))
    }

    /// A delta is passed on. A reply is told whose it is, if its model left that open.
    pub fn has_said(&mut self, delta: &mut Delta) {
        match delta {
            Delta::Restart { .. } => self.said = false,
            Delta::Done(reply) if reply.model.is_empty() => {
                reply.model.clone_from(&self.names[self.at]);
            }
            _ => self.said = true,
        }
    }

    /// Goes to the next model after a failure, `present` being the one that is chosen by now. What is to be told
    /// first comes out; errors if the request ends here.
    pub fn goes_on(
        &mut self,
        error: ModelError,
        present: usize,
    ) -> Result<Option<Delta>, ModelError> {
        let is_end = match self.stage {
            // What the user does not want spent is not spent elsewhere.
            _ if self.names.len() < 2 || error.kind == ErrorKind::Limit => true,
            Stage::Meant => !verdict::switches(&error, self.at == 0),
            Stage::Probe | Stage::StandIn | Stage::Last => false,
        };
        if is_end {
            return Err(error);
        }
        self.failures[self.at] = Some(error.clone());
        if self.stage == Stage::Last {
            return Err(self.sum());
        }
        let mut untried = (0..self.names.len()).filter(|at| !self.has_failed(*at));
        let next = match self.has_failed(present) {
            false => Some(present),
            true => untried.next(),
        };
        (self.at, self.stage) = match next {
            Some(next) if self.stage == Stage::Probe => (next, Stage::Meant),
            Some(next) => (next, Stage::StandIn),
            None => (
                self.one_that_may_pass().ok_or_else(|| self.sum())?,
                Stage::Last,
            ),
        };
        self.limits = 0;
        let is_news = self.said || self.told != self.at;
        Ok(is_news.then(|| self.restart(error)))
    }

    fn one_that_may_pass(&self) -> Option<usize> {
        let passes = |failure: &Option<ModelError>| {
            failure.as_ref().is_some_and(|error| error.kind.passes())
        };
        self.failures.iter().position(passes)
    }

    /// Voids what was said, and tells who goes on.
    fn restart(&mut self, error: ModelError) -> Delta {
        let is_other = self.told != self.at;
        (self.told, self.said) = (self.at, false);
        Delta::Restart {
            error,
            wait: Duration::ZERO,
            model: is_other.then(|| self.names[self.at].clone()),
        }
    }

    /// Each model with its reason. A conversation that was too long for one of them may be made shorter.
    fn sum(&self) -> ModelError {
        let failed = || self.failures.iter().zip(&self.names);
        let failed = || failed().filter_map(|(error, name)| Some((error.as_ref()?, name)));
        let is_too_long = failed().any(|(error, _)| error.kind == ErrorKind::ContextTooLong);
        let kind = match failed().next() {
            _ if is_too_long => ErrorKind::ContextTooLong,
            Some((error, _)) => error.kind,
            None => ErrorKind::Other,
        };
        let reasons: Vec<String> = failed()
            .map(|(error, name)| format!("{name}: {error}"))
            .collect();
        ModelError::new(kind, format!("no model answers. {}", reasons.join("; ")))
    }
}
