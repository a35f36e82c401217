//! A bill, added up.

use corecoder::Usage;
use serde::Serialize;

use super::Row;

/// The sum of some replies.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sum {
    /// Whose: a model, a sub-agent, or what they were for.
    pub name: String,
    pub replies: usize,
    pub usage: Usage,
    /// Dollars of those replies whose price is known.
    pub dollars: f64,
    /// Dollars that the cache saved, of those replies likewise.
    pub saved: f64,
    /// Replies whose price is not known.
    pub unpriced: usize,
    /// Replies whose tokens the provider did not tell.
    pub uncounted: usize,
}

/// A bill, added up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sheet<'a> {
    pub rounds: &'a [Row],
    /// In the order of their first replies.
    pub models: Vec<Sum>,
    /// The agent itself, each sub-agent, and all summaries.
    pub parts: Vec<Sum>,
    pub total: Sum,
}

impl Sum {
    fn named(name: &str) -> Sum {
        Sum {
            name: name.to_string(),
            ..Sum::default()
        }
    }

    fn add(&mut self, row: &Row) {
        self.replies += 1;
        self.usage += row.usage.unwrap_or_default();
        self.dollars += row.dollars.unwrap_or_default();
        self.saved += row.saved.unwrap_or_default();
        self.unpriced += usize::from(row.dollars.is_none());
        self.uncounted += usize::from(row.usage.is_none());
    }

    /// The sums of rows that have the same name, in the order of the first of each.
    fn by<'a>(rows: &'a [Row], name: impl Fn(&'a Row) -> &'a str) -> Vec<Sum> {
        let mut sums: Vec<Sum> = Vec::new();
        for row in rows {
            let name = name(row);
            let at = sums.iter().position(|sum| sum.name == name);
            let at = at.unwrap_or_else(|| {
                sums.push(Sum::named(name));
                sums.len() - 1
            });
            sums[at].add(row);
        }
        sums
    }
}

impl Sheet<'_> {
    pub(super) fn of(rows: &[Row]) -> Sheet<'_> {
        let mut total = Sum::named("total");
        rows.iter().for_each(|row| total.add(row));
        Sheet {
            rounds: rows,
            models: Sum::by(rows, |row| &row.model),
            parts: Sum::by(rows, |row| match (row.summary, row.who.as_str()) {
                (true, _) => "summaries",
                (false, "") => "the agent",
                (false, who) => who,
            }),
            total,
        }
    }
}
