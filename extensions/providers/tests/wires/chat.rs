//! Chat completions with all that any row of the table wants otherwise.

use std::sync::Arc;

use corecoder::{Entry, Reply, Round};
use corecoder_providers::{Chat, Concession, Effort, Options, Row, Wire};
use serde_json::{Value, json};

use crate::{asked, azure, home};

fn row() -> Row {
    serde_json::from_value(json!({
        "short_ids": true, "blank_reasoning": true, "echo_reasoning": true, "session": "cache_key",
        "extra": {"safe_prompt": false}, "effort": {"high": {"thinking": {"type": "enabled"}}},
    }))
    .unwrap()
}

pub fn wire() -> Chat {
    Chat::of(Arc::new(row()), "https://llm.test/v1")
}

/// Fails if a server with all these wishes would refuse this request.
pub fn check(body: &Value) {
    azure::check(body);
    for message in body["messages"].as_array().unwrap() {
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        for id in calls.map(|call| &call["id"]) {
            assert!(message["reasoning_content"].is_string(), "{message}");
            let id = id.as_str().unwrap();
            let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(id.len() == 9 && is_plain, "{id}");
        }
    }
}

/// A conversation with thoughts in it, and everything that may be asked for beside it.
fn full() -> (Vec<Entry>, Options) {
    let mut reply = Reply {
        origin: "home".to_string(),
        ..Reply::calls([("read_file", json!({}))])
    };
    reply.echo.insert("reasoning".into(), json!("hm"));
    reply.echo.insert("reasoning_content".into(), json!("hm"));
    let round = Round::new(reply, |_, _| "ok".to_string());
    let options = Options {
        max_tokens: Some(9),
        temperature: Some(0.5),
        effort: Some(Effort::High),
        session: Some("s".to_string()),
        ..home("m")
    };
    (vec![Entry::User("Go".into()), Entry::Round(round)], options)
}

fn named(words: &str, body: &Value) -> Option<Concession> {
    let words = json!({"error": {"message": words}}).to_string();
    let error = wire().refusal(400, &Default::default(), &words);
    wire().concession(&error, body)
}

#[test]
fn what_the_row_adds_and_all_else_is_left_out_once_it_is_refused_by_name() {
    let (entries, mut options) = full();
    let names = [
        "cache_key",
        "safe_prompt",
        "thinking",
        "temperature",
        "max_tokens",
        "stream_options",
        "stream",
        "reasoning_content",
    ];
    for name in names {
        let body = asked(&wire(), &entries, &options).body;
        let is_sent = |body: &Value| body.to_string().contains(&format!("\"{name}\""));
        assert!(is_sent(&body), "{name}: {body}");
        let words = format!("`{name}` is not allowed: messages, tools");
        let concession = named(&words, &body);
        assert_eq!(concession, Some(Concession::Without(name.into())));
        assert!(options.refused.add(concession.unwrap()));
        let less = asked(&wire(), &entries, &options).body;
        assert!(!is_sent(&less), "{name}: {less}");
        assert_eq!(named(&words, &less), None, "{name} is not there any more");
    }
    let body = asked(&wire(), &entries, &options).body;
    let left: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        left,
        ["model", "messages", "tools", "max_completion_tokens"]
    );
    assert!(!body.to_string().contains("reasoning"), "{body}");
    let last = named("max_completion_tokens: unknown field", &body);
    assert_eq!(last, Some(Concession::Unlimited));
}

#[test]
fn of_several_names_in_a_refusal_the_one_that_is_meant_is_left_out() {
    let (entries, options) = full();
    let body = asked(&wire(), &entries, &options).body;
    for (words, name) in [
        (
            "'max_tokens' is not supported. Use 'max_completion_tokens' instead.",
            "max_tokens",
        ),
        (
            "stream_options is only allowed where stream is set",
            "stream_options",
        ),
        ("Streaming is not supported with this model", "stream"),
    ] {
        assert_eq!(named(words, &body), Some(Concession::Without(name.into())));
    }
}

#[test]
fn the_request_goes_where_the_base_url_says() {
    for (base, path) in [
        ("https://llm.test/v1", "/v1/chat/completions"),
        ("https://llm.test/v1/", "/v1/chat/completions"),
        ("https://llm.test", "/chat/completions"),
        (
            "http://127.0.0.1:8000/a/paas/v4",
            "/a/paas/v4/chat/completions",
        ),
    ] {
        let chat = Chat::of(Arc::new(row()), base);
        let sent = asked(&chat, &[Entry::User("Go".into())], &home("m"));
        assert_eq!(sent.path, path, "{base}");
    }
}
