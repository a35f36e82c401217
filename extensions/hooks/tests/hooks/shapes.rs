//! The shapes of the files, and what is said about those that have none.

use std::path::Path;

use corecoder_hooks::Hooks;
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(json: &Value, foreign: bool) -> (Vec<String>, Vec<String>) {
    let mut hooks = Hooks::new(Path::new("/"), Path::new("/"));
    let problems = hooks.read(json, foreign);
    (hooks.lines(), problems)
}

#[test]
fn every_shape_that_people_have_is_read() {
    let nested = json!({"PreToolUse": [{"matcher": "Bash|Edit", "hooks": [
        {"type": "command", "command": "one", "timeout": 5}, {"type": "command", "command": "two"}]}]});
    let both = ["PreToolUse Bash|Edit: one", "PreToolUse Bash|Edit: two"];
    let flat = json!({"PreToolUse": [{"matcher": "bash", "command": "one"}],
        "PostToolUse": [{"matcher": "*", "command": "two"}, {"command": "three"}]});
    let three = [
        "PreToolUse bash: one",
        "PostToolUse *: two",
        "PostToolUse *: three",
    ];
    let list = json!([{"event": "PreToolUse", "matcher": "bash", "command": "one"},
        {"event": "Stop", "hooks": [{"command": "two"}]}]);
    let two = ["PreToolUse bash: one", "Stop *: two"];
    let settings = json!({"permissions": {"allow": []}, "hooks": nested, "model": "opus"});
    let rows: &[(Value, bool, &[&str])] = &[
        (json!({"hooks": nested}), false, &both),
        (nested.clone(), false, &both),
        (settings.clone(), true, &both),
        (settings, false, &both),
        (flat.clone(), false, &three),
        (json!({"hooks": flat}), false, &three),
        (list.clone(), false, &two),
        (json!({"hooks": list}), false, &two),
        (json!({}), false, &[]),
        (json!([]), false, &[]),
        (json!({"permissions": {}}), true, &[]),
        (
            json!({"$schema": "x", "description": "mine", "Stop": [{"command": "one"}]}),
            false,
            &["Stop *: one"],
        ),
        (json!({"disableAllHooks": true, "hooks": nested}), true, &[]),
        (
            json!({"Stop": [{"matcher": "", "command": "one"}]}),
            false,
            &["Stop *: one"],
        ),
    ];
    for (json, foreign, lines) in rows {
        let (found, problems) = read(json, *foreign);
        assert_eq!(found, *lines, "{json}");
        assert_eq!(problems, [""; 0], "{json}");
    }
}

#[test]
fn what_a_terminal_would_obey_is_shown_as_it_is_written() {
    let json = json!({"Stop": [{"command": "true\n\u{1b}[1A"}], "\u{1b}[2J": []});
    let (lines, problems) = read(&json, false);
    assert_eq!(lines, ["Stop *: true\\n\\u{1b}[1A"]);
    assert!(problems[0].starts_with("\\u{1b}[2J: "), "{problems:?}");
}

#[test]
fn what_can_t_be_used_is_named_with_its_place_and_the_rest_is_taken() {
    let rows: &[(Value, usize, &[&str])] = &[
        (
            json!(null),
            0,
            &["the file: must map events to lists, not be null"],
        ),
        (json!("x"), 0, &["the file: must map events"]),
        (
            json!({"hooks": 5}),
            0,
            &["hooks: must map events to lists, not be 5"],
        ),
        (
            json!({"hooks": {"Notification": []}}),
            0,
            &["hooks.Notification: `Notification` is no event here; there are SessionStart"],
        ),
        (
            json!({"PreToolUse": {"matcher": "x"}}),
            0,
            &["PreToolUse: must be a list of entries, not an object"],
        ),
        (
            json!({"PreToolUsee": []}),
            0,
            &["PreToolUsee: `PreToolUsee` is no event here"],
        ),
        (
            json!({"Stop": ["x", {"command": "true"}]}),
            1,
            &["Stop[0]: must be an object with a `command`, not \"x\""],
        ),
        (json!({"Stop": [{}]}), 0, &["Stop[0]: has no `command`"]),
        (
            json!({"Stop": [{"command": " "}]}),
            0,
            &["Stop[0]: its `command` is empty"],
        ),
        (
            json!({"Stop": [{"command": "a\u{0}b"}]}),
            0,
            &["Stop[0]: its `command` holds a NUL"],
        ),
        (
            json!({"Stop": [{"command": ["a"]}]}),
            0,
            &["Stop[0]: `command` must be a text, not a list"],
        ),
        (
            json!({"Stop": [{"hooks": "x"}]}),
            0,
            &["Stop[0]: `hooks` must be a list, not \"x\""],
        ),
        (
            json!({"Stop": [{"hooks": [{"command": "true"}, 5]}]}),
            1,
            &["Stop[0].hooks[1]: has no `command`"],
        ),
        (
            json!({"Stop": [{"hooks": [{"type": "prompt", "prompt": "x"}]}]}),
            0,
            &["Stop[0].hooks[0]: `type` must be `command`, not \"prompt\""],
        ),
        (
            json!({"Stop": [{"command": "a", "args": ["b"]}]}),
            0,
            &["Stop[0]: `args` is not supported"],
        ),
        (
            json!({"Stop": [{"matcher": 5, "command": "a"}]}),
            0,
            &["Stop[0]: `matcher` must be a text, not 5"],
        ),
        (
            json!({"Stop": [{"matcher": "(", "command": "a"}]}),
            0,
            &["Stop[0]: the matcher `(` can't be used: error: unclosed group"],
        ),
        (
            json!({"Stop": [{"matcher": "a)|(b", "command": "a"}]}),
            0,
            &["Stop[0]: the matcher `a)|(b` can't be used"],
        ),
        (
            json!({"Stop": [{"matcher": "((((x{99}){99}){99}){99})", "command": "a"}]}),
            0,
            &["Stop[0]: the matcher"],
        ),
        (
            json!({"Stop": [{"command": "a", "timeout": 1e9}]}),
            1,
            &["Stop[0]: `timeout` is 1000000000 s, and 600 s are the most"],
        ),
        (
            json!({"Stop": [{"command": "a", "timeout": 0}]}),
            1,
            &["Stop[0]: `timeout` must be seconds above 0, not 0; 10 s are taken"],
        ),
        (
            json!({"Stop": [{"command": "a", "timeout": "5"}]}),
            1,
            &["Stop[0]: `timeout` must be seconds above 0, not \"5\""],
        ),
        (
            json!([{"command": "a"}, {"event": "Nope", "command": "a"}, 7]),
            0,
            &[
                "[0]: must be an object with `event`",
                "[1]: `Nope` is no event",
                "[2]: must be an object",
            ],
        ),
    ];
    for (json, kept, wanted) in rows {
        let (lines, problems) = read(json, false);
        assert_eq!(lines.len(), *kept, "{json}");
        assert_eq!(problems.len(), wanted.len(), "{json}: {problems:?}");
        for (problem, wanted) in problems.iter().zip(*wanted) {
            assert!(problem.starts_with(wanted), "{json}: {problem}");
        }
    }
}

/// JSON with the words of the format in it, so that a good part of it is nearly right.
fn near() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "hooks",
        "PreToolUse",
        "Stop",
        "event",
        "matcher",
        "command",
        "type",
        "timeout",
        "blocking",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        let map = prop::collection::vec((word.clone(), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            map.prop_map(|map| map
                .into_iter()
                .map(|(key, value)| (key.to_string(), value))
                .collect()),
        ]
    })
}

fn entry() -> impl Strategy<Value = (Value, bool)> {
    prop_oneof![
        Just((json!({"command": "true"}), true)),
        Just((
            json!({"matcher": "a|b", "command": "true", "timeout": 3}),
            true
        )),
        Just((
            json!({"hooks": [{"type": "command", "command": "true"}]}),
            true
        )),
        Just((json!({"matcher": "["}), false)),
        Just((json!({"command": {}}), false)),
        Just((json!({"hooks": [{"type": "http", "url": "x"}]}), false)),
        any::<i32>().prop_map(|number| (json!(number), false)),
        Just((Value::Null, false)),
    ]
}

proptest! {
    #[test]
    fn nothing_that_is_json_breaks_the_reading(json in near(), foreign: bool) {
        let (lines, problems) = read(&json, foreign);
        prop_assert!(lines.iter().chain(&problems).all(|line| line.contains(": ")));
    }

    #[test]
    fn each_bad_entry_is_named_and_each_good_one_taken(entries in prop::collection::vec(entry(), 0..12)) {
        let list: Vec<&Value> = entries.iter().map(|(json, _)| json).collect();
        let (lines, problems) = read(&json!({"hooks": {"PostToolUse": list}}), false);
        prop_assert_eq!(lines.len(), entries.iter().filter(|(_, good)| *good).count());
        prop_assert_eq!(problems.len(), entries.len() - lines.len());
        for (at, _) in entries.iter().enumerate().filter(|(_, (_, good))| !good) {
            let place = format!("hooks.PostToolUse[{at}]");
            prop_assert!(problems.iter().any(|problem| problem.starts_with(&place)), "{}", place);
        }
    }
}
