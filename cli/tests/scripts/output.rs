//! What a script reads: the answer alone, or lines of JSON, and how the program ends.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::place::Place;
use crate::provider::{Answer, Provider, bash, calls, models, says};
use crate::{lines, of_type};

const JSON: [&str; 4] = ["-p", "hi", "--output-format", "json"];
const STREAM: [&str; 4] = ["-p", "hi", "--output-format", "stream-json"];

/// A model that looks at a file, and then answers.
fn looking() -> Provider {
    let look = json!({"file_path": "a"});
    Provider::saying([calls(&[("read_file", look)]), says("It says *needle*.")])
}

#[test]
fn text_is_the_answer_alone() {
    let (place, provider) = (Place::new(), looking());
    place.brings("a", "needle");
    let (stdout, stderr) = place.done(&provider, &["-p", "hi"]);
    assert_eq!(stdout, "It says *needle*.\n");
    assert!(
        stderr.contains("read_file a") && !stderr.contains("\u{1b}"),
        "{stderr:?}"
    );
}

#[test]
fn json_is_one_line_with_the_whole_result() {
    let (place, provider) = (Place::new(), looking());
    place.brings("a", "needle");
    let (stdout, _) = place.done(&provider, &JSON);
    let lines = lines(&stdout);
    assert_eq!(lines.len(), 1);
    let result = &lines[0];
    let expected = json!({
        "type": "result", "subtype": "success", "is_error": false, "num_turns": 2,
        "result": "It says *needle*.", "permission_denials": [], "total_cost_usd": 0.0112,
        "usage": {
            "input_tokens": 1600, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 400,
            "output_tokens": 100,
        },
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&result[name], value, "{name}");
    }
    assert!(result["duration_ms"].as_u64() >= result["duration_api_ms"].as_u64());
    assert!(
        result["session_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty())
    );
    assert_eq!(result["modelUsage"]["gpt-5.5"]["outputTokens"], 100);
    assert!(result.get("errors").is_none());
}

#[test]
fn stream_json_is_each_step_in_its_order() {
    let (place, provider) = (Place::new(), looking());
    place.brings("a", "needle");
    let lines = lines(&place.done(&provider, &STREAM).0);
    let kinds: Vec<&str> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["system", "assistant", "user", "assistant", "result"]
    );
    assert_eq!(lines[0]["subtype"], "init");
    assert_eq!(
        lines[0]["cwd"],
        json!(
            place
                .project("")
                .canonicalize()
                .unwrap()
                .to_str()
                .unwrap()
                .trim_end_matches('/')
        )
    );
    assert_eq!(
        lines[0]["tools"].as_array().unwrap().len(),
        provider.tools(0).len()
    );
    let call = &lines[1]["message"]["content"][0];
    assert_eq!(
        (&call["type"], &call["name"]),
        (&json!("tool_use"), &json!("read_file"))
    );
    assert_eq!(call["input"], json!({"file_path": "a"}));
    let result = &lines[2]["message"]["content"][0];
    assert_eq!(
        (&result["type"], &result["tool_use_id"]),
        (&json!("tool_result"), &call["id"])
    );
    assert!(result["content"].as_str().unwrap().contains("needle"));
    assert_eq!(
        lines[3]["message"]["content"][0]["text"],
        "It says *needle*."
    );
    let session: HashSet<String> = lines
        .iter()
        .map(|line| line["session_id"].to_string())
        .collect();
    assert_eq!(session.len(), 1);
    let uuids: HashSet<String> = lines.iter().map(|line| line["uuid"].to_string()).collect();
    assert_eq!(uuids.len(), lines.len());
}

#[test]
fn partial_messages_come_only_when_asked_for_and_add_up() {
    let pieces = ["One ", "two ", "three."];
    for asked in [false, true] {
        let provider = Provider::new(move |_, _| Answer::Pieces(pieces.map(says).to_vec()));
        let place = Place::new();
        let mut args = STREAM.to_vec();
        args.extend(asked.then_some("--include-partial-messages"));
        let lines = lines(&place.done(&provider, &args).0);
        let events = of_type(&lines, "stream_event");
        assert_eq!(events.is_empty(), !asked);
        let text = |line: &&Value| line["event"]["delta"]["text"].as_str().map(str::to_string);
        let text: String = events.iter().filter_map(text).collect();
        assert_eq!(
            text,
            if asked {
                pieces.concat()
            } else {
                String::new()
            }
        );
        assert_eq!(lines.last().unwrap()["result"], "One two three.");
    }
}

#[test]
fn odd_characters_break_no_line() {
    let answer = "a\u{2028}b\u{85}c\r\nd\u{0}e\u{1b}[31mf";
    let (place, provider) = (Place::new(), Provider::saying([says(answer)]));
    let (stdout, _) = place.done(&provider, &STREAM);
    assert!(
        !stdout.contains(['\u{2028}', '\u{85}', '\r', '\u{0}', '\u{1b}']),
        "{stdout:?}"
    );
    assert_eq!(lines(&stdout).last().unwrap()["result"], answer);
}

#[test]
fn cost_is_what_the_prices_say() {
    let rows = [
        (
            json!({"gpt-5.5": {"input": 2.0, "output": 10.0, "cached": 0.5}}),
            json!(0.0022),
        ),
        (
            json!({"gpt-5.5": {"input": 2.0, "output": 10.0}}),
            json!(0.0025),
        ),
        (
            json!({"another": {"input": 2.0, "output": 10.0}}),
            json!(0.0056),
        ),
        (json!({}), json!(0.0056)),
    ];
    for (prices, expected) in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        place.own(
            ".corecoder/settings.json",
            &json!({"prices": prices}).to_string(),
        );
        let result = lines(&place.done(&provider, &JSON).0)[0].clone();
        for cost in [
            &result["total_cost_usd"],
            &result["modelUsage"]["gpt-5.5"]["costUSD"],
        ] {
            let near = match (cost.as_f64(), expected.as_f64()) {
                (Some(one), Some(two)) => (one - two).abs() < 1e-9,
                _ => cost == &expected,
            };
            assert!(near, "{prices}: {result}");
        }
    }
}

#[test]
fn a_failure_has_its_subtype_and_its_exit_code_in_every_format() {
    /// The answer, further arguments, the exit code, the subtype, and words of the error.
    type Row = (
        fn(usize) -> Answer,
        &'static [&'static str],
        i32,
        &'static str,
        &'static str,
    );
    let rows: [Row; 5] = [
        (
            |_| Answer::Fails("401 Unauthorized", "bad key".into()),
            &[],
            1,
            "error_during_execution",
            "bad key",
        ),
        (
            |_| Answer::Fails("400 Bad Request", "no such field".into()),
            &[],
            1,
            "error_during_execution",
            "no such field",
        ),
        (
            |_| Answer::Fails("402 Payment Required", "no credit".into()),
            &[],
            1,
            "error_during_execution",
            "no credit",
        ),
        (
            |n| Answer::Delta(calls(&[("glob", json!({"pattern": format!("{n}.x")}))])),
            &["--max-turns", "2"],
            3,
            "error_max_turns",
            "2 rounds",
        ),
        (
            |n| Answer::Delta(calls(&[("glob", json!({"pattern": format!("{n}.x")}))])),
            &["--max-turns", "1"],
            3,
            "error_max_turns",
            "1 round",
        ),
    ];
    for (answer, more, code, subtype, words) in rows {
        for format in ["text", "json", "stream-json"] {
            let (place, provider) = (Place::new(), Provider::new(move |n, _| answer(n)));
            let args = [&["-p", "hi", "--output-format", format], more].concat();
            let (ended, stdout, stderr) = place.run(&provider, &args);
            assert_eq!(ended, code, "{stderr}");
            assert!(stderr.contains(words), "{stderr}");
            let lines = lines(&stdout);
            if format == "text" {
                assert_eq!(stdout, "");
                continue;
            }
            let result = lines.last().unwrap();
            assert_eq!(
                (&result["type"], &result["subtype"]),
                (&json!("result"), &json!(subtype))
            );
            assert_eq!(result["is_error"], true);
            assert!(
                result["errors"][0].as_str().unwrap().contains(words),
                "{result}"
            );
            assert!(result.get("result").is_none());
            assert_eq!(of_type(&lines, "result").len(), 1);
            assert_eq!(result["num_turns"], provider.requests().len());
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_75_and_a_result() {
    let place = Place::new();
    let mut command = place.bare(&JSON);
    let (code, stdout, stderr) =
        crate::ended(command.env("CORECODER_BASE_URL", "http://127.0.0.1:9/v1"));
    assert_eq!(code, 75, "{stderr}");
    assert_eq!(lines(&stdout)[0]["subtype"], "error_during_execution");
}

#[test]
fn after_so_many_turns_the_run_ends_and_can_be_gone_on_with() {
    let (place, provider) = (
        Place::new(),
        Provider::saying([bash(&["echo 1"]), bash(&["echo 2"]), says("done")]),
    );
    let (code, stdout, stderr) = place.run(&provider, &[&JSON[..], &["--max-turns", "2"]].concat());
    assert_eq!(code, 3, "{stderr}");
    let result = lines(&stdout)[0].clone();
    let id = result["session_id"].as_str().unwrap();
    assert_eq!(
        (provider.requests().len(), &result["num_turns"]),
        (2, &json!(2))
    );
    assert!(stderr.contains(&format!("corecoder -r {id}")), "{stderr}");
    let (stdout, _) = place.done(&provider, &["-p", "go on", "-r", id]);
    assert_eq!(stdout, "done\n");
    assert_eq!(provider.results(), ["1", "2"]);
}

#[test]
fn the_id_of_a_result_is_that_of_the_session() {
    let (place, provider) = (
        Place::new(),
        Provider::saying([says("first"), says("second")]),
    );
    let first = lines(&place.done(&provider, &JSON).0)[0].clone();
    let id = first["session_id"].as_str().unwrap();
    let args = ["-p", "again", "-r", id, "--output-format", "json"];
    let second = lines(&place.done(&provider, &args).0)[0].clone();
    assert_eq!(second["session_id"], id);
    // What the first run used is not counted again.
    assert_eq!(
        (&second["num_turns"], &second["usage"]),
        (&json!(1), &first["usage"])
    );
    let told = provider.told(1);
    assert!(
        told.contains("hi") && told.contains("first") && told.contains("again"),
        "{told}"
    );
    let copied = lines(&place.done(&provider, &[&args[..], &["--fork"]].concat()).0)[0].clone();
    assert_ne!(copied["session_id"], id);
}

#[test]
fn the_answer_is_written_to_a_file_too() {
    for format in ["text", "json"] {
        let (place, provider) = (Place::new(), Provider::saying([says("the answer\n\n")]));
        place.brings("out", "much that was there before");
        let args = ["-p", "hi", "-o", "out", "--output-format", format];
        let (stdout, _) = place.done(&provider, &args);
        assert_eq!(place.read("out"), "the answer\n");
        assert!(stdout.contains("the answer"), "{stdout}");
    }
}

#[test]
fn a_run_that_fails_leaves_the_file_as_it_is() {
    let place = Place::new();
    let provider = Provider::new(|_, _| Answer::Fails("400 Bad Request", "no".into()));
    place.brings("out", "before");
    assert_eq!(place.run(&provider, &["-p", "hi", "-o", "out"]).0, 1);
    assert_eq!(place.read("out"), "before");
    assert_eq!(place.run(&provider, &["-p", "hi", "-o", "new"]).0, 1);
    assert!(!place.project("new").exists());
}

#[test]
fn a_file_that_can_not_be_written_is_said_before_any_request() {
    for file in ["no/such/folder/out", ".git"] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let (code, stdout, stderr) = place.run(&provider, &["-p", "hi", "-o", file]);
        assert_eq!((code, stdout.as_str()), (2, ""), "{file}: {stderr}");
        assert!(
            stderr.contains("the answer can't be written to"),
            "{stderr}"
        );
        assert_eq!(provider.requests().len(), 0);
        assert!(
            !place.home(".corecoder/sessions").exists(),
            "a session of nothing"
        );
    }
}

#[test]
fn an_output_to_a_device_or_a_pipe_is_no_problem() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    let (stdout, _) = place.done(&provider, &["-p", "hi", "-o", "/dev/null"]);
    assert_eq!(stdout, "ok\n");
}

#[test]
fn more_words_for_the_system_prompt_stand_at_its_end() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    place.brings("AGENTS.md", "Be brief here.");
    place.done(
        &provider,
        &["-p", "hi", "--append-system-prompt", "Speak like a pirate."],
    );
    let system = provider.system();
    assert!(
        system.trim_end().ends_with("Speak like a pirate."),
        "{system}"
    );
    assert!(system.contains("Be brief here."));
}

#[test]
fn a_model_that_the_endpoint_does_not_know_is_answered_with_the_nearest_ones() {
    let place = Place::new();
    let listed = models(&["qwen3-coder", "qwen3-coder-30b", "deepseek-chat"]);
    let provider = Provider::listing(listed, |_, _| {
        Answer::Fails(
            "404 Not Found",
            "The model `qwen3-codr` does not exist".into(),
        )
    });
    let (code, _, stderr) = place.run(&provider, &["-p", "hi", "-m", "qwen3-codr"]);
    assert_eq!(code, 1);
    assert!(
        stderr.contains("near it are: qwen3-coder, qwen3-coder-30b"),
        "{stderr}"
    );
    assert!(
        !stderr.contains("deepseek-chat") && stderr.contains("-m"),
        "{stderr}"
    );
}

#[test]
fn an_answer_of_nothing_is_said() {
    let (place, provider) = (Place::new(), Provider::saying([says("")]));
    let (stdout, stderr) = place.done(&provider, &["-p", "hi"]);
    assert_eq!(stdout.trim(), "");
    assert!(stderr.contains("without an answer"), "{stderr}");
}

#[test]
fn what_is_piped_in_stands_below_the_task() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    let mut command = place.corecoder(&provider, &["-p", "review this"]);
    let (code, ..) = crate::told(&mut command, "+ a line\n");
    assert_eq!(code, 0);
    assert!(
        provider.told(0).contains("review this\n\n+ a line"),
        "{}",
        provider.told(0)
    );
    let mut command = place.corecoder(&provider, &[]);
    let (code, ..) = crate::told(&mut command, "only piped\n");
    assert_eq!((code, provider.told(1).contains("only piped")), (0, true));
}
