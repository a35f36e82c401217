//! Connections to real servers.

mod common;

use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::*;
use corecoder_mcp::{Access, CallError, Connection, News, OpenError, Server};
use parking_lot::Mutex;
use serde_json::{Value, json};

fn everything(npm: &Path, kind: &str) -> Listening {
    listening(|port| {
        let mut command = Command::new(program(npm, "mcp-server-everything"));
        command.arg(kind).env("PORT", port.to_string());
        command
    })
}

/// All that `everything` has, over whichever transport.
async fn gives_everything(connection: &Connection, client: &Generous) {
    assert_eq!(connection.revision(), "2025-11-25");
    assert!(connection.name_and_version().contains("everything"));
    assert!(connection.instructions().is_some());
    for capability in ["tools", "resources", "prompts", "completions", "logging"] {
        assert!(connection.has(capability), "{capability}");
    }
    assert!(!connection.has("nonsense"));
    has_grown(connection).await;
    calls(connection).await;
    lists(connection).await;
    let roots = text(connection, "get-roots-list", json!({})).await;
    assert!(roots.contains("file:///tmp"), "{roots}");
    let arguments = json!({"prompt": "hi", "maxTokens": 10});
    let sampled = text(connection, "trigger-sampling-request", arguments).await;
    assert!(sampled.contains("sampled"), "{sampled}");
    let elicited = text(connection, "trigger-elicitation-request", json!({})).await;
    assert!(elicited.contains("provided"), "{elicited}");
    assert_eq!(client.asked.lock().len(), 2);
}

/// It adds tools when it knows what we can. Over HTTP it may tell so before there is a stream for it, and then nobody hears.
async fn has_grown(connection: &Connection) {
    let began = Instant::now();
    loop {
        let tools = connection.tools().await.unwrap();
        if tools.len() == 17 {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(30),
            "{:?}",
            names(&tools, "name")
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn calls(connection: &Connection) {
    let echo = text(connection, "echo", json!({"message": "hi"})).await;
    assert_eq!(echo, "Echo: hi");
    let image = connection.call("get-tiny-image", args(json!({})), &|_| {});
    assert_eq!(image.await.unwrap()["content"][1]["mimeType"], "image/png");
    let place = args(json!({"location": "New York"}));
    let weather = connection.call("get-structured-content", place, &|_| {});
    assert!(weather.await.unwrap()["structuredContent"].is_object());
    let wrong = connection.call("get-sum", args(json!({"a": "x"})), &|_| {});
    assert_eq!(wrong.await.unwrap()["isError"], true);
    let heard = Mutex::new(Vec::new());
    let arguments = args(json!({"duration": 1, "steps": 4}));
    let long = connection
        .call("trigger-long-running-operation", arguments, &|words| {
            heard.lock().push(words.to_string())
        })
        .await;
    assert!(texts(&long.unwrap()).contains("completed"));
    let heard = heard.into_inner();
    assert!(heard.contains(&"2 of 4".to_string()), "{heard:?}");
}

async fn lists(connection: &Connection) {
    let resources = connection.resources().await.unwrap();
    assert_eq!(resources.len(), 7);
    let uri = resources[0]["uri"].as_str().unwrap();
    let read = connection.read(uri).await.unwrap();
    assert!(read["contents"][0]["text"].is_string());
    let templates = connection.templates().await.unwrap();
    assert_eq!(templates.len(), 2);
    let prompts = connection.prompts().await.unwrap();
    assert_eq!(prompts.len(), 4);
    let arguments = args(json!({"city": "Oslo"}));
    let prompt = connection.prompt("args-prompt", arguments).await.unwrap();
    assert!(prompt.to_string().contains("Oslo"));
    let found = connection.complete_prompt("completable-prompt", "department", "E");
    assert_eq!(found.await, ["Engineering"]);
    let missing = connection.read("demo://nothing").await;
    assert!(
        matches!(missing, Err(CallError::Refused { .. })),
        "{missing:?}"
    );
}

fn with_root() -> Arc<Generous> {
    Arc::new(Generous {
        roots: vec!["/tmp".into()],
        ..Generous::default()
    })
}

#[tokio::test]
async fn everything_over_stdio_gives_all_it_has() {
    let Some(npm) = npm() else { return };
    let client = with_root();
    let server = stdio(program(&npm, "mcp-server-everything"), &[]);
    let connection = open_with(&server, client.clone()).await;
    gives_everything(&connection, &client).await;
    assert!(
        connection.errors().contains("Starting"),
        "{}",
        connection.errors()
    );
    connection.close().await;
    assert!(connection.is_closed());
    let after = connection.call("echo", args(json!({})), &|_| {}).await;
    assert!(matches!(after, Err(CallError::Closed(_))), "{after:?}");
}

#[tokio::test]
async fn everything_over_streamable_http_gives_all_it_has() {
    let Some(npm) = npm() else { return };
    let listening = everything(&npm, "streamableHttp");
    let client = with_root();
    let connection = open_with(&http(listening.port, "/mcp"), client.clone()).await;
    gives_everything(&connection, &client).await;
    connection.close().await;
    assert!(connection.is_closed());
}

#[tokio::test]
async fn a_server_of_2024_is_found_behind_a_url_of_unknown_kind() {
    let Some(npm) = npm() else { return };
    let listening = everything(&npm, "sse");
    let client = with_root();
    let connection = open_with(&http(listening.port, "/sse"), client.clone()).await;
    gives_everything(&connection, &client).await;
    drop(listening);
    let closed = client.heard(|news| matches!(news, News::Closed(_))).await;
    assert!(
        format!("{closed:?}").contains("stream of events"),
        "{closed:?}"
    );
    assert!(connection.is_closed());
}

#[tokio::test]
async fn each_old_revision_is_spoken_when_the_settings_name_it() {
    let Some(npm) = npm() else { return };
    for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut server = stdio(program(&npm, "mcp-server-everything"), &[]);
        server.protocol = Some(revision.to_string());
        let connection = open(&server).await;
        assert_eq!(connection.revision(), revision);
        let echo = text(&connection, "echo", json!({"message": "hi"})).await;
        assert_eq!(echo, "Echo: hi");
        connection.close().await;
    }
}

#[tokio::test]
async fn filesystem_keeps_to_the_roots_it_is_told() {
    let Some(npm) = npm() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    std::fs::write(folder.join("a.txt"), "inside").unwrap();
    let client = Arc::new(Generous {
        roots: vec![folder.clone()],
        ..Generous::default()
    });
    let server = stdio(program(&npm, "mcp-server-filesystem"), &["/usr"]);
    let connection = open_with(&server, client).await;
    assert_eq!(connection.tools().await.unwrap().len(), 14);
    let file = |path: &Path| json!({"path": path});
    // It asks for the roots after the handshake, and nothing says when it has them.
    let began = Instant::now();
    let mut read = String::new();
    while !read.contains("inside") && began.elapsed() < Duration::from_secs(20) {
        read = text(&connection, "read_text_file", file(&folder.join("a.txt"))).await;
    }
    assert_eq!(read, "inside");
    let denied = connection.call("read_text_file", args(file(Path::new("/usr/x"))), &|_| {});
    assert_eq!(denied.await.unwrap()["isError"], true);
    assert!(!connection.has("prompts"));
    let prompts = connection.prompts().await;
    assert!(
        matches!(prompts, Err(CallError::Refused { code: -32601, .. })),
        "{prompts:?}"
    );
}

#[tokio::test]
async fn memory_remembers() {
    let Some(npm) = npm() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut server = stdio(program(&npm, "mcp-server-memory"), &[]);
    if let Access::Stdio { env, .. } = &mut server.access {
        let file = folder.path().join("memory.jsonl");
        env.insert("MEMORY_FILE_PATH".into(), file.display().to_string());
    }
    let entity = json!({"name": "Bo", "entityType": "person", "observations": ["reads"]});
    let connection = open(&server).await;
    text(
        &connection,
        "create_entities",
        json!({"entities": [entity]}),
    )
    .await;
    connection.close().await;
    let connection = open(&server).await;
    let graph = text(&connection, "read_graph", json!({})).await;
    assert!(graph.contains("reads"), "{graph}");
}

#[tokio::test]
async fn git_is_spoken_to_in_the_new_way() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let init = Command::new("git")
        .args(["init", "-q"])
        .arg(folder.path())
        .status();
    assert!(init.unwrap().success());
    std::fs::write(folder.path().join("new.txt"), "x").unwrap();
    let connection = open(&stdio(python.join("mcp-server-git"), &[])).await;
    assert_eq!(connection.revision(), "2026-07-28");
    assert_eq!(connection.tools().await.unwrap().len(), 12);
    let status = text(
        &connection,
        "git_status",
        json!({"repo_path": folder.path()}),
    )
    .await;
    assert!(status.contains("new.txt"), "{status}");
    assert_eq!(connection.prompts().await.unwrap(), Vec::<Value>::new());
}

fn fast(python: &Path) -> Server {
    stdio(python.join("python"), &[&beside("fast.py")])
}

/// What our own server has in both eras.
async fn is_ours(connection: &Connection) {
    assert_eq!(connection.name_and_version(), "ours 1.2.3");
    assert_eq!(connection.instructions(), Some("for tests"));
    let sum = connection.call("add", args(json!({"a": 1, "b": 2})), &|_| {});
    assert_eq!(sum.await.unwrap()["structuredContent"]["result"], 3);
    let failed = connection.call("fail", args(json!({})), &|_| {}).await;
    assert_eq!(failed.unwrap()["isError"], true);
    let heard = Mutex::new(Vec::new());
    let hear = |words: &str| heard.lock().push(words.to_string());
    let slow = connection.call("slow", args(json!({"steps": 3})), &hear);
    assert_eq!(texts(&slow.await.unwrap()), "done");
    let heard = heard.lock().clone();
    assert!(heard.contains(&"2 of 3: indexing".to_string()), "{heard:?}");
    let big = text(connection, "big", json!({"characters": 10 << 20})).await;
    assert_eq!(big.len(), 10 << 20);
    let read = connection.read("data://x").await.unwrap();
    assert_eq!(read["contents"][0]["text"], "x");
    let prompt = connection
        .prompt("review", args(json!({"code": "c"})))
        .await;
    assert!(prompt.unwrap().to_string().contains("review c"));
}

async fn is_told(connection: &Connection, client: &Generous) {
    text(connection, "log", json!({"text": "beware"})).await;
    let log = |news: &News| matches!(news, News::Log { text, .. } if text.contains("beware"));
    client.heard(log).await;
}

#[tokio::test]
async fn fastmcp_speaks_the_new_way_and_asks_back() {
    let Some(python) = python() else { return };
    let client = Arc::new(Generous::default());
    let connection = open_with(&fast(&python), client.clone()).await;
    assert_eq!(connection.revision(), "2026-07-28");
    is_ours(&connection).await;
    is_told(&connection, &client).await;
    let who = text(&connection, "who", json!({})).await;
    assert!(who.contains("Bo"), "{who}");
    assert_eq!(client.asked.lock().len(), 1);
}

#[tokio::test]
async fn fastmcp_asks_while_it_works_when_the_settings_name_an_old_revision() {
    let Some(python) = python() else { return };
    let client = Arc::new(Generous::default());
    let mut server = fast(&python);
    server.protocol = Some("2025-11-25".to_string());
    let connection = open_with(&server, client.clone()).await;
    assert_eq!(connection.revision(), "2025-11-25");
    is_ours(&connection).await;
    is_told(&connection, &client).await;
    let asked = text(&connection, "ask", json!({})).await;
    assert!(asked.contains("Bo"), "{asked}");
}

#[tokio::test]
async fn fastmcp_over_http_speaks_both_ways() {
    let Some(python) = python() else { return };
    let listening = listening(|port| {
        let mut command = Command::new(python.join("python"));
        command
            .arg(beside("fast.py"))
            .args(["http", &port.to_string()]);
        command
    });
    let client = Arc::new(Generous::default());
    let mut server = http(listening.port, "/mcp");
    let connection = open_with(&server, client.clone()).await;
    assert_eq!(connection.revision(), "2026-07-28");
    is_ours(&connection).await;
    is_told(&connection, &client).await;
    let who = text(&connection, "who", json!({})).await;
    assert!(who.contains("Bo"), "{who}");
    connection.close().await;
    server.protocol = Some("2025-06-18".to_string());
    let connection = open_with(&server, client.clone()).await;
    assert_eq!(connection.revision(), "2025-06-18");
    is_ours(&connection).await;
    let asked = text(&connection, "ask", json!({})).await;
    assert!(asked.contains("Bo"), "{asked}");
}

/// Over both transports and in both eras.
#[tokio::test]
async fn a_tool_that_is_added_is_news() {
    let Some(python) = python() else { return };
    let file = beside("growing.py");
    for protocol in [None, Some("2025-11-25".to_string())] {
        let listening = listening(|port| {
            let mut command = Command::new(python.join("python"));
            command.args([&file, &port.to_string()]);
            command
        });
        let process = stdio(python.join("python"), &[&file]);
        for mut server in [process, http(listening.port, "/mcp")] {
            server.protocol = protocol.clone();
            let client = Arc::new(Generous::default());
            let connection = open_with(&server, client.clone()).await;
            assert_eq!(connection.tools().await.unwrap().len(), 1);
            text(&connection, "grow", json!({})).await;
            let heard = client.heard(|news| *news == News::ToolsChanged);
            let place = format!("{} {:?}", connection.revision(), server.access);
            let heard = tokio::time::timeout(Duration::from_secs(20), heard).await;
            assert!(heard.is_ok(), "{place}");
            assert_eq!(connection.tools().await.unwrap().len(), 2);
        }
    }
}

/// Over both transports and in both eras: in the new one, over HTTP, by closing the stream.
#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_the_server() {
    let Some(python) = python() else { return };
    let listening = listening(|port| {
        let mut command = Command::new(python.join("python"));
        command
            .arg(beside("fast.py"))
            .args(["http", &port.to_string()]);
        command
    });
    for protocol in [None, Some("2025-11-25".to_string())] {
        for mut server in [fast(&python), http(listening.port, "/mcp")] {
            server.protocol = protocol.clone();
            let connection = open(&server).await;
            let before = text(&connection, "cancelled", json!({})).await;
            let silent = connection.call("silent", args(json!({"seconds": 1000})), &|_| {});
            let patience = Duration::from_millis(500);
            assert!(tokio::time::timeout(patience, silent).await.is_err());
            let began = Instant::now();
            while text(&connection, "cancelled", json!({})).await == before {
                let place = format!("{} {:?}", connection.revision(), server.access);
                assert!(began.elapsed() < Duration::from_secs(20), "{place}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_dies_fails_its_calls_at_once_with_its_last_words() {
    let Some(python) = python() else { return };
    let client = Arc::new(Generous::default());
    let connection = open_with(&fast(&python), client.clone()).await;
    let silent = connection.call("silent", args(json!({"seconds": 50})), &|_| {});
    let die = connection.call("die", args(json!({})), &|_| {});
    let (silent, die) = tokio::join!(silent, die);
    for result in [silent, die] {
        let Err(CallError::Closed(why)) = result else {
            panic!("{result:?}");
        };
        assert!(why.contains("exited with status 3"), "{why}");
        assert!(why.contains("about to die"), "{why}");
    }
    client.heard(|news| matches!(news, News::Closed(_))).await;
    assert!(connection.is_closed());
}

#[tokio::test]
async fn keys_in_the_environment_are_not_passed_on() {
    let Some(python) = python() else { return };
    let mut server = fast(&python);
    if let Access::Stdio { env, .. } = &mut server.access {
        env.insert("WANTED_TOKEN".into(), "x".into());
    }
    let connection = open(&server).await;
    let names = text(&connection, "environment", json!({})).await;
    assert!(names.lines().any(|name| name == "WANTED_TOKEN"), "{names}");
    assert!(names.lines().any(|name| name == "PATH"), "{names}");
}

#[tokio::test]
async fn what_a_server_left_behind_ends_with_the_connection() {
    let Some(python) = python() else { return };
    let connection = open(&fast(&python)).await;
    let pid = text(&connection, "leave", json!({})).await.parse().unwrap();
    assert!(is_alive(pid));
    connection.close().await;
    assert!(!is_alive(pid));
    let connection = open(&fast(&python)).await;
    let pid = text(&connection, "leave", json!({})).await.parse().unwrap();
    drop(connection);
    gone(pid).await;
}

#[tokio::test]
async fn what_can_not_be_started_says_what_to_do() {
    let missing = refused(&stdio("no-such-program", &[])).await;
    assert!(matches!(missing, OpenError::NotFound { .. }), "{missing:?}");
    assert!(
        missing
            .to_string()
            .contains("no-such-program was not found")
    );
    assert!(missing.to_string().contains("PATH"));
    for line in ["npx -y some-server", "/usr/bin/env x"] {
        let line = refused(&stdio(line, &[])).await;
        assert!(line.to_string().contains("\"args\""), "{line}");
    }
    let exits = refused(&stdio("sh", &["-c", "echo why >&2; exit 4"])).await;
    assert_eq!(
        exits.to_string(),
        "the server exited with status 4; the last it wrote to stderr:\nwhy"
    );
    let mut silent = stdio("sleep", &["100"]);
    silent.start_timeout = Duration::from_millis(300);
    let silent = refused(&silent).await;
    assert!(matches!(silent, OpenError::TimedOut { .. }), "{silent:?}");
    let mut nowhere = stdio("sh", &[]);
    if let Access::Stdio { cwd, .. } = &mut nowhere.access {
        *cwd = Some("/no/such/folder".into());
    }
    assert!(matches!(refused(&nowhere).await, OpenError::Setting(_)));
    let unreachable = refused(&http(1, "/mcp")).await;
    assert!(
        matches!(unreachable, OpenError::Unreachable(_)),
        "{unreachable:?}"
    );
}

/// Answers every request with this.
fn answering(status: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4096];
            let _ = stream.read(&mut bytes);
            let response =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            let _ = std::io::Write::write_all(&mut stream, response.as_bytes());
        }
    });
    port
}

#[tokio::test]
async fn a_server_that_wants_a_key_is_answered_with_the_fix() {
    for status in [
        "401 Unauthorized",
        "403 Forbidden",
        "401 Unauthorized\r\nWWW-Authenticate: Bearer realm=\"x\"",
        "403 Forbidden\r\nWWW-Authenticate: Bearer scope=\"x\"",
    ] {
        let port = answering(status);
        let sse = server(Access::Sse {
            url: format!("http://127.0.0.1:{port}/sse"),
            headers: Default::default(),
        });
        for server in [http(port, "/mcp?key=hidden"), sse] {
            let error = refused(&server).await;
            assert!(matches!(error, OpenError::Unauthorized(_)), "{error:?}");
            let words = error.to_string();
            assert!(
                words.contains("\"Authorization\": \"Bearer ${TOKEN}\""),
                "{words}"
            );
            assert!(words.contains("OAuth"), "{words}");
            assert!(!words.contains("hidden"), "{words}");
        }
    }
}
