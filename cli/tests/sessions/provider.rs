//! A provider on loopback that answers each request by what stands in it, and keeps them all.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};

/// From the messages of a request to the delta of its answer; `null` is never answered.
type Answer = dyn Fn(&[Value]) -> Value + Send + Sync;

pub struct Provider {
    pub url: String,
    requests: Arc<Mutex<Vec<Vec<Value>>>>,
    /// Says when a request has arrived.
    pub arrived: mpsc::Receiver<()>,
}

impl Provider {
    pub fn new(answer: impl Fn(&[Value]) -> Value + Send + Sync + 'static) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (sender, arrived) = mpsc::channel();
        let (kept, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (kept, answer, sender) = (kept.clone(), answer.clone(), sender.clone());
                // A client that was killed ends its connection in the middle.
                std::thread::spawn(move || serve(connection, &kept, &*answer, &sender));
            }
        });
        Provider {
            url,
            requests,
            arrived,
        }
    }

    /// Repeats what the user said last.
    pub fn echo() -> Provider {
        Provider::new(|messages| says(&format!("You said: {}", last_words(messages))))
    }

    /// The messages of all requests so far.
    pub fn requests(&self) -> Vec<Vec<Value>> {
        self.requests.lock().unwrap().clone()
    }

    /// The text of all messages of the last request.
    pub fn last(&self) -> String {
        json!(self.requests().last().unwrap()).to_string()
    }
}

fn serve(
    mut connection: TcpStream,
    kept: &Mutex<Vec<Vec<Value>>>,
    answer: &Answer,
    arrived: &mpsc::Sender<()>,
) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    let mut unanswered = Vec::new();
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request: Value = serde_json::from_slice(&body).ok()?;
        let messages = request["messages"].as_array()?.clone();
        kept.lock().unwrap().push(messages.clone());
        let delta = answer(&messages);
        let _ = arrived.send(());
        match delta.is_null() {
            true => unanswered.push(connection.try_clone().ok()?),
            false => connection.write_all(reply(&delta).as_bytes()).ok()?,
        }
    }
}

fn reply(delta: &Value) -> String {
    let finish = if delta["tool_calls"].is_array() {
        "tool_calls"
    } else {
        "stop"
    };
    let chunk = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let body = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

pub fn says(text: &str) -> Value {
    json!({"content": text})
}

/// A reply with these calls; ids are made of the first one.
pub fn calls(id: &str, calls: &[(&str, Value)]) -> Value {
    let call = |(at, (name, args)): (usize, &(&str, Value))| {
        let function = json!({"name": name, "arguments": args.to_string()});
        json!({"index": at, "id": format!("{id}.{at}"), "type": "function", "function": function})
    };
    let calls: Vec<Value> = calls.iter().enumerate().map(call).collect();
    json!({"content": null, "tool_calls": calls})
}

pub fn last_words(messages: &[Value]) -> &str {
    let user = messages
        .iter()
        .rev()
        .find(|message| message["role"] == "user");
    user.and_then(|message| message["content"].as_str())
        .unwrap_or_default()
}

/// What is wrong with a request by the provider's rules: one result per call, in order, right behind its reply.
pub fn problem(messages: &[Value]) -> Option<String> {
    let mut rest = messages.iter().peekable();
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
