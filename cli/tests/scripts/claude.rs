//! A project that was set up for Claude Code, unchanged: its rules, hooks, skills, commands and words work here.

use std::path::Path;

use serde_json::{Value, json};

use crate::lines;
use crate::place::{Place, copy};
use crate::provider::{Answer, Provider, bash, calls, says};

fn shop() -> Place {
    let place = Place::new();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/fixtures/claude");
    copy(&fixture, &place.project(""));
    place
}

/// What a hook was told, as it kept it.
fn heard(place: &Place, name: &str) -> Value {
    serde_json::from_str(&place.read(&format!("heard.{name}"))).unwrap()
}

#[test]
fn nothing_in_it_is_a_problem() {
    let (place, provider) = (shop(), Provider::saying([says("ok")]));
    let (stdout, stderr) = place.done(&provider, &["-p", "hi", "--trust"]);
    assert_eq!(stdout, "ok\n");
    assert!(!stderr.contains("corecoder: "), "{stderr}");
    // The model of another program is none here.
    assert_eq!(provider.requests()[0]["model"], "gpt-5.5");
}

#[test]
fn its_words_and_its_catalogue_of_skills_stand_in_the_system_prompt() {
    let (place, provider) = (shop(), Provider::saying([says("ok")]));
    place.done(&provider, &["-p", "hi", "--trust"]);
    let system = provider.system();
    for part in [
        "A small web shop.",
        "Names are nouns, and no line is longer than 100 columns.",
        "- release: Cuts a release: tags, notes and upload.",
        ".claude/skills/release/SKILL.md",
    ] {
        assert!(system.contains(part), "{part}: {system}");
    }
    assert!(
        !system.contains("Only for those who ask for it."),
        "{system}"
    );
    assert!(!system.contains("Tag version"), "{system}");
}

#[test]
fn its_rules_allow_and_deny() {
    let place = shop();
    place
        .brings("src/a", "x")
        .brings("b", "x")
        .brings(".env", "KEY=hidden");
    let provider = Provider::saying([
        bash(&[
            "mkdir -p build/x",
            "touch build/y",
            "touch z",
            "rm b",
            "mkdir c && rm b",
            "mv b d",
            "mv src/a e",
            "mv src e",
            "cat .env",
        ]),
        calls(&[
            ("read_file", json!({"file_path": ".env"})),
            (
                "edit_file",
                json!({"file_path": "src/a", "old_string": "x", "new_string": "y"}),
            ),
            ("write_file", json!({"file_path": "f", "content": "x"})),
        ]),
        says("ok"),
    ]);
    place.done(&provider, &["-p", "hi", "--trust"]);
    let there = |name: &str| place.project(name).exists();
    let made = ["build/x", "build/y", "z", "c", "d", "e", "f"].map(there);
    assert_eq!(made, [true, true, false, false, true, true, false]);
    let results = provider.results();
    for (at, rule) in [(3, "bash(rm:*)"), (4, "bash(rm:*)"), (7, "bash(mv src:*)")] {
        assert!(
            results[at].contains(&format!("the rule `{rule}`")),
            "{}",
            results[at]
        );
    }
    for at in [8, 9] {
        assert!(
            results[at].contains("the rule `read_file(./.env)`"),
            "{}",
            results[at]
        );
        assert!(!results[at].contains("hidden"));
    }
    assert!(results[2].contains("no rule allows this"), "{}", results[2]);
}

#[test]
fn a_hook_is_told_of_a_call_in_claude_codes_words() {
    let place = shop();
    let provider = Provider::saying([
        calls(&[
            ("bash", json!({"command": "mkdir new", "timeout": 7})),
            (
                "write_file",
                json!({"file_path": "src/new.rs", "content": "x\n"}),
            ),
        ]),
        says("ok"),
    ]);
    let args = ["-p", "hi", "--trust", "--output-format", "json"];
    let (stdout, _) = place.done(&provider, &args);
    let session = lines(&stdout)[0]["session_id"].clone();
    let folder = place.project("").canonicalize().unwrap();
    let root = folder.to_str().unwrap().trim_end_matches('/').to_string();
    let bash = heard(&place, "bash");
    assert_eq!(bash["hook_event_name"], "PreToolUse");
    assert_eq!(bash["tool_name"], "Bash");
    assert_eq!(
        bash["tool_input"],
        json!({"command": "mkdir new", "timeout": 7000})
    );
    assert_eq!(
        (&bash["session_id"], &bash["cwd"]),
        (&session, &json!(root))
    );
    let transcript = bash["transcript_path"].as_str().unwrap();
    assert!(Path::new(transcript).is_file(), "{transcript}");
    let edit = heard(&place, "edit");
    assert_eq!(edit["tool_name"], "Write");
    let input = json!({"file_path": format!("{root}/src/new.rs"), "content": "x\n"});
    assert_eq!(edit["tool_input"], input);
    let edited = heard(&place, "edited");
    assert_eq!(edited["hook_event_name"], "PostToolUse");
    assert_eq!(edited["tool_response"]["success"], true);
    assert_eq!(heard(&place, "start")["source"], "startup");
    assert_eq!(heard(&place, "prompt")["prompt"], "hi");
}

#[test]
fn hooks_before_and_after_a_call_have_their_say() {
    let place = shop();
    let provider = Provider::saying([
        bash(&["git push --force", "mkdir here"]),
        calls(&[(
            "write_file",
            json!({"file_path": "src/new.rs", "content": "x\n"}),
        )]),
        says("ok"),
    ]);
    // Denied is denied, whatever the mode is.
    let args = ["-p", "hi", "--trust", "--yes", "--output-format", "json"];
    let (stdout, _) = place.done(&provider, &args);
    let results = provider.results();
    assert!(
        results[0].contains("Push by hand, please."),
        "{}",
        results[0]
    );
    assert!(
        results[2].contains("The formatter changed two lines."),
        "{}",
        results[2]
    );
    let there = ["here", "there"].map(|name| place.project(name).exists());
    assert_eq!(there, [false, true]);
    let denials = &lines(&stdout)[0]["permission_denials"];
    assert_eq!(denials.as_array().unwrap().len(), 1, "{denials}");
    assert_eq!(denials[0]["tool_input"]["command"], "git push --force");
}

#[test]
fn hooks_add_to_the_session_and_to_the_prompt() {
    let (place, provider) = (shop(), Provider::saying([says("ok")]));
    place.done(&provider, &["-p", "hi", "--trust"]);
    let told = provider.told(0);
    for part in ["The branch is main.", "Today is market day.", "hi"] {
        assert_eq!(told.matches(part).count(), 1, "{part}: {told}");
    }
}

#[test]
fn a_prompt_that_a_hook_blocks_is_never_sent() {
    for format in ["text", "json", "stream-json"] {
        let (place, provider) = (shop(), Provider::saying([says("ok")]));
        let args = [
            "-p",
            "the password is x",
            "--trust",
            "--output-format",
            format,
        ];
        let (code, stdout, stderr) = place.run(&provider, &args);
        assert_eq!(code, 1, "{stderr}");
        assert!(
            stderr.contains("A password does not belong into a prompt."),
            "{stderr}"
        );
        assert_eq!(provider.requests().len(), 0);
        let lines = lines(&stdout);
        let Some(result) = lines.last() else {
            assert_eq!(format, "text");
            continue;
        };
        assert_eq!(result["subtype"], "error_during_execution");
        let error = result["errors"][0].as_str().unwrap();
        assert!(
            error.contains("A password does not belong into a prompt."),
            "{error}"
        );
        assert!(!error.contains("interrupted"), "{error}");
    }
}

#[test]
fn a_stop_hook_sends_the_model_back_to_work_once() {
    let place = shop();
    place.brings("unfinished", "");
    let provider = Provider::saying([says("first"), says("second")]);
    let (stdout, _) = place.done(&provider, &["-p", "hi", "--trust"]);
    assert_eq!(stdout, "second\n");
    assert_eq!(provider.requests().len(), 2);
    let told = provider.told(1);
    assert_eq!(
        told.matches("The changelog is missing.").count(),
        1,
        "{told}"
    );
}

#[test]
fn a_hook_hears_that_a_sub_agent_is_done() {
    let place = shop();
    let provider = Provider::new(|_, request| {
        let messages = request["messages"].to_string();
        Answer::Delta(match () {
            () if messages.contains("\"role\":\"tool\"") => says("all done"),
            () if messages.contains("look around") && !messages.contains("delegate") => {
                says("seen")
            }
            () => calls(&[("agent", json!({"task": "look around"}))]),
        })
    });
    let (stdout, _) = place.done(&provider, &["-p", "delegate it", "--trust"]);
    assert_eq!(stdout, "all done\n");
    assert_eq!(heard(&place, "subagent")["hook_event_name"], "SubagentStop");
}

#[test]
fn a_prompt_that_begins_with_a_command_or_a_skill_is_its_text() {
    let rows: [(&str, &[&str]); 7] = [
        (
            "/review 12 \"the tests\"",
            &["Review change 12 and look at the tests."],
        ),
        (
            "/frontend:button Buy now",
            &["Make a button that says Buy now."],
        ),
        (
            "/release 1.2.3",
            &[
                "Follow the skill release.",
                "Tag version 1.2.3, then follow notes.md.",
            ],
        ),
        ("/quiet mice", &["Be quiet about mice."]),
        ("  /review 12 it\n", &["Review change 12 and look at it."]),
        ("/usr/bin is a folder", &["/usr/bin is a folder"]),
        ("/nobody knows it", &["/nobody knows it"]),
    ];
    for (prompt, expected) in rows {
        let (place, provider) = (shop(), Provider::saying([says("ok")]));
        place.done(&provider, &["-p", prompt, "--trust"]);
        let told = provider.told(0);
        for part in expected {
            assert!(told.contains(part), "{prompt}: {told}");
        }
        assert!(!told.contains("allowed-tools"), "{told}");
    }
}

#[test]
fn the_first_line_of_json_names_its_commands_and_skills() {
    let (place, provider) = (shop(), Provider::saying([says("ok")]));
    let args = ["-p", "hi", "--trust", "--output-format", "stream-json"];
    let init = lines(&place.done(&provider, &args).0)[0].clone();
    assert_eq!(init["skills"], json!(["quiet", "release"]));
    let commands = init["slash_commands"].as_array().unwrap();
    for name in ["review", "frontend:button", "release", "quiet"] {
        assert!(commands.contains(&json!(name)), "{name}: {commands:?}");
    }
}
