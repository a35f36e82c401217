//! What a request needs, what is left, and how long its reply may therefore be.

use super::money::{self, Nano, count};
use crate::prices::Price;

/// A shorter reply than this is not worth its request.
const LEAST: u64 = 256;
/// A reply that most work gets by with: where there is less because others hold it, a request waits; where there is
/// twice as much, half is left to others.
const AMPLE: u64 = 8_192;
/// What the words for the user reckon with: a usual reply.
const USUAL: u64 = 4_096;

/// What one request may take.
pub(super) struct Need<'a> {
    pub price: Option<&'a Price>,
    /// Tokens of the request, at most.
    pub prompt: u64,
    /// Tokens of the reply, at most, if nothing is short.
    pub wanted: u64,
    /// Whether the reply's length is settled: the request is already made and is asked again.
    pub is_fixed: bool,
}

/// Which limit is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Dollars of the session.
    Session,
    /// Dollars of the day.
    Day,
    /// Tokens of the session.
    Tokens,
}

/// What is left of each limit that is set: billionths of a dollar, or tokens.
pub(super) struct Left {
    pub session: Option<(Nano, Nano)>,
    pub day: Option<(Nano, Nano)>,
    pub tokens: Option<(u64, u64)>,
    /// Whether requests under way hold a part that they may give back.
    pub is_held: bool,
}

/// A request that does not fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Short {
    pub limit: Limit,
    /// The limit, what is left of it, and what the request may take with a reply of usual length: in dollars or tokens.
    pub allowed: f64,
    pub left: f64,
    pub needed: f64,
    /// All of it in words, without what to do.
    pub words: String,
}

impl Need<'_> {
    /// The most that the request costs with a reply of so many tokens.
    pub fn cost(&self, completion: u64) -> Nano {
        let at_most = |price: &Price| price.at_most(self.prompt, completion);
        // Sums of floats may differ in their last digit; one billionth covers that.
        match self.price.map_or(0.0, at_most) {
            0.0 => 0,
            dollars => money::up(dollars).saturating_add(1),
        }
    }

    pub fn tokens(&self, completion: u64) -> u64 {
        self.prompt.saturating_add(completion)
    }

    /// How long the reply may be; `None` if the request does not fit.
    pub fn fit(&self, left: &Left) -> Option<u64> {
        let affordable = self.affordable(left)?;
        if affordable >= self.wanted {
            return Some(self.wanted);
        }
        let ample = if left.is_held { AMPLE } else { LEAST };
        if self.is_fixed || affordable < ample.min(self.wanted) {
            return None;
        }
        let half = affordable / 2;
        Some(if half >= AMPLE { half } else { affordable })
    }

    /// The longest reply that everything left pays for, up to what is wanted.
    fn affordable(&self, left: &Left) -> Option<u64> {
        let mut most = self.wanted;
        if let Some((_, tokens)) = left.tokens {
            most = most.min(tokens.checked_sub(self.prompt)?);
        }
        let dollars = left.session.into_iter().chain(left.day);
        let Some(nano) = dollars.map(|(_, nano)| nano).min() else {
            return Some(most);
        };
        if self.cost(0) > nano {
            return None;
        }
        if let Some(price) = self.price {
            let (input, output) = price.dearest(self.prompt);
            // Less what rounding may add, so that the loop below has next to nothing to do.
            let rest = money::dollars(nano.saturating_sub(4)) * 1e6 - self.prompt as f64 * input;
            if output > 0.0 {
                most = most.min((rest / output) as u64);
            }
        }
        while most > 0 && self.cost(most) > nano {
            most -= 1;
        }
        Some(most)
    }

    /// Which limit is short, and by how much.
    pub fn short(&self, left: &Left) -> Short {
        let reply = if self.is_fixed {
            self.wanted
        } else {
            self.wanted.min(USUAL)
        };
        let cost = self.cost(reply);
        let dollars = [(Limit::Session, left.session), (Limit::Day, left.day)];
        let mut dollars = dollars.into_iter();
        let tightest = |(limit, left): (Limit, Option<(Nano, Nano)>)| {
            let (allowed, left) = left?;
            (left < cost).then_some((limit, allowed, left))
        };
        if let Some((limit, allowed, left)) = dollars.find_map(tightest) {
            return Short {
                limit,
                allowed: money::dollars(allowed),
                left: money::dollars(left),
                needed: money::dollars(cost),
                words: self.dollar_words(limit, allowed, left, reply),
            };
        }
        let (allowed, left) = left.tokens.unwrap_or_default();
        let words = format!(
            "the limit of {} tokens leaves {}, and the next request may take up to {} ({} in, up to {} out)",
            count(allowed),
            count(left),
            count(self.tokens(reply)),
            count(self.prompt),
            count(reply)
        );
        Short {
            limit: Limit::Tokens,
            allowed: allowed as f64,
            left: left as f64,
            needed: self.tokens(reply) as f64,
            words,
        }
    }

    fn dollar_words(&self, limit: Limit, allowed: Nano, left: Nano, reply: u64) -> String {
        let (input, output) = self
            .price
            .map_or((0.0, 0.0), |price| price.dearest(self.prompt));
        let of_day = if limit == Limit::Day {
            " for the day"
        } else {
            ""
        };
        format!(
            "the limit of {}{of_day} leaves {}, and the next request needs at least {}, or up to {} ({} tokens in at \
             ${input}, {} to {} out at ${output} per million)",
            money::shown(allowed, false),
            money::shown(left, false),
            money::shown(self.cost(LEAST.min(reply)), true),
            money::shown(self.cost(reply), true),
            count(self.prompt),
            count(LEAST.min(reply)),
            count(reply)
        )
    }
}

impl Short {
    /// The words with what to do.
    pub(super) fn advice(&self) -> String {
        let advice = match self.limit {
            Limit::Session => "raise it with --max-cost",
            Limit::Day => "raise max_cost_per_day in settings, or go on tomorrow",
            Limit::Tokens => "raise it with --max-tokens-total",
        };
        format!("{}; {advice}", self.words)
    }
}
