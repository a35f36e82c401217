//! The status line: model, how full its window is, what was spent, and the mode.

use corecoder::{Spent, Usage};
use corecoder_guard::permissions::Mode;

use crate::words;

/// What the status line tells.
#[derive(Clone, Default)]
pub struct Status {
    pub model: String,
    /// Tokens of the conversation, and of the window.
    pub used: u64,
    pub window: u64,
    pub bill: Bill,
}

impl Status {
    /// The line, for this mode.
    pub fn line(&self, mode: Mode) -> String {
        let percent = (self.used * 100).checked_div(self.window).unwrap_or(0);
        let window = words::tokens(self.window);
        let money = match (self.bill.dollars, self.bill.usage) {
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

/// What was spent.
#[derive(Clone, Copy)]
pub struct Bill {
    pub usage: Usage,
    /// `None` once a price was not known.
    pub dollars: Option<f64>,
}

impl Default for Bill {
    fn default() -> Bill {
        Bill {
            usage: Usage::default(),
            dollars: Some(0.0),
        }
    }
}

impl Bill {
    /// Adds what a reply took.
    pub fn add(&mut self, spent: &Spent) {
        self.usage += spent.usage.unwrap_or_default();
        self.dollars = self
            .dollars
            .zip(spent.dollars)
            .map(|(sum, cost)| sum + cost);
    }

    /// What was spent since the bill was this one.
    pub fn since(&self, before: &Bill) -> Bill {
        let (now, then) = (self.usage, before.usage);
        Bill {
            usage: Usage {
                prompt: now.prompt.saturating_sub(then.prompt),
                completion: now.completion.saturating_sub(then.completion),
                cached: now.cached.saturating_sub(then.cached),
                written: now.written.saturating_sub(then.written),
                reasoning: now.reasoning.saturating_sub(then.reasoning),
            },
            dollars: self
                .dollars
                .zip(before.dollars)
                .map(|(now, then)| now - then),
        }
    }
}
