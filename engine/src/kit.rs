//! What an agent works with: model, tools, host, shell, files and inbox.
//!
//! A kit is handed to each tool call, so tools themselves hold no state and two agents in one process share
//! nothing. A sub-agent gets a copy ([`Kit::child`]): the same model, host, shell, meter and gate, but files, inbox
//! and limits of its own, and no tool to start agents with.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::RwLock;

use crate::conversation::{Reply, Spent, Usage};
use crate::files::Files;
use crate::host::{Event, Host};
use crate::inbox::Inbox;
use crate::model::Model;
use crate::shell::Shell;
use crate::standing::Standing;
use crate::toolset::Toolset;

/// What an agent works with; a clone is the same kit.
#[derive(Clone)]
pub struct Kit {
    pub model: Arc<dyn Model>,
    pub tools: Toolset,
    pub host: Arc<dyn Host>,
    pub shell: Arc<dyn Shell>,
    pub files: Arc<Files>,
    pub inbox: Inbox,
    /// Stands instead of the system prompt's own words; folder, system and instructions follow it all the same.
    pub system: Option<Arc<str>>,
    /// What stands behind the system prompt: the project's instructions, the list of its skills.
    pub instructions: Arc<str>,
    /// What the model is told whenever it changes.
    pub standing: Standing,
    /// The tokens spent so far, by sub-agents too.
    pub meter: Arc<Mutex<Usage>>,
    /// Reads share it, a write holds it alone, across an agent and all its sub-agents.
    pub gate: Arc<RwLock<()>>,
    /// Empty for the agent itself, a few words of the task for a sub-agent.
    pub name: String,
    /// Requests in one run, at most.
    pub rounds: usize,
    /// The window in tokens; `None` is what the model says.
    pub window: Option<u64>,
}

impl Kit {
    /// The kit of a sub-agent, which may make 20 requests and starts in the same folder.
    pub fn child(&self, name: &str) -> Kit {
        let mut kit = self.clone();
        kit.tools = self.tools.without("agent");
        kit.files = Arc::new(Files::new(self.files.cwd()));
        kit.inbox = Inbox::default();
        kit.standing = Standing::default();
        kit.name = name.to_string();
        kit.rounds = self.rounds.min(20);
        kit
    }

    /// Adds to the meter what a reply took, and tells the host.
    pub(crate) fn spend(&self, reply: &Reply, summary: bool) {
        *self.meter.lock() += reply.usage.unwrap_or_default();
        let name = Some(reply.model.as_str()).filter(|name| !name.is_empty());
        let spent = Spent {
            model: name.unwrap_or(self.model.name()).to_string(),
            usage: reply.usage,
            dollars: reply.cost,
            summary,
        };
        self.tell(Event::Spent(&spent));
    }

    /// Tells the host, under this agent's name.
    pub(crate) fn tell(&self, event: Event<'_>) {
        self.host.event(&self.name, &event);
    }

    /// The tokens spent so far.
    pub fn spent(&self) -> Usage {
        *self.meter.lock()
    }
}
