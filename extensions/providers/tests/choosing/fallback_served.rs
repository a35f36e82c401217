//! A chain of models behind real servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use corecoder::{ErrorKind, Llm, Model};
use corecoder_providers::Fallback;
use serde_json::json;

use crate::fallback::ask;
use crate::run;
use crate::server::{Answer, nobody, serve};

const KEY: &str = "sk-a-key-of-this-test";

fn llm(name: &str, url: &str) -> Arc<dyn Model> {
    Arc::new(Llm::new(name, KEY, Some(url)).unwrap())
}

/// A model whose server always answers so.
fn served(name: &str, answer: Answer) -> Arc<dyn Model> {
    let (url, _) = serve(move |_| answer.clone());
    llm(name, &url)
}

fn dead(name: &str) -> Arc<dyn Model> {
    llm(name, &format!("http://127.0.0.1:{}", nobody()))
}

fn cut() -> Answer {
    let chunk = json!({"choices": [{"delta": {"content": "half a sen"}}]});
    Answer {
        cut: true,
        ..Answer::new(200, format!("data: {chunk}\n\n"))
    }
}

#[test]
fn whatever_a_server_does_the_next_one_answers() {
    let error = |status: u16, message: &str| {
        Answer::new(status, json!({"error": {"message": message}}).to_string())
    };
    for (what, main) in [
        ("dead port", dead("main")),
        ("503", served("main", error(503, "overloaded"))),
        ("529", served("main", error(529, "overloaded"))),
        ("cut after text", served("main", cut())),
        (
            "no credit",
            served("main", error(402, "insufficient credits")),
        ),
        (
            "unknown model",
            served("main", error(404, "The model `main` does not exist")),
        ),
        (
            "unknown model, DeepSeek",
            served("main", error(400, "Model Not Exist")),
        ),
        (
            "long rate limit",
            served(
                "main",
                Answer {
                    head: "retry-after: 30\r\n".into(),
                    ..error(429, "slow down")
                },
            ),
        ),
        (
            "HTML",
            served("main", Answer::new(502, "<html>Bad gateway</html>")),
        ),
    ] {
        let chain = Fallback::new(vec![main, served("other", Answer::said("hello"))]);
        let began = Instant::now();
        let heard = run(ask(&chain));
        let reply = heard
            .result
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            (heard.text.as_str(), reply.model.as_str()),
            ("hello", "other"),
            "{what}"
        );
        assert_eq!(heard.restarts.len(), 1, "{what}: {:?}", heard.restarts);
        assert!(heard.restarts[0].starts_with("other: "), "{what}");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{what}: no patience with it"
        );
        assert!(run(ask(&chain)).restarts.is_empty(), "{what}: it stays");
    }
}

#[test]
fn a_wrong_key_of_the_main_model_is_seen_and_that_of_a_fallback_passed_over() {
    let wrong = || {
        Answer::new(
            401,
            format!("{{\"error\": {{\"message\": \"wrong key {KEY}\"}}}}"),
        )
    };
    let chain = Fallback::new(vec![
        served("main", wrong()),
        served("other", Answer::said("hello")),
    ]);
    let error = run(ask(&chain)).result.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Authentication);
    assert!(!error.message.contains(KEY));
    let chain = Fallback::new(vec![
        dead("main"),
        served("one", wrong()),
        served("two", Answer::said("hello")),
    ]);
    assert_eq!(run(ask(&chain)).result.unwrap().model, "two");
}

#[test]
fn when_all_servers_are_dead_the_error_says_so_of_each() {
    let chain = Fallback::new(vec![dead("main"), dead("other")]);
    let heard = run(ask(&chain));
    let message = heard.result.unwrap_err().message;
    for words in [
        "no model answers",
        "main: no reply from 127.0.0.1",
        "other: no reply from 127.0.0.1",
        "gave up after 3 tries",
    ] {
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_server_that_comes_back_is_used_again() {
    let (url, requests) = serve(|_| Answer::said("main again"));
    let port = url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let first = std::sync::atomic::AtomicBool::new(true);
    let (front, _) = serve(
        move |_| match first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Answer::new(503, "down"),
            false => Answer {
                head: format!("location: http://127.0.0.1:{port}/chat/completions\r\n"),
                ..Answer::new(307, "")
            },
        },
    );
    let chain = Fallback::new(vec![
        llm("main", &front),
        served("other", Answer::said("hello")),
    ])
    .again(Duration::ZERO);
    run(async {
        assert_eq!(ask(&chain).await.text, "hello");
        let heard = ask(&chain).await;
        assert_eq!((heard.text.as_str(), chain.name()), ("main again", "main"));
        assert_eq!(heard.restarts, ["main: main answers again"]);
    });
    assert!(
        requests
            .recv()
            .unwrap()
            .starts_with("POST /chat/completions")
    );
}

/// A reply that calls `write_file`, whole or cut off before its end.
fn writes(file: &str, cut: bool) -> Answer {
    let args = json!({"file_path": file, "content": "x"}).to_string();
    let call =
        json!({"index": 0, "id": "c", "function": {"name": "write_file", "arguments": args}});
    let finish = if cut {
        json!(null)
    } else {
        json!("tool_calls")
    };
    let chunk = json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": finish}]});
    let end = if cut { "" } else { "data: [DONE]\n\n" };
    Answer {
        cut,
        ..Answer::new(200, format!("data: {chunk}\n\n{end}"))
    }
}

#[test]
fn a_call_of_a_reply_that_died_is_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let turn = std::sync::atomic::AtomicU32::new(0);
    let (other, requests) =
        serve(
            move |_| match turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 => writes("theirs.txt", false),
                _ => Answer::said("done"),
            },
        );
    let chain = Fallback::new(vec![
        served("main", writes("dead.txt", true)),
        llm("other", &other),
    ]);
    let mut agent = corecoder::Agent::new(chain).folder(folder.path());
    assert_eq!(run(agent.chat("write it")).unwrap(), "done");
    let files: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["theirs.txt"]);
    let asked: Vec<String> = requests.try_iter().collect();
    assert!(asked.len() == 2 && asked.iter().all(|request| !request.contains("dead.txt")));
}
