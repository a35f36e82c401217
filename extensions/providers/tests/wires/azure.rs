//! Azure's rules beside those of chat completions.

use corecoder::Entry;
use corecoder_providers::{Azure, Concession, Effort, Options, Wire};
use serde_json::{Value, json};

use crate::{asked, home};

/// Fails if Azure would refuse this request.
pub fn check(body: &Value) {
    let mut wanted: Vec<&Value> = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        if message["role"] == "tool" {
            let at = wanted.iter().position(|id| **id == message["tool_call_id"]);
            wanted.remove(at.expect("a result follows its call"));
            continue;
        }
        assert!(wanted.is_empty(), "calls without results: {wanted:?}");
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        wanted.extend(calls.map(|call| &call["id"]));
        assert!(
            message["content"].is_string() || message["content"].is_array() || !wanted.is_empty()
        );
    }
    assert!(wanted.is_empty(), "calls without results: {wanted:?}");
}

/// Tools, then each message.
pub fn pieces(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().unwrap();
    let pieces = [&body["tools"]].into_iter().chain(messages);
    pieces.map(Value::to_string).collect()
}

#[test]
fn the_deployment_stands_in_the_body_or_in_the_path() {
    let entries = [Entry::User("Go".into())];
    let new = asked(&Azure::default(), &entries, &home("my deployment"));
    assert_eq!(new.path, "/openai/v1/chat/completions");
    assert_eq!(new.body["model"], "my deployment");
    let dated = asked(
        &Azure::default().version("2024-10-21"),
        &entries,
        &home("my/deployment"),
    );
    let path = "/openai/deployments/my%2Fdeployment/chat/completions?api-version=2024%2D10%2D21";
    assert_eq!(dated.path, path);
    assert_eq!(Azure::default().key("k"), ("api-key", "k".to_string()));
    assert_eq!(
        Azure::default().bearer().key("k"),
        ("authorization", "Bearer k".to_string())
    );
}

#[test]
fn a_refused_parameter_is_left_out() {
    let wire = Azure::default();
    let options = Options {
        max_tokens: Some(9),
        temperature: Some(0.5),
        effort: Some(Effort::Max),
        session: Some("s".to_string()),
        ..home("gpt-5.5")
    };
    let before = asked(&wire, &[Entry::User("Go".into())], &options).body;
    for name in [
        "max_completion_tokens",
        "temperature",
        "reasoning_effort",
        "stream_options",
        "prompt_cache_key",
    ] {
        let words = json!({"error": {"message": format!("Unrecognized request argument supplied: {name}")}});
        let error = wire.refusal(400, &Default::default(), &words.to_string());
        assert_eq!(
            wire.concession(&error, &before),
            Some(Concession::Without(name.into()))
        );
        let mut less = options.clone();
        less.refused.add(Concession::Without(name.into()));
        let after = asked(&wire, &[Entry::User("Go".into())], &less).body;
        assert!(after[name].is_null() && !before[name].is_null(), "{name}");
    }
}
