//! Tools with hooks around them.
//!
//! Before the call they bring in what was decided about it, after it they tell the hooks what came of it and append
//! their words to the result. A call that a hook may replace says that it writes, since what it will do is not known when
//! the engine asks: a read would start early and beside others.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Effect, Kit, Spec, Tool, tools};
use serde_json::{Value, json};

use crate::calls::{Asked, Verdict};
use crate::heard::Heard;
use crate::hook::Event;
use crate::hooks::Hooks;
use crate::names;

/// Tools that only read, whatever their input is.
pub(crate) const READERS: [&str; 4] = ["read_file", "glob", "grep", "locate"];

/// A tool that hooks are told of.
pub(crate) struct Followed {
    pub name: String,
    pub tool: Arc<dyn Tool>,
    pub hooks: Hooks,
}

#[async_trait]
impl Tool for Followed {
    fn spec(&self) -> Spec {
        self.tool.spec()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let effect = self.tool.effect(args, kit)?;
        if !self.hooks.concern(Event::PreToolUse, &self.name) {
            return Ok(effect);
        }
        self.hooks.calls().asked(Asked {
            who: kit.name.clone(),
            name: self.name.clone(),
            tool: self.tool.clone(),
            args: args.clone(),
            effect,
            cwd: kit.files.cwd(),
            verdict: None,
        });
        let fixed = effect == Effect::Delegate || READERS.contains(&self.name.as_str());
        Ok(if fixed { effect } else { Effect::Write })
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let verdict = self.hooks.calls().take(&kit.name, &self.name, &args);
        let Verdict { id, input, context } = verdict.unwrap_or_default();
        let replaced = input.is_some();
        let args = input.unwrap_or(args);
        if replaced {
            // What refuses a command of the model refuses that of a hook too.
            self.tool.effect(&args, kit).map_err(|why| {
                format!("a hook replaced the input of this call by one that is refused, so nothing was run: {why}")
            })?;
        }
        let foreground = self.name == "agent" && args["background"] != true;
        let told = self
            .hooks
            .concern(Event::PostToolUse, &self.name)
            .then(|| args.clone());
        let mut result = self.tool.call(args, kit).await;
        if foreground {
            let heard = self.hooks.subagent_stop().await;
            self.add("SubagentStop", &mut result, heard);
        }
        if let Some(args) = told {
            let done = Done {
                id: &id,
                name: &self.name,
                args: &args,
                cwd: &kit.files.cwd(),
                text: &tools::worded(result.clone()),
                ok: result.is_ok(),
            };
            let heard = self.hooks.after(done).await;
            self.add("PostToolUse", &mut result, heard);
        }
        append(&mut result, "PreToolUse", context);
        result
    }
}

impl Followed {
    fn add(&self, event: &str, result: &mut Result<String, String>, heard: Heard) {
        for warning in &heard.warnings {
            self.hooks.warn(warning);
        }
        append(result, event, heard.blocked);
        append(result, event, heard.context);
        if let Some(reason) = heard.stop {
            self.hooks.warn(&reason);
            let stop = format!("Stop here, make no further calls, and tell the user why: {reason}");
            append(result, event, Some(stop));
        }
    }
}

/// A call that is over.
struct Done<'a> {
    id: &'a str,
    name: &'a str,
    args: &'a Value,
    cwd: &'a Path,
    text: &'a str,
    ok: bool,
}

impl Hooks {
    async fn after(&self, done: Done<'_>) -> Heard {
        let tell = |spelling| {
            let (name, input) = names::told(spelling, done.name, done.args, done.cwd);
            let response = names::response(spelling, done.name, &input, done.text, done.ok);
            json!({"tool_name": name, "tool_input": input, "tool_response": response, "tool_use_id": done.id})
        };
        Heard::of(
            self.run(Event::PostToolUse, done.name, Some(done.cwd), tell)
                .await,
        )
    }
}

fn append(result: &mut Result<String, String>, event: &str, words: Option<String>) {
    let Some(words) = words else { return };
    let text = match result {
        Ok(text) if text.is_empty() => {
            *text = tools::worded(Ok(String::new()));
            text
        }
        Ok(text) | Err(text) => text,
    };
    *text += &format!("\n[a {event} hook says: {words}]");
}
