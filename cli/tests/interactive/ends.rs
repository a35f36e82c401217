//! How it ends: the window is closed, the program is told to go, and what is found when it goes on.

use std::time::Duration;

use expectrl::process::unix::Signal;
use serde_json::json;

use crate::provider::{Provider, bash, calls, held, says, write};
use crate::terminal::{Setup, Terminal};

/// A program in three states: at the prompt, at a question, at work.
fn states() -> [Terminal; 3] {
    let prompt = Setup::new().start(Provider::saying(vec![]));
    let mut question = Setup::new().start(Provider::saying(vec![calls(&[write("new", "x")])]));
    question.says("write");
    question.asked("say why not:");
    let mut work = Setup::new().start(Provider::saying(vec![held("never")]));
    work.says("work");
    work.works();
    [prompt, question, work]
}

#[test]
fn a_polite_kill_ends_it_in_every_state_and_puts_the_terminal_back() {
    for mut terminal in states() {
        terminal.signal(Signal::SIGTERM);
        terminal.ends(143);
    }
}

#[test]
fn a_hangup_ends_it_in_every_state_and_puts_the_terminal_back() {
    for mut terminal in states() {
        terminal.signal(Signal::SIGHUP);
        terminal.ends(129);
    }
}

#[test]
fn it_ends_by_a_signal_or_by_ctrl_c_again_and_again_also_while_nothing_in_it_heeds_them() {
    let ends = |signal, times, code| {
        let provider = Provider::saying(vec![says(&"far too much\n\n".repeat(100_000))]);
        let mut terminal = Setup::new().start(provider);
        terminal.says("work");
        terminal.sees("far too much");
        // Nobody reads its output from here on, so it stands still in a write.
        std::thread::sleep(Duration::from_millis(500));
        for _ in 0..times {
            terminal.signal(signal);
            std::thread::sleep(Duration::from_millis(20));
        }
        terminal.ends_unread(code);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| ends(Signal::SIGTERM, 1, 143));
        scope.spawn(|| ends(Signal::SIGHUP, 1, 129));
        scope.spawn(|| ends(Signal::SIGINT, 4, 130));
    });
}

#[test]
fn when_the_window_is_closed_the_session_is_kept_and_goes_on() {
    for state in ["prompt", "question", "work"] {
        let provider = Provider::new(move |request, n| match (n, state) {
            (1, "question") => calls(&[write("new", "x")]),
            (1, "work") => held("never"),
            _ => crate::provider::echo(request),
        });
        let mut terminal = Setup::new().watched().start(provider);
        terminal.talks("first words", &["Heard: first words."]);
        match state {
            "prompt" => {}
            "question" => {
                terminal.says("second words");
                terminal.asked("say why not:");
            }
            _ => {
                terminal.says("second words");
                terminal.works();
            }
        }
        let (home, provider) = terminal.closes();
        assert_eq!(home.appears("code"), "129\n", "{state}");
        let mut terminal = Setup::of(home).args(&["-c"]).start(provider);
        terminal.talks("go on", &["Heard: go on."]);
        assert!(terminal.provider.last().contains("first words"));
        assert!(terminal.home.read("project/new").is_none());
        terminal.leaves();
    }
}

#[test]
fn ctrl_c_twice_or_ctrl_d_at_the_prompt_leaves_and_says_how_to_go_on() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.talks("words", &["Heard: words."]);
    terminal.keys("half a line");
    terminal.sees("> half a line");
    // The first takes away what was typed.
    terminal.keys("\x03");
    terminal.prompt();
    assert!(!terminal.shows("Ctrl+C again"));
    terminal.keys("\x03");
    terminal.sees("Ctrl+C again, or Ctrl+D, leaves");
    terminal.prompt();
    terminal.keys("\x03");
    terminal.ends(130);
    assert!(terminal.shows("corecoder -c goes on with this"));
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.keys("\x04");
    terminal.ends(0);
    assert!(!terminal.shows("corecoder -c"), "nothing was said");
}

#[test]
fn plan_mode_is_told_again_and_the_list_is_still_there_when_it_goes_on() {
    let tasks = json!({"tasks": [{"task": "read", "status": "completed"}, {"task": "build", "status": "in_progress"}]});
    let provider = Provider::saying(vec![calls(&[("todo_write", tasks)]), says("Listed.")]);
    let mut terminal = Setup::new().args(&["--mode", "plan"]).start(provider);
    terminal.talks("plan it", &["Listed."]);
    let (home, provider) = terminal.leaves();
    let mut terminal = Setup::of(home)
        .args(&["-c", "--mode", "plan"])
        .start(provider);
    terminal.talks("go on", &["Heard: go on."]);
    let (home, provider) = terminal.leaves();
    let last = provider.requests().pop().unwrap()["messages"].clone();
    let last = last.as_array().unwrap();
    let words = last
        .iter()
        .rposition(|message| message["content"] == "go on")
        .unwrap();
    let told = json!(last[words..]).to_string();
    let whole = json!(last).to_string();
    assert!(whole.matches("[plan mode is on]").count() >= 1, "{whole}");
    assert!(
        whole.contains("[>] build") && whole.contains("[x] read"),
        "{told}"
    );
    let mut terminal = Setup::of(home).args(&["-c"]).start(provider);
    terminal.talks("and on", &["Heard: and on."]);
    assert!(terminal.provider.last().contains("[plan mode is over]"));
    terminal.leaves();
}

#[test]
fn a_command_that_ran_when_the_window_was_closed_is_told_as_cut_off() {
    let provider = Provider::saying(vec![calls(&[bash("touch begun; sleep 60")])]);
    let setup = Setup::new().args(&["--yes"]).watched();
    let mut terminal = setup.start(provider);
    terminal.says("run");
    terminal.home.appears("project/begun");
    let (home, provider) = terminal.closes();
    assert_eq!(home.appears("code"), "129\n");
    let mut terminal = Setup::of(home).args(&["-c"]).start(provider);
    terminal.talks("go on", &["Heard: go on."]);
    assert!(
        terminal.provider.last().contains("may have taken effect"),
        "{}",
        terminal.provider.last()
    );
    terminal.leaves();
}

/// A turn of more than a second, and how it is told that it is over.
fn long_turn(settings: serde_json::Value, program: &str) -> Terminal {
    let provider = Provider::saying(vec![calls(&[bash("sleep 1.1")]), says("Slept.")]);
    let setup = Setup::new().args(&["--yes"]).settings(settings);
    let mut terminal = setup.env("TERM_PROGRAM", program).start(provider);
    terminal.talks("sleep", &["Slept."]);
    terminal
}

#[test]
fn the_end_of_a_long_turn_is_told_unless_that_is_off() {
    let expected = [
        (json!({"notify_after": 1}), "", 1, 0),
        (json!({"notify_after": 1}), "ghostty", 0, 1),
        (json!({"notify_after": 1, "notify": "osc9"}), "", 0, 1),
        (json!({"notify_after": 1, "notify": "off"}), "ghostty", 0, 0),
        (json!({}), "", 0, 0),
    ];
    let turns = expected.map(|(settings, program, bells, words)| {
        std::thread::spawn(move || {
            let terminal = long_turn(settings.clone(), program);
            let heard = terminal.heard();
            assert_eq!(
                (heard.bells, heard.others.len()),
                (bells, words),
                "{settings}"
            );
            assert!(
                heard
                    .others
                    .iter()
                    .all(|words| words.starts_with("9;CoreCoder"))
            );
        })
    });
    turns.into_iter().for_each(|turn| turn.join().unwrap());
}

#[test]
fn one_task_on_a_terminal_ends_with_its_whole_answer() {
    for words in ["One line.", "First line.\n\nLast line."] {
        let provider = Provider::saying(vec![says(words)]);
        let mut terminal = Setup::new().args(&["-p", "hi"]).begin(provider);
        terminal.ends(0);
        for line in words.lines() {
            assert!(terminal.shows(line), "{line}: {:?}", terminal.screen());
        }
    }
}

#[test]
fn a_task_on_the_command_line_is_the_first_thing_said() {
    let mut terminal = Setup::new()
        .args(&["fix it"])
        .begin(Provider::saying(vec![]));
    terminal.sees("Heard: fix it.");
    terminal.talks("and on", &["Heard: and on."]);
    terminal.leaves();
}
