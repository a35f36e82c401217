//! The sandbox in the terminal: what is said of it, what it asks, and what needs no question in it.

use serde_json::json;

use crate::provider::{Provider, bash, calls, last_words, results, says, write};
use crate::terminal::{Setup, Terminal};

const OUTSIDE: &str = "Run it again, outside of the sandbox?";
const WITHOUT: &str = "Go on without it, this once?";

/// A start with the usual sandbox.
fn walled() -> Setup {
    // What is set to nothing is not set.
    Setup::new().env("CORECODER_SANDBOX", "")
}

/// Runs each command that it is told to run with `run`.
fn runner() -> Provider {
    Provider::new(|request, _| {
        let words = last_words(request);
        let messages = request["messages"].as_array().unwrap();
        let asked = messages.last().unwrap()["role"] == "user";
        match words.strip_prefix("run ").filter(|_| asked) {
            Some(command) => calls(&[bash(command)]),
            None => says(&format!("Done: {words}.")),
        }
    })
}

/// What the model read of the last command.
fn result(terminal: &Terminal) -> String {
    let requests = terminal.provider.requests();
    let messages = requests.last().unwrap()["messages"].as_array().unwrap();
    results(messages).pop().unwrap()
}

#[test]
fn what_is_kept_is_said_at_the_start() {
    for (args, words) in [
        (
            &[][..],
            "sandbox: commands write in this folder alone, no network (",
        ),
        (
            &["--sandbox", "read-only"],
            "sandbox: commands only read, no network (",
        ),
        (
            &["--sandbox", "off"],
            "no sandbox: commands run with your rights",
        ),
    ] {
        let mut terminal = walled().args(args).start(runner());
        terminal.sees(words);
        assert!(terminal.cell(words).dim());
        terminal.leaves();
    }
}

#[test]
fn where_it_can_not_be_kept_the_person_is_asked() {
    let begin = || {
        let setup = walled();
        let missing = setup.home_path("missing");
        // No sandbox without a folder for what commands tell the agent.
        setup
            .env("TMPDIR", &missing.to_string_lossy())
            .begin(runner())
    };
    for answer in ["n", "no"] {
        let mut terminal = begin();
        terminal.asked(WITHOUT);
        terminal.sees("no temporary folder can be made");
        terminal.enters("what?");
        terminal.answers(WITHOUT, answer);
        terminal.ends(2);
    }
    let mut terminal = begin();
    terminal.answers(WITHOUT, "y");
    terminal.sees("no sandbox: commands run with your rights");
    // Without it a command that writes is asked about.
    terminal.says("run touch new");
    terminal.answers("say why not:", "n");
    terminal.sees("Done: run touch new.");
    terminal.leaves();
}

#[test]
fn commands_in_it_need_no_question_and_edits_do() {
    let mut terminal = walled().start(runner());
    terminal.talks("run touch new", &["Done: run touch new."]);
    assert!(terminal.home.read("project/new").is_some());
    terminal.leaves();
    let provider = Provider::saying(vec![calls(&[write("new", "x\n")]), says("Written.")]);
    let mut terminal = walled().start(provider);
    terminal.says("write");
    terminal.answers("say why not:", "y");
    terminal.sees("Written.");
    terminal.leaves();
}

#[test]
fn rules_ask_and_deny_in_it_as_before() {
    let rules = json!({"permissions": {"ask": ["bash(touch*)"], "deny": ["bash(rm*)"]}});
    let mut terminal = walled().settings(rules).start(runner());
    terminal.says("run touch new");
    terminal.answers("say why not:", "n");
    terminal.sees("Done: run touch new.");
    assert!(terminal.home.read("project/new").is_none());
    terminal.says("run touch new");
    terminal.answers("say why not:", "y");
    terminal.until("the second answer", |terminal| {
        terminal.count("Done: run touch new.") == 2
    });
    assert!(terminal.home.read("project/new").is_some());
    terminal.talks("run rm new", &["Done: run rm new."]);
    assert!(
        result(&terminal).contains("not allowed"),
        "{}",
        result(&terminal)
    );
    terminal.leaves();
}

#[test]
fn a_command_that_it_refused_may_run_outside_once_the_person_says_so() {
    let mut terminal = walled().start(runner());
    let file = terminal.home.path("outside");
    let command = format!("run touch {}", file.display());
    terminal.says(&command);
    terminal.asked(OUTSIDE);
    terminal.sees("[sandbox: ");
    terminal.enters("n");
    terminal.sees("Done: run touch");
    assert!(!file.exists());
    assert!(
        result(&terminal).contains("the user said no"),
        "{}",
        result(&terminal)
    );
    terminal.says(&command);
    terminal.answers(OUTSIDE, "not there");
    terminal.until("the second answer", |terminal| {
        terminal.count("Done: run touch") == 2
    });
    assert!(
        result(&terminal).contains("the user said: not there"),
        "{}",
        result(&terminal)
    );
    terminal.says(&command);
    terminal.answers(OUTSIDE, "y");
    terminal.until("the third answer", |terminal| {
        terminal.count("Done: run touch") == 3
    });
    assert!(file.exists());
    let result = result(&terminal);
    assert!(
        !result.contains("Error") && result.contains("let it run outside"),
        "{result}"
    );
    terminal.leaves();
}

#[test]
fn outside_it_begins_in_the_same_folder_again() {
    let mut terminal = walled().file("sub/a", "").start(runner());
    let file = terminal.home.path("outside");
    terminal.says(&format!("run cd sub && touch {}", file.display()));
    terminal.answers(OUTSIDE, "y");
    terminal.sees("Done: run cd sub");
    assert!(file.exists(), "{}", result(&terminal));
    terminal.leaves();
}

#[test]
fn ctrl_c_at_that_question_stops_the_turn() {
    let mut terminal = walled().start(runner());
    let file = terminal.home.path("outside");
    terminal.says(&format!("run touch {}", file.display()));
    terminal.asked(OUTSIDE);
    terminal.keys("\x03");
    terminal.sees("stopped; the conversation goes on from here");
    terminal.talks("hello", &["Done: hello."]);
    assert!(!file.exists());
    terminal.leaves();
}

#[test]
fn in_plan_mode_commands_run_and_only_read() {
    let mut terminal = walled().args(&["--mode", "plan"]).start(runner());
    terminal.talks("run touch new || echo went on", &["Done: run touch new"]);
    assert!(
        result(&terminal).contains("went on"),
        "{}",
        result(&terminal)
    );
    assert!(terminal.home.read("project/new").is_none());
    // And no question for what plan mode forbids.
    terminal.talks("run touch new", &["Done: run touch new."]);
    assert!(
        result(&terminal).contains("[sandbox: "),
        "{}",
        result(&terminal)
    );
    assert!(terminal.provider.last().contains("and can only read"));
    terminal.talks("/mode ask", &[]);
    terminal.says("run touch new");
    terminal.until("the third answer", |terminal| {
        terminal.count("Done: run touch new") == 3
    });
    assert!(terminal.home.read("project/new").is_some());
    terminal.leaves();
}

#[test]
fn what_the_person_types_runs_with_their_rights() {
    let mut terminal = walled().start(runner());
    let file = terminal.home.path("outside");
    terminal.talks(
        &format!("!touch {} && echo mine", file.display()),
        &["mine"],
    );
    assert!(file.exists());
    terminal.leaves();
}
