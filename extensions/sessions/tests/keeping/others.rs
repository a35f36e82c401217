//! Sessions of the Python program: read, listed beside the own ones, and carried over.

use std::fs;

use corecoder::{Entry, Reply, Round, Summary};
use corecoder_sessions::session::Session;
use corecoder_sessions::{messages, python};
use serde_json::{Value, json};

use crate::{Home, loaded, user};

/// A file as that program writes it.
fn saved(messages: &Value) -> String {
    let saved = json!({"id": "session_1", "model": "gpt-5.5", "saved_at": "2026-11-23 04:57:13", "messages": messages});
    serde_json::to_string_pretty(&saved).unwrap()
}

fn example() -> Value {
    let function = json!({"name": "read_file", "arguments": "{\"file_path\": \"hello.py\"}"});
    json!([
        {"role": "user", "content": "what is in hello.py?"},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "call_0", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "call_0", "content": "1\tprint('héllo')"},
        {"role": "assistant", "content": "It prints héllo."},
    ])
}

fn said(text: &str) -> Entry {
    Entry::User(text.into())
}

/// Rounds as they are compared: text, calls with their raw arguments, and results.
fn words(entry: &Entry) -> String {
    match entry {
        Entry::User(text) => format!("user: {text}"),
        Entry::Note(text) => format!("note: {text}"),
        Entry::Picture(picture) => format!("picture: {}", picture.name),
        Entry::Summary(summary) => format!("summary: {}", summary.notes),
        Entry::Round(round) => {
            let args = |call: &corecoder::ToolCall| match &call.args {
                Ok(args) => args.to_string(),
                Err(raw) => format!("no object: {raw}"),
            };
            let calls = round
                .answered()
                .map(|(call, result)| format!(" {}({}) = {result};", call.name, args(call)));
            format!("model: {}{}", round.reply().text, calls.collect::<String>())
        }
    }
}

#[test]
fn nothing_that_was_said_is_lost() {
    let call = |id: &str, arguments: Value| json!({"id": id, "function": {"name": "f", "arguments": arguments}});
    let asks = |calls: Vec<Value>| json!({"role": "assistant", "content": "", "tool_calls": calls});
    let result =
        |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let missing = "[no result was kept for this call]";
    let rows: [(Vec<Value>, Vec<String>); 9] = [
        (
            vec![
                json!({"role": "system", "content": "x"}),
                json!({"role": "user", "content": "a"}),
            ],
            vec!["user: a".into()],
        ),
        (
            vec![
                json!({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
            ],
            vec!["user: ab".into()],
        ),
        (
            vec![json!({"role": "wizard", "content": "a"})],
            vec!["note: a".into()],
        ),
        (
            vec![json!("no object"), json!({})],
            vec!["note: ".into(), "note: ".into()],
        ),
        (
            vec![
                asks(vec![call("1", json!("{}")), call("2", json!("{\"k\": 1}"))]),
                result("2", "two"),
                result("1", "one"),
            ],
            vec!["model:  f({}) = one; f({\"k\":1}) = two;".into()],
        ),
        (
            vec![asks(vec![call("1", json!("{cut"))]), result("1", "x")],
            vec!["model:  f(no object: {cut) = x;".into()],
        ),
        (
            vec![asks(vec![call("1", json!({"k": 1}))])],
            vec![format!("model:  f({{\"k\":1}}) = {missing};")],
        ),
        (
            vec![
                asks(vec![call("1", json!("{}"))]),
                result("9", "lost"),
                json!({"role": "user", "content": "a"}),
            ],
            vec![
                format!("model:  f({{}}) = {missing};"),
                "note: lost".into(),
                "user: a".into(),
            ],
        ),
        (
            vec![result("1", "of nobody")],
            vec!["note: of nobody".into()],
        ),
    ];
    for (messages, expected) in rows {
        let entries: Vec<String> = messages::entries(&messages).iter().map(words).collect();
        assert_eq!(entries, expected, "{messages:?}");
    }
}

#[test]
fn a_session_of_the_python_program_is_read() {
    let python::Saved { model, entries } = python::read(saved(&example()).as_bytes()).unwrap();
    let reply = Reply {
        finish: String::new(),
        ..Reply::calls([("read_file", json!({"file_path": "hello.py"}))])
    };
    let answer = Reply {
        finish: String::new(),
        ..Reply::text("It prints héllo.")
    };
    let expected = [
        said("what is in hello.py?"),
        Entry::Round(Round::new(reply, |_, _| "1\tprint('héllo')".into())),
        Entry::Round(Round::new(answer, |_, _| String::new())),
    ];
    assert_eq!((model.as_str(), entries), ("gpt-5.5", expected.to_vec()));
}

#[test]
fn what_that_program_left_of_older_messages_is_a_summary() {
    for opening in [
        "[Context compressed - conversation summary]\nfiles",
        "[Hard context reset]\nfiles",
    ] {
        let saved = saved(&json!([{"role": "user", "content": opening}]));
        let summary = Summary {
            notes: opening.into(),
            ..Summary::default()
        };
        assert_eq!(
            python::read(saved.as_bytes()).unwrap().entries,
            [Entry::Summary(summary)]
        );
    }
}

fn put(home: &Home, name: &str, content: &str) {
    fs::create_dir_all(home.sessions().folder()).unwrap();
    fs::write(home.sessions().folder().join(name), content).unwrap();
}

#[test]
fn they_are_listed_and_the_damaged_ones_are_not() {
    let home = Home::new();
    put(&home, "session_1.json", &saved(&example()));
    for (n, content) in [
        "",
        "{",
        "[]",
        "{\"model\": \"x\"}",
        "{\"messages\": 5}",
        "\0\0",
    ]
    .iter()
    .enumerate()
    {
        put(&home, &format!("damaged_{n}.json"), content);
    }
    let infos = home.sessions().list();
    let seen: Vec<_> = infos
        .iter()
        .map(|info| (info.id.as_str(), info.title.as_str(), info.model.as_str()))
        .collect();
    assert_eq!(seen, [("session_1", "what is in hello.py?", "gpt-5.5")]);
    assert_eq!(
        home.sessions().newest(&home.work),
        None,
        "nobody knows where it was"
    );
    assert_eq!(home.sessions().list(), infos, "from the index too");
}

#[test]
fn one_is_carried_over_with_its_first_new_fact_and_stays_as_it_was() {
    for id in ["session_1", "my own name", "con"] {
        let home = Home::new();
        let content = saved(&example());
        put(&home, &format!("{id}.json"), &content);
        let before = python::read(content.as_bytes()).unwrap().entries;
        let sessions = home.sessions();
        let session = Session::begin(sessions.folder(), home.header(id), before.clone());
        assert!(!session.path().exists(), "nothing new was said yet");
        session.record("", user("go on"));
        let expected = [before, vec![said("go on")]].concat();
        assert_eq!(loaded(session.path()).entries, expected);
        let infos = sessions.list();
        assert_eq!(
            infos.len(),
            1,
            "{id}: the journal holds all of it: {infos:?}"
        );
        assert_eq!(
            (&infos[0].path, infos[0].title.as_str()),
            (&session.path().to_path_buf(), "what is in hello.py?")
        );
        assert_eq!(
            fs::read_to_string(sessions.folder().join(format!("{id}.json"))).unwrap(),
            content
        );
    }
}
