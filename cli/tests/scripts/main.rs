//! The program without a terminal: settings, trust, permissions, lines of JSON, signals and pipes, through the real
//! binary and a server on loopback.

mod broken;
mod claude;
mod doctor;
mod flags;
mod input;
mod locate;
mod mcp;
mod output;
mod permissions;
mod pipes;
mod place;
mod provider;
mod sandbox;
mod schema;
mod settings;
mod signals;
mod startup;
mod trust;

use std::process::{Command, Stdio};

use serde_json::Value;

/// Runs it to its end: exit code, standard output and standard error.
fn ended(command: &mut Command) -> (i32, String, String) {
    told(command, "")
}

/// The same, with this on its standard input.
fn told(command: &mut Command, input: &str) -> (i32, String, String) {
    use std::io::Write;
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that reads none of it may be gone by now.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// Standard output as lines of JSON, and nothing else.
fn lines(stdout: &str) -> Vec<Value> {
    let line = |line: &str| match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => panic!("{error}: {line}"),
    };
    assert!(stdout.is_empty() || stdout.ends_with('\n'), "{stdout}");
    stdout.lines().map(line).collect()
}

fn of_type<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["type"] == kind).collect()
}
