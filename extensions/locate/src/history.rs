//! What past commits tell: which files were changed under messages like the question, how often, and how lately.

use std::collections::HashMap;

use crate::query::{Query, Wanted};
use crate::rank::rare;
use crate::tokens::{self, Term};
use crate::weights::Weights;

/// The newest commits, the newest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub commits: Vec<Commit>,
}

/// One commit.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The terms of its message in order, with their counts.
    pub terms: Vec<(Term, u8)>,
    /// How many terms the message has.
    pub length: f32,
    /// The files that it changed.
    pub files: Vec<String>,
}

/// What `git log` is asked to print of each commit.
pub const FORMAT: &str = "--format=%x01%B%x02";
/// The most of a message that is read, in bytes.
const MESSAGE: usize = 3000;
/// A commit of more files says little of each.
const FILES: usize = 30;

impl History {
    /// Reads what `git log --name-only` printed in [`FORMAT`].
    pub fn parse(log: &str) -> History {
        let commits = log.split('\x01').skip(1).filter_map(commit).collect();
        History { commits }
    }
}

fn commit(entry: &str) -> Option<Commit> {
    let (message, names) = entry.split_once('\x02')?;
    let files: Vec<String> = names
        .lines()
        .filter(|name| !name.is_empty())
        .map(String::from)
        .collect();
    let mut counts: HashMap<Term, u8> = HashMap::new();
    let mut length = 0.0;
    let end = message.len().min(MESSAGE);
    for (_, word) in tokens::words(&message.as_bytes()[..end]) {
        tokens::terms(word, |term| {
            let count = counts.entry(term).or_insert(0);
            *count = count.saturating_add(1);
            length += 1.0;
        });
    }
    let mut terms: Vec<(Term, u8)> = counts.into_iter().collect();
    terms.sort_unstable();
    Some(Commit {
        terms,
        length,
        files,
    })
    .filter(|commit| (1..=FILES).contains(&commit.files.len()))
}

/// What the history says for one file.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Past {
    /// How much of the question stands in the messages that it was changed under.
    pub messages: f32,
    /// How often and how lately it was changed.
    pub changes: f32,
}

impl History {
    /// Weighs the history of each file, whose places are given by path.
    pub fn weigh(
        &self,
        query: &Query,
        weights: &Weights,
        places: &HashMap<&str, usize>,
    ) -> Vec<Past> {
        let mut past = vec![Past::default(); places.len()];
        let commits = &self.commits[..self.commits.len().min(weights.commits)];
        let number = commits.len() as f32;
        let average = commits.iter().map(|commit| commit.length).sum::<f32>() / number.max(1.0);
        let rarity = rarity(commits, query);
        for (age, commit) in commits.iter().enumerate() {
            let share =
                commit.alike(&rarity, average) / (commit.files.len() as f32).powf(weights.crowd);
            let lately = 0.5f32.powf(age as f32 / weights.fade);
            for place in commit
                .files
                .iter()
                .filter_map(|file| places.get(file.as_str()))
            {
                past[*place].messages += share * share * lately;
                past[*place].changes += lately;
            }
        }
        // Squares were added, so that one message that says all counts for more than many that say little.
        let whole: f32 = rarity.iter().map(|(_, worth)| worth).sum();
        let most = past
            .iter()
            .map(|past| past.changes)
            .fold(0.0, f32::max)
            .ln_1p();
        for past in &mut past {
            past.messages = weights.messages * past.messages.sqrt() / whole.max(f32::MIN_POSITIVE);
            past.changes = weights.changes * past.changes.ln_1p() / most.max(f32::MIN_POSITIVE);
        }
        past
    }
}

/// What each term of the question is worth in a message.
fn rarity(commits: &[Commit], query: &Query) -> Vec<(Term, f32)> {
    let worth = |wanted: &Wanted| {
        let having = commits
            .iter()
            .filter(|commit| commit.count(wanted.term) > 0)
            .count();
        (
            wanted.term,
            rare(commits.len() as f32, having as f32) * wanted.weight,
        )
    };
    query.wanted.iter().map(worth).collect()
}

impl Commit {
    /// BM25 of the question against the message.
    fn alike(&self, rarity: &[(Term, f32)], average: f32) -> f32 {
        let long = 0.25 + 0.75 * self.length / average.max(1.0);
        let value = |(term, worth): &(Term, f32)| {
            let count = f32::from(self.count(*term));
            worth * count * 2.2 / (count + 1.2 * long)
        };
        rarity.iter().map(value).sum()
    }

    /// How often a term stands in the message.
    fn count(&self, term: Term) -> u8 {
        match self.terms.binary_search_by_key(&term, |entry| entry.0) {
            Ok(place) => self.terms[place].1,
            Err(_) => 0,
        }
    }
}
