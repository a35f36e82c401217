//! `todo_write`: the model's list of tasks, shown to the person and told at the conversation's tail.

use async_trait::async_trait;
use corecoder::{Agent, Effect, Entry, Kit, Spec, Tool, tools};
use serde_json::{Value, json};

pub const NAME: &str = "todo_write";
/// What the list begins with where the model is told of it.
const TITLE: &str = "[to-do list]";

/// The tool; the list itself is a standing text of the kit.
pub struct TodoWrite;

#[async_trait]
impl Tool for TodoWrite {
    fn spec(&self) -> Spec {
        let task = json!({
            "type": "object",
            "properties": {
                "task": {"type": "string"},
                "status": {"type": "string", "enum": ["pending", "in_progress", "completed"]},
            },
            "required": ["task", "status"],
        });
        Spec {
            name: NAME.to_string(),
            description: "Write the list of tasks that the user sees, for work of three steps or more. Each call \
replaces the whole list. Keep one task in_progress, and mark it completed as soon as it is done."
                .to_string(),
            parameters: tools::schema(json!({"tasks": {"type": "array", "items": task}}), &["tasks"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let tasks = tasks(&args)?;
        kit.standing.set(NAME, text(&tasks));
        let done = tasks.iter().filter(|task| task.state == State::Completed);
        Ok(format!(
            "the list has {} tasks, {} completed",
            tasks.len(),
            done.count()
        ))
    }
}

#[derive(Clone, Copy, PartialEq)]
pub enum State {
    Pending,
    InProgress,
    Completed,
}

pub struct Task {
    pub what: String,
    pub state: State,
}

/// The tasks that a call lists. Small models call the fields otherwise, or leave the status out.
pub fn tasks(args: &Value) -> Result<Vec<Task>, String> {
    let listed = args["tasks"].as_array().into_iter().flatten();
    listed.map(task).collect()
}

fn task(value: &Value) -> Result<Task, String> {
    let names = ["task", "content", "title", "text", "description"];
    let what = names.iter().find_map(|name| value[*name].as_str());
    let what = what
        .or(value.as_str())
        .map(str::trim)
        .filter(|what| !what.is_empty());
    let state = match value["status"].as_str() {
        None | Some("pending" | "todo" | "open") => State::Pending,
        Some("in_progress" | "in-progress" | "doing") => State::InProgress,
        Some("completed" | "done") => State::Completed,
        Some(other) => {
            return Err(format!(
                "status is pending, in_progress or completed, not {other:?}; nothing was changed"
            ));
        }
    };
    match what {
        Some(what) => Ok(Task {
            what: what.to_string(),
            state,
        }),
        None => Err(format!(
            "a task is {{\"task\": ..., \"status\": ...}}, not {value}; nothing was changed"
        )),
    }
}

fn text(tasks: &[Task]) -> String {
    let lines = tasks.iter().map(|task| {
        let mark = match task.state {
            State::Pending => "[ ]",
            State::InProgress => "[>]",
            State::Completed => "[x]",
        };
        format!("\n{mark} {}", task.what)
    });
    match tasks {
        [] => format!("{TITLE} empty"),
        _ => format!("{TITLE}{}", lines.collect::<String>()),
    }
}

/// Goes on with the list of a conversation that was kept.
pub fn recall(agent: &Agent) {
    let list = agent.history().iter().rev().find_map(|entry| match entry {
        Entry::Note(text) if text.starts_with(TITLE) => Some(text.clone()),
        Entry::Round(round) => {
            let written = round
                .answered()
                .filter(|(call, _)| call.name == NAME)
                .last();
            let (call, _) = written?;
            Some(text(&tasks(call.args.as_ref().ok()?).ok()?))
        }
        _ => None,
    });
    if let Some(list) = list {
        agent.kit().standing.set(NAME, list);
    }
}
