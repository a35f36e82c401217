//! What a model's tokens cost.
//!
//! A [`Price`] is a model's row: what a token of each kind costs, and from which length of prompt all of them cost more.
//! [`Prices`] is the table of the models that are known, with the user's own prices over it. A price that is not known is
//! never guessed.
//!
//! Left out: prices by the hour, of batches, of regions and of faster service, which the user may set himself.

mod own;
mod table;

use corecoder::Usage;

pub use table::{ModelLimits, Prices};

/// What tokens of each kind cost, in dollars per million.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    pub input: f64,
    /// Of input that the provider served from its cache; as `input` if that is not known.
    pub cached: Option<f64>,
    /// Of input that the provider wrote into its cache; as `input` if that is not known.
    pub write: Option<f64>,
    pub output: f64,
    /// Of output that was reasoning; as `output` if that is not known.
    pub reasoning: Option<f64>,
}

/// What all tokens of a request cost whose prompt is longer than `above` tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tier {
    pub above: u64,
    pub rates: Rates,
}

/// A model's row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Price {
    /// Of the shortest prompts.
    pub rates: Rates,
    /// Of longer ones, the shortest first.
    pub long: Vec<Tier>,
    /// The longest request in tokens, as the table has it; the engine's own table of windows is more careful.
    pub window: Option<u64>,
    /// The longest reply in tokens, reasoning included.
    pub max_tokens: Option<u64>,
}

impl Rates {
    /// The price of the dearest kind of input, whatever the provider's cache does.
    pub fn dearest_input(&self) -> f64 {
        let others = [self.cached, self.write];
        others.into_iter().flatten().fold(self.input, f64::max)
    }

    /// The price of the dearest kind of output.
    pub fn dearest_output(&self) -> f64 {
        self.reasoning.unwrap_or(self.output).max(self.output)
    }

    fn all(&self) -> impl Iterator<Item = f64> {
        let optional = [self.cached, self.write, self.reasoning];
        [self.input, self.output]
            .into_iter()
            .chain(optional.into_iter().flatten())
    }
}

impl Price {
    /// A price that is the same for prompts of every length.
    pub fn of(input: f64, output: f64) -> Price {
        let rates = Rates {
            input,
            output,
            ..Rates::default()
        };
        Price {
            rates,
            ..Price::default()
        }
    }

    /// That of a model that runs on the user's own machine.
    pub fn free() -> Price {
        Price::default()
    }

    /// What tokens cost in a request with so long a prompt.
    pub fn at(&self, prompt: u64) -> Rates {
        let longest = self.long.iter().filter(|tier| prompt > tier.above);
        longest
            .max_by_key(|tier| tier.above)
            .map_or(self.rates, |tier| tier.rates)
    }

    /// The dollars that a request costs. Counts that contradict each other are taken for the part that is possible.
    pub fn cost(&self, usage: &Usage) -> f64 {
        let rates = self.at(usage.prompt);
        let cached = usage.cached.min(usage.prompt);
        let written = usage.written.min(usage.prompt - cached);
        let reasoning = usage.reasoning.min(usage.completion);
        let input = (usage.prompt - cached - written) as f64 * rates.input
            + cached as f64 * rates.cached.unwrap_or(rates.input)
            + written as f64 * rates.write.unwrap_or(rates.input);
        let output = (usage.completion - reasoning) as f64 * rates.output
            + reasoning as f64 * rates.reasoning.unwrap_or(rates.output);
        (input + output) / 1e6
    }

    /// The most dollars that a request can cost with no more than so many tokens in and out, whatever of them is cached,
    /// written or reasoning.
    pub fn at_most(&self, prompt: u64, completion: u64) -> f64 {
        let (input, output) = self.dearest(prompt);
        (prompt as f64 * input + completion as f64 * output) / 1e6
    }

    /// The dearest prices of input and output for prompts up to this length: a longer prompt need not be the dearer.
    pub fn dearest(&self, prompt: u64) -> (f64, f64) {
        let long = self.long.iter().filter(|tier| prompt > tier.above);
        let reached = long.map(|tier| tier.rates).chain([self.rates]);
        reached.fold((0.0, 0.0), |(input, output), rates| {
            let input = rates.dearest_input().max(input);
            (input, rates.dearest_output().max(output))
        })
    }

    /// The dollars that the provider's cache saved: what cached tokens would have cost as input, less what writing them
    /// cost more than reading. Negative where the writing was never repaid.
    pub fn saved(&self, usage: &Usage) -> f64 {
        let plain = Usage {
            cached: 0,
            written: 0,
            ..*usage
        };
        self.cost(&plain) - self.cost(usage)
    }
}
