//! The status line: model, how full its window is, what was spent, and the mode.

use corecoder::Usage;
use corecoder_guard::permissions::Mode;

use crate::prices::Prices;
use crate::words;

/// What the status line tells.
#[derive(Clone, Default)]
pub struct Status {
    pub model: String,
    /// Tokens of the conversation, and of the window.
    pub used: u64,
    pub window: u64,
    pub bill: Bill,
    pub prices: Prices,
}

impl Status {
    /// So much was used in all, what is new in it by the model of now.
    pub fn spent(&mut self, all: Usage) {
        self.bill.add(all, &self.model, &self.prices);
    }

    /// The line, for this mode.
    pub fn line(&self, mode: Mode) -> String {
        let percent = (self.used * 100).checked_div(self.window).unwrap_or(0);
        let window = words::tokens(self.window);
        let money = match (self.bill.dollars, self.bill.seen) {
            // Nothing was spent, whatever it would cost.
            (_, Usage { prompt: 0, .. }) => String::new(),
            (Some(amount), _) => format!(" · {}", words::dollars(amount)),
            (None, spent) => format!(
                " · {} in, {} out",
                words::tokens(spent.prompt),
                words::tokens(spent.completion)
            ),
        };
        let model = words::plain(&self.model);
        format!("{mode} · {model} · {percent}% of {window}{money}")
    }
}

/// What was spent, each token at the price of the model that it was spent on.
#[derive(Clone)]
pub struct Bill {
    /// The usage that is paid for.
    seen: Usage,
    /// `None` once a model's price was not known.
    dollars: Option<f64>,
}

impl Default for Bill {
    fn default() -> Bill {
        Bill {
            seen: Usage::default(),
            dollars: Some(0.0),
        }
    }
}

impl Bill {
    /// Adds what this model used since the last time, out of all that was used.
    pub fn add(&mut self, all: Usage, model: &str, prices: &Prices) {
        let fresh = Usage {
            prompt: all.prompt.saturating_sub(self.seen.prompt),
            completion: all.completion.saturating_sub(self.seen.completion),
            cached: all.cached.saturating_sub(self.seen.cached),
            written: all.written.saturating_sub(self.seen.written),
            reasoning: all.reasoning.saturating_sub(self.seen.reasoning),
        };
        self.seen = all;
        if fresh != Usage::default() {
            let cost = prices.cost(model, fresh);
            self.dollars = self.dollars.zip(cost).map(|(sum, cost)| sum + cost);
        }
    }

    /// Dollars, if each price was known.
    pub fn dollars(&self) -> Option<f64> {
        self.dollars
    }
}
