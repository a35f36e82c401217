//! The loop: ask the model, do what it asks, tell it what came of it, until it only answers.
//!
//! Reads start while the reply still streams; writes wait for its end and run alone, in order, so a stream that
//! dies half way has done nothing that can't be asked again. Each call gets an answer, and answers stand in the
//! order asked. A run is a future, and cancelling is dropping it: the round under way is closed as it falls.
//!
//! Left out: everything the loop runs without, such as permissions, plans, hooks and budgets, which plug into
//! the four sockets.

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use tokio::sync::RwLock;

use crate::batch::{Batch, OpenRound};
use crate::conversation::{Entry, ToolCall};
use crate::files::Files;
use crate::host::{Event, Host, Silent};
use crate::inbox::Inbox;
use crate::kit::Kit;
use crate::model::{Delta, Model, ModelError, Request};
use crate::shell::{Bash, Shell};
use crate::tools::{self, Spec, Tool};
use crate::{prompt, recovery};

/// A conversation with a model that can use tools.
pub struct Agent {
    kit: Kit,
    history: Vec<Entry>,
}

/// Why a run ended without an answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AgentError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("stopped after {0} rounds without a final answer")]
    Rounds(usize),
}

impl Agent {
    /// An agent with the seven tools in the process's own folder, which shows nothing and approves everything.
    pub fn new(model: impl Model + 'static) -> Agent {
        Agent::with_kit(Kit {
            model: Arc::new(model),
            tools: tools::seven(),
            host: Arc::new(Silent),
            shell: Arc::new(Bash),
            files: Arc::new(Files::new(PathBuf::from("."))),
            inbox: Inbox::default(),
            meter: Arc::default(),
            gate: Arc::new(RwLock::new(())),
            name: String::new(),
            rounds: 50,
        })
    }

    /// An agent with this kit and an empty history.
    pub fn with_kit(mut kit: Kit) -> Agent {
        kit.tools.sort_by_key(|tool| tool.spec().name);
        let history = Vec::new();
        Agent { kit, history }
    }

    /// Runs until the model answers without asking for a tool, and returns that answer.
    ///
    /// Dropping the future cancels: running commands are killed, and the history stays one that the next call
    /// can carry on. Errors if the model can't be asked, or after [`Kit::rounds`] requests.
    pub async fn chat(&mut self, text: impl Into<String>) -> Result<String, AgentError> {
        self.history.push(Entry::User(text.into()));
        let _stop_background = StopOnDrop(self.kit.inbox.clone());
        let mut made = Vec::new();
        let mut retried_empty = false;
        for round in 1..=self.kit.rounds {
            self.take_inbox(&mut made);
            self.kit
                .host
                .event(&self.kit.name, &Event::Request { round });
            let Some(answer) = self.round(&mut made).await? else {
                continue;
            };
            if answer.is_empty() && !retried_empty {
                // The empty round leaves no trace, so the same request goes out again.
                self.history.pop();
                retried_empty = true;
                continue;
            }
            if self.kit.inbox.awaits() {
                self.kit.host.event(&self.kit.name, &Event::Waiting);
            }
            if !self.kit.inbox.wait().await {
                return Ok(answer);
            }
        }
        Err(AgentError::Rounds(self.kit.rounds))
    }

    /// One request and what it asks for; `open` adds the round to the history as it falls, at the end or before.
    /// Returns the text of a reply that asks for nothing.
    async fn round(&mut self, made: &mut Vec<ToolCall>) -> Result<Option<String>, AgentError> {
        let system = prompt::system(&self.kit);
        let tools: Vec<Spec> = self.kit.tools.iter().map(|tool| tool.spec()).collect();
        let host = |event: Event<'_>| self.kit.host.event(&self.kit.name, &event);
        let mut open = OpenRound {
            history: &mut self.history,
            batch: Batch::new(&self.kit, made),
            cut: "[interrupted]",
        };
        let request = Request {
            system: &system,
            tools: &tools,
            entries: open.history,
        };
        let mut deltas = self.kit.model.stream(request);
        let mut reply = None;
        while let Some(delta) = deltas.next().await {
            match delta.inspect_err(|_| open.cut = "[no reply: the request failed]")? {
                Delta::Text(piece) => {
                    host(Event::Text(&piece));
                    open.batch.reply.text += &piece;
                }
                Delta::Reasoning(piece) => host(Event::Reasoning(&piece)),
                Delta::Call(call) => open.batch.start_early(call).await,
                Delta::Restart { error, wait } => {
                    open.batch.restart();
                    host(Event::Retry {
                        error: &error,
                        wait,
                    });
                }
                Delta::Done(whole) => reply = Some(whole),
            }
        }
        drop(deltas);
        let reply = recovery::recovered(reply.ok_or_else(ModelError::unfinished)?, &self.kit);
        self.kit.spend(reply.usage);
        host(Event::Replied(&reply));
        open.batch.run(reply).await;
        let reply = &open.batch.reply;
        Ok(reply.calls.is_empty().then(|| reply.text.clone()))
    }

    fn take_inbox(&mut self, made: &mut Vec<ToolCall>) {
        for message in self.kit.inbox.take() {
            self.kit.host.event(&self.kit.name, &Event::Inbox(&message));
            self.history.push(Entry::User(message));
            made.clear();
        }
    }

    /// Everything said so far.
    pub fn history(&self) -> &[Entry] {
        &self.history
    }

    /// Forgets the conversation; what the agent works with stays.
    pub fn reset(&mut self) {
        self.history.clear();
    }

    /// What the agent works with.
    pub fn kit(&self) -> &Kit {
        &self.kit
    }

    /// Works in this folder instead.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Agent {
        self.kit.files = Arc::new(Files::new(folder.into()));
        self
    }

    /// Has exactly these tools. What an agent must not do, it is given no tool for.
    pub fn tools(mut self, tools: Vec<Arc<dyn Tool>>) -> Agent {
        self.kit.tools = tools;
        self.kit.tools.sort_by_key(|tool| tool.spec().name);
        self
    }

    /// Has this tool too, in place of one of the same name.
    pub fn tool(self, tool: impl Tool + 'static) -> Agent {
        let (mut tools, name) = (self.kit.tools.clone(), tool.spec().name);
        tools.retain(|other| other.spec().name != name);
        tools.push(Arc::new(tool));
        self.tools(tools)
    }

    /// Reports to this host and asks it for approvals.
    pub fn host(mut self, host: Arc<impl Host + 'static>) -> Agent {
        self.kit.host = host;
        self
    }

    /// Runs commands through this shell.
    pub fn shell(mut self, shell: impl Shell + 'static) -> Agent {
        self.kit.shell = Arc::new(shell);
        self
    }

    /// Makes at most this many requests in one run (50, unless set).
    pub fn rounds(mut self, rounds: usize) -> Agent {
        self.kit.rounds = rounds;
        self
    }

    /// Asks this model from the next request on.
    pub fn set_model(&mut self, model: impl Model + 'static) {
        self.kit.model = Arc::new(model);
    }
}

/// Background work belongs to the run that started it and ends with it.
struct StopOnDrop(Inbox);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}
