//! Signals in the middle of a run: it ends soon and with its code, and what was done is kept.

use std::io::Read;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::place::Place;
use crate::provider::{Answer, Provider, bash, problem, says};
use crate::{lines, of_type};

const SIGNALS: [(&str, i32); 3] = [("-INT", 130), ("-TERM", 143), ("-HUP", 129)];

fn signal(child: &Child, name: &str) {
    let mut kill = Command::new("kill");
    let status = kill.args([name, &child.id().to_string()]).status();
    assert!(status.unwrap().success());
}

/// Starts it with both streams piped.
fn start(place: &Place, provider: &Provider, args: &[&str]) -> Child {
    let mut command = place.corecoder(provider, args);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn out(child: Child) -> (i32, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Waits until a file holds a line.
fn seen(place: &Place, name: &str) {
    while !place.read(name).ends_with('\n') {
        std::thread::yield_now();
    }
}

/// A model that lets a command run, waits in its second round, and answers in a second run.
fn slow(in_command: bool) -> Provider {
    Provider::new(move |n, request| {
        let words = request["messages"].to_string();
        match n {
            _ if words.contains("go on now") => Answer::Delta(says("went on")),
            0 if in_command => Answer::Delta(bash(&[
                "echo one",
                "echo $$ >begun; exec sleep 60",
                "echo three",
            ])),
            0 => Answer::Delta(bash(&["echo one"])),
            _ => Answer::Never,
        }
    })
}

#[test]
fn a_run_that_a_signal_stops_has_its_code_its_result_and_a_journal_to_go_on_with() {
    for (name, code) in SIGNALS {
        for in_command in [false, true] {
            for format in ["text", "json", "stream-json"] {
                let (place, provider) = (Place::new(), slow(in_command));
                let args = ["-p", "begin", "--yes", "--output-format", format];
                let child = start(&place, &provider, &args);
                match in_command {
                    true => seen(&place, "begun"),
                    false => (0..2).for_each(|_| provider.arrived.recv().unwrap()),
                }
                signal(&child, name);
                let (ended, stdout, stderr) = out(child);
                assert_eq!(ended, code, "{name} {format}: {stderr}");
                assert!(!stderr.contains("panic"), "{stderr}");
                assert!(
                    stderr.contains("interrupted; go on with: corecoder -r"),
                    "{stderr}"
                );
                interrupted(&stdout, format, in_command);
                goes_on(&place, &provider);
            }
        }
    }
}

fn interrupted(stdout: &str, format: &str, in_command: bool) {
    let lines = lines(stdout);
    let Some(result) = lines.last() else {
        assert_eq!(format, "text");
        return;
    };
    assert_eq!(
        (&result["type"], &result["is_error"]),
        (&json!("result"), &json!(true))
    );
    assert_eq!(result["subtype"], "error_during_execution");
    assert!(
        result["errors"][0]
            .as_str()
            .unwrap()
            .contains("interrupted"),
        "{result}"
    );
    if format == "stream-json" {
        // Every call that was told of has its result.
        let of = |kind| {
            of_type(&lines, kind).into_iter().flat_map(|line| {
                line["message"]["content"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .cloned()
            })
        };
        let calls = of("assistant")
            .filter(|block| block["type"] == "tool_use")
            .count();
        let results = of("user")
            .filter(|block| block["type"] == "tool_result")
            .count();
        assert_eq!((calls, results), if in_command { (3, 3) } else { (1, 1) });
    }
}

fn goes_on(place: &Place, provider: &Provider) {
    let (stdout, stderr) = place.done(provider, &["-p", "go on now", "-c"]);
    assert_eq!(stdout, "went on\n");
    assert!(!stderr.contains("journal"), "{stderr}");
    let last = provider.requests().pop().unwrap();
    assert_eq!(problem(&last), None);
    assert_eq!(provider.results()[0], "one");
    assert!(
        provider
            .told(provider.requests().len() - 1)
            .contains("begin")
    );
}

#[test]
fn a_signal_before_the_first_answer_ends_it_too() {
    for (name, code) in SIGNALS {
        let place = Place::new();
        let provider = Provider::new(|_, _| Answer::Never);
        let child = start(
            &place,
            &provider,
            &["-p", "begin", "--output-format", "json"],
        );
        provider.arrived.recv().unwrap();
        signal(&child, name);
        let (ended, stdout, _) = out(child);
        assert_eq!((ended, lines(&stdout).len()), (code, 1));
    }
}

#[test]
fn a_signal_between_two_messages_ends_it_with_a_good_result_behind_it() {
    use std::io::{BufRead, BufReader, Write};
    let (place, provider) = (Place::new(), Provider::saying([says("one")]));
    let args = [
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
    ];
    let mut command = place.corecoder(&provider, &args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let message = json!({"type": "user", "message": {"role": "user", "content": "hi"}});
    stdin.write_all(format!("{message}\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("\"result\"") || !line.contains("success") {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0);
    }
    signal(&child, "-TERM");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    drop(stdin);
    assert!(
        lines(&rest).iter().all(|line| line["type"] == "result"),
        "{rest}"
    );
}

#[test]
fn a_run_that_is_killed_at_once_can_be_gone_on_with() {
    let (place, provider) = (Place::new(), slow(true));
    let child = start(&place, &provider, &["-p", "begin", "--yes"]);
    seen(&place, "begun");
    signal(&child, "-KILL");
    out(child);
    let (stdout, stderr) = place.done(&provider, &["-p", "go on now", "-c"]);
    assert_eq!(stdout, "went on\n");
    assert!(stderr.contains("cut off"), "{stderr}");
    assert_eq!(problem(&provider.requests().pop().unwrap()), None);
    // What the killed program had started ends with this test.
    let pid: u32 = place.read("begun").trim().parse().unwrap();
    assert!(pid > 1);
    let _ = Command::new("kill")
        .args(["-KILL", &pid.to_string()])
        .status();
}

#[test]
fn a_reader_of_text_that_is_stuck_keeps_no_signal_from_ending_it() {
    stuck("text");
}

#[test]
fn a_reader_of_lines_that_is_stuck_keeps_no_signal_from_ending_it() {
    stuck("stream-json");
}

fn stuck(format: &str) {
    let (place, provider) = (
        Place::new(),
        Provider::saying([says(&"long ".repeat(100_000))]),
    );
    let mut child = start(
        &place,
        &provider,
        &["-p", "begin", "--output-format", format],
    );
    let mut stdout = child.stdout.take().unwrap();
    // The answer has begun, and the rest of it does not fit into the pipe.
    let mut read = Vec::new();
    while !String::from_utf8_lossy(&read).contains("long ") {
        let mut some = [0; 100];
        let count = stdout.read(&mut some).unwrap();
        read.extend(&some[..count]);
    }
    signal(&child, "-TERM");
    let code = child.wait().unwrap().code();
    drop(stdout);
    assert_eq!(code, Some(143));
}
