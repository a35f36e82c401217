//! The loop: ask the model, do what it asks, tell it what came of it, until it only answers.
//!
//! Reads start while the reply still streams; writes wait for its end and run alone, in order, so a stream that
//! dies half way has done nothing that can't be asked again. Each call gets an answer, and answers stand in the
//! order asked. A run is a future, and cancelling is dropping it: the round under way is closed as it falls.
//!
//! Left out: everything the loop runs without, such as permissions, plans, hooks and budgets, which plug into
//! the four sockets.

use futures::StreamExt;

use crate::batch::{Batch, OpenRound};
use crate::context::Context;
use crate::conversation::{Entry, ToolCall};
use crate::host::Event;
use crate::inbox::Inbox;
use crate::kit::Kit;
use crate::model::{Delta, ErrorKind, ModelError, Request};
use crate::recovery;

/// A conversation with a model that can use tools.
pub struct Agent {
    pub(crate) kit: Kit,
    pub(crate) history: Vec<Entry>,
    pub(crate) context: Context,
}

/// Why a run ended without an answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("stopped after {0} rounds without a final answer")]
    Rounds(usize),
    /// Tokens, as the provider counts them.
    #[error(
        "the conversation does not fit the model: what can't be left out has about {size} tokens, its window {window}. \
         Begin a new one, or take a model with a larger window"
    )]
    TooLong { size: u64, window: u64 },
}

impl Agent {
    /// Runs until the model answers without asking for a tool, and returns that answer.
    ///
    /// Dropping the future cancels: running commands are killed, and the history stays one that the next call
    /// can carry on. Errors if the model can't be asked, if the conversation can't be made to fit its window, or
    /// after [`Kit::rounds`] requests.
    pub async fn chat(&mut self, text: impl Into<String>) -> Result<String, AgentError> {
        let _stop_background = StopOnDrop(self.kit.inbox.clone());
        // The user's words are to be the last, for a model answers what it read last.
        self.tell_news();
        self.add(Entry::User(text.into()));
        let outcome = self.run().await;
        self.kit.tell(Event::Ended(&outcome));
        outcome
    }

    async fn run(&mut self) -> Result<String, AgentError> {
        let mut turn = Turn::default();
        for round in 1..=self.kit.rounds {
            for message in self.kit.inbox.take() {
                self.add(message);
                turn.made.clear();
            }
            self.kit.tell(Event::Request { round });
            let Some(answer) = self.round(&mut turn).await? else {
                continue;
            };
            if self.kit.inbox.awaits() {
                self.kit.tell(Event::Waiting);
            }
            if !self.kit.inbox.wait().await {
                return Ok(answer);
            }
        }
        Err(AgentError::Rounds(self.kit.rounds))
    }

    /// One request that fits the window, and what it asks for. Returns an answer that asks for nothing.
    async fn round(&mut self, turn: &mut Turn) -> Result<Option<String>, AgentError> {
        let (mut refusal, mut tries) = (None, 0);
        loop {
            let shortened = self.context.fit(&mut self.history, &self.kit).await;
            // Where nothing is left to shorten, the provider's own words say most.
            match refusal.take() {
                Some(error) if !matches!(shortened, Ok(true)) => return Err(error),
                _ => shortened?,
            };
            self.tell_news();
            match self.ask(turn).await {
                Err(error) if error.kind == ErrorKind::ContextTooLong && tries < TOO_LONG => {
                    self.context.refused(&error, &self.history, &self.kit);
                    (refusal, tries) = (Some(AgentError::Model(error)), tries + 1);
                }
                answer => return Ok(answer?),
            }
        }
    }

    /// Asks the model and does what it asks; `open` adds the round to the history as it falls, at the end or before.
    async fn ask(&mut self, turn: &mut Turn) -> Result<Option<String>, ModelError> {
        let prefix = self.context.prefix(&self.kit);
        let mut open = OpenRound {
            history: &mut self.history,
            batch: Batch::new(&self.kit, &mut turn.made),
            cut: Some("[interrupted]"),
        };
        let request = Request {
            system: &prefix.system,
            tools: &prefix.tools,
            entries: open.history,
            ..Request::default()
        };
        let mut deltas = self.kit.model.stream(request);
        let mut reply = None;
        while let Some(delta) = deltas.next().await {
            match delta.inspect_err(|error| open.cut = after(error))? {
                Delta::Text(piece) => {
                    self.kit.tell(Event::Text(&piece));
                    open.batch.reply.text += &piece;
                }
                Delta::Reasoning(piece) => self.kit.tell(Event::Reasoning(&piece)),
                Delta::Call(call) => open.batch.start_early(call).await,
                Delta::Restart { error, wait, model } => {
                    open.batch.restart();
                    let (error, model) = (&error, model.as_deref());
                    self.kit.tell(Event::Retry { error, wait, model });
                }
                Delta::Done(whole) => reply = Some(whole),
            }
        }
        drop(deltas);
        let reply = recovery::recovered(reply.ok_or_else(ModelError::unfinished)?, &self.kit);
        self.kit.spend(&reply, false);
        self.context.replied(open.history, reply.usage, &self.kit);
        self.kit.tell(Event::Replied(&reply));
        open.batch.run(reply).await;
        let answer = &open.batch.reply;
        if answer.is_empty() && !std::mem::replace(&mut turn.retried_empty, true) {
            // The same request goes out again.
            open.cut = None;
            return Ok(None);
        }
        Ok(answer.calls.is_empty().then(|| answer.text.clone()))
    }

    /// What the model has to know since the last request.
    fn tell_news(&mut self) {
        let news = self.context.news(&self.kit);
        news.into_iter().for_each(|news| self.add(news));
    }

    fn add(&mut self, entry: Entry) {
        self.kit.tell(match &entry {
            Entry::User(text) => Event::User(text),
            Entry::Note(text) => Event::Note(text),
            Entry::Picture(picture) => Event::Picture(picture),
            _ => return,
        });
        self.history.push(entry);
    }

    /// Makes room now: all but the last entries become a summary that keeps `focus` in mind.
    /// Returns whether there was anything to shorten. Errors if the model writes no summary that can be used: then all
    /// stays as it is.
    pub async fn compact(&mut self, focus: &str) -> Result<bool, String> {
        let (history, kit) = (&mut self.history, &self.kit);
        self.context.compact(history, focus, kit).await
    }

    /// The conversation as it is sent: what compaction left of it.
    pub fn history(&self) -> &[Entry] {
        &self.history
    }

    /// Tokens of the next request, as far as they can be told, and of the model's window.
    pub fn size(&mut self) -> (u64, u64) {
        let size = self.context.counted(&self.history, &self.kit);
        (size, self.context.window(&self.kit))
    }

    /// Goes on from this conversation instead, such as one that was kept; from an empty one, it forgets everything.
    pub fn resume(&mut self, history: Vec<Entry>) {
        (self.context, self.history) = (Context::resumed(&history), history);
    }

    /// What the agent works with.
    pub fn kit(&self) -> &Kit {
        &self.kit
    }
}

/// How often one request is shortened because the provider finds it too long.
const TOO_LONG: usize = 3;

/// What one run keeps in mind from round to round.
#[derive(Default)]
struct Turn {
    made: Vec<ToolCall>,
    retried_empty: bool,
}

/// What stands behind a reply that failed.
fn after(error: &ModelError) -> Option<&'static str> {
    let asked_again = error.kind == ErrorKind::ContextTooLong;
    (!asked_again).then_some("[no reply: the request failed]")
}

/// Background work belongs to the run that started it and ends with it.
struct StopOnDrop(Inbox);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
