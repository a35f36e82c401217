//! What was found, as text for a model, as text that explains each score, and as JSON.

use std::fmt::Write;

use serde::Serialize;

use crate::passages::Passage;

/// The most bytes of an answer's text.
const TEXT: usize = 16_000;

/// The files that a question is most likely about, the likeliest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Answer {
    pub files: Vec<Found>,
    /// How many files were searched.
    pub searched: usize,
    /// Those among them for which time did not last: only their paths and their history were looked at.
    pub unread: usize,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Relative to the folder that was searched.
    pub path: String,
    pub score: f32,
    /// The best first; none where only path or history speak for the file.
    pub passages: Vec<Passage>,
    pub explained: Explained,
}

/// How a score came about: the parts add up to it, times the factor.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Explained {
    pub parts: Vec<(&'static str, f32)>,
    /// What the kind of the file does to it: 1 for source.
    pub factor: f32,
    /// The words that say most for the file, with what they bring.
    pub words: Vec<(String, f32)>,
}

impl Answer {
    /// The answer as a model reads it; `prefix` goes before each path.
    pub fn text(&self, prefix: &str) -> String {
        self.written(prefix, false)
    }

    /// The same with the score of each file by field.
    pub fn explain(&self, prefix: &str) -> String {
        self.written(prefix, true)
    }

    /// The answer as one JSON object.
    pub fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn written(&self, prefix: &str, explain: bool) -> String {
        let mut out = String::new();
        for (place, found) in self.files.iter().enumerate() {
            let before = out.len();
            let _ = writeln!(out, "{}. {prefix}{}", place + 1, found.path);
            if explain {
                out += &found.explained.text(found.score);
            }
            for passage in &found.passages {
                out += &passage_text(passage);
            }
            if out.len() > TEXT {
                out.truncate(before);
                break;
            }
        }
        if self.files.is_empty() {
            out += "Nothing found. Only source and text files are searched, no hidden, ignored, vendored or generated ones.\n";
        }
        if self.unread > 0 {
            let (unread, searched) = (self.unread, self.searched);
            let _ = writeln!(
                out,
                "[{unread} of {searched} files could not be read in time and were judged by path and history; ask again, or give a path]"
            );
        }
        out
    }
}

fn passage_text(passage: &Passage) -> String {
    let Passage {
        first,
        last,
        line,
        text,
        ..
    } = passage;
    let lines = if first == last {
        format!("{first}")
    } else {
        format!("{first}-{last}")
    };
    let symbol = passage
        .symbol
        .as_deref()
        .map_or(String::new(), |symbol| format!(" in {symbol}"));
    format!("   lines {lines}{symbol}: {line}: {text}\n")
}

impl Explained {
    fn text(&self, score: f32) -> String {
        let parts: Vec<String> = self
            .parts
            .iter()
            .map(|(part, value)| format!("{part} {value:.3}"))
            .collect();
        let words: Vec<String> = self
            .words
            .iter()
            .map(|(word, value)| format!("{word} {value:.3}"))
            .collect();
        let (parts, words) = (parts.join(" + "), words.join(", "));
        format!(
            "   {score:.3} = {:.2} x ({parts})\n   words: {words}\n",
            self.factor
        )
    }
}
