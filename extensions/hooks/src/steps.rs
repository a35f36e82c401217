//! The steps that are no tool calls: what hooks are told of each, and what may come of it.
//!
//! Field names are those of <https://code.claude.com/docs/en/hooks>, "Hook input". Whoever takes a step asks first and
//! heeds the answer: nothing here keeps it from going on.

use serde_json::{Value, json};

use crate::heard::Heard;
use crate::hook::Event;
use crate::hooks::Hooks;

impl Hooks {
    /// A session begins. `source`: `startup`, `resume`, `clear` or `compact`. It can't be blocked.
    pub async fn session_start(&self, source: &str) -> Heard {
        let fields = json!({"source": source});
        self.step(Event::SessionStart, source, fields).await
    }

    /// The user sends a prompt. If that is blocked, the prompt is not to be sent, and the user is shown the reason.
    pub async fn user_prompt(&self, prompt: &str) -> Heard {
        let fields = json!({"prompt": prompt});
        self.step(Event::UserPromptSubmit, "", fields).await
    }

    /// The conversation is about to be shortened. `trigger`: `manual` or `auto`; `focus`: what the user wants kept.
    pub async fn pre_compact(&self, trigger: &str, focus: &str) -> Heard {
        let fields = json!({"trigger": trigger, "custom_instructions": focus});
        self.step(Event::PreCompact, trigger, fields).await
    }

    /// The model has given its answer. If that is blocked, the reason is what it is to go on with; `already`: it goes on
    /// because of such a reason, so a hook can tell when it has said enough.
    pub async fn stop(&self, already: bool) -> Heard {
        let fields = json!({"stop_hook_active": already});
        self.step(Event::Stop, "", fields).await
    }

    pub(crate) async fn subagent_stop(&self) -> Heard {
        let fields = json!({"stop_hook_active": false});
        self.step(Event::SubagentStop, "", fields).await
    }

    async fn step(&self, event: Event, subject: &str, fields: Value) -> Heard {
        Heard::of(self.run(event, subject, None, |_| fields.clone()).await)
    }
}
