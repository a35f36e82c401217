//! A model on the loopback: chat completions as server-sent events over HTTP/1.1, and a clock.
//!
//! It says what a script says for the n-th request, builds the reply before the clock of its end starts, and notes
//! what the figures are made of. It is no measure of correctness: any request that has a length is answered.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// A model on the loopback that says what a script says.
pub struct Server {
    pub url: String,
    log: Arc<Mutex<Log>>,
}

#[derive(Default)]
pub struct Log {
    pub exchanges: Vec<Exchange>,
    pub last_body: Vec<u8>,
}

/// One request and its reply.
pub struct Exchange {
    /// When the request's first byte was there.
    pub first: Instant,
    /// When its last byte was there.
    pub last: Instant,
    /// When the end of the reply was handed to the kernel.
    pub replied: Option<Instant>,
    pub bytes: usize,
}

pub enum Reply {
    Calls(Vec<(&'static str, Value)>),
    /// So many chunks of text, in so many writes.
    Text(usize, Writes),
}

#[derive(Clone, Copy)]
pub enum Writes {
    One,
    Each,
}

impl Server {
    /// The script gets the number of the request, counted from 0. The server ends with the process.
    pub fn start(
        script: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> anyhow::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let log = Arc::new(Mutex::default());
        let server = Server { url, log };
        let (log, script) = (server.log.clone(), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, script) = (log.clone(), script.clone());
                // A connection that breaks shows in the figures: the program asks again, one request too many.
                std::thread::spawn(move || serve(stream, &*script, &log));
            }
        });
        Ok(server)
    }

    pub fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(
    mut stream: TcpStream,
    script: &dyn Fn(usize) -> Reply,
    log: &Mutex<Log>,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone()?);
    while !reader.fill_buf()?.is_empty() {
        let first = Instant::now();
        let body = read_body(&mut reader)?;
        let last = Instant::now();
        let at = {
            let mut log = lock(log);
            log.exchanges.push(Exchange {
                first,
                last,
                replied: None,
                bytes: body.len(),
            });
            log.last_body = body;
            log.exchanges.len() - 1
        };
        let mut writes = script(at).writes();
        let end = writes.pop().context("a reply has an end")?;
        for piece in writes {
            stream.write_all(&piece)?;
        }
        // Noted before the write, in which the agent already wakes up: rather a little too long than too short.
        lock(log).exchanges[at].replied = Some(Instant::now());
        stream.write_all(&end)?;
    }
    Ok(())
}

fn read_body(reader: &mut impl BufRead) -> anyhow::Result<Vec<u8>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            bail!("the request ended in its head");
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.is_empty() {
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            return Ok(body);
        }
    }
}

impl Reply {
    /// The bytes of the response, one item for each write.
    fn writes(self) -> Vec<Vec<u8>> {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
        let (deltas, finish, writes) = match self {
            Reply::Text(count, writes) => {
                (vec![json!({"content": "word "}); count], "stop", writes)
            }
            Reply::Calls(calls) => {
                // Counted from 0 in each reply, as many servers do; a history then holds the same id many times.
                let calls = calls.iter().enumerate().map(|(at, (name, args))| {
                    json!({"index": at, "id": format!("call_{at}"), "type": "function",
                        "function": {"name": name, "arguments": args.to_string()}})
                });
                let delta = json!({"tool_calls": calls.collect::<Vec<Value>>()});
                (vec![delta], "tool_calls", Writes::One)
            }
        };
        let chunk = |delta: &Value, finish| {
            json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).to_string()
        };
        let mut pieces = vec![head.as_bytes().to_vec()];
        pieces.extend(deltas.iter().map(|delta| event(&chunk(delta, None))));
        pieces.push(event(&chunk(&json!({}), Some(finish))));
        pieces.push([event("[DONE]"), b"0\r\n\r\n".to_vec()].concat());
        match writes {
            Writes::Each => pieces,
            Writes::One => vec![pieces.concat()],
        }
    }
}

/// One server-sent event as one chunk of the response.
fn event(data: &str) -> Vec<u8> {
    let length = "data: \n\n".len() + data.len();
    format!("{length:x}\r\ndata: {data}\n\n\r\n").into_bytes()
}
