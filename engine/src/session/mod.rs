//! Sessions: a journal of what happened, one JSON line a fact, each written before the step that depends on it.
//!
//! The journal only grows. A process that is killed, or a disk that is full, leaves at most one torn line at its end;
//! what stands before it always loads. A call whose result was never written gets one that says so. Compaction and
//! rewinding are facts like any other: what is sent changes, what is stored does not.
//!
//! Left out: listing, forking, undoing and everything else that only reads journals.

use crate::context::Compaction;
use crate::conversation::{Entry, Reply, Round};

mod fact;
mod journal;
mod place;

pub use fact::{Fact, Header, Line, lines};
pub use journal::{Journal, SessionError};
pub use place::file_name;

/// The format of the journals that this program writes.
pub const FORMAT: u32 = 1;

/// What is told for a call that has no result because the process ended.
pub const UNKNOWN: &str =
    "[the program ended before this call was answered: it may or may not have run]";

/// What a journal says.
#[derive(Debug, Default)]
pub struct Loaded {
    pub header: Header,
    /// The conversation as it is sent; every call has a result.
    pub entries: Vec<Entry>,
    /// The model that was asked last.
    pub model: String,
    /// The process that wrote last.
    pub pid: u32,
    /// What could not be read, in words for the user; empty for a sound journal.
    pub problems: Vec<String>,
    /// The lines that the journal has, and the bytes that they take.
    pub lines: usize,
    pub whole: usize,
    /// The positions of the calls whose results are missing at the end.
    pub unanswered: Vec<usize>,
    /// The last reply, until all its calls are answered.
    open: Option<(Reply, Vec<Option<String>>)>,
}

impl Loaded {
    /// Reads a journal, however it is damaged.
    pub fn read(journal: &[u8]) -> Loaded {
        let mut loaded = Loaded::unfinished(journal);
        if let Some((_, results)) = &loaded.open {
            let missing = results
                .iter()
                .enumerate()
                .filter(|(_, result)| result.is_none());
            loaded.unanswered = missing.map(|(at, _)| at).collect();
        }
        loaded.close();
        loaded
    }

    fn unfinished(journal: &[u8]) -> Loaded {
        let (mut loaded, mut facts) = (Loaded::default(), Vec::new());
        for (start, line) in lines(journal) {
            facts.push(match line {
                Ok(Line { who, fact, .. }) => who.is_empty().then_some(fact),
                // A line that was torn by the process's end is the last one and has no end.
                Err(_) if !journal[start..].contains(&b'\n') => break,
                Err(error) => {
                    let number = loaded.lines + 1;
                    let problem = format!("line {number} can't be read and is left out: {error}");
                    loaded.problems.push(problem);
                    None
                }
            });
            let length = journal[start..].iter().position(|byte| *byte == b'\n');
            loaded.whole = length.map_or(journal.len(), |length| start + length + 1);
            loaded.lines += 1;
        }
        let stands = standing(&facts);
        for (fact, stands) in facts.into_iter().zip(stands) {
            match fact {
                Some(fact @ (Fact::Session(_) | Fact::Opened { .. } | Fact::Model(_))) => {
                    loaded.add(fact);
                }
                Some(fact) if stands => loaded.add(fact),
                _ => {}
            }
        }
        loaded
    }

    fn add(&mut self, fact: Fact) {
        match fact {
            Fact::Session(header) => (self.model, self.header) = (header.model.clone(), header),
            Fact::Opened { pid, .. } => self.pid = pid,
            Fact::Model(model) => self.model = model,
            Fact::User(text) => self.push(Entry::User(text)),
            Fact::Note(text) => self.push(Entry::Note(text)),
            Fact::Entries(entries) => entries.into_iter().for_each(|entry| self.push(entry)),
            Fact::Reply(reply) => {
                self.close();
                let results = vec![None; reply.calls.len()];
                self.open = Some((reply, results));
                self.close_if_answered();
            }
            Fact::Result { at, text } => {
                let open = self.open.as_mut();
                if let Some(slot) = open.and_then(|(_, results)| results.get_mut(at)) {
                    *slot = Some(text);
                }
                self.close_if_answered();
            }
            Fact::Rewind(_) => self.close(),
            Fact::Compaction(Compaction { at, by, .. }) => {
                self.close();
                let count = self.entries.len();
                self.entries
                    .splice(at.start.min(count)..at.end.min(count), by);
            }
            _ => {}
        }
    }

    fn push(&mut self, entry: Entry) {
        self.close();
        self.entries.push(entry);
    }

    fn close_if_answered(&mut self) {
        let answered =
            |(_, results): &(Reply, Vec<Option<String>>)| results.iter().all(Option::is_some);
        if self.open.as_ref().is_some_and(answered) {
            self.close();
        }
    }

    /// The reply becomes a round; what was not answered never will be.
    fn close(&mut self) {
        if let Some((reply, mut results)) = self.open.take() {
            let round = Round::new(reply, |at, _| {
                results[at].take().unwrap_or(UNKNOWN.to_string())
            });
            self.entries.push(Entry::Round(round));
        }
    }
}

/// Which lines count for the conversation: a rewind takes back what stands between the line that it names and itself.
/// Found from the end, so that one journal is read once however often it was rewound.
fn standing(facts: &[Option<Fact>]) -> Vec<bool> {
    let (mut stands, mut end) = (vec![false; facts.len()], facts.len());
    while end > 0 {
        end -= 1;
        stands[end] = true;
        if let Some(Fact::Rewind(lines)) = facts[end] {
            end = lines.min(end);
        }
    }
    stands
}
