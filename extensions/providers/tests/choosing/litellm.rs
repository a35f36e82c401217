//! A LiteLLM proxy, 1.106.2: what it said in front of a scripted Bedrock, byte for byte.

use corecoder::{Delta, Entry, Model, ModelError, Reply, Request, Round};
use corecoder_providers::fallback::is_about_the_model;
use corecoder_providers::{Chosen, Options};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::server::{Answer, serve};
use crate::{Desk, flags, run};

const THINKING: &str = include_str!("../fixtures/litellm/thinking.sse");
const MODELS: &str = include_str!("../fixtures/litellm/models.json");
const UNKNOWN: &str = include_str!("../fixtures/litellm/unknown.json");

fn proxy(url: &str, model: &str) -> Chosen {
    let line = format!("--url {url}/v1 --provider litellm --key k --model {model}");
    Desk::of("").choose(&flags(&line)).unwrap()
}

async fn answer(model: &dyn Model, entries: &[Entry]) -> Result<Reply, ModelError> {
    let mut stream = model.stream(Request {
        system: "s",
        entries,
        ..Request::default()
    });
    while let Some(delta) = stream.next().await {
        if let Delta::Done(reply) = delta? {
            return Ok(reply);
        }
    }
    panic!("no reply");
}

/// The blocks that come of this stream, as they go back with the next request, and the reply they came with.
fn sent_back(stream: String) -> (Value, Reply) {
    let (url, requests) = serve(move |_| Answer::new(200, stream.clone()));
    let model = proxy(&url, "m").model(&Options::default()).unwrap();
    let go = Entry::User("go".into());
    let reply = run(answer(&*model, std::slice::from_ref(&go))).unwrap();
    let round = Round::new(reply.clone(), |_, _| "ok".to_string());
    run(answer(&*model, &[go, Entry::Round(round)])).unwrap();
    let request = requests.iter().nth(1).unwrap();
    let body: Value = serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
    (body["messages"][2]["thinking_blocks"].clone(), reply)
}

#[test]
fn claude_s_thinking_goes_back_with_its_signature() {
    let (blocks, reply) = sent_back(THINKING.to_string());
    let thought =
        json!([{"type": "thinking", "thinking": "Let me think.", "signature": "c2lnbmF0dXJl"}]);
    assert_eq!(blocks, thought);
    assert_eq!(reply.reasoning, "Let me think.");
    assert_eq!(reply.calls[0].name, "bash");
    assert_eq!(reply.cost, Some(0.002442), "what the proxy reckons");
    let usage = reply.usage.unwrap();
    assert_eq!((usage.prompt, usage.cached), (1000, 400));
}

#[test]
fn each_signature_ends_a_block_and_what_is_redacted_stays_whole() {
    let pieces = [
        json!({"type": "thinking", "thinking": "a"}),
        json!({"type": "thinking", "thinking": "b", "signature": ""}),
        json!({"type": "thinking", "thinking": "", "signature": "1"}),
        json!({"type": "redacted_thinking", "data": "x"}),
        json!({"type": "redacted_thinking", "data": "y"}),
        json!({"type": "thinking", "thinking": "c"}),
        json!({"type": "thinking", "thinking": "", "signature": "2"}),
        json!({"type": "thinking", "thinking": "d", "signature": "3"}),
    ];
    let chunk = |piece: &Value| {
        let chunk = json!({"choices": [{"index": 0, "delta": {"thinking_blocks": [piece]}}]});
        format!("data: {chunk}\n\n")
    };
    let stream: String = pieces.iter().map(chunk).collect();
    let call = json!({"index": 0, "id": "c", "function": {"name": "bash", "arguments": "{}"}});
    let call = json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]});
    let (blocks, _) = sent_back(format!("{stream}data: {call}\n\ndata: [DONE]\n\n"));
    let whole = json!([
        {"type": "thinking", "thinking": "ab", "signature": "1"},
        {"type": "redacted_thinking", "data": "x"},
        {"type": "redacted_thinking", "data": "y"},
        {"type": "thinking", "thinking": "c", "signature": "2"},
        {"type": "thinking", "thinking": "d", "signature": "3"},
    ]);
    assert_eq!(blocks, whole);
}

#[test]
fn the_list_of_models_tells_windows() {
    let (url, _) = serve(|_| Answer::new(200, MODELS));
    for (model, window, longest) in [
        ("corp-coder", Some(50_000), Some(4_000)),
        ("us.amazon.nova-pro-v1:0", Some(300_000), Some(10_000)),
        ("bedrock/claude-haiku", None, None),
    ] {
        let mut chosen = proxy(&url, model);
        let models = run(chosen.models()).unwrap();
        let listed = models.iter().find(|listed| listed.name == model).unwrap();
        assert_eq!((listed.window, listed.max_tokens), (window, longest));
        run(chosen.prepare(None));
        let model = chosen.model(&Options::default()).unwrap();
        assert!(window.is_none() || model.window() == window);
    }
}

#[test]
fn an_unknown_model_is_told_once_and_another_may_take_over() {
    let (url, _) = serve(|_| Answer::new(400, UNKNOWN));
    let model = proxy(&url, "unknown").model(&Options::default()).unwrap();
    let error = run(answer(&*model, &[Entry::User("go".into())])).unwrap_err();
    assert!(is_about_the_model(&error.message), "{error}");
    assert!(error.message.ends_with("for your key."), "{error}");
}
