//! A provider on loopback whose replies come in parts, some of them only when the test says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// A piece of a reply.
pub enum Part {
    Delta(Value),
    /// Nothing more comes before the test lets go.
    Held,
}

pub enum Reply {
    Parts(Vec<Part>),
    /// A status and the words of an error.
    Failed(u16, &'static str),
}

/// From a request to its reply; the second is how many were there before.
type Answer = dyn Fn(&Value, usize) -> Reply + Send + Sync;

#[derive(Clone)]
pub struct Provider {
    pub url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    requests: Mutex<Vec<Value>>,
    /// How often what was held back may go on.
    let_go: Mutex<usize>,
    changed: Condvar,
}

impl Provider {
    pub fn new(answer: impl Fn(&Value, usize) -> Reply + Send + Sync + 'static) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (state, answer): (_, Arc<Answer>) = (Arc::<State>::default(), Arc::new(answer));
        let shared = state.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (state, answer) = (shared.clone(), answer.clone());
                // A client that was killed ends its connection in the middle.
                std::thread::spawn(move || serve(connection, &state, &*answer));
            }
        });
        Provider { url, state }
    }

    /// These replies, one a request, and behind them an echo of what was said last.
    pub fn saying(replies: Vec<Reply>) -> Provider {
        let replies = Mutex::new(replies.into_iter());
        Provider::new(move |request, _| {
            let next = replies.lock().unwrap().next();
            next.unwrap_or_else(|| echo(request))
        })
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Value> {
        self.state.requests.lock().unwrap().clone()
    }

    /// The messages of the n-th request, which is waited for.
    #[track_caller]
    pub fn messages(&self, n: usize) -> Vec<Value> {
        let requests = self.state.requests.lock().unwrap();
        let patience = Duration::from_secs(10);
        let waited = self
            .state
            .changed
            .wait_timeout_while(requests, patience, |requests| requests.len() <= n);
        let requests = waited.unwrap().0;
        assert!(requests.len() > n, "only {} requests came", requests.len());
        requests[n]["messages"].as_array().unwrap().clone()
    }

    /// The text of all messages of the last request.
    pub fn last(&self) -> String {
        let requests = self.requests();
        requests.last().unwrap()["messages"].to_string()
    }

    /// Lets go on what is held back, or the next that will be.
    pub fn let_go(&self) {
        *self.state.let_go.lock().unwrap() += 1;
        self.state.changed.notify_all();
    }
}

fn serve(mut connection: TcpStream, state: &State, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    loop {
        let (mut length, mut line, mut first) = (0, String::new(), String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        if first.starts_with("GET") {
            let models = ["first-model", "second-model", "third-sort"].map(|id| json!({"id": id}));
            whole(&mut connection, 200, &json!({"data": models}))?;
            continue;
        }
        let request: Value = serde_json::from_slice(&body).ok()?;
        let mut requests = state.requests.lock().unwrap();
        let before = requests.len();
        requests.push(request.clone());
        drop(requests);
        state.changed.notify_all();
        match answer(&request, before) {
            Reply::Parts(parts) => stream(&mut connection, state, parts)?,
            Reply::Failed(status, words) => whole(
                &mut connection,
                status,
                &json!({"error": {"message": words}}),
            )?,
        }
    }
}

fn whole(connection: &mut TcpStream, status: u16, body: &Value) -> Option<()> {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}"
    );
    write!(connection, "{head}\r\n\r\n{body}").ok()
}

fn stream(connection: &mut TcpStream, state: &State, parts: Vec<Part>) -> Option<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked";
    write!(connection, "{head}\r\n\r\n").ok()?;
    let mut event = |text: String| {
        let text = format!("data: {text}\n\n");
        write!(connection, "{:x}\r\n{text}\r\n", text.len()).ok()
    };
    let mut finish = "stop";
    for part in parts {
        match part {
            Part::Held => {
                let let_go = state.let_go.lock().unwrap();
                let waited = state.changed.wait_while(let_go, |let_go| *let_go == 0);
                *waited.unwrap() -= 1;
            }
            Part::Delta(delta) => {
                if delta["tool_calls"].is_array() {
                    finish = "tool_calls";
                }
                event(json!({"choices": [{"index": 0, "delta": delta}]}).to_string())?;
            }
        }
    }
    let end = json!([{"index": 0, "delta": {}, "finish_reason": finish}]);
    let usage = json!({"prompt_tokens": 1000, "completion_tokens": 10});
    event(json!({"choices": end, "usage": usage}).to_string())?;
    event("[DONE]".to_string())?;
    write!(connection, "0\r\n\r\n").ok()
}

pub fn text(words: &str) -> Part {
    Part::Delta(json!({"content": words}))
}

pub fn says(words: &str) -> Reply {
    Reply::Parts(vec![text(words)])
}

/// Nothing comes before the test lets go, and then these words.
pub fn held(words: &str) -> Reply {
    Reply::Parts(vec![Part::Held, text(words)])
}

/// A reply with these calls.
pub fn calls(calls: &[(&str, Value)]) -> Reply {
    Reply::Parts(vec![delta_of(calls)])
}

/// The calls come when the test lets go.
pub fn held_calls(calls: &[(&str, Value)]) -> Reply {
    Reply::Parts(vec![Part::Held, delta_of(calls)])
}

fn delta_of(calls: &[(&str, Value)]) -> Part {
    let call = |(at, (name, args)): (usize, &(&str, Value))| {
        let function = json!({"name": name, "arguments": args.to_string()});
        json!({"index": at, "id": format!("call_{at}"), "type": "function", "function": function})
    };
    let calls: Vec<Value> = calls.iter().enumerate().map(call).collect();
    Part::Delta(json!({"tool_calls": calls}))
}

pub fn bash(command: &str) -> (&'static str, Value) {
    ("bash", json!({"command": command}))
}

pub fn write(path: &str, content: &str) -> (&'static str, Value) {
    ("write_file", json!({"file_path": path, "content": content}))
}

pub fn echo(request: &Value) -> Reply {
    says(&format!("Heard: {}.", last_words(request)))
}

/// What the user said last, or the task of a sub-agent.
pub fn last_words(request: &Value) -> String {
    let messages = request["messages"].as_array().unwrap();
    said(messages).pop().unwrap_or_default()
}

/// What the user said, as text, in order; what the program adds is in brackets and left out.
pub fn said(messages: &[Value]) -> Vec<String> {
    let users = messages.iter().filter(|message| message["role"] == "user");
    users
        .filter_map(|message| message["content"].as_str())
        .filter(|text| !text.starts_with('['))
        .map(str::to_string)
        .collect()
}

/// The results of calls, in order.
pub fn results(messages: &[Value]) -> Vec<String> {
    let tools = messages.iter().filter(|message| message["role"] == "tool");
    tools
        .map(|message| message["content"].as_str().unwrap_or_default().to_string())
        .collect()
}
