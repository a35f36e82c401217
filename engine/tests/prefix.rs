//! The prompt's prefix is byte-stable: whatever happens in a run, each request's messages begin with those of the
//! request before it, so that a provider's cache serves them.

use std::sync::{Arc, Mutex};

use corecoder::{Agent, Delta, Deltas, Model, Reply, Request, ToolCall, wire};
use futures::{StreamExt, stream};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// Says these replies in order, then an empty one, and keeps what it was asked.
struct Recorder {
    replies: Mutex<Vec<Reply>>,
    requests: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Model for Recorder {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let system_and_tools = json!([request.system, wire::tools(&request)]).to_string();
        let sent = json!(wire::messages(&request, "here"));
        let sent = sent.as_array().into_iter().flatten().map(Value::to_string);
        self.requests
            .lock()
            .unwrap()
            .push([system_and_tools].into_iter().chain(sent).collect());
        let reply = self
            .replies
            .lock()
            .unwrap()
            .pop()
            .unwrap_or(Reply::text("end"));
        stream::iter([Ok(Delta::Done(reply))]).boxed()
    }

    fn name(&self) -> &str {
        "recorder"
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
        Just(("agent", Ok(json!({"task": "help", "background": true})))),
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_request_begins_with_the_messages_of_the_one_before(
        replies in prop::collection::vec(any_reply(), 1..8),
        steering in prop::collection::vec(".{1,9}", 0..3),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let model = Recorder { replies: Mutex::new(replies), requests: requests.clone() };
        let mut agent = Agent::new(model).folder(folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for words in ["go", "go on"] {
            steering.iter().for_each(|text| agent.kit().inbox.send(text.as_str()));
            let _ = runtime.block_on(agent.chat(words));
        }
        let requests = requests.lock().unwrap();
        // A sub-agent's requests are a conversation of their own, with its own system prompt.
        let own: Vec<_> = requests.iter().filter(|request| request[0] == requests[0][0]).collect();
        for pair in own.windows(2) {
            prop_assert!(pair[1].starts_with(pair[0]), "{:?}\n{:?}", pair[0], pair[1]);
        }
    }
}
