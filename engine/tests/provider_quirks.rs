//! What providers really send, served on loopback byte for byte, and what the client must make of it.
//!
//! A file in `data/provider_quirks` holds `exchanges`, which are answered in order, and what is to be `expect`ed.
//! An exchange with `if_has` or `if_true` is skipped when the request lacks that key, one with `repeat` is never
//! used up, and when all are used the server says `FINAL`. `drive` is `chat` for one reply whose calls are not
//! run, or `agent` for the whole loop. `split: every` sends one byte per write, `drip_ms` sends the first
//! `drip_lines` events at that pace; `framing` and `close` break the connection.
//!
//! Whatever a fixture says, each history that is sent back has unique ids, arguments that are a JSON object in a
//! string, and one tool message per call, in order.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bstr::ByteSlice;
use corecoder::{
    Agent, AgentError, Approval, Delta, Effect, ErrorKind, Event, Host, Llm, Model, ModelError,
    Reply, Request, ToolCall,
};
use futures::StreamExt;
use serde_json::{Value, json};

const KEY: &str = "sk-test-SECRET-123";

#[test]
fn every_recorded_provider_response_is_read_as_its_fixture_says() {
    let fixtures = fixtures();
    assert!(!fixtures.is_empty(), "there are no fixtures");
    // Most of the time is spent in waits that providers ask for, so all of them wait at once.
    let faults: Vec<String> = thread::scope(|scope| {
        let run = |(name, fixture)| scope.spawn(move || (name, faults(fixture)));
        let runs: Vec<_> = fixtures
            .iter()
            .map(|(name, fixture)| run((name, fixture)))
            .collect();
        let results = runs
            .into_iter()
            .map(|run| run.join().expect("a fixture can be run"));
        results
            .flat_map(|(name, faults)| {
                faults
                    .into_iter()
                    .map(move |fault| format!("{name}: {fault}"))
            })
            .collect()
    });
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
}

#[test]
fn a_request_with_a_limit_is_never_sent_without_it() {
    let refusing = |name: &str| {
        let words = format!("{{\"error\": {{\"message\": \"Unsupported parameter: '{name}'\"}}}}");
        json!({"status": 400, "headers": {}, "body": words, "if_has": name, "repeat": true})
    };
    let names = ["max_tokens", "max_completion_tokens"];
    let server = Server::start(names.map(refusing).to_vec());
    let llm = Llm::new("m", KEY, Some(&server.url)).expect("a loopback URL is a URL");
    let llm = llm.max_tokens(Some(4096));
    let ask = |max_tokens| {
        let request = Request {
            max_tokens,
            ..Request::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let deltas: Vec<_> = runtime
            .expect("a runtime")
            .block_on(llm.stream(request).collect());
        deltas.into_iter().last().expect("a stream has an end")
    };
    for _ in 0..2 {
        let error = ask(Some(100)).expect_err("nothing but a limit is taken");
        assert_eq!(error.kind, ErrorKind::Limit, "{error}");
        assert!(error.message.contains("takes no limit"), "{error}");
    }
    let limits = |(_, body): &(Instant, Value)| names.map(|name| body[name].as_u64());
    let sent = server.requests.lock().expect("the server's list").clone();
    let sent: Vec<_> = sent.iter().map(limits).collect();
    assert_eq!(sent, [[Some(100), None], [None, Some(100)]]);
    // The model's own limit is a wish.
    assert!(matches!(ask(None), Ok(Delta::Done(reply)) if reply.text == "FINAL"));
}

fn fixtures() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/provider_quirks");
    let files = std::fs::read_dir(folder).expect("the folder of fixtures");
    let mut fixtures: Vec<(String, Value)> = files
        .map(|file| {
            let file = file.expect("a fixture").path();
            let name = file
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read(&file).expect("a readable fixture");
            let fixture = serde_json::from_slice(&text);
            (
                name.clone(),
                fixture.unwrap_or_else(|error| panic!("{name}: {error}")),
            )
        })
        .collect();
    fixtures.sort_by(|a, b| a.0.cmp(&b.0));
    fixtures
}

/// Serves one fixture, asks the client, and says what is wrong with the outcome.
fn faults(fixture: &Value) -> Vec<String> {
    let server = Server::start(list(&fixture["exchanges"]).to_vec());
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["a", "b", "c"] {
        let file = folder.path().join(name).with_extension("txt");
        std::fs::write(file, format!("{name}\n")).expect("a file to read");
    }
    let expect = expanded(&fixture["expect"]);
    let limit = Duration::from_secs_f64(expect["max_seconds"].as_f64().unwrap_or(45.0));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let answer = runtime.expect("a runtime").block_on(async {
        let ask = ask(&server.url, fixture["drive"] == "agent", folder.path());
        tokio::time::timeout(limit, ask).await
    });
    let requests = server.requests.lock().expect("the server's list").clone();
    let Ok((reply, error)) = answer else {
        return vec![format!(
            "still running after {limit:?}, {} requests",
            requests.len()
        )];
    };
    let outcome = Outcome {
        reply,
        error,
        requests,
        folder: folder.path(),
    };
    let rules = expect.as_object().into_iter().flatten();
    let mut faults: Vec<String> = rules
        .filter_map(|(rule, want)| outcome.fault(rule, want))
        .collect();
    faults.extend(
        outcome
            .requests
            .iter()
            .flat_map(|(_, body)| history_faults(body)),
    );
    faults
}

async fn ask(url: &str, whole_loop: bool, folder: &Path) -> (Reply, Option<ModelError>) {
    let llm = Llm::new("m", KEY, Some(url)).expect("a loopback URL is a URL");
    let watcher = Arc::new(Watcher {
        last: Mutex::default(),
        approves: whole_loop,
    });
    let mut agent = Agent::new(llm.max_tokens(Some(4096)).temperature(Some(0.0)))
        .host(watcher.clone())
        .rounds(if whole_loop { 50 } else { 1 })
        .folder(folder);
    let result = agent.chat("go").await;
    let last = watcher.last.lock().expect("the watcher's reply").take();
    match (result, last) {
        (Err(AgentError::Model(error)), _) => (Reply::default(), Some(error)),
        (Err(error), None) => (
            Reply::default(),
            Some(ModelError::new(ErrorKind::Other, error.to_string())),
        ),
        (_, reply) => (reply.unwrap_or_default(), None),
    }
}

/// Keeps the newest reply; where only that is wanted, no call is run.
struct Watcher {
    last: Mutex<Option<Reply>>,
    approves: bool,
}

#[async_trait]
impl Host for Watcher {
    fn event(&self, _who: &str, event: &Event<'_>) {
        if let Event::Replied(reply) = event {
            *self.last.lock().expect("the watcher's reply") = Some((*reply).clone());
        }
    }

    async fn approve(&self, _who: &str, _call: &ToolCall, _effect: Effect) -> Approval {
        match self.approves {
            true => Approval::Yes,
            false => Approval::No("only the reply is wanted".to_string()),
        }
    }
}

/// What came of a fixture.
struct Outcome<'a> {
    reply: Reply,
    error: Option<ModelError>,
    /// When each request came, and its body; null if that was not JSON.
    requests: Vec<(Instant, Value)>,
    folder: &'a Path,
}

impl Outcome<'_> {
    /// Holds the outcome against one line of `expect`.
    fn fault(&self, rule: &str, want: &Value) -> Option<String> {
        let text = self.reply.text.as_str();
        let error = self
            .error
            .as_ref()
            .map(|error| error.message.as_str())
            .unwrap_or_default();
        let wanted = want.as_str().unwrap_or_default();
        let number = want.as_f64().unwrap_or(f64::NAN);
        let count = self.requests.len() as f64;
        let (holds, got) = match rule {
            "optional" | "max_seconds" => return None,
            "outcome" => ((want == "error") == self.error.is_some(), json!(error)),
            "error_any" => (has_any(want, &error.to_lowercase()), json!(error)),
            "error_none" => (
                !has_any(want, &format!("{error}{text}").to_lowercase()),
                json!(error),
            ),
            "error_kind" => {
                let kind = self.error.as_ref().map(|error| match error.kind {
                    ErrorKind::ContextTooLong => "context_length".to_string(),
                    other => format!("{other:?}"),
                });
                (json!(kind) == *want, json!(kind))
            }
            "text" => (text == wanted, json!(text)),
            "text_strip" => (text.trim() == wanted, json!(text)),
            "text_contains" => (text.contains(wanted), json!(text)),
            "must_start" => (text.starts_with(wanted), json!(text)),
            "reasoning" => (self.reply.reasoning == wanted, json!(self.reply.reasoning)),
            "finish_reason" => (self.reply.finish == wanted, json!(self.reply.finish)),
            "usage" => {
                let usage = self.reply.usage.unwrap_or_default();
                let got = json!({"prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached});
                let mut counts = want.as_object().into_iter().flatten();
                (counts.all(|(name, count)| got[name] == *count), got)
            }
            "tool_calls" => {
                let got = self.reply.calls.iter().map(|call| {
                    let args = call.args.clone().unwrap_or_else(Value::String);
                    json!({"id": call.id, "name": call.name, "arguments": args})
                });
                let got: Vec<Value> = got.collect();
                (same_calls(list(want), &got), json!(got))
            }
            "sent_arguments" => {
                let got: Vec<Value> = self
                    .sent_calls()
                    .map(|call| call["function"]["arguments"].clone())
                    .collect();
                (json!(got) == *want, json!(got))
            }
            "tool_message_contains" => {
                let said = self.tool_messages();
                let all = list(want).iter().all(|part| has_any(&json!([part]), &said));
                (all, json!(said))
            }
            "tool_message_any" => (
                has_any(want, &self.tool_messages()),
                json!(self.tool_messages()),
            ),
            "assistant_content_contains" => {
                let said: Vec<&Value> = self
                    .last_messages("assistant")
                    .map(|message| &message["content"])
                    .collect();
                (
                    said.iter().any(|said| said.to_string().contains(wanted)),
                    json!(said),
                )
            }
            "request_contains" => {
                return list(want).iter().find_map(|wish| self.request_fault(wish));
            }
            "requests" => (count == number, json!(count)),
            "requests_min" => (count >= number, json!(count)),
            "requests_max" => (count <= number, json!(count)),
            "min_wait" => (self.first_wait() >= number, json!(self.first_wait())),
            "max_wait" => (self.first_wait() <= number, json!(self.first_wait())),
            "file_absent" => (
                !self.folder.join(wanted).exists(),
                json!("the file was written"),
            ),
            // A rule that no one reads would pass whatever the client does.
            _ => (false, json!("no one judges this rule")),
        };
        let short = |value: &Value| value.to_string().chars().take(300).collect::<String>();
        (!holds).then(|| format!("{rule}: want {}, got {}", short(want), short(&got)))
    }

    fn last_messages(&self, role: &'static str) -> impl Iterator<Item = &Value> {
        let messages = self
            .requests
            .last()
            .map_or(&[][..], |(_, body)| list(&body["messages"]));
        messages
            .iter()
            .filter(move |message| message["role"] == role)
    }

    fn sent_calls(&self) -> impl Iterator<Item = &Value> {
        self.last_messages("assistant")
            .flat_map(|message| list(&message["tool_calls"]))
    }

    fn tool_messages(&self) -> String {
        let said: Vec<String> = self
            .last_messages("tool")
            .map(|message| message["content"].to_string())
            .collect();
        said.join(" ").to_lowercase()
    }

    /// Requests are counted from 1, or from -1 at the end.
    fn request_fault(&self, wish: &Value) -> Option<String> {
        let number = wish["request"].as_i64().unwrap_or(0);
        let at = if number < 0 {
            self.requests.len() as i64 + number
        } else {
            number - 1
        };
        let body = usize::try_from(at)
            .ok()
            .and_then(|at| self.requests.get(at));
        let got = body.map_or(&Value::Null, |(_, body)| {
            dig(body, wish["path"].as_str().unwrap_or_default())
        });
        let wrong = wish.get("equals").is_some_and(|want| want != got)
            || (wish["absent"] == true && !got.is_null());
        wrong.then(|| format!("request_contains: want {wish}, got {got}"))
    }

    /// Seconds between the first two requests.
    fn first_wait(&self) -> f64 {
        match &self.requests[..] {
            [(first, _), (second, _), ..] => (*second - *first).as_secs_f64(),
            _ => 0.0,
        }
    }
}

/// Whether `text`, which is in lower case, holds any of these phrases.
fn has_any(phrases: &Value, text: &str) -> bool {
    let mut phrases = list(phrases).iter().filter_map(Value::as_str);
    phrases.any(|phrase| text.contains(&phrase.to_lowercase()))
}

/// The id `*` stands for any that is not empty and not another call's.
fn same_calls(want: &[Value], got: &[Value]) -> bool {
    let ids: HashSet<&str> = got.iter().filter_map(|call| call["id"].as_str()).collect();
    let same = |(want, got): (&Value, &Value)| {
        (want["id"] == "*" || want["id"] == got["id"])
            && want["name"] == got["name"]
            && want["arguments"] == got["arguments"]
    };
    want.len() == got.len()
        && ids.len() == got.len()
        && !ids.contains("")
        && want.iter().zip(got).all(same)
}

/// The value at a path of keys and positions; `@assistant` is the last message of the assistant.
fn dig<'a>(body: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(body, |value, step| {
        let found = match (step, step.parse::<usize>()) {
            ("@assistant", _) => list(value)
                .iter()
                .rfind(|message| message["role"] == "assistant"),
            (_, Ok(at)) if value.is_array() => value.get(at),
            _ => value.get(step),
        };
        found.unwrap_or(&Value::Null)
    })
}

/// What no server could accept in the history that a request sends back.
fn history_faults(body: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if body.is_null() {
        faults.push("a request's body is not JSON".to_string());
    }
    let (mut taken, mut open) = (HashSet::new(), Vec::new());
    for message in list(&body["messages"]) {
        if message["role"] == "tool" {
            if open.is_empty() || open.remove(0) != message["tool_call_id"] {
                faults.push(format!(
                    "a tool message answers no call, or out of order: {message}"
                ));
            }
            continue;
        }
        if !open.is_empty() {
            faults.push(format!("calls without an answer: {open:?}"));
        }
        let calls = list(&message["tool_calls"]);
        open = calls.iter().map(|call| call["id"].clone()).collect();
        for call in calls {
            let id = call["id"].as_str().unwrap_or_default();
            if id.is_empty() || !taken.insert(id) {
                faults.push(format!("an id that is empty or not unique: {call}"));
            }
            let args = call["function"]["arguments"].as_str().unwrap_or_default();
            if !serde_json::from_str(args).is_ok_and(|args: Value| args.is_object()) {
                faults.push(format!(
                    "arguments that are no JSON object in a string: {call}"
                ));
            }
        }
    }
    if !open.is_empty() {
        faults.push(format!("calls without an answer: {open:?}"));
    }
    faults
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Replaces each `{"repeat": TEXT, "times": N}` by the long text that it stands for.
fn expanded(value: &Value) -> Value {
    match value {
        Value::Object(fields) => match (value["repeat"].as_str(), value["times"].as_u64()) {
            (Some(text), Some(times)) => json!(text.repeat(times as usize)),
            _ => fields
                .iter()
                .map(|(key, field)| (key.clone(), expanded(field)))
                .collect(),
        },
        Value::Array(list) => list.iter().map(expanded).collect(),
        other => other.clone(),
    }
}

/// One fixture's server. Its threads wait for connections that never come, and end with the process.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Server {
    fn start(exchanges: Vec<Value>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let url = format!("http://{}/v1", listener.local_addr().expect("its address"));
        let requests = Arc::default();
        let desk = Arc::new(Desk {
            todo: Mutex::new(exchanges),
            requests: Arc::clone(&requests),
        });
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let desk = desk.clone();
                // A client that hangs up is no fault of the server; what the client makes of it is judged.
                thread::spawn(move || desk.serve(connection).ok());
            }
        });
        Server { url, requests }
    }
}

struct Desk {
    todo: Mutex<Vec<Value>>,
    requests: Arc<Mutex<Vec<(Instant, Value)>>>,
}

impl Desk {
    fn serve(&self, mut connection: TcpStream) -> io::Result<()> {
        connection.set_nodelay(true)?;
        let mut reader = BufReader::new(connection.try_clone()?);
        while let Some(body) = read_request(&mut reader)? {
            let exchange = self.pick(&serde_json::from_slice(&body).unwrap_or_default());
            if !reply(&mut connection, &exchange)? {
                break;
            }
        }
        Ok(())
    }

    fn pick(&self, request: &Value) -> Value {
        self.requests
            .lock()
            .expect("the server's list")
            .push((Instant::now(), request.clone()));
        let mut todo = self.todo.lock().expect("the server's exchanges");
        let fits = |exchange: &Value| {
            let has = exchange["if_has"]
                .as_str()
                .is_none_or(|key| request.get(key).is_some());
            let is_true = exchange["if_true"]
                .as_str()
                .is_none_or(|key| request[key] == true);
            has && is_true
        };
        let Some(at) = todo.iter().position(fits) else {
            let last =
                json!({"choices": [{"delta": {"content": "FINAL"}, "finish_reason": "stop"}]});
            return json!({
                "status": 200, "headers": {"content-type": "text/event-stream"},
                "body": format!("data: {last}\n\ndata: [DONE]\n\n"),
            });
        };
        let exchange = todo[at].clone();
        if exchange["repeat"] != true {
            todo.drain(..=at);
        }
        exchange
    }
}

/// The next request's body; `None` when the client has closed the connection.
fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let (mut line, mut length) = (String::new(), 0);
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

/// Sends one response. False if the connection must be closed after it.
fn reply(connection: &mut TcpStream, exchange: &Value) -> io::Result<bool> {
    let (close, framing) = (
        exchange["close"].as_str(),
        exchange["framing"].as_str().unwrap_or("chunked"),
    );
    if close == Some("no_response") {
        return Ok(false);
    }
    let body = body(exchange);
    let mut head = format!("HTTP/1.1 {} X\r\n", exchange["status"]);
    for (name, value) in exchange["headers"].as_object().into_iter().flatten() {
        head += &format!("{name}: {}\r\n", header(value.as_str().unwrap_or_default()));
    }
    head += &match framing {
        "chunked" => "transfer-encoding: chunked\r\n\r\n".to_string(),
        "length_plus_100" => format!("content-length: {}\r\n\r\n", body.len() + 100),
        _ => "connection: close\r\n\r\n".to_string(),
    };
    connection.write_all(head.as_bytes())?;
    let pace = exchange["drip_ms"].as_u64().map(Duration::from_millis);
    for part in parts(exchange, &body) {
        match framing {
            "chunked" => {
                let head = format!("{:x}\r\n", part.len());
                connection.write_all(&[head.as_bytes(), &part, b"\r\n"].concat())?;
            }
            _ => connection.write_all(&part)?,
        }
        // The slowness of this server is what its fixture is about; nothing waits for anything here.
        pace.into_iter().for_each(thread::sleep);
    }
    if matches!(close, Some("reset" | "reset_after_body")) {
        // Lingering for no time makes the close that follows a reset.
        rustix::net::sockopt::set_socket_linger(&*connection, Some(Duration::ZERO))?;
        return Ok(false);
    }
    if framing == "chunked" {
        connection.write_all(b"0\r\n\r\n")?;
    }
    Ok(framing == "chunked")
}

fn body(exchange: &Value) -> Vec<u8> {
    if let Some(encoded) = exchange["body_b64"].as_str() {
        return STANDARD.decode(encoded).expect("base64");
    }
    let parts = match exchange.get("body_parts") {
        Some(parts) => expanded(parts),
        None => json!([exchange["body"]]),
    };
    let parts: Vec<&str> = list(&parts).iter().filter_map(Value::as_str).collect();
    parts.concat().into_bytes()
}

/// `{{HTTP_DATE+N}}` is the moment N seconds from now.
fn header(value: &str) -> String {
    let seconds = value
        .strip_prefix("{{HTTP_DATE+")
        .and_then(|rest| rest.strip_suffix("}}"));
    match seconds.and_then(|seconds| seconds.parse().ok()) {
        Some(seconds) => httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(seconds)),
        None => value.to_string(),
    }
}

/// The writes in which the body goes out.
fn parts(exchange: &Value, body: &[u8]) -> Vec<Vec<u8>> {
    if exchange["split"] == "every" {
        return body.chunks(1).map(<[u8]>::to_vec).collect();
    }
    let Some(dripped) = exchange["drip_lines"].as_u64() else {
        return body.chunks(16384).map(<[u8]>::to_vec).collect();
    };
    let (mut events, mut parts) = (body, Vec::new());
    while parts.len() < dripped as usize {
        let Some(end) = events.find(b"\n\n") else {
            break;
        };
        parts.push(events[..end + 2].to_vec());
        events = &events[end + 2..];
    }
    // An empty chunk would end a chunked body.
    parts.extend((!events.is_empty()).then(|| events.to_vec()));
    parts
}
