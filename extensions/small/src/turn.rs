//! What happened since the user's last words, and what is said of a reply that does nothing about them.

use corecoder::{Entry, Reply, Round, ToolCall, recovery};

use crate::named::paths;
use crate::prompt;
use crate::retell::{failed, found_fault};
use crate::tools::{NAMES, is_test};

/// How a reply ended that has a block without a path.
pub(crate) const UNNAMED: &str = "unnamed block";
/// After so many rounds of one and the same call the turn ends.
const REPEATS: usize = 4;
/// And after so many calls in a row that failed.
const FAILURES: usize = 8;

/// The turn so far.
pub(crate) struct Turn<'a> {
    /// The last thing said is the engine's question for a summary: what stands in the answer is no call.
    pub summary: bool,
    /// Whether the user asked a question rather than for work.
    question: bool,
    /// The file that the user named.
    path: Option<&'a str>,
    /// The calls of the turn, with what came of them, the newest first.
    made: Vec<(&'a ToolCall, &'a str)>,
}

impl<'a> Turn<'a> {
    pub fn of(entries: &'a [Entry]) -> Turn<'a> {
        let summary =
            matches!(entries.last(), Some(Entry::Note(text)) if text.contains("Call no tools"));
        let (mut made, mut question, mut path) = (Vec::new(), false, None);
        for entry in entries.iter().rev() {
            match entry {
                Entry::User(text) => {
                    question = is_question(text);
                    path = file_of(text);
                    break;
                }
                Entry::Round(round) => made.extend(calls(round)),
                _ => {}
            }
        }
        Turn {
            summary,
            question,
            path,
            made,
        }
    }

    /// The file that a block without a path means, once the model was told to write that one.
    pub fn told(&self, tries: usize) -> Option<&str> {
        self.path.filter(|_| tries > 0)
    }

    /// Whether nothing was done yet.
    pub fn is_idle(&self) -> bool {
        self.made.is_empty()
    }

    /// What is to be said to a reply without a call.
    pub fn words(&self) -> Words {
        let idle = self.made.is_empty();
        let path = self.path.unwrap_or("path/of/the/file");
        if self.summary || (self.question && idle) {
            return Words::default();
        }
        let failed = self
            .made
            .first()
            .is_some_and(|(call, result)| call.name == "bash" && found_fault(result));
        Words {
            unnamed: Some(prompt::no_path(path)),
            answer: match (failed, idle) {
                (true, _) => Some(prompt::STILL_FAILS.to_string()),
                (false, true) => Some(prompt::nothing_done(path)),
                (false, false) => None,
            },
        }
    }

    /// The reply, without a call that was made time and again, or after many that failed.
    pub fn bounded(&self, reply: Reply) -> Reply {
        let same = |made: &ToolCall| reply.calls.iter().any(|call| call.is_same(made));
        let all = |count: usize, is: &dyn Fn(&(&ToolCall, &str)) -> bool| {
            self.made.len() >= count && self.made.iter().take(count).all(is)
        };
        let why = match () {
            _ if reply.calls.is_empty() => return reply,
            _ if all(REPEATS, &|(call, _)| same(call)) => prompt::STOPPED,
            _ if all(FAILURES, &|(_, result)| failed(result)) => prompt::STUCK,
            _ => return reply,
        };
        Reply::text(format!("{}\n\n{why}", reply.text).trim_start())
    }
}

fn calls(round: &Round) -> impl Iterator<Item = (&ToolCall, &str)> {
    let calls: Vec<_> = round.answered().collect();
    calls.into_iter().rev()
}

/// The first file that the words name and that is no test.
fn file_of(words: &str) -> Option<&str> {
    paths(words).find(|path| !is_test(path))
}

/// Whether a person wants to know something, or says a word in passing such as "thanks". In doubt, something is to be done.
fn is_question(text: &str) -> bool {
    if text.split_whitespace().count() < 3 && file_of(text).is_none() {
        return true;
    }
    let lower = text.trim_start().to_lowercase();
    let asks_for_work = ["can ", "could ", "would ", "will ", "please "]
        .iter()
        .any(|word| lower.starts_with(word));
    text.contains('?') && !asks_for_work
}

/// What is said to a reply that does nothing; nothing where that is right.
#[derive(Default)]
pub(crate) struct Words {
    /// To one with a block that says no path.
    pub unnamed: Option<String>,
    /// To one without any block.
    pub answer: Option<String>,
}

impl Words {
    pub fn about(&self, reply: &Reply) -> Option<&str> {
        match reply.finish.as_str() {
            _ if !reply.calls.is_empty() || has_call(&reply.text) => None,
            UNNAMED => self.unnamed.as_deref(),
            _ => self.answer.as_deref(),
        }
    }
}

/// Whether the engine will find a call in the text: some models fall back to the JSON that they were trained on.
fn has_call(text: &str) -> bool {
    recovery::in_text(text)
        .iter()
        .any(|(_, name, _)| NAMES.contains(&name.as_str()))
}
