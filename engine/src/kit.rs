//! What an agent works with: model, tools, host, shell, files and inbox.
//!
//! A kit is handed to each tool call, so tools themselves hold no state and two agents in one process share
//! nothing. A sub-agent gets a copy ([`Kit::child`]): the same model, host, shell, meter and gate, but files, inbox
//! and limits of its own, and no tool to start agents with.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use tokio::sync::{Notify, RwLock};
use tokio_util::task::AbortOnDropHandle;

use crate::conversation::Usage;
use crate::files::Files;
use crate::host::Host;
use crate::model::Model;
use crate::shell::Shell;
use crate::tools::Tool;

/// What an agent works with; a clone is the same kit.
#[derive(Clone)]
pub struct Kit {
    pub model: Arc<dyn Model>,
    /// In the order of their names, so that the request's prefix is the same each time.
    pub tools: Vec<Arc<dyn Tool>>,
    pub host: Arc<dyn Host>,
    pub shell: Arc<dyn Shell>,
    pub files: Arc<Files>,
    pub inbox: Inbox,
    /// The tokens spent so far, by sub-agents too.
    pub meter: Arc<Mutex<Usage>>,
    /// Reads share it, a write holds it alone, across an agent and all its sub-agents.
    pub gate: Arc<RwLock<()>>,
    /// Empty for the agent itself, a few words of the task for a sub-agent.
    pub name: String,
    /// Requests in one run, at most.
    pub rounds: usize,
}

impl Kit {
    /// The kit of a sub-agent, which may make 20 requests and starts in the same folder.
    pub fn child(&self, name: &str) -> Kit {
        let mut kit = self.clone();
        kit.tools.retain(|tool| tool.spec().name != "agent");
        kit.files = Arc::new(Files::new(self.files.cwd()));
        kit.inbox = Inbox::default();
        kit.name = name.to_string();
        kit.rounds = self.rounds.min(20);
        kit
    }

    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.iter().find(|tool| tool.spec().name == name)
    }

    /// Adds to the meter what a request used.
    pub(crate) fn spend(&self, usage: Option<Usage>) {
        *self
            .meter
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner()) += usage.unwrap_or_default();
    }

    /// The tokens spent so far.
    pub fn spent(&self) -> Usage {
        *self
            .meter
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// What waits to be told to the model before the next request: words of the user, reports of background work.
#[derive(Clone, Default)]
pub struct Inbox {
    post: Arc<Mutex<Post>>,
    bell: Arc<Notify>,
}

#[derive(Default)]
struct Post {
    mail: Vec<String>,
    outstanding: usize,
    tasks: Vec<AbortOnDropHandle<()>>,
}

impl Inbox {
    fn post(&self) -> MutexGuard<'_, Post> {
        self.post
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Leaves a message.
    pub fn send(&self, text: impl Into<String>) {
        self.post().mail.push(text.into());
        self.bell.notify_one();
    }

    /// Runs `work` in the background; its report arrives as a message, even if it panics.
    pub fn run(&self, work: impl Future<Output = String> + Send + 'static) {
        let inbox = self.clone();
        let guarded = std::panic::AssertUnwindSafe(work).catch_unwind();
        let task = tokio::spawn(async move {
            let report = guarded
                .await
                .unwrap_or_else(|_| "[a background task crashed]".to_string());
            let mut post = inbox.post();
            post.outstanding -= 1;
            post.mail.push(report);
            inbox.bell.notify_one();
        });
        let mut post = self.post();
        post.outstanding += 1;
        post.tasks.push(AbortOnDropHandle::new(task));
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.post().mail)
    }

    /// Waits for mail; false if there is none and nothing is left that could send any.
    pub(crate) async fn wait(&self) -> bool {
        loop {
            let (mail, outstanding) = {
                let post = self.post();
                (post.mail.len(), post.outstanding)
            };
            if mail > 0 || outstanding == 0 {
                return mail > 0;
            }
            self.bell.notified().await;
        }
    }

    /// Stops what runs in the background.
    pub(crate) fn stop(&self) {
        let mut post = self.post();
        post.outstanding = 0;
        post.tasks.clear();
    }
}
