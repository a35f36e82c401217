//! `locate`: the command, and the tool as a model calls it.

use std::process::Command;

use serde_json::json;

use crate::place::Place;
use crate::provider::{Provider, calls, says};
use crate::{ended, lines};

const READER: &str = "/// Counts lines.\npub fn line_number() -> usize {\n    7\n}\n";

fn place() -> Place {
    let place = Place::new();
    place
        .brings("src/reader.rs", READER)
        .brings("src/writer.rs", "pub fn write() {}\n");
    place
}

/// Commits all of the project.
fn commit(place: &Place, message: &str) {
    let run = |args: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(place.project(""))
            .args(["-c", "user.name=a", "-c", "user.email=a@b.c"]);
        git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(args);
        let (code, _, stderr) = ended(&mut git);
        assert_eq!(code, 0, "{args:?}: {stderr}");
    };
    run(&["init", "-q"]);
    run(&["add", "-A"]);
    run(&["commit", "-q", "-m", message]);
}

/// What `corecoder locate` prints with these arguments.
fn located(place: &Place, args: &[&str]) -> String {
    let (code, stdout, stderr) = ended(&mut place.bare(&[&["locate"], args].concat()));
    assert_eq!((code, stderr.as_str()), (0, ""), "{args:?}: {stdout}");
    stdout
}

const QUERY: &str = "the line numbers are off by one";

#[test]
fn the_command_names_files_and_lines_without_a_key_or_a_model() {
    let place = place();
    let text = located(&place, &[QUERY]);
    assert!(
        text.starts_with("1. src/reader.rs\n   lines 1-2 in line_number: 2: pub fn"),
        "{text}"
    );
    // Paths lead from where one stands.
    let below = located(&place, &[QUERY, "--path", "src"]);
    assert!(below.starts_with("1. src/reader.rs\n"), "{below}");
    let explained = located(&place, &[QUERY, "--explain"]);
    assert!(
        explained.contains("symbol ") && explained.contains("words: line "),
        "{explained}"
    );
    let one = lines(&located(&place, &[QUERY, "--json", "--limit", "1"]));
    assert_eq!(one[0]["files"].as_array().unwrap().len(), 1);
    assert_eq!(one[0]["files"][0]["path"], "src/reader.rs");
    assert_eq!(one[0]["files"][0]["passages"][0]["line"], 2);
    assert!(located(&place, &["quux"]).starts_with("Nothing found."));
}

#[test]
fn what_was_read_is_kept_in_the_folder_for_caches() {
    let place = place();
    let elsewhere = place.home("elsewhere");
    for (set, folder) in [
        (None, ".cache/corecoder"),
        (Some(elsewhere.as_path()), "elsewhere/corecoder"),
        // The specification has these ignored.
        (Some("relative".as_ref()), ".cache/corecoder"),
    ] {
        let mut command = place.bare(&["locate", QUERY]);
        command.envs(set.map(|set| ("XDG_CACHE_HOME", set)));
        let (code, _, stderr) = ended(&mut command);
        assert_eq!(code, 0, "{stderr}");
        assert!(place.home(folder).is_dir(), "{set:?}");
    }
    assert!(!place.project("relative").exists());
}

#[test]
fn a_batch_scores_what_the_commits_of_a_repository_ask() {
    let place = place();
    commit(&place, "begin with something");
    place.brings("src/reader.rs", &READER.replace('7', "8"));
    commit(&place, &format!("reader: {QUERY} since yesterday"));
    let table = located(&place, &["--batch"]);
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0].join(" "),
        "recall@1 recall@5 recall@10 all@5 MRR count median ms"
    );
    assert_eq!(
        rows[1][..6],
        ["1.000", "1.000", "1.000", "1.000", "1.000", "1"],
        "{table}"
    );
    let args = ["--batch", "--json", "--limit", "5", "--path", "src"];
    let answers = lines(&located(&place, &args));
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0]["query"], format!("{QUERY} since yesterday"));
    assert_eq!(answers[0]["gold"], json!(["src/reader.rs"]));
    assert_eq!(answers[0]["ranked"][0], "src/reader.rs");
    assert_eq!(answers[0]["recall@1"], 1.0);
}

#[test]
fn what_can_not_be_asked_is_said_and_ends_with_2() {
    let rows: [(&[&str], &str); 8] = [
        (&[], "<QUERY>"),
        (&[" "], "the query is empty"),
        (&["x", "--path", "nowhere"], "there is no folder"),
        (&["x", "--limit", "0"], "0 is not in"),
        (&["x", "--batch"], "cannot be used with"),
        (&["--batch", "--explain"], "cannot be used with"),
        (&["--batch", "--path", "nowhere"], "there is no folder"),
        // The project's `.git` is an empty folder.
        (&["--batch"], "no git repository"),
    ];
    for (args, problem) in rows {
        let (code, stdout, stderr) = ended(&mut place().bare(&[&["locate"], args].concat()));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(problem), "{args:?}: {stderr}");
    }
    let place = place();
    commit(&place, "begin with something");
    let (code, _, stderr) = ended(&mut place.bare(&["locate", "--batch"]));
    assert!(code == 2 && stderr.contains("no commit"), "{stderr}");
}

#[test]
fn a_model_locates_and_reads_without_a_question() {
    let place = place();
    let provider = Provider::saying([
        calls(&[("locate", json!({"query": QUERY}))]),
        calls(&[("read_file", json!({"file_path": "src/reader.rs"}))]),
        says("Line 3."),
    ]);
    let args = [
        "-p",
        "why are line numbers wrong?",
        "--output-format",
        "json",
    ];
    let (stdout, _) = place.done(&provider, &args);
    let result = &lines(&stdout)[0];
    assert_eq!(result["result"], "Line 3.");
    assert_eq!(result["permission_denials"], json!([]));
    let results = provider.results();
    assert!(results[0].starts_with("1. src/reader.rs\n"), "{results:?}");
    assert!(results[1].contains("pub fn line_number"), "{results:?}");
    assert!(place.home(".cache/corecoder/locate").is_dir());
}

#[test]
fn the_prompt_speaks_of_locate_only_where_the_model_has_it() {
    let rows: [(&[&str], bool); 3] = [
        (&[], true),
        (&["--disallowed-tools", "locate"], false),
        (&["--small"], false),
    ];
    for (args, expected) in rows {
        let (place, provider) = (place(), Provider::saying([says("ok")]));
        place.brings("AGENTS.md", "Be brief.");
        let (_, stderr) = place.done(&provider, &[&["-p", "go"], args].concat());
        assert!(!stderr.contains("there is no tool"), "{stderr}");
        let system = provider.system();
        assert_eq!(system.contains("ask locate first"), expected, "{args:?}");
        assert!(system.contains("Be brief."), "{system}");
        // A small model is offered its few tools as text, so there may be no list at all.
        let requests = provider.requests();
        let tools = requests[0]["tools"].to_string();
        assert_eq!(tools.contains("\"locate\""), expected, "{args:?}");
    }
}

#[test]
fn secrets_and_what_a_rule_denies_are_not_found() {
    let place = place();
    place
        .own(".config/gh/hosts.yml", "token: line number\n")
        .own(".config/app/hosts.yml", "line number\n")
        .own("snap/keys.py", "line_number = 1\n");
    let home = place.home("").to_string_lossy().into_owned();
    let ask = |path: &str| ("locate", json!({"query": QUERY, "path": path}));
    let provider = Provider::saying([
        calls(&[
            ask(&home),
            ask(&format!("{home}.config")),
            ask(&format!("{home}.config/gh")),
            ask("src"),
        ]),
        says("done"),
    ]);
    let args = ["-p", "go", "--disallowed-tools", "read_file(src/**)"];
    let mut command = place.corecoder(&provider, &args);
    let (code, _, stderr) = ended(command.env_remove("CORECODER_SANDBOX"));
    assert_eq!(code, 0, "{stderr}");
    let results = provider.results();
    assert!(results[0].starts_with("Nothing found."), "{}", results[0]);
    assert!(results[1].contains("app/hosts.yml"), "{}", results[1]);
    assert!(!results[1].contains("token"), "{}", results[1]);
    assert!(results[2].contains("is kept from you"), "{}", results[2]);
    assert!(results[3].contains("not allowed"), "{}", results[3]);
}
