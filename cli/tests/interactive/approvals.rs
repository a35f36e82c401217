//! Questions: what is shown, what each answer does, and what is remembered.

use serde_json::json;

use crate::provider::{Provider, bash, calls, held_calls, last_words, results, says, write};
use crate::terminal::Setup;

const QUESTION: &str = "say why not:";

#[test]
fn a_write_is_asked_about_with_its_diff_and_yes_is_for_once() {
    let edit = || {
        let args =
            json!({"file_path": "a.txt", "old_string": "one two", "new_string": "one three"});
        calls(&[("edit_file", args)])
    };
    let back = json!({"file_path": "a.txt", "old_string": "one three", "new_string": "one two"});
    let provider = Provider::saying(vec![
        edit(),
        calls(&[("edit_file", back)]),
        says("Both done."),
    ]);
    let setup = Setup::new().file("a.txt", "zero\none two\n");
    let mut terminal = setup.start(provider);
    terminal.says("edit");
    terminal.asked(QUESTION);
    terminal.sees("? edit_file a.txt");
    terminal.sees("one two");
    terminal.sees("one three");
    assert_eq!(
        terminal.home.read("project/a.txt").unwrap(),
        "zero\none two\n"
    );
    terminal.enters("y");
    terminal.sees("✓ edit_file a.txt");
    terminal.until("the second question", |terminal| {
        terminal.count("? edit_file") == 2
    });
    assert_eq!(
        terminal.home.read("project/a.txt").unwrap(),
        "zero\none three\n"
    );
    terminal.answers(QUESTION, "y");
    terminal.sees("Both done.");
    assert_eq!(
        terminal.home.read("project/a.txt").unwrap(),
        "zero\none two\n"
    );
    terminal.leaves();
}

/// Runs each command that it is told to run with `run`.
fn runner() -> Provider {
    Provider::new(|request, _| {
        let words = last_words(request);
        let messages = request["messages"].as_array().unwrap();
        let asked = messages.last().unwrap()["role"] == "user";
        match words.strip_prefix("run ").filter(|_| asked) {
            Some(command) => calls(&[bash(command)]),
            None => match words.strip_prefix("edit ").filter(|_| asked) {
                Some(path) => calls(&[write(path, "new\n")]),
                None => says(&format!("Done: {words}.")),
            },
        }
    })
}

#[test]
fn always_covers_what_its_rule_says_and_nothing_else_in_this_session_and_the_next() {
    let setup = Setup::new().file("bin/cargo", "#!/bin/sh\necho ran $@\n");
    let path = setup.path_with("bin");
    let setup = setup.env("PATH", &path);
    let mut terminal = setup.start(runner());
    terminal.says("run cargo test");
    terminal.answers("[a]lways (bash(cargo test*))", "a");
    terminal.sees("Done: run cargo test.");
    for round in 0..2 {
        terminal.talks("run cargo test --quiet", &["Done: run cargo test --quiet."]);
        for refused in [
            "run cargo test && touch x",
            "run cargo test > x",
            "run cargo build",
            "run cargo test; touch x",
            "run cargo test $(touch x)",
        ] {
            terminal.says(refused);
            terminal.answers(QUESTION, "n");
            terminal.sees(&format!("Done: {refused}."));
        }
        assert!(terminal.home.read("project/x").is_none());
        let settings = terminal.home.read("project/.corecoder/settings.json");
        assert!(settings.unwrap().contains("bash(cargo test*)"));
        if round == 0 {
            let (home, provider) = terminal.leaves();
            terminal = Setup::of(home).env("PATH", &path).start(provider);
            assert!(!terminal.shows("trust"), "the rule is the user's own");
        }
    }
    terminal.leaves();
}

#[test]
fn always_for_an_edit_covers_its_folder() {
    let setup = Setup::new().file("src/a", "old\n").file("src/b", "old\n");
    let mut terminal = setup.file("other", "old\n").start(runner());
    terminal.says("edit src/a");
    terminal.answers("edit_file(src/**)", "a");
    terminal.talks("edit src/b", &["Done: edit src/b."]);
    terminal.says("edit other");
    terminal.answers(QUESTION, "n");
    terminal.sees("Done: edit other.");
    let (home, provider) = terminal.leaves();
    assert_eq!(home.read("project/src/b").unwrap(), "new\n");
    assert_eq!(home.read("project/other").unwrap(), "old\n");
    home.write("project/src/b", "old\n");
    let mut terminal = Setup::of(home).start(provider);
    terminal.talks("edit src/b", &["Done: edit src/b."]);
    assert_eq!(terminal.home.read("project/src/b").unwrap(), "new\n");
    terminal.leaves();
}

#[test]
fn a_reason_is_read_by_the_model_and_view_shows_all() {
    let long: String = (1..=30).map(|n| format!("line {n}\n")).collect();
    let provider = Provider::saying(vec![
        calls(&[write("new", &long)]),
        calls(&[write("new", &long)]),
        says("I see."),
    ]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("write");
    terminal.asked(QUESTION);
    terminal.sees("… 18 more lines");
    assert!(!terminal.shows("line 30"));
    terminal.enters("v");
    terminal.sees("+line 30");
    terminal.answers(QUESTION, "not on a Sunday");
    terminal.until("the second question", |terminal| {
        terminal.count("? write_file") == 2
    });
    terminal.answers(QUESTION, "n");
    terminal.sees("I see.");
    let told = results(&terminal.provider.messages(2));
    assert!(told[0].contains("not on a Sunday"), "{told:?}");
    assert!(told[1].contains("the user said no"), "{told:?}");
    assert!(terminal.home.read("project/new").is_none());
    terminal.leaves();
}

#[test]
fn ctrl_c_at_a_question_stops_the_run() {
    let provider = Provider::saying(vec![calls(&[write("new", "x"), write("other", "x")])]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("write");
    terminal.asked(QUESTION);
    terminal.keys("\x03");
    terminal.sees("the conversation goes on");
    terminal.talks("still there?", &["Heard: still there?."]);
    assert_eq!(terminal.provider.requests().len(), 2);
    assert!(terminal.home.read("project/new").is_none());
    assert!(terminal.home.read("project/other").is_none());
    terminal.leaves();
}

#[test]
fn ctrl_c_right_behind_escape_stops_the_run_too() {
    let provider = Provider::saying(vec![calls(&[write("new", "x")])]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("write");
    terminal.asked(QUESTION);
    terminal.keys("\x1b\x03");
    terminal.sees("the conversation goes on");
    assert!(terminal.home.read("project/new").is_none());
    terminal.leaves();
}

#[test]
fn two_calls_of_a_reply_are_asked_about_in_order() {
    let provider = Provider::saying(vec![
        calls(&[write("one", "1\n"), write("two", "2\n")]),
        says("Both."),
    ]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("write");
    terminal.asked(QUESTION);
    assert!(terminal.shows("? write_file one") && !terminal.shows("? write_file two"));
    terminal.enters("n");
    terminal.sees("? write_file two");
    terminal.answers(QUESTION, "y");
    terminal.sees("Both.");
    assert!(terminal.home.read("project/one").is_none());
    assert_eq!(terminal.home.read("project/two").unwrap(), "2\n");
    terminal.leaves();
}

#[test]
fn the_question_of_a_sub_agent_names_it() {
    let provider = Provider::new(|request, _| {
        let words = last_words(request);
        let has_result = !results(request["messages"].as_array().unwrap()).is_empty();
        match (&*words, has_result) {
            ("delegate", false) => calls(&[("agent", json!({"task": "write the file"}))]),
            ("delegate", true) => says("All done."),
            (_, false) => calls(&[write("new", "x\n")]),
            (_, true) => says("Written."),
        }
    });
    let mut terminal = Setup::new().start(provider);
    terminal.says("delegate");
    terminal.asked(QUESTION);
    let screen = terminal.screen();
    let question = screen.iter().find(|line| line.starts_with("? ")).unwrap();
    assert!(
        question.starts_with("? [") && question.contains("] write_file new"),
        "{question}"
    );
    terminal.enters("y");
    terminal.sees("All done.");
    assert_eq!(terminal.home.read("project/new").unwrap(), "x\n");
    terminal.leaves();
}

#[test]
fn what_is_typed_before_a_question_is_no_answer_to_it() {
    let provider = Provider::saying(vec![held_calls(&[write("new", "x\n")])]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("write");
    terminal.works();
    terminal.adds("y", "> y");
    terminal.provider.let_go();
    terminal.asked(QUESTION);
    let (row, _) = terminal.cursor();
    assert!(row.trim_end().ends_with(QUESTION), "{row}");
    assert!(terminal.home.read("project/new").is_none());
    terminal.enters("n");
    terminal.sees("Heard: write.");
    terminal.until("what was typed", |terminal| terminal.reads("> y"));
}

#[test]
fn what_a_call_hides_in_escape_sequences_is_written_out_in_the_question() {
    let content = "a\u{1b}[2K\u{1b}[1Gb\u{202e}c\u{7}\r";
    let provider = Provider::saying(vec![calls(&[write("a\u{1b}[1A", content)])]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("go");
    terminal.asked(QUESTION);
    terminal.sees("? write_file a\\u{1b}[1A (the whole file)");
    terminal.sees("+a\\u{1b}[2K\\u{1b}[1Gb\\u{202e}c\\u{7}");
    terminal.enters("n");
    terminal.prompt();
    assert_eq!(terminal.heard().bells, 0);
    terminal.leaves();
}

#[test]
fn questions_of_sub_agents_come_one_after_the_other_and_always_answers_both() {
    let provider = Provider::new(|request, _| {
        let words = last_words(request);
        let has_result = !results(request["messages"].as_array().unwrap()).is_empty();
        let tasks = ["src/a", "src/b"].map(|path| ("agent", json!({"task": path})));
        match (&*words, has_result) {
            ("delegate", false) => calls(&tasks),
            ("delegate", true) => says("All done."),
            (path, false) => calls(&[write(path, "new\n")]),
            (_, true) => says("Written."),
        }
    });
    let setup = Setup::new().file("src/a", "old\n").file("src/b", "old\n");
    let mut terminal = setup.start(provider);
    terminal.says("delegate");
    terminal.asked(QUESTION);
    assert_eq!(terminal.count("write_file src/"), 1);
    terminal.enters("a");
    terminal.sees("All done.");
    terminal.prompt();
    assert_eq!(terminal.count("? ["), 1);
    let (home, _) = terminal.leaves();
    assert_eq!(home.read("project/src/a").unwrap(), "new\n");
    assert_eq!(home.read("project/src/b").unwrap(), "new\n");
}

#[test]
fn an_answer_that_is_typed_too_early_never_allows_anything() {
    let mut terminal = Setup::new().start(Provider::new(|_, n| match n % 2 {
        0 => held_calls(&[write("new", "x\n")]),
        _ => says("Over."),
    }));
    for round in 1..=8 {
        terminal.says("write");
        terminal.works();
        terminal.provider.let_go();
        terminal.keys("y\r");
        terminal.until("the question", |terminal| {
            terminal.count("? write_file new") == round
        });
        terminal.answers(QUESTION, "n");
        terminal.until("the end", |terminal| terminal.count("Over.") == round);
        terminal.prompt();
        assert!(terminal.home.read("project/new").is_none());
    }
    terminal.leaves();
}

#[test]
fn what_is_asked_about_is_what_would_run_whatever_else_the_call_names() {
    let decoys = [
        (
            "bash",
            json!({"tasks": [1], "file_path": "x", "command": "touch made"}),
            "? bash touch made",
        ),
        (
            "write_file",
            json!({"command": "cargo test", "file_path": "made", "content": "x\n"}),
            "? write_file made (the whole file)",
        ),
    ];
    let replies = decoys
        .iter()
        .map(|(name, args, _)| calls(&[(*name, args.clone())]));
    let provider = Provider::saying(replies.chain([says("Asked.")]).collect());
    let mut terminal = Setup::new().start(provider);
    terminal.says("go");
    for (_, _, question) in decoys {
        terminal.asked(QUESTION);
        terminal.sees(question);
        terminal.enters("n");
        terminal.until("the question is gone", |terminal| !terminal.reads(QUESTION));
    }
    terminal.sees("Asked.");
    terminal.leaves();
}
