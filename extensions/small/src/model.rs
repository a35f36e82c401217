//! [`Small`]: a `Model` around another that talks in blocks.
//!
//! The first block that is a call ends the reply: the request is dropped, so that the server stops writing guesses
//! about results, and what it took is estimated. A reply that does nothing where something is to be done is void, and
//! the model is asked again with a word about it, at most twice; so nothing is passed on of a reply that may be void.

use std::path::{Path, PathBuf};

use corecoder::context::tokens;
use corecoder::{Delta, Deltas, Entry, Model, Reply, Request, Round, Usage};
use futures::StreamExt;
use serde_json::json;

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
    cuts: bool,
}

impl Small {
    /// `folder` is where the paths start that the user names.
    pub fn new(model: impl Model + 'static, folder: impl Into<PathBuf>) -> Small {
        Small {
            model: Box::new(model),
            named: Named::new(folder.into()),
            cuts: true,
        }
    }

    /// Hears each reply to its end, where what it costs must be known.
    pub fn whole(mut self) -> Small {
        self.cuts = false;
        self
    }

    /// Shows the model only those of the files that the user names which may be read.
    pub fn reads(mut self, may_read: impl Fn(&Path) -> bool + Send + Sync + 'static) -> Small {
        self.named.may_read = Box::new(may_read);
        self
    }
}

impl Model for Small {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let mut entries = retold(request.entries, &self.named);
        let turn = Turn::of(request.entries);
        async_stream::try_stream! {
            let (mut usage, mut cost, mut first) = (None, None, None);
            for tries in 0.. {
                let words = if tries < NUDGES { turn.words() } else { Words::default() };
                let request = Request { tools: &[], entries: &entries, ..request };
                let mut deltas = self.model.stream(request);
                let mut hearing = Hearing::new(&turn, &words, turn.told(tries));
                while !hearing.is_over(self.cuts) && let Some(delta) = deltas.next().await {
                    if let Some(delta) = hearing.hear(delta?) {
                        yield delta;
                    }
                }
                drop(deltas);
                let Some(mut reply) = hearing.reply.take() else { return };
                if !hearing.is_whole {
                    reply.usage = Some(estimate(&request, &hearing.text));
                }
                (usage, cost) = (sum(usage, reply.usage), sum(cost, reply.cost));
                let Some(word) = words.about(&reply) else {
                    // Who has nothing to do in spite of all has answered before it was asked again.
                    if turn.is_idle() && reply.calls.is_empty() {
                        reply.text = first.unwrap_or(reply.text);
                    }
                    if let Some(rest) = hearing.rest(&reply) {
                        yield Delta::Text(rest);
                    }
                    yield Delta::Done(Reply { usage, cost, ..turn.bounded(reply) });
                    return;
                };
                first.get_or_insert_with(|| reply.text.clone());
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

/// What a request and the reply to it take, as far as it was heard.
fn estimate(request: &Request<'_>, said: &str) -> Usage {
    let prefix = tokens::of_prefix(request.system, request.tools);
    Usage {
        prompt: prefix + tokens::of_entries(request.entries),
        completion: tokens::of(said),
        ..Usage::default()
    }
}

fn sum<T: std::ops::AddAssign + Copy>(one: Option<T>, other: Option<T>) -> Option<T> {
    let mut sum = one.or(other)?;
    if let (Some(_), Some(other)) = (one, other) {
        sum += other;
    }
    Some(sum)
}

/// A reply as it comes in.
struct Hearing<'a> {
    text: String,
    /// How much of the text was passed on.
    told: usize,
    /// Whether blocks mean calls.
    blocks: bool,
    /// Whether a block without a path ends the reply too.
    unnamed: bool,
    /// The file that such a block means then.
    path: Option<&'a str>,
    /// Nothing is passed on, since the reply may be void.
    waits: bool,
    reply: Option<Reply>,
    /// The server has said all.
    is_whole: bool,
}

impl<'a> Hearing<'a> {
    fn new(turn: &Turn, words: &Words, path: Option<&'a str>) -> Hearing<'a> {
        Hearing {
            text: String::new(),
            told: 0,
            blocks: !turn.summary,
            unnamed: words.unnamed.is_some() || path.is_some(),
            path,
            waits: words.unnamed.is_some() || words.answer.is_some(),
            reply: None,
            is_whole: false,
        }
    }

    fn is_over(&self, cuts: bool) -> bool {
        self.is_whole || (cuts && self.reply.is_some())
    }

    /// Takes a piece in; returns what is passed on of it.
    fn hear(&mut self, delta: Delta) -> Option<Delta> {
        match delta {
            Delta::Text(piece) => {
                self.text += &piece;
                // A fence counts once its line is whole.
                let lines = self.text.rfind('\n').map_or("", |end| &self.text[..=end]);
                if self.blocks && self.reply.is_none() && piece.contains('\n') {
                    self.reply = self.acted(lines);
                }
                let shown = if self.waits {
                    ""
                } else if self.blocks {
                    blocks::prose(&self.text)
                } else {
                    &self.text
                };
                let new = shown.get(self.told..).unwrap_or_default().to_string();
                self.told += new.len();
                (!new.is_empty()).then_some(Delta::Text(new))
            }
            Delta::Done(whole) => {
                self.reply = Some(self.ended(whole));
                self.is_whole = true;
                None
            }
            other => {
                if matches!(other, Delta::Restart { .. }) {
                    (self.text, self.told, self.reply) = (String::new(), 0, None);
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
        let found = self
            .acted(&whole.text)
            .or_else(|| self.acted(&closed()).filter(|_| whole.finish != "length"));
        match found {
            Some(found) => Reply {
                text: found.text,
                calls: found.calls,
                finish: found.finish,
                ..whole
            },
            None => whole,
        }
    }

    /// What was held back of the words.
    fn rest(&self, reply: &Reply) -> Option<String> {
        let rest = reply.text.get(self.told..)?;
        (!rest.is_empty()).then(|| rest.to_string())
    }

    /// The reply that a text is as soon as its first block with a meaning is closed.
    fn acted(&self, text: &str) -> Option<Reply> {
        let block = blocks::first(text, self.unnamed)?;
        let words = text[..block.start].trim_end();
        let call = match (block.meaning, self.path) {
            (Meaning::Call(name, args), _) => (name, args),
            (_, Some(path)) => {
                let lines = text[block.start..block.end].split_once('\n')?.1;
                let body = lines.rfind('\n').map_or("", |end| &lines[..=end]);
                ("write_file", json!({"file_path": path, "content": body}))
            }
            (_, None) => {
                let finish = UNNAMED.to_string();
                return Some(Reply {
                    finish,
                    ..Reply::text(&text[..block.end])
                });
            }
        };
        Some(Reply {
            text: words.to_string(),
            ..Reply::calls([call])
        })
    }
}
