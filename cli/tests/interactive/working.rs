//! What is typed while the agent works: shown, queued, taken back, told, and never lost.

use serde_json::json;

use crate::provider::{Provider, bash, calls, echo, held, held_calls, said, says};
use crate::terminal::{Setup, Terminal};

#[test]
fn what_is_typed_is_shown_and_sent_with_the_next_round() {
    let provider = Provider::saying(vec![held_calls(&[bash("ls")]), says("I heard it.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    terminal.adds("also thåt…🎉", "> also thåt…🎉");
    terminal.adds("\x7f\x7f!", "> also thåt!");
    terminal.adds("\r", ">");
    terminal.sees("next: also thåt!  (Esc takes it back)");
    terminal.provider.let_go();
    terminal.sees("I heard it.");
    terminal.prompt();
    assert_eq!(said(&terminal.provider.messages(1)), ["work", "also thåt!"]);
    assert_eq!(
        terminal.count("> also thåt!"),
        1,
        "it is shown once where it was said"
    );
    assert!(!terminal.shows("next:"));
    assert_eq!(terminal.provider.requests().len(), 2);
    terminal.leaves();
}

#[test]
fn several_wait_and_escape_takes_back_the_newest() {
    let provider = Provider::saying(vec![held_calls(&[bash("ls")]), says("I heard them.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    for word in ["one", "two", "three"] {
        terminal.adds(word, &format!("> {word}"));
        terminal.adds("\r", ">");
        terminal.sees(&format!("next: {word}"));
    }
    terminal.adds("\x1b", "> three");
    terminal.loses("next: three");
    terminal.adds(" changed", "> three changed");
    terminal.adds("\x15", ">");
    terminal.adds("\x1b", "> two");
    terminal.adds("\r", ">");
    terminal.adds("and half", "> and half");
    terminal.provider.let_go();
    terminal.sees("I heard them.");
    terminal.until("the half line", |terminal| terminal.reads("> and half"));
    assert_eq!(said(&terminal.provider.messages(1)), ["work", "one", "two"]);
    terminal.submits();
    terminal.sees("Heard: and half.");
    terminal.leaves();
}

#[test]
fn a_message_that_comes_with_the_last_words_is_answered_next() {
    let provider = Provider::saying(vec![held("First answer.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    terminal.adds("and then", "> and then");
    terminal.adds("\r", ">");
    terminal.provider.let_go();
    terminal.sees("Heard: and then.");
    terminal.prompt();
    let history = terminal.history();
    let at = |text: &str| history.iter().position(|line| line == text).unwrap();
    assert!(at("> work") < at("First answer.") && at("First answer.") < at("> and then"));
    assert!(at("> and then") < at("Heard: and then."));
    assert_eq!(said(&terminal.provider.messages(1)), ["work", "and then"]);
    assert_eq!(terminal.provider.requests().len(), 2);
    terminal.leaves();
}

#[test]
fn several_lines_are_pasted_as_one_message() {
    let provider = Provider::saying(vec![held_calls(&[bash("ls")]), says("I heard it.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    // The mark at its end comes in two pieces, as it may at the end of a long paste.
    terminal.adds(
        "\x1b[200~first\rsecond\nthird\x1b[20",
        "> first↵second↵third",
    );
    terminal.adds("1~, typed", "> first↵second↵third, typed");
    terminal.adds("\r", ">");
    terminal.provider.let_go();
    terminal.sees("I heard it.");
    let said = said(&terminal.provider.messages(1));
    assert_eq!(said, ["work", "first\nsecond\nthird, typed"]);
    terminal.leaves();
}

#[test]
fn commands_that_are_sent_meanwhile_run_after_the_turn_in_their_order() {
    let provider = Provider::saying(vec![held_calls(&[bash("ls")]), says("Turn over.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    for line in ["/model second-model", "said behind it"] {
        terminal.adds(line, &format!("> {line}"));
        terminal.adds("\r", ">");
    }
    terminal.provider.let_go();
    terminal.sees("Heard: said behind it.");
    terminal.prompt();
    let history = terminal.history();
    let at = |text: &str| history.iter().position(|line| line.contains(text)).unwrap();
    assert!(at("Turn over.") < at("> /model second-model"));
    assert!(at("first-model → second-model") < at("> said behind it"));
    let requests = terminal.provider.requests();
    assert_eq!(said(requests[1]["messages"].as_array().unwrap()), ["work"]);
    assert_eq!(requests[2]["model"], "second-model");
    terminal.leaves();
}

#[test]
fn ctrl_c_brings_what_was_queued_and_typed_back_to_the_prompt() {
    let provider = Provider::saying(vec![held("never")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    terminal.adds("queued", "> queued");
    terminal.adds("\r", ">");
    terminal.adds("half", "> half");
    terminal.keys("\x03");
    terminal.sees("the conversation goes on");
    terminal.until("both", |terminal| {
        let screen = terminal.screen();
        let at = screen.iter().position(|line| line == "> queued");
        terminal.reads("half") && at.is_some_and(|at| screen[at + 1] == "half")
    });
    terminal.submits();
    terminal.until("the answer", |terminal| terminal.shows("Heard: queued"));
    assert_eq!(
        said(&terminal.provider.messages(1)),
        ["work", "queued\nhalf"]
    );
    terminal.leaves();
}

#[test]
fn a_failed_turn_brings_what_was_queued_back_to_the_prompt() {
    use crate::provider::{Part, Reply};
    let provider = Provider::saying(vec![
        calls(&[bash("ls")]),
        Reply::Parts(vec![Part::Held]),
        Reply::Failed(401, "the key is wrong"),
    ]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    terminal.works();
    terminal.adds("queued", "> queued");
    terminal.adds("\r", ">");
    terminal.provider.let_go();
    terminal.sees("the key is wrong");
    terminal.prompt();
    let last = said(&terminal.provider.messages(2));
    let is_told = last.contains(&"queued".to_string());
    assert_eq!(
        terminal.reads("> queued"),
        !is_told,
        "said or at the prompt: {last:?}"
    );
}

#[test]
fn nothing_that_is_typed_while_turns_begin_and_end_is_lost_or_doubled() {
    let provider = Provider::saying(vec![]);
    let mut terminal = Setup::new().start(provider);
    // Each as soon as the one before has been taken, whoever reads then.
    for n in 0..12 {
        terminal.keys(&format!("message {n:02}"));
        terminal.until("it", |terminal| {
            terminal.cursor().0.contains(&format!("message {n:02}"))
        });
        terminal.keys("\r");
    }
    terminal.sees("message 11.");
    terminal.prompt();
    let last = terminal.provider.requests().pop().unwrap();
    let said = said(last["messages"].as_array().unwrap());
    let expected: Vec<String> = (0..12).map(|n| format!("message {n:02}")).collect();
    assert_eq!(said, expected);
    terminal.leaves();
}

/// Types these while the agent works, each with Enter.
#[track_caller]
fn queues(terminal: &mut Terminal, lines: &[&str]) {
    terminal.works();
    for line in lines {
        terminal.adds(line, &format!("> {line}"));
        terminal.adds("\r", ">");
    }
}

#[test]
fn what_waits_behind_a_command_is_said_in_its_order_and_nothing_is_lost() {
    let provider = Provider::new(|request, n| match n {
        0 | 1 => held(&format!("Answer {n}.")),
        _ => echo(request),
    });
    let mut terminal = Setup::new().start(provider);
    terminal.says("work");
    queues(
        &mut terminal,
        &["/model second-model", "one", "two", "/tokens", "three"],
    );
    terminal.provider.let_go();
    terminal.sees("Answer 0.");
    queues(&mut terminal, &["four"]);
    terminal.provider.let_go();
    terminal.sees("four.");
    terminal.prompt();
    let last = terminal.provider.requests().pop().unwrap();
    let said = said(last["messages"].as_array().unwrap());
    assert_eq!(said, ["work", "one", "two", "three", "four"]);
    terminal.leaves();
}

#[test]
fn what_is_typed_while_a_command_of_the_user_runs_comes_right_after_it() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.says("!while [ ! -e go ]; do sleep 0.02; done; echo gone");
    queues(&mut terminal, &["sent"]);
    terminal.adds("half", "> half");
    terminal.home.write("project/go", "");
    terminal.sees("Heard: sent.");
    terminal.until("the half line", |terminal| terminal.reads("> half"));
    terminal.submits();
    terminal.sees("Heard: half.");
    terminal.leaves();
}

#[test]
fn many_that_wait_in_a_small_window_leave_nothing_behind() {
    let provider = Provider::saying(vec![held_calls(&[bash("ls")]), says("I heard them.")]);
    let mut terminal = Setup::new().size(12, 40).start(provider);
    terminal.says("work");
    let lines: Vec<String> = (0..15).map(|n| format!("message {n:02}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    queues(&mut terminal, &lines);
    terminal.provider.let_go();
    terminal.sees("I heard them.");
    terminal.prompt();
    for line in &lines {
        assert_eq!(terminal.count(line), 1, "{line}: {:#?}", terminal.history());
    }
    assert_eq!(said(&terminal.provider.messages(1))[1..], lines);
    terminal.leaves();
}

#[test]
fn what_is_typed_right_behind_a_message_stands_nowhere_twice() {
    let provider = Provider::saying((0..8).map(|n| held(&format!("Answer {n}."))).collect());
    let mut terminal = Setup::new().start(provider);
    for n in 0..8 {
        terminal.prompt();
        terminal.enters(&format!("go {n}"));
        terminal.keys("xyz");
        terminal.until("what was typed", |terminal| {
            terminal.cursor().0.contains("> xyz")
        });
        terminal.adds("\x15", ">");
        terminal.provider.let_go();
        terminal.sees(&format!("Answer {n}."));
    }
    terminal.prompt();
    assert_eq!(terminal.count("xyz"), 0, "{:#?}", terminal.history());
    terminal.leaves();
}

#[test]
fn what_is_sent_waits_in_sight_while_a_hook_still_hears_it() {
    let slow = "if grep -q 'slow one'; then while [ ! -e \"$HOME/go\" ]; do sleep 0.02; done; fi";
    let hooks = json!({"UserPromptSubmit": [{"hooks": [{"type": "command", "command": slow}]}]});
    let provider = Provider::new(|request, n| match n {
        0 => held("First answer."),
        _ => echo(request),
    });
    let setup = Setup::new().settings(json!({ "hooks": hooks }));
    let mut terminal = setup.start(provider);
    terminal.says("work");
    terminal.works();
    terminal.adds("slow one", "> slow one");
    terminal.adds("\r", ">");
    terminal.sees("next: slow one");
    terminal.provider.let_go();
    terminal.sees("First answer.");
    // The turn is over, the hook is not: the message is the next thing said, and not before it was heard.
    terminal.until("it is taken up", |terminal| !terminal.shows("next:"));
    assert_eq!(terminal.provider.requests().len(), 1);
    terminal.home.write("home/go", "");
    terminal.sees("Heard: slow one.");
    terminal.prompt();
    assert_eq!(terminal.provider.requests().len(), 2);
    terminal.leaves();
}

#[test]
fn ctrl_c_names_the_calls_that_it_stopped() {
    let ended_and_not = calls(&[bash("echo ended"), bash("touch begun; sleep 60")]);
    let mut terminal = Setup::new()
        .args(&["--yes"])
        .start(Provider::saying(vec![ended_and_not]));
    terminal.says("work");
    terminal.until("the second", |terminal| {
        terminal.home.read("project/begun").is_some()
    });
    terminal.keys("\x03");
    terminal.sees("✗ bash touch begun; sleep 60 (stopped)");
    terminal.sees("the conversation goes on");
    assert!(!terminal.shows("echo ended (stopped)"));
    terminal.leaves();
}
