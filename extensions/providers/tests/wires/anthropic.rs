//! The rules of Anthropic Messages, as platform.claude.com/docs and the API's refusals word them.

use std::collections::HashSet;

use corecoder::{Entry, Picture, Reply, Round};
use corecoder_providers::{Anthropic, Concession, Effort, Options, Wire};
use serde_json::{Value, json};

use crate::{asked, home};

/// Fails if the API would refuse this request.
pub fn check(body: &Value) {
    let known = [
        "model",
        "max_tokens",
        "stream",
        "thinking",
        "output_config",
        "temperature",
        "tools",
        "system",
        "messages",
    ];
    for name in body.as_object().unwrap().keys() {
        assert!(
            known.contains(&name.as_str()),
            "{name}: Extra inputs are not permitted"
        );
    }
    let budget = &body["thinking"]["budget_tokens"];
    if let Some(budget) = budget.as_u64() {
        assert!(
            budget >= 1_024 && budget < body["max_tokens"].as_u64().unwrap(),
            "{body}"
        );
    }
    if body["thinking"].is_object() {
        assert!(body["temperature"].is_null(), "{body}");
    }
    let marks = body.to_string().matches("\"cache_control\":").count();
    assert!((1..=4).contains(&marks), "{marks} marks");
    let messages = body["messages"].as_array().unwrap();
    assert!(messages.len() % 2 == 1, "the user begins and ends");
    let mut ids = HashSet::new();
    for (at, message) in messages.iter().enumerate() {
        let role = if at % 2 == 0 { "user" } else { "assistant" };
        assert_eq!(message["role"], role, "roles take turns");
        let before = at.checked_sub(1).map(|before| &messages[before]);
        check_message(message, before, &mut ids);
    }
}

fn check_message(message: &Value, before: Option<&Value>, ids: &mut HashSet<String>) {
    let blocks = message["content"].as_array().unwrap();
    let asked = blocks_of(before, "tool_use");
    let answered = blocks_of(Some(message), "tool_result");
    let wanted: Vec<_> = asked.iter().map(|call| &call["id"]).collect();
    let given: Vec<_> = answered
        .iter()
        .map(|result| &result["tool_use_id"])
        .collect();
    assert_eq!(wanted, given, "a result for each call, in the next message");
    assert!(
        blocks[..given.len()]
            .iter()
            .all(|block| block["type"] == "tool_result")
    );
    assert!(!blocks.is_empty());
    for block in blocks {
        let says = |field: &str| !block[field].as_str().unwrap().trim().is_empty();
        let kind = block["type"].as_str().unwrap();
        match (message["role"].as_str().unwrap(), kind) {
            (_, "text") => assert!(says("text"), "text content blocks must be non-empty"),
            ("user", "image") => assert_eq!(block["source"]["type"], "base64"),
            ("user", "tool_result") => assert!(says("content")),
            ("assistant", "thinking") => {
                assert!(says("signature") && block["thinking"].is_string())
            }
            ("assistant", "redacted_thinking") => assert!(says("data")),
            ("assistant", "tool_use") => {
                let id = block["id"].as_str().unwrap();
                let letters = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                assert!(!id.is_empty() && id.chars().all(letters), "{id:?}");
                assert!(ids.insert(id.to_string()), "{id} twice");
                assert!(block["input"].is_object());
            }
            other => panic!("{other:?} may not stand there"),
        }
        assert!(!kind.contains("thinking") || block["cache_control"].is_null());
    }
}

fn blocks_of<'a>(message: Option<&'a Value>, kind: &str) -> Vec<&'a Value> {
    let blocks = message.and_then(|message| message["content"].as_array());
    blocks
        .into_iter()
        .flatten()
        .filter(|block| block["type"] == kind)
        .collect()
}

/// System, tools and every block with its role, without marks.
pub fn pieces(body: &Value) -> Vec<String> {
    let bare = |value: &Value| {
        let mut value = value.clone();
        value.as_object_mut().unwrap().remove("cache_control");
        value
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let fixed = list(&body["tools"])
        .into_iter()
        .chain(list(&body["system"]));
    let mut pieces: Vec<String> = fixed.map(|value| bare(&value).to_string()).collect();
    for message in list(&body["messages"]) {
        let role = &message["role"];
        pieces.extend(
            list(&message["content"])
                .iter()
                .map(|block| format!("{role} {}", bare(block))),
        );
    }
    pieces
}

fn parameters(model: &str, options: Options) -> Value {
    let options = Options {
        model: model.to_string(),
        ..options
    };
    let entries = [Entry::User("Go".into())];
    let mut body = asked(&Anthropic::default(), &entries, &options).body;
    for name in ["messages", "system", "tools", "stream", "model"] {
        body.as_object_mut().unwrap().remove(name);
    }
    body
}

#[test]
fn each_model_is_asked_for_what_it_takes() {
    let effort = |effort| Options {
        effort: Some(effort),
        temperature: Some(1.5),
        ..Options::default()
    };
    let long = || Options {
        max_tokens: Some(1_000_000),
        temperature: Some(0.5),
        ..Options::default()
    };
    let summarized = json!({"type": "adaptive", "display": "summarized"});
    let rows = [
        (
            "claude-sonnet-5-5",
            Options::default(),
            json!({"max_tokens": 32_000}),
        ),
        ("claude-sonnet-5-5", long(), json!({"max_tokens": 128_000})),
        ("claude-opus-4.7", long(), json!({"max_tokens": 128_000})),
        (
            "claude-sonnet-4-6",
            long(),
            json!({"max_tokens": 128_000, "temperature": 0.5}),
        ),
        (
            "claude-sonnet-4-5-20250929",
            long(),
            json!({"max_tokens": 64_000, "temperature": 0.5}),
        ),
        (
            "claude-opus-4-20250514",
            long(),
            json!({"max_tokens": 32_000, "temperature": 0.5}),
        ),
        (
            "anthropic/claude-3-5-sonnet-latest",
            long(),
            json!({"max_tokens": 8_192, "temperature": 0.5}),
        ),
        (
            "claude-3-haiku-20240307",
            effort(Effort::Max),
            json!({"max_tokens": 4_096, "temperature": 1.0}),
        ),
        (
            "claude-opus-5-5",
            effort(Effort::Low),
            json!({"max_tokens": 32_000, "thinking": summarized, "output_config": {"effort": "low"}}),
        ),
        (
            "claude-fable-5.1",
            effort(Effort::Max),
            json!({"max_tokens": 64_000, "thinking": summarized, "output_config": {"effort": "max"}}),
        ),
        (
            "claude-haiku-4-5",
            effort(Effort::High),
            json!({"max_tokens": 64_000, "thinking": {"type": "enabled", "budget_tokens": 16_384}}),
        ),
        (
            "claude-opus-4-1",
            effort(Effort::Max),
            json!({"max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": 30_976}}),
        ),
        (
            "kimi-k3",
            effort(Effort::Medium),
            json!({"max_tokens": 32_000, "thinking": {"type": "enabled", "budget_tokens": 8_192}}),
        ),
        (
            "kimi-k3",
            long(),
            json!({"max_tokens": 1_000_000, "temperature": 0.5}),
        ),
    ];
    for (model, options, wanted) in rows {
        assert_eq!(parameters(model, options), wanted, "{model}");
    }
}

#[test]
fn a_refused_part_is_named_and_left_out() {
    let wire = Anthropic::default();
    let options = Options {
        effort: Some(Effort::High),
        ..home("glm-5")
    };
    let echo = json!({"anthropic_blocks": [{"type": "thinking", "thinking": "x", "signature": "s"}, {"call": true}]});
    let mut reply = Reply::calls([("read_file", json!({}))]);
    (reply.origin, reply.echo) = ("home".into(), echo.as_object().unwrap().clone());
    let picture = Picture {
        name: "a.png".into(),
        media_type: "image/png".into(),
        data: "aGk=".into(),
    };
    let entries = [
        Entry::User("Go".into()),
        Entry::Picture(picture),
        Entry::Round(Round::new(reply, |_, _| "ok".into())),
    ];
    let rows = [
        (
            "messages.1.content.0: Invalid `signature` in `thinking` block",
            "thinking_blocks",
            "\"signature\"",
        ),
        (
            "\"thinking.type.enabled\" is not supported. Use \"thinking.type.adaptive\"",
            "budget",
            "budget_tokens",
        ),
        (
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`",
            "thinking",
            "\"enabled\"",
        ),
        (
            "thinking: Extra inputs are not permitted",
            "thinking",
            "\"enabled\"",
        ),
        (
            "image input is not supported by this model",
            "pictures",
            "base64",
        ),
        (
            "cache_control: Extra inputs are not permitted",
            "cache_control",
            "cache_control",
        ),
    ];
    for (words, name, gone) in rows {
        let before = asked(&wire, &entries, &options).body;
        let body =
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": words}});
        let error = wire.refusal(400, &Default::default(), &body.to_string());
        let concession = wire.concession(&error, &before);
        assert_eq!(
            concession,
            Some(Concession::Without(name.into())),
            "{words}"
        );
        let mut less = options.clone();
        assert!(less.refused.add(Concession::Without(name.into())));
        let after = asked(&wire, &entries, &less).body.to_string();
        assert!(
            before.to_string().contains(gone) && !after.contains(gone),
            "{name}: {after}"
        );
    }
    let words =
        "max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for x";
    let error = wire.refusal(400, &Default::default(), words);
    assert_eq!(
        wire.concession(&error, &json!({})),
        Some(Concession::MaxTokens(8_192))
    );
}

#[test]
fn a_limit_that_is_used_up_says_when_it_counts_anew() {
    let reset = std::time::SystemTime::now() + std::time::Duration::from_secs(30);
    let reset = jiff::Timestamp::try_from(reset).unwrap().to_string();
    let mut headers = reqwest::header::HeaderMap::new();
    for (name, value) in [("remaining", "0"), ("reset", &reset)] {
        let name = format!("anthropic-ratelimit-input-tokens-{name}");
        headers.insert(
            name.parse::<reqwest::header::HeaderName>().unwrap(),
            value.parse().unwrap(),
        );
    }
    let wait = Anthropic::default()
        .refusal(429, &headers, "")
        .wait
        .unwrap()
        .as_secs();
    assert!((28..=30).contains(&wait), "{wait}");
}

#[test]
fn a_failed_call_is_marked_and_what_could_not_be_read_is_shown() {
    let mut reply = Reply::calls([("a", json!({})), ("b", json!({}))]);
    reply.calls[1].args = Err("{\"path\": cut".to_string());
    let round = Round::new(reply, |at, _| {
        ["Error: no such file", "fine"][at].to_string()
    });
    let entries = [Entry::User("Go".into()), Entry::Round(round)];
    let body = asked(&Anthropic::default(), &entries, &home("claude-opus-5")).body;
    assert_eq!(
        body["messages"][1]["content"][1]["input"],
        json!({"INVALID_JSON": "{\"path\": cut"})
    );
    let results = body["messages"][2]["content"].as_array().unwrap();
    assert!(
        results.iter().all(|result| result["is_error"] == true),
        "{results:?}"
    );
}
