//! [`Small`]: a `Model` around another that talks in blocks.
//!
//! The first block that is a call ends the reply: the request is dropped, so that the server stops writing guesses
//! about results. A reply that does nothing where something is to be done is void, and the model is asked again with
//! a word about it, at most twice.

use std::path::PathBuf;
use std::time::Duration;

use corecoder::{Delta, Deltas, Entry, ErrorKind, Model, ModelError, Reply, Request, Round};
use futures::StreamExt;

use crate::blocks::{self, Meaning};
use crate::named::Named;
use crate::retell::retold;
use crate::turn::{Turn, UNNAMED, Words};

/// How often one request is asked again because the reply does nothing.
const NUDGES: usize = 2;

/// A small model, asked in plain Markdown.
pub struct Small {
    model: Box<dyn Model>,
    named: Named,
}

impl Small {
    /// `folder` is where the paths start that the user names.
    pub fn new(model: impl Model + 'static, folder: impl Into<PathBuf>) -> Small {
        Small { model: Box::new(model), named: Named::new(folder.into()) }
    }
}

impl Model for Small {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let mut entries = retold(request.entries, &self.named);
        let turn = Turn::of(request.entries);
        async_stream::try_stream! {
            for tries in 0.. {
                let words = if tries < NUDGES { turn.words() } else { Words::default() };
                let request = Request { system: request.system, tools: &[], entries: &entries };
                let mut deltas = self.model.stream(request);
                let mut hearing = Hearing::new(&turn, words.unnamed.is_some());
                while hearing.reply.is_none() && let Some(delta) = deltas.next().await {
                    if let Some(delta) = hearing.hear(delta?) {
                        yield delta;
                    }
                }
                drop(deltas);
                let Some(reply) = hearing.reply.take() else { return };
                let Some(word) = words.about(&reply) else {
                    if let Some(rest) = hearing.rest(&reply) {
                        yield Delta::Text(rest);
                    }
                    yield Delta::Done(turn.bounded(reply));
                    return;
                };
                let error = ModelError::new(ErrorKind::Other, "the reply did nothing, and the model is told so");
                yield Delta::Restart { error, wait: Duration::ZERO };
                if !reply.text.trim().is_empty() {
                    entries.push(Entry::Round(Round::new(Reply::text(reply.text), |_, _| String::new())));
                }
                entries.push(Entry::Note(word.to_string()));
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        self.model.name()
    }

    fn window(&self) -> Option<u64> {
        self.model.window()
    }
}

/// A reply as it comes in.
struct Hearing {
    text: String,
    /// How much of the text was passed on.
    told: usize,
    /// Whether blocks mean calls.
    blocks: bool,
    /// Whether a block without a path ends the reply too.
    unnamed: bool,
    reply: Option<Reply>,
}

impl Hearing {
    fn new(turn: &Turn, unnamed: bool) -> Hearing {
        Hearing { text: String::new(), told: 0, blocks: !turn.summary, unnamed, reply: None }
    }

    /// Takes a piece in; returns what is passed on of it.
    fn hear(&mut self, delta: Delta) -> Option<Delta> {
        match delta {
            Delta::Text(piece) => {
                self.text += &piece;
                // A fence counts once its line is whole.
                let lines = self.text.rfind('\n').map_or("", |end| &self.text[..=end]);
                if self.blocks && piece.contains('\n') {
                    self.reply = acted(lines, self.unnamed);
                }
                let shown = if self.blocks { blocks::prose(&self.text) } else { &self.text };
                let new = shown.get(self.told..).unwrap_or_default().to_string();
                self.told += new.len();
                (!new.is_empty()).then_some(Delta::Text(new))
            }
            Delta::Done(whole) => {
                self.reply = Some(self.ended(whole));
                None
            }
            other => {
                if matches!(other, Delta::Restart { .. }) {
                    (self.text, self.told) = (String::new(), 0);
                }
                Some(other)
            }
        }
    }

    /// The whole reply, with the call that its last block is. A fence that was forgotten is put there, unless the
    /// reply was cut off.
    fn ended(&self, whole: Reply) -> Reply {
        if !self.blocks || !whole.calls.is_empty() {
            return whole;
        }
        let closed = || format!("{}\n```\n", whole.text);
        let found = acted(&whole.text, self.unnamed)
            .or_else(|| acted(&closed(), self.unnamed).filter(|_| whole.finish != "length"));
        match found {
            Some(found) => Reply { usage: whole.usage, reasoning: whole.reasoning, origin: whole.origin, ..found },
            None => whole,
        }
    }

    /// What was held back of a reply that is only text.
    fn rest(&self, reply: &Reply) -> Option<String> {
        let rest = reply.text.get(self.told..).filter(|_| reply.calls.is_empty())?;
        (!rest.is_empty()).then(|| rest.to_string())
    }
}

/// The reply that a text is as soon as its first block with a meaning is closed.
fn acted(text: &str, unnamed: bool) -> Option<Reply> {
    let block = blocks::first(text, unnamed)?;
    Some(match block.meaning {
        Meaning::Call(name, args) => {
            let words = text[..block.start].trim_end().to_string();
            Reply { text: words, ..Reply::calls([(name, args)]) }
        }
        _ => Reply { finish: UNNAMED.to_string(), ..Reply::text(&text[..block.end]) },
    })
}

