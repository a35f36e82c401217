//! The rules of Ollama's /api/chat, as its types and its source word them.

use corecoder::Entry;
use corecoder_providers::{Concession, Effort, Ollama, Options, Wire};
use serde_json::{Value, json};

use crate::{asked, home};

/// Fails if the server would refuse this request, or drop a part of it.
pub fn check(body: &Value) {
    let known = [
        "model",
        "messages",
        "tools",
        "stream",
        "think",
        "options",
        "keep_alive",
        "truncate",
        "shift",
    ];
    for name in body.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{name}");
    }
    let mut wanted = Vec::new();
    for message in body["messages"].as_array().unwrap() {
        assert!(
            message["content"].is_string(),
            "content is one text: {message}"
        );
        let key = |name: &Value, id: &Value| (name.clone(), id.clone());
        match message["role"].as_str().unwrap() {
            "tool" => {
                assert!(!wanted.is_empty(), "a result without a call");
                assert_eq!(
                    wanted.remove(0),
                    key(&message["tool_name"], &message["tool_call_id"])
                );
            }
            role => {
                assert!(["system", "user", "assistant"].contains(&role));
                assert!(wanted.is_empty(), "calls without results: {wanted:?}");
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    assert!(call["function"]["arguments"].is_object(), "{call}");
                    wanted.push(key(&call["function"]["name"], &call["id"]));
                }
            }
        }
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
fn each_setting_stands_where_the_server_looks_for_it() {
    let given = Options {
        max_tokens: Some(500),
        temperature: Some(0.2),
        effort: Some(Effort::Max),
        window: Some(65_536),
        ..Options::default()
    };
    let rows = [
        ("qwen3", Options::default(), Value::Null, Value::Null, None),
        (
            "qwen3",
            given.clone(),
            json!({"num_ctx": 65_536, "num_predict": 500, "temperature": 0.2}),
            json!("max"),
            Some(65_536),
        ),
        (
            "gpt-oss:20b",
            given.clone(),
            json!({"num_ctx": 65_536, "num_predict": 500, "temperature": 0.2}),
            json!("high"),
            Some(65_536),
        ),
        (
            "gpt-oss:120b-cloud",
            Options {
                window: None,
                ..given.clone()
            },
            json!({"num_predict": 500, "temperature": 0.2}),
            json!("high"),
            Some(131_072),
        ),
        (
            "kimi-k3:cloud",
            given,
            json!({"num_predict": 500, "temperature": 0.2}),
            json!("max"),
            Some(65_536),
        ),
    ];
    for (model, options, settings, think, window) in rows {
        let options = Options {
            model: model.to_string(),
            ..options
        };
        let wire = Ollama::default();
        let body = asked(&wire, &[Entry::User("Go".into())], &options).body;
        assert_eq!(
            (&body["options"], &body["think"]),
            (&settings, &think),
            "{model}"
        );
        assert_eq!(
            (&body["truncate"], &body["shift"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(wire.window(&options), window, "{model}");
    }
}

#[test]
fn what_a_model_does_not_support_is_left_out() {
    let wire = Ollama::default();
    let rows = [
        ("\"llama3.2\" does not support thinking", "think"),
        ("gemma does not support tools", "tools"),
    ];
    for (words, name) in rows {
        let options = Options {
            effort: Some(Effort::Low),
            ..home("gemma")
        };
        let before = asked(&wire, &[], &options).body;
        let error = wire.refusal(
            400,
            &Default::default(),
            &json!({"error": words}).to_string(),
        );
        let concession = wire.concession(&error, &before);
        assert_eq!(concession, Some(Concession::Without(name.into())));
        let mut less = options.clone();
        less.refused.add(Concession::Without(name.into()));
        let after = asked(&wire, &[], &less).body;
        assert!(!before[name].is_null() && after[name].is_null(), "{name}");
    }
}

#[test]
fn tags_of_thoughts_are_told_from_text_however_they_are_cut() {
    let rows = [
        ("<think>Hm.</think>\n\nHi", "Hm.", "Hi"),
        (
            "\n<think>\na < b </thin k> </think>a </think>",
            "a < b </thin k>",
            "a </think>",
        ),
        ("<think>never closed", "never closed", ""),
        ("<thinking> is a word", "", "<thinking> is a word"),
        ("<thi", "", "<thi"),
        ("", "", ""),
        ("日本 <think>no</think>", "", "日本 <think>no</think>"),
    ];
    for (said, reasoning, text) in rows {
        for size in 1..=said.chars().count().max(1) {
            let mut reading = Ollama::default().reading();
            let letters: Vec<char> = said.chars().collect();
            for piece in letters.chunks(size) {
                let piece: String = piece.iter().collect();
                reading.push(format!("{}\n", json!({"message": {"content": piece}})).as_bytes());
            }
            reading.push(b"{\"done\": true}");
            let reply = reading.finish().unwrap();
            assert_eq!(
                (reply.reasoning.as_str(), reply.text.as_str()),
                (reasoning, text),
                "{said:?} by {size}"
            );
        }
    }
}
