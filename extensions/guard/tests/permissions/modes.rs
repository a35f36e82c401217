//! Modes, and the order in which rules are asked.

use serde_json::json;
use std::path::Path;

use corecoder_guard::permissions::{Mode, Verdict};

use crate::{Project, bash, call};

#[test]
fn modes_are_named_as_here_and_as_in_claude_code() {
    let names = [
        ("ask", Some(Mode::Ask)),
        ("default", Some(Mode::Ask)),
        ("accept-edits", Some(Mode::AcceptEdits)),
        ("acceptEdits", Some(Mode::AcceptEdits)),
        ("plan", Some(Mode::Plan)),
        ("yolo", Some(Mode::Yolo)),
        ("bypassPermissions", Some(Mode::Yolo)),
        ("dontAsk", None),
        ("Ask", None),
        ("", None),
    ];
    for (name, mode) in names {
        assert_eq!(name.parse().ok(), mode, "{name}");
    }
    for mode in [Mode::Ask, Mode::AcceptEdits, Mode::Plan, Mode::Yolo] {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    let why = "dontAsk".parse::<Mode>().unwrap_err();
    assert!(why.contains("dontAsk"), "{why}");
}

#[test]
fn cycling_never_reaches_yolo() {
    let modes = [Mode::Ask, Mode::AcceptEdits, Mode::Plan, Mode::Yolo];
    let next = modes.map(Mode::next);
    assert_eq!(next, [Mode::AcceptEdits, Mode::Plan, Mode::Ask, Mode::Ask]);
}

#[test]
fn each_mode_has_its_order() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "ls", "allow"),
        (&[], "make", "ask"),
        (&["mode plan"], "ls", "allow"),
        (&["mode plan"], "make", "deny"),
        (&["mode plan", "allow bash"], "make", "deny"),
        (&["mode plan", "deny bash(ls)"], "ls", "deny"),
        (&["mode plan", "ask bash(ls)"], "ls", "ask"),
        (&["mode yolo"], "make \"", "allow"),
        (&["mode yolo", "ask bash"], "make", "allow"),
        (&["mode yolo", "deny bash"], "make", "deny"),
        (&["allow bash", "ask bash(make)"], "make", "ask"),
        (
            &["allow bash", "ask bash(make)", "deny bash(make)"],
            "make",
            "deny",
        ),
        (&["mode accept-edits"], "make", "ask"),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| {
            (
                Project::at(Path::new("/srv/project"), case.0).word(&bash(case.1)),
                case,
            )
        })
        .filter(|(word, case)| *word != case.2)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn other_tools_are_named_whole() {
    let cases: &[(&[&str], &str, &str)] = &[
        (&[], "mcp__github__create", "ask"),
        (
            &["allow mcp__github__create"],
            "mcp__github__create",
            "allow",
        ),
        (
            &["allow mcp__github__create"],
            "mcp__github__create2",
            "ask",
        ),
        (&["allow mcp__github__*"], "mcp__github__create", "allow"),
        (&["allow mcp__github"], "mcp__github__create", "allow"),
        (&["allow mcp__github"], "mcp__github2__create", "ask"),
        (&["allow mcp__git*"], "mcp__github__create", "allow"),
        (
            &["deny mcp__github__*", "mode yolo"],
            "mcp__github__create",
            "deny",
        ),
        (&["mode plan"], "mcp__github__create", "deny"),
        (&["mode plan"], "present_plan", "ask"),
        (&["mode plan", "allow present_plan"], "present_plan", "ask"),
        (&["mode plan", "deny present_plan"], "present_plan", "deny"),
        (&[], "present_plan", "allow"),
        (&["mode plan"], "todo_write", "allow"),
        (&[], "agent", "allow"),
        (&["mode plan"], "agent", "allow"),
        (&["deny Task"], "agent", "deny"),
        (&["deny agent"], "agent", "deny"),
        (&["ask Agent"], "agent", "ask"),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| {
            let project = Project::at(Path::new("/srv/project"), case.0);
            (project.word(&call(case.1, json!({}))), case)
        })
        .filter(|(word, case)| *word != case.2)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_refusal_tells_the_model_what_to_do() {
    let words =
        |rules: &[&str]| match Project::at(Path::new("/srv/project"), rules).judge(&bash("make")) {
            Verdict::Deny(words) => words,
            other => panic!("{other:?}"),
        };
    let plan = words(&["mode plan"]);
    assert!(
        plan.contains("Plan mode") && plan.contains("`present_plan`"),
        "{plan}"
    );
    let denied = words(&["deny Bash(make:*)"]);
    assert!(
        denied.contains("`bash(make:*)`") && denied.contains("ask the user"),
        "{denied}"
    );
}

#[test]
fn broken_arguments_are_asked() {
    let project = Project::at(
        Path::new("/srv/project"),
        &["allow bash(ls*)", "allow edit_file(src/**)"],
    );
    let mut broken = bash("ls");
    broken.args = Err("{".to_owned());
    let calls = [
        broken,
        call("bash", json!({})),
        call("bash", json!({"command": 1})),
        call("edit_file", json!({"file_path": ["src/a"]})),
        call("write_file", json!([])),
    ];
    for call in calls {
        let verdict = project.permissions.judge(
            &call,
            corecoder::Effect::Write,
            Mode::AcceptEdits,
            &project.root,
        );
        assert_eq!(verdict, Verdict::Ask { always: vec![] }, "{call:?}");
    }
}
