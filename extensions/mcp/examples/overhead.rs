//! What a call costs over the server's own time: `overhead COMMAND ARGS…`, or `overhead URL` for streamable HTTP.
//!
//! A loop that writes a request and reads a line is the measure. It takes turns with a [`Connection`] to the same program (over
//! HTTP, to the same process), so that both meet the same machine. The server must have a tool `echo` that takes a `message`.

use std::env;
use std::error::Error;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use corecoder_mcp::{Access, Client, Connection, Server, Shepherd};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const TURNS: usize = 40;
const CALLS: usize = 50;

struct Nobody;

impl Client for Nobody {}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let shepherd = Shepherd::enter();
    let words: Vec<String> = env::args().skip(1).collect();
    let (command, args) = words.split_first().ok_or("which server?")?;
    let connection = Connection::open(&server(command, args), Arc::new(Nobody), &shepherd).await?;
    let mut raw = match command.starts_with("http") {
        true => Raw::reach(command).await?,
        false => Raw::start(command, args).await?,
    };
    let (mut plain, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for _ in 0..CALLS {
            let began = Instant::now();
            raw.ask(
                "tools/call",
                json!({"name": "echo", "arguments": {"message": "hi"}}),
            )
            .await?;
            plain.push(began.elapsed());
        }
        for _ in 0..CALLS {
            let arguments = json!({"message": "hi"});
            let arguments = arguments.as_object().cloned().unwrap_or_default();
            let began = Instant::now();
            connection.call("echo", arguments, &|_| {}).await?;
            ours.push(began.elapsed());
        }
    }
    report("raw loop", &mut plain);
    report("connection", &mut ours);
    let middle = plain.len() / 2;
    let over = ours[middle].as_secs_f64() - plain[middle].as_secs_f64();
    println!("difference of the medians: {:.3} ms", over * 1e3);
    connection.close().await;
    Ok(())
}

/// In a revision that the raw loop speaks too.
fn server(command: &str, args: &[String]) -> Server {
    let access = match command.starts_with("http") {
        true => Access::Http {
            url: command.to_string(),
            headers: Default::default(),
        },
        false => Access::Stdio {
            command: command.to_string(),
            args: args.to_vec(),
            env: Default::default(),
            cwd: None,
        },
    };
    Server {
        name: "measured".to_string(),
        access,
        allowed_tools: None,
        disabled: false,
        protocol: Some("2025-11-25".to_string()),
        start_timeout: Duration::from_secs(60),
        call_timeout: Duration::from_secs(60),
        trusted: true,
    }
}

fn report(what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |part: f64| times[(times.len() as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{what}: median {:.3} ms, 95 % {:.3} ms", at(0.5), at(0.95));
}

/// The least that a client can be.
enum Raw {
    Process(ChildStdin, BufReader<ChildStdout>, u64),
    Place(reqwest::Client, String, String, u64),
}

impl Raw {
    async fn start(command: &str, args: &[String]) -> Result<Raw> {
        let mut child = Command::new(command)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdin = child.stdin.take().ok_or("no input")?;
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut raw = Raw::Process(stdin, BufReader::new(stdout), 0);
        raw.shake_hands().await?;
        Ok(raw)
    }

    async fn reach(url: &str) -> Result<Raw> {
        let client = corecoder::http::client(
            "",
            reqwest::redirect::Policy::none(),
            corecoder::http::Timeouts::default(),
        )?;
        let mut raw = Raw::Place(client, url.to_string(), String::new(), 0);
        raw.shake_hands().await?;
        Ok(raw)
    }

    async fn shake_hands(&mut self) -> Result<()> {
        let me = json!({"name": "raw", "version": "1"});
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me});
        self.ask("initialize", params).await?;
        let told = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        match self {
            Raw::Process(stdin, ..) => stdin.write_all(format!("{told}\n").as_bytes()).await?,
            Raw::Place(client, url, session, _) => {
                post(client, url, session, &told).send().await?;
            }
        }
        Ok(())
    }

    /// Asks, and reads up to the answer.
    async fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        match self {
            Raw::Process(stdin, stdout, id) => {
                *id += 1;
                let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
                stdin.write_all(format!("{line}\n").as_bytes()).await?;
                loop {
                    let mut line = String::new();
                    stdout.read_line(&mut line).await?;
                    let answer: Value = serde_json::from_str(&line)?;
                    if answer["id"] == *id {
                        return Ok(answer);
                    }
                }
            }
            Raw::Place(client, url, session, id) => {
                *id += 1;
                let body = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
                let response = post(client, url, session, &body).send().await?;
                if let Some(new) = response.headers().get("mcp-session-id") {
                    *session = new.to_str()?.to_string();
                }
                let text = response.text().await?;
                let mut data = text.lines().filter_map(|line| line.strip_prefix("data: "));
                let answer = data.next_back().unwrap_or(&text);
                Ok(serde_json::from_str(answer)?)
            }
        }
    }
}

fn post(
    client: &reqwest::Client,
    url: &str,
    session: &str,
    body: &Value,
) -> reqwest::RequestBuilder {
    let request = client
        .post(url)
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2025-11-25")
        .json(body);
    match session.is_empty() {
        true => request,
        false => request.header("mcp-session-id", session),
    }
}
