//! What a session cost: by round, by model, by who asked, what the cache saved, and why it did not.
//!
//! A [`Bill`] is added up from what replies took, be it from a journal or while they come. Its sums are of what the
//! providers counted. Dollars are those of the reply where it has them, else of the table; an unknown price is said and
//! never a zero.
//!
//! Left out: bills of several sessions together.

mod cause;
mod sheet;
mod text;

use std::collections::HashMap;

use corecoder::context::Compaction;
use corecoder::session::{Fact, Line, lines};
use corecoder::{Entry, Reply, Spent, Usage};
use serde::{Serialize, Serializer};

pub use sheet::{Sheet, Sum};

use crate::prices::Prices;
use cause::Last;

/// One reply on a bill.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Counted from 1.
    pub number: usize,
    /// Milliseconds since 1970.
    pub time: u64,
    /// Empty for the agent itself, else the sub-agent's name.
    pub who: String,
    pub model: String,
    /// Whether it was asked for a summary.
    pub summary: bool,
    /// Tokens; `None` if the provider did not say.
    pub usage: Option<Usage>,
    /// `None` where no price is known.
    pub dollars: Option<f64>,
    /// Dollars that the cache saved, less what writing it cost; `None` where no price is known.
    pub saved: Option<f64>,
    /// Why much less came from the cache than was sent before, if so.
    pub why: Option<String>,
}

/// What a session cost.
#[derive(Debug, Clone, Default)]
pub struct Bill {
    prices: Prices,
    provider: Option<String>,
    rows: Vec<Row>,
    /// The last request of each who asked.
    last: HashMap<String, Last>,
    /// How often a program has begun or gone on with the session.
    opened: usize,
}

impl Bill {
    /// An empty bill. `prices` are for replies without a cost of their own, as `provider` takes them, if it is known.
    pub fn new(prices: Prices, provider: Option<&str>) -> Bill {
        Bill {
            prices,
            provider: provider.map(String::from),
            ..Bill::default()
        }
    }

    /// Adds what a journal says, and returns what is wrong with lines that can't be read.
    pub fn journal(&mut self, journal: &[u8]) -> Vec<String> {
        let (mut good, mut problems) = (Vec::new(), Vec::new());
        for (place, line) in lines(journal) {
            match line {
                Ok(line) => good.push(line),
                Err(error) => {
                    problems.push(format!("the line at byte {place} is left out: {error}"))
                }
            }
        }
        self.lines(&good);
        problems
    }

    /// Adds the lines of a journal. Where a program kept no account of what was spent, as older ones didn't, replies and
    /// sub-agents' rounds are the account.
    pub fn lines(&mut self, lines: &[Line]) {
        let mut model = String::new();
        for run in lines.chunk_by(|_, next| !matches!(next.fact, Fact::Opened { .. })) {
            let has_account = run.iter().any(|line| matches!(line.fact, Fact::Spent(_)));
            for line in run {
                self.line(line, has_account, &mut model);
            }
        }
    }

    fn line(&mut self, line: &Line, has_account: bool, model: &mut String) {
        let (time, who) = (line.time, line.who.as_str());
        match &line.fact {
            Fact::Session(header) => *model = header.model.clone(),
            Fact::Model(name) => *model = name.clone(),
            Fact::Opened { .. } => self.opened(),
            Fact::Spent(spent) => self.add(time, who, spent),
            Fact::Compaction(compaction) => self.compacted(who, compaction),
            Fact::Rewind(_) => self.rewound(who),
            // A round that failed has no reply, and nobody counted one.
            Fact::Reply(reply) if !has_account && reply.usage.is_some() => {
                self.add(time, who, &account(reply, model))
            }
            // The agent's own were paid where they come from.
            Fact::Entries(entries) if !has_account && !who.is_empty() => {
                for entry in entries {
                    if let Entry::Round(round) = entry {
                        self.add(time, who, &account(round.reply(), model));
                    }
                }
            }
            _ => {}
        }
    }

    /// Adds a reply that was complete at this time, in milliseconds since 1970.
    pub fn add(&mut self, time: u64, who: &str, spent: &Spent) {
        let price = self.prices.of(self.provider.as_deref(), &spent.model);
        let priced = price.zip(spent.usage);
        let own = spent.dollars.filter(|dollars| dollars.is_finite());
        let dollars = own.or_else(|| priced.as_ref().map(|(price, usage)| price.cost(usage)));
        let saved = priced.as_ref().map(|(price, usage)| price.saved(usage));
        let why = self.why(time, who, spent);
        self.rows.push(Row {
            number: self.rows.len() + 1,
            time,
            who: who.to_string(),
            model: spent.model.clone(),
            summary: spent.summary,
            usage: spent.usage,
            dollars,
            saved,
            why,
        });
    }

    /// The conversation was shortened, so the provider's cache of it ends there.
    pub fn compacted(&mut self, who: &str, compaction: &Compaction) {
        let (entry, what) = (compaction.at.start + 1, &compaction.what);
        self.changed(who, format!("the prefix changed at entry {entry}: {what}"));
    }

    /// The conversation went back to an earlier state.
    pub fn rewound(&mut self, who: &str) {
        self.changed(who, "the conversation was rewound".to_string());
    }

    /// A program went on with the session: its tools and instructions may be others.
    pub fn opened(&mut self) {
        self.opened += 1;
    }

    fn changed(&mut self, who: &str, why: String) {
        if let Some(last) = self.last.get_mut(who) {
            last.changed = Some(why);
        }
    }

    /// Why little came from the cache, if so; remembers the request for the next one.
    fn why(&mut self, time: u64, who: &str, spent: &Spent) -> Option<String> {
        let usage = spent.usage?;
        let next = Last {
            time,
            model: spent.model.clone(),
            prompt: usage.prompt,
            opened: self.opened,
            changed: None,
        };
        let last = self.last.insert(who.to_string(), next);
        cause::cause(last.as_ref(), time, &spent.model, &usage, self.opened)
    }

    /// The replies, in the order in which they were added.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// All of it, added up.
    pub fn sheet(&self) -> Sheet<'_> {
        Sheet::of(&self.rows)
    }

    /// All of it as text for a terminal that is so many columns wide.
    pub fn text(&self, width: usize) -> String {
        text::text(&self.sheet(), width)
    }
}

/// A reply of a journal that keeps no account.
fn account(reply: &Reply, model: &str) -> Spent {
    let model = if reply.model.is_empty() {
        model
    } else {
        &reply.model
    };
    Spent {
        model: model.to_string(),
        usage: reply.usage,
        dollars: reply.cost,
        summary: false,
    }
}

/// For 80 columns.
impl std::fmt::Display for Bill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text(80))
    }
}

/// As its sheet.
impl Serialize for Bill {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sheet().serialize(serializer)
    }
}
