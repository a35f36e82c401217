//! The program from outside: the real binary, a server on loopback, exit codes, streams and signals.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What the server answers to the n-th request.
type Answer = Box<dyn Fn(usize) -> String + Send + Sync>;

/// A provider on loopback that keeps the requests it got.
struct Provider {
    url: String,
    requests: Arc<Mutex<Vec<Value>>>,
    connections: Arc<AtomicUsize>,
    /// Says when a request has arrived.
    arrived: mpsc::Receiver<()>,
}

impl Provider {
    fn new(answer: Answer) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (sender, arrived) = mpsc::channel();
        let connections = Arc::new(AtomicUsize::new(0));
        let (kept, answer, count) = (requests.clone(), Arc::new(answer), connections.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                let (kept, answer, sender) = (kept.clone(), answer.clone(), sender.clone());
                std::thread::spawn(move || serve(connection, &kept, &answer, &sender));
            }
        });
        Provider {
            url,
            requests,
            connections,
            arrived,
        }
    }

    /// Says these things, one a request, and the last one ever after.
    fn saying(replies: Vec<Value>) -> Provider {
        Provider::new(Box::new(move |n| {
            stream(replies.get(n).unwrap_or_else(|| replies.last().unwrap()))
        }))
    }

    /// The text of all messages of the n-th request.
    fn request(&self, n: usize) -> String {
        self.requests.lock().unwrap()[n]["messages"].to_string()
    }
}

fn serve(
    connection: TcpStream,
    kept: &Mutex<Vec<Value>>,
    answer: &Answer,
    arrived: &mpsc::Sender<()>,
) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut connection = connection;
    loop {
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        if length == 0 {
            return;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let n = {
            let mut kept = kept.lock().unwrap();
            kept.push(serde_json::from_slice(&body).unwrap());
            kept.len() - 1
        };
        let _ = arrived.send(());
        let answer = answer(n);
        // No answer at all: the connection is closed.
        if answer.is_empty() || connection.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn http(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn stream(delta: &Value) -> String {
    let finish = if delta["tool_calls"].is_array() {
        "tool_calls"
    } else {
        "stop"
    };
    let chunk = json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    http(
        "200 OK",
        "text/event-stream",
        &format!("data: {chunk}\n\ndata: [DONE]\n\n"),
    )
}

fn says(text: &str) -> Value {
    json!({"content": text})
}

fn calls(name: &str, args: Value) -> Value {
    let function = json!({"name": name, "arguments": args.to_string()});
    json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": function}]})
}

/// The program in a folder of its own, with nothing of this machine's environment but the path.
fn corecoder(folder: &TempDir, url: Option<&str>, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_corecoder"));
    command
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        // What is tested here are questions and rules, which commands in a sandbox don't need.
        .env("CORECODER_SANDBOX", "off")
        .env("HOME", folder.path());
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null());
    if let Some(url) = url {
        command
            .env("OPENAI_API_KEY", "sk-test-1234")
            .env("OPENAI_BASE_URL", url);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn out(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn run(command: &mut Command) -> (i32, String, String) {
    out(&command.output().unwrap())
}

#[test]
fn what_is_wrong_before_the_start_exits_2_and_says_what_to_do() {
    let folder = folder();
    let url = Some("http://127.0.0.1:9/v1");
    /// The provider, the arguments, the variables, and what is said.
    type Row<'a> = (
        Option<&'a str>,
        &'a [&'a str],
        &'a [(&'a str, &'a str)],
        &'a str,
    );
    let rows: [Row<'_>; 6] = [
        (None, &["-p", "hi"], &[], "export OPENAI_API_KEY"),
        (url, &["-p", ""], &[], "the prompt is empty"),
        (url, &["-p", "hi", "--nonsense"], &[], "--nonsense"),
        (
            url,
            &["-p", "hi"],
            &[("CORECODER_MAX_TOKENS", "many")],
            "CORECODER_MAX_TOKENS must be a number above 0, not \"many\"",
        ),
        (
            url,
            &["-p", "hi"],
            &[("CORECODER_TEMPERATURE", "3")],
            "from 0 to 2",
        ),
        (
            url,
            &["-p", "hi", "--base-url", "nonsense"],
            &[],
            "the base URL \"nonsense\" is not valid",
        ),
    ];
    for (url, args, variables, expected) in rows {
        let (code, stdout, stderr) =
            run(corecoder(&folder, url, args).envs(variables.iter().copied()));
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
}

#[test]
fn the_answer_is_on_standard_output_and_progress_on_standard_error() {
    let folder = folder();
    std::fs::write(folder.path().join("a.txt"), "needle").unwrap();
    let provider = Provider::saying(vec![
        calls("read_file", json!({"file_path": "a.txt"})),
        says("It says needle."),
    ]);
    let (code, stdout, stderr) = run(&mut corecoder(
        &folder,
        Some(&provider.url),
        &["-p", "read a.txt"],
    ));
    assert_eq!(
        (code, stdout.as_str()),
        (0, "It says needle.\n"),
        "{stderr}"
    );
    assert!(stderr.contains("✓ read_file a.txt"), "{stderr}");
    assert!(
        provider.request(1).contains("needle"),
        "the model got the result"
    );
}

#[test]
fn piped_input_is_appended_to_the_prompt() {
    let folder = folder();
    let provider = Provider::saying(vec![says("ok")]);
    let mut child = corecoder(&folder, Some(&provider.url), &["-p", "review this"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"diff --git a b\n")
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        provider
            .request(0)
            .contains("review this\\n\\ndiff --git a b"),
        "{}",
        provider.request(0)
    );
}

#[test]
fn writes_need_yes_and_the_model_reads_why() {
    let script = || {
        vec![
            calls("write_file", json!({"file_path": "new", "content": "x"})),
            says("ok"),
        ]
    };
    let (folder, provider) = (folder(), Provider::saying(script()));
    run(&mut corecoder(
        &folder,
        Some(&provider.url),
        &["-p", "write"],
    ));
    assert!(!folder.path().join("new").exists());
    assert!(
        provider.request(1).contains("started without --yes"),
        "{}",
        provider.request(1)
    );
    let provider = Provider::saying(script());
    run(&mut corecoder(
        &folder,
        Some(&provider.url),
        &["-p", "write", "--yes"],
    ));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("new")).unwrap(),
        "x"
    );
}

#[test]
fn a_command_that_only_reads_needs_no_yes_and_a_slip_is_refused_in_spite_of_it() {
    let folder = folder();
    let provider = Provider::saying(vec![
        calls("bash", json!({"command": "echo a | wc -c"})),
        says("ok"),
    ]);
    run(&mut corecoder(
        &folder,
        Some(&provider.url),
        &["-p", "count"],
    ));
    assert!(
        provider.request(1).contains("\"content\":\"2\""),
        "{}",
        provider.request(1)
    );
    let provider = Provider::saying(vec![
        calls("bash", json!({"command": "rm -rf \"$HOME\""})),
        says("ok"),
    ]);
    run(&mut corecoder(
        &folder,
        Some(&provider.url),
        &["-p", "clean", "--yes"],
    ));
    assert!(
        folder.path().exists() && provider.request(1).contains("Error: "),
        "{}",
        provider.request(1)
    );
}

#[test]
fn one_connection_serves_all_rounds() {
    let folder = folder();
    let read = |n: usize| calls("glob", json!({"pattern": n.to_string()}));
    let provider = Provider::saying((0..5).map(read).chain([says("ok")]).collect());
    run(&mut corecoder(&folder, Some(&provider.url), &["-p", "hi"]));
    assert_eq!(provider.requests.lock().unwrap().len(), 6);
    assert_eq!(provider.connections.load(Ordering::SeqCst), 1);
}

#[test]
fn a_kept_connection_that_the_server_closed_is_no_failure() {
    let folder = folder();
    let provider = Provider::new(Box::new(|n| match n {
        0 => stream(&calls("glob", json!({"pattern": "x"}))),
        1 => String::new(),
        _ => stream(&says("here")),
    }));
    let (code, stdout, stderr) = run(&mut corecoder(&folder, Some(&provider.url), &["-p", "hi"]));
    assert_eq!((code, stdout.as_str()), (0, "here\n"), "{stderr}");
    assert!(!stderr.contains("trying again"), "{stderr}");
}

#[test]
fn a_proxy_from_the_environment_is_used() {
    let (folder, provider) = (folder(), Provider::saying(vec![says("through the proxy")]));
    let mut command = corecoder(&folder, Some("http://provider.invalid/v1"), &["-p", "hi"]);
    let (code, stdout, stderr) =
        run(command.env("http_proxy", provider.url.trim_end_matches("/v1")));
    assert_eq!(
        (code, stdout.as_str()),
        (0, "through the proxy\n"),
        "{stderr}"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let (folder, provider) = (
        folder(),
        Provider::saying(vec![says(&"long ".repeat(100_000))]),
    );
    let mut child = corecoder(&folder, Some(&provider.url), &["-p", "hi"])
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let (code, _, stderr) = out(&child.wait_with_output().unwrap());
    assert_eq!((code, stderr.as_str()), (0, ""));
}

#[test]
fn failures_have_their_exit_codes() {
    let folder = folder();
    let prompt = ["-p", "hi"];
    let refusing = Provider::new(Box::new(|_| {
        http(
            "401 Unauthorized",
            "application/json",
            r#"{"error":{"message":"bad key sk-test-1234"}}"#,
        )
    }));
    let (code, _, stderr) = run(&mut corecoder(&folder, Some(&refusing.url), &prompt));
    assert_eq!(code, 1, "{stderr}");
    assert!(
        stderr.contains("401") && stderr.contains("bad key [key]"),
        "{stderr}"
    );
    let (code, _, stderr) = run(&mut corecoder(
        &folder,
        Some("http://127.0.0.1:9/v1"),
        &prompt,
    ));
    assert_eq!(code, 75, "{stderr}");
    assert!(stderr.contains("gave up after 3 tries"), "{stderr}");
    let tireless = Provider::new(Box::new(|n| {
        stream(&calls("glob", json!({"pattern": n.to_string()})))
    }));
    let (code, _, stderr) = run(&mut corecoder(&folder, Some(&tireless.url), &prompt));
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("stopped after 50 rounds"), "{stderr}");
}

/// Sends a signal while a command of the agent sleeps; returns the exit code and whether the command is gone.
fn signalled(signal: &str, seconds: &str) -> (i32, bool) {
    let (folder, command) = (folder(), format!("sleep {seconds}"));
    let provider = Provider::saying(vec![
        calls(
            "bash",
            json!({"command": format!("echo $$ >pid; exec {command}")}),
        ),
        says("ok"),
    ]);
    let mut child: Child = corecoder(&folder, Some(&provider.url), &["-p", "sleep", "--yes"])
        .spawn()
        .unwrap();
    provider.arrived.recv().unwrap();
    let pid = loop {
        match std::fs::read_to_string(folder.path().join("pid")) {
            Ok(pid) if pid.ends_with('\n') => break pid.trim().to_string(),
            _ => std::thread::yield_now(),
        }
    };
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    let code = child.wait().unwrap().code().unwrap_or(-1);
    // A killed process takes a moment to go.
    let lives = || std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty());
    let until = Instant::now() + Duration::from_secs(5);
    while lives() && Instant::now() < until {
        std::thread::yield_now();
    }
    (code, !lives())
}

#[test]
fn signals_end_the_program_and_its_commands() {
    assert_eq!(signalled("-INT", "41.1"), (130, true));
    assert_eq!(signalled("-TERM", "41.2"), (143, true));
    assert_eq!(signalled("-HUP", "41.3"), (129, true));
}

#[test]
fn a_dotenv_file_fills_in_and_never_overrides() {
    let folder = folder();
    let provider = Provider::saying(vec![says("ok")]);
    let dotenv = format!(
        "OPENAI_API_KEY=sk-file\nOPENAI_BASE_URL={}\nCORECODER_MODEL=from-file\n",
        provider.url
    );
    std::fs::write(folder.path().join(".env"), dotenv).unwrap();
    let sub = folder.path().join("sub");
    std::fs::create_dir(&sub).unwrap();
    run(corecoder(&folder, None, &["-p", "hi"]).current_dir(&sub));
    run(corecoder(&folder, None, &["-p", "hi"])
        .current_dir(&sub)
        .env("CORECODER_MODEL", "from-environment"));
    let models: Vec<Value> = provider
        .requests
        .lock()
        .unwrap()
        .iter()
        .map(|request| request["model"].clone())
        .collect();
    assert_eq!(models, ["from-file", "from-environment"]);
}

#[test]
fn a_project_can_not_send_the_users_key_to_a_server_of_its_choice() {
    let (home, project) = (folder(), folder());
    let check = |dotenv: &str, key: &str, expected: i32| {
        std::fs::write(project.path().join(".env"), dotenv).unwrap();
        let mut command = corecoder(&home, None, &["-p", "hi"]);
        let (code, _, stderr) = run(command
            .current_dir(project.path())
            .env("OPENAI_API_KEY", key));
        assert_eq!(code, expected, "{dotenv}: {stderr}");
        stderr
    };
    let stderr = check(
        "OPENAI_BASE_URL=https://elsewhere.invalid/v1\n",
        "sk-mine-1234",
        2,
    );
    assert!(
        stderr.contains("the API key comes from somewhere else"),
        "{stderr}"
    );
    // Both in one file, or a server on this machine: nothing of the user's leaves it.
    check(
        "OPENAI_BASE_URL=http://127.0.0.1:9/v1\n",
        "sk-mine-1234",
        75,
    );
    // With a key of its own the conversation would go there: that needs trust.
    let stderr = check(
        "OPENAI_BASE_URL=https://elsewhere.invalid/v1\nCORECODER_API_KEY=theirs\n",
        "sk-mine-1234",
        2,
    );
    assert!(stderr.contains("start with --trust"), "{stderr}");
    let stderr = check("CORECODER_API_KEY=abc def \"x\n", "", 2);
    assert!(stderr.contains(".env"), "{stderr}");
}

#[test]
fn the_demo_fixes_its_bug_without_key_or_network() {
    let folder = folder();
    let (code, stdout, stderr) =
        run(corecoder(&folder, None, &["demo"]).env("TMPDIR", folder.path()));
    assert_eq!(code, 0, "{stderr}");
    for part in [
        "FAILED: two numbers",
        "3 - sum=1",
        "3 + sum=0",
        "ok: no numbers",
        "The folder is kept",
    ] {
        assert!(stdout.contains(part), "{part}: {stdout}");
    }
}
