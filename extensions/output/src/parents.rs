//! Which call started a sub-agent, told by the sub-agent's name.
//!
//! The engine names it after the beginning of its task (`engine/src/tools/agent.rs`), so two may have the same name. As
//! long as both may be at work, neither call is told: no answer is better than a wrong one.

use corecoder::ToolCall;
use corecoder::wire::text;
use serde_json::Value;

#[derive(Default)]
pub(crate) struct Parents(Vec<Child>);

struct Child {
    who: String,
    call: String,
    /// Whether it goes on when its call has its result.
    background: bool,
}

impl Parents {
    /// A call of the agent itself starts.
    pub fn started(&mut self, call: &ToolCall) {
        let args = call.args.as_ref().ok().filter(|_| call.name == "agent");
        let Some(task) = args.and_then(|args| args["task"].as_str()) else {
            return;
        };
        let title = task.lines().map(str::trim).find(|line| !line.is_empty());
        self.0.push(Child {
            who: text::head(title.unwrap_or("sub-agent"), 30).to_string(),
            call: call.id.clone(),
            background: args.and_then(|args| args.get("background")) == Some(&Value::Bool(true)),
        });
    }

    /// A call of the agent itself has its result.
    pub fn finished(&mut self, call: &ToolCall) {
        self.0
            .retain(|child| child.background || child.call != call.id);
    }

    /// A sub-agent is done.
    pub fn ended(&mut self, who: &str) {
        if self.call(who).is_some() {
            self.0.retain(|child| child.who != who);
        }
    }

    /// The call that started it, if only one can have.
    pub fn call(&self, who: &str) -> Option<&str> {
        let mut calls = self.0.iter().filter(|child| child.who == who);
        match (calls.next(), calls.next()) {
            (Some(child), None) => Some(&child.call),
            _ => None,
        }
    }
}
