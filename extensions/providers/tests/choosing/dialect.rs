//! What a provider's row changes in the requests of chat completions, as the server sees them.

use corecoder::{Delta, Entry, Reply, Request, Round, ToolCall};
use corecoder_providers::{Effort, Options, Table};
use futures::StreamExt;
use serde_json::{Map, Value, json};

use crate::server::{Answer, serve};
use crate::{Desk, flags, run};

/// The body of the request for these entries, and what the server said to it; the server stands in for `provider`.
fn asked(
    provider: &str,
    entries: &[Entry],
    answer: Answer,
    options: &Options,
) -> (Value, Reply, String) {
    let (url, requests) = serve(move |_| answer.clone());
    let chosen = Desk::of("")
        .choose(&flags(&format!(
            "--provider {provider} --url {url}/v1 --key k --model m"
        )))
        .unwrap();
    let model = chosen.model(options).unwrap();
    let request = Request {
        system: "s",
        entries,
        ..Request::default()
    };
    let reply = run(async {
        let mut stream = model.stream(request);
        while let Some(delta) = stream.next().await {
            if let Delta::Done(reply) = delta.unwrap() {
                return reply;
            }
        }
        panic!("no reply");
    });
    let request = requests.recv().unwrap();
    let body = request.split_once("\r\n\r\n").unwrap().1;
    (
        serde_json::from_str(body).unwrap(),
        reply,
        format!("{url}/v1/chat/completions"),
    )
}

fn round(ids: &[&str], origin: &str, echo: Value) -> Entry {
    let call = |id: &&str| ToolCall {
        id: id.to_string(),
        name: "bash".into(),
        args: Ok(json!({})),
        echo: Map::new(),
    };
    let calls: Vec<ToolCall> = ids.iter().map(call).collect();
    let echo = echo.as_object().cloned().unwrap_or_default();
    let reply = Reply {
        calls,
        origin: origin.into(),
        echo,
        ..Reply::default()
    };
    Entry::Round(Round::new(reply, |_, _| "ok".to_string()))
}

#[test]
fn mistral_gets_ids_of_nine_letters_and_digits_that_still_pair() {
    let ids = [
        "call_0",
        "call_0",
        "toolu_01AbCdEfGh",
        "abcdefgh1",
        "functions.ls:0",
        "",
        "ü",
    ];
    let entries = [
        Entry::User("go".into()),
        round(&ids, "elsewhere", json!({})),
        round(&ids[..2], "elsewhere", json!({})),
    ];
    let (body, ..) = asked("mistral", &entries, Answer::said("hi"), &Options::default());
    let messages = body["messages"].as_array().unwrap();
    let texts = |value: &Value, place: &str| {
        value
            .pointer(place)
            .and_then(Value::as_str)
            .map(str::to_string)
    };
    let calls: Vec<String> = messages
        .iter()
        .filter_map(|message| message["tool_calls"].as_array())
        .flatten()
        .filter_map(|call| texts(call, "/id"))
        .collect();
    let results: Vec<String> = messages
        .iter()
        .filter_map(|message| texts(message, "/tool_call_id"))
        .collect();
    assert_eq!(calls, results);
    assert!(
        calls
            .iter()
            .all(|id| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        "{calls:?}"
    );
    let unique: std::collections::BTreeSet<_> = calls.iter().collect();
    assert_eq!(unique.len(), 9, "{calls:?}");
    assert!(
        calls.contains(&"abcdefgh1".to_string()),
        "an id that fits stays"
    );
    let (plain, ..) = asked("groq", &entries, Answer::said("hi"), &Options::default());
    assert_eq!(plain["messages"][2]["tool_calls"][0]["id"], "call_0");
}

#[test]
fn deepseek_gets_blank_reasoning_with_calls_of_another_model() {
    let entries = [
        Entry::User("go".into()),
        round(&["a"], "elsewhere", json!({"reasoning_content": "theirs"})),
    ];
    let (body, ..) = asked(
        "deepseek",
        &entries,
        Answer::said("hi"),
        &Options::default(),
    );
    assert_eq!(body["messages"][2]["reasoning_content"], " ");
    let (body, ..) = asked("groq", &entries, Answer::said("hi"), &Options::default());
    assert_eq!(body["messages"][2]["reasoning_content"], Value::Null);
}

#[test]
fn reasoning_goes_back_to_vllm_under_the_name_it_came_by() {
    let chunk = json!({"choices": [{"delta": {"reasoning": "hm", "content": "hi"}, "finish_reason": "stop"}]});
    let answer = Answer::new(200, format!("data: {chunk}\n\ndata: [DONE]\n\n"));
    let go = [Entry::User("go".into())];
    let (_, reply, _) = asked("vllm", &go, answer.clone(), &Options::default());
    assert_eq!(reply.echo.get("reasoning"), Some(&json!("hm")));
    let (_, reply, _) = asked("groq", &go, answer, &Options::default());
    assert!(reply.echo.is_empty());
}

#[test]
fn a_request_goes_where_the_base_url_says_with_a_dialect_or_without() {
    for provider in ["deepseek", "groq"] {
        for base in ["", "/v1", "/gateway/v1", "/gateway/"] {
            let (url, requests) = serve(|_| Answer::said("hi"));
            let line = format!("--provider {provider} --url {url}{base} --key k --model m");
            let chosen = Desk::of("").choose(&flags(&line)).unwrap();
            let model = chosen.model(&Options::default()).unwrap();
            let deltas: Vec<_> = run(model.stream(Request::default()).collect());
            assert!(matches!(deltas.last(), Some(Ok(Delta::Done(_)))));
            let path = format!("{}/chat/completions", base.trim_end_matches('/'));
            let request = requests.recv().unwrap();
            let begins = request.starts_with(&format!("POST {path} "));
            assert!(begins, "{provider}{base}: {request}");
            assert!(request.to_lowercase().contains("authorization: bearer k"));
        }
    }
}

#[test]
fn effort_and_session_stand_in_the_request() {
    let options = Options {
        effort: Some(Effort::High),
        session: Some("s1".into()),
        ..Options::default()
    };
    let go = [Entry::User("go".into())];
    for (provider, fields) in [
        (
            "openai",
            json!({"reasoning_effort": "high", "prompt_cache_key": "s1"}),
        ),
        (
            "openrouter",
            json!({"reasoning": {"effort": "high"}, "usage": {"include": true}}),
        ),
        (
            "zai",
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ),
        (
            "deepseek",
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "high"}),
        ),
        ("mistral", json!({"reasoning_effort": "high"})),
        ("sglang", json!({})),
    ] {
        assert!(Table::default().named(provider).is_some());
        let (body, reply, _) = asked(provider, &go, Answer::said("hi"), &options);
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&body[name], value, "{provider}");
        }
        assert_eq!(reply.model, "m");
    }
}
