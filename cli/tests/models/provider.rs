//! A provider on loopback that speaks every wire: which one is told by the path of the request. It keeps what it was
//! asked, with the headers, and what it billed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::{Value, json};

use crate::wire::{self, Wire};

/// How long something may take to come; only what is wrong takes so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Null without one.
    pub body: Value,
}

/// Tokens of a reply, as the provider bills them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    pub prompt: u64,
    /// The part of the prompt that came from the cache.
    pub cached: u64,
    pub completion: u64,
}

pub enum What {
    Says(String),
    /// Words, and calls behind them.
    Calls(String, Vec<(&'static str, Value)>),
    /// Some words, and then the connection breaks.
    Cut(String),
    /// A status with the words of an error; the next try may come after so many seconds.
    Failed(u16, String, Option<u64>),
    /// Each piece so long after the one before.
    Slow(Vec<&'static str>, Duration),
    /// Nothing ever, not even a head.
    Silent,
    /// A head and some words, and then nothing ever.
    Stalled(String),
}

pub struct Reply {
    what: What,
    count: Option<Count>,
    held: bool,
}

impl Reply {
    /// What is billed for it, instead of what it really has.
    pub fn counted(mut self, prompt: u64, cached: u64, completion: u64) -> Reply {
        self.count = Some(Count {
            prompt,
            cached,
            completion,
        });
        self
    }

    /// It comes when the test lets go.
    pub fn held(mut self) -> Reply {
        self.held = true;
        self
    }
}

impl From<What> for Reply {
    fn from(what: What) -> Reply {
        Reply {
            what,
            count: None,
            held: false,
        }
    }
}

pub fn says(text: impl Into<String>) -> Reply {
    What::Says(text.into()).into()
}

pub fn calls(calls: &[(&'static str, Value)]) -> Reply {
    What::Calls(String::new(), calls.to_vec()).into()
}

pub fn write(path: &str, content: &str) -> (&'static str, Value) {
    ("write_file", json!({"file_path": path, "content": content}))
}

pub fn bash(command: &str) -> (&'static str, Value) {
    ("bash", json!({"command": command}))
}

pub fn agent(task: &str) -> (&'static str, Value) {
    ("agent", json!({"task": task}))
}

pub fn failed(status: u16, words: &str) -> Reply {
    What::Failed(status, words.into(), Some(0)).into()
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn wire(&self) -> Option<Wire> {
        Wire::of(&self.path)
    }

    /// All of the request as one text, the head too.
    pub fn whole(&self) -> String {
        format!("{} {:?} {}", self.path, self.headers, self.body)
    }

    pub fn model(&self) -> String {
        match self.body["model"].as_str() {
            Some(model) => model.to_string(),
            None => {
                let rest = self.path.split("/models/").nth(1).unwrap_or_default();
                rest.split(':').next().unwrap_or_default().to_string()
            }
        }
    }

    /// What the user said last, or the task of a sub-agent.
    pub fn said(&self) -> String {
        wire::said(self).pop().unwrap_or_default()
    }

    /// The results of calls, in order.
    pub fn results(&self) -> Vec<String> {
        wire::results(self)
    }

    /// The longest reply that it wants, in tokens.
    pub fn longest(&self) -> Option<u64> {
        wire::longest(self, self.wire()?)
    }

    /// Whether it wants a summary of the conversation.
    pub fn is_summary(&self) -> bool {
        self.body
            .to_string()
            .contains("Everything above will be replaced by the notes")
    }
}

/// From a request to its reply; the second is how many were answered before.
type Answer = dyn Fn(&Asked, usize) -> Reply + Send + Sync;

#[derive(Clone)]
pub struct Provider {
    /// Without a path.
    pub url: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    kept: Mutex<Kept>,
    changed: Condvar,
}

#[derive(Default)]
struct Kept {
    /// Those for a reply.
    asked: Vec<Asked>,
    /// Those about models.
    listings: Vec<Asked>,
    billed: Vec<(String, Count)>,
    let_go: usize,
}

impl Provider {
    pub fn new(answer: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
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

    /// Repeats what was said.
    pub fn echo() -> Provider {
        Provider::new(|asked, _| says(format!("Heard: {}.", asked.said())))
    }

    /// One that calls a tool for what it is asked, and then tells the result.
    pub fn worker() -> Provider {
        Provider::new(|asked, _| match asked.results().pop() {
            None => calls(&[bash("echo from-the-tool")]),
            Some(result) => says(format!("The tool said {}", result.trim())),
        })
    }

    /// An OpenAI-compatible base URL.
    pub fn v1(&self) -> String {
        format!("{}/v1", self.url)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.state.kept.lock().unwrap()
    }

    /// The requests for replies so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.kept().asked.clone()
    }

    /// All requests so far.
    pub fn all(&self) -> Vec<Asked> {
        let kept = self.kept();
        kept.asked.iter().chain(&kept.listings).cloned().collect()
    }

    /// What was billed, by model.
    pub fn billed(&self) -> Vec<(String, Count)> {
        self.kept().billed.clone()
    }

    /// Waits until so many requests for replies have come.
    #[track_caller]
    pub fn comes(&self, count: usize) {
        let kept = self.kept();
        let waited = self
            .state
            .changed
            .wait_timeout_while(kept, PATIENCE, |kept| kept.asked.len() < count);
        let got = waited.unwrap().0.asked.len();
        assert!(got >= count, "only {got} requests came");
    }

    /// Lets one reply go that is held, or the next that will be.
    pub fn let_go(&self) {
        self.kept().let_go += 1;
        self.state.changed.notify_all();
    }
}

/// The base URL of a port where nobody listens.
pub fn dead() -> String {
    // A port that was free a moment ago may be another test's by now.
    "http://127.0.0.1:1".to_string()
}

fn serve(mut connection: TcpStream, state: &State, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(connection.try_clone().ok()?);
    loop {
        let asked = hear(&mut reader)?;
        let Some(wire) = asked.wire() else {
            state.kept.lock().unwrap().listings.push(asked.clone());
            whole(&mut connection, 200, "", &listing(&asked))?;
            continue;
        };
        let mut kept = state.kept.lock().unwrap();
        let before = kept.asked.len();
        kept.asked.push(asked.clone());
        drop(kept);
        state.changed.notify_all();
        let reply = answer(&asked, before);
        if reply.held {
            let kept = state.kept.lock().unwrap();
            let waited = state.changed.wait_while(kept, |kept| kept.let_go == 0);
            waited.unwrap().let_go -= 1;
        }
        let count = reply
            .count
            .unwrap_or_else(|| honest(&asked, wire, &reply.what));
        if !matches!(reply.what, What::Failed(..) | What::Silent) {
            let mut kept = state.kept.lock().unwrap();
            kept.billed.push((asked.model(), count));
        }
        say(&mut connection, wire, reply.what, count)?;
    }
}

fn hear(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|read| *read > 0)?;
    let (mut headers, mut line) = (Vec::new(), String::new());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_lowercase(), value.trim().to_string()));
        line.clear();
    }
    let mut asked = Asked {
        path: first.split(' ').nth(1)?.to_string(),
        headers,
        body: Value::Null,
    };
    let length = asked.header("content-length").unwrap_or("0");
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    asked.body = serde_json::from_slice(&body).unwrap_or_default();
    Some(asked)
}

/// What an honest provider counts: a quarter of the bytes, and no longer reply than was asked for.
fn honest(asked: &Asked, wire: Wire, what: &What) -> Count {
    let bytes = match what {
        What::Says(text) | What::Cut(text) | What::Stalled(text) => text.len(),
        What::Calls(text, calls) => text.len() + json!(calls).to_string().len(),
        What::Slow(pieces, _) => pieces.concat().len(),
        What::Failed(..) | What::Silent => 0,
    };
    let most = wire::longest(asked, wire).unwrap_or(u64::MAX);
    Count {
        prompt: asked.body.to_string().len() as u64 / 4,
        cached: 0,
        completion: (bytes as u64 / 4 + 1).min(most),
    }
}

fn say(connection: &mut TcpStream, wire: Wire, what: What, count: Count) -> Option<()> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {}\r\ntransfer-encoding: chunked\r\n\r\n",
        wire.media_type()
    );
    let mut pieces = match what {
        What::Failed(status, words, after) => {
            let after = after.map(|after| format!("retry-after: {after}\r\n"));
            let body = json!({"error": {"message": words}});
            return whole(connection, status, &after.unwrap_or_default(), &body);
        }
        What::Silent => {
            // Until the other side has had enough of it.
            let _ = connection.read(&mut [0]);
            return None;
        }
        What::Says(text) => wire.reply(&[&text], &[], count),
        What::Calls(text, calls) => wire.reply(&[&text], &calls, count),
        What::Slow(texts, pause) => {
            write!(connection, "{head}").ok()?;
            for piece in wire.reply(&texts, &[], count) {
                std::thread::sleep(pause);
                chunk(connection, &piece)?;
            }
            return write!(connection, "0\r\n\r\n").ok();
        }
        What::Cut(text) | What::Stalled(text) if text.is_empty() => {
            write!(connection, "{head}").ok()?;
            return None;
        }
        What::Cut(text) => {
            write!(connection, "{head}").ok()?;
            wire.begun(&text, count)
                .iter()
                .try_for_each(|piece| chunk(connection, piece))?;
            connection.shutdown(std::net::Shutdown::Both).ok()?;
            return None;
        }
        What::Stalled(text) => {
            write!(connection, "{head}").ok()?;
            wire.begun(&text, count)
                .iter()
                .try_for_each(|piece| chunk(connection, piece))?;
            let _ = connection.read(&mut [0]);
            return None;
        }
    };
    write!(connection, "{head}").ok()?;
    pieces
        .drain(..)
        .try_for_each(|piece| chunk(connection, &piece))?;
    write!(connection, "0\r\n\r\n").ok()
}

fn chunk(connection: &mut TcpStream, text: &str) -> Option<()> {
    write!(connection, "{:x}\r\n{text}\r\n", text.len()).ok()?;
    connection.flush().ok()
}

fn whole(connection: &mut TcpStream, status: u16, head: &str, body: &Value) -> Option<()> {
    let body = body.to_string();
    let length = body.len();
    write!(
        connection,
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{head}content-length: {length}\r\n\r\n{body}"
    )
    .ok()
}

/// What is told about models, in the form of whoever is asked.
fn listing(asked: &Asked) -> Value {
    let names = ["small-one", "claude-sonnet-5-5", "gpt-5.5"];
    match asked.path.as_str() {
        "/api/show" => json!({"model_info": {"qwen3.context_length": 24_576}}),
        "/api/tags" => json!({"models": names.map(|name| json!({"name": name}))}),
        path if path.starts_with("/v1beta/models") => {
            let model = |name| json!({"name": format!("models/{name}"), "inputTokenLimit": 50_000});
            json!({"models": names.map(model)})
        }
        _ => json!({"data": names.map(|name| json!({"id": name, "context_length": 50_000}))}),
    }
}
