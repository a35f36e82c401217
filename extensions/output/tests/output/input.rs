//! The lines that are read.

use corecoder_output::{Image, Said, input};
use proptest::prelude::*;
use serde_json::json;

fn said(text: &str) -> Said {
    Said {
        text: text.to_string(),
        images: Vec::new(),
    }
}

#[test]
fn messages_are_read() {
    let user = |content: serde_json::Value| {
        json!({"type": "user", "message": {"role": "user", "content": content}}).to_string()
    };
    let image = |data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let picture = Image {
        media_type: "image/png".to_string(),
        data: "iVBORw0K".to_string(),
    };
    let cases = [
        (user(json!("hello")), said("hello")),
        (user(json!("two\nlines \u{2028} \u{0}")), said("two\nlines \u{2028} \u{0}")),
        (user(json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])), said("a\n\nb")),
        (format!("  {}\r\n", user(json!("x"))), said("x")),
        (format!("\u{feff}{}", user(json!("x"))), said("x")),
        (r#"{"type":"user","message":{"content":"no role"}}"#.to_string(), said("no role")),
        // What Claude Code's SDK sends beside it.
        (
            r#"{"type":"user","session_id":"","parent_tool_use_id":null,"uuid":"u","message":{"role":"user","content":"x"}}"#.to_string(),
            said("x"),
        ),
        (
            user(json!([{"type": "text", "text": "see", "cache_control": {"type": "ephemeral"}}, image("iVBORw0K")])),
            Said { text: "see".to_string(), images: vec![picture.clone()] },
        ),
        (user(json!([image("iVBORw0K")])), Said { text: String::new(), images: vec![picture] }),
    ];
    for (line, expected) in cases {
        assert_eq!(input(&line), Ok(Some(expected)), "{line}");
    }
}

#[test]
fn blank_lines_say_nothing() {
    for line in ["", " ", "\t", "\r\n", "\u{feff}"] {
        assert_eq!(input(line), Ok(None), "{line:?}");
    }
}

#[test]
fn what_is_not_understood_is_an_error_that_says_what_is() {
    let deep = "[".repeat(100_000);
    let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(1_000_000));
    let block = |block: &str| {
        format!(r#"{{"type":"user","message":{{"role":"user","content":[{block}]}}}}"#)
    };
    let cases: [(&str, &str); 19] = [
        ("hello", "no JSON"),
        ("{\"type\":\"user\"", "no JSON"),
        ("{\"type\":\"user\"} {}", "no JSON"),
        ("42", "no type"),
        ("null", "no type"),
        ("[]", "no type"),
        ("{}", "no type"),
        (r#"{"type":7}"#, "no type"),
        (
            r#"{"type":"control_request","request":{"subtype":"interrupt"}}"#,
            "a control request",
        ),
        (r#"{"type":"assistant"}"#, "the unknown type \"assistant\""),
        (r#"{"type":"user"}"#, "no message.content"),
        (r#"{"type":"user","message":"x"}"#, "no message.content"),
        (
            r#"{"type":"user","message":{"role":"assistant","content":"x"}}"#,
            "a role that is not",
        ),
        (
            r#"{"type":"user","message":{"role":"user","content":" "}}"#,
            "nothing said",
        ),
        (
            r#"{"type":"user","message":{"role":"user","content":[]}}"#,
            "nothing said",
        ),
        (
            r#"{"type":"user","message":{"role":"user","content":"\ud800"}}"#,
            "no JSON",
        ),
        (
            r#"{"type":"user","message":{"role":"user","content":{"text":"x"}}}"#,
            "no message.content",
        ),
        (&deep, "no JSON"),
        (&long, "the unknown type"),
    ];
    let blocks = [
        (
            r#"{"type":"tool_result","tool_use_id":"x"}"#,
            "unknown variant `tool_result`",
        ),
        (r#"{"type":"text"}"#, "missing field `text`"),
        (r#""x""#, "content block 1"),
        (
            r#"{"type":"image","source":{"type":"url","url":"http://x"}}"#,
            "unknown variant `url`",
        ),
        (
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"%"}}"#,
            "content block 1",
        ),
        (
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":""}}"#,
            "no image",
        ),
        (
            r#"{"type":"image","source":{"type":"base64","media_type":"text/html","data":"aGk="}}"#,
            "no image",
        ),
    ];
    let blocks: Vec<(String, &str)> = blocks.map(|(text, problem)| (block(text), problem)).into();
    let blocks = blocks
        .iter()
        .map(|(line, problem)| (line.as_str(), *problem));
    for (line, problem) in cases.into_iter().chain(blocks) {
        let opening: String = line.chars().take(80).collect();
        let error = input(line).expect_err(&opening);
        assert!(error.contains(problem), "{error}");
        assert!(error.contains(&format!("{opening:?}")), "{error}");
        assert!(error.contains("a line is {\"type\":\"user\""), "{error}");
        assert!(error.len() < 2000, "{} bytes", error.len());
    }
}

proptest! {
    #[test]
    fn any_text_is_said_or_refused(text in any::<String>()) {
        let _ = input(&text);
        let line = json!({"type": "user", "message": {"role": "user", "content": text}});
        match text.trim().is_empty() {
            true => prop_assert!(input(&line.to_string()).is_err()),
            false => prop_assert_eq!(input(&line.to_string()), Ok(Some(said(&text)))),
        }
    }
}
