//! How an agent is put together: `Agent::new(model).folder(...).host(...)`.
//!
//! What is not said stays as [`Agent::new`] makes it.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::RwLock;

use crate::agent::Agent;
use crate::context::Context;
use crate::files::Files;
use crate::host::{Host, Silent};
use crate::inbox::Inbox;
use crate::kit::Kit;
use crate::model::Model;
use crate::shell::{Bash, Shell};
use crate::standing::Standing;
use crate::tools::{self, Tool};
use crate::toolset::Toolset;

impl Agent {
    /// An agent with the seven tools in the process's own folder, which shows nothing and approves everything.
    pub fn new(model: impl Model + 'static) -> Agent {
        Agent::with_kit(Kit {
            model: Arc::new(model),
            tools: Toolset::new(tools::seven()),
            host: Arc::new(Silent),
            shell: Arc::new(Bash),
            files: Arc::new(Files::new(PathBuf::from("."))),
            inbox: Inbox::default(),
            system: None,
            instructions: "".into(),
            standing: Standing::default(),
            meter: Arc::default(),
            gate: Arc::new(RwLock::new(())),
            name: String::new(),
            rounds: 50,
            window: None,
        })
    }

    /// An agent with this kit and an empty history.
    pub fn with_kit(kit: Kit) -> Agent {
        Agent {
            kit,
            history: Vec::new(),
            context: Context::default(),
        }
    }

    /// Works in this folder instead.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Agent {
        self.kit.files = Arc::new(Files::new(folder.into()));
        self
    }

    /// Has exactly these tools. What an agent must not do, it is given no tool for.
    pub fn tools(mut self, tools: Vec<Arc<dyn Tool>>) -> Agent {
        self.kit.tools = Toolset::new(tools);
        self
    }

    /// Has this tool too, in place of one of the same name.
    pub fn tool(self, tool: impl Tool + 'static) -> Agent {
        self.kit.tools.add(Arc::new(tool));
        self
    }

    /// Reports to this host and asks it for approvals.
    pub fn host(mut self, host: Arc<dyn Host>) -> Agent {
        self.kit.host = host;
        self
    }

    /// Runs commands through this shell.
    pub fn shell(mut self, shell: impl Shell + 'static) -> Agent {
        self.kit.shell = Arc::new(shell);
        self
    }

    /// Is told this instead of who it is and how to work, as are its sub-agents.
    pub fn system(mut self, text: &str) -> Agent {
        self.kit.system = Some(text.into());
        self
    }

    /// Has these words behind its system prompt, as have its sub-agents.
    pub fn instructions(mut self, text: &str) -> Agent {
        self.kit.instructions = text.into();
        self
    }

    /// Makes at most this many requests in one run (50, unless set).
    pub fn rounds(mut self, rounds: usize) -> Agent {
        self.kit.rounds = rounds;
        self
    }

    /// The model's window in tokens, if it is not what the model says.
    pub fn window(mut self, tokens: Option<u64>) -> Agent {
        self.kit.window = tokens;
        self
    }

    /// Asks this model from the next request on.
    pub fn set_model(&mut self, model: impl Model + 'static) {
        self.kit.model = Arc::new(model);
        self.context.forget_provider();
    }
}
