//! What has been printed, and what is to be printed next: one run after the other on one stream.
//!
//! Lines come in the order in which they become true, but for results that are done before their reply is. Behind the
//! line of the result, a run says nothing more, even if something of it was still at work.

use std::time::Instant;

use corecoder::context::Compaction;
use corecoder::{Event, Reply, Round};

use crate::line::Block;
use crate::paper::Paper;
use crate::partial::{Kind, Partial};
use crate::reply;
use crate::run::Run;
use crate::system::{CompactMetadata, Trigger};

pub(crate) struct Stream {
    pub paper: Paper,
    pub run: Run,
}

impl Stream {
    /// Prints what is to be seen of an event.
    pub fn note(&mut self, who: &str, event: &Event<'_>) {
        match (who, event) {
            ("", Event::User(_)) if self.run.over => self.run = Run::begin(),
            // Between two runs, the conversation may still be shortened.
            ("", Event::Compacted(_)) => {}
            _ if self.run.over => return,
            _ => {}
        }
        match event {
            Event::User(text) => self.said(who, text),
            Event::Note(text) => self.told(who, text, true),
            Event::Picture(picture) => {
                self.told(who, &format!("[picture: {}]", picture.name), true)
            }
            Event::Compacted(compaction) => self.compacted(who, compaction),
            Event::Request { .. } => self.request(who),
            Event::Text(text) => self.piece(who, Kind::Text, text),
            Event::Reasoning(text) => self.piece(who, Kind::Thinking, text),
            Event::Retry { error, wait, model } => {
                let attempt = self.run.agent(who).failed();
                let origin = self.run.origin(who);
                self.paper.retry(origin, attempt, error, *wait, *model);
            }
            Event::Spent(spent) => self.run.spend(spent),
            Event::Replied(reply) => self.replied(who, reply),
            Event::Started { call, .. } if who.is_empty() => self.run.parents.started(call),
            Event::Finished { call, result, .. } => {
                let block = self.run.agent(who).calls.finished(call, result);
                self.results(who, block);
                if who.is_empty() {
                    self.run.parents.finished(call);
                }
            }
            Event::Closed(round) => self.closed(who, round),
            Event::Ended(_) => self.run.ended(who),
            Event::Started { .. } | Event::Compacting | Event::Waiting => {}
        }
    }

    /// What began the run is known to who began it; all else that is said is printed.
    fn said(&mut self, who: &str, text: &str) {
        self.run.works |= who.is_empty();
        if !who.is_empty() || std::mem::replace(&mut self.run.told, true) {
            self.told(who, text, false);
        }
    }

    fn told(&mut self, who: &str, text: &str, is_synthetic: bool) {
        let text = text.to_string();
        let origin = self.run.origin(who);
        self.paper.user(origin, Block::Text { text }, is_synthetic);
    }

    fn request(&mut self, who: &str) {
        self.run.turns += usize::from(who.is_empty());
        let agent = self.run.agent(who);
        agent.calls.forget_early();
        (agent.partial, agent.failures) = (Partial::default(), 0);
        agent.asked = Some(Instant::now());
    }

    fn piece(&mut self, who: &str, kind: Kind, text: &str) {
        if self.paper.partial() {
            let partial = &mut self.run.agent(who).partial;
            let empty = reply::empty(partial.id(), &self.paper.setup().model);
            let events = partial.piece(kind, text, empty);
            self.paper.events(&self.run.origin(who), events);
        }
    }

    fn replied(&mut self, who: &str, reply: &Reply) {
        self.run.answered(who);
        self.reply(who, reply, false);
        let blocks = self.run.agent(who).calls.replied(&reply.calls);
        self.results(who, blocks);
    }

    fn reply(&mut self, who: &str, reply: &Reply, cut: bool) {
        let mut partial = std::mem::take(&mut self.run.agent(who).partial);
        let message = reply::message(partial.id(), &self.paper.setup().model, reply, cut);
        let origin = self.run.origin(who);
        if self.paper.partial() {
            self.paper.events(&origin, partial.whole(&message));
        }
        self.paper.assistant(origin, message);
    }

    /// A round that has no reply yet was cut off: what the conversation keeps of it is printed.
    fn closed(&mut self, who: &str, round: &Round) {
        if self.run.answered(who) {
            self.reply(who, round.reply(), true);
        }
        let blocks = self.run.agent(who).calls.closed(round);
        self.results(who, blocks);
    }

    fn compacted(&mut self, who: &str, compaction: &Compaction) {
        self.run.agent(who).calls.forget_early();
        let metadata = CompactMetadata {
            trigger: match self.run.works {
                true => Trigger::Auto,
                false => Trigger::Manual,
            },
            pre_tokens: compaction.before,
            post_tokens: compaction.after,
        };
        self.paper.compacted(self.run.origin(who), metadata);
    }

    fn results(&mut self, who: &str, blocks: impl IntoIterator<Item = Block>) {
        self.paper.results(&self.run.origin(who), blocks);
    }

    /// Ends the run and returns it. Every call that was printed gets a result, whatever became of it.
    pub fn end(&mut self) -> Run {
        for (who, agent) in std::mem::take(&mut self.run.agents) {
            self.run.api += agent.waited();
            self.results(&who, agent.calls.abandoned());
        }
        std::mem::replace(&mut self.run, Run::over())
    }
}
