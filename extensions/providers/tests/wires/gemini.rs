//! The rules of Gemini's generateContent, as ai.google.dev and the API's refusals word them.

use corecoder::{Entry, Reply, Request, Round, Spec};
use corecoder_providers::{Concession, Effort, Gemini, Options, Wire};
use serde_json::{Value, json};

use crate::{asked, home};

const UNSIGNED: &str = "skip_thought_signature_validator";

/// Fails if the API would refuse this request.
pub fn check(body: &Value) {
    let known = ["systemInstruction", "tools", "contents", "generationConfig"];
    for name in body.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "Unknown name {name:?}");
    }
    let config = &body["generationConfig"];
    assert!(
        config["maxOutputTokens"].as_u64().unwrap_or(1) <= 65_536,
        "{config}"
    );
    let thinking = &config["thinkingConfig"];
    assert!(thinking["thinkingLevel"].is_null() || thinking["thinkingBudget"].is_null());
    let contents = body["contents"].as_array().unwrap();
    assert!(contents.len() % 2 == 1, "the user begins and ends");
    for (at, content) in contents.iter().enumerate() {
        let role = if at % 2 == 0 { "user" } else { "model" };
        assert_eq!(content["role"], role, "roles take turns");
        let parts = content["parts"].as_array().unwrap();
        assert!(!parts.is_empty());
        parts.iter().for_each(|part| check_part(role, part));
        let before = at.checked_sub(1).map(|before| &contents[before]);
        let asked = named(before, "functionCall");
        assert_eq!(
            asked,
            named(Some(content), "functionResponse"),
            "a response for each call"
        );
        assert!(
            parts[..asked.len()]
                .iter()
                .all(|part| part["functionResponse"].is_object() || role == "model")
        );
    }
}

fn check_part(role: &str, part: &Value) {
    let is_signed = part["thoughtSignature"]
        .as_str()
        .is_some_and(|signature| !signature.is_empty());
    let text = part["text"].as_str();
    assert!(
        text.is_none_or(|text| is_signed || !text.is_empty()),
        "{part}"
    );
    let fields = ["text", "inlineData", "functionCall", "functionResponse"];
    let kinds: Vec<_> = fields
        .into_iter()
        .filter(|kind| !part[*kind].is_null())
        .collect();
    match (role, kinds[..].first().copied()) {
        ("user" | "model", Some("text")) => {}
        ("user", Some("inlineData")) => assert_ne!(part["inlineData"]["mimeType"], "image/gif"),
        ("user", Some("functionResponse")) => {
            assert!(part["functionResponse"]["response"].is_object())
        }
        ("model", Some("functionCall")) => assert!(part["functionCall"]["args"].is_object()),
        other => panic!("{other:?} may not stand there"),
    }
    assert_eq!(kinds.len(), 1, "{part}");
    assert!(part["thought"].is_null(), "thoughts are not sent back");
}

/// Name and id of each call, or of each response, in a content.
fn named(content: Option<&Value>, kind: &str) -> Vec<(Value, Value)> {
    let parts = content.and_then(|content| content["parts"].as_array());
    let of_kind = parts
        .into_iter()
        .flatten()
        .filter(|part| part[kind].is_object());
    of_kind
        .map(|part| (part[kind]["name"].clone(), part[kind]["id"].clone()))
        .collect()
}

/// System, tools and every part with its role.
pub fn pieces(body: &Value) -> Vec<String> {
    let mut pieces = vec![
        body["systemInstruction"].to_string(),
        body["tools"].to_string(),
    ];
    for content in body["contents"].as_array().unwrap() {
        let role = &content["role"];
        let parts = content["parts"].as_array().unwrap();
        pieces.extend(parts.iter().map(|part| format!("{role} {part}")));
    }
    pieces
}

/// Whether a signature goes back that only its own provider can read.
pub fn has_signature(parts: &Value) -> bool {
    let text = parts.to_string().replace(UNSIGNED, "");
    text.replace("\"thoughtSignature\":\"\"", "")
        .contains("thoughtSignature")
}

#[test]
fn each_model_is_asked_for_what_it_takes() {
    let effort = |effort| Options {
        effort: Some(effort),
        ..Options::default()
    };
    let level =
        |level: &str| json!({"thinkingConfig": {"includeThoughts": true, "thinkingLevel": level}});
    let budget = |budget: u64| json!({"thinkingConfig": {"includeThoughts": true, "thinkingBudget": budget}});
    let long = Options {
        max_tokens: Some(1_000_000),
        temperature: Some(3.0),
        ..Options::default()
    };
    let rows = [
        ("gemini-3.8-flash", Options::default(), Value::Null),
        (
            "gemini-3.8-flash",
            long,
            json!({"maxOutputTokens": 65_536, "temperature": 2.0}),
        ),
        ("gemini-3.8-flash", effort(Effort::Medium), level("MEDIUM")),
        ("gemini-3-pro-preview", effort(Effort::Medium), level("LOW")),
        ("gemini-3.1-pro", effort(Effort::Medium), level("MEDIUM")),
        ("gemini-4-argon", effort(Effort::Max), level("HIGH")),
        ("gemini-flash-latest", effort(Effort::Low), level("LOW")),
        (
            "models/gemini-2.5-flash",
            effort(Effort::Max),
            budget(24_576),
        ),
        ("gemini-2.5-pro", effort(Effort::Max), budget(32_768)),
        ("gemini-2.0-flash", effort(Effort::High), Value::Null),
        ("gemma-4-31b-it", effort(Effort::High), Value::Null),
    ];
    for (model, options, wanted) in rows {
        let options = Options {
            model: model.to_string(),
            ..options
        };
        let sent = asked(&Gemini::default(), &[Entry::User("Go".into())], &options);
        assert_eq!(sent.body["generationConfig"], wanted, "{model}");
        let name = model.trim_start_matches("models/");
        assert_eq!(
            sent.path,
            format!("/v1beta/models/{name}:streamGenerateContent?alt=sse")
        );
    }
    let odd = asked(&Gemini::default(), &[], &home("../a?b"));
    assert_eq!(
        odd.path,
        "/v1beta/models/..%2Fa%3Fb:streamGenerateContent?alt=sse"
    );
}

#[test]
fn a_first_call_from_elsewhere_gets_the_word_for_no_signature() {
    let reply = Reply::calls([("read_file", json!({})), ("read_file", json!({}))]);
    let round = Round::new(reply, |at, _| ["Error: none", "fine"][at].to_string());
    let entries = [Entry::User("Go".into()), Entry::Round(round)];
    for (model, signature) in [
        ("gemini-3.8-flash", json!(UNSIGNED)),
        ("gemini-2.5-pro", Value::Null),
    ] {
        let body = asked(&Gemini::default(), &entries, &home(model)).body;
        let parts = &body["contents"][1]["parts"];
        assert_eq!(parts[0]["thoughtSignature"], signature, "{model}");
        assert!(parts[1]["thoughtSignature"].is_null(), "{model}");
        let results = &body["contents"][2]["parts"];
        assert_eq!(
            results[0]["functionResponse"]["response"],
            json!({"error": "Error: none"})
        );
        assert_eq!(
            results[1]["functionResponse"]["response"],
            json!({"output": "fine"})
        );
    }
}

#[test]
fn a_schema_keeps_the_words_that_are_known_and_every_name() {
    let schema = json!({
        "$schema": "x", "type": "object", "additionalProperties": false, "required": ["default"],
        "properties": {
            "default": {"type": "string", "default": "a", "const": "b"},
            "list": {"type": "array", "items": {"type": "integer", "exclusiveMinimum": 0}},
            "either": {"anyOf": [{"type": "string", "pattern": "^a"}, {"type": "null"}]},
        },
    });
    let wanted = json!({
        "type": "object", "additionalProperties": false, "required": ["default"],
        "properties": {
            "default": {"type": "string", "enum": ["b"]},
            "list": {"type": "array", "items": {"type": "integer"}},
            "either": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        },
    });
    let empty = json!({"type": "object", "properties": {}});
    for (schema, wanted) in [(schema, wanted), (empty, Value::Null)] {
        let tools = [Spec {
            name: "t".into(),
            description: String::new(),
            parameters: schema,
        }];
        let request = Request {
            system: "",
            tools: &tools,
            entries: &[],
            ..Request::default()
        };
        let body = Gemini::default()
            .request(&request, &home("gemini-3.8-flash"))
            .body;
        assert_eq!(
            body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"],
            wanted
        );
    }
}

#[test]
fn a_refused_part_is_named_and_left_out() {
    let rows = [
        (
            "Function call has an invalid thought_signature",
            "signatures",
        ),
        (
            "Thinking level MEDIUM is not supported for this model.",
            "thinking",
        ),
        ("Unknown name \"temperature\"", "temperature"),
    ];
    let wire = Gemini::default();
    let options = Options {
        effort: Some(Effort::Medium),
        temperature: Some(1.0),
        ..home("gemini-3.8-flash")
    };
    let round = Round::new(Reply::calls([("read_file", json!({}))]), |_, _| "ok".into());
    let body = asked(
        &wire,
        &[Entry::User("Go".into()), Entry::Round(round)],
        &options,
    )
    .body;
    for (words, name) in rows {
        let answer =
            json!({"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}});
        let error = wire.refusal(400, &Default::default(), &answer.to_string());
        assert_eq!(
            wire.concession(&error, &body),
            Some(Concession::Without(name.into())),
            "{words}"
        );
    }
}
