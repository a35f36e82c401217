//! Whole runs of a real agent, held against lines that were written down.

use corecoder::{Reply, ToolCall, Usage};
use corecoder_output::{Form, RunResult};
use serde_json::{Map, Value, json};

use crate::kept::{STEPS, agent, check_order, printer};

/// What differs from run to run, made the same.
fn masked(value: &Value, folder: &str) -> Value {
    match value {
        Value::String(text) => Value::from(text.replace(folder, "FOLDER")),
        Value::Array(values) => values.iter().map(|value| masked(value, folder)).collect(),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| {
                let is_id = value.as_str().is_some_and(|id| id.starts_with("msg_"));
                let value = match key.as_str() {
                    "uuid" => Value::from("UUID"),
                    "id" if is_id => Value::from("MESSAGE"),
                    "duration_ms" | "duration_api_ms" => {
                        assert!(value.is_u64());
                        Value::from(0)
                    }
                    _ => masked(value, folder),
                };
                (key.clone(), value)
            };
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

fn seven_tools() -> Vec<Reply> {
    let usage = Some(Usage {
        prompt: 1000,
        completion: 20,
        cached: 900,
        ..Usage::default()
    });
    let broken = ToolCall {
        id: "call_9".to_string(),
        name: "bash".to_string(),
        args: Err("{\"command\": \"ec".to_string()),
        echo: Map::new(),
    };
    let mut first = Reply::calls([
        (
            "write_file",
            json!({"file_path": "notes.txt", "content": "one\ntwo\n"}),
        ),
        (
            "edit_file",
            json!({"file_path": "notes.txt", "old_string": "two", "new_string": "2"}),
        ),
        ("read_file", json!({"file_path": "notes.txt"})),
        ("bash", json!({"command": "cat notes.txt"})),
        ("bash", json!({"command": "rm notes.txt"})),
        ("glob", json!({"pattern": "*.txt"})),
        ("grep", json!({"pattern": "one"})),
    ]);
    first.reasoning = "Let me look.".to_string();
    first.text = "I begin.".to_string();
    first.usage = usage;
    first.calls.push(broken);
    let second = Reply::calls([("agent", json!({"task": "count the lines"}))]);
    let child = Reply::calls([("read_file", json!({"file_path": "missing.txt"}))]);
    let (report, last) = (Reply::text("two lines"), Reply::text("Done."));
    let costly = |reply: Reply| Reply {
        cost: Some(0.05),
        ..reply
    };
    [first, second, child, report, last].map(costly).into()
}

#[tokio::test]
async fn a_run_with_all_seven_tools_is_printed_as_it_was_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(STEPS);
    let mut agent = agent(folder.path(), &printer, seven_tools());
    let outcome = agent.chat("do it all").await;
    printer.result(&outcome, agent.kit().spent(), Some(0.25), None);
    let mut lines = kept.lines();
    check_order(&lines);
    // Reads are done in any order.
    let result = |line: &Value| {
        line["message"]["content"][0]["tool_use_id"]
            .as_str()
            .map(str::to_string)
    };
    for round in lines.chunk_by_mut(|a, b| result(a).is_some() && result(b).is_some()) {
        round.sort_by_key(result);
    }
    let place = folder.path().canonicalize().unwrap();
    let lines: Vec<String> = lines
        .iter()
        .map(|line| masked(line, &place.to_string_lossy()).to_string())
        .collect();
    let expected = include_str!("golden/seven.jsonl");
    let lines = lines.join("\n") + "\n";
    assert_eq!(lines, expected, "printed was:\n{lines}");
}

#[tokio::test]
async fn json_prints_the_result_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(Form::Json);
    let mut agent = agent(folder.path(), &printer, seven_tools());
    let outcome = agent.chat("do it all").await;
    assert_eq!(kept.lines(), [] as [Value; 0]);
    let result = printer.result(&outcome, agent.kit().spent(), None, Some(json!({"n": 2})));
    let lines = kept.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["type"], "result");
    assert_eq!(lines[0]["total_cost_usd"], Value::Null);
    assert_eq!(lines[0]["structured_output"], json!({"n": 2}));
    let read: RunResult = serde_json::from_value(lines[0].clone()).unwrap();
    assert_eq!(read, result);
    assert_eq!(read.num_turns, 3);
    assert_eq!(read.permission_denials.len(), 1);
}

#[tokio::test]
async fn errors_are_told_by_their_subtype() {
    let folder = tempfile::tempdir().unwrap();
    let look = || Reply::calls([("bash", json!({"command": "true"}))]);
    let cases: [(Vec<Reply>, &str, &str); 3] = [
        (vec![Reply::text("fine")], "success", ""),
        (
            vec![look(), look()],
            "error_max_turns",
            "stopped after 2 rounds",
        ),
        (vec![look()], "error_during_execution", "no further reply"),
    ];
    for (replies, subtype, error) in cases {
        let (printer, kept) = printer(STEPS);
        let mut agent = agent(folder.path(), &printer, replies).rounds(2);
        let outcome = agent.chat("go").await;
        printer.result(&outcome, Usage::default(), None, Some(json!(1)));
        let lines = kept.lines();
        check_order(&lines);
        let last = &lines[lines.len() - 1];
        assert_eq!(last["subtype"], subtype);
        let is_error = subtype != "success";
        assert_eq!(last["is_error"], is_error);
        assert_eq!(last.get("result").is_some(), !is_error);
        assert_eq!(last.get("structured_output").is_some(), !is_error);
        assert_eq!(last.get("errors").is_some(), is_error);
        let said = last["errors"][0].as_str().unwrap_or_default();
        assert!(said.contains(error), "{said}");
    }
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_again_in_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(STEPS);
    let replies = [
        Reply::text("no"),
        Reply::text("no again"),
        Reply::text("third"),
    ];
    let mut agent = agent(folder.path(), &printer, replies);
    let _ = agent.chat("as JSON").await;
    let _ = agent.chat("not that way").await;
    let result = printer.unfit("the value: want object", agent.kit().spent(), None);
    assert_eq!(result.num_turns, 2);
    assert_eq!(result.errors, ["the value: want object"]);
    let lines = kept.lines();
    check_order(&lines);
    let kinds: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    assert_eq!(
        kinds,
        ["system", "assistant", "user", "assistant", "result"]
    );
    assert_eq!(lines[2]["message"]["content"][0]["text"], "not that way");
    assert_eq!(lines[4]["subtype"], "error_max_structured_output_retries");

    // The next run counts from the beginning.
    let outcome = agent.chat("something else").await;
    let result = printer.result(&outcome, Usage::default(), None, None);
    assert_eq!(
        (result.num_turns, result.result.as_deref()),
        (1, Some("third"))
    );
    assert_eq!(kept.lines().len(), 7);
}

#[tokio::test]
async fn what_the_user_says_meanwhile_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(STEPS);
    let replies = [
        Reply::calls([("bash", json!({"command": "true"}))]),
        Reply::text("ok"),
    ];
    let mut agent = agent(folder.path(), &printer, replies);
    agent.kit().inbox.send("and the docs");
    agent.kit().inbox.run(async { "a report".to_string() });
    let outcome = agent.chat("go").await;
    printer.result(&outcome, Usage::default(), None, None);
    let lines = kept.lines();
    let said: Vec<(&Value, &Value)> = lines
        .iter()
        .map(|line| (&line["message"]["content"][0]["text"], &line["isSynthetic"]))
        .filter(|(text, _)| text.is_string())
        .collect();
    assert!(
        said.contains(&(&json!("and the docs"), &Value::Null)),
        "{said:?}"
    );
    assert!(
        said.contains(&(&json!("a report"), &json!(true))),
        "{said:?}"
    );
    assert!(!said.iter().any(|(text, _)| **text == "go"));
}

#[test]
fn what_is_public_may_go_from_thread_to_thread() {
    fn check<T: Send + Sync>() {}
    check::<corecoder_output::Printer>();
    check::<corecoder_output::Schema>();
}
