//! A provider on loopback that answers by what it is asked, and keeps what that was.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};

/// What a request is answered with.
pub enum Answer {
    /// A whole reply.
    Delta(Value),
    /// A reply in pieces.
    Pieces(Vec<Value>),
    /// A page of JSON.
    Json(Value),
    /// A failure, with its message.
    Fails(&'static str, String),
    /// Nothing: the client waits until it gives up.
    Never,
}

/// From the request's number and its body.
type Script = dyn Fn(usize, &Value) -> Answer + Send + Sync;

pub struct Provider {
    pub url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Vec<String>>>,
    /// Says when a request has arrived.
    pub arrived: mpsc::Receiver<()>,
}

struct Shared {
    script: Box<Script>,
    models: Answer,
    requests: Arc<Mutex<Vec<Value>>>,
    keys: Arc<Mutex<Vec<String>>>,
    arrived: mpsc::Sender<()>,
}

impl Provider {
    pub fn new(script: impl Fn(usize, &Value) -> Answer + Send + Sync + 'static) -> Provider {
        let models = Answer::Fails("404 Not Found", "no such page".to_string());
        Provider::listing(models, script)
    }

    /// One that answers a question for its models with this.
    pub fn listing(
        models: Answer,
        script: impl Fn(usize, &Value) -> Answer + Send + Sync + 'static,
    ) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (requests, keys) = (Arc::default(), Arc::default());
        let (sender, arrived) = mpsc::channel();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            models,
            requests: Arc::clone(&requests),
            keys: Arc::clone(&keys),
            arrived: sender,
        });
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = shared.clone();
                // A client that was killed ends its connection in the middle.
                std::thread::spawn(move || serve(connection, &shared));
            }
        });
        Provider {
            url,
            requests,
            keys,
            arrived,
        }
    }

    /// Says these things, one a request, and the last one ever after.
    pub fn saying(replies: impl Into<Vec<Value>>) -> Provider {
        let replies = replies.into();
        Provider::new(move |n, _| Answer::Delta(replies.get(n).or(replies.last()).unwrap().clone()))
    }

    pub fn requests(&self) -> Vec<Value> {
        self.requests.lock().unwrap().clone()
    }

    /// The keys that were shown, one a request.
    pub fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }

    /// The system prompt of the first request.
    pub fn system(&self) -> String {
        let requests = self.requests();
        let system = &requests[0]["messages"][0];
        assert_eq!(system["role"], "system");
        words(system)
    }

    /// All messages of the n-th request but the system prompt, as text.
    pub fn told(&self, n: usize) -> String {
        let requests = self.requests();
        let messages = requests[n]["messages"].as_array().unwrap();
        messages[1..]
            .iter()
            .map(|message| words(message) + "\n")
            .collect()
    }

    /// The results of calls in the last request, in their order.
    pub fn results(&self) -> Vec<String> {
        let requests = self.requests();
        let messages = requests.last().unwrap()["messages"].as_array().unwrap();
        let results = messages.iter().filter(|message| message["role"] == "tool");
        results.map(words).collect()
    }

    /// The names of the tools that the n-th request offers.
    pub fn tools(&self, n: usize) -> Vec<String> {
        let requests = self.requests();
        let tools = requests[n]["tools"].as_array().unwrap();
        let name = |tool: &Value| tool["function"]["name"].as_str().unwrap().to_string();
        tools.iter().map(name).collect()
    }
}

/// The text of a message, whichever form its content has.
fn words(message: &Value) -> String {
    match &message["content"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn serve(mut connection: TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut unanswered = Vec::new();
    loop {
        let (mut head, mut length) = (String::new(), 0);
        while reader.read_line(&mut head).ok()? > 2 {}
        let first = head.lines().next()?.to_string();
        let mut key = String::new();
        for line in head.lines().skip(1) {
            let (name, value) = line.split_once(':').unwrap_or_default();
            match &*name.to_lowercase() {
                "content-length" => length = value.trim().parse().ok()?,
                "authorization" => key = value.trim().to_string(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let fresh;
        let answer = if first.starts_with("GET") {
            &shared.models
        } else {
            let body: Value = serde_json::from_slice(&body).ok()?;
            let n = {
                let mut requests = shared.requests.lock().ok()?;
                requests.push(body.clone());
                requests.len() - 1
            };
            shared.keys.lock().ok()?.push(key);
            let _ = shared.arrived.send(());
            fresh = (shared.script)(n, &body);
            &fresh
        };
        match http(answer) {
            Some(text) => connection.write_all(text.as_bytes()).ok()?,
            None => unanswered.push(connection.try_clone().ok()?),
        }
    }
}

/// `None` is no answer.
fn http(answer: &Answer) -> Option<String> {
    let (status, kind, body) = match answer {
        Answer::Never => return None,
        Answer::Json(body) => ("200 OK", "application/json", body.to_string()),
        Answer::Fails(status, message) => {
            let body = json!({"error": {"message": message}});
            (*status, "application/json", body.to_string())
        }
        Answer::Delta(delta) => (
            "200 OK",
            "text/event-stream",
            stream(std::slice::from_ref(delta)),
        ),
        Answer::Pieces(pieces) => ("200 OK", "text/event-stream", stream(pieces)),
    };
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
    ))
}

/// Every reply costs 1,000 tokens of input, 200 of them cached, and 50 of output.
fn stream(pieces: &[Value]) -> String {
    let has_calls = pieces.iter().any(|piece| piece["tool_calls"].is_array());
    let finish = if has_calls { "tool_calls" } else { "stop" };
    let piece = |delta: &Value| json!({"choices": [{"index": 0, "delta": delta}]});
    let mut chunks: Vec<Value> = pieces.iter().map(piece).collect();
    chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}));
    chunks.push(json!({"choices": [], "usage": {
        "prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050,
        "prompt_tokens_details": {"cached_tokens": 200},
    }}));
    let chunks = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
    chunks.collect::<String>() + "data: [DONE]\n\n"
}

/// A list of models.
pub fn models(names: &[&str]) -> Answer {
    let models: Vec<Value> = names.iter().map(|name| json!({"id": name})).collect();
    Answer::Json(json!({"object": "list", "data": models}))
}

pub fn says(text: &str) -> Value {
    json!({"content": text})
}

pub fn calls(calls: &[(&str, Value)]) -> Value {
    let call = |(at, (name, args)): (usize, &(&str, Value))| {
        let function = json!({"name": name, "arguments": args.to_string()});
        json!({"index": at, "id": format!("c{at}"), "type": "function", "function": function})
    };
    let calls: Vec<Value> = calls.iter().enumerate().map(call).collect();
    json!({"content": null, "tool_calls": calls})
}

/// Calls of bash with these commands.
pub fn bash(commands: &[&str]) -> Value {
    let call = |command: &&str| ("bash", json!({"command": command}));
    calls(&commands.iter().map(call).collect::<Vec<_>>())
}

/// What is wrong with a request by the provider's rules: one result per call, in order, right behind its reply.
pub fn problem(request: &Value) -> Option<String> {
    let mut rest = request["messages"].as_array()?.iter().peekable();
    while let Some(message) = rest.next() {
        if message["role"] == "tool" {
            return Some(format!("a result without its call: {message}"));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let result = rest.next_if(|next| next["role"] == "tool");
            if result.is_none_or(|result| result["tool_call_id"] != call["id"]) {
                return Some(format!("{call} is followed by {result:?}"));
            }
        }
    }
    None
}
