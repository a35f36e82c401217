//! What a hook answers, and what that means for the step: one table for each kind of step.

use corecoder_hooks::{Before, Decision, Heard, Hooks};
use serde_json::{Value, json};

use crate::{Place, call};

/// A command that prints `out` and `err` and ends with `code`.
fn says(out: &str, err: &str, code: i32) -> String {
    format!("cat >/dev/null; printf %s '{out}'; printf %s '{err}' >&2; exit {code}")
}

async fn heard(hooks: &Hooks, event: &str) -> Heard {
    match event {
        "SessionStart" => hooks.session_start("startup").await,
        "UserPromptSubmit" => hooks.user_prompt("do it").await,
        "PreCompact" => hooks.pre_compact("manual", "").await,
        "Stop" => hooks.stop(false).await,
        _ => panic!("{event} is no such step"),
    }
}

const STEPS: [&str; 4] = ["SessionStart", "UserPromptSubmit", "PreCompact", "Stop"];

/// Holds what a step comes to against a row: `text` for what begins a text, "" for none.
fn check(event: &str, row: &str, heard: &Heard, [blocked, context, warning, stop]: [&str; 4]) {
    let warnings = heard.warnings.join("\n");
    let found = [
        heard.blocked.as_deref().unwrap_or_default(),
        heard.context.as_deref().unwrap_or_default(),
        &warnings,
        heard.stop.as_deref().unwrap_or_default(),
    ];
    for (found, wanted) in found.iter().zip([blocked, context, warning, stop]) {
        assert_eq!(
            found.is_empty(),
            wanted.is_empty(),
            "{event}, {row}: {heard:?}"
        );
        assert!(
            found.contains(wanted),
            "{event}, {row}: {heard:?} has no {wanted:?}"
        );
    }
}

#[tokio::test]
async fn each_answer_has_its_outcome_in_each_step() {
    let place = Place::new();
    // Output, errors, code; then what is blocked, told to the model, told to the user, and stopped.
    let rows: &[(&str, &str, i32, [&str; 4])] = &[
        ("", "", 0, ["", "", "", ""]),
        ("{}", "noise", 0, ["", "", "", ""]),
        ("", "not today", 2, ["not today", "", "", ""]),
        (
            "{\"decision\": \"approve\"}",
            "not today",
            2,
            ["not today", "", "", ""],
        ),
        ("", "", 2, ["gave no reason", "", "", ""]),
        (
            "out",
            "broken",
            1,
            ["", "", "exited with 1 and was skipped: broken", ""],
        ),
        ("", "", 127, ["", "", "exited with 127 and was skipped", ""]),
        (
            "{\"decision\": \"block\", \"reason\": \"tests fail\"}",
            "",
            0,
            ["tests fail", "", "", ""],
        ),
        (
            "{\"decision\": \"block\"}",
            "",
            0,
            ["gave no reason", "", "", ""],
        ),
        (
            "{\"decision\": \"approve\", \"reason\": \"fine\"}",
            "",
            0,
            ["", "", "", ""],
        ),
        (
            "{\"decision\": \"maybe\"}",
            "",
            0,
            ["", "", "answered `decision` \"maybe\"", ""],
        ),
        (
            "{\"decision\": 7, \"suppressOutput\": 3}",
            "",
            0,
            ["", "", "answered `decision` 7", ""],
        ),
        (
            "{\"continue\": false, \"stopReason\": \"budget\"}",
            "",
            0,
            ["", "", "", "budget"],
        ),
        ("{\"continue\": false}", "", 0, ["", "", "", "ends it here"]),
        ("{\"continue\": true}", "", 0, ["", "", "", ""]),
        (
            "{\"systemMessage\": \"look\", \"suppressOutput\": true}",
            "",
            0,
            ["", "", "look", ""],
        ),
        (
            "{\"hookSpecificOutput\": {\"additionalContext\": \"branch main\"}}",
            "",
            0,
            ["", "branch main", "", ""],
        ),
        ("{\"hookSpecificOutput\": [1]}", "", 0, ["", "", "", ""]),
        (
            "{\"hookSpecificOutput\": {\"permissionDecision\": \"deny\"}}",
            "",
            0,
            ["", "", "", ""],
        ),
    ];
    for event in STEPS {
        for (out, err, code, wanted) in rows {
            let hooks = place.hook(event, &says(out, err, *code));
            let mut wanted = *wanted;
            // A session can't be kept from beginning, so its user reads the reason.
            if event == "SessionStart" && !wanted[0].is_empty() {
                wanted.swap(0, 2);
            }
            let row = format!("{out:?} {err:?} {code}");
            check(event, &row, &heard(&hooks, event).await, wanted);
        }
    }
}

#[tokio::test]
async fn plain_text_is_for_the_model_where_a_session_or_a_turn_begins() {
    let place = Place::new();
    for event in STEPS {
        let begins = matches!(event, "SessionStart" | "UserPromptSubmit");
        let text = if begins { "on branch main" } else { "" };
        let hooks = place.hook(event, "echo; echo on branch main; echo");
        check(
            event,
            "text",
            &heard(&hooks, event).await,
            ["", text, "", ""],
        );
        let text = if begins { "[1, 2]" } else { "" };
        let hooks = place.hook(event, "echo '[1, 2]'");
        check(
            event,
            "a list",
            &heard(&hooks, event).await,
            ["", text, "", ""],
        );
        let text = if begins { "{\"decision\":" } else { "" };
        let hooks = place.hook(event, "printf '{\"decision\": '");
        let warning = "printed JSON that can't be read";
        check(
            event,
            "half",
            &heard(&hooks, event).await,
            ["", text, warning, ""],
        );
    }
}

#[tokio::test]
async fn several_hooks_add_up() {
    let place = Place::new();
    let hooks = place.hooks(&json!({"UserPromptSubmit": [
        {"command": "echo one"},
        {"command": "echo no >&2; exit 2"},
        {"command": "echo two"},
        {"command": "exit 3"},
        {"command": "echo never >&2; exit 2"},
    ]}));
    let heard = hooks.user_prompt("x").await;
    assert_eq!(heard.context.as_deref(), Some("one\ntwo"));
    assert_eq!(heard.blocked.as_deref(), Some("no\nnever"));
    assert_eq!(heard.warnings.len(), 1);
}

fn judged(decision: &str, reason: &str) -> String {
    let output = json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse", "permissionDecision": decision, "permissionDecisionReason": reason}});
    says(&output.to_string(), "", 0)
}

async fn before(hooks: &Hooks) -> Before {
    hooks
        .before("", &call("bash", json!({"command": "ls"})))
        .await
}

#[tokio::test]
async fn each_answer_is_a_decision_about_the_call() {
    let place = Place::new();
    let deny = |reason: &str| Decision::Deny(format!("blocked by a hook: {reason}"));
    let rows: Vec<(String, Decision, &str)> = vec![
        (says("", "", 0), Decision::None, ""),
        (says("fine", "", 0), Decision::None, ""),
        (says("", "frozen", 2), deny("frozen"), ""),
        (says("", "x", 1), Decision::None, "exited with 1"),
        (judged("allow", ""), Decision::Allow, ""),
        (
            judged("ask", "sure?"),
            Decision::Ask("sure?".to_string()),
            "",
        ),
        (judged("deny", "never"), deny("never"), ""),
        (
            judged("defer", ""),
            Decision::None,
            "answered `permissionDecision` \"defer\"",
        ),
        (
            says("{\"decision\": \"approve\"}", "", 0),
            Decision::Allow,
            "",
        ),
        (
            says("{\"decision\": \"block\", \"reason\": \"old way\"}", "", 0),
            deny("old way"),
            "",
        ),
        (
            says("{\"continue\": false, \"stopReason\": \"enough\"}", "", 0),
            deny("enough"),
            "",
        ),
    ];
    for (command, decision, warning) in rows {
        let before = before(&place.hook("PreToolUse", &command)).await;
        assert_eq!(before.decision, decision, "{command}");
        assert_eq!(before.warnings.is_empty(), warning.is_empty(), "{command}");
        assert!(before.warnings.join("\n").contains(warning), "{command}");
        assert_eq!(
            before.stop.is_some(),
            command.contains("stopReason"),
            "{command}"
        );
    }
}

#[tokio::test]
async fn deny_beats_ask_beats_allow() {
    let place = Place::new();
    let rows: &[(&[&str], &str)] = &[
        (&["allow", "none"], "Allow"),
        (&["allow", "ask"], "Ask(\"ask!\")"),
        (&["ask", "allow", "ask"], "Ask(\"ask!\\nask!\")"),
        (
            &["allow", "deny", "ask"],
            "Deny(\"blocked by a hook: deny!\")",
        ),
        (&["deny", "allow"], "Deny(\"blocked by a hook: deny!\")"),
    ];
    for (words, wanted) in rows {
        let entry = |word: &&str| match *word {
            "none" => json!({"command": "true"}),
            word => json!({"command": judged(word, &format!("{word}!"))}),
        };
        let entries: Vec<Value> = words.iter().map(entry).collect();
        let before = before(&place.hooks(&json!({"PreToolUse": entries}))).await;
        assert_eq!(format!("{:?}", before.decision), *wanted, "{words:?}");
    }
}

#[tokio::test]
async fn a_matcher_takes_both_spellings_of_a_tool_and_the_whole_of_a_name() {
    let place = Place::new();
    let rows: &[(&str, &str, bool)] = &[
        ("", "bash", true),
        ("*", "mcp__a__b", true),
        ("bash", "bash", true),
        ("Bash", "bash", true),
        ("Bash|Edit", "edit_file", true),
        ("MultiEdit", "edit_file", true),
        ("Task", "agent", true),
        ("Read", "read_file", true),
        ("Write|Glob|Grep", "grep", true),
        ("mcp__.*", "mcp__a__b", true),
        (".*", "glob", true),
        ("ba", "bash", false),
        ("ash", "bash", false),
        ("BASH", "bash", false),
        ("Edit", "write_file", false),
        ("Bash", "Bashful", false),
        ("Edit|x", "edit_files", false),
    ];
    for (matcher, tool, wanted) in rows {
        let hooks =
            place.hooks(&json!({"PreToolUse": [{"matcher": matcher, "command": "exit 2"}]}));
        let before = hooks.before("", &call(tool, json!({}))).await;
        let denied = matches!(before.decision, Decision::Deny(_));
        assert_eq!(denied, *wanted, "{matcher:?} {tool}");
    }
}

#[tokio::test]
async fn sessions_and_compactions_are_matched_by_their_cause() {
    let place = Place::new();
    let hooks = place.hooks(&json!({
        "SessionStart": [{"matcher": "startup|clear", "command": "echo hello"}],
        "PreCompact": [{"matcher": "auto", "command": "exit 2"}],
        "Stop": [{"matcher": "whatever", "command": "exit 2"}],
    }));
    for (source, wanted) in [
        ("startup", true),
        ("clear", true),
        ("resume", false),
        ("compact", false),
    ] {
        assert_eq!(
            hooks.session_start(source).await.context.is_some(),
            wanted,
            "{source}"
        );
    }
    assert!(hooks.pre_compact("auto", "").await.blocked.is_some());
    assert!(hooks.pre_compact("manual", "").await.blocked.is_none());
    assert!(
        hooks.stop(true).await.blocked.is_some(),
        "a stop has nothing to match"
    );
}
