//! Budgets: no run costs more than it was allowed to.
//!
//! [`Metered`] is a `Model` around another one. It holds in the [`Ledger`] the most that a request can cost, with a reply
//! cut to what can be paid, and sends it only then. What a reply took is settled when it is there; an attempt that broke
//! off may have been billed, so all of it stays counted.
//!
//! Left out: other models where one is too dear, which wrap this.

mod bound;
mod day;
mod hold;
mod ledger;
mod money;
mod print;
mod room;
mod state;

use std::sync::Arc;

use corecoder::{Delta, Deltas, ErrorKind, Model, ModelError, Reply, Request};
use futures::StreamExt;
use tokio::time::Instant;

pub use day::Day;
pub use ledger::{Ask, Figures, Ledger, Limits};
pub(crate) use money::count;
pub use room::{Limit, Short};

use crate::prices::Price;
use hold::{Hold, Outcome};
use room::Need;

/// The longest reply of a model that nobody says it of, in tokens.
const LONGEST_REPLY: u64 = 32_000;
/// A request that seems to fill the window may still leave room for this: its size is only bounded.
const SHORTEST_CAP: u64 = 4_096;

/// A model whose requests are paid from a ledger. It belongs around one model, not around a choice of several.
pub struct Metered {
    model: Arc<dyn Model>,
    price: Option<Price>,
    /// The user's own limit for each reply, in tokens.
    max_tokens: Option<u64>,
    ledger: Arc<Ledger>,
}

/// A request under way.
struct Begun {
    /// Tokens, at most.
    prompt: u64,
    /// Its fingerprint.
    print: u64,
}

impl Metered {
    /// `price` is what the model costs, if that is known; `max_tokens` is what the model itself is set to ask for, if the
    /// user said so. A model on the user's own machine has [`Price::free`].
    pub fn new(
        model: Arc<dyn Model>,
        price: Option<Price>,
        max_tokens: Option<u64>,
        ledger: Arc<Ledger>,
    ) -> Metered {
        Metered {
            model,
            price,
            max_tokens,
            ledger,
        }
    }

    /// Errors if the request can't be paid, or nobody knows what it costs.
    fn check(&self) -> Result<(), ModelError> {
        if self.price.is_some() || !self.ledger.limits().has_dollars() {
            return Ok(());
        }
        let message = format!(
            "no price is known for {}; set it in settings under \"prices\", or use --max-tokens-total",
            self.name()
        );
        Err(ModelError::new(ErrorKind::BadRequest, message))
    }

    /// Holds what the request can take and cuts its reply to that. Without any limit it is passed on as it is.
    async fn begin<'a>(
        &self,
        mut request: Request<'a>,
    ) -> Result<(Hold, Request<'a>, Begun), ModelError> {
        self.check()?;
        let prints = bound::prints(self.name(), &request);
        let prompt = self
            .ledger
            .counts
            .lock()
            .bound(self.name(), &prints, &request);
        let need = self.need(prompt, self.wanted(&request, prompt), false);
        let mut hold = self.ledger.hold(&need).await?;
        if self.ledger.limits().has_any() {
            request.max_tokens = Some(hold.max_tokens);
        }
        hold.sent = Some(Instant::now());
        let print = prints.last().copied().unwrap_or_default();
        Ok((hold, request, Begun { prompt, print }))
    }

    /// The longest reply, if nothing is short. Servers refuse a length that their window does not hold beside the request.
    fn wanted(&self, request: &Request<'_>, prompt: u64) -> u64 {
        let known = self.price.as_ref().and_then(|price| price.max_tokens);
        let mut cap = known.unwrap_or(LONGEST_REPLY);
        if let Some(window) = self.window() {
            cap = cap.min(window.saturating_sub(prompt).max(SHORTEST_CAP));
        }
        let own = self.max_tokens.into_iter().chain(request.max_tokens);
        own.fold(cap, u64::min)
    }

    fn need(&self, prompt: u64, wanted: u64, is_fixed: bool) -> Need<'_> {
        Need {
            price: self.price.as_ref(),
            prompt,
            wanted,
            is_fixed,
        }
    }

    /// What a complete reply took. The provider's own word on the cost comes first.
    fn outcome(&self, reply: &mut Reply) -> Outcome {
        if reply.model.is_empty() {
            reply.model = self.name().to_string();
        }
        let counted = |usage: &corecoder::Usage| usage.prompt > 0 || usage.completion > 0;
        let usage = reply.usage.filter(counted);
        let tokens = usage.map(|usage| usage.prompt.saturating_add(usage.completion));
        let told = reply.cost.filter(|cost| cost.is_finite() && *cost >= 0.0);
        let priced = self.price.as_ref().zip(usage);
        reply.cost = told.or_else(|| priced.map(|(price, usage)| price.cost(&usage)));
        match (reply.cost, tokens) {
            (Some(cost), tokens) => Outcome::Paid {
                nano: money::up(cost),
                tokens,
            },
            (None, Some(tokens)) => Outcome::Unpriced { tokens },
            (None, None) => Outcome::Unsure,
        }
    }

    /// What became of an attempt that failed, after it had said something or not.
    fn failed(error: &ModelError, said: bool) -> Outcome {
        // Nobody was reached, so nobody bills; as in the engine's `retry`.
        let unreached = ["Connection refused", "dns error", "(Connect)"];
        let is_unreached = unreached.iter().any(|words| error.message.contains(words));
        let is_refused = !matches!(error.kind, ErrorKind::Network | ErrorKind::Other);
        match !said && (is_unreached || is_refused) {
            true => Outcome::Free,
            false => Outcome::Unsure,
        }
    }

    /// Holds the same again for another attempt; one that cost nothing hands on what it held.
    async fn again(
        &self,
        mut hold: Hold,
        outcome: Outcome,
        prompt: u64,
    ) -> Result<Hold, ModelError> {
        if matches!(outcome, Outcome::Free) {
            hold.sent = None;
            return Ok(hold);
        }
        let wanted = hold.max_tokens;
        hold.settle(outcome).await;
        self.ledger.hold(&self.need(prompt, wanted, true)).await
    }

    /// Another model than the one whose price is held would be asked.
    fn check_same(&self, model: Option<&str>) -> Result<(), ModelError> {
        match model {
            Some(other) if other != self.name() && self.ledger.limits().has_any() => {
                let message = format!(
                    "{other} is asked now, whose price is not held; limit each model by itself"
                );
                Err(ModelError::new(ErrorKind::BadRequest, message))
            }
            _ => Ok(()),
        }
    }
}

impl Model for Metered {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        async_stream::try_stream! {
            let (mut hold, request, begun) = self.begin(request).await?;
            let mut deltas = self.model.stream(request);
            let mut said = false;
            while let Some(delta) = deltas.next().await {
                match delta {
                    Err(error) => {
                        hold.settle(Self::failed(&error, said)).await;
                        Err(error)?;
                        return;
                    }
                    Ok(Delta::Restart { error, wait, model }) => {
                        let outcome = Self::failed(&error, said);
                        hold = self.again(hold, outcome, begun.prompt).await?;
                        self.check_same(model.as_deref())?;
                        said = false;
                        yield Delta::Restart { error, wait, model };
                        // It is asked again behind the wait, if anybody still listens.
                        hold.sent = Some(Instant::now() + wait);
                    }
                    Ok(Delta::Done(mut reply)) => {
                        let outcome = self.outcome(&mut reply);
                        if let Some(usage) = &reply.usage {
                            self.ledger.counts.lock().learn(begun.print, usage, &reply);
                        }
                        hold.settle(outcome).await;
                        yield Delta::Done(reply);
                        return;
                    }
                    Ok(delta) => {
                        said = true;
                        yield delta;
                    }
                }
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        self.model.name()
    }

    fn window(&self) -> Option<u64> {
        self.model.window()
    }
}
