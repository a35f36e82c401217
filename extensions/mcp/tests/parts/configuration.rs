//! What people write, and what is made of it.

use std::path::Path;
use std::time::Duration;

use corecoder_mcp::config::{self, Configured, expand, merged, read};
use corecoder_mcp::{Access, Server};
use proptest::prelude::*;
use serde_json::{Value, json};

fn variable(name: &str) -> Option<String> {
    match name {
        "HOME" => Some("/home/a".to_string()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn one(entry: Value) -> Result<Server, String> {
    let text = json!({"mcpServers": {"s": entry}}).to_string();
    let mut read = read(&text, Path::new("mcp.json"), true, variable).unwrap();
    read.pop().unwrap().server
}

#[test]
fn entries_are_read_as_other_programs_write_them() {
    let stdio = one(json!({
        "command": "${HOME}/bin/x", "args": ["--in", "${NO:-here}"], "env": {"K": "${EMPTY:-e}"}, "cwd": "${HOME}",
        "allowedTools": ["a"], "startTimeoutSeconds": 2.5, "callTimeoutSeconds": 7, "alwaysAllow": ["unknown to us"],
    }));
    let stdio = stdio.unwrap();
    let expected = Access::Stdio {
        command: "/home/a/bin/x".to_string(),
        args: vec!["--in".to_string(), "here".to_string()],
        env: [("K".to_string(), "e".to_string())].into(),
        cwd: Some("/home/a".into()),
    };
    assert_eq!(stdio.access, expected);
    assert_eq!(stdio.allowed_tools, Some(vec!["a".to_string()]));
    assert_eq!(stdio.start_timeout, Duration::from_millis(2500));
    assert_eq!(stdio.call_timeout, Duration::from_secs(7));
    assert!(stdio.trusted && !stdio.disabled);
    for entry in [
        json!({"url": "https://a.example/mcp"}),
        json!({"type": "http", "url": "https://a.example/mcp"}),
        json!({"type": "streamable-http", "url": "https://a.example/mcp"}),
    ] {
        assert!(matches!(one(entry).unwrap().access, Access::Http { .. }));
    }
    let sse = one(json!({"type": "sse", "url": "http://a.example", "headers": {"X": "${EMPTY}"}}));
    let expected = Access::Sse {
        url: "http://a.example".to_string(),
        headers: [("X".to_string(), String::new())].into(),
    };
    assert_eq!(sse.unwrap().access, expected);
}

#[test]
fn what_is_wrong_with_an_entry_is_said() {
    for (entry, words) in [
        (json!({}), "\"command\" or \"url\" is missing"),
        (json!({"type": "stdio"}), "\"command\" is missing"),
        (json!({"type": "http"}), "\"url\" is missing"),
        (json!({"type": "ws", "url": "http://a"}), "not \"ws\""),
        (json!({"url": "ftp://a"}), "must begin with http://"),
        (json!({"url": "http://"}), "and a host"),
        (
            json!({"command": "${NOWHERE}"}),
            "the variable NOWHERE is not set",
        ),
        (json!({"command": 5}), "command: invalid type: integer `5`"),
        (
            json!({"command": "x", "env": {"PORT": 8080}}),
            "env.PORT: invalid type: integer `8080`, expected a string",
        ),
        (json!({"command": "x", "args": ["-p", 1]}), "args[1]: "),
        (json!({"command": "x", "callTimeoutSeconds": 0}), "above 0"),
        (
            json!({"command": "x", "startTimeoutSeconds": "10s"}),
            "a number of seconds above 0 and up to 86400, not \"10s\"",
        ),
        (
            json!({"command": "x", "callTimeoutSeconds": 1e300}),
            "above 0",
        ),
        (
            json!({"command": "x", "protocol": "newest"}),
            "a revision such as",
        ),
        (json!("x"), "invalid type"),
    ] {
        let why = one(entry.clone()).unwrap_err();
        assert!(why.contains(words), "{entry}: {why}");
    }
    // A server that is off asks for nothing.
    for off in [json!({"disabled": true}), json!({"enabled": false})] {
        let mut entry = json!({"command": "${NOWHERE}"});
        let more = off.as_object().cloned().unwrap_or_default();
        entry.as_object_mut().unwrap().extend(more);
        assert!(one(entry).unwrap().disabled);
    }
    for text in [
        "{\"servers\": {}}",
        "{\"files\": {\"command\": \"x\"}}",
        "[]",
        "{",
        "{\"mcpServers\": []}",
        "\"x\"",
    ] {
        assert!(
            read(text, Path::new("f"), true, variable).is_err(),
            "{text}"
        );
    }
    for text in ["", " \n", "{}", "{\"other\": 1}", "{\"mcpServers\": {}}"] {
        assert!(
            read(text, Path::new("f"), true, variable)
                .unwrap()
                .is_empty(),
            "{text}"
        );
    }
    for name in [
        "",
        " ",
        "a/b",
        "a\u{1b}b",
        "ü",
        "a__b",
        "_a",
        "a_",
        &"x".repeat(65),
    ] {
        assert!(config::is_name(name).is_err(), "{name:?}");
    }
}

#[test]
fn of_two_entries_of_a_name_the_nearer_counts() {
    let entry = |name: &str, file: &str| Configured {
        name: name.to_string(),
        file: file.into(),
        entry: json!({}),
        server: Err(String::new()),
    };
    let all = merged([
        vec![entry("b", "near"), entry("a", "near")],
        vec![entry("b", "far"), entry("c", "far")],
    ]);
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|one| (one.name.as_str(), one.file.to_str().unwrap()))
        .collect();
    assert_eq!(all, [("a", "near"), ("b", "near"), ("c", "far")]);
}

#[test]
fn a_file_keeps_what_else_is_in_it_when_a_server_is_added_or_removed() {
    let before =
        r#"{"other": [1, 2], "mcpServers": {"z": {"command": "z", "strange": 1}, "a": {}}}"#;
    let with = config::with(before, "new", json!({"command": "x"})).unwrap();
    let value: Value = serde_json::from_str(&with).unwrap();
    assert_eq!(value["other"], json!([1, 2]));
    let names: Vec<&String> = value["mcpServers"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["z", "a", "new"]);
    assert_eq!(value["mcpServers"]["z"]["strange"], 1);
    let without = config::without(&with, "new").unwrap().unwrap();
    let value: Value = serde_json::from_str(&without).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(before).unwrap());
    assert_eq!(config::without(&without, "new"), Ok(None));
    assert!(config::with("[1]", "x", json!({})).is_err());
}

proptest! {
    #[test]
    fn text_without_a_variable_stays_as_it_is(text in "[a-z$ {}:%-]*") {
        let is_variable = text.match_indices("${").any(|(at, _)| text[at + 2..].starts_with(|letter: char| letter.is_alphabetic()));
        prop_assume!(!is_variable);
        prop_assert_eq!(expand(&text, |_| None), Ok(text));
    }

    #[test]
    fn a_value_is_filled_in_and_not_looked_at_again(before in "[^$]*", value in ".*", after in "[^$]*") {
        let expanded = expand(&format!("{before}${{NAME}}{after}"), |_| Some(value.clone()));
        prop_assert_eq!(expanded, Ok(format!("{before}{value}{after}")));
    }
}
