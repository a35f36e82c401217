//! The host that keeps a session: each event becomes a fact before whoever shows it hears of it.
//!
//! A read may start, and end, while its reply still streams; it is written behind the reply, which it means nothing
//! without. What a sub-agent does is written a round at a time: it is kept, but is no part of the conversation.

use std::sync::Arc;

use async_trait::async_trait;
use corecoder::session::Fact;
use corecoder::{Approval, Effect, Entry, Event, Host, Reply, Round, ToolCall, tools};
use parking_lot::Mutex;

use crate::session::Session;

/// Writes a session and passes everything on.
pub struct Recorder {
    session: Arc<Session>,
    host: Arc<dyn Host>,
    round: Mutex<Open>,
}

/// The round under way.
#[derive(Default)]
struct Open {
    /// The calls of the reply that was written, each until its result is.
    calls: Vec<Option<ToolCall>>,
    replied: bool,
    /// Results that came before the reply.
    early: Vec<(ToolCall, String)>,
}

impl Recorder {
    pub fn new(session: Arc<Session>, host: Arc<dyn Host>) -> Recorder {
        Recorder {
            session,
            host,
            round: Mutex::default(),
        }
    }

    fn note(&self, event: &Event<'_>) {
        let record = |fact| self.session.record("", fact);
        match event {
            Event::User(text) => record(Fact::User(text.to_string())),
            Event::Note(text) => record(Fact::Note(text.to_string())),
            Event::Picture(picture) => {
                record(Fact::Entries(vec![Entry::Picture((*picture).clone())]));
            }
            Event::Compacted(compaction) => {
                // The reply that was too long to come is void, and asked for again.
                *self.round.lock() = Open::default();
                record(Fact::Compaction((*compaction).clone()));
            }
            Event::Request { .. } | Event::Retry { .. } => *self.round.lock() = Open::default(),
            Event::Spent(spent) => record(Fact::Spent((*spent).clone())),
            Event::Replied(reply) if !reply.calls.is_empty() => self.replied(reply),
            Event::Started { call, effect } => self.started("", call, *effect),
            Event::Finished { call, result, .. } => {
                self.finished(call, tools::worded((*result).clone()));
            }
            Event::Closed(round) => self.closed(round),
            Event::Ended(Ok(_)) => record(Fact::End),
            Event::Ended(Err(error)) => record(Fact::Error(error.to_string())),
            _ => {}
        }
    }

    fn replied(&self, reply: &Reply) {
        let mut round = self.round.lock();
        self.session.record("", Fact::Reply(reply.clone()));
        round.calls = reply.calls.iter().cloned().map(Some).collect();
        round.replied = true;
        for (call, text) in std::mem::take(&mut round.early) {
            self.answered(&mut round, &call, text);
        }
    }

    /// What a writing tool is about to change must not be newer than the journal.
    fn started(&self, who: &str, call: &ToolCall, effect: Effect) {
        if effect != Effect::Read {
            self.session.record(who, Fact::Started(call.id.clone()));
            self.session.sync();
        }
    }

    fn finished(&self, call: &ToolCall, text: String) {
        let mut round = self.round.lock();
        match round.replied {
            true => self.answered(&mut round, call, text),
            false => round.early.push((call.clone(), text)),
        }
    }

    fn answered(&self, round: &mut Open, call: &ToolCall, text: String) {
        let is_this = |slot: &Option<ToolCall>| slot.as_ref() == Some(call);
        if let Some(at) = round.calls.iter().position(is_this) {
            round.calls[at] = None;
            self.session.record("", Fact::Result { at, text });
        }
    }

    /// Writes what is missing of a round that ended, finished or not.
    fn closed(&self, closed: &Round) {
        let mut round = std::mem::take(&mut *self.round.lock());
        if !round.replied {
            self.session.record("", Fact::Reply(closed.reply().clone()));
            round.calls = closed.reply().calls.iter().cloned().map(Some).collect();
        }
        for (at, (_, text)) in closed.answered().enumerate() {
            if round.calls.get(at).is_some_and(Option::is_some) {
                let text = text.to_string();
                self.session.record("", Fact::Result { at, text });
            }
        }
        self.session.sync();
    }
}

#[async_trait]
impl Host for Recorder {
    fn event(&self, who: &str, event: &Event<'_>) {
        match event {
            _ if who.is_empty() => self.note(event),
            Event::Closed(round) => {
                let round = Entry::Round((*round).clone());
                self.session.record(who, Fact::Entries(vec![round]));
            }
            Event::Started { call, effect } => self.started(who, call, *effect),
            Event::Spent(spent) => self.session.record(who, Fact::Spent((*spent).clone())),
            _ => {}
        }
        self.host.event(who, event);
    }

    async fn approve(&self, who: &str, call: &ToolCall, effect: Effect) -> Approval {
        let approval = self.host.approve(who, call, effect).await;
        if effect != Effect::Read {
            let denied = match &approval {
                Approval::Yes => None,
                Approval::No(reason) => Some(reason.clone()),
            };
            let call = call.id.clone();
            self.session.record(who, Fact::Approval { call, denied });
        }
        approval
    }
}
