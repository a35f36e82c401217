//! What stand-ins and a budget add to a request: the same model, bare and in all its wrappers.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::ensure;
use corecoder::{Delta, Deltas, Entry, Model, Reply, Request, Usage};
use corecoder_providers::budget::{Day, Limits};
use corecoder_providers::{Fallback, Ledger, Metered, Price};
use futures::{StreamExt, stream};

use crate::{long, median, milliseconds, print};

/// Rounds of the conversation.
const ROUNDS: usize = 400;

/// A model that answers at once.
struct Ready;

impl Model for Ready {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let reply = Reply {
            usage: Some(Usage {
                prompt: 1_000 + 1_500 * request.entries.len() as u64,
                completion: 50,
                ..Usage::default()
            }),
            ..Reply::text("ok")
        };
        stream::iter([Ok(Delta::Done(reply))]).boxed()
    }

    fn name(&self) -> &str {
        "ready"
    }
}

/// The figure, with the file of the day in a folder of its own.
pub fn figures() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let data = tempfile::tempdir()?;
    let (bare, wrapped) = runtime.block_on(async {
        let wrapped = wrapped(data.path());
        Ok::<_, anyhow::Error>((each(&Ready).await?, each(&wrapped).await?))
    })?;
    let added = median(wrapped) - median(bare);
    print(
        "13. fallback and budget, added to a request",
        added,
        "ms",
        0.1,
    );
    Ok(())
}

fn wrapped(data: &Path) -> Fallback {
    let limits = Limits {
        session: Some(1e6),
        day: Some(1e6),
        tokens: Some(u64::MAX),
    };
    let day = Day::new(data, || "2026-01-01".to_string());
    let ledger = Arc::new(Ledger::new(limits, Some(day)));
    let metered = || {
        let price = Some(Price::of(1.0, 10.0));
        Arc::new(Metered::new(Arc::new(Ready), price, None, ledger.clone())) as Arc<dyn Model>
    };
    Fallback::new(vec![metered(), metered()])
}

/// How long each request of a growing conversation takes, in milliseconds.
async fn each(model: &dyn Model) -> anyhow::Result<Vec<f64>> {
    let (mut entries, mut times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        entries.push(Entry::Round(long::round(5_000)));
        let request = Request {
            system: "You write code.",
            entries: &entries,
            ..Request::default()
        };
        let started = Instant::now();
        let deltas: Vec<_> = model.stream(request).collect().await;
        times.push(milliseconds(started.elapsed()));
        ensure!(
            matches!(deltas.last(), Some(Ok(Delta::Done(_)))),
            "no reply"
        );
    }
    Ok(times)
}
