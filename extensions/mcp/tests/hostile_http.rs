//! What a server of streamable HTTP can do wrong, and that it fails one call at most, in words and in time.

mod common;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::*;
use corecoder_mcp::{Access, CallError, Connection, OpenError, Server};
use serde_json::{Value, json};

fn hostile(mode: &str) -> (Listening, Server) {
    let listening = listening(|port| {
        let mut command = Command::new("python3");
        command.args([&beside("hostile_http.py"), &port.to_string(), mode]);
        command
    });
    let server = http(listening.port, "/mcp");
    (listening, server)
}

async fn call(connection: &Connection, tool: &str, arguments: Value) -> Result<Value, CallError> {
    connection.call(tool, args(arguments), &|_| {}).await
}

async fn is_well(connection: &Connection) {
    assert_eq!(text(connection, "ok", json!({})).await, "done");
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_fails_its_call_in_words() {
    if !has_python() {
        return;
    }
    let (_listening, mut server) = hostile("plain");
    server.call_timeout = Duration::from_secs(3);
    let connection = open(&server).await;
    for (tool, words) in [
        ("page", "text/html"),
        ("no JSON", "oops"),
        ("nothing", ""),
        ("accepted", "did not answer within 3 s"),
        ("result is a number", "holds no list of content"),
        ("no event", "broke off"),
        ("broken event", "broke off"),
        ("cut", "can't be reached"),
    ] {
        let began = Instant::now();
        let error = call(&connection, tool, json!({})).await.unwrap_err();
        println!("{tool}: {error:?} after {:?}", began.elapsed());
        assert!(error.to_string().contains(words), "{tool}: {error}");
        is_well(&connection).await;
    }
    for status in [404, 429, 500, 503] {
        let result = call(&connection, "status", json!({"status": status})).await;
        let words = result.unwrap_err().to_string();
        assert!(words.contains(&status.to_string()), "{words}");
        is_well(&connection).await;
    }
    for status in [401, 403] {
        let result = call(&connection, "status", json!({"status": status})).await;
        assert!(
            matches!(result, Err(CallError::Unauthorized(_))),
            "{result:?}"
        );
        is_well(&connection).await;
    }
}

#[tokio::test]
async fn an_error_that_names_no_request_is_about_the_one_that_it_answers() {
    if !has_python() {
        return;
    }
    let (_listening, server) = hostile("plain");
    let connection = open(&server).await;
    for status in [200, 400, 500] {
        let began = Instant::now();
        let args = json!({"status": status});
        let error = call(&connection, "error without a number", args).await;
        let words = error.unwrap_err().to_string();
        assert!(words.contains("tenant header missing"), "{status}: {words}");
        assert!(began.elapsed() < Duration::from_secs(10));
        is_well(&connection).await;
    }
    let other = call(&connection, "sleep", json!({"seconds": 1}));
    let failing = call(
        &connection,
        "error without a number",
        json!({"status": 400}),
    );
    let (other, failing) = tokio::join!(other, failing);
    assert_eq!(texts(&other.unwrap()), "done");
    let words = failing.unwrap_err().to_string();
    assert!(words.contains("tenant header missing"), "{words}");
}

#[tokio::test]
async fn ten_megabytes_are_taken_and_forty_are_refused() {
    if !has_python() {
        return;
    }
    let (_listening, mut server) = hostile("plain");
    server.call_timeout = Duration::from_secs(20);
    let connection = open(&server).await;
    for tool in ["big", "big event"] {
        let big = text(&connection, tool, json!({"bytes": 10 << 20})).await;
        assert_eq!(big.len(), 10 << 20);
        let began = Instant::now();
        let result = call(&connection, tool, json!({"bytes": 40 << 20})).await;
        let error = result.unwrap_err();
        println!("{tool}: {error:?} after {:?}", began.elapsed());
        // Of an event the SDK does not say why it ended.
        assert!(
            error.to_string().contains("larger than 32 MB"),
            "{tool}: {error:?}"
        );
        is_well(&connection).await;
    }
}

#[tokio::test]
async fn a_call_without_an_answer_ends_in_time_and_is_cancelled() {
    if !has_python() {
        return;
    }
    let (_listening, mut server) = hostile("plain");
    server.call_timeout = Duration::from_millis(500);
    let connection = open(&server).await;
    let result = call(&connection, "hang", json!({})).await;
    assert!(
        matches!(result, Err(CallError::TimedOut { .. })),
        "{result:?}"
    );
    let began = Instant::now();
    while text(&connection, "cancelled", json!({})).await == "[]" {
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_at_once() {
    if !has_python() {
        return;
    }
    let (_listening, server) = hostile("plain");
    let connection = open(&server).await;
    let began = Instant::now();
    let hang = call(&connection, "hang", json!({}));
    let die = call(&connection, "die", json!({}));
    let (hang, die) = tokio::join!(hang, die);
    for error in [hang.unwrap_err(), die.unwrap_err()] {
        assert!(error.to_string().contains("can't be reached"), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    let after = call(&connection, "ok", json!({})).await;
    assert!(matches!(after, Err(CallError::Failed(_))), "{after:?}");
}

#[tokio::test]
async fn a_real_server_that_dies_fails_its_calls_soon() {
    let Some(python) = python() else { return };
    for protocol in [None, Some("2025-11-25".to_string())] {
        let listening = listening(|port| {
            let mut command = Command::new(python.join("python"));
            command
                .arg(beside("fast.py"))
                .args(["http", &port.to_string()]);
            command
        });
        let mut server = http(listening.port, "/mcp");
        server.protocol = protocol;
        let connection = open(&server).await;
        let silent = call(&connection, "silent", json!({"seconds": 50}));
        let began = Instant::now();
        let die = call(&connection, "die", json!({}));
        let (silent, die) = tokio::join!(silent, die);
        let took = began.elapsed();
        println!("{silent:?} {die:?} after {took:?}");
        assert!(silent.is_err() && die.is_err());
        assert!(took < Duration::from_secs(10), "{took:?}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_know_the_new_era_is_asked_in_the_old_way() {
    if !has_python() {
        return;
    }
    for mode in ["hangs", "fails", "moves"] {
        let (_listening, mut server) = hostile(mode);
        server.start_timeout = Duration::from_secs(10);
        let connection = open(&server).await;
        assert_eq!(connection.revision(), "2025-11-25", "{mode}");
        is_well(&connection).await;
    }
}

#[tokio::test]
async fn a_key_is_sent_and_never_to_another_origin() {
    if !has_python() {
        return;
    }
    let (_listening, mut server) = hostile("key");
    let none = refused(&server).await;
    assert!(matches!(none, OpenError::Unauthorized(_)), "{none:?}");
    if let Access::Http { headers, .. } = &mut server.access {
        headers.insert("Authorization".into(), "Bearer right".into());
    }
    is_well(&open(&server).await).await;
    let (_listening, server) = hostile("leaves");
    let left = refused(&server).await;
    assert!(left.to_string().contains("307"), "{left}");
}

#[tokio::test]
async fn headers_that_can_not_be_sent_are_named() {
    let client = Arc::new(Generous::default());
    for (name, value) in [("bad name", "x"), ("good", "bad\nvalue")] {
        let mut server = http(1, "/mcp");
        if let Access::Http { headers, .. } = &mut server.access {
            headers.insert(name.into(), value.into());
        }
        let opened = Connection::open(&server, client.clone(), &shepherd()).await;
        let error = opened.err().unwrap();
        assert!(matches!(error, OpenError::Setting(_)), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
}
