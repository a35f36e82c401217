//! One run: what its agents are doing, and what is counted of it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use corecoder::{Spent, Usage};

use crate::calls::Calls;
use crate::outcome::Denial;
use crate::paper::Origin;
use crate::parents::Parents;
use crate::partial::Partial;

/// One run, from the first word of the user to the result.
#[derive(Default)]
pub(crate) struct Run {
    begun: Option<Instant>,
    /// What requests took together.
    pub api: Duration,
    pub turns: usize,
    pub denials: Vec<Denial>,
    /// Tokens and dollars by model; no dollars once a price was not known.
    pub spent: BTreeMap<String, (Usage, Option<f64>)>,
    /// Whether the user has said something.
    pub told: bool,
    /// Whether the agent is at work.
    pub works: bool,
    /// Whether the result was printed.
    pub over: bool,
    pub agents: BTreeMap<String, Agent>,
    pub parents: Parents,
}

impl Run {
    /// A reply took this.
    pub fn spend(&mut self, spent: &Spent) {
        let (usage, dollars) = self
            .spent
            .entry(spent.model.clone())
            .or_insert((Usage::default(), Some(0.0)));
        *usage += spent.usage.unwrap_or_default();
        *dollars = dollars.zip(spent.dollars).map(|(sum, cost)| sum + cost);
    }
}

/// What one agent is doing.
#[derive(Default)]
pub(crate) struct Agent {
    pub calls: Calls,
    pub partial: Partial,
    /// When the request went out that has no reply yet.
    pub asked: Option<Instant>,
    pub failures: u32,
}

impl Run {
    /// A run that begins now.
    pub fn begin() -> Run {
        Run {
            begun: Some(Instant::now()),
            ..Run::default()
        }
    }

    /// What stands between two runs: nothing is said until the next begins.
    pub fn over() -> Run {
        Run {
            over: true,
            ..Run::default()
        }
    }

    /// How long it has taken; nothing if none has begun.
    pub fn took(&self) -> Duration {
        self.begun.map_or(Duration::ZERO, |begun| begun.elapsed())
    }

    pub fn agent(&mut self, who: &str) -> &mut Agent {
        self.agents.entry(who.to_string()).or_default()
    }

    pub fn origin(&self, who: &str) -> Origin {
        Origin {
            agent: (!who.is_empty()).then(|| who.to_string()),
            parent: self.parents.call(who).map(str::to_string),
        }
    }

    /// The request that is out is over; returns whether there was one.
    pub fn answered(&mut self, who: &str) -> bool {
        let agent = self.agent(who);
        let waited = agent.waited();
        let was_out = agent.asked.take().is_some();
        self.api += waited;
        was_out
    }

    pub fn ended(&mut self, who: &str) {
        self.answered(who);
        self.works &= !who.is_empty();
        self.parents.ended(who);
    }
}

impl Agent {
    /// How long the request that is out has taken.
    pub fn waited(&self) -> Duration {
        self.asked.map_or(Duration::ZERO, |asked| asked.elapsed())
    }

    /// What was streamed is void. Returns how often this request has failed.
    pub fn failed(&mut self) -> u32 {
        self.calls.forget_early();
        self.partial = Partial::default();
        self.failures += 1;
        self.failures
    }
}
