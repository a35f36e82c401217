//! The rows: what is run, and by what one sees that it got through, or worked.

use corecoder_sandbox::Mechanism;
use serde::Deserialize;
use serde_json::Value;

/// One row, with names in braces that a world fills in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    /// How hard, as its author thought; what is to be known of it; that it would do harm without a sandbox.
    #[serde(default, rename = "difficulty")]
    _difficulty: Value,
    #[serde(default, rename = "note")]
    _note: Value,
    #[serde(default, rename = "unsafe")]
    _unsafe: Value,
    #[serde(default, rename = "shell")]
    _shell: Value,
    /// From the first file.
    #[serde(skip)]
    pub is_first: bool,
    /// Of an attack: what it is after.
    pub category: Option<String>,
    command: Lines,
    /// What the user did before, outside of the sandbox.
    pub before: Option<String>,
    /// What the user does outside of it while the command runs.
    pub meanwhile: Option<String>,
    /// Seconds that the bash tool gives it.
    #[serde(default = "usual")]
    pub timeout: u64,
    /// Of the world: where the agent works.
    #[serde(default = "workspace")]
    pub folder: String,
    /// Seconds after which the agent is killed.
    pub killed_after: Option<f64>,
    /// The agent has a terminal.
    #[serde(default)]
    pub tty: bool,
    /// Terminals of others come and go while it runs.
    #[serde(default)]
    pub terminals: bool,
    /// The user lets commands reach the network.
    #[serde(default)]
    pub network: bool,
    /// It uses up what others would need: as many processes as the machine has numbers for, with its like.
    #[serde(default)]
    pub alone: bool,
    /// It may fail, which is told.
    #[serde(default)]
    pub optional: bool,
    /// It may fail under this mechanism, which is told.
    pub optional_under: Option<String>,
    /// What an attack must not bring about.
    pub breach: Option<Breach>,
    /// What the output of everyday work must hold.
    pub contains: Option<String>,
    /// The output must be that of plain bash.
    #[serde(default)]
    pub same: bool,
}

/// A command, or several that one agent runs one after the other.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    More(Vec<String>),
}

/// Each is a way to see from outside that an attack got through.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Breach {
    /// Run afterwards, outside of the sandbox: somebody's own next step.
    pub host_cmd: Option<String>,
    /// A path of the world that is there.
    pub exists: Option<String>,
    pub exists_abs: Option<String>,
    /// A folder of the world that is there no more.
    pub missing: Option<String>,
    /// A file of the world that is not as it was.
    pub changed: Option<String>,
    /// The output has this (a regular expression).
    pub stdout: Option<String>,
    /// The output does not have this: what is tried must have been tried to its end.
    pub unless_stdout: Option<String>,
    /// One of the machine's sockets was reached.
    pub net: bool,
    /// The machine could reach a socket of the command's.
    pub connected: bool,
    /// A System V segment was left behind.
    pub sysv: bool,
    pub victim_dead: bool,
    /// The victim does not run: it was stopped.
    pub victim_stopped: bool,
    /// The agent died, or did not answer.
    pub tool_died: bool,
    /// Seconds.
    pub slower_than: Option<f64>,
    /// A process with this command line runs on.
    pub proc: Option<String>,
}

fn workspace() -> String {
    "ws".to_string()
}

fn usual() -> u64 {
    30
}

/// All rows, in their order.
pub fn all() -> Vec<Case> {
    let first = rows(include_str!("../data/attacks.json"));
    let first = first.map(|case| Case {
        is_first: true,
        ..case
    });
    first
        .chain(rows(include_str!("../data/more.json")))
        .collect()
}

fn rows(text: &str) -> impl Iterator<Item = Case> {
    let mut file: Value = serde_json::from_str(text).expect("a file of rows is JSON");
    let parts = ["attacks", "benign"].map(|part| file[part].take());
    let rows = parts.into_iter().filter_map(|part| match part {
        Value::Array(rows) => Some(rows),
        _ => None,
    });
    rows.flatten()
        .map(|row| serde_json::from_value(row).expect("a row has the known fields"))
}

impl Case {
    /// What works wherever anything does.
    pub fn trial() -> Case {
        let row = serde_json::json!({"id": "trial", "command": "echo works", "contains": "works"});
        serde_json::from_value(row).expect("a row has the known fields")
    }

    /// The part of the test's name that says what it proves.
    pub fn sentence(&self, mechanism: Mechanism) -> String {
        match (&self.breach, mechanism) {
            (Some(_), Mechanism::Namespaces) => "no_attack_gets_through_in_namespaces".to_string(),
            (Some(_), other) => format!("no_attack_gets_through_under_{other}"),
            (None, Mechanism::Namespaces) => "everyday_work_works_in_namespaces".to_string(),
            (None, other) => format!("everyday_work_works_under_{other}"),
        }
    }

    pub fn commands(&self) -> Vec<&str> {
        match &self.command {
            Lines::One(line) => vec![line],
            Lines::More(lines) => lines.iter().map(String::as_str).collect(),
        }
    }

    /// Each text of it made another.
    pub fn map(&self, fill: &dyn Fn(&str) -> String) -> Case {
        let lines = self.commands().into_iter().map(fill).collect();
        let text = |text: &Option<String>| text.as_deref().map(fill);
        let breach = self.breach.as_ref().map(|breach| Breach {
            host_cmd: text(&breach.host_cmd),
            exists: text(&breach.exists),
            exists_abs: text(&breach.exists_abs),
            missing: text(&breach.missing),
            changed: text(&breach.changed),
            stdout: text(&breach.stdout),
            unless_stdout: text(&breach.unless_stdout),
            proc: text(&breach.proc),
            ..breach.clone()
        });
        Case {
            command: Lines::More(lines),
            breach,
            before: text(&self.before),
            meanwhile: text(&self.meanwhile),
            contains: text(&self.contains),
            ..self.clone()
        }
    }
}
