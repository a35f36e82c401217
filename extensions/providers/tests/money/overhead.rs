//! What a budget costs before each request.

use std::sync::Arc;
use std::time::{Duration, Instant};

use corecoder::{Entry, Model, Reply, Request, Round, Script, Usage};
use corecoder_providers::budget::{Day, Limits};
use corecoder_providers::{Ledger, Metered, Price};
use futures::StreamExt;
use serde_json::json;

/// A conversation as it is after an afternoon: results of 3 kB each.
fn conversation() -> Vec<Entry> {
    let rounds = (0..400).map(|at| {
        let args = json!({"path": format!("src/file_{at}.rs"), "offset": at});
        let reply = Reply {
            text: "Let me look at that file.".repeat(5),
            ..Reply::calls([("read_file", args)])
        };
        Entry::Round(Round::new(reply, |_, _| {
            format!("{at}: {}", "fn main() {}\n".repeat(230))
        }))
    });
    rounds.collect()
}

/// The shortest time of many that a request takes.
async fn time(model: &dyn Model, entries: &[Entry]) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..200 {
        let begin = Instant::now();
        let mut deltas = model.stream(Request {
            entries,
            ..Request::default()
        });
        while let Some(delta) = deltas.next().await {
            delta.expect("a reply");
        }
        best = best.min(begin.elapsed());
    }
    best
}

fn replies() -> Script {
    Script::new((0..300).map(|_| Reply {
        usage: Some(Usage {
            prompt: 300_000,
            completion: 9,
            ..Usage::default()
        }),
        ..Reply::text("done")
    }))
}

/// Optimized it is 0.03 ms, which `--nocapture` shows; here it only must not read the whole conversation each time.
#[tokio::test]
async fn a_request_is_held_in_less_time_than_its_text_is_written() {
    let entries = conversation();
    let limits = Limits {
        session: Some(1e6),
        ..Limits::default()
    };
    let ledger = Arc::new(Ledger::new(limits, None));
    let model = Metered::new(
        Arc::new(replies()),
        Some(Price::of(3.0, 15.0)),
        None,
        ledger,
    );
    let (bare, metered) = (
        time(&replies(), &entries).await,
        time(&model, &entries).await,
    );
    let folder = tempfile::tempdir().expect("a folder");
    let day = Day::new(folder.path(), || "2026-11-23".to_string());
    let ledger = Arc::new(Ledger::new(limits, Some(day)));
    let kept = Metered::new(
        Arc::new(replies()),
        Some(Price::of(3.0, 15.0)),
        None,
        ledger,
    );
    let kept = time(&kept, &entries).await;
    let begin = Instant::now();
    let bytes = serde_json::to_vec(&entries).expect("JSON").len();
    let written = begin.elapsed();
    println!(
        "bare {bare:?}, metered {metered:?}, with a day's file {kept:?}, {bytes} bytes written in {written:?}"
    );
    assert!(
        metered < written,
        "{metered:?} for what is written in {written:?}"
    );
}
