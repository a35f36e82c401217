//! A question as weighted terms: what stands in the title, in quotes or is written like an identifier says more, and
//! words that every question has say nothing.
//!
//! Left out: synonyms and other languages than English; the history of a project knows its own words for things.

use crate::tokens::{self, Term};
use crate::weights::Weights;

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// In the order of the terms, each once.
    pub wanted: Vec<Wanted>,
    /// The title speaks of tests, so they are not weighed down.
    pub tests: bool,
    /// The title speaks of prose, likewise.
    pub texts: bool,
    /// Files that the question names, as a stack trace does.
    pub places: Vec<Place>,
}

/// A term of the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    pub term: Term,
    pub weight: f32,
    /// How often it came.
    count: usize,
    /// The words it was made of, as people read them.
    pub words: String,
}

/// A file that is named, with the line if one is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub path: String,
    pub line: Option<usize>,
}

/// The most of a question that is read, in bytes: the rest of a long log repeats what it began with.
const READ: usize = 20_000;

/// The most terms of a question. The first say what it is about.
const TERMS: usize = 150;

/// Words that say nothing of the place: English's own, and those of every issue and commit.
const STOP: &str = "a about after again all also always an and any are as at be because been before being but by can cannot could \
    did do does doing done don down e each either etc even every few for from g get gets getting got had has have having he \
    her here his how however i if in instead into is isn it its just let like ll made make makes making many may me might \
    more most much must my need needs never no nor not now of off on once one only or other our out over own pr previously \
    re same see she should so some still such than that the their them then there these they this those through to too \
    under until up upon us use used uses using ve very via was wasn way we were what when where whether which while who why \
    will with within without won would yet you your \
    add added adding adds bug change changed changes commit commits fix fixed fixes fixing issue issues new patch please pull \
    request support supported supporting supports try want wants";

const TESTS: [&str; 3] = ["test", "tests", "testing"];
const TEXTS: [&str; 5] = ["readme", "docs", "documentation", "changelog", "tutorial"];

/// A word of the question that is not stopped.
struct Word<'a> {
    start: usize,
    bytes: &'a [u8],
    parts: Vec<Vec<u8>>,
    weight: f32,
}

impl Query {
    /// Reads a question. Its first line is its title.
    pub fn new(text: &str, weights: &Weights) -> Query {
        let text = cut(text.trim(), READ);
        let title = text.lines().next().unwrap_or_default();
        let mut query = Query {
            tests: speaks_of(title, &TESTS),
            texts: speaks_of(title, &TEXTS),
            places: places(text),
            ..Query::default()
        };
        let words: Vec<Word> = tokens::words(text.as_bytes())
            .filter(|(_, word)| !stopped(word))
            .map(|(start, word)| weigh(text, title.len(), start, word, weights))
            .collect();
        for word in &words {
            let shown = String::from_utf8_lossy(word.bytes);
            tokens::terms(word.bytes, |term| {
                query.add(term, word.weight, &shown, weights)
            });
        }
        for pair in words
            .windows(2)
            .filter(|pair| together(text, &pair[0], &pair[1]))
        {
            let term = tokens::hash(&[&pair[0].parts[0], &pair[1].parts[0]]);
            let shown = format!(
                "{} {}",
                String::from_utf8_lossy(pair[0].bytes),
                String::from_utf8_lossy(pair[1].bytes)
            );
            query.add(term, pair[1].weight * weights.pair, &shown, weights);
        }
        query.wanted.sort_by_key(|wanted| wanted.term);
        query
    }

    /// The terms in order.
    pub fn terms(&self) -> Vec<Term> {
        self.wanted.iter().map(|wanted| wanted.term).collect()
    }

    fn add(&mut self, term: Term, weight: f32, words: &str, weights: &Weights) {
        let full = self.wanted.len() == TERMS;
        match self.wanted.iter_mut().find(|wanted| wanted.term == term) {
            Some(wanted) => {
                wanted.count += 1;
                if wanted.count <= weights.repeats {
                    wanted.weight += weight;
                }
            }
            None if full => {}
            None => self.wanted.push(Wanted {
                term,
                weight,
                count: 1,
                words: words.to_string(),
            }),
        }
    }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn speaks_of(title: &str, words: &[&str]) -> bool {
    let lower = title.to_lowercase();
    tokens::words(lower.as_bytes())
        .any(|(_, word)| words.iter().any(|known| known.as_bytes() == word))
}

fn stopped(word: &[u8]) -> bool {
    let lower = word.to_ascii_lowercase();
    word.len() < 2
        || STOP
            .split_ascii_whitespace()
            .any(|stop| stop.as_bytes() == lower)
}

fn weigh<'a>(
    text: &str,
    title: usize,
    start: usize,
    word: &'a [u8],
    weights: &Weights,
) -> Word<'a> {
    let parts: Vec<Vec<u8>> = tokens::parts(word).map(tokens::stem).collect();
    let mut weight = if start < title { weights.title } else { 1.0 };
    if quoted(text.as_bytes(), start, start + word.len()) {
        weight *= weights.quoted;
    }
    Word {
        start,
        bytes: word,
        parts,
        weight,
    }
}

fn quoted(text: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| text.get(at));
    // An apostrophe behind a word is grammar, before it a quotation.
    matches!(before, Some(b'`' | b'"' | b'\'')) || matches!(text.get(end), Some(b'`' | b'"'))
}

/// Whether two plain words stand side by side, so that code may write them as one.
fn together(text: &str, one: &Word, other: &Word) -> bool {
    let end = one.start + one.bytes.len();
    let plain = one.parts.len() == 1 && other.parts.len() == 1;
    plain && other.start == end + 1 && matches!(text.as_bytes()[end], b' ' | b'-' | b'\n')
}

/// The files that a text names: `src/main.rs`, `src/main.rs:12:5`, `File "src/main.py", line 12`.
fn places(text: &str) -> Vec<Place> {
    let in_path = |c: char| c.is_alphanumeric() || "_-./\\@+".contains(c);
    let mut places: Vec<Place> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(in_path) {
        let start = at + start;
        let length = text[start..]
            .find(|c| !in_path(c))
            .unwrap_or(text.len() - start);
        at = start + length;
        let path = text[start..at]
            .trim_matches('.')
            .trim_start_matches('/')
            .replace('\\', "/");
        let known = crate::language::of_path(&path).is_some()
            && path
                .rsplit('/')
                .next()
                .is_some_and(|name| !name.starts_with('.'));
        if known
            && !places
                .iter()
                .any(|place| place.path == path && place.line == line(&text[at..]))
        {
            places.push(Place {
                path,
                line: line(&text[at..]),
            });
        }
    }
    places
}

/// The line's number that follows a path.
fn line(rest: &str) -> Option<usize> {
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    let number = [":", "(", ", line ", " line "]
        .iter()
        .find_map(|before| rest.strip_prefix(before))?;
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number[..end].parse().ok()
}
