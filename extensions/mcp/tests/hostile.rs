//! What a server can do wrong, and that it fails one call at most, in words and in time.

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::*;
use corecoder_mcp::{CallError, Configured, Connection, News, OpenError, Server, Servers};
use parking_lot::Mutex;
use serde_json::{Value, json};

fn hostile(mode: &str) -> Server {
    stdio("python3", &[&beside("hostile.py"), mode])
}

async fn call(connection: &Connection, tool: &str, arguments: Value) -> Result<Value, CallError> {
    connection.call(tool, args(arguments), &|_| {}).await
}

/// The session goes on.
async fn is_well(connection: &Connection) {
    assert_eq!(text(connection, "ok", json!({})).await, "done");
}

#[tokio::test]
async fn each_way_to_begin_leads_to_a_connection() {
    if !has_python() {
        return;
    }
    // The mode, the revision that is found, and at most how many seconds it takes beside starting.
    for (mode, revision, most) in [
        ("plain", "2025-11-25", 1.0),
        ("exits", "2025-11-25", 1.5),
        ("shrugs", "2025-11-25", 1.0),
        ("lists", "2025-11-25", 1.0),
        ("older", "2025-11-25", 1.0),
        ("silent", "2025-11-25", 3.0),
        ("late", "2025-11-25", 3.0),
        ("slow", "2025-11-25", 4.5),
        ("chatty", "2025-11-25", 1.0),
        ("ancient", "1999-01-01", 1.0),
        ("modern", "2026-07-28", 1.0),
        ("slow modern", "2026-07-28", 4.5),
        ("sparse modern", "2026-07-28", 1.0),
        ("forgetful modern", "2026-07-28", 3.0),
    ] {
        let began = Instant::now();
        let connection = open(&hostile(mode)).await;
        let took = began.elapsed();
        assert_eq!(connection.revision(), revision, "{mode}");
        // Starting Python twice on a busy machine.
        assert!(took.as_secs_f64() < most + 10.0, "{mode} took {took:?}");
        is_well(&connection).await;
    }
}

#[tokio::test]
async fn no_agreement_is_told_with_the_reason() {
    if !has_python() {
        return;
    }
    for (mode, protocol, words) in [
        ("from the future", None, "speaks 2030-01-01 only"),
        ("talks nonsense", None, "not valid"),
        ("from nowhere", None, "not valid"),
        ("plain", Some("2026-07-28"), "Method not found"),
        ("modern", Some("2025-11-25"), "another era"),
    ] {
        let mut server = hostile(mode);
        server.protocol = protocol.map(str::to_string);
        let error = refused(&server).await;
        assert!(matches!(error, OpenError::Refused(_)), "{mode}: {error:?}");
        assert!(error.to_string().contains(words), "{mode}: {error}");
    }
}

#[tokio::test]
async fn an_answer_that_can_not_be_read_fails_its_call_at_once() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    for tool in [
        "no JSON",
        "no JSON, id last",
        "deep",
        "no UTF-8",
        "both",
        "neither",
        "result is a number",
        "content is a number",
    ] {
        let began = Instant::now();
        let result = call(&connection, tool, json!({})).await;
        assert!(
            matches!(result, Err(CallError::Invalid(_))),
            "{tool}: {result:?}"
        );
        assert!(began.elapsed() < Duration::from_secs(10), "{tool}");
        is_well(&connection).await;
    }
    let refused = call(&connection, "error without a code", json!({})).await;
    let words = refused.unwrap_err().to_string();
    assert!(words.contains("it broke"), "{words}");
}

#[tokio::test]
async fn what_is_odd_but_can_be_understood_is_understood() {
    if !has_python() {
        return;
    }
    let client = Arc::new(Generous::default());
    let connection = open_with(&hostile("plain"), client.clone()).await;
    for tool in ["text", "id as text", "id as fraction", "twice", "batch"] {
        let result = call(&connection, tool, json!({})).await;
        assert!(result.is_ok(), "{tool}: {result:?}");
    }
    let note = |news: &News| matches!(news, News::Log { text, .. } if text == "in a batch");
    client.heard(note).await;
    assert!(connection.errors().contains("a careless print"));
    is_well(&connection).await;
}

#[tokio::test]
async fn answers_are_told_apart_whatever_their_order() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    let calls = (0..50).map(|_| call(&connection, "hold", json!({"count": 50})));
    let results = futures::future::join_all(calls).await;
    let mut said: Vec<u32> = results
        .iter()
        .map(|result| texts(result.as_ref().unwrap()).parse().unwrap())
        .collect();
    assert!(said.is_sorted(), "{said:?}");
    said.dedup();
    assert_eq!(said.len(), 50);
}

#[tokio::test]
async fn ten_megabytes_are_taken_and_forty_are_refused_without_being_kept() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    let big = text(&connection, "big", json!({"bytes": 10 << 20})).await;
    assert_eq!(big.len(), 10 << 20);
    drop(big);
    for tool in ["endless", "endless, id last"] {
        let result = call(&connection, tool, json!({})).await;
        assert!(
            matches!(result, Err(CallError::TooLarge(_))),
            "{tool}: {result:?}"
        );
        is_well(&connection).await;
    }
    let other = call(&connection, "hold", json!({"count": 2}));
    let endless = call(&connection, "endless and two", json!({}));
    let (other, endless) = tokio::join!(other, endless);
    assert_eq!(texts(&other.unwrap()), "the other");
    assert!(
        matches!(endless, Err(CallError::TooLarge(_))),
        "{endless:?}"
    );
    is_well(&connection).await;
}

#[tokio::test]
async fn an_error_that_names_no_request_fails_none_in_a_pipe() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    // What was asked at the beginning is answered: the call is the only one that waits.
    is_well(&connection).await;
    let answer = text(&connection, "error without a number", json!({})).await;
    assert_eq!(answer, "done");
}

#[tokio::test]
async fn a_call_without_an_answer_ends_in_time_and_is_cancelled() {
    if !has_python() {
        return;
    }
    let mut server = hostile("plain");
    server.call_timeout = Duration::from_millis(300);
    let connection = open(&server).await;
    for tool in ["hang", "wrong id", "no JSON, no id"] {
        let began = Instant::now();
        let result = call(&connection, tool, json!({})).await;
        assert!(
            matches!(result, Err(CallError::TimedOut { .. })),
            "{tool}: {result:?}"
        );
        assert!(began.elapsed() >= Duration::from_millis(300), "{tool}");
    }
    let cancelled = text(&connection, "cancelled", json!({})).await;
    assert_eq!(cancelled.matches(',').count(), 2, "{cancelled}");
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_the_server() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    let hang = call(&connection, "hang", json!({}));
    assert!(
        tokio::time::timeout(Duration::from_millis(100), hang)
            .await
            .is_err()
    );
    let cancelled = text(&connection, "cancelled", json!({})).await;
    assert_ne!(cancelled, "[]");
}

#[tokio::test]
async fn progress_extends_a_call() {
    if !has_python() {
        return;
    }
    let mut server = hostile("plain");
    server.call_timeout = Duration::from_secs(2);
    let connection = open(&server).await;
    let heard = Mutex::new(Vec::new());
    let hear = |words: &str| heard.lock().push(words.to_string());
    let arguments = args(json!({"steps": 4, "pause": 0.8}));
    let result = connection.call("progress", arguments, &hear).await;
    assert!(result.is_ok(), "{result:?}");
    assert!(heard.lock().contains(&"2: still at it".to_string()));
}

#[tokio::test]
async fn the_clock_stands_still_while_the_user_is_asked() {
    if !has_python() {
        return;
    }
    let client = Arc::new(Generous {
        thinks: Duration::from_secs(3),
        ..Generous::default()
    });
    let mut server = hostile("plain");
    server.call_timeout = Duration::from_secs(1);
    let connection = open_with(&server, client).await;
    let result = call(&connection, "ask", json!({})).await;
    assert!(texts(&result.unwrap()).contains("accept"));
}

#[tokio::test]
async fn a_server_that_dies_while_the_user_is_asked_fails_its_call_at_once() {
    if !has_python() {
        return;
    }
    let client = Arc::new(Generous {
        thinks: Duration::from_secs(100),
        ..Generous::default()
    });
    let connection = open_with(&hostile("plain"), client).await;
    let began = Instant::now();
    let result = call(&connection, "ask and die", json!({})).await;
    let words = result.unwrap_err().to_string();
    assert!(words.contains("exited with status 7"), "{words}");
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[tokio::test]
async fn a_server_that_goes_away_fails_its_calls_in_words() {
    if !has_python() {
        return;
    }
    for (tool, words) in [
        ("die", "was ended by signal 9"),
        ("die in a line", "exited with status 0"),
        ("close", "closed its output"),
    ] {
        let client = Arc::new(Generous::default());
        let connection = open_with(&hostile("plain"), client.clone()).await;
        let hang = call(&connection, "hang", json!({}));
        let gone = call(&connection, tool, json!({}));
        let (hang, gone) = tokio::join!(hang, gone);
        for result in [hang, gone] {
            // What was begun may be said to be invalid; the rest is said to be closed.
            let error = result.unwrap_err();
            let is_closed = error.to_string().contains(words);
            assert!(
                is_closed || matches!(error, CallError::Invalid(_)),
                "{tool}: {error}"
            );
        }
        client
            .heard(|news| matches!(news, News::Closed(why) if why.contains(words)))
            .await;
        assert!(connection.is_closed());
        let after = call(&connection, "ok", json!({})).await;
        assert!(matches!(after, Err(CallError::Closed(_))), "{after:?}");
    }
}

#[tokio::test]
async fn what_a_server_asks_that_we_do_not_know_is_refused() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    let code = text(&connection, "ask for nonsense", json!({})).await;
    assert_eq!(code, "-32601");
}

#[tokio::test]
async fn questions_without_end_end() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("modern")).await;
    let result = call(&connection, "ask on and on", json!({})).await;
    assert!(matches!(result, Err(CallError::Failed(_))), "{result:?}");
    let result = call(&connection, "of a new kind", json!({})).await;
    assert!(matches!(result, Err(CallError::Invalid(_))), "{result:?}");
    is_well(&connection).await;
}

#[tokio::test]
async fn one_malformed_tool_loses_none_of_the_others() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("malformed")).await;
    let tools = connection.tools().await.unwrap();
    assert_eq!(names(&tools, "name"), ["odd", "ok"]);
    assert_eq!(tools[0]["unheard-of"], 1);
    let connection = open(&hostile("no list")).await;
    let none = connection.tools().await;
    assert!(matches!(none, Err(CallError::Invalid(_))), "{none:?}");
}

#[tokio::test]
async fn lists_without_end_end() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("endless pages")).await;
    assert_eq!(connection.tools().await.unwrap().len(), 100);
    let connection = open(&hostile("large pages")).await;
    assert_eq!(connection.tools().await.unwrap().len(), 5_000);
    let connection = open(&hostile("same page")).await;
    assert_eq!(connection.tools().await.unwrap().len(), 2);
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    let answered = text(&connection, "burst of requests", json!({"count": 300})).await;
    assert_eq!(answered, "300");
}

#[tokio::test]
async fn what_is_written_to_stderr_is_kept_up_to_a_limit() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("plain")).await;
    text(&connection, "flood of errors", json!({"lines": 20_000})).await;
    let began = Instant::now();
    while !connection.errors().ends_with("the end\n") {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(connection.errors().len(), 64 << 10);
}

#[tokio::test]
async fn a_server_that_ends_neither_by_itself_nor_by_a_signal_is_killed() {
    if !has_python() {
        return;
    }
    let connection = open(&hostile("stubborn")).await;
    let pid = text(&connection, "stay", json!({})).await.parse().unwrap();
    let began = Instant::now();
    connection.close().await;
    assert!(!is_alive(pid));
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[tokio::test]
async fn a_server_that_hangs_costs_one_call_and_is_started_again() {
    if !has_python() {
        return;
    }
    let configured = |seconds| Configured {
        name: "tested".to_string(),
        file: PathBuf::new(),
        entry: json!({}),
        server: Ok(Server {
            call_timeout: Duration::from_secs(seconds),
            ..hostile("plain")
        }),
    };
    let sleep = |servers: Servers| async move {
        let args = args(json!({"seconds": 600}));
        servers.call("tested", "sleep", args).await
    };
    let is_another = |servers: Servers| async move {
        // It may not be known yet that the first one hangs.
        for _ in 0..3 {
            match servers.call("tested", "ok", args(json!({}))).await {
                Ok(_) => return,
                Err(words) => println!("{words}"),
            }
        }
        panic!("it is not started again");
    };
    let start = |seconds| {
        let client = Arc::new(Generous::default());
        Servers::start([configured(seconds)], client, shepherd())
    };
    // Too late.
    let servers = start(2);
    let late = sleep(servers.clone()).await.unwrap_err();
    assert!(late.contains("did not answer within 2 s"), "{late}");
    is_another(servers).await;
    // Not wanted any more.
    let servers = start(60);
    servers.connection("tested").await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_millis(500), sleep(servers.clone()));
    assert!(stopped.await.is_err());
    let began = Instant::now();
    is_another(servers).await;
    assert!(began.elapsed() < Duration::from_secs(50));
}

#[tokio::test]
async fn a_call_without_an_answer_does_not_end_a_server_that_answers_others() {
    if !has_python() {
        return;
    }
    let client = Arc::new(Generous::default());
    let server = Server {
        call_timeout: Duration::from_secs(2),
        ..hostile("plain")
    };
    let configured = Configured {
        name: "tested".to_string(),
        file: PathBuf::new(),
        entry: json!({}),
        server: Ok(server),
    };
    let servers = Servers::start([configured], client, shepherd());
    let first = servers.connection("tested").await.unwrap();
    let hang = servers.call("tested", "hang", args(json!({}))).await;
    assert!(hang.unwrap_err().contains("did not answer"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!first.is_closed());
    let answer = servers.call("tested", "ok", args(json!({}))).await;
    assert!(answer.is_ok(), "{answer:?}");
}
