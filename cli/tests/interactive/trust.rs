//! What a folder brings that can run programs counts only once it is trusted.

use expectrl::process::unix::Signal;
use serde_json::json;

use crate::Home;
use crate::provider::{Provider, bash, calls, says};
use crate::terminal::{Setup, Terminal};

const QUESTION: &str = "Do you trust this folder?";

/// A folder whose settings allow `touch`, or whose hook makes a file.
fn folders() -> [Setup; 2] {
    let allows = json!({"permissions": {"allow": ["Bash(touch:*)"]}}).to_string();
    let hook = json!({"type": "command", "command": "touch \"$CLAUDE_PROJECT_DIR\"/hooked"});
    let hooks = json!({"UserPromptSubmit": [{"hooks": [hook]}]}).to_string();
    [
        Setup::new().file(".claude/settings.json", allows),
        Setup::new().file(".corecoder/hooks.json", hooks),
    ]
}

fn provider() -> Provider {
    Provider::new(|request, n| match n % 2 {
        0 => calls(&[bash("touch made")]),
        _ => crate::provider::echo(request),
    })
}

#[test]
fn a_folder_that_brings_programs_is_asked_about_once_and_the_word_is_kept() {
    for (answer, is_trusted) in [("y", true), ("n", false), ("no", false), ("yes", true)] {
        for (setup, file) in folders()
            .into_iter()
            .zip([".claude/settings.json", ".corecoder/hooks.json"])
        {
            let mut terminal = setup.begin(provider());
            terminal.asked(QUESTION);
            assert!(terminal.shows(file), "it says what");
            terminal.enters("what?");
            terminal.answers(QUESTION, answer);
            terminal.prompt();
            for _ in 0..2 {
                assert_eq!(terminal.shows("this folder is not trusted"), !is_trusted);
                terminal.says("go");
                if !(is_trusted && file.contains("claude")) {
                    terminal.answers("say why not:", "n");
                }
                terminal.sees("Heard: go.");
                let (home, provider) = terminal.leaves();
                let counts = home.read("project/made").or(home.read("project/hooked"));
                assert_eq!(counts.is_some(), is_trusted, "{answer} {file}");
                let again = Setup::of(home).begin(provider);
                terminal = again;
                terminal.prompt();
                assert!(!terminal.shows(QUESTION));
            }
        }
    }
}

#[test]
fn ctrl_c_and_ctrl_d_at_the_question_mean_no_for_now() {
    for key in ["\x03", "\x04"] {
        for setup in folders() {
            let mut terminal = setup.begin(provider());
            terminal.asked(QUESTION);
            terminal.keys(key);
            terminal.sees("this folder is not trusted");
            terminal.says("go");
            terminal.answers("say why not:", "n");
            terminal.sees("Heard: go.");
            let (home, provider) = terminal.leaves();
            assert!(home.read("project/made").is_none() && home.read("project/hooked").is_none());
            let mut terminal = Setup::of(home).begin(provider);
            terminal.asked(QUESTION);
        }
    }
}

#[test]
fn a_folder_of_words_alone_is_not_asked_about() {
    let setup = Setup::new()
        .file("AGENTS.md", "Say please.")
        .file("CLAUDE.md", "Be kind.");
    let mut terminal = setup.start(Provider::saying(vec![says("Please.")]));
    assert!(!terminal.shows("trust"));
    terminal.talks("hello", &["Please."]);
    assert!(terminal.provider.last().contains("Say please."));
    terminal.leaves();
}

#[test]
fn what_always_wrote_counts_and_what_comes_later_is_asked_about() {
    let mut terminal = Setup::new().start(provider());
    terminal.says("go");
    terminal.answers("say why not:", "a");
    terminal.sees("Heard: go.");
    let (home, provider) = terminal.leaves();
    assert!(
        home.read("project/.corecoder/settings.json")
            .unwrap()
            .contains("bash(touch")
    );
    // The rule counts, and nobody is asked about it.
    let mut terminal = Setup::of(home).begin(provider);
    terminal.prompt();
    assert!(!terminal.shows(QUESTION));
    terminal.talks("go", &["Heard: go."]);
    assert!(!terminal.shows("say why not:"));
    let (home, provider) = terminal.leaves();
    // Somebody else's hook does not.
    let hook = json!({"SessionStart": [{"command": "touch hooked"}]});
    home.write("project/.corecoder/hooks.json", hook.to_string());
    let mut terminal = Setup::of(home).begin(provider);
    terminal.asked(QUESTION);
    terminal.answers(QUESTION, "n");
    terminal.prompt();
    let (home, _) = terminal.leaves();
    assert!(home.read("project/hooked").is_none());
}

#[test]
fn a_signal_at_the_question_ends_the_program_and_leaves_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::SIGTERM, 143), (Signal::SIGHUP, 129)] {
        let [setup, _] = folders();
        let mut terminal = setup.begin(provider());
        terminal.asked(QUESTION);
        terminal.signal(signal);
        terminal.ends(code);
    }
}

#[test]
fn trust_can_be_given_and_taken_back_later() {
    let [setup, _] = folders();
    let mut terminal = setup.begin(provider());
    terminal.answers(QUESTION, "n");
    terminal.prompt();
    let (mut home, mut replies) = terminal_says(terminal, "/trust", "this folder is not trusted");
    for (word, is_trusted) in [("yes", true), ("no", false)] {
        let mut terminal = Setup::of(home).begin(replies);
        terminal.prompt();
        terminal.talks(&format!("/trust {word}"), &["from the next start on"]);
        (home, replies) = terminal.leaves();
        let mut terminal = Setup::of(home).begin(replies);
        terminal.prompt();
        assert_eq!(terminal.shows("this folder is not trusted"), !is_trusted);
        (home, replies) = terminal.leaves();
    }
}

fn terminal_says(mut terminal: Terminal, line: &str, answer: &str) -> (Home, Provider) {
    terminal.talks(line, &[answer]);
    terminal.leaves()
}
