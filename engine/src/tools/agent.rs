//! `agent`: a fresh agent for a part of the task, in its own context.
//!
//! It has the tools of its parent but this one, so agents nest once. Several in one reply work side by side;
//! one in the background reports through the inbox, and the run does not end before it did.

use async_trait::async_trait;
use serde_json::Value;

use super::{Effect, Spec, Tool, text};
use crate::agent::{self, AgentError};
use crate::conversation::Entry;
use crate::kit::Kit;
use crate::prompt;
use crate::wire::text as cut;

/// The longest report, in bytes; the opening is kept, since that is where reports put their conclusion.
const REPORT: usize = 5_000;

pub struct Agent;

#[async_trait]
impl Tool for Agent {
    fn spec(&self) -> Spec {
        prompt::agent()
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Delegate)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let task = text(&args, "task").to_string();
        // Never empty: that is the name of the agent itself.
        let title = task.lines().map(str::trim).find(|line| !line.is_empty());
        let name = cut::head(title.unwrap_or("sub-agent"), 30).to_string();
        let child = agent::Agent::with_kit(kit.child(&name));
        if args["background"] != true {
            return report(child, task).await;
        }
        let inbox = kit.inbox.clone();
        inbox.run(async move {
            let outcome = report(child, task).await.unwrap_or_else(|failure| failure);
            format!("[report of the background agent \"{name}\"]\n{outcome}")
        });
        Ok("The agent works in the background; its report will arrive as a message. Go on with other work.".into())
    }
}

async fn report(mut child: agent::Agent, task: String) -> Result<String, String> {
    let outcome = child.chat(task).await;
    let last_words = child.history().iter().rev().find_map(|entry| match entry {
        Entry::Round(round) => Some(&round.reply().text).filter(|text| !text.is_empty()),
        _ => None,
    });
    match outcome {
        Ok(answer) if answer.len() > REPORT => Ok(format!(
            "{}\n[the report was cut at {REPORT} of {} bytes]",
            cut::head(&answer, REPORT),
            answer.len()
        )),
        Ok(answer) => Ok(answer),
        Err(AgentError::Rounds(rounds)) => Ok(format!(
            "[the agent was stopped after {rounds} rounds, before it was done; its last words:]\n{}",
            cut::head(last_words.map_or("", String::as_str), REPORT)
        )),
        Err(error) => Err(format!("the agent failed: {error}")),
    }
}
