//! What is typed at the prompt: history, completion, attachments, commands of the shell, several lines.

use std::fs;

use serde_json::{Value, json};

use crate::provider::{Provider, Reply, said, says};
use crate::terminal::{Setup, Terminal};

fn echoing() -> Provider {
    Provider::saying(vec![])
}

/// Presses keys, and has this line then.
#[track_caller]
fn gets(terminal: &mut Terminal, keys: &str, line: &str) {
    terminal.keys(keys);
    terminal.until(line, |terminal| terminal.cursor().0 == line);
}

#[test]
fn what_was_typed_is_found_again_also_at_the_next_start() {
    let mut terminal = Setup::new().start(echoing());
    terminal.talks("first words", &["Heard: first words."]);
    terminal.talks("second words", &["Heard: second words."]);
    for round in 0..2 {
        gets(&mut terminal, "\x1b[A", "> second words");
        gets(&mut terminal, "\x1b[A", "> first words");
        gets(&mut terminal, "\x1b[B", "> second words");
        gets(&mut terminal, "\x1b[B", ">");
        terminal.keys("\x12fir");
        terminal.sees("(reverse-i-search)`fir': first words");
        terminal.keys("\x1b[C");
        terminal.until("what was found", |terminal| terminal.reads("> first words"));
        gets(&mut terminal, "\x05\x15", ">");
        if round == 0 {
            let (home, provider) = terminal.leaves();
            terminal = Setup::of(home).start(provider);
        }
    }
    terminal.leaves();
}

#[test]
fn tab_completes_commands_files_models_and_modes() {
    let setup = Setup::new()
        .file("src/parser.rs", "")
        .file("src/printer.rs", "")
        .file("notes.md", "")
        .file("two words.md", "")
        .file(".corecoder/commands/review-all.md", "Review everything.")
        .file(
            ".corecoder/skills/polish/SKILL.md",
            "---\nname: polish\ndescription: Polish it\n---\nPolish.",
        );
    let mut terminal = setup.args(&["--trust"]).start(echoing());
    for (typed, line) in [
        ("/sk\t", "> /skills"),
        ("/revi\t", "> /review-all"),
        ("/pol\t", "> /polish"),
        ("see @no\t", "> see @notes.md"),
        ("see @src/pa\t", "> see @src/parser.rs"),
        ("see @pars\t", "> see @src/parser.rs"),
        ("/model se\t", "> /model second-model"),
        ("/mode ac\t", "> /mode accept-edits"),
        ("!cat no\t", "> !cat notes.md"),
        ("see @two\t", "> see @\"two words.md\""),
    ] {
        gets(&mut terminal, typed, line);
        gets(&mut terminal, "\x15", ">");
    }
    terminal.keys("see @src/p\t\t");
    terminal.sees("@src/parser.rs");
    terminal.sees("@src/printer.rs");
    terminal.until("the line again", |terminal| terminal.reads("> see @src/p"));
}

#[test]
fn files_folders_and_pictures_are_attached_and_what_is_none_stays_text() {
    let png = [0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0];
    let setup = Setup::new()
        .file("notes.md", "remember this")
        .file("src/a.rs", "")
        .file("shot.png", png);
    let mut terminal = setup.file("two words.md", "quoted words").start(echoing());
    terminal.talks(
        "see @notes.md, @src and @shot.png!",
        &["Heard: see @notes.md"],
    );
    let messages = json!(terminal.provider.messages(0)).to_string();
    assert!(messages.contains("remember this"), "{messages}");
    assert!(messages.contains("a.rs"));
    assert!(
        messages.contains("data:image/png;base64,iVBORw0KGgoA"),
        "{messages}"
    );
    terminal.talks(
        "ask @nobody and me@notes.md",
        &["Heard: ask @nobody and me@notes.md."],
    );
    let all = terminal.provider.messages(1);
    assert_eq!(json!(all).to_string().matches("remember this").count(), 1);
    assert!(all.last().unwrap()["content"] == "ask @nobody and me@notes.md");
    terminal.talks("see @\"two words.md\"", &["Heard: see"]);
    assert!(terminal.provider.last().contains("quoted words"));
    terminal.leaves();
}

#[test]
fn a_file_that_can_not_be_attached_is_said() {
    let setup = Setup::new().file("blob", [1, 0, 2]);
    let mut terminal = setup.start(echoing());
    terminal.talks("see @blob", &["@blob is not attached", "Heard: see @blob."]);
    terminal.leaves();
}

#[test]
fn a_server_that_refuses_pictures_gets_words_instead() {
    let png = [0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0];
    let provider =
        Provider::new(
            |request, _| match request["messages"].to_string().contains("image_url") {
                true => Reply::Failed(400, "image input is not supported by this model: image_url"),
                false => crate::provider::echo(request),
            },
        );
    let mut terminal = Setup::new().file("shot.png", png).start(provider);
    terminal.talks("see @shot.png", &["Heard: see @shot.png."]);
    assert!(terminal.provider.last().contains("shot.png"));
    terminal.talks("and", &["Heard: and."]);
    terminal.leaves();
}

#[test]
fn a_command_of_the_user_is_told_with_the_next_message_unless_twice_marked() {
    let mut terminal = Setup::new().start(echoing());
    terminal.talks("!echo sea; exit 3", &["sea", "exit code"]);
    terminal.talks("!!echo secret", &["secret"]);
    terminal.talks("!", &["write a command behind the !"]);
    assert!(terminal.provider.requests().is_empty(), "nobody was asked");
    terminal.talks("and?", &["Heard: and?."]);
    let messages = terminal.provider.last();
    assert!(
        messages.contains("echo sea") && messages.contains("exit code"),
        "{messages}"
    );
    assert!(!messages.contains("secret"), "{messages}");
    terminal.leaves();
}

#[test]
fn ctrl_c_stops_a_command_of_the_user() {
    let mut terminal = Setup::new().start(echoing());
    terminal.says("!echo begun; sleep 60");
    terminal.works();
    terminal.keys("\x03");
    terminal.sees("stopped");
    terminal.talks("still there?", &["Heard: still there?."]);
    terminal.leaves();
}

#[test]
fn several_lines_are_typed_and_pasted_as_one_message() {
    let mut terminal = Setup::new().start(echoing());
    terminal.keys("one\x1b\rtwo");
    terminal.until("two lines", |terminal| terminal.reads("two"));
    terminal.submits();
    terminal.sees("Heard: one");
    terminal.prompt();
    terminal.keys("\x1b[200~three\r\nfour\n\tfive\x1b[201~");
    terminal.until("the paste", |terminal| terminal.cursor().0.contains("five"));
    assert_eq!(
        terminal.provider.requests().len(),
        1,
        "a paste does not send itself"
    );
    terminal.submits();
    terminal.sees("Heard: three");
    terminal.prompt();
    let said = said(&terminal.provider.messages(1));
    assert_eq!(said[0], "one\ntwo");
    assert_eq!(
        said[1].replace("\r\n", "\n").replace('\r', "\n"),
        "three\nfour\n\tfive"
    );
    terminal.leaves();
}

#[test]
fn lines_that_are_typed_before_the_prompt_is_there_are_not_lost() {
    let mut terminal = Setup::new().begin(echoing());
    terminal.keys("first\rsecond\r");
    terminal.sees("Heard: second.");
    terminal.prompt();
    let last = terminal.provider.requests().pop().unwrap();
    assert_eq!(
        said(last["messages"].as_array().unwrap()),
        ["first", "second"]
    );
    terminal.leaves();
}

#[test]
fn custom_commands_and_skills_run_with_their_arguments() {
    let setup = Setup::new()
        .file(
            ".corecoder/commands/review.md",
            "---\ndescription: Review it\n---\nReview $ARGUMENTS now.",
        )
        .file(
            ".corecoder/skills/polish/SKILL.md",
            "---\nname: polish\ndescription: Polish it\n---\nPolish gently.",
        );
    let mut terminal = setup
        .args(&["--trust"])
        .start(Provider::saying(vec![says("Reviewed."), says("Polished.")]));
    terminal.talks("/review a b", &["Reviewed."]);
    let messages: Vec<Value> = terminal.provider.messages(0);
    assert_eq!(said(&messages), ["Review a b now."]);
    terminal.talks("/polish it", &["Polished."]);
    assert!(terminal.provider.last().contains("Polish gently."));
    terminal.talks("/skills", &["/review  Review it", "/polish  Polish it"]);
    terminal.leaves();
}

#[test]
fn a_history_that_can_not_be_written_stops_nobody() {
    let setup = Setup::new();
    fs::create_dir(setup.home_path(".corecoder_history")).unwrap();
    let mut terminal = setup.start(echoing());
    terminal.talks("words", &["Heard: words."]);
    gets(&mut terminal, "\x1b[A", "> words");
}

#[test]
fn a_long_line_leaves_what_stands_above_it() {
    let mut terminal = Setup::new().start(echoing());
    let line = "some words and ".repeat(40);
    for n in 0..2 {
        terminal.keys(&format!("{n} {line}"));
        terminal.keys("end");
        terminal.until("its end", |terminal| terminal.cursor().0.ends_with("end"));
        let rows = terminal.history();
        assert!(rows[0].starts_with("CoreCoder"), "typed {n}: {rows:#?}");
        terminal.submits();
        terminal.until("the answer", |terminal| terminal.count("Heard:") > n);
        terminal.prompt();
        let rows = terminal.history();
        assert!(rows[0].starts_with("CoreCoder"), "sent {n}: {rows:#?}");
    }
    terminal.leaves();
}
