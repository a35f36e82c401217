//! What the flags and commands about sessions do, and what is said when they can't.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use corecoder::Entry;
use corecoder::session::{Loaded, UNKNOWN};
use serde_json::{Value, json};

use crate::provider::{Provider, calls, problem, says};
use crate::{Home, ended};

/// As if the session had been written so long ago.
fn age(home: &Home, id: &str, seconds: u64) {
    let journal = home.sessions().join(format!("{id}.jsonl"));
    let file = File::options().write(true).open(journal).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds))
        .unwrap();
}

/// A home with one session in which this was said.
fn with(words: &str) -> (Home, Provider, String) {
    let (home, provider) = (Home::new(), Provider::echo());
    let (code, stdout, stderr) = home.run(&provider, &["-p", words]);
    assert_eq!(
        (code, stdout),
        (0, format!("You said: {words}\n")),
        "{stderr}"
    );
    let id = home.id(&provider);
    (home, provider, id)
}

#[test]
fn a_session_is_gone_on_with_whichever_way_it_is_named() {
    let (home, provider, id) = with("first words");
    let prefix = &id[..id.len() - 1];
    for (n, args) in [
        vec!["-c"],
        vec!["-r", &id],
        vec!["-r", prefix],
        vec!["--resume", &id],
    ]
    .iter()
    .enumerate()
    {
        let words = format!("words {n}");
        let args = [&args[..], &["-p", &words]].concat();
        let (code, stdout, stderr) = home.run(&provider, &args);
        assert_eq!(
            (code, stdout, stderr.as_str()),
            (0, format!("You said: {words}\n"), ""),
            "{args:?}"
        );
        assert!(
            provider.last().contains("first words")
                && provider.last().contains("You said: first words")
        );
        assert_eq!(home.id(&provider), id, "no other was begun");
    }
    let said = Loaded::read(&home.journal(&id)).entries;
    assert_eq!(
        said.iter()
            .filter(|entry| matches!(entry, Entry::User(_)))
            .count(),
        5
    );
}

#[test]
fn what_is_not_there_is_said_and_exits_1() {
    let (home, provider) = (Home::new(), Provider::echo());
    let check = |args: &[&str], expected: &str| {
        let (code, stdout, stderr) = home.run(&provider, &[args, &["-p", "hi"]].concat());
        assert_eq!((code, stdout.as_str()), (1, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    };
    check(&["-c"], "no session of this directory is kept");
    check(&["-r", "nonsense"], "there is no session \"nonsense\"");
    check(&["-r", "../../etc/passwd"], "there is no session");
    check(&["-r"], "no session is kept yet");
    check(&["--fork"], "--fork copies a session");
    home.run(&provider, &["-p", "one"]);
    home.run(&provider, &["-p", "two"]);
    check(&["-r", "2"], "say more of it");
    check(&["-r"], "-r needs an ID here");
    assert_eq!(provider.requests().len(), 2, "nothing was asked");
}

#[test]
fn continuing_means_the_newest_session_of_this_directory() {
    let (home, provider, first) = with("in the home");
    age(&home, &first, 20);
    let other = home.path("other");
    fs::create_dir(&other).unwrap();
    let in_other = |args: &[&str]| ended(home.corecoder(&provider, args).current_dir(&other));
    in_other(&["-p", "in the other"]);
    in_other(&["-c", "-p", "again"]);
    assert!(provider.last().contains("in the other") && !provider.last().contains("in the home"));
    home.run(&provider, &["-c", "-p", "again"]);
    assert!(provider.last().contains("in the home") && !provider.last().contains("in the other"));
    // By its id a session is gone on with where it worked.
    let (_, _, stderr) = in_other(&["-r", &first, "-p", "where?"]);
    assert!(
        stderr.contains("working in the session's directory"),
        "{stderr}"
    );
}

#[test]
fn a_copy_leaves_the_session_as_it_is() {
    let (home, provider, id) = with("first words");
    let before = home.journal(&id);
    let (code, _, stderr) = home.run(&provider, &["-c", "--fork", "-p", "another way"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains(&format!("a copy of {id}")), "{stderr}");
    assert!(provider.last().contains("first words"));
    assert_eq!(home.journal(&id), before);
    let list = home.list(&provider);
    let copy = list.iter().find(|info| info["id"] != *id).unwrap()["id"]
        .as_str()
        .unwrap();
    let loaded = Loaded::read(&home.journal(copy));
    assert_eq!((loaded.header.parent, loaded.entries.len()), (Some(id), 4));
}

#[test]
fn a_second_program_is_told_who_has_the_session_and_may_copy_it() {
    let (home, _, id) = with("first words");
    let silent = Provider::new(|_| Value::Null);
    let mut first = home.start(&silent, &["-c", "-p", "think"]);
    silent.arrived.recv().unwrap();
    let provider = Provider::echo();
    let (code, _, stderr) = home.run(&provider, &["-c", "-p", "me too"]);
    assert_eq!(code, 1);
    for part in [&format!("process {}", first.id()), "--fork"] {
        assert!(stderr.contains(part), "{stderr}");
    }
    let (code, _, stderr) = home.run(&provider, &["-r", &id, "--fork", "-p", "me too"]);
    assert_eq!(code, 0, "{stderr}");
    let (_, stdout, stderr) = home.run(
        &provider,
        &["sessions", "prune", "--older-than", "0h", "--yes"],
    );
    assert!(
        home.sessions().join(format!("{id}.jsonl")).exists(),
        "{stdout}{stderr}"
    );
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, _, stderr) = home.run(&provider, &["-r", &id, "-p", "and now"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        provider.last().contains("think"),
        "what the killed one was asked is there"
    );
}

#[test]
fn a_call_that_was_cut_off_is_told_to_the_model_and_to_the_person() {
    let home = Home::new();
    let provider = Provider::new(|messages| match messages.last().unwrap()["role"].as_str() {
        Some("user") if messages.len() == 2 => {
            let busy = json!({"command": "touch begun; exec sleep 20"});
            calls("c", &[("bash", busy), ("glob", json!({"pattern": "*"}))])
        }
        _ => says("I see"),
    });
    let mut first = home.start(&provider, &["-p", "work", "--yes"]);
    while !home.path("begun").exists() {
        std::thread::yield_now();
    }
    // The program first, so that it can't write down how the command ended.
    first.kill().unwrap();
    first.wait().unwrap();
    let (code, _, stderr) = home.run(&provider, &["-c", "-p", "and?"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.contains("calls that were cut off: 2"), "{stderr}");
    assert_eq!(
        provider.last().matches(UNKNOWN).count(),
        2,
        "{}",
        provider.last()
    );
    assert_eq!(problem(provider.requests().last().unwrap()), None);
}

#[test]
fn sessions_are_listed_for_persons_and_programs() {
    let (home, provider, id) = with("tell me about lists");
    let info = home.list(&provider).remove(0);
    let folder = fs::canonicalize(home.0.path()).unwrap();
    assert_eq!(
        (&info["id"], &info["title"], &info["model"]),
        (
            &json!(id),
            &json!("tell me about lists"),
            &json!("first-model")
        )
    );
    assert_eq!(Path::new(info["folder"].as_str().unwrap()), folder);
    let (code, stdout, stderr) = home.run(&provider, &["sessions"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(
        stdout.starts_with(&id) && stdout.contains("tell me about lists"),
        "{stdout}"
    );
    let (_, stdout, _) = Home::new().run(&provider, &["sessions"]);
    assert!(stdout.contains("no session is kept yet"), "{stdout}");
    let (_, stdout, _) = Home::new().run(&provider, &["sessions", "--json"]);
    assert_eq!(stdout.trim(), "[]");
}

#[test]
fn old_sessions_are_deleted_only_when_that_was_said() {
    let (home, provider, id) = with("old");
    age(&home, &id, 3 * 3_600);
    home.run(&provider, &["-p", "new"]);
    let prune = |args: &[&str]| home.run(&provider, &[&["sessions", "prune"], args].concat());
    let left = || home.list(&provider).len();
    let (code, _, stderr) = prune(&["--older-than", "2h"]);
    assert_eq!((code, left()), (1, 2), "{stderr}");
    assert!(stderr.contains("--yes deletes without asking"), "{stderr}");
    for age in ["", "5", "h", "-1h", "1y", "99999999999999999999w"] {
        let (code, _, stderr) = prune(&["--yes", &format!("--older-than={age}")]);
        assert_eq!((code, left()), (2, 2), "{age:?}: {stderr}");
    }
    assert_eq!(
        prune(&["--older-than", "4h", "--yes"]).1,
        "no session is that old\n"
    );
    let (code, stdout, stderr) = prune(&["--older-than", "2h", "--yes"]);
    assert_eq!((code, left()), (0, 1), "{stderr}");
    assert!(
        stdout.contains(&id) && stdout.contains("1 sessions deleted"),
        "{stdout}"
    );
    let newer = home.id(&provider);
    age(&home, &newer, 5);
    prune(&["--older-than", "0h", "--yes"]);
    assert_eq!(left(), 0);
}

#[test]
fn corecoder_home_says_where_sessions_are_kept() {
    let (home, provider) = (Home::new(), Provider::echo());
    let elsewhere = home.path("elsewhere");
    let run = |args: &[&str]| {
        ended(
            home.corecoder(&provider, args)
                .env("CORECODER_HOME", &elsewhere),
        )
    };
    run(&["-p", "first words"]);
    let (code, _, stderr) = run(&["-c", "-p", "and on"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(provider.last().contains("first words"));
    assert!(elsewhere.join("sessions").is_dir() && !home.path(".corecoder").exists());
}

#[test]
fn where_nothing_can_be_kept_the_work_goes_on() {
    let (home, provider) = (Home::new(), Provider::echo());
    fs::write(home.path(".corecoder"), "a file in the way").unwrap();
    let (code, stdout, stderr) = home.run(&provider, &["-p", "hi"]);
    assert_eq!((code, stdout.as_str()), (0, "You said: hi\n"), "{stderr}");
    assert!(stderr.contains("this session is not kept"), "{stderr}");
}

#[test]
fn a_journal_that_is_damaged_says_so_and_goes_on() {
    let (home, provider, id) = with("first words");
    let journal = home.sessions().join(format!("{id}.jsonl"));
    let lines = String::from_utf8(home.journal(&id)).unwrap();
    fs::write(&journal, format!("{lines}\0\0\0\n{{\"time\":1,\"fa")).unwrap();
    let (code, _, stderr) = home.run(&provider, &["-c", "-p", "and on"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stderr.contains("can't be read") && stderr.contains("set aside in"),
        "{stderr}"
    );
    assert!(provider.last().contains("first words"));
}

fn python_session(home: &Home) -> (String, String) {
    let messages = json!([{"role": "user", "content": "said to Python"}, {"role": "assistant", "content": "heard"}]);
    let saved = json!({"id": "session_1", "model": "gpt-4o", "saved_at": "2026-11-23 04:57:13", "messages": messages});
    fs::create_dir_all(home.sessions()).unwrap();
    fs::write(home.sessions().join("session_1.json"), saved.to_string()).unwrap();
    ("session_1".to_string(), saved.to_string())
}

#[test]
fn a_session_of_the_python_program_is_gone_on_with() {
    let (home, provider) = (Home::new(), Provider::echo());
    let (id, content) = python_session(&home);
    let (code, _, stderr) = home.run(&provider, &["-r", &id, "-p", "and on"]);
    assert_eq!(code, 0, "{stderr}");
    for part in [
        "saved by the Python program",
        "the session was with gpt-4o, now it is first-model",
    ] {
        assert!(stderr.contains(part), "{stderr}");
    }
    assert!(provider.last().contains("said to Python") && provider.last().contains("heard"));
    assert_eq!(home.id(&provider), id);
    home.run(&provider, &["-c", "-p", "once more"]);
    assert!(provider.last().contains("said to Python") && provider.last().contains("and on"));
    assert_eq!(
        fs::read_to_string(home.sessions().join("session_1.json")).unwrap(),
        content
    );
}

#[test]
fn a_copy_of_a_python_session_is_another_session() {
    let (home, provider) = (Home::new(), Provider::echo());
    let (id, _) = python_session(&home);
    let (code, _, stderr) = home.run(&provider, &["-r", &id, "--fork", "-p", "and on"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(provider.last().contains("said to Python"));
    let ids: Vec<Value> = home
        .list(&provider)
        .into_iter()
        .map(|info| info["id"].clone())
        .collect();
    assert!(ids.len() == 2 && ids.contains(&json!(id)), "{ids:?}");
}

#[test]
fn another_model_is_told_to_the_person() {
    let (home, provider, id) = with("first words");
    let (_, _, stderr) = home.run(&provider, &["-c", "-m", "second-model", "-p", "hi"]);
    assert!(
        stderr.contains("the session was with first-model, now it is second-model"),
        "{stderr}"
    );
    assert_eq!(home.list(&provider)[0]["model"], "second-model");
    assert_eq!(Loaded::read(&home.journal(&id)).model, "second-model");
}
