//! The interactive program in a real terminal: what a person types, and what they see.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Session};
use serde_json::{Value, json};

/// A provider that answers the n-th request with the n-th of these deltas, and never answers `null`.
fn provider(deltas: Vec<Value>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut deltas = deltas.into_iter();
        let mut silent = Vec::new();
        for connection in listener.incoming().flatten() {
            let mut reader = BufReader::new(connection);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).unwrap();
            match deltas.next().unwrap_or(Value::Null) {
                Value::Null => silent.push(reader),
                delta => reader
                    .get_mut()
                    .write_all(reply(&delta).as_bytes())
                    .unwrap(),
            }
        }
    });
    url
}

fn reply(delta: &Value) -> String {
    let finish = if delta["tool_calls"].is_array() {
        "tool_calls"
    } else {
        "stop"
    };
    let chunk = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn calls(name: &str, args: Value) -> Value {
    let function = json!({"name": name, "arguments": args.to_string()});
    json!({"content": null, "tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]})
}

struct Terminal {
    folder: tempfile::TempDir,
    session: OsSession,
}

impl Terminal {
    fn new(url: &str) -> Terminal {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_corecoder"));
        command
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", folder.path())
            // What is tested here are questions and rules, which commands in a sandbox don't need.
            .env("CORECODER_SANDBOX", "off")
            .env("TERM", "xterm");
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("CORECODER_BASE_URL", url);
        let mut session = Session::spawn(command).unwrap();
        session.set_expect_timeout(Some(Duration::from_secs(20)));
        let mut terminal = Terminal { folder, session };
        terminal.sees("/help for help");
        terminal
    }

    fn types(&mut self, line: &str) {
        self.session.send_line(line).unwrap();
    }

    #[track_caller]
    fn sees(&mut self, text: &str) {
        if let Err(error) = self.session.expect(text) {
            panic!("not seen: {text:?} ({error})");
        }
    }

    /// Ctrl+D at the prompt; before that nobody reads it.
    fn leaves(&mut self) {
        self.sees("> ");
        self.session.send(ControlCode::EndOfTransmission).unwrap();
        self.ends(0);
    }

    #[track_caller]
    fn ends(&mut self, code: i32) {
        self.session.expect(Eof).unwrap();
        let status = format!("{:?}", self.session.get_process_mut().wait().unwrap());
        let exited = status.starts_with("Exited") && status.ends_with(&format!(", {code})"));
        assert!(exited, "{status}");
    }
}

#[test]
fn a_write_is_asked_about_and_the_reason_is_read() {
    let write = || calls("write_file", json!({"file_path": "new", "content": "x\n"}));
    let url = provider(vec![
        write(),
        json!({"content": "I see."}),
        write(),
        json!({"content": "Written."}),
    ]);
    let mut terminal = Terminal::new(&url);
    terminal.types("write it");
    terminal.sees("(the whole file)");
    terminal.sees("or say why not:");
    terminal.types("not on a Sunday");
    terminal.sees("not on a Sunday");
    terminal.sees("I see.");
    assert!(!terminal.folder.path().join("new").exists());
    terminal.types("write it now");
    terminal.sees("or say why not:");
    terminal.types("y");
    terminal.sees("Written.");
    assert_eq!(
        std::fs::read_to_string(terminal.folder.path().join("new")).unwrap(),
        "x\n"
    );
    terminal.types("quit");
    terminal.ends(0);
}

#[test]
fn ctrl_c_stops_the_round_and_the_session_goes_on() {
    let url = provider(vec![Value::Null, json!({"content": "Here again."})]);
    let mut terminal = Terminal::new(&url);
    terminal.types("think");
    terminal.sees("thinking");
    terminal.session.send(ControlCode::EndOfText).unwrap();
    terminal.sees("the conversation goes on");
    terminal.types("still there?");
    terminal.sees("Here again.");
    terminal.leaves();
}

#[test]
fn commands_answer_without_the_model() {
    let mut terminal = Terminal::new("http://127.0.0.1:9/v1");
    for (line, answer) in [
        ("/help", "Ctrl+C stops it"),
        ("/model", "gpt-5.5"),
        ("/model other", "gpt-5.5 → other"),
        ("/tokens", "0 in (0 of them cached), 0 out"),
        ("/reset", "a new session; the one before is kept"),
        ("/compact", "there is nothing to shorten yet"),
        ("/undo", "nothing has happened in this session yet"),
        ("/nonsense", "there is no command /nonsense"),
    ] {
        terminal.types(line);
        terminal.sees(answer);
    }
    terminal.leaves();
}
