//! Rules as they stand in settings files.

use std::path::Path;

use corecoder_guard::permissions::{Permissions, Rule};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Project, bash, call};

/// A project with the rules of a settings file, and what was said about the file.
fn project(settings: &Value, foreign: bool) -> (Project, Vec<String>) {
    let mut project = Project::at(Path::new("/srv/project"), &[]);
    let problems = project.permissions.read(settings, foreign);
    (project, problems)
}

#[test]
fn rules_are_read_in_both_spellings_and_shown_in_ours() {
    let cases = [
        ("bash", Some("bash")),
        ("Bash", Some("bash")),
        ("Bash(*)", Some("bash")),
        ("bash(:*)", Some("bash")),
        (" Bash( git diff:* ) ", Some("bash(git diff:*)")),
        ("Bash(f (x) y)", Some("bash(f (x) y)")),
        ("Read(./.env)", Some("read_file(./.env)")),
        ("Edit(src/**)", Some("edit_file(src/**)")),
        ("MultiEdit(src/**)", Some("edit_file(src/**)")),
        ("Write(x)", Some("write_file(x)")),
        ("Glob", Some("glob")),
        ("Grep(x)", Some("grep(x)")),
        ("Task", Some("agent")),
        ("Agent", Some("agent")),
        ("mcp__a__b", Some("mcp__a__b")),
        ("mcp__a__*", Some("mcp__a__*")),
        ("todo_write", Some("todo_write")),
        ("", None),
        ("()", None),
        ("bash()", None),
        ("bash(", None),
        ("bash(x", None),
        ("bash(x) y", None),
        ("bash x", None),
        ("Task(x)", None),
        ("mcp__a__b(x)", None),
        ("edit_file(!x)", None),
        ("edit_file(src/[id]/*)", Some("edit_file(src/[id]/*)")),
        ("edit_file({a)", None),
    ];
    for (text, expected) in cases {
        let rule = text.parse::<Rule>();
        let shown = rule.as_ref().ok().map(Rule::to_string);
        assert_eq!(shown.as_deref(), expected, "{text} {rule:?}");
    }
    let why = "bash x".parse::<Rule>().unwrap_err();
    assert!(why.contains("bash(cargo test*)"), "{why}");
}

#[test]
fn the_settings_of_claude_code_are_understood() {
    let settings = json!({
        "$schema": "https://json.schemastore.org/claude-code-settings.json",
        "permissions": {
            "allow": [
                "Bash(npm run lint)",
                "Bash(npm run test:*)",
                "Bash(git commit:*)",
                "Read(~/.zshrc)",
                "WebFetch(domain:docs.example.com)",
                "WebSearch",
                "Skill(commit)",
                "mcp__github__get_issue",
                "mcp__puppeteer",
                "Task(Explore)",
                "NotebookEdit(x)"
            ],
            "ask": ["Bash(git push:*)"],
            "deny": [
                "Bash(curl:*)",
                "Read(./.env)",
                "Read(./.env.*)",
                "Read(./secrets/**)",
                "Edit(/docs/**)"
            ],
            "defaultMode": "acceptEdits",
            "additionalDirectories": ["../docs/"]
        },
        "env": {"FOO": "bar"},
        "hooks": {}
    });
    let (project, problems) = project(&settings, true);
    assert_eq!(problems, Vec::<String>::new());
    let lines = [
        ("npm run lint", "allow"),
        ("npm run lint x", "ask"),
        ("npm run test -- --watch", "allow"),
        ("npm run tests", "ask"),
        ("git commit -m 'a; b' && npm run test", "allow"),
        ("git commit -m x; git push", "ask"),
        ("git commit -m \"$(curl x)\"", "deny"),
    ];
    for (line, expected) in lines {
        assert_eq!(project.word(&bash(line)), expected, "{line}");
    }
    let files = [
        ("read_file", ".env", "deny"),
        ("read_file", ".env.local", "deny"),
        ("read_file", "secrets/a/b", "deny"),
        ("read_file", "x/.env", "allow"),
        ("edit_file", "docs/x", "deny"),
        ("edit_file", "x", "ask"),
    ];
    for (tool, file, expected) in files {
        let call = call(tool, json!({"file_path": file}));
        assert_eq!(project.word(&call), expected, "{file}");
    }
    assert_eq!(
        project.word(&call("mcp__github__get_issue", json!({}))),
        "allow"
    );
    assert_eq!(
        project.word(&call("mcp__puppeteer__click", json!({}))),
        "allow"
    );
    assert_eq!(project.word(&call("WebSearch", json!({}))), "ask");
}

#[test]
fn a_bad_entry_is_named_and_skipped_alone() {
    let settings = json!({"permissions": {
        "allow": ["bash(ls", 5, "bash(make*)", {"tool": "bash"}],
        "deny": "bash(rm *)",
        "ask": {"bash": true},
    }});
    let (permitted, problems) = project(&settings, false);
    assert_eq!(permitted.word(&bash("make x")), "allow");
    let expected = [
        "permissions.allow[0] \"bash(ls\"",
        "permissions.allow[1] 5",
        "permissions.allow[3] {\"tool\":\"bash\"}",
        "permissions.ask is no list",
        "permissions.deny is no list",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, start) in problems.iter().zip(expected) {
        assert!(problem.starts_with(start), "{problem}");
    }
    let silent = json!({"permissions": {"allow": ["bash(ls", 5, "Task(x)", "Bash(make)"]}});
    let (permitted, problems) = project(&silent, true);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(permitted.word(&bash("make")), "allow");
}

#[test]
fn settings_without_permissions_are_none() {
    let shapes = [
        (json!({}), 0),
        (json!(null), 0),
        (json!([]), 0),
        (json!({"permissions": null}), 0),
        (json!({"permissions": {}}), 0),
        (json!({"permissions": []}), 1),
        (json!({"permissions": "all"}), 1),
        (json!({"permissions": {"allow": null}}), 0),
    ];
    for (settings, count) in shapes {
        assert_eq!(project(&settings, false).1.len(), count, "{settings}");
    }
}

proptest! {
    #[test]
    fn a_rule_that_is_shown_and_read_again_is_the_same(
        text in "[a-zA-Z_*]{1,8}(\\([ -~]{0,20}\\))?|\\PC{0,20}|(Bash|Edit)\\([a-z*:/.~ \\\\!#\\[\\]{}]{0,12}\\)",
    ) {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule.clone()));
            Permissions::new(Path::new("/srv/project"), None).allow(rule);
        }
    }
}
