//! Readers that go away, inputs that are closed, and a disk that is full.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use crate::ended;
use crate::place::Place;
use crate::provider::{Answer, Provider, calls, problem, says};

#[test]
fn a_reader_of_lines_that_goes_away_ends_the_run_soon() {
    let place = Place::new();
    // A model that would go on for long.
    let provider = Provider::new(|n, request| {
        let over = request["messages"].to_string().contains("go on now");
        Answer::Delta(match over {
            true => says("went on"),
            false => calls(&[("glob", json!({"pattern": format!("{n}.none")}))]),
        })
    });
    let args = [
        "-p",
        "begin",
        "--output-format",
        "stream-json",
        "--max-turns",
        "1000000",
    ];
    let mut command = place.corecoder(&provider, &args);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("init"), "{line}");
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(141), "{stderr}");
    assert!(
        !stderr.contains("panic") && !stderr.contains("roken pipe"),
        "{stderr}"
    );
    let (stdout, _) = place.done(&provider, &["-p", "go on now", "-c"]);
    assert_eq!(stdout, "went on\n");
    assert_eq!(problem(&provider.requests().pop().unwrap()), None);
}

#[test]
fn a_reader_of_lines_that_went_away_before_the_last_is_told_by_the_code() {
    for format in ["json", "stream-json"] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let mut command = place.corecoder(&provider, &["-p", "hi", "--output-format", format]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(141), "{format}");
    }
}

#[test]
fn a_reader_of_text_that_goes_away_is_no_failure() {
    let rows: [&[&str]; 5] = [
        &["-p", "hi"],
        &["config"],
        &["completions", "bash"],
        &["man"],
        &["sessions"],
    ];
    for args in rows {
        let (place, provider) = (
            Place::new(),
            Provider::saying([says(&"long ".repeat(100_000))]),
        );
        let mut command = place.corecoder(&provider, args);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(0), ""),
            "{args:?}"
        );
    }
}

#[test]
fn an_answer_that_does_not_fit_on_the_disk_is_a_failure_that_is_said() {
    let rows: [&[&str]; 5] = [
        &["-p", "hi"],
        &["-p", "hi", "--output-format", "json"],
        &["-p", "hi", "--output-format", "stream-json"],
        &["completions", "bash"],
        &["man"],
    ];
    for args in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = place.corecoder(&provider, args);
        command
            .stdin(Stdio::null())
            .stdout(full)
            .stderr(Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
        assert!(
            stderr.contains("No space left on device"),
            "{args:?}: {stderr}"
        );
        assert!(!stderr.contains("panic"), "{stderr}");
    }
}

#[test]
fn closed_streams_are_no_problem() {
    for (redirects, answered) in [
        ("<&-", true),
        ("<&- 2>&-", true),
        ("2>&-", true),
        (">&-", false),
    ] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let program = place.corecoder(&provider, &[]);
        let mut shell = std::process::Command::new("sh");
        let line = format!("exec \"$0\" -p hi {redirects}");
        shell.args(["-c", &line]).arg(program.get_program());
        shell.current_dir(place.project("")).env_clear();
        shell.envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let output = shell.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{redirects}: {output:?}");
        assert_eq!(output.stdout == b"ok\n", answered, "{redirects}");
        assert_eq!(provider.requests().len(), 1);
    }
}

#[test]
fn without_a_task_and_without_a_terminal_nothing_is_done() {
    for args in [&[][..], &["-p", ""], &["-p", "  "], &["-c"]] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let (code, stdout, stderr) = ended(&mut place.corecoder(&provider, args));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.contains("the prompt is empty"), "{stderr}");
        assert_eq!(provider.requests().len(), 0);
    }
}

#[test]
fn only_what_is_written_on_the_command_line_attaches_files() {
    let place = Place::new();
    std::fs::write(place.home("secret"), "SECRET").unwrap();
    std::fs::write(place.project("notes.txt"), "NOTES").unwrap();
    std::fs::write(place.project(".env.txt"), "DENIED").unwrap();
    let provider = Provider::saying(vec![says("done")]);
    let secret = place.home("secret").display().to_string();
    let args = [
        "-p",
        "look at @notes.txt and @.env.txt",
        "--disallowed-tools",
        "read_file(.env*)",
    ];
    let mut command = place.corecoder(&provider, &args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, format!("piped @{secret} here").as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("attached: notes.txt"), "{stderr}");
    assert!(stderr.contains("a rule denies it"), "{stderr}");
    let sent = provider.requests()[0].to_string();
    for (words, wanted) in [
        ("NOTES", true),
        ("piped @", true),
        ("SECRET", false),
        ("DENIED", false),
    ] {
        assert_eq!(sent.contains(words), wanted, "{words}: {sent}");
    }
}

#[test]
fn the_task_may_stand_before_or_behind_p_or_be_piped() {
    for args in [
        &["-p", "the task", "--output-format", "text"][..],
        &["-p", "--output-format", "text", "the task"],
        &["--print", "the task"],
        &["the task"],
    ] {
        let place = Place::new();
        let provider = Provider::saying(vec![says("done")]);
        let mut command = place.corecoder(&provider, args);
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            "done\n",
            "{args:?}"
        );
        assert!(
            provider.requests()[0].to_string().contains("the task"),
            "{args:?}"
        );
    }
    let place = Place::new();
    let provider = Provider::saying(vec![says("done")]);
    let output = place.corecoder(&provider, &["docter"]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(2) && stderr.contains("doctor is near it"),
        "{stderr}"
    );
}
