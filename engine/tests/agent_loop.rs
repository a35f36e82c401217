//! The loop, sentence by sentence, with a scripted model and tools that keep a log.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use corecoder::kit::Kit;
use corecoder::{
    Agent, AgentError, Approval, Delta, Deltas, Effect, Entry, ErrorKind, Event, Host, Model,
    ModelError, Reply, Request, Script, Spec, Tool, ToolCall, Usage, tools,
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

/// A tool with one argument `key`; it notes when it begins and ends, and may wait, fail or panic in between.
struct Fake {
    name: &'static str,
    effect: Effect,
    log: Log,
}

#[async_trait]
impl Tool for Fake {
    fn spec(&self) -> Spec {
        let parameters = tools::schema(
            json!({"key": {"type": "string"}, "steps": {"type": "integer"}}),
            &["key"],
        );
        Spec {
            name: self.name.into(),
            description: "a fake".into(),
            parameters,
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(self.effect)
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        let key = args["key"].as_str().unwrap_or_default();
        note(&self.log, format!("begin {key}"));
        for _ in 0..args["steps"].as_u64().unwrap_or(1) {
            tokio::task::yield_now().await;
        }
        note(&self.log, format!("end {key}"));
        match key {
            "fails" => Err("it failed; try another key".into()),
            "panics" => panic!("a tool's own bug"),
            _ => Ok(format!("result of {key}")),
        }
    }
}

/// Notes approvals and refuses the keys that begin with "no".
struct Notary(Log);

#[async_trait]
impl Host for Notary {
    fn event(&self, who: &str, event: &Event<'_>) {
        if let Event::Finished { call, .. } = event {
            note(&self.0, format!("finished {who}{}", call.name));
        }
    }

    async fn approve(&self, _who: &str, call: &ToolCall, _effect: Effect) -> Approval {
        let key = call
            .args
            .as_ref()
            .map_or("?".into(), |args| args["key"].to_string());
        note(&self.0, format!("approve {key}"));
        if key.starts_with("\"no") {
            Approval::No("not this one".into())
        } else {
            Approval::Yes
        }
    }
}

fn agent(log: &Log, model: impl Model + 'static) -> Agent {
    let fake = |name, effect| {
        Arc::new(Fake {
            name,
            effect,
            log: log.clone(),
        }) as Arc<dyn Tool>
    };
    let tools = vec![fake("read", Effect::Read), fake("write", Effect::Write)];
    Agent::new(model).tools(tools)
}

fn call(name: &'static str, key: &str) -> (&'static str, Value) {
    (name, json!({"key": key}))
}

/// The answers of all rounds, in order.
fn answers(agent: &Agent) -> Vec<String> {
    let rounds = agent.history().iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(round),
        _ => None,
    });
    rounds
        .flat_map(|round| round.answered())
        .map(|(_, answer)| answer.to_string())
        .collect()
}

#[tokio::test]
async fn a_run_ends_with_the_first_reply_that_asks_for_nothing() {
    let log = Log::default();
    let replies = [
        Reply::calls([call("read", "a")]),
        Reply::text("done"),
        Reply::text("never said"),
    ];
    let mut agent = agent(&log, Script::new(replies));
    assert_eq!(agent.chat("go").await.unwrap(), "done");
    assert_eq!(answers(&agent), ["result of a"]);
}

#[tokio::test]
async fn rounds_are_bounded() {
    let log = Log::default();
    let replies = (0..9).map(|n| Reply::calls([call("read", &n.to_string())]));
    let mut agent = agent(&log, Script::new(replies)).rounds(5);
    assert!(matches!(agent.chat("go").await, Err(AgentError::Rounds(5))));
    assert_eq!(answers(&agent).len(), 5);
}

/// Streams a call, then waits until someone has begun it before the reply ends.
struct Slow(Arc<Notify>);

impl Model for Slow {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        if request.entries.len() > 1 {
            return stream::iter([Ok(Delta::Done(Reply::text("done")))]).boxed();
        }
        let reply = Reply::calls([("signal", json!({})), ("signal", json!({}))]);
        let first = stream::iter([Ok(Delta::Call(reply.calls[0].clone()))]);
        let rest = stream::once(async move {
            self.0.notified().await;
            Ok(Delta::Done(reply))
        });
        first.chain(rest).boxed()
    }

    fn name(&self) -> &str {
        "slow"
    }
}

struct Signal(Arc<Notify>, Effect);

#[async_trait]
impl Tool for Signal {
    fn spec(&self) -> Spec {
        Spec {
            name: "signal".into(),
            description: "".into(),
            parameters: tools::schema(json!({}), &[]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(self.1)
    }

    async fn call(&self, _args: Value, _kit: &Kit) -> Result<String, String> {
        self.0.notify_one();
        Ok("rung".into())
    }
}

#[tokio::test]
async fn reads_start_while_the_reply_still_streams() {
    let bell = Arc::new(Notify::new());
    let mut agent =
        Agent::new(Slow(bell.clone())).tools(vec![Arc::new(Signal(bell, Effect::Read))]);
    let run = tokio::time::timeout(Duration::from_secs(10), agent.chat("go"));
    assert_eq!(
        run.await
            .expect("the read has to start before the reply ends")
            .unwrap(),
        "done"
    );
    assert_eq!(answers(&agent), ["rung", "rung"]);
}

#[tokio::test(start_paused = true)]
async fn writes_wait_for_the_end_of_the_reply() {
    let bell = Arc::new(Notify::new());
    let mut agent =
        Agent::new(Slow(bell.clone())).tools(vec![Arc::new(Signal(bell, Effect::Write))]);
    let run = tokio::time::timeout(Duration::from_secs(10), agent.chat("go"));
    assert!(
        run.await.is_err(),
        "a write that starts early would have ended the reply"
    );
}

/// Streams these deltas in its first reply, then ends.
struct Recorded(Vec<Delta>);

impl Model for Recorded {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let first = matches!(request.entries.last(), Some(Entry::User(_)));
        let done = vec![Delta::Done(Reply::text("done"))];
        stream::iter(
            if first { self.0.clone() } else { done }
                .into_iter()
                .map(Ok),
        )
        .boxed()
    }

    fn name(&self) -> &str {
        "deltas"
    }
}

#[tokio::test]
async fn a_stream_that_is_asked_again_runs_no_write_twice() {
    let log = Log::default();
    let reply = Reply::calls([call("read", "r"), call("write", "w")]);
    let calls = || reply.calls.iter().cloned().map(Delta::Call);
    let error = ModelError::new(ErrorKind::Network, "reset");
    let restart = Delta::Restart {
        error,
        wait: Duration::ZERO,
        model: None,
    };
    let deltas = calls()
        .chain([restart])
        .chain(calls())
        .chain([Delta::Done(reply.clone())]);
    let mut agent = agent(&log, Recorded(deltas.collect()));
    agent.chat("go").await.unwrap();
    let begun = lines(&log);
    assert_eq!(
        begun.iter().filter(|line| *line == "begin w").count(),
        1,
        "{begun:?}"
    );
    assert_eq!(answers(&agent), ["result of r", "result of w"]);
}

#[tokio::test]
async fn reads_run_together_and_writes_alone_in_the_order_asked() {
    let log = Log::default();
    let steps = |name, key: &str, steps: u64| (name, json!({"key": key, "steps": steps}));
    let reply = Reply::calls([
        steps("read", "1", 9),
        steps("read", "2", 3),
        steps("write", "3", 9),
        steps("write", "4", 1),
        steps("read", "5", 1),
    ]);
    let mut agent = agent(&log, Script::new([reply, Reply::text("done")]));
    agent.chat("go").await.unwrap();
    let expected = [
        "begin 1", "begin 2", "end 2", "end 1", "begin 3", "end 3", "begin 4", "end 4", "begin 5",
        "end 5",
    ];
    assert_eq!(lines(&log), expected);
    let results: Vec<String> = (1..=5).map(|n| format!("result of {n}")).collect();
    assert_eq!(answers(&agent), results, "results stand in the order asked");
}

#[tokio::test]
async fn approval_is_asked_in_order_and_only_for_calls_that_can_be_run() {
    let log = Log::default();
    let reply = Reply::calls([
        call("write", "1"),
        ("nothing", json!({"key": "unknown tool"})),
        ("write", json!({"wrong": "arguments"})),
        call("write", "no"),
        call("read", "2"),
    ]);
    let mut agent =
        agent(&log, Script::new([reply, Reply::text("done")])).host(Arc::new(Notary(log.clone())));
    agent.chat("go").await.unwrap();
    let approvals: Vec<String> = lines(&log)
        .into_iter()
        .filter(|line| line.starts_with("approve"))
        .collect();
    assert_eq!(
        approvals,
        ["approve \"1\"", "approve \"no\"", "approve \"2\""]
    );
    assert_eq!(answers(&agent)[3], "Error: not allowed: not this one");
}

#[tokio::test]
async fn whatever_is_wrong_with_a_call_the_model_is_told_what_to_do_instead() {
    let log = Log::default();
    let mut reply = Reply::calls([
        call("str_replace_editor", "a"),
        call("write", "cut off"),
        ("write", json!({})),
        ("write", json!({"key": 5})),
        call("write", "fails"),
        call("write", "panics"),
        call("write", "works"),
    ]);
    reply.calls[1].args = Err("{\"key\": \"cut o".into());
    let mut agent = agent(&log, Script::new([reply, Reply::text("done")]));
    assert_eq!(agent.chat("go").await.unwrap(), "done");
    let told = [
        "there is no tool `str_replace_editor`; use one of: read, write",
        "not a JSON object",
        "`key` is missing",
        "`key` must be of type string, not 5",
        "it failed; try another key",
        "the tool crashed",
        "result of works",
    ];
    let answers = answers(&agent);
    for (answer, told) in answers.iter().zip(told) {
        assert!(answer.contains(told), "{answer:?} does not say {told:?}");
    }
    assert_eq!(answers.len(), told.len());
}

#[tokio::test]
async fn arguments_that_have_one_reading_are_put_right() {
    let log = Log::default();
    let reply = Reply::calls([
        ("read", json!({"key": "a", "steps": "2"})),
        ("read", json!({"key": "b", "steps": null})),
    ]);
    let mut agent = agent(&log, Script::new([reply, Reply::text("done")]));
    agent.chat("go").await.unwrap();
    assert_eq!(answers(&agent), ["result of a", "result of b"]);
}

#[tokio::test]
async fn the_same_call_is_not_run_a_third_time_unless_something_was_written() {
    let log = Log::default();
    let rounds = ["read", "read", "read", "write", "read"];
    let replies = rounds.map(|name| Reply::calls([call(name, name)]));
    let mut agent = agent(
        &log,
        Script::new(replies.into_iter().chain([Reply::text("done")])),
    );
    agent.chat("go").await.unwrap();
    let begun: Vec<String> = lines(&log)
        .into_iter()
        .filter(|line| line.starts_with("begin"))
        .collect();
    assert_eq!(
        begun,
        ["begin read", "begin read", "begin write", "begin read"]
    );
    assert!(
        answers(&agent)[2].contains("twice already"),
        "{:?}",
        answers(&agent)[2]
    );
}

#[tokio::test]
async fn a_write_that_repeats_itself_is_stopped_too() {
    let log = Log::default();
    let replies = (0..4).map(|_| Reply::calls([call("write", "w")]));
    let mut agent = agent(&log, Script::new(replies.chain([Reply::text("done")])));
    agent.chat("go").await.unwrap();
    assert_eq!(
        lines(&log).iter().filter(|line| *line == "begin w").count(),
        2
    );
}

#[tokio::test]
async fn a_write_that_failed_may_have_changed_something_too() {
    let log = Log::default();
    let rounds = ["read", "read", "fails", "read"];
    let replies =
        rounds.map(|key| Reply::calls([call(if key == "fails" { "write" } else { key }, key)]));
    let mut agent = agent(
        &log,
        Script::new(replies.into_iter().chain([Reply::text("done")])),
    );
    agent.chat("go").await.unwrap();
    assert_eq!(answers(&agent)[3], "result of read");
}

#[tokio::test]
async fn an_empty_reply_is_asked_once_more_before_it_counts() {
    let log = Log::default();
    let mut once = agent(&log, Script::new([Reply::text(""), Reply::text("here")]));
    assert_eq!(once.chat("go").await.unwrap(), "here");
    assert_eq!(once.history().len(), 2, "the empty reply leaves no trace");
    let mut twice = agent(
        &log,
        Script::new([Reply::text(""), Reply::text(""), Reply::text("too late")]),
    );
    assert_eq!(twice.chat("go").await.unwrap(), "");
}

#[tokio::test]
async fn calls_written_as_text_are_run_up_to_the_first_write() {
    let log = Log::default();
    let text = "I look first.\n```json\n{\"name\": \"read\", \"arguments\": {\"key\": \"a\"}}\n```\n\
        <tool_call>{\"name\": \"write\", \"arguments\": {\"key\": \"b\"}}</tool_call>\n\
        It worked, so:\n{\"name\": \"write\", \"arguments\": {\"key\": \"guess\"}}";
    let mut agent = agent(&log, Script::new([Reply::text(text), Reply::text("done")]));
    assert_eq!(agent.chat("go").await.unwrap(), "done");
    assert_eq!(answers(&agent), ["result of a", "result of b"]);
    let Entry::Round(round) = &agent.history()[1] else {
        panic!("a round follows the user's words")
    };
    assert_eq!(
        round.reply().text,
        "I look first.",
        "what the calls were written in goes"
    );
}

#[tokio::test]
async fn json_in_an_answer_is_no_call_unless_it_names_a_tool() {
    let log = Log::default();
    let answers = [
        "{\"name\": \"Ada\", \"arguments\": {\"key\": \"a\"}}",
        "Call it as `{\"name\": \"write\", \"arguments\": {\"key\": \"a\"}}` yourself.",
        "{\"name\": \"write\"}",
    ];
    for answer in answers {
        let mut agent = agent(&log, Script::new([Reply::text(answer)]));
        assert_eq!(agent.chat("go").await.unwrap(), answer);
    }
    assert!(lines(&log).is_empty());
}

#[tokio::test]
async fn a_run_cancelled_at_any_moment_leaves_a_history_that_goes_on() {
    for polls in 0..40 {
        let log = Log::default();
        let replies = (0..3).map(|n| {
            Reply::calls([
                call("read", &format!("r{n}")),
                call("write", &format!("w{n}")),
            ])
        });
        let mut agent = agent(
            &log,
            Script::new(replies.chain([Reply::text("done"), Reply::text("again")])),
        );
        {
            let mut run = std::pin::pin!(agent.chat("go"));
            for _ in 0..polls {
                if futures::poll!(run.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // What Round guarantees by type: each call has its answer. What is to be shown is that no round is lost.
        let ended = |line: &String| line.starts_with("end");
        let ran = lines(&log).iter().filter(|line| ended(line)).count();
        assert!(
            answers(&agent).len() >= ran,
            "after {polls} polls: {:?}",
            agent.history()
        );
        agent.set_model(Script::new([Reply::text("still here")]));
        assert_eq!(agent.chat("go on").await.unwrap(), "still here");
        assert!(matches!(
            agent.history(),
            [.., Entry::User(_), Entry::Round(_)]
        ));
    }
}

#[tokio::test]
async fn what_is_in_the_inbox_joins_the_next_request() {
    let log = Log::default();
    let mut agent = agent(
        &log,
        Script::new([Reply::calls([call("read", "a")]), Reply::text("done")]),
    );
    agent.kit().inbox.send("use tabs");
    agent.chat("go").await.unwrap();
    assert!(agent.history()[..2].contains(&Entry::User("use tabs".into())));
}

#[tokio::test]
async fn a_message_that_comes_with_the_last_reply_is_still_answered() {
    let log = Log::default();
    let mut agent = agent(
        &log,
        Script::new([Reply::text("done"), Reply::text("done with tabs")]),
    );
    let inbox = agent.kit().inbox.clone();
    inbox.run(async { "use tabs".to_string() });
    assert_eq!(agent.chat("go").await.unwrap(), "done with tabs");
}

/// A model that plays a parent and its sub-agents: a sub-agent knows itself by its task.
struct Family(fn(&str, usize) -> Reply);

impl Model for Family {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let Some(Entry::User(task)) = request.entries.first() else {
            panic!("a run begins with words")
        };
        let mut reply = (self.0)(task, request.entries.len());
        reply.usage = Some(Usage {
            prompt: 10,
            completion: 1,
            ..Usage::default()
        });
        stream::iter([Ok(Delta::Done(reply))]).boxed()
    }

    fn name(&self) -> &str {
        "family"
    }
}

fn tasks<const N: usize>(tasks: [&str; N]) -> Reply {
    Reply::calls(tasks.map(|task| ("agent", json!({"task": task}))))
}

#[tokio::test]
async fn sub_agents_of_one_reply_work_side_by_side_and_spend_from_the_same_meter() {
    let log = Log::default();
    let model = Family(|task, entries| match (task, entries) {
        ("go", 1) => tasks(["one", "two"]),
        ("go", _) => Reply::text("done"),
        (task, 1) => Reply::calls([("read", json!({"key": task, "steps": 20}))]),
        (task, _) => Reply::text(format!("report of {task}")),
    });
    let read = Fake {
        name: "read",
        effect: Effect::Read,
        log: log.clone(),
    };
    let mut agent = Agent::new(model)
        .tool(read)
        .host(Arc::new(Notary(log.clone())));
    agent.chat("go").await.unwrap();
    assert_eq!(answers(&agent), ["report of one", "report of two"]);
    let begun = lines(&log);
    let place = |line: &str| begun.iter().position(|other| other == line).expect(line);
    assert!(place("begin two") < place("end one"), "{begun:?}");
    assert!(
        begun.contains(&"finished oneread".to_string()),
        "events come under the sub-agent's name: {begun:?}"
    );
    assert_eq!(
        agent.kit().spent().prompt,
        60,
        "two requests each of three agents"
    );
}

#[tokio::test]
async fn a_sub_agents_report_is_cut_to_its_opening() {
    let model = Family(|task, entries| match (task, entries) {
        ("go", 1) => tasks(["long"]),
        ("go", _) => Reply::text("done"),
        _ => Reply::text(format!("conclusion first {}", "x".repeat(9_000))),
    });
    let mut agent = Agent::new(model);
    agent.chat("go").await.unwrap();
    let report = &answers(&agent)[0];
    assert!(
        report.starts_with("conclusion first") && report.len() < 5_100,
        "{}",
        report.len()
    );
    assert!(
        report.contains("cut at 5000 of 9017"),
        "{}",
        &report[5_000..]
    );
}

#[tokio::test]
async fn a_sub_agent_has_no_tool_to_start_another_and_stops_after_twenty_rounds() {
    let model = Family(|task, entries| match (task, entries) {
        ("go", 1) => tasks(["deeper"]),
        ("go", _) => Reply::text("done"),
        (_, 1) => Reply {
            text: "I look around.".into(),
            ..tasks(["deepest"])
        },
        (_, entries) => Reply::calls([("glob", json!({"pattern": format!("*.{entries}")}))]),
    });
    let mut agent = Agent::new(model);
    agent.chat("go").await.unwrap();
    let report = &answers(&agent)[0];
    assert!(
        report.contains("stopped after 20 rounds") && report.contains("I look around."),
        "{report}"
    );
}

#[tokio::test]
async fn a_sub_agent_never_passes_for_the_agent_itself() {
    let log = Log::default();
    let model = Family(|task, entries| match (task, entries) {
        ("go", 1) => tasks(["\n  look here\nand there", " "]),
        ("go", _) => Reply::text("done"),
        (_, 1) => Reply::calls([("glob", json!({"pattern": "*.nothing"}))]),
        _ => Reply::text("report"),
    });
    let mut agent = Agent::new(model).host(Arc::new(Notary(log.clone())));
    agent.chat("go").await.unwrap();
    let finished: Vec<String> = lines(&log)
        .into_iter()
        .filter(|line| line.ends_with("glob"))
        .collect();
    for name in ["look here", "sub-agent"] {
        assert!(
            finished.contains(&format!("finished {name}glob")),
            "{finished:?}"
        );
    }
}

#[tokio::test]
async fn a_run_does_not_end_before_its_background_agents_reported() {
    let model = Family(|task, entries| match (task, entries) {
        ("go", 1) => Reply::calls([("agent", json!({"task": "side", "background": true}))]),
        ("go", 3) => Reply::text("waiting"),
        ("go", _) => Reply::text("done"),
        (_, 1) => Reply::calls([("bash", json!({"command": "sleep 0.2"}))]),
        _ => Reply::text("side report"),
    });
    let mut agent = Agent::new(model);
    assert_eq!(agent.chat("go").await.unwrap(), "done");
    assert!(answers(&agent)[0].contains("works in the background"));
    let reported = agent
        .history()
        .iter()
        .any(|entry| matches!(entry, Entry::Note(text) if text.contains("side report")));
    assert!(reported, "{:?}", agent.history());
}

#[tokio::test]
async fn two_agents_in_one_process_share_nothing() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let script = |line: &str| {
        Script::new([
            Reply::calls([("bash", json!({"command": line}))]),
            Reply::text("done"),
        ])
    };
    let mut one = Agent::new(script("mkdir sub; cd sub")).folder(here.path());
    let mut two = Agent::new(script("pwd")).folder(there.path());
    one.chat("go").await.unwrap();
    two.chat("go").await.unwrap();
    assert!(one.kit().files.cwd().ends_with("sub"));
    assert_eq!(two.kit().files.cwd(), there.path().canonicalize().unwrap());
}

#[tokio::test]
async fn an_agent_without_the_tool_can_not_do_it() {
    let replies = [
        Reply::calls([("bash", json!({"command": "touch x"}))]),
        Reply::text("done"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut reviewer = Agent::new(Script::new(replies))
        .tools(tools::reading())
        .folder(folder.path());
    reviewer.chat("go").await.unwrap();
    assert!(
        answers(&reviewer)[0]
            .contains("there is no tool `bash`; use one of: glob, grep, read_file")
    );
    assert!(!folder.path().join("x").exists());
}
