//! `bash` within the walls: how far a command may go, and the question whether one that failed by them may run outside.
//!
//! It stands right around the tool, so that hooks and what follows changes see one call, however often it ran.

use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Effect, Kit, Spec, Tool};
use serde_json::Value;

use crate::person::Person;
use crate::question::Answer;
use crate::walls::{Walls, Way};

/// What a line begins with in which the sandbox says what it refused.
const REFUSED: &str = "[sandbox: ";

/// The tool `bash` where walls stand.
pub struct Walled {
    tool: Arc<dyn Tool>,
    walls: Walls,
    person: Arc<Person>,
    /// What the model is told of the tool; the same for the whole session.
    spec: Spec,
}

#[async_trait]
impl Tool for Walled {
    fn spec(&self) -> Spec {
        self.spec.clone()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        self.tool.effect(args, kit)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let command = args["command"].as_str().unwrap_or_default();
        let (way, folder) = (self.person.way(&kit.name, command), kit.files.cwd());
        let result = self.run(way, &args, kit).await;
        let Err(text) = &result else { return result };
        let refusals = refusals(text);
        if refusals.is_empty() {
            return result;
        }
        match self.person.lets_outside(&kit.name, &args, &refusals).await {
            Some(Answer::Yes) => {
                // It begins where it began before, whatever it did to that.
                kit.files.enter(folder);
                noted(self.run(Way::Outside, &args, kit).await, LET_OUT)
            }
            Some(Answer::No(said)) => {
                let note =
                    format!("[the user was asked to let this run outside of the sandbox; {said}]");
                noted(result, &note)
            }
            _ => result,
        }
    }
}

const LET_OUT: &str = "[it failed in the sandbox, so the user let it run outside, this once]";

impl Walled {
    pub fn new(tool: Arc<dyn Tool>, person: &Arc<Person>) -> Walled {
        let mut spec = tool.spec();
        if let Some(words) = person.walls.words(person.is_timid()) {
            spec.description = format!("{} {words}", spec.description.trim_end());
        }
        Walled {
            tool,
            walls: person.walls.clone(),
            person: person.clone(),
            spec,
        }
    }

    async fn run(&self, way: Way, args: &Value, kit: &Kit) -> Result<String, String> {
        let mut kit = kit.clone();
        kit.shell = Arc::new(self.walls.shell(way));
        self.tool.call(args.clone(), &kit).await
    }
}

/// What the sandbox refused, as it says at the end of an output.
fn refusals(text: &str) -> Vec<String> {
    let lines = text.lines().rev().filter(|line| !line.trim().is_empty());
    let mut refusals: Vec<String> = lines
        .take_while(|line| line.starts_with(REFUSED))
        // The others say what was ended or changed, which would be no other outside.
        .filter(|line| line.contains(" refused") || line.contains(" was not reached"))
        .map(str::to_string)
        .collect();
    refusals.reverse();
    refusals
}

/// A result with another line.
fn noted(result: Result<String, String>, note: &str) -> Result<String, String> {
    let add = |text: String| match text.trim_end_matches('\n') {
        "" => note.to_string(),
        text => format!("{text}\n{note}"),
    };
    result.map(add).map_err(add)
}
