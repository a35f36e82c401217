//! The program killed at any moment: what it did is never done again, and what was said is never lost.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use corecoder::session::UNKNOWN;
use serde_json::{Value, json};

use crate::provider::{Provider, calls, last_words, problem, says};
use crate::{Home, ended};

const KILLS: usize = 200;
/// Kills of one session, so that its conversation stays short.
const A_SESSION: usize = 20;

/// Has marks written for ever, each once and two in a reply, until it is told to end.
fn tireless() -> Provider {
    let count = AtomicUsize::new(0);
    Provider::new(move |messages| {
        if last_words(messages) == "end" {
            return says("ended");
        }
        let n = count.fetch_add(1, Ordering::SeqCst);
        let mark = |half: &str| {
            (
                "bash",
                json!({"command": format!("echo mark-{n}-{half} >>log")}),
            )
        };
        calls(&format!("call-{n}"), &[mark("a"), mark("b")])
    })
}

/// The marks of a conversation with what came of writing them.
fn results(messages: &[Value]) -> Vec<(String, &str)> {
    let mut marks = HashMap::new();
    for call in messages
        .iter()
        .flat_map(|message| message["tool_calls"].as_array().into_iter().flatten())
    {
        let args: Value =
            serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        let mark = args["command"]
            .as_str()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .to_string();
        marks.insert(call["id"].as_str().unwrap(), mark);
    }
    let results = messages.iter().filter(|message| message["role"] == "tool");
    results
        .map(|result| {
            (
                marks[result["tool_call_id"].as_str().unwrap()].clone(),
                result["content"].as_str().unwrap(),
            )
        })
        .collect()
}

/// Each mark is in the log as often as its result says.
fn check_log(home: &Home, messages: &[Value]) {
    let log = fs::read_to_string(home.path("log")).unwrap_or_default();
    for (mark, result) in results(messages) {
        let times = log.lines().filter(|line| *line == mark).count();
        let may_have_run = result.contains(UNKNOWN);
        assert!(
            times == 1 || may_have_run && times == 0,
            "{mark} is there {times} times: {result}"
        );
    }
    let mut marks: Vec<&str> = log.lines().collect();
    marks.sort();
    let all = marks.len();
    marks.dedup();
    assert_eq!(marks.len(), all, "nothing ran twice");
}

/// Starts the program and kills it: while it begins, or some rounds later.
fn kill(home: &Home, provider: &Provider, random: &mut fastrand::Rng) {
    provider.arrived.try_iter().for_each(drop);
    let mut child = home.start(provider, &["-c", "-p", "work", "--yes"]);
    if random.u8(..) < 200 {
        let begun = provider.arrived.recv_timeout(Duration::from_secs(20));
        let errors = || fs::read_to_string(home.path("errors")).unwrap();
        begun.unwrap_or_else(|_| panic!("it can't go on: {}", errors()));
    }
    std::thread::sleep(Duration::from_micros(random.u64(..40_000)));
    let early = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(
        early,
        None,
        "it ended by itself: {}",
        fs::read_to_string(home.path("errors")).unwrap()
    );
}

/// Each request begins with all messages of the one before it, so nothing that was sent is lost.
fn check_requests(requests: &[Vec<Value>]) {
    for (n, messages) in requests.iter().enumerate() {
        assert_eq!(problem(messages), None, "request {n}");
    }
    for (n, pair) in requests.windows(2).enumerate() {
        assert!(
            pair[1].starts_with(&pair[0]),
            "request {n} and the next:\n{}\n{}",
            json!(pair[0]),
            json!(pair[1])
        );
    }
}

#[test]
fn a_run_that_is_killed_at_any_moment_goes_on_without_loss_or_repetition() {
    let mut random = fastrand::Rng::with_seed(7);
    let begin = Instant::now();
    for _ in 0..KILLS / A_SESSION {
        let (home, provider) = (Home::new(), tireless());
        let (code, stdout, stderr) = home.run(&provider, &["-p", "end"]);
        assert_eq!((code, stdout.as_str()), (0, "ended\n"), "{stderr}");
        for _ in 0..A_SESSION {
            kill(&home, &provider, &mut random);
        }
        let (code, stdout, stderr) = ended(&mut home.corecoder(&provider, &["-c", "-p", "end"]));
        assert_eq!((code, stdout.as_str()), (0, "ended\n"), "{stderr}");
        let requests = provider.requests();
        check_requests(&requests);
        check_log(&home, requests.last().unwrap());
        println!("{} requests, {:?}", requests.len(), begin.elapsed());
    }
}
