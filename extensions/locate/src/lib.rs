//! From an error message, an issue or a description to the files it is most likely about, and the lines in them.
//!
//! Read [`locate`] first, then the modules in the order below. No model is asked and no index is kept up: a cache of
//! what was read is checked against the files at each question, and everything works without it and without git.
//! Nothing here knows a project or the environment; folders are given.
//!
//! Left out: meaning beyond words. A question that shares no word with code, comments or history finds nothing.

// A question to an answer.
mod answer;
pub mod query;
pub mod weights;

pub mod rank;
pub mod signals;

// What the files are, and what is kept of them.
pub mod cache;
pub mod corpus;
pub mod record;
pub mod source;
pub mod tree;

// What is read in a file.
pub mod document;
pub mod kinds;
pub mod language;
pub mod passages;
pub mod tokens;

// The history.
mod git;
pub mod history;

mod tool;

// How well it does.
pub mod batch;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use answer::{Answer, Explained, Found};
pub use passages::Passage;
pub use tool::{Locate, prefix};

use cache::Cache;
use corpus::{Corpus, gather};
use history::History;
use language::Symbols;
use query::Query;
use rank::{File, Ranking};
use signals::means;
use source::{Entry, Folder, Source};
use weights::Weights;

/// How a question is answered.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The user's folder for caches; none keeps nothing.
    pub cache: Option<PathBuf>,
    /// Files and folders that are not looked at, without links.
    pub hidden: Vec<PathBuf>,
    /// The most files in an answer.
    pub limit: usize,
    /// How long files may be read. Those that are left are judged by path and history.
    pub time: Duration,
    pub weights: Weights,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            cache: None,
            hidden: Vec::new(),
            limit: 10,
            time: Duration::from_millis(3_500),
            weights: Weights::default(),
        }
    }
}

/// The files of a folder that a question is most likely about.
pub fn locate_in(text: &str, root: &Path, settings: &Settings) -> Answer {
    let folder = Folder::new(root).without(settings.hidden.clone());
    let cache = settings.cache.as_ref();
    let cache = cache.map(|cache| Cache::new(&cache.join("locate"), folder.root()));
    locate(text, &folder, cache.as_ref(), settings)
}

/// The files of any source that a question is most likely about.
pub fn locate(
    text: &str,
    source: &dyn Source,
    cache: Option<&Cache>,
    settings: &Settings,
) -> Answer {
    let deadline = Instant::now() + settings.time;
    let weights = &settings.weights;
    let query = Query::new(text, weights);
    let (corpus, history) = std::thread::scope(|scope| {
        let history = scope.spawn(|| recall(source, cache, weights.commits));
        let corpus = gather(source, cache, &query.terms(), deadline);
        (corpus, history.join().unwrap_or_default())
    });
    let ranking = Ranking::new(&corpus.files, &history, &query, weights);
    answer(source, &corpus, &ranking, &query, settings.limit)
}

/// The history, from the cache if that has the newest commit.
fn recall(source: &dyn Source, cache: Option<&Cache>, commits: usize) -> History {
    let Some(head) = source.head() else {
        return History::default();
    };
    if let Some(log) = cache.and_then(|cache| cache.log(&head)) {
        return History::parse(&log);
    }
    let log = source.log(commits).unwrap_or_default();
    if let Some(cache) = cache {
        // What can't be kept is asked for again.
        let _ = cache.keep_log(&head, &log);
    }
    History::parse(&log)
}

fn answer(
    source: &dyn Source,
    corpus: &Corpus,
    ranking: &Ranking,
    query: &Query,
    limit: usize,
) -> Answer {
    let (values, mut symbols) = (ranking.values(), Symbols::new());
    let mut found = |at: &usize| {
        let file = &corpus.files[*at];
        Found {
            path: file.path.clone(),
            score: ranking.total(*at),
            passages: passages(source, file, query, &values, &mut symbols),
            explained: ranking.explain(*at),
        }
    };
    Answer {
        files: ranking.order.iter().take(limit).map(&mut found).collect(),
        searched: corpus.files.len(),
        unread: corpus.unread,
    }
}

fn passages(
    source: &dyn Source,
    file: &File,
    query: &Query,
    values: &HashMap<tokens::Term, f32>,
    symbols: &mut Symbols,
) -> Vec<Passage> {
    let entry = Entry {
        path: file.path.clone(),
        kind: file.kind,
        stamp: file.stamp,
    };
    let content = source.read(&entry).unwrap_or_default();
    let places = query
        .places
        .iter()
        .filter(|place| means(&place.path, &file.path));
    let named: Vec<usize> = places.filter_map(|place| place.line).collect();
    passages::passages(&file.path, &content, values, &named, symbols)
}
