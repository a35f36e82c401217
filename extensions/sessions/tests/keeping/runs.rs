//! Whatever happens in a run, the journal says what the agent has in mind.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use corecoder::tools::{self, Tool};
use corecoder::{
    Agent, Approval, Delta, Deltas, Effect, ErrorKind, Host, Kit, Model, ModelError, Reply,
    Request, Spec, ToolCall,
};
use corecoder_sessions::session::Session;
use futures::{StreamExt, stream};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Home, PROGRAM, loaded, recorder};

/// What the model does at one request.
#[derive(Debug, Clone)]
enum Step {
    /// Streams this many of the reply's calls before its end.
    Says { reply: Reply, early: usize },
    /// Streams so much of it, and then all of it once more.
    Restarts { reply: Reply, early: usize },
    /// Fails behind so much of it.
    Fails {
        reply: Reply,
        early: usize,
        kind: ErrorKind,
    },
}

/// A model that does these things, and then ends each run.
struct Steps(Mutex<VecDeque<Step>>);

impl Model for Steps {
    fn stream<'a>(&'a self, _request: Request<'a>) -> Deltas<'a> {
        let next = self.0.lock().unwrap().pop_front();
        let next = next.unwrap_or(Step::Says {
            reply: Reply::text("done"),
            early: 0,
        });
        stream::iter(deltas(next))
            .then(async |delta| {
                tokio::task::yield_now().await;
                delta
            })
            .boxed()
    }

    fn name(&self) -> &str {
        "steps"
    }
}

fn deltas(step: Step) -> Vec<Result<Delta, ModelError>> {
    let begun = |reply: &Reply, early: usize| {
        let text = Delta::Text(reply.text.clone());
        let calls = reply.calls.iter().take(early).cloned().map(Delta::Call);
        [text].into_iter().chain(calls).map(Ok).collect::<Vec<_>>()
    };
    let error = |kind| ModelError::new(kind, "in trouble");
    match step {
        Step::Says { reply, early } => {
            [begun(&reply, early), vec![Ok(Delta::Done(reply))]].concat()
        }
        Step::Restarts { reply, early } => {
            let (error, wait) = (error(ErrorKind::Network), Duration::ZERO);
            let restart = vec![Ok(Delta::Restart {
                error,
                wait,
                model: None,
            })];
            [
                begun(&reply, early),
                restart,
                begun(&reply, early),
                vec![Ok(Delta::Done(reply))],
            ]
            .concat()
        }
        Step::Fails { reply, early, kind } => {
            [begun(&reply, early), vec![Err(error(kind))]].concat()
        }
    }
}

/// A tool that takes its time, and whose answer is never the same twice.
struct Fake(&'static str, Effect, Arc<Mutex<u64>>);

#[async_trait]
impl Tool for Fake {
    fn spec(&self) -> Spec {
        let properties = json!({"key": {"type": "string"}, "steps": {"type": "integer"}});
        Spec {
            name: self.0.into(),
            description: "a fake".into(),
            parameters: tools::schema(properties, &["key"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(self.1)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let key = args["key"].as_str().unwrap_or_default();
        for _ in 0..args["steps"].as_u64().unwrap_or(1) {
            tokio::task::yield_now().await;
        }
        let count = {
            let mut count = self.2.lock().unwrap();
            *count += 1;
            *count
        };
        match key {
            "fails" => Err(format!("failure {count}")),
            "mail" => {
                kit.inbox.send(format!("message {count}"));
                Ok("sent".into())
            }
            "long" => Ok(format!("{count}: {}", "many words ".repeat(300))),
            _ => Ok(format!("result {count}")),
        }
    }
}

/// Refuses what is called so.
struct Strict;

#[async_trait]
impl Host for Strict {
    async fn approve(&self, _who: &str, call: &ToolCall, _effect: Effect) -> Approval {
        tokio::task::yield_now().await;
        match call
            .args
            .as_ref()
            .is_ok_and(|args| args["key"] == "refused")
        {
            true => Approval::No("not this one".into()),
            false => Approval::Yes,
        }
    }
}

fn any_call() -> impl Strategy<Value = (String, Value)> {
    let key = prop_oneof![
        Just("a"),
        Just("b"),
        Just("fails"),
        Just("refused"),
        Just("mail"),
        Just("long")
    ];
    let fake = (
        prop_oneof![3 => Just("read"), 2 => Just("write"), 1 => Just("nothing")],
        key,
        0u64..6,
    )
        .prop_map(|(name, key, steps)| (name.to_string(), json!({"key": key, "steps": steps})));
    let agent = any::<bool>().prop_map(|background| {
        (
            "agent".to_string(),
            json!({"task": "help", "background": background}),
        )
    });
    prop_oneof![7 => fake, 1 => agent]
}

fn any_reply() -> impl Strategy<Value = Reply> {
    (
        prop_oneof![Just(""), Just("words "), Just("more words ")],
        prop::collection::vec(any_call(), 0..5),
    )
        .prop_map(|(text, calls)| Reply {
            text: text.to_string(),
            ..Reply::calls(calls)
        })
}

fn any_step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![Just(ErrorKind::Network), Just(ErrorKind::ContextTooLong)];
    (any_reply(), 0usize..6, 0..8, kind).prop_map(|(reply, early, what, kind)| match what {
        0 => Step::Fails { reply, early, kind },
        1 => Step::Restarts { reply, early },
        _ => Step::Says { reply, early },
    })
}

/// One message of the user: what is in the inbox by then, and after how many polls the run is dropped, if it is.
fn any_turn() -> impl Strategy<Value = (bool, Option<usize>)> {
    (any::<bool>(), prop::option::of(0usize..60))
}

fn agent(home: &Home, session: &Arc<Session>, steps: Vec<Step>, window: Option<u64>) -> Agent {
    let count = Arc::new(Mutex::new(0));
    let fake = |name, effect| Arc::new(Fake(name, effect, count.clone())) as Arc<dyn Tool>;
    let delegate = tools::seven()
        .into_iter()
        .find(|tool| tool.spec().name == "agent")
        .unwrap();
    Agent::new(Steps(Mutex::new(steps.into())))
        .folder(&home.work)
        .tools(vec![
            fake("read", Effect::Read),
            fake("write", Effect::Write),
            delegate,
        ])
        .host(recorder(session, Strict))
        .rounds(12)
        .window(window)
}

/// Runs, or drops the run at its n-th await point.
async fn chat(agent: &mut Agent, polls: Option<usize>) {
    let mut run = std::pin::pin!(agent.chat("go"));
    for _ in 0..polls.unwrap_or(usize::MAX) {
        if futures::poll!(run.as_mut()).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn check(path: &Path, agent: &Agent, when: &str) -> Result<(), TestCaseError> {
    let loaded = loaded(path);
    prop_assert_eq!(&loaded.problems, &Vec::<String>::new());
    prop_assert_eq!(&loaded.unanswered, &Vec::<usize>::new(), "{}", when);
    prop_assert_eq!(&loaded.entries[..], agent.history(), "{}", when);
    Ok(())
}

fn check_run(
    steps: Vec<Step>,
    turns: Vec<(bool, Option<usize>)>,
    window: Option<u64>,
) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let home = Home::new();
    let session = home.begin("a");
    let mut agent = agent(&home, &session, steps, window);
    runtime.block_on(async {
        for (mail, polls) in turns {
            if mail {
                agent.kit().inbox.send("by the way");
            }
            chat(&mut agent, polls).await;
            check(
                session.path(),
                &agent,
                &format!("after a turn of {polls:?} polls"),
            )?;
        }
        let _ = agent.compact("the task").await;
        check(session.path(), &agent, "after a compaction")
    })?;
    let (path, history) = (session.path().to_path_buf(), agent.history().to_vec());
    drop((agent, session, runtime));
    if history.is_empty() {
        return Ok(());
    }
    let (_session, resumed) = Session::resume(&path, PROGRAM).unwrap();
    prop_assert_eq!(resumed.entries, history);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_journal_says_what_the_agent_has_in_mind_after_any_run(
        steps in prop::collection::vec(any_step(), 0..12),
        turns in prop::collection::vec(any_turn(), 1..4),
        window in prop::option::of(4_000u64..12_000),
    ) {
        check_run(steps, turns, window)?;
    }
}

#[test]
fn a_run_dropped_at_any_await_point_is_kept_to_that_point() {
    let calls = [
        ("read", 3),
        ("read", 1),
        ("write", 2),
        ("write", 1),
        ("read", 0),
    ];
    let reply =
        Reply::calls(calls.map(|(name, steps)| (name, json!({"key": "a", "steps": steps}))));
    let steps = vec![
        Step::Restarts {
            reply: reply.clone(),
            early: 2,
        },
        Step::Says {
            reply: Reply::text(""),
            early: 0,
        },
        Step::Says {
            reply: Reply {
                text: "half a sentence".into(),
                ..reply
            },
            early: 5,
        },
    ];
    for polls in 0..80 {
        check_run(
            steps.clone(),
            vec![(true, Some(polls)), (false, None)],
            None,
        )
        .unwrap();
    }
}

#[test]
fn a_conversation_that_was_shortened_often_is_kept_as_it_is_sent() {
    let read = |n: usize| Reply::calls([("read", json!({"key": "long", "steps": n}))]);
    let says = |reply| Step::Says { reply, early: 1 };
    let steps: Vec<Step> = (0..40).map(|n| says(read(n))).collect();
    let home = Home::new();
    let session = home.begin("a");
    let mut agent = agent(&home, &session, steps, Some(6_000));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for _ in 0..3 {
        runtime.block_on(chat(&mut agent, None));
        check(session.path(), &agent, "after a turn").unwrap();
    }
    let journal = fs::read_to_string(session.path()).unwrap();
    let compactions = journal.matches("\"fact\":{\"compaction\"").count();
    assert!(compactions > 3, "{compactions} compactions");
}

#[test]
fn a_reply_that_was_too_long_to_come_leaves_no_result_behind() {
    let reply = |steps| Reply::calls([("read", json!({"key": "long", "steps": steps}))]);
    let says = |reply| Step::Says { reply, early: 1 };
    let kind = ErrorKind::ContextTooLong;
    let refused = Step::Fails {
        reply: Reply {
            text: "x".into(),
            ..reply(0)
        },
        early: 1,
        kind,
    };
    // A call that answers differently each time: what it said in the void reply must not stand behind the next one.
    let steps = (1..12)
        .map(|n| says(reply(n)))
        .chain([refused, says(reply(0)), says(reply(0))]);
    check_run(
        steps.collect(),
        vec![(false, None), (false, None)],
        Some(30_000),
    )
    .unwrap();
}
