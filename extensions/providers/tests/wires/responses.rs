//! The rules of OpenAI's Responses, as its SDK's types and the API's refusals word them.

use std::collections::HashSet;

use corecoder::Entry;
use corecoder_providers::{Concession, Effort, Options, Responses, Wire};
use serde_json::{Value, json};

use crate::{asked, home};

/// Fails if the API would refuse this request.
pub fn check(body: &Value) {
    let known = [
        "model",
        "instructions",
        "tools",
        "input",
        "reasoning",
        "max_output_tokens",
        "temperature",
        "prompt_cache_key",
        "store",
        "include",
        "stream",
        "stream_options",
    ];
    for name in body.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "Unknown parameter: {name}");
    }
    assert_eq!(body["store"], false);
    let items = body["input"].as_array().unwrap();
    let (mut ids, mut wanted) = (HashSet::new(), Vec::new());
    for (at, item) in items.iter().enumerate() {
        let kind = item["type"].as_str().unwrap_or("user");
        let id = item["call_id"].as_str().unwrap_or_default();
        let is_answer = kind == "function_call" || kind == "function_call_output";
        assert!(
            wanted.is_empty() || is_answer || kind == "reasoning",
            "No tool output found for {wanted:?}"
        );
        match kind {
            "user" | "message" => {
                let text = item["content"][0]["text"].as_str().unwrap();
                assert!(!text.trim().is_empty(), "{item}");
                let role = if kind == "user" { "user" } else { "assistant" };
                assert_eq!(item["role"], role);
            }
            "function_call" => {
                assert!(ids.insert(id) && !id.is_empty() && id.len() <= 64, "{id:?}");
                let arguments: Value =
                    serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap();
                assert!(arguments.is_object());
                wanted.push(id);
            }
            "function_call_output" => {
                let place = wanted.iter().position(|wanted| *wanted == id);
                wanted.remove(place.expect("an output follows its call"));
                assert!(item["output"].is_string());
            }
            "reasoning" => {
                assert!(
                    item["encrypted_content"].is_string() && item["summary"].is_array(),
                    "{item}"
                );
                let next = items
                    .get(at + 1)
                    .map(|next| next["type"].as_str().unwrap_or("user"));
                let follows = ["reasoning", "message", "function_call"];
                assert!(
                    next.is_some_and(|next| follows.contains(&next)),
                    "without its required following item"
                );
            }
            other => panic!("{other} may not stand there"),
        }
    }
    assert!(wanted.is_empty(), "No tool output found for {wanted:?}");
}

/// Instructions, tools, then each item.
pub fn pieces(body: &Value) -> Vec<String> {
    let items = body["input"].as_array().unwrap();
    let pieces = [&body["instructions"], &body["tools"]]
        .into_iter()
        .chain(items);
    pieces.map(Value::to_string).collect()
}

/// The items that the model said.
pub fn answer(body: &Value) -> Value {
    let items = body["input"].as_array().unwrap().iter();
    let said =
        items.filter(|item| !item["type"].is_null() && item["type"] != "function_call_output");
    said.cloned().collect()
}

#[test]
fn effort_goes_down_by_one_step_with_each_refusal() {
    let wire = Responses::default();
    let mut options = Options {
        effort: Some(Effort::Max),
        session: Some("s".into()),
        ..home("gpt-6-sol")
    };
    let mut efforts = Vec::new();
    loop {
        let body = asked(&wire, &[Entry::User("Go".into())], &options).body;
        check(&body);
        efforts.push(body["reasoning"]["effort"].clone());
        let words = json!({"error": {"message": "Unsupported value: 'x' is not supported", "param": "reasoning.effort"}});
        let error = wire.refusal(400, &Default::default(), &words.to_string());
        match wire.concession(&error, &body) {
            Some(concession) => assert!(options.refused.add(concession)),
            None => break,
        }
    }
    assert_eq!(
        efforts,
        [json!("max"), json!("xhigh"), json!("high"), Value::Null]
    );
    let older = Options {
        effort: Some(Effort::Max),
        ..home("gpt-5.5")
    };
    let body = asked(&wire, &[], &older).body;
    assert_eq!(
        body["reasoning"],
        json!({"effort": "xhigh", "summary": "auto"})
    );
    let body = asked(&wire, &[], &home("gpt-4.1")).body;
    assert!(body["reasoning"].is_null() && body["temperature"].is_null());
}

#[test]
fn a_refused_part_is_named_and_left_out() {
    let wire = Responses::default();
    let options = Options {
        effort: Some(Effort::Low),
        temperature: Some(0.5),
        ..home("gpt-5.5")
    };
    let mut body = asked(&wire, &[], &options).body;
    body["input"] = json!([{"type": "reasoning", "encrypted_content": "x"}]);
    let rows = [
        (
            "Item 'rs_0' of type 'reasoning' was provided without its required following item.",
            "reasoning_items",
        ),
        (
            "The encrypted content gAAA... could not be verified.",
            "reasoning_items",
        ),
        ("Item with id 'rs_0' not found.", "reasoning_items"),
        (
            "Your organization must be verified to generate reasoning summaries. param: reasoning.summary",
            "summary",
        ),
        (
            "Unsupported parameter: 'temperature' is not supported with this model.",
            "temperature",
        ),
        (
            "Unknown parameter: 'stream_options.include_obfuscation'.",
            "stream_options",
        ),
    ];
    for (words, name) in rows {
        let error = wire.refusal(
            400,
            &Default::default(),
            &json!({"error": {"message": words}}).to_string(),
        );
        assert_eq!(
            wire.concession(&error, &body),
            Some(Concession::Without(name.into())),
            "{words}"
        );
    }
}

#[test]
fn azure_has_its_own_path_and_header() {
    let wire = Responses::azure();
    let sent = asked(&wire, &[], &home("deployment"));
    assert_eq!(sent.path, "/openai/v1/responses");
    assert_eq!(wire.key("k"), ("api-key", "k".to_string()));
}

#[test]
fn items_with_one_index_or_a_late_one_are_all_kept() {
    let call = |index: u64, id: &str| {
        let item = json!({"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": "ls", "arguments": "{}"});
        json!({"type": "response.output_item.done", "output_index": index, "item": item})
    };
    for indexes in [[0, 0, 0], [2, 1, 0], [5, 5, 1], [u64::MAX, 0, u64::MAX]] {
        let mut reading = Responses::default().reading();
        let events = [
            call(indexes[0], "a"),
            call(indexes[1], "b"),
            call(indexes[2], "c"),
            call(indexes[2], "c"),
        ];
        let end = json!({"type": "response.completed", "response": {"status": "completed", "output": []}});
        for event in events.iter().chain([&end]) {
            reading.push(format!("data: {event}\n\n").as_bytes());
        }
        let reply = reading.finish().unwrap();
        let ids: Vec<_> = reply.calls.iter().map(|call| call.id.as_str()).collect();
        assert!(
            ids.starts_with(&["a"]) && ids.len() >= 3,
            "{indexes:?}: {ids:?}"
        );
    }
}
