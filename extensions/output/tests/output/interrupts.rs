//! Runs that are stopped, readers that go away, and calls that are done before their reply is.

use std::sync::Arc;

use corecoder::model::Deltas;
use corecoder::{Agent, Delta, Event, Host, Model, Reply, Request, Usage};
use corecoder_output::{Form, Printer};
use futures::StreamExt;
use futures::stream;
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use crate::kept::{Careful, Kept, STEPS, agent, check_order, printer_around, setup};

/// Rings when a call is started, and when one is finished.
#[derive(Clone)]
struct Bells {
    started: Arc<Semaphore>,
    finished: Arc<Notify>,
}

impl Default for Bells {
    fn default() -> Bells {
        Bells {
            started: Arc::new(Semaphore::new(0)),
            finished: Arc::default(),
        }
    }
}

impl Host for Bells {
    fn event(&self, _who: &str, event: &Event<'_>) {
        match event {
            Event::Started { .. } => self.started.add_permits(1),
            Event::Finished { .. } => self.finished.notify_one(),
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_interrupted_run_answers_its_calls_and_ends_in_a_result() {
    let folder = tempfile::tempdir().unwrap();
    let bells = Bells::default();
    let (printer, kept) = printer_around(Arc::new(bells.clone()), STEPS);
    let wait = |name: &str| Reply::calls([(name, json!({"command": "sleep 1000", "task": "dig"}))]);
    for replies in [vec![wait("bash")], vec![wait("agent"), wait("bash")]] {
        let before = kept.lines().len();
        let mut agent = agent(folder.path(), &printer, replies.clone());
        let started = bells.started.acquire_many(replies.len() as u32);
        tokio::select! {
            _ = agent.chat("go") => panic!("it ended by itself"),
            started = started => started.unwrap().forget(),
        }
        let result = printer.interrupted("SIGINT", Usage::default(), None);
        assert_eq!(result.errors, ["interrupted by SIGINT"]);
        // What is still falling says nothing more.
        tokio::task::yield_now().await;
        let mut lines = kept.lines();
        if before > 0 {
            lines.drain(1..before);
        }
        check_order(&lines);
        assert_eq!(lines[lines.len() - 1]["subtype"], "error_during_execution");
    }
}

/// A model that streams a call, and ends its reply only when the call is done.
struct Slow(Arc<Notify>);

impl Model for Slow {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        if request.entries.len() > 1 {
            return stream::iter([Ok(Delta::Done(Reply::text("seen")))]).boxed();
        }
        let reply = Reply::calls([("glob", json!({"pattern": "*"}))]);
        let call = Delta::Call(reply.calls[0].clone());
        let rest = async move {
            self.0.notified().await;
            Ok(Delta::Done(reply))
        };
        stream::iter([Ok(call)]).chain(stream::once(rest)).boxed()
    }

    fn name(&self) -> &str {
        "slow"
    }
}

#[tokio::test]
async fn a_result_that_is_there_before_its_reply_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let bells = Bells::default();
    let (printer, kept) = printer_around(Arc::new(bells.clone()), STEPS);
    let mut agent = Agent::new(Slow(bells.finished.clone()))
        .folder(folder.path())
        .host(printer.clone());
    let outcome = agent.chat("go").await;
    printer.result(&outcome, Usage::default(), None, None);
    check_order(&kept.lines());
    assert_eq!(kept.lines().len(), 5);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_noted_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    let printer = Printer::new(Arc::new(Careful), setup(), STEPS, Box::new(writer));
    let printer = Arc::new(printer);
    assert!(!printer.closed());
    drop(reader);
    let look = Reply::calls([("bash", json!({"command": "true"}))]);
    let mut agent = agent(folder.path(), &printer, [look, Reply::text("done")]);
    let outcome = agent.chat("go").await;
    assert!(printer.closed());
    let result = printer.result(&outcome, Usage::default(), None, None);
    assert_eq!(result.result.as_deref(), Some("done"));
}

#[test]
fn a_reader_that_is_gone_from_the_beginning_is_no_panic() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let printer = Printer::new(Arc::new(Careful), setup(), Form::Json, Box::new(writer));
    assert!(!printer.closed());
    printer.result(&Ok("fine".to_string()), Usage::default(), None, None);
    assert!(printer.closed());
    let kept = Kept::default();
    assert!(kept.lines().is_empty());
}
