//! The best places in one file: windows of lines that hold the most of what is asked for, named by the symbol
//! around them.

use std::collections::HashMap;

use serde::Serialize;

use crate::language::{self, Symbols};
use crate::tokens::{self, Term};

/// The most lines of a passage, the most passages of a file, and the most characters of a line that is shown.
const LINES: usize = 12;
const PASSAGES: usize = 3;
const SHOWN: usize = 160;
/// A passage that has less than this part of the best one's worth is not worth a look.
const WORTH: f32 = 0.4;

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Passage {
    /// Its first and last line, counted from 1.
    pub first: usize,
    pub last: usize,
    /// The definition that it is in or begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The number of the line that says most, and its text.
    pub line: usize,
    pub text: String,
}

/// Finds the best passages of a file, the best first. `worth` says what each term of the question counts, `named` which
/// lines the question names, counted from 1.
pub fn passages(
    path: &str,
    content: &[u8],
    worth: &HashMap<Term, f32>,
    named: &[usize],
    symbols: &mut Symbols,
) -> Vec<Passage> {
    let lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
    let mut hits = hits(&lines, worth);
    // A line that a stack trace names is what its reader looks for.
    let most: f32 = worth.values().sum::<f32>() + 1.0;
    for line in named.iter().filter(|line| (1..=lines.len()).contains(line)) {
        let at = hits.partition_point(|hit| hit.line < line - 1);
        hits.insert(
            at,
            Hit {
                line: line - 1,
                terms: vec![(0, most)],
            },
        );
    }
    let names = names(path, content, symbols);
    let mut found: Vec<(f32, Passage)> = Vec::new();
    while found.len() < PASSAGES {
        let Some((value, range)) = best(&hits) else {
            break;
        };
        if found
            .first()
            .is_some_and(|(first, _)| value < first * WORTH)
        {
            break;
        }
        let inside = &hits[range.clone()];
        found.push((value, passage(inside, &lines, &names)));
        hits.drain(range);
    }
    found.into_iter().map(|(_, passage)| passage).collect()
}

/// A line that holds something of the question.
struct Hit {
    line: usize,
    terms: Vec<(Term, f32)>,
}

fn hits(lines: &[&[u8]], worth: &HashMap<Term, f32>) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (line, text) in lines.iter().enumerate() {
        let mut terms: Vec<(Term, f32)> = Vec::new();
        for (_, word) in tokens::words(text) {
            tokens::terms(word, |term| {
                if let Some(value) = worth.get(&term)
                    && !terms.iter().any(|(known, _)| *known == term)
                {
                    terms.push((term, *value));
                }
            });
        }
        if !terms.is_empty() {
            hits.push(Hit { line, terms });
        }
    }
    hits
}

/// The window that holds the most different terms by worth, as a range of hits. A term that comes again counts a tenth,
/// which decides between windows that are equal otherwise.
fn best(hits: &[Hit]) -> Option<(f32, std::ops::Range<usize>)> {
    let mut best: Option<(f32, std::ops::Range<usize>)> = None;
    for start in 0..hits.len() {
        let within = |hit: &&Hit| hit.line < hits[start].line + LINES;
        let end = start + hits[start..].iter().take_while(within).count();
        let mut seen: Vec<Term> = Vec::new();
        let mut value = 0.0;
        for (term, worth) in hits[start..end].iter().flat_map(|hit| &hit.terms) {
            let again = seen.contains(term);
            value += if again { worth * 0.1 } else { *worth };
            seen.push(*term);
        }
        if best.as_ref().is_none_or(|(most, _)| value > *most) {
            best = Some((value, start..end));
        }
    }
    best
}

fn passage(hits: &[Hit], lines: &[&[u8]], names: &[Name]) -> Passage {
    let value = |hit: &Hit| hit.terms.iter().map(|(_, worth)| worth).sum::<f32>();
    let mut peak = &hits[0];
    for hit in hits {
        if value(hit) > value(peak) {
            peak = hit;
        }
    }
    let (first, last) = (hits[0].line, hits[hits.len() - 1].line);
    Passage {
        first: first + 1,
        last: last + 1,
        symbol: around(peak.line, last, lines, names),
        line: peak.line + 1,
        text: shown(lines[peak.line]),
    }
}

/// A name that is defined on a line.
struct Name {
    line: usize,
    indent: usize,
    text: String,
}

fn names(path: &str, content: &[u8], symbols: &mut Symbols) -> Vec<Name> {
    let Some((place, _)) = language::of_path(path) else {
        return Vec::new();
    };
    let (mut names, mut line, mut counted, mut begin) = (Vec::new(), 0, 0, 0);
    symbols.each(place, content, |start, end| {
        for (at, _) in content[counted..start]
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
        {
            line += 1;
            begin = counted + at + 1;
        }
        counted = start;
        names.push(Name {
            line,
            indent: indent(&content[begin..]),
            text: String::from_utf8_lossy(&content[start..end]).into_owned(),
        });
    });
    names
}

fn indent(line: &[u8]) -> usize {
    line.iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count()
}

/// The definition that a line is in: the last one above it that is less indented, or one on the line itself; else the
/// first that the passage holds, since a comment stands above what it is about.
fn around(line: usize, last: usize, lines: &[&[u8]], names: &[Name]) -> Option<String> {
    let depth = indent(lines[line]);
    let above = names.iter().rev().filter(|name| name.line <= line);
    let mut holding = above.filter(|name| name.line == line || name.indent < depth);
    let below = || {
        names
            .iter()
            .find(|name| (line..=last + 1).contains(&name.line))
    };
    holding.next().or_else(below).map(|name| name.text.clone())
}

fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let clean = text
        .trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c });
    clean.take(SHOWN).collect()
}
