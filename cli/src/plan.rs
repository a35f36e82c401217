//! Plan mode: the model reads, presents a plan, and changes nothing before the person has approved it.
//!
//! That the mode is on, or over, is told at the conversation's tail; the tool is always there, so that the prefix stays
//! the same.

use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Agent, Effect, Entry, Kit, Spec, Tool, tools};
use corecoder_guard::permissions::Mode;
use parking_lot::Mutex;
use serde_json::{Value, json};

pub const NAME: &str = "present_plan";

const ON: &str = "[plan mode is on] Change nothing yet: read, search, and ask the user what you need to know. When you \
know what to do, call present_plan with the whole plan: files, changes, and how you will check them. The user approves, \
edits or rejects it.";
/// Where walls stand.
const READING: &str = "Until then commands run without a question, and can only read.";
const OVER: &str = "[plan mode is over] You may change files and run commands again.";

/// The mode of the program; a clone is the same.
#[derive(Clone)]
pub struct Modes(Arc<Mutex<State>>);

struct State {
    mode: Mode,
    /// What the model is told of plan mode.
    on: String,
    approved: Option<Approved>,
}

/// The person's word on a plan.
pub struct Approved {
    /// In which the plan is carried out.
    pub mode: Mode,
    /// The plan as the person changed it.
    pub edited: Option<String>,
}

impl Modes {
    /// `walled` says that a sandbox keeps commands from writing in plan mode.
    pub fn new(mode: Mode, walled: bool) -> Modes {
        let on = match walled {
            true => format!("{ON} {READING}"),
            false => ON.to_string(),
        };
        let approved = None;
        Modes(Arc::new(Mutex::new(State { mode, on, approved })))
    }

    pub fn get(&self) -> Mode {
        self.0.lock().mode
    }

    /// Changes the mode; the model is told at the tail of the conversation that plan mode begins or ends.
    pub fn set(&self, mode: Mode, kit: &Kit) {
        let mut state = self.0.lock();
        let before = std::mem::replace(&mut state.mode, mode);
        match (before == Mode::Plan, mode == Mode::Plan) {
            (_, true) => kit.standing.set("mode", state.on.as_str()),
            (true, false) => kit.standing.set("mode", OVER),
            _ => {}
        }
    }

    /// The person approved the plan that is being presented.
    pub fn approve(&self, approved: Approved) {
        self.0.lock().approved = Some(approved);
    }

    /// Tells a conversation that was kept, or just begins, how things are now.
    pub fn recall(&self, agent: &Agent) {
        let was_on = agent.history().iter().rev().find_map(|entry| match entry {
            Entry::Note(text) if text.starts_with(ON) => Some(true),
            Entry::Note(text) if text == OVER => Some(false),
            _ => None,
        });
        let state = self.0.lock();
        match (was_on, state.mode) {
            (_, Mode::Plan) => agent.kit().standing.set("mode", state.on.as_str()),
            (Some(true), _) => agent.kit().standing.set("mode", OVER),
            _ => {}
        }
    }
}

/// The tool with which the model presents its plan.
pub struct PresentPlan(pub Modes);

#[async_trait]
impl Tool for PresentPlan {
    fn spec(&self) -> Spec {
        let plan = json!({"type": "string", "description": "The whole plan, in Markdown"});
        Spec {
            name: NAME.to_string(),
            description: "Only in plan mode: present the plan to the user, who approves, edits or rejects it.".to_string(),
            parameters: tools::schema(json!({"plan": plan}), &["plan"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        match self.0.get() {
            // Asked about, and alone.
            Mode::Plan => Ok(Effect::Write),
            _ => Err("plan mode is not on, so no plan has to be approved: do the task".to_string()),
        }
    }

    /// Runs once the person has approved, which ended plan mode.
    async fn call(&self, _args: Value, kit: &Kit) -> Result<String, String> {
        let approved = self.0.0.lock().approved.take();
        let mode = approved
            .as_ref()
            .map_or(Mode::Ask, |approved| approved.mode);
        self.0.set(mode, kit);
        let edited = approved.and_then(|approved| approved.edited);
        Ok(match edited {
            Some(plan) => format!(
                "The user changed the plan and approved it. Carry out this one now:\n\n{plan}"
            ),
            None => "The user approved the plan. Carry it out now.".to_string(),
        })
    }
}
