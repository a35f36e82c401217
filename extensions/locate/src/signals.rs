//! What speaks for a file beside its own words: its kind, its tests, and paths that the question names.

use std::collections::HashMap;

use crate::kinds::{self, Kind};
use crate::query::Query;
use crate::rank::File;
use crate::weights::Weights;

/// What the kind of a file does to its score.
pub fn factor(kind: Kind, query: &Query, weights: &Weights) -> f32 {
    match kind {
        Kind::Source => 1.0,
        Kind::Test if query.tests => 1.0,
        Kind::Text if query.texts => 1.0,
        Kind::Test => weights.test,
        Kind::Text => weights.prose,
    }
}

/// What the best test of each source has of the question: `create_test.go` speaks for `create.go`. Where several sources
/// have the name of a test, each gets less of it.
pub fn tests(files: &[File], text: &[f32]) -> Vec<f32> {
    let mut sources: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, file) in files
        .iter()
        .enumerate()
        .filter(|(_, file)| file.kind != Kind::Test)
    {
        sources
            .entry(kinds::subject(&file.path))
            .or_default()
            .push(at);
    }
    let mut best = vec![0.0f32; files.len()];
    for (at, file) in files
        .iter()
        .enumerate()
        .filter(|(_, file)| file.kind == Kind::Test)
    {
        let tested = sources
            .get(&kinds::subject(&file.path))
            .map_or(&[][..], Vec::as_slice);
        for source in tested {
            best[*source] = best[*source].max(text[at] / (tested.len() as f32).sqrt());
        }
    }
    best
}

/// How surely the question names each file: a share of 1 for each of those that a path can mean.
pub fn named(files: &[File], query: &Query) -> Vec<f32> {
    let mut named = vec![0.0f32; files.len()];
    for place in &query.places {
        let meant: Vec<usize> = (0..files.len())
            .filter(|at| means(&place.path, &files[*at].path))
            .collect();
        for at in &meant {
            named[*at] = named[*at].max(1.0 / meant.len() as f32);
        }
    }
    named
}

/// Whether a path in a question means this file: one ends in the other, at a slash.
pub fn means(said: &str, path: &str) -> bool {
    let ends = |long: &str, short: &str| {
        long.strip_suffix(short)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
    };
    // A whole path of this file may stand behind folders of another machine, but a bare name must not match so.
    ends(path, said) || (path.contains('/') && ends(said, path))
}
