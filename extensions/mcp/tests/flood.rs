//! That memory stays bounded. Alone in its process, whose memory is measured.

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::*;
use corecoder_mcp::News;
use parking_lot::Mutex;
use serde_json::json;

#[tokio::test]
async fn floods_neither_fill_the_memory_nor_stop_anything_else() {
    if !has_python() {
        return;
    }
    let server = stdio("python3", &[&beside("hostile.py"), "plain"]);
    let client = Arc::new(Generous::default());
    let connection = open_with(&server, client.clone()).await;
    text(&connection, "ok", json!({})).await;
    let before = memory("VmRSS:");
    let heard = Mutex::new(0);
    let hear = |_: &str| *heard.lock() += 1;
    // How long others ever had to wait for their turn.
    let longest = Arc::new(Mutex::new(Duration::ZERO));
    let ticking = longest.clone();
    let ticks = tokio::spawn(async move {
        loop {
            let began = Instant::now();
            tokio::time::sleep(Duration::from_millis(1)).await;
            let mut longest = ticking.lock();
            *longest = longest.max(began.elapsed());
        }
    });
    let flood = connection.call("flood", args(json!({"count": 50_000})), &hear);
    assert_eq!(texts(&flood.await.unwrap()), "done");
    let flood = connection.call("flood of requests", args(json!({"count": 100_000})), &hear);
    assert_eq!(texts(&flood.await.unwrap()), "done");
    ticks.abort();
    let grown = memory("VmHWM:").saturating_sub(before);
    let news = client.news.lock();
    let logs = news.iter().filter(|news| matches!(news, News::Log { .. }));
    let changes = news.iter().filter(|news| **news == News::ToolsChanged);
    let (logs, changes) = (logs.count(), changes.count());
    let longest = *longest.lock();
    println!(
        "{grown} KB; {logs} logs, {changes} changes, {} words of progress, at most {longest:?}",
        heard.lock()
    );
    assert!(grown < 16 << 10, "{grown} KB");
    assert!(logs < 2_000 && changes < 1_000);
    assert!(longest < Duration::from_millis(500), "{longest:?}");
}
