//! The commands about sessions in a real terminal: what a person types, and what they see.

use std::fs;
use std::time::Duration;

use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Session};
use serde_json::{Value, json};

use crate::Home;
use crate::provider::{Provider, calls, last_words, says};

struct Terminal {
    home: Home,
    provider: Provider,
    session: OsSession,
}

/// Writes its last word into `file` when it is told to write, and repeats what was said otherwise.
fn writer() -> Provider {
    Provider::new(|messages| {
        let words = last_words(messages);
        let asked = messages.last().unwrap()["role"] == "user";
        match words.strip_prefix("write ").filter(|_| asked) {
            Some(text) => {
                let args = json!({"file_path": "file", "content": format!("{text}\n")});
                calls(text, &[("write_file", args)])
            }
            None => says(&format!("Heard: {words}.")),
        }
    })
}

impl Terminal {
    fn new(home: Home, provider: Provider, args: &[&str]) -> Terminal {
        let mut command = home.corecoder(&provider, args);
        command.env("TERM", "xterm");
        let mut session = Session::spawn(command).unwrap();
        session.set_expect_timeout(Some(Duration::from_secs(20)));
        let mut terminal = Terminal {
            home,
            provider,
            session,
        };
        terminal.sees("/help for help");
        terminal
    }

    /// Types at the prompt.
    #[track_caller]
    fn types(&mut self, line: &str, answers: &[&str]) {
        self.sees("> ");
        self.session.send_line(line).unwrap();
        answers.iter().for_each(|answer| self.sees(answer));
    }

    #[track_caller]
    fn sees(&mut self, text: &str) {
        if let Err(error) = self.session.expect(text) {
            panic!("not seen: {text:?} ({error})");
        }
    }

    /// The file in which the provider writes.
    fn file(&self) -> Option<String> {
        fs::read_to_string(self.home.path("file")).ok()
    }

    /// What the user said of what the model was sent last.
    fn said(&self) -> Vec<Value> {
        let messages = self.provider.requests().pop().unwrap();
        let said = messages
            .into_iter()
            .filter(|message| message["role"] == "user");
        said.map(|message| message["content"].clone()).collect()
    }

    #[track_caller]
    fn leaves(mut self) -> (Home, Provider) {
        self.sees("> ");
        self.session.send(ControlCode::EndOfTransmission).unwrap();
        self.session.expect(Eof).unwrap();
        (self.home, self.provider)
    }
}

#[test]
fn files_are_undone_and_done_again_and_the_next_program_knows() {
    let mut terminal = Terminal::new(Home::new(), writer(), &["--yes"]);
    terminal.types("/undo", &["nothing has happened in this session yet"]);
    terminal.types("write one", &["Heard: write one."]);
    terminal.types("write two", &["Heard: write two."]);
    terminal.types("/diff", &["+two"]);
    terminal.types("/undo", &["put back"]);
    assert_eq!(terminal.file().as_deref(), Some("one\n"));
    terminal.types("/redo", &["put back"]);
    assert_eq!(terminal.file().as_deref(), Some("two\n"));
    terminal.types(
        "/redo",
        &["no change of a file was seen that could be put back"],
    );
    let (home, provider) = terminal.leaves();
    let mut terminal = Terminal::new(home, provider, &["--yes", "-c"]);
    terminal.sees("write two");
    terminal.types("/undo", &["put back"]);
    assert_eq!(terminal.file().as_deref(), Some("one\n"));
    terminal.types("/undo", &["deleted"]);
    assert_eq!(terminal.file(), None);
    terminal.types(
        "/undo",
        &["no change of a file was seen that could be put back"],
    );
    terminal.leaves();
}

#[test]
fn a_rewind_goes_back_to_a_message_with_its_files() {
    let mut terminal = Terminal::new(Home::new(), writer(), &["--yes"]);
    for word in ["one", "two", "three"] {
        terminal.types(
            &format!("write {word}"),
            &[&format!("Heard: write {word}.")],
        );
    }
    terminal.types(
        "/rewind",
        &["  1  write one", "  3  write three", "/rewind N goes back"],
    );
    for wrong in ["/rewind 0", "/rewind 4", "/rewind x", "/rewind 1 nonsense"] {
        terminal.types(wrong, &["/rewind N goes back"]);
    }
    terminal.types(
        "/rewind 2",
        &[
            "put back",
            "the conversation is back to before:",
            "write two",
        ],
    );
    assert_eq!(terminal.file().as_deref(), Some("one\n"));
    terminal.types("what now", &["Heard: what now."]);
    assert_eq!(terminal.said(), ["write one", "what now"]);
    terminal.types(
        "/rewind 1 conversation",
        &["the conversation is back to before:"],
    );
    assert_eq!(terminal.file().as_deref(), Some("one\n"), "the files stay");
    terminal.types("hello", &["Heard: hello."]);
    assert_eq!(terminal.said(), ["hello"]);
    let (home, provider) = terminal.leaves();
    let mut terminal = Terminal::new(home, provider, &["--yes", "-c"]);
    terminal.types("and on", &["Heard: and on."]);
    assert_eq!(
        terminal.said(),
        ["hello", "and on"],
        "the next program knows"
    );
    terminal.leaves();
}

#[test]
fn a_rewind_of_files_leaves_the_conversation() {
    let mut terminal = Terminal::new(Home::new(), writer(), &["--yes"]);
    terminal.types("write one", &["Heard: write one."]);
    terminal.types("/rewind 1 files", &["deleted"]);
    assert_eq!(terminal.file(), None);
    terminal.types("and", &["Heard: and."]);
    assert_eq!(terminal.said(), ["write one", "and"]);
    terminal.types(
        "/rewind 2 files",
        &["no change of a file was seen that could be put back"],
    );
    terminal.leaves();
}

#[test]
fn a_session_is_named_listed_left_and_found_by_its_name() {
    let mut terminal = Terminal::new(Home::new(), writer(), &[]);
    terminal.types("first words", &["Heard: first words."]);
    terminal.types("/save", &["kept as 20"]);
    terminal.types("/save parser work", &["named \"parser work\""]);
    terminal.types("/sessions", &["parser work"]);
    terminal.types("/reset", &["a new session; the one before is kept"]);
    terminal.types("/save", &["nothing has happened in this session yet"]);
    terminal.types("other words", &["Heard: other words."]);
    assert_eq!(terminal.said(), ["other words"]);
    let (home, provider) = terminal.leaves();
    assert_eq!(home.list(&provider).len(), 2);
    let mut terminal = Terminal::new(home, provider, &["-r", "parser work"]);
    terminal.sees("first words");
    terminal.types("and on", &["Heard: and on."]);
    assert_eq!(terminal.said(), ["first words", "and on"]);
    terminal.leaves();
}

#[test]
fn a_session_is_chosen_from_a_list() {
    let (home, provider) = (Home::new(), writer());
    home.run(&provider, &["-p", "first words"]);
    let mut command = home.corecoder(&provider, &["-r"]);
    command.env("TERM", "xterm");
    let mut session = Session::spawn(command).unwrap();
    session.set_expect_timeout(Some(Duration::from_secs(20)));
    for (expected, line) in [
        ("first words", "7"),
        ("a number from 1 to 1", "1"),
        ("/help for help", "and on"),
    ] {
        session.expect(expected).unwrap();
        session.send_line(line).unwrap();
    }
    session.expect("Heard: and on.").unwrap();
    assert!(provider.last().contains("first words"));
}

#[test]
fn room_is_made_when_that_is_asked_for() {
    let home = Home::new();
    fs::write(
        home.path(".env"),
        "CORECODER_MAX_CONTEXT=8000\nCORECODER_SMALL=false\n",
    )
    .unwrap();
    let mut terminal = Terminal::new(home, writer(), &[]);
    terminal.types("/compact", &["there is nothing to shorten yet"]);
    for n in 0..3 {
        let words = format!("{n} {}", "some words and ".repeat(60));
        terminal.types(&words, &["Heard: "]);
    }
    terminal.types("/compact", &["became a summary"]);
    let (home, provider) = terminal.leaves();
    let id = home.id(&provider);
    assert!(
        String::from_utf8(home.journal(&id))
            .unwrap()
            .contains("\"compaction\"")
    );
}
