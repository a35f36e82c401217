//! What may run without a question, through the public API; the cases are data.

mod always;
mod bash;
mod files;
mod lines;
mod modes;
mod remembering;
mod settings;

use std::path::{Path, PathBuf};

use corecoder::{Effect, ToolCall};
use corecoder_guard::judge;
use corecoder_guard::permissions::{Mode, Permissions, Rule, Verdict};
use serde_json::{Value, json};

const HOME: &str = "/home/user";

fn call(name: &str, args: Value) -> ToolCall {
    ToolCall {
        id: "1".to_owned(),
        name: name.to_owned(),
        args: Ok(args),
        echo: serde_json::Map::new(),
    }
}

fn bash(line: &str) -> ToolCall {
    call("bash", json!({"command": line}))
}

fn rule(text: &str) -> Rule {
    text.parse().unwrap_or_else(|why| panic!("{text}: {why}"))
}

/// The effect as the tool itself would tell it.
fn effect(call: &ToolCall, root: &Path) -> Effect {
    let args = call.args.as_ref().expect("arguments");
    match (&*call.name, args["command"].as_str()) {
        ("bash", Some(line)) => judge(line, root, Some(Path::new(HOME))).effect,
        ("read_file" | "glob" | "grep" | "locate" | "todo_write" | "present_plan", _) => {
            Effect::Read
        }
        ("agent", _) => Effect::Delegate,
        _ => Effect::Write,
    }
}

/// A project with rules such as `allow bash(ls)`, one each.
struct Project {
    root: PathBuf,
    permissions: Permissions,
    mode: Mode,
}

impl Project {
    fn at(root: &Path, rules: &[&str]) -> Project {
        let mut permissions = Permissions::new(root, Some(Path::new(HOME)));
        let mut mode = Mode::Ask;
        for text in rules {
            let (kind, rest) = text.split_once(' ').expect("a kind and a rule");
            match kind {
                "allow" => permissions.allow(rule(rest)),
                "deny" => permissions.deny(rule(rest)),
                "ask" => permissions.ask(rule(rest)),
                _ => mode = rest.parse().expect("a mode"),
            }
        }
        let root = root.to_owned();
        Project {
            root,
            permissions,
            mode,
        }
    }

    fn judge(&self, call: &ToolCall) -> Verdict {
        let effect = effect(call, &self.root);
        self.permissions.judge(call, effect, self.mode, &self.root)
    }

    fn word(&self, call: &ToolCall) -> &'static str {
        match self.judge(call) {
            Verdict::Allow => "allow",
            Verdict::Deny(_) => "deny",
            Verdict::Ask { .. } => "ask",
        }
    }

    /// What "always" would remember, shown.
    fn always(&self, call: &ToolCall) -> Vec<String> {
        match self.judge(call) {
            Verdict::Ask { always } => always.iter().map(Rule::to_string).collect(),
            other => panic!("{call:?} is not asked but {other:?}"),
        }
    }
}

/// Checks lines against one set of rules; the rows that come out wrong are shown together.
#[track_caller]
fn check(rules: &[&str], expected: &str, lines: &[&str]) {
    let project = Project::at(Path::new("/srv/project"), rules);
    let wrong: Vec<(&str, &&str)> = lines
        .iter()
        .map(|line| (project.word(&bash(line)), line))
        .filter(|(word, _)| *word != expected)
        .collect();
    assert!(
        wrong.is_empty(),
        "should be {expected} with {rules:?}: {wrong:#?}"
    );
}
