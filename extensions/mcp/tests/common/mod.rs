//! The servers that tests speak to, and a client that gives them everything.
#![allow(dead_code, reason = "each test binary uses what it needs of this")]

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use corecoder_mcp::{Access, Client, Connection, News, OpenError, Server, Shepherd};
use serde_json::{Map, Value, json};

pub mod installed;

#[allow(unused_imports, reason = "each test binary uses what it needs of this")]
pub use installed::{has_python, npm, program, python};

/// A file beside the tests' servers.
pub fn beside(name: &str) -> String {
    format!("{}/tests/servers/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// One that is a process.
pub fn stdio(command: impl AsRef<Path>, args: &[&str]) -> Server {
    server(Access::Stdio {
        command: command.as_ref().display().to_string(),
        args: args.iter().map(|arg| arg.to_string()).collect(),
        env: BTreeMap::new(),
        cwd: None,
    })
}

/// Machines that test are busy ones, so it may take long to start.
pub fn server(access: Access) -> Server {
    Server {
        name: "tested".to_string(),
        access,
        allowed_tools: None,
        disabled: false,
        protocol: None,
        start_timeout: Duration::from_secs(90),
        call_timeout: Duration::from_secs(60),
        trusted: true,
    }
}

pub fn shepherd() -> Shepherd {
    Shepherd::at(env!("CARGO_BIN_EXE_corecoder-mcp-shepherd"))
}

/// A client that gives everything, and remembers.
#[derive(Default)]
pub struct Generous {
    pub roots: Vec<PathBuf>,
    pub asked: parking_lot::Mutex<Vec<Value>>,
    pub news: parking_lot::Mutex<Vec<News>>,
    /// How long it thinks about a question.
    pub thinks: Duration,
}

#[async_trait]
impl Client for Generous {
    fn roots(&self) -> Vec<PathBuf> {
        self.roots.clone()
    }

    fn elicits(&self) -> bool {
        true
    }

    async fn elicit(&self, _server: &str, params: Value) -> Value {
        self.asked.lock().push(params.clone());
        tokio::time::sleep(self.thinks).await;
        let properties = params["requestedSchema"]["properties"].as_object();
        let content: Map<String, Value> = properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| {
                (
                    name.clone(),
                    schema.get("default").cloned().unwrap_or(json!("Bo")),
                )
            })
            .collect();
        json!({"action": "accept", "content": content})
    }

    fn samples(&self) -> bool {
        true
    }

    async fn sample(&self, _server: &str, params: Value) -> Result<Value, String> {
        self.asked.lock().push(params);
        let content = json!({"type": "text", "text": "sampled"});
        Ok(json!({"role": "assistant", "content": content, "model": "scripted"}))
    }

    fn told(&self, _server: &str, news: News) {
        self.news.lock().push(news);
    }
}

impl Generous {
    /// Waits until such news was told.
    pub async fn heard(&self, is_it: impl Fn(&News) -> bool) -> News {
        for _ in 0..3000 {
            if let Some(news) = self.news.lock().iter().find(|news| is_it(news)) {
                return news.clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not told within 30 s; but {:?}", self.news.lock());
    }
}

pub async fn open(server: &Server) -> Connection {
    open_with(server, Arc::new(Generous::default())).await
}

pub async fn open_with(server: &Server, client: Arc<Generous>) -> Connection {
    let opened = Connection::open(server, client, &shepherd()).await;
    opened.unwrap_or_else(|error| panic!("{error}"))
}

/// Why it can't be opened.
pub async fn refused(server: &Server) -> OpenError {
    let client = Arc::new(Generous::default());
    let opened = Connection::open(server, client, &shepherd()).await;
    opened.err().expect("it is not to be opened")
}

/// Arguments of a call.
pub fn args(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

/// Calls a tool, and the texts of the result.
pub async fn text(connection: &Connection, tool: &str, arguments: Value) -> String {
    let result = connection.call(tool, args(arguments), &|_| {}).await;
    texts(&result.unwrap_or_else(|error| panic!("{tool}: {error}")))
}

pub fn texts(result: &Value) -> String {
    let blocks = result["content"].as_array().expect("content");
    let texts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect();
    texts.join("\n")
}

/// The names of what a list holds.
pub fn names(list: &[Value], key: &str) -> Vec<String> {
    let mut names: Vec<String> = list
        .iter()
        .map(|entry| entry[key].as_str().unwrap_or_default().to_string())
        .collect();
    names.sort();
    names
}

/// Whether there is such a process, and it is alive.
pub fn is_alive(pid: i32) -> bool {
    let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

/// Waits for it to be gone.
pub async fn gone(pid: i32) {
    for _ in 0..1000 {
        if !is_alive(pid) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("process {pid} is still there after 10 s");
}

/// A server that listens at a port, and is killed at the end.
pub struct Listening {
    process: Child,
    pub port: u16,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts it with a port that is free.
pub fn listening(prepare: impl FnOnce(u16) -> Command) -> Listening {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = port.unwrap().port();
    let mut command = prepare(port);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let process = command.stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(90), "no server");
        std::thread::sleep(Duration::from_millis(20));
    }
    Listening { process, port }
}

/// One of streamable HTTP on this machine.
pub fn http(port: u16, path: &str) -> Server {
    server(Access::Http {
        url: format!("http://127.0.0.1:{port}{path}"),
        headers: Default::default(),
    })
}

/// This process's memory, in KB.
pub fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field));
    line.unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap()
}
