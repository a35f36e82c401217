//! One file as counts of terms by field: all that scoring needs of its content.

use std::ops::Range;

use foldhash::fast::FixedState;
use std::collections::HashMap;

use crate::language::{self, Language, Symbols};
use crate::tokens::{self, Term};

/// Fields that a file's content has: [`crate::weights::Field::Symbol`], `Comment` and `Body`, in this order.
pub const CONTENT: usize = 3;
pub const SYMBOL: usize = 0;
pub const COMMENT: usize = 1;
pub const BODY: usize = 2;

/// How often each term stands in each field of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The words in each field.
    pub lengths: [u32; CONTENT],
    /// In order of the term; a count stays at 255.
    pub terms: Vec<(Term, [u8; CONTENT])>,
}

impl Document {
    /// How often a term stands in each field.
    pub fn counts(&self, term: Term) -> [u8; CONTENT] {
        match self.terms.binary_search_by_key(&term, |entry| entry.0) {
            Ok(place) => self.terms[place].1,
            Err(_) => [0; CONTENT],
        }
    }

    /// The same file with these terms alone, which are in order.
    pub fn only(&self, wanted: &[Term]) -> Document {
        let having = |term: &Term| self.terms.binary_search_by_key(term, |entry| entry.0).ok();
        Document {
            lengths: self.lengths,
            terms: wanted
                .iter()
                .filter_map(having)
                .map(|place| self.terms[place])
                .collect(),
        }
    }
}

/// Reads files into documents. It remembers the words it has seen, since a project uses few words often.
#[derive(Default)]
pub struct Reader {
    symbols: Symbols,
    names: Vec<(usize, usize)>,
    words: HashMap<Box<[u8]>, u32, FixedState>,
    terms: Vec<Term>,
    seen: Vec<Seen>,
    touched: Vec<u32>,
    merged: Vec<(Term, [u8; CONTENT])>,
}

/// A word that was seen: where its terms are, and how often it stands in the fields of the present file.
struct Seen {
    terms: Range<u32>,
    counts: [u16; CONTENT],
}

/// The words a reader remembers before it starts anew, which bounds its memory.
const WORDS: usize = 200_000;

impl Reader {
    /// A reader that has seen nothing.
    pub fn new() -> Reader {
        Reader::default()
    }

    /// The document of a file's content; its path tells the language.
    pub fn read(&mut self, path: &str, content: &[u8]) -> Document {
        let Some((place, language)) = language::of_path(path) else {
            return Document::default();
        };
        let mut names = std::mem::take(&mut self.names);
        names.clear();
        self.symbols
            .each(place, content, |start, end| names.push((start, end)));
        let mut lengths = [0; CONTENT];
        let mut next = names.iter().peekable();
        each_word(content, language, |start, word, comment| {
            while next.next_if(|(_, end)| *end <= start).is_some() {}
            let named = next.peek().is_some_and(|(begin, _)| *begin <= start);
            let field = match (comment, named) {
                (true, _) => COMMENT,
                (_, true) => SYMBOL,
                _ => BODY,
            };
            lengths[field] += 1;
            self.count(word, field);
        });
        self.names = names;
        Document {
            lengths,
            terms: self.merge(),
        }
    }

    fn count(&mut self, word: &[u8], field: usize) {
        let id = match self.words.get(word) {
            Some(id) => *id,
            None => self.learn(word),
        };
        let seen = &mut self.seen[id as usize];
        if seen.counts == [0; CONTENT] {
            self.touched.push(id);
        }
        seen.counts[field] = seen.counts[field].saturating_add(1);
    }

    fn learn(&mut self, word: &[u8]) -> u32 {
        let start = self.terms.len() as u32;
        tokens::terms(word, |term| self.terms.push(term));
        let id = self.seen.len() as u32;
        self.seen.push(Seen {
            terms: start..self.terms.len() as u32,
            counts: [0; CONTENT],
        });
        self.words.insert(word.into(), id);
        id
    }

    /// The counts by term, and forgets them.
    fn merge(&mut self) -> Vec<(Term, [u8; CONTENT])> {
        self.merged.clear();
        for id in self.touched.drain(..) {
            let seen = &mut self.seen[id as usize];
            let counts = std::mem::take(&mut seen.counts).map(|count| count.min(255) as u8);
            let terms = &self.terms[seen.terms.start as usize..seen.terms.end as usize];
            self.merged.extend(terms.iter().map(|term| (*term, counts)));
        }
        self.merged.sort_unstable_by_key(|entry| entry.0);
        let mut terms: Vec<(Term, [u8; CONTENT])> = Vec::with_capacity(self.merged.len());
        for (term, counts) in &self.merged {
            match terms.last_mut().filter(|last| last.0 == *term) {
                Some(last) => {
                    for (sum, count) in last.1.iter_mut().zip(counts) {
                        *sum = sum.saturating_add(*count);
                    }
                }
                None => terms.push((*term, *counts)),
            }
        }
        if self.seen.len() > WORDS {
            self.words.clear();
            self.seen.clear();
            self.terms.clear();
        }
        terms
    }
}

/// Tells each word with its place and whether it stands in a comment. A comment opens where a blank, a bracket or the
/// line's start is before it, which spares the URLs in strings a lexer that knows strings.
fn each_word(text: &[u8], language: &Language, mut word: impl FnMut(usize, &[u8], bool)) {
    let mut at = 0;
    let mut closing: Option<&[u8]> = None;
    let first: [bool; 256] = openers(language);
    while at < text.len() {
        let byte = text[at];
        if tokens::in_word(byte) {
            let start = at;
            while at < text.len() && tokens::in_word(text[at]) {
                at += 1;
            }
            word(start, &text[start..at], closing.is_some());
            continue;
        }
        match closing {
            Some(end) if byte == end[0] && text[at..].starts_with(end) => {
                at += end.len();
                closing = None;
                continue;
            }
            None if first[byte as usize] && may_open(text, at) => {
                if let Some((open, close)) = opens(&text[at..], language) {
                    at += open;
                    closing = Some(close);
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
}

fn openers(language: &Language) -> [bool; 256] {
    let mut first = [false; 256];
    for open in language.line {
        first[open[0] as usize] = true;
    }
    for (open, _) in language.block {
        first[open[0] as usize] = true;
    }
    first
}

fn may_open(text: &[u8], at: usize) -> bool {
    at == 0
        || matches!(
            text[at - 1],
            b' ' | b'\t' | b'\n' | b'(' | b'{' | b',' | b';' | b')' | b'}'
        )
}

/// How long the opening of a comment is, and what closes it.
fn opens(text: &[u8], language: &Language) -> Option<(usize, &'static [u8])> {
    let block = language
        .block
        .iter()
        .find(|(open, _)| text.starts_with(open));
    let line = || language.line.iter().find(|open| text.starts_with(open));
    match block {
        Some((open, close)) => Some((open.len(), close)),
        None => line().map(|open| (open.len(), &b"\n"[..])),
    }
}
