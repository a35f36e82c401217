//! What long conversations cost: the context that is sent, and the journals that are kept.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use corecoder::context::Context;
use corecoder::session::{Fact, Header, Journal};
use corecoder::{Agent, Delta, Deltas, Entry, Model, Reply, Request, Round, Usage, wire};
use corecoder_sessions::list::Sessions;
use corecoder_sessions::session::Session;
use futures::{StreamExt, stream};
use serde_json::json;

use crate::{FILE, median, milliseconds, print};

/// All figures of this file, in a folder with the small file.
pub fn figures(folder: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let data = tempfile::tempdir()?;
    runtime.block_on(prefix(folder))?;
    runtime.block_on(fit())?;
    journal(data.path())?;
    resume(data.path())?;
    list(data.path())
}

/// A model that asks for one read a round, and keeps the messages it was sent.
struct Reader {
    rounds: usize,
    /// The last messages, the bytes that they share with those before, and all bytes, over all requests.
    sent: Arc<Mutex<(String, usize, usize)>>,
}

impl Model for Reader {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let messages = json!(wire::messages(&request, "")).to_string();
        let round = request.entries.len();
        if let Ok(mut sent) = self.sent.lock() {
            let (last, shared, all) = &mut *sent;
            if !last.is_empty() {
                let pairs = last.bytes().zip(messages.bytes());
                *shared += pairs.take_while(|(before, now)| before == now).count();
                *all += messages.len();
            }
            *last = messages;
        }
        let args = json!({"file_path": FILE, "limit": 1000 + round});
        let reply = match round <= self.rounds {
            true => Reply::calls([("read_file", args)]),
            false => Reply::text("done"),
        };
        stream::iter([Ok(Delta::Done(reply))]).boxed()
    }

    fn name(&self) -> &str {
        "reader"
    }
}

/// The standing text changes in each tenth round, as a to-do list does.
async fn prefix(folder: &Path) -> anyhow::Result<()> {
    let sent = Arc::new(Mutex::default());
    let model = Reader {
        rounds: 200,
        sent: sent.clone(),
    };
    let mut agent = Agent::new(model).folder(folder).rounds(300);
    let standing = agent.kit().standing.clone();
    standing.set("todo", "[to-do] 1. read it all");
    agent.chat("read it, again and again").await?;
    let sent = sent
        .lock()
        .map_err(|_| anyhow::anyhow!("the model panicked"))?;
    let (_, shared, all) = &*sent;
    println!(
        "{:<52} {:>8.4}       target >= 0.98",
        "7. shared prefix over all bytes, 200 rounds",
        *shared as f64 / *all as f64
    );
    Ok(())
}

/// A round with one read of so many bytes.
pub fn round(bytes: usize) -> Round {
    let reply = Reply {
        usage: Some(Usage {
            prompt: 1_000,
            completion: 50,
            cached: 900,
            ..Usage::default()
        }),
        ..Reply::calls([("read_file", json!({"file_path": "src/a_file.rs"}))])
    };
    Round::new(reply, |_, _| {
        "let line = of(source, \"code\");\n".repeat(bytes / 31 + 1)
    })
}

async fn fit() -> anyhow::Result<()> {
    let agent = Agent::new(corecoder::Script::new([])).window(Some(10_000_000));
    let mut entries: Vec<Entry> = (0..400).map(|_| Entry::Round(round(5_000))).collect();
    let mut times = Vec::new();
    for _ in 0..21 {
        let (mut context, started) = (Context::default(), Instant::now());
        ensure!(
            !context.fit(&mut entries, agent.kit()).await?,
            "there was something to do"
        );
        times.push(milliseconds(started.elapsed()));
    }
    print(
        "8. context::fit with nothing to do, 2 MB, anew",
        median(times),
        "ms",
        5.0,
    );
    Ok(())
}

/// What a round of one read adds: a reply and a result.
fn journal(data: &Path) -> anyhow::Result<()> {
    let folder = data.join("one");
    let session = Session::begin(
        &folder,
        Header {
            id: "one".into(),
            ..Header::default()
        },
        Vec::new(),
    );
    let round = round(1_000);
    let mut times = Vec::new();
    for _ in 0..400 {
        let started = Instant::now();
        session.record("", Fact::Reply(round.reply().clone()));
        for (at, (_, text)) in round.answered().enumerate() {
            session.record(
                "",
                Fact::Result {
                    at,
                    text: text.to_string(),
                },
            );
        }
        times.push(milliseconds(started.elapsed()));
    }
    print(
        "9. journal, per round, without the flush",
        median(times),
        "ms",
        0.3,
    );
    let started = Instant::now();
    session.sync();
    println!(
        "   the flush of these 400 rounds: {:.3} ms",
        milliseconds(started.elapsed())
    );
    Ok(())
}

fn resume(data: &Path) -> anyhow::Result<()> {
    let path = data.join("big").join("big.jsonl");
    let mut journal = Journal::create(
        &path,
        Header {
            id: "big".into(),
            ..Header::default()
        },
    )?;
    for _ in 0..2_000 {
        let round = round(5_000);
        journal.append("", Fact::User("go on".into()))?;
        journal.append("", Fact::Reply(round.reply().clone()))?;
        let text = round.answered().next().context("no call")?.1.to_string();
        journal.append("", Fact::Result { at: 0, text })?;
    }
    drop(journal);
    let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
    let mut times = Vec::new();
    for _ in 0..11 {
        let started = Instant::now();
        let (_, loaded) = Journal::open(&path, "bench")?;
        times.push(milliseconds(started.elapsed()));
        ensure!(
            loaded.entries.len() == 4_000,
            "it does not hold what was written"
        );
    }
    print(
        &format!("10. resume of a session of {megabytes:.1} MB"),
        median(times),
        "ms",
        50.0,
    );
    Ok(())
}

fn list(data: &Path) -> anyhow::Result<()> {
    let sessions = Sessions::new(data);
    for number in 0..5_000 {
        let id = format!("session-{number:05}");
        let path = sessions.folder().join(format!("{id}.jsonl"));
        let mut journal = Journal::create(
            &path,
            Header {
                id,
                ..Header::default()
            },
        )?;
        journal.append("", Fact::User(format!("task number {number}")))?;
    }
    let (mut times, started) = (Vec::new(), Instant::now());
    ensure!(sessions.list().len() == 5_000, "not all are listed");
    let first = milliseconds(started.elapsed());
    for _ in 0..5 {
        let started = Instant::now();
        sessions.list();
        times.push(milliseconds(started.elapsed()));
    }
    print("11. listing 5,000 sessions", median(times), "ms", 100.0);
    println!("   the first time, without an index: {first:.0} ms");
    Ok(())
}
