//! The prompt's prefix is byte-stable: whatever happens in a run, each request's messages begin with those of the
//! request before it, so that a provider's cache serves them. Only a compaction breaks this, and it says so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corecoder::kit::Kit;
use corecoder::{
    Agent, Delta, Deltas, Effect, Entry, Event, Host, Model, Reply, Request, Spec, Tool, ToolCall,
    tools, wire,
};
use futures::{StreamExt, stream};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What was sent and what was compacted, each with the name of the agent.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(String, Heard)>>>);

enum Heard {
    Request(Vec<String>),
    Compacted,
}

impl Log {
    fn add(&self, who: &str, heard: Heard) {
        self.0.lock().unwrap().push((who.to_string(), heard));
    }
}

impl Host for Log {
    fn event(&self, who: &str, event: &Event<'_>) {
        if let Event::Compacted(_) = event {
            self.add(who, Heard::Compacted);
        }
    }
}

/// Says these replies, the last one first, then that it is done, and keeps what it was asked.
struct Recorder {
    replies: Mutex<Vec<Reply>>,
    log: Log,
}

impl Model for Recorder {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let system_and_tools = json!([request.system, wire::tools(&request)]).to_string();
        let sent = json!(wire::messages(&request, "here"));
        let sent = sent.as_array().into_iter().flatten().map(Value::to_string);
        let sent = [system_and_tools].into_iter().chain(sent).collect();
        self.log.add(&asker(&request), Heard::Request(sent));
        let reply = self.replies.lock().unwrap().pop();
        stream::iter([Ok(Delta::Done(reply.unwrap_or(Reply::text("end"))))]).boxed()
    }

    fn name(&self) -> &str {
        "recorder"
    }
}

/// The name of the agent that asks: a sub-agent's is its task, which stays its first words.
fn asker(request: &Request) -> String {
    let mut words = request.entries.iter().filter_map(|entry| match entry {
        Entry::User(words) => Some(words),
        Entry::Summary(summary) => summary.said.first(),
        _ => None,
    });
    let first = words.next().expect("a conversation has words").clone();
    if first.starts_with("side ") {
        first
    } else {
        String::new()
    }
}

/// A tool that changes what the model must know, while the run goes on.
struct Meddle(String);

#[async_trait]
impl Tool for Meddle {
    fn spec(&self) -> Spec {
        Spec {
            name: self.0.clone(),
            description: "meddles".into(),
            parameters: tools::schema(json!({"text": {"type": "string"}}), &["text"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let text = args["text"].as_str().unwrap_or_default();
        kit.standing.set("plan", format!("[the plan] {text}"));
        kit.inbox.send(text);
        Ok(text.repeat(4_000))
    }
}

fn any_call() -> impl Strategy<Value = ToolCall> {
    let args = prop_oneof![
        Just(("glob", Ok(json!({"pattern": "*.nothing"})))),
        Just((
            "read_file",
            Ok(json!({"file_path": "missing", "limit": "3"}))
        )),
        Just((
            "write_file",
            Ok(json!({"file_path": "new", "content": "x\n"}))
        )),
        any::<bool>().prop_map(|background| ("agent", Ok(json!({"background": background})))),
        "[a-z]{1,4}".prop_map(|text| ("meddle", Ok(json!({"text": text})))),
        "[a-z]{1,4}".prop_map(|text| ("late0", Ok(json!({"text": text})))),
        Just(("nothing", Ok(json!({})))),
        Just(("grep", Err("{\"pattern\": cut".to_string()))),
    ];
    ("(call_[0-2])?", args).prop_map(|(id, (name, args))| {
        let echo = Map::from_iter([("extra_content".to_string(), json!(id))]);
        ToolCall {
            id,
            name: name.to_string(),
            args,
            echo,
        }
    })
}

fn any_reply() -> impl Strategy<Value = Reply> {
    (
        ".{0,12}",
        prop::collection::vec(any_call(), 0..4),
        any::<bool>(),
    )
        .prop_map(|(text, calls, here)| Reply {
            text,
            calls,
            echo: Map::from_iter([("reasoning_content".to_string(), json!("because"))]),
            origin: if here { "here" } else { "elsewhere" }.to_string(),
            finish: "stop".to_string(),
            ..Reply::default()
        })
}

/// Gives each sub-agent a task of its own.
fn with_tasks(mut replies: Vec<Reply>) -> Vec<Reply> {
    let calls = replies.iter_mut().flat_map(|reply| &mut reply.calls);
    for (n, call) in calls.enumerate() {
        if let ("agent", Ok(args)) = (call.name.as_str(), &mut call.args) {
            args["task"] = json!(format!("side {n}"));
        }
    }
    replies
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_request_begins_with_the_messages_of_the_one_before(
        replies in prop::collection::vec(any_reply(), 1..40),
        steering in prop::collection::vec(".{1,9}", 0..3),
        window in 2_500..9_000_u64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let model = Recorder { replies: Mutex::new(with_tasks(replies)), log: log.clone() };
        let mut agent = Agent::new(model)
            .tool(Meddle("meddle".into()))
            .host(Arc::new(log.clone()))
            .window(Some(window))
            .folder(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for turn in 0..4 {
            steering.iter().for_each(|text| agent.kit().inbox.send(text.as_str()));
            agent.kit().standing.set("mode", format!("[the mode] {}", turn / 2));
            agent.kit().tools.add(Arc::new(Meddle(format!("late{turn}"))));
            let _ = runtime.block_on(agent.chat(format!("go {turn}")));
        }
        let mut last: HashMap<&str, &[String]> = HashMap::new();
        for (who, heard) in log.0.lock().unwrap().iter() {
            let Heard::Request(request) = heard else {
                last.remove(who.as_str());
                continue;
            };
            let before = last.get(who.as_str()).copied().unwrap_or_default();
            // A summary is asked for behind the beginning of what was sent, unless that is too long to be read.
            if request.last().unwrap().contains("The conversation is getting too long") {
                let same = before.len().min(request.len() - 1);
                let is_cut = request.iter().any(|message| message.contains("bytes left out"));
                prop_assert!(is_cut || before[..same] == request[..same]);
            } else {
                prop_assert!(request.starts_with(before), "{who}: {before:?}\n{request:?}");
                last.insert(who, request);
            }
        }
    }
}

#[tokio::test]
async fn the_users_words_are_the_last_that_the_model_reads() {
    let log = Log::default();
    let model = Recorder {
        replies: Mutex::default(),
        log: log.clone(),
    };
    let mut agent = Agent::new(model);
    for turn in ["first", "second"] {
        agent.kit().standing.set("mode", format!("[{turn} mode]"));
        agent.chat(format!("{turn} task")).await.unwrap();
    }
    for (turn, (_, heard)) in ["first", "second"].iter().zip(&*log.0.lock().unwrap()) {
        let Heard::Request(request) = heard else {
            panic!("nothing is compacted here");
        };
        let [.., mode, task] = request.as_slice() else {
            panic!("only {} messages", request.len());
        };
        assert!(mode.contains(&format!("[{turn} mode]")), "{mode}");
        assert!(task.contains(&format!("{turn} task")), "{task}");
    }
}
