//! Partial messages: what is put together from the pieces is the message.

use corecoder::{Event, Host, Reply, Usage};
use corecoder_output::Form;
use serde_json::{Value, json};

use crate::kept::{Kept, agent, printer};

/// The messages that the events of a stream build, as a reader of the Messages API builds them.
fn built(lines: &[Value]) -> Vec<Value> {
    let (mut built, mut message) = (Vec::new(), Value::Null);
    let mut json = String::new();
    for event in lines.iter().map(|line| &line["event"]) {
        let index = event["index"].as_u64().unwrap_or_default() as usize;
        match event["type"].as_str() {
            Some("message_start") => {
                message = event["message"].clone();
                assert_eq!(message["content"], json!([]));
            }
            Some("content_block_start") => {
                let content = message["content"].as_array_mut().unwrap();
                assert_eq!(content.len(), index);
                content.push(event["content_block"].clone());
                json.clear();
            }
            Some("content_block_delta") => {
                let block = &mut message["content"][index];
                for field in ["text", "thinking"] {
                    if let Some(more) = event["delta"][field].as_str() {
                        block[field] =
                            Value::from(block[field].as_str().unwrap().to_string() + more);
                    }
                }
                json += event["delta"]["partial_json"].as_str().unwrap_or_default();
            }
            Some("content_block_stop") if !json.is_empty() => {
                message["content"][index]["input"] = serde_json::from_str(&json).unwrap();
            }
            Some("message_delta") => {
                message["stop_reason"] = event["delta"]["stop_reason"].clone();
                message["usage"] = event["usage"].clone();
            }
            Some("message_stop") => built.push(message.take()),
            _ => {}
        }
    }
    assert_eq!(message, Value::Null, "a message without an end");
    built
}

fn check(kept: &Kept) {
    let lines = kept.lines();
    let whole = lines.iter().filter(|line| line["type"] == "assistant");
    let whole: Vec<Value> = whole.map(|line| line["message"].clone()).collect();
    assert!(!whole.is_empty());
    assert_eq!(built(&lines), whole);
}

#[tokio::test]
async fn a_model_that_does_not_stream_is_streamed_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(Form::StreamJson { partial: true });
    let mut look = Reply::calls([
        ("glob", json!({"pattern": "*"})),
        ("bash", json!({"command": "true"})),
    ]);
    look.reasoning = "hm".to_string();
    look.text = "I look".to_string();
    let mut agent = agent(folder.path(), &printer, [look, Reply::text("done")]);
    let outcome = agent.chat("go").await;
    printer.result(&outcome, Usage::default(), None, None);
    check(&kept);
}

#[test]
fn pieces_build_the_message_and_void_ones_are_begun_again() {
    let (printer, kept) = printer(Form::StreamJson { partial: true });
    let mut reply = Reply::text("Hello world");
    reply.reasoning = "hm, well".to_string();
    let error = &corecoder::ModelError::new(corecoder::ErrorKind::Network, "gone");
    let wait = std::time::Duration::ZERO;
    printer.event("", &Event::Request { round: 1 });
    printer.event("", &Event::Text("Hel"));
    printer.event(
        "",
        &Event::Retry {
            error,
            wait,
            model: None,
        },
    );
    for piece in ["hm, ", "well"] {
        printer.event("", &Event::Reasoning(piece));
    }
    for piece in ["Hello", " world"] {
        printer.event("", &Event::Text(piece));
    }
    printer.event("", &Event::Replied(&reply));
    check(&kept);
    let deltas = kept
        .lines()
        .iter()
        .filter(|line| line["event"]["type"] == "content_block_delta")
        .count();
    assert_eq!(deltas, 5);
}
