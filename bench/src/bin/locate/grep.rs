//! What is found without ranking: source files by how many of the question's words they hold.

use std::collections::{BTreeSet, HashMap};

use corecoder_locate::kinds::Kind;
use corecoder_locate::source::{Source, Stamp};

/// The contents that were read, in lower case.
#[derive(Default)]
pub struct Grep(HashMap<Stamp, String>);

impl Grep {
    /// The source files that hold most different words; of two that hold as many, the first by path.
    pub fn ranked(&mut self, question: &str, source: &dyn Source, limit: usize) -> Vec<String> {
        let words = words(question);
        let mut found = Vec::new();
        for entry in source.list() {
            if entry.kind != Kind::Source {
                continue;
            }
            let content = self.0.entry(entry.stamp).or_insert_with(|| {
                let content = source.read(&entry).unwrap_or_default();
                String::from_utf8_lossy(&content).to_lowercase()
            });
            let held = words.iter().filter(|word| content.contains(*word)).count();
            if held > 0 {
                found.push((held, entry.path));
            }
        }
        // Files are listed by path, and the sort keeps the order of those that hold as many.
        found.sort_by_key(|(held, _)| std::cmp::Reverse(*held));
        found
            .into_iter()
            .take(limit)
            .map(|(_, path)| path)
            .collect()
    }
}

/// The words of at least three letters, in lower case, without those that are in every text.
fn words(question: &str) -> BTreeSet<String> {
    let lower = question.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
    let says = |word: &&str| word.len() >= 3 && !COMMON.contains(word);
    words.filter(says).map(String::from).collect()
}

const COMMON: [&str; 32] = [
    "and", "are", "all", "but", "can", "does", "each", "for", "from", "had", "has", "have", "into",
    "its", "not", "now", "one", "only", "our", "that", "the", "their", "then", "there", "they",
    "this", "was", "were", "what", "when", "which", "with",
];
