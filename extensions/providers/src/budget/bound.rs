//! How many tokens a request can have at most, before anybody has counted them.
//!
//! What the provider counted for the same beginning counts; for what came since, a token is at least one byte. That is
//! three or four times too much for text, but of what is new in one round only, since the next count corrects it.
//! Beginnings are told by fingerprints of lengths and samples: two that agree in all of them have about the same tokens.
//!
//! Left out: tokenizers.

use std::collections::{HashMap, VecDeque};
use std::io;

use corecoder::{Entry, Reply, Request, Round, Usage};
use serde::Serialize;

use super::print::Print;

/// What stands around a message or a call: its role, its borders, the names of its fields.
const AROUND: u64 = 64;
/// What a provider writes before a request with tools: 530 tokens at most in Anthropic's "tool use pricing and tokens".
const PREAMBLE: u64 = 1_024;
/// A picture of 8,000 by 8,000 pixels, the largest that Anthropic takes ("vision"), in the patches of 32 by 32 pixels
/// that OpenAI counts at 1.2 tokens each without scaling it down ("images and vision").
const PICTURE: u64 = 75_000;
/// So many counts are remembered; a conversation needs the last one, each of its sub-agents too.
const COUNTS: usize = 1_024;

/// The fingerprints of a request: behind the system prompt and the tools, and behind each entry.
pub(super) fn prints(model: &str, request: &Request<'_>) -> Vec<u64> {
    let mut print = Print::default();
    print.text(model);
    print.text(request.system);
    for tool in request.tools {
        print.text(&tool.name);
        print.text(&tool.description);
        print.value(&tool.parameters);
    }
    let mut prints = Vec::with_capacity(request.entries.len() + 1);
    prints.push(print.end());
    for entry in request.entries {
        print.entry(entry);
        prints.push(print.end());
    }
    prints
}

/// What the provider counted for a request, and the reply to it.
struct Count {
    prompt: u64,
    completion: u64,
    reply: u64,
}

/// What providers have counted so far.
#[derive(Default)]
pub(super) struct Counts {
    counts: HashMap<u64, Count>,
    order: VecDeque<u64>,
}

impl Counts {
    /// Remembers what a request with this fingerprint had.
    pub fn learn(&mut self, print: u64, usage: &Usage, reply: &Reply) {
        // A server that counts nothing has not counted.
        if usage.prompt == 0 {
            return;
        }
        let count = Count {
            prompt: usage.prompt,
            completion: usage.completion,
            reply: Print::of_reply(reply),
        };
        if self.counts.insert(print, count).is_none() {
            self.order.push_back(print);
        }
        if self.order.len() > COUNTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.counts.remove(&oldest);
        }
    }

    /// The most tokens that this request to `model` can have; `prints` are its fingerprints.
    pub fn bound(&self, model: &str, prints: &[u64], request: &Request<'_>) -> u64 {
        let known = prints.iter().enumerate().rev();
        let mut known = known.filter_map(|(at, print)| Some((at, self.counts.get(print)?)));
        let Some((at, count)) = known.next() else {
            let all = request.entries.iter().map(of_entry).sum::<u64>();
            let counted = of_session(model, request.entries).unwrap_or(all);
            return of_prefix(request) + counted.min(all);
        };
        let mut new = &request.entries[at..];
        // What the provider writes before it may have changed, as where another effort is asked for.
        let mut tokens = count.prompt + PREAMBLE;
        if let [Entry::Round(round), rest @ ..] = new
            && Print::of_reply(round.reply()) == count.reply
        {
            tokens += count.of_reply(round.reply()) + of_results(round);
            new = rest;
        }
        tokens + new.iter().map(of_entry).sum::<u64>()
    }
}

/// The most that the entries of a session can have which is gone on with: what was counted for its last round by this
/// model, old system prompt and tools included, and what came since. What compaction did meanwhile made it shorter.
fn of_session(model: &str, entries: &[Entry]) -> Option<u64> {
    let counted = |entry: &Entry| match entry {
        Entry::Round(round) if round.reply().model == model => round.reply().usage,
        _ => None,
    };
    let mut rounds = entries.iter().enumerate().rev();
    let (at, usage) = rounds.find_map(|(at, entry)| Some((at, counted(entry)?)))?;
    let Entry::Round(round) = &entries[at] else {
        return None;
    };
    let count = Count {
        prompt: Some(usage.prompt).filter(|prompt| *prompt > 0)?,
        completion: usage.completion,
        reply: 0,
    };
    let reply = count.of_reply(round.reply()) + of_results(round);
    let since = entries[at + 1..].iter().map(of_entry).sum::<u64>();
    Some(count.prompt + reply + since)
}

impl Count {
    /// What the reply has when it is sent back. The model wrote `completion` tokens; written anew, the same text has
    /// seldom more, and each call gets its borders.
    fn of_reply(&self, reply: &Reply) -> u64 {
        let calls = reply.calls.len() as u64;
        let counted = self.completion + self.completion / 8 + AROUND * (1 + calls);
        counted.min(of_reply(reply))
    }
}

fn of_prefix(request: &Request<'_>) -> u64 {
    let of_tool = |tool: &corecoder::Spec| {
        AROUND + json(&tool.name) + json(&tool.description) + json(&tool.parameters)
    };
    PREAMBLE + json(request.system) + request.tools.iter().map(of_tool).sum::<u64>()
}

fn of_entry(entry: &Entry) -> u64 {
    match entry {
        Entry::User(text) | Entry::Note(text) => AROUND + json(text),
        Entry::Picture(picture) => PICTURE + json(&picture.name),
        Entry::Summary(summary) => AROUND + json(&summary.to_string()),
        Entry::Round(round) => of_reply(round.reply()) + of_results(round),
    }
}

fn of_reply(reply: &Reply) -> u64 {
    let of_call = |call: &corecoder::ToolCall| {
        let args = match &call.args {
            Ok(args) => json(args),
            Err(raw) => json(raw),
        };
        AROUND + json(&call.id) + json(&call.name) + args + json(&call.echo)
    };
    let calls = reply.calls.iter().map(of_call).sum::<u64>();
    AROUND + json(&reply.text) + json(&reply.echo) + calls
}

fn of_results(round: &Round) -> u64 {
    let of_result =
        |(call, result): (&corecoder::ToolCall, &str)| AROUND + json(&call.id) + json(result);
    round.answered().map(of_result).sum()
}

/// The bytes of a value as JSON text.
fn json<T: Serialize + ?Sized>(value: &T) -> u64 {
    struct Counter(u64);
    impl io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Neither the counter nor plain data can fail to be written.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}
