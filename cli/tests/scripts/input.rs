//! Lines of JSON on standard input: one message of the user each.

use serde_json::{Value, json};

use crate::place::Place;
use crate::provider::{Answer, Provider, says};
use crate::{lines, of_type, told};

const ARGS: [&str; 4] = [
    "--input-format",
    "stream-json",
    "--output-format",
    "stream-json",
];

fn message(content: Value) -> String {
    json!({"type": "user", "message": {"role": "user", "content": content}}).to_string() + "\n"
}

/// A model that counts what it is told.
fn counting() -> Provider {
    Provider::new(|n, _| Answer::Delta(says(&format!("answer {}", n + 1))))
}

fn results(lines: &[Value]) -> Vec<&str> {
    let results = of_type(lines, "result");
    let text = |line: &Value| {
        line["result"]
            .as_str()
            .or(line["errors"][0].as_str())
            .map(str::len)
    };
    assert!(results.iter().all(|line| text(line).is_some()));
    results
        .iter()
        .map(|line| line["result"].as_str().unwrap_or("error"))
        .collect()
}

#[test]
fn each_message_is_a_turn_of_one_conversation_with_a_result_of_its_own() {
    let (place, provider) = (Place::new(), counting());
    let input =
        message(json!("one")) + "\n" + &message(json!([{"type": "text", "text": "two"}])) + "\n\n";
    let (code, stdout, stderr) = told(&mut place.corecoder(&provider, &ARGS), &input);
    assert_eq!(code, 0, "{stderr}");
    let lines = lines(&stdout);
    assert_eq!(of_type(&lines, "system").len(), 1);
    assert_eq!(results(&lines), ["answer 1", "answer 2"]);
    for result in of_type(&lines, "result") {
        assert_eq!(
            (&result["num_turns"], &result["usage"]["output_tokens"]),
            (&json!(1), &json!(50))
        );
    }
    let told = provider.told(1);
    for part in ["one", "answer 1", "two"] {
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_last_line_without_its_end_counts() {
    let (place, provider) = (Place::new(), counting());
    let input = message(json!("one"));
    let (code, stdout, _) = told(&mut place.corecoder(&provider, &ARGS), input.trim_end());
    assert_eq!((code, results(&lines(&stdout))), (0, vec!["answer 1"]));
}

#[test]
fn a_picture_is_shown_to_the_model() {
    let (place, provider) = (Place::new(), counting());
    let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";
    let picture = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let input = message(json!([{"type": "text", "text": "what is this?"}, picture]))
        + &message(json!([picture]));
    let (code, stdout, stderr) = told(&mut place.corecoder(&provider, &ARGS), &input);
    assert_eq!(
        (code, results(&lines(&stdout))),
        (0, vec!["answer 1", "answer 2"]),
        "{stderr}"
    );
    let url = format!("data:image/png;base64,{data}");
    for (n, count) in [(0, 1), (1, 2)] {
        let request = provider.requests()[n].to_string();
        assert_eq!(request.matches(&url).count(), count, "{request}");
        assert!(request.contains("what is this?"));
    }
}

#[test]
fn a_line_that_is_not_understood_is_named_has_a_result_and_stops_nothing() {
    let rows = [
        ("{oops", "no JSON"),
        ("[]", "no type"),
        (
            r#"{"type":"control_request","request":{"subtype":"interrupt"}}"#,
            "control request",
        ),
        (
            r#"{"type":"user","message":{"role":"user","content":[{"type":"video"}]}}"#,
            "video",
        ),
        (
            r#"{"type":"user","message":{"role":"user","content":"  "}}"#,
            "nothing said",
        ),
    ];
    for (broken, expected) in rows {
        let (place, provider) = (Place::new(), counting());
        let input = message(json!("one")) + broken + "\n" + &message(json!("two"));
        let (code, stdout, stderr) = told(&mut place.corecoder(&provider, &ARGS), &input);
        // A good end does not hide it.
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains("line 2 of standard input"), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
        let lines = lines(&stdout);
        assert_eq!(
            results(&lines),
            ["answer 1", "error", "answer 2"],
            "{broken}"
        );
        let result = of_type(&lines, "result")[1];
        assert_eq!(result["subtype"], "error_during_execution");
        assert!(result["errors"][0].as_str().unwrap().contains(expected));
        assert_eq!(result["usage"]["output_tokens"], 0);
    }
}

#[test]
fn bytes_that_are_no_text_are_a_broken_line_and_not_the_end() {
    use std::io::Write;
    use std::process::Stdio;
    let (place, provider) = (Place::new(), counting());
    let mut command = place.corecoder(&provider, &ARGS);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"{\"type\": \"\xff\"}\n").unwrap();
    stdin.write_all(message(json!("one")).as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let lines = lines(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(results(&lines), ["error", "answer 1"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_turn_that_fails_is_not_hidden_by_one_that_succeeds() {
    let place = Place::new();
    let provider = Provider::new(|n, _| match n {
        0 => Answer::Fails("400 Bad Request", "not like this".into()),
        _ => Answer::Delta(says("fine")),
    });
    let input = message(json!("one")) + &message(json!("two"));
    let (code, stdout, _) = told(&mut place.corecoder(&provider, &ARGS), &input);
    assert_eq!((code, results(&lines(&stdout))), (1, vec!["error", "fine"]));
}

#[test]
fn with_no_message_at_all_nothing_is_asked() {
    let (place, provider) = (Place::new(), counting());
    let (code, stdout, stderr) = told(&mut place.corecoder(&provider, &ARGS), "");
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("standard input"), "{stderr}");
    assert!(of_type(&lines(&stdout), "result").len() <= 1);
    assert_eq!(provider.requests().len(), 0);
}

#[test]
fn a_task_beside_lines_is_refused_before_it_could_be_lost() {
    let (place, provider) = (Place::new(), counting());
    let args = [&["-p", "first words"], &ARGS[..]].concat();
    let (code, stdout, stderr) = told(
        &mut place.corecoder(&provider, &args),
        &message(json!("one")),
    );
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(
        stderr.contains("--input-format") && stderr.contains("-p"),
        "{stderr}"
    );
}

#[test]
fn answers_as_text_stand_below_each_other() {
    let (place, provider) = (Place::new(), counting());
    let input = message(json!("one")) + &message(json!("two"));
    let (code, stdout, _) = told(&mut place.corecoder(&provider, &ARGS[..2]), &input);
    assert_eq!((code, stdout.as_str()), (0, "answer 1\nanswer 2\n"));
}

#[test]
fn the_last_answer_is_written_to_the_file() {
    let (place, provider) = (Place::new(), counting());
    let input = message(json!("one")) + &message(json!("two"));
    let args = [&ARGS[..], &["-o", "out"]].concat();
    told(&mut place.corecoder(&provider, &args), &input);
    assert_eq!(place.read("out"), "answer 2\n");
}
