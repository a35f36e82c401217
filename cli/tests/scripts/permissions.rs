//! What may happen while nobody is there to be asked: by default, by rules, and by modes.

use std::fs;

use serde_json::{Value, json};

use crate::lines;
use crate::place::Place;
use crate::provider::{Provider, bash, calls, says};

/// A project with something to change, and what comes of one reply with these calls.
struct Tried {
    place: Place,
    provider: Provider,
    result: Value,
}

fn tried(reply: Value, args: &[&str]) -> Tried {
    let place = Place::new();
    place
        .brings("src/a", "old")
        .brings("b", "old")
        .brings("c", "old");
    let provider = Provider::saying([reply, says("done")]);
    let args = [&["-p", "go", "--output-format", "json"], args].concat();
    let (stdout, _) = place.done(&provider, &args);
    let result = lines(&stdout)[0].clone();
    Tried {
        place,
        provider,
        result,
    }
}

impl Tried {
    /// Which of these calls were refused, and so are told at the end of the run.
    fn refused(&self, count: usize) -> Vec<bool> {
        let denials = self.result["permission_denials"].as_array().unwrap();
        let refused = |at: usize| {
            let id = json!(format!("c{at}"));
            let told = denials.iter().any(|denial| denial["tool_use_id"] == id);
            let answered = self.provider.results()[at].starts_with("Error: not allowed");
            assert_eq!(
                told,
                answered,
                "{at}: {denials:?} {:?}",
                self.provider.results()
            );
            told
        };
        (0..count).map(refused).collect()
    }

    fn there(&self, name: &str) -> bool {
        self.place.project(name).exists()
    }
}

fn edit(path: &str) -> (&'static str, Value) {
    let args = json!({"file_path": path, "old_string": "old", "new_string": "new"});
    ("edit_file", args)
}

fn write(path: &str) -> (&'static str, Value) {
    ("write_file", json!({"file_path": path, "content": "new"}))
}

#[test]
fn without_a_word_writes_are_refused_with_words_that_help_and_reads_are_not() {
    let reply = calls(&[
        ("bash", json!({"command": "touch new"})),
        write("new"),
        edit("b"),
        ("bash", json!({"command": "cat b | wc -l"})),
        ("read_file", json!({"file_path": "b"})),
    ]);
    let tried = tried(reply, &[]);
    assert_eq!(tried.refused(5), [true, true, true, false, false]);
    assert_eq!(
        (tried.there("new"), tried.place.read("b").as_str()),
        (false, "old")
    );
    for result in &tried.provider.results()[..3] {
        for part in ["nobody is here to be asked", "--yes", "say in your answer"] {
            assert!(result.contains(part), "{result}");
        }
    }
}

#[test]
fn what_a_person_may_do_about_a_refused_call_is_told_to_the_person() {
    let place = Place::new();
    let provider = Provider::saying([bash(&["touch new"]), says("done")]);
    let (_, stderr) = place.done(&provider, &["-p", "go"]);
    assert!(
        stderr.contains("✗ bash touch new") && stderr.contains("--yes"),
        "{stderr}"
    );
    assert!(stderr.contains("--allowed-tools"), "{stderr}");
}

#[test]
fn allowed_tools_allow_what_they_name_and_nothing_else() {
    /// The flags, a call, and whether it is refused.
    type Row<'a> = (&'a [&'a str], (&'static str, Value), bool);
    let run = |command: &str| ("bash", json!({"command": command}));
    let both: &[&str] = &["--allowed-tools", "bash(touch n*)", "edit_file(src/**)"];
    let rows: [Row<'_>; 22] = [
        (both, run("touch new"), false),
        (both, run("touch new && touch newer"), false),
        (both, run("touch new; rm b"), true),
        (both, run("touch new > b"), true),
        (both, run("touch $(rm b)"), true),
        (both, run("touch new | tee b"), true),
        (both, run("touch other"), true),
        (both, run("cat b && touch new"), false),
        (both, edit("src/a"), false),
        (both, edit("./src/../src/a"), false),
        (both, edit("src/../b"), true),
        (both, edit("b"), true),
        (both, write("src/new"), false),
        (
            &["--allowed-tools", "bash(touch n*),write_file"],
            run("touch new"),
            false,
        ),
        (
            &["--allowed-tools", "bash(touch n*) write_file"],
            write("new"),
            false,
        ),
        (
            &[
                "--allowed-tools",
                "bash(touch n*)",
                "--allowed-tools",
                "Edit(b)",
            ],
            edit("b"),
            false,
        ),
        (
            &["--allowed-tools", "Bash(touch:*)"],
            run("touch anything"),
            false,
        ),
        (&["--allowed-tools", "bash"], run("rm b"), false),
        (
            &["--allowed-tools", "edit_file(src/**)"],
            run("touch src/a"),
            true,
        ),
        (
            &["--allowed-tools", "bash", "--disallowed-tools", "bash(rm*)"],
            run("rm b"),
            true,
        ),
        (
            &["--allowed-tools", "bash", "--disallowed-tools", "bash(rm*)"],
            run("echo; rm b"),
            true,
        ),
        (
            &["--allowed-tools", "bash", "--disallowed-tools", "bash(rm*)"],
            run("touch b"),
            false,
        ),
    ];
    for (flags, call, refused) in rows {
        let tried = tried(calls(std::slice::from_ref(&call)), flags);
        assert_eq!(tried.refused(1), [refused], "{flags:?} {call:?}");
    }
}

#[test]
fn a_tool_that_is_disallowed_whole_is_not_offered() {
    for flag in ["bash", "Bash", "bash,glob", "bash(*)", "ba*"] {
        let tried = tried(bash(&["cat b"]), &["--yes", "--disallowed-tools", flag]);
        let tools = tried.provider.tools(0);
        assert!(!tools.contains(&"bash".to_string()), "{flag}: {tools:?}");
        assert_eq!(tools.contains(&"glob".to_string()), !flag.contains("glob"));
        assert!(tools.contains(&"read_file".to_string()), "{tools:?}");
        let result = &tried.provider.results()[0];
        assert!(
            result.starts_with("Error: ") && !result.contains("old"),
            "{result}"
        );
    }
}

#[test]
fn a_sub_agent_has_no_tool_that_is_disallowed() {
    let reply = calls(&[("agent", json!({"task": "look"}))]);
    let tried = tried(reply, &["--disallowed-tools", "bash"]);
    let tools = tried.provider.tools(1);
    assert!(!tools.contains(&"bash".to_string()), "{tools:?}");
}

#[test]
fn what_is_denied_stays_denied_with_yes() {
    let commands = [
        "rm b",
        "cat b; rm b",
        "cat b && rm b",
        "sh -c 'rm b'",
        "env X=1 rm b",
        "/bin/rm b",
        "command rm b",
        "echo b | xargs rm",
        "find . -name b -exec rm {} +",
        "(rm b)",
        "echo $(rm b)",
        "X=1 rm b",
        "rm\tb",
        "'rm' b",
    ];
    let tried = tried(
        bash(&commands),
        &["--yes", "--disallowed-tools", "bash(rm*)"],
    );
    assert_eq!(tried.refused(commands.len()), [true; 14]);
    assert!(tried.there("b"));
}

#[test]
fn a_deny_of_the_settings_holds_with_yes_and_with_an_allowing_flag() {
    for flags in [
        &["--yes"][..],
        &["--mode", "yolo"],
        &["--allowed-tools", "bash"],
    ] {
        let place = Place::new();
        place.brings("b", "old");
        place.own(
            ".corecoder/settings.json",
            r#"{"permissions": {"deny": ["bash(rm:*)", "Edit(b)"]}}"#,
        );
        let provider = Provider::saying([
            calls(&[("bash", json!({"command": "rm b"})), edit("b"), write("b")]),
            says("done"),
        ]);
        place.done(&provider, &[&["-p", "go"], flags].concat());
        assert_eq!(place.read("b"), "old", "{flags:?}");
    }
}

#[test]
fn with_yes_everything_else_is_done() {
    let reply = calls(&[
        ("bash", json!({"command": "touch new && rm c"})),
        edit("b"),
        write("d"),
    ]);
    for flags in [&["--yes"][..], &["--mode", "yolo"]] {
        let tried = tried(reply.clone(), flags);
        assert_eq!(tried.refused(3), [false; 3]);
        assert_eq!(
            ["new", "c", "d"].map(|name| tried.there(name)),
            [true, false, true]
        );
        assert_eq!(tried.place.read("b"), "new");
    }
}

#[test]
fn in_plan_mode_nothing_is_written_and_the_plan_is_the_answer() {
    let reply = calls(&[
        ("bash", json!({"command": "touch new"})),
        write("new"),
        edit("b"),
        ("read_file", json!({"file_path": "b"})),
        ("present_plan", json!({"plan": "1. Change b."})),
    ]);
    let tried = tried(
        reply,
        &["--mode", "plan", "--allowed-tools", "bash", "edit_file"],
    );
    assert_eq!(tried.refused(5), [true, true, true, false, true]);
    assert_eq!(
        (tried.there("new"), tried.place.read("b").as_str()),
        (false, "old")
    );
    let results = tried.provider.results();
    assert!(results[0].contains("Plan mode"), "{}", results[0]);
    assert!(
        results[4].contains("give the plan as your answer"),
        "{}",
        results[4]
    );
    assert!(tried.provider.told(0).contains("plan mode is on"));
    assert_eq!(tried.result["result"], "done");
}

#[test]
fn accepting_edits_accepts_those_in_the_project_and_no_commands() {
    let outside = tempfile::tempdir().unwrap();
    let far = outside.path().join("far");
    fs::write(&far, "old").unwrap();
    let reply = calls(&[
        edit("b"),
        write("src/new"),
        edit(far.to_str().unwrap()),
        write(".git/hooks/pre-commit"),
        write(".corecoder/settings.json"),
        ("bash", json!({"command": "rm c"})),
    ]);
    let tried = tried(reply, &["--mode", "accept-edits"]);
    assert_eq!(tried.refused(6), [false, false, true, true, true, true]);
    assert_eq!(tried.place.read("b"), "new");
    assert_eq!(fs::read_to_string(far).unwrap(), "old");
}

#[test]
fn a_rule_that_can_not_be_read_ends_the_program_before_it_begins() {
    let rows = [
        "bash(ls",
        "(ls)",
        "read_file()",
        "ba sh(ls",
        "todo_write(x)",
    ];
    for rule in rows {
        for flag in ["--allowed-tools", "--disallowed-tools"] {
            let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
            let (code, stdout, stderr) = place.run(&provider, &["-p", "go", flag, rule]);
            assert_eq!((code, stdout.as_str()), (2, ""), "{rule}: {stderr}");
            assert!(
                stderr.contains("a rule is a tool such as bash"),
                "{rule}: {stderr}"
            );
            assert_eq!(provider.requests().len(), 0);
        }
    }
}

#[test]
fn a_tool_that_a_rule_misspells_is_said() {
    for flag in ["--allowed-tools", "--disallowed-tools"] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let (_, stderr) = place.done(&provider, &["-p", "go", flag, "bsah"]);
        assert!(stderr.contains("did you mean \"bash\"?"), "{stderr}");
    }
}
