//! From counts to a ranking: BM25F over the fields of each file, plus what its tests, its history and the question's
//! own paths say for it, times what its kind counts.
//!
//! Each part is on a scale of its own question, the text's of 0 to 1, so that weights mean the same in each project.
//! `docs/locate.md` walks through an example.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::answer::Explained;
use crate::document::{CONTENT, Document};
use crate::history::{History, Past};
use crate::kinds::Kind;
use crate::query::Query;
use crate::signals::{factor, named, tests};
use crate::source::Stamp;
use crate::tokens::{self, Term};
use crate::weights::{FIELDS, Field, Weights};

/// A file that can be found.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative to the folder that is searched, with `/`.
    pub path: String,
    pub kind: Kind,
    pub stamp: Stamp,
    /// At least the terms of the question.
    pub document: Arc<Document>,
}

/// Files in the order of their scores.
pub struct Ranking<'a> {
    query: &'a Query,
    weights: &'a Weights,
    /// The rarity of each term of the question, by which its occurrences count.
    rarity: Vec<f32>,
    /// The average length of each field of content.
    average: [f32; CONTENT],
    /// What one point of text is worth, so that the best file has 1.
    scale: f32,
    hits: Vec<Hits>,
    scores: Vec<Score>,
    /// The places of all files that have any score, the likeliest first.
    pub order: Vec<usize>,
}

/// What the parts add up to.
#[derive(Debug, Clone, Copy, Default)]
struct Score {
    text: f32,
    tests: f32,
    past: Past,
    named: f32,
    factor: f32,
}

impl Score {
    fn total(&self) -> f32 {
        self.factor * (self.text + self.tests + self.past.messages + self.past.changes + self.named)
    }
}

/// Where a file has terms of the question: the term's number and its counts by field.
struct Hits {
    lengths: [u32; CONTENT],
    counts: Vec<(u16, [u8; FIELDS])>,
}

impl<'a> Ranking<'a> {
    /// Ranks files for a question.
    pub fn new(
        files: &[File],
        history: &History,
        query: &'a Query,
        weights: &'a Weights,
    ) -> Ranking<'a> {
        let hits: Vec<Hits> = files.iter().map(|file| Hits::new(file, query)).collect();
        let mut ranking = Ranking {
            query,
            weights,
            rarity: rarity(&hits, query),
            average: average(files),
            scale: 1.0,
            hits,
            scores: Vec::new(),
            order: Vec::new(),
        };
        ranking.score(files, history);
        ranking.order = (0..files.len())
            .filter(|at| ranking.total(*at) > 0.0)
            .collect();
        let mut order = std::mem::take(&mut ranking.order);
        order.sort_by(|one, other| {
            let by_score = ranking.total(*other).total_cmp(&ranking.total(*one));
            by_score.then_with(|| files[*one].path.cmp(&files[*other].path))
        });
        ranking.order = order;
        ranking
    }

    fn score(&mut self, files: &[File], history: &History) {
        let places: HashMap<&str, usize> = files
            .iter()
            .enumerate()
            .map(|(at, file)| (file.path.as_str(), at))
            .collect();
        let text: Vec<f32> = self.hits.iter().map(|hits| self.text(hits)).collect();
        let factors: Vec<f32> = files
            .iter()
            .map(|file| factor(file.kind, self.query, self.weights))
            .collect();
        let best = text
            .iter()
            .zip(&factors)
            .map(|(text, factor)| text * factor)
            .fold(0.0, f32::max);
        self.scale = 1.0 / best.max(f32::MIN_POSITIVE);
        let past = history.weigh(self.query, self.weights, &places);
        let tests = tests(files, &text);
        let named = named(files, self.query);
        self.scores = (0..files.len())
            .map(|at| Score {
                text: text[at] * self.scale,
                tests: tests[at] * self.scale * self.weights.tests,
                past: past[at],
                named: named[at] * self.weights.named,
                factor: factors[at],
            })
            .collect();
    }

    /// The score of the file at this place.
    pub fn total(&self, file: usize) -> f32 {
        self.scores[file].total()
    }

    /// BM25F: the counts of all fields saturate together.
    fn text(&self, hits: &Hits) -> f32 {
        let terms = hits.counts.iter();
        terms
            .map(|(which, counts)| self.worth(hits, *which, counts).iter().sum::<f32>())
            .sum()
    }

    /// What a term in a file is worth, by field.
    fn worth(&self, hits: &Hits, which: u16, counts: &[u8; FIELDS]) -> [f32; FIELDS] {
        let mut worth = [0.0; FIELDS];
        for (at, field) in Field::ALL.into_iter().enumerate() {
            let value = self.weights.field(field);
            let long = field.content().map_or(1.0, |content| {
                let long = hits.lengths[content] as f32 / self.average[content].max(1.0);
                1.0 - value.length + value.length * long
            });
            worth[at] = if counts[at] == 0 {
                0.0
            } else {
                value.weight * f32::from(counts[at]) / long
            };
        }
        let sum: f32 = worth.iter().sum();
        let term = self.rarity[which as usize] * self.query.wanted[which as usize].weight;
        worth.map(|value| {
            value * term * (self.weights.saturation + 1.0) / (sum + self.weights.saturation)
        })
    }

    /// What each term of the question is worth where it stands, for choosing passages.
    pub fn values(&self) -> HashMap<Term, f32> {
        let values = self.query.wanted.iter().zip(&self.rarity);
        values
            .map(|(wanted, rarity)| (wanted.term, wanted.weight * rarity))
            .collect()
    }

    /// How the score of a file came about.
    pub fn explain(&self, file: usize) -> Explained {
        let (hits, score) = (&self.hits[file], &self.scores[file]);
        let mut fields = [0.0; FIELDS];
        let mut words: Vec<(String, f32)> = Vec::new();
        for (which, counts) in &hits.counts {
            let worth = self
                .worth(hits, *which, counts)
                .map(|value| value * self.scale);
            for (sum, value) in fields.iter_mut().zip(worth) {
                *sum += value;
            }
            let name = self.query.wanted[*which as usize].words.clone();
            words.push((name, worth.iter().sum()));
        }
        words.sort_by(|one, other| other.1.total_cmp(&one.1));
        words.truncate(8);
        let fields = Field::ALL
            .iter()
            .zip(fields)
            .map(|(field, value)| (field.name(), value));
        let others = [
            ("its tests", score.tests),
            ("past messages", score.past.messages),
            ("past changes", score.past.changes),
            ("named", score.named),
        ];
        Explained {
            parts: fields
                .chain(others)
                .filter(|(_, value)| *value > 0.0)
                .collect(),
            factor: score.factor,
            words,
        }
    }
}

impl Hits {
    fn new(file: &File, query: &Query) -> Hits {
        let number = |term: Term| {
            let wanted = &query.wanted;
            wanted
                .binary_search_by_key(&term, |wanted| wanted.term)
                .ok()
        };
        let mut counts: BTreeMap<u16, [u8; FIELDS]> = BTreeMap::new();
        for (term, [symbol, comment, body]) in &file.document.terms {
            if let Some(which) = number(*term) {
                counts.insert(which as u16, [0, 0, *symbol, *comment, *body]);
            }
        }
        let [folders, name] = path_terms(&file.path);
        for (terms, field) in [(name, Field::Name), (folders, Field::Folder)] {
            for which in terms.into_iter().filter_map(number) {
                let count = &mut counts.entry(which as u16).or_default()[field as usize];
                *count = count.saturating_add(1);
            }
        }
        Hits {
            lengths: file.document.lengths,
            counts: counts.into_iter().collect(),
        }
    }
}

/// The terms of a path: those of its folders, and those of its name.
fn path_terms(path: &str) -> [Vec<Term>; 2] {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    [folders, stem].map(|text| {
        let mut terms = Vec::new();
        for (_, word) in tokens::words(text.as_bytes()) {
            tokens::terms(word, |term| terms.push(term));
        }
        terms
    })
}

/// A term counts by how few files have it.
fn rarity(hits: &[Hits], query: &Query) -> Vec<f32> {
    let mut having = vec![0.0f32; query.wanted.len()];
    for (which, _) in hits.iter().flat_map(|hits| &hits.counts) {
        having[usize::from(*which)] += 1.0;
    }
    let number = hits.len() as f32;
    having.iter().map(|having| rare(number, *having)).collect()
}

/// BM25's weight of a term that `having` of `number` have.
pub(crate) fn rare(number: f32, having: f32) -> f32 {
    (1.0 + (number - having + 0.5) / (having + 0.5)).ln()
}

fn average(files: &[File]) -> [f32; CONTENT] {
    let mut average = [0.0f32; CONTENT];
    for file in files {
        for (sum, length) in average.iter_mut().zip(file.document.lengths) {
            *sum += length as f32 / files.len() as f32;
        }
    }
    average
}
