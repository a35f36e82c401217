//! Servers that let a client wait: each wait has its limit, and is made twice at most.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use corecoder::http::Timeouts;
use corecoder::{Delta, ErrorKind, Llm, Model, ModelError, Request};
use futures::StreamExt;

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(60);

/// A server that says `first` at once to each request and `more` every 20 ms from then on. Its URL, and how many
/// requests there were.
fn serve(first: String, more: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let url = format!("http://{}/v1", listener.local_addr().expect("its address"));
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            let (first, count) = (first.clone(), Arc::clone(&count));
            thread::spawn(move || {
                let _ = connection.read(&mut [0; 4096]);
                count.fetch_add(1, Ordering::SeqCst);
                let _ = connection.write_all(first.as_bytes());
                if more.is_empty() {
                    let _ = connection.read_to_end(&mut Vec::new());
                    return;
                }
                // Until the client hangs up.
                while connection.write_all(more.as_bytes()).is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
    });
    (url, requests)
}

fn ask(url: &str, timeouts: Timeouts) -> Result<Delta, ModelError> {
    let llm = Llm::new("m", "", Some(url)).and_then(|llm| llm.timeouts(timeouts));
    let llm = llm.expect("a loopback URL is a URL");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let deltas = llm.stream(Request::default()).collect::<Vec<_>>();
    let deltas = runtime.expect("a runtime").block_on(deltas);
    deltas.into_iter().last().expect("a stream has an end")
}

#[test]
fn each_wait_has_its_limit_and_is_made_twice_at_most() {
    let chunk = "data: {\"choices\": [{\"delta\": {\"content\": \"x\"}}]}\n\n";
    let long = Timeouts {
        first_byte: LONG,
        idle: LONG,
        total: Some(LONG),
        ..Timeouts::default()
    };
    let first_byte = Timeouts {
        first_byte: SHORT,
        ..long
    };
    let idle = Timeouts {
        idle: SHORT,
        ..long
    };
    let total = Timeouts {
        total: Some(SHORT),
        ..long
    };
    for (first, more, timeouts, words) in [
        (String::new(), "", first_byte, "began no reply"),
        (HEAD.to_string(), "", first_byte, "began no reply"),
        (format!("{HEAD}{chunk}"), "", idle, "fell silent"),
        (String::new(), "", total, "not done in time"),
        (format!("{HEAD}{chunk}"), "", total, "not done in time"),
        (HEAD.to_string(), chunk, total, "not done in time"),
    ] {
        let (url, requests) = serve(first.clone(), more);
        let start = Instant::now();
        let error = ask(&url, timeouts).expect_err("the reply never ends");
        assert_eq!(error.kind, ErrorKind::Network, "{first}: {error}");
        let limit = "timed out after 0.15 s";
        let says = error.message.contains(words) && error.message.contains(limit);
        assert!(says, "{first}: {error}");
        assert_eq!(requests.load(Ordering::SeqCst), 2, "{first}: {error}");
        assert!(start.elapsed() < LONG, "{first}");
    }
}

#[test]
fn a_reply_that_goes_on_may_take_longer_than_any_single_wait() {
    let chunk = ": still here\n\n";
    let done =
        "data: {\"choices\": [{\"delta\": {\"content\": \"x\"}, \"finish_reason\": \"stop\"}]}\n\n";
    let (url, requests) = serve(format!("{HEAD}{done}"), chunk);
    let timeouts = Timeouts {
        first_byte: SHORT,
        idle: SHORT,
        total: Some(10 * SHORT),
        ..Timeouts::default()
    };
    // It is whole, so that the limit for all of it takes nothing from it.
    let reply = ask(&url, timeouts).expect("a reply");
    assert!(matches!(reply, Delta::Done(reply) if reply.text == "x"));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}
