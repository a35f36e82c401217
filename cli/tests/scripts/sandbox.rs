//! The sandbox: what flags and settings make of it, what commands may do in it, and what is said of it.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::place::Place;
use crate::provider::{Provider, bash, calls, says};
use crate::{ended, lines};

/// The program with its usual sandbox.
fn walled(place: &Place, provider: &Provider, args: &[&str]) -> Command {
    let mut command = place.corecoder(provider, args);
    command.env_remove("CORECODER_SANDBOX");
    command
}

/// What `corecoder config` says of a setting, with these arguments.
fn shown(place: &Place, name: &str, args: &[&str]) -> String {
    let mut command = place.bare(&[args, &["config"]].concat());
    let (code, stdout, stderr) = ended(command.env_remove("CORECODER_SANDBOX"));
    assert_eq!(code, 0, "{args:?}: {stderr}");
    let mut lines = stdout.lines();
    let line = lines.find(|line| line.split("  ").next() == Some(name));
    line.unwrap_or_default().to_string()
}

#[test]
fn flags_say_what_commands_may_do_and_a_bare_allow_net_takes_no_task_with_it() {
    let place = Place::new();
    let rows: [(&str, &[&str], &str); 11] = [
        ("sandbox", &[], "workspace-write  (default)"),
        (
            "sandbox",
            &["--sandbox", "read-only"],
            "read-only  (--sandbox)",
        ),
        ("sandbox", &["--sandbox=off"], "off  (--sandbox)"),
        (
            "add_dirs",
            &["--add-dir", "..", "--add-dir", "."],
            "..,.  (--add-dir)",
        ),
        ("allow_net", &[], "(none)  (default)"),
        ("allow_net", &["--allow-net"], "*  (--allow-net)"),
        (
            "allow_net",
            &["--allow-net", "a.org,*.b.org:8443"],
            "a.org,*.b.org:8443  (--allow-net)",
        ),
        ("allow_net", &["--allow-net=a"], "a  (--allow-net)"),
        (
            "allow_net",
            &["--allow-net", "a.org", "--allow-net", "localhost"],
            "a.org,localhost  (--allow-net)",
        ),
        (
            "allow_net",
            &["--allow-net", "a.org", "--allow-net"],
            "*  (--allow-net)",
        ),
        ("allow_net", &["--allow-net", "*"], "*  (--allow-net)"),
    ];
    for (name, args, expected) in rows {
        let line = shown(&place, name, args);
        assert!(line.ends_with(&format!("  {expected}")), "{args:?}: {line}");
    }
    // What follows the flag is a command.
    let mut command = place.bare(&["--allow-net", "config"]);
    let (code, stdout, stderr) = ended(&mut command);
    assert!(
        code == 0 && stdout.contains("*  (--allow-net)"),
        "{stdout}{stderr}"
    );
    // And here a task.
    let provider = Provider::saying([says("ok")]);
    place.done(&provider, &["--allow-net", "say: this.or.that"]);
    assert!(
        provider.told(0).contains("say: this.or.that"),
        "{}",
        provider.told(0)
    );
}

#[test]
fn what_is_wrong_with_it_ends_the_program_before_anything_runs() {
    let place = Place::new();
    fs::write(place.project("file"), "").unwrap();
    let rows: [(&[&str], &str, &str); 9] = [
        (&["--sandbox", "readonly"], "", "read-only"),
        (&["--add-dir", "missing"], "", "--add-dir missing"),
        (&["--add-dir", "file"], "", "it is no folder"),
        (&["--allow-net=https://a.org"], "", "is no host"),
        (
            &[],
            r#"{"sandbox": "read_only"}"#,
            "one of read-only, workspace-write, off",
        ),
        (
            &[],
            r#"{"sandbx": "read-only"}"#,
            "did you mean \"sandbox\"? Without it there is no sandbox",
        ),
        (
            &[],
            r#"{"sandbox": "read-only""#,
            "it names the sandbox, so nothing is asked",
        ),
        (
            &[],
            r#"{"sandbox_limits": {"processes": "few"}}"#,
            "\"processes\" must be a whole number",
        ),
        (
            &[],
            r#"{"sandbox_limits": {"procs": 1}}"#,
            "did you mean \"processes\"?",
        ),
    ];
    for (args, settings, expected) in rows {
        place.own(".corecoder/settings.json", settings);
        let provider = Provider::saying([says("ok")]);
        let args = [&["-p", "hi"], args].concat();
        let (code, _, stderr) = ended(&mut walled(&place, &provider, &args));
        assert_eq!(code, 2, "{args:?} {settings}: {stderr}");
        assert!(stderr.contains(expected), "{args:?} {settings}: {stderr}");
        assert!(provider.requests().is_empty());
    }
    let mut command = place.bare(&["-p", "hi"]);
    place.own(".corecoder/settings.json", "{}");
    let (code, _, stderr) = ended(command.env("CORECODER_SANDBOX", "none"));
    assert!(
        code == 2 && stderr.contains("CORECODER_SANDBOX must be one of"),
        "{stderr}"
    );
}

#[test]
fn settings_say_the_same_and_a_folder_that_is_not_trusted_has_no_say() {
    let own = json!({"sandbox": "read-only", "add_dirs": ["~"], "allow_net": ["a.org"], "allow_env": ["MY_TOKEN"]});
    let looser = json!({"sandbox": "off", "add_dirs": ["/"], "allow_net": true}).to_string();
    let dotenv = "CORECODER_SANDBOX=off\nCORECODER_ADD_DIRS=/\nCORECODER_ALLOW_NET=*\n";
    for (file, text) in [
        (".corecoder/settings.json", looser.as_str()),
        (".env", dotenv),
    ] {
        let place = Place::new();
        place.own(".corecoder/settings.json", &own.to_string());
        place.brings(file, text);
        let rows = [
            ("sandbox", "read-only", "off"),
            ("add_dirs", "~", "/"),
            ("allow_net", "a.org", "*"),
        ];
        for (name, own, brought) in rows {
            let line = shown(&place, name, &[]);
            assert!(line.contains(&format!(" {own}  (")), "{file}: {line}");
            let line = shown(&place, name, &["--trust"]);
            assert!(line.contains(&format!(" {brought}  (")), "{file}: {line}");
        }
        assert!(shown(&place, "allow_env", &[]).contains(" MY_TOKEN  ("));
    }
}

#[test]
fn where_it_can_not_be_kept_nothing_runs_before_somebody_said_so() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    let mut command = walled(&place, &provider, &["-p", "hi"]);
    // No sandbox without a folder for what commands tell the agent.
    let (code, stdout, stderr) = ended(command.env("TMPDIR", place.home("missing")));
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    for part in [
        "can't be had here",
        "no temporary folder can be made",
        "--sandbox off",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(provider.requests().is_empty());
    let mut command = walled(&place, &provider, &["-p", "hi", "--sandbox", "off"]);
    let (code, stdout, stderr) = ended(command.env("TMPDIR", place.home("missing")));
    assert_eq!((code, stdout.as_str()), (0, "ok\n"), "{stderr}");
}

/// The sandbox that is told at the beginning of a run with these arguments, and the same at its end.
fn told(place: &Place, args: &[&str]) -> Value {
    let provider = Provider::saying([says("ok")]);
    let args = [&["-p", "hi", "--output-format", "stream-json"], args].concat();
    let (code, stdout, stderr) = ended(&mut walled(place, &provider, &args));
    assert_eq!(code, 0, "{args:?}: {stderr}");
    let lines = lines(&stdout);
    let (first, last) = (&lines[0]["sandbox"], &lines[lines.len() - 1]["sandbox"]);
    assert_eq!(first, last);
    first.clone()
}

#[test]
fn off_is_told_as_off() {
    let place = Place::new();
    assert_eq!(told(&place, &["--sandbox", "off"]), "off");
}

#[test]
fn json_says_what_is_kept() {
    let place = Place::new();
    let rows: [(&[&str], &str, Value); 7] = [
        (&[], "read-only", json!([])),
        (&["--yes"], "workspace-write", json!([])),
        (&["--mode", "accept-edits"], "workspace-write", json!([])),
        (
            &["--mode", "plan", "--sandbox", "workspace-write"],
            "read-only",
            json!([]),
        ),
        (
            &["--sandbox", "workspace-write"],
            "workspace-write",
            json!([]),
        ),
        (&["--sandbox", "read-only", "--yes"], "read-only", json!([])),
        (&["--yes", "--allow-net"], "workspace-write", json!(["*"])),
    ];
    for (args, access, network) in rows {
        let told = told(&place, args);
        assert_eq!(
            (&told["access"], &told["network"]),
            (&json!(access), &network),
            "{args:?}"
        );
        assert!(told["mechanism"].is_string(), "{told}");
    }
}

/// The result of one command.
fn ran(place: &Place, command: &str, args: &[&str]) -> String {
    let provider = Provider::saying([bash(&[command]), says("done")]);
    let args = [&["-p", "go"], args].concat();
    let (code, stdout, stderr) = ended(&mut walled(place, &provider, &args));
    assert_eq!(code, 0, "{args:?}: {stdout}{stderr}");
    provider.results().remove(0)
}

#[test]
fn alone_commands_only_read_unless_somebody_said_more() {
    let rows: [(&[&str], bool); 8] = [
        (&[], false),
        (&["--yes"], true),
        (&["--mode", "accept-edits"], true),
        (&["--sandbox", "workspace-write"], true),
        (&["--sandbox", "read-only", "--yes"], false),
        (&["--mode", "plan"], false),
        (&["--allowed-tools", "bash(touch*)"], true),
        (&["--allowed-tools", "bash(rm*)"], false),
    ];
    for (args, writes) in rows {
        let place = Place::new();
        let result = ran(&place, "touch new", args);
        assert_eq!(place.project("new").exists(), writes, "{args:?}: {result}");
        assert_eq!(result.contains("[sandbox: "), !writes, "{args:?}: {result}");
    }
}

#[test]
fn rules_hold_within_it() {
    for (args, expected) in [
        (&["--disallowed-tools", "bash(touch*)"][..], "not allowed"),
        (
            &["--disallowed-tools", "bash(touch*)", "--yes"],
            "not allowed",
        ),
    ] {
        let place = Place::new();
        let result = ran(&place, "touch new", args);
        assert!(result.contains(expected), "{args:?}: {result}");
        assert!(!place.project("new").exists());
    }
    let place = Place::new();
    let ask = json!({"permissions": {"ask": ["bash(touch*)"]}, "sandbox": "workspace-write"});
    place.own(".corecoder/settings.json", &ask.to_string());
    let result = ran(&place, "touch new", &[]);
    assert!(result.contains("nobody is here to be asked"), "{result}");
    let result = ran(&place, "rm -rf \"$HOME\"", &["--yes"]);
    assert!(result.starts_with("Error: "), "slips are refused: {result}");
}

#[test]
fn files_are_held_to_it_too() {
    let place = Place::new();
    place.own(".ssh/id_ed25519", "the key");
    let outside = place.home("out").to_string_lossy().into_owned();
    let key = place.home(".ssh/id_ed25519").to_string_lossy().into_owned();
    let provider = Provider::saying([
        calls(&[
            ("write_file", json!({"file_path": "in", "content": "x"})),
            ("write_file", json!({"file_path": outside, "content": "x"})),
            ("read_file", json!({"file_path": key})),
        ]),
        says("done"),
    ]);
    let (code, _, stderr) = ended(&mut walled(&place, &provider, &["-p", "go", "--yes"]));
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(
        (place.read("in").as_str(), place.home("out").exists()),
        ("x", false)
    );
    let results = provider.results();
    assert!(results[1].contains("can't be written"), "{}", results[1]);
    assert!(results[2].contains("is kept from"), "{}", results[2]);
}

#[test]
fn the_model_is_told_of_it_in_the_words_of_the_tool() {
    let rows: [(&[&str], &str); 4] = [
        (
            &["--yes"],
            "write in the working directory and in $TMPDIR only, reach no network",
        ),
        (
            &["--yes", "--allow-net", "a.org"],
            "reach a.org only, by HTTP",
        ),
        (
            &["--sandbox", "read-only"],
            "write in $TMPDIR only, reach no network",
        ),
        (&[], "write in $TMPDIR only, unless the user allowed more"),
    ];
    for (args, expected) in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let args = [&["-p", "go"], args].concat();
        let (code, _, stderr) = ended(&mut walled(&place, &provider, &args));
        assert_eq!(code, 0, "{stderr}");
        let tools = provider.requests()[0]["tools"].to_string();
        assert!(tools.contains(expected), "{args:?}: {tools}");
    }
}

#[test]
fn what_works_here_is_tried_once_and_again_when_something_changed() {
    let place = Place::new();
    let file = place.home(".corecoder/sandbox.json");
    ran(&place, "true", &[]);
    let first = fs::read_to_string(&file).unwrap();
    let mut known: Value = serde_json::from_str(&first).unwrap();
    assert!(known["mechanism"].is_string());
    ran(&place, "true", &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    known["place"]["boot"] = json!("another");
    fs::write(&file, known.to_string()).unwrap();
    ran(&place, "true", &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
    fs::write(&file, "no JSON").unwrap();
    ran(&place, "true", &[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), first);
}

#[test]
fn doctor_and_config_say_what_is_kept_and_by_what() {
    let (place, provider) = (Place::new(), Provider::saying([says("OK")]));
    for command in ["doctor", "config"] {
        let (_, stdout, stderr) = ended(&mut walled(&place, &provider, &[command]));
        let expected = "commands write in this folder alone, no network";
        assert!(stdout.contains(expected), "{command}: {stdout}{stderr}");
        let mut off = walled(&place, &provider, &[command, "--sandbox", "off"]);
        let (_, stdout, _) = ended(&mut off);
        assert!(
            stdout.contains("no sandbox: commands run with your rights"),
            "{stdout}"
        );
    }
    let (_, stdout, _) = ended(&mut walled(&place, &provider, &["doctor"]));
    assert!(stdout.contains(" works here"), "{stdout}");
}
