//! Models that take over: from what failures, how that is told, and what stays as it was.

use serde_json::{Value, json};

use crate::Home;
use crate::provider::{Asked, Provider, Reply, What, agent, calls, dead, failed, says, write};
use crate::terminal::Setup;

/// A main model at `first`, and one that stands in at `second`.
fn env<'a>(first: &'a str, second: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("ANTHROPIC_BASE_URL", first),
        ("ANTHROPIC_API_KEY", "key-of-the-first"),
        ("DEEPSEEK_BASE_URL", second),
        ("DEEPSEEK_API_KEY", "key-of-the-second"),
    ]
}

const ARGS: [&str; 7] = [
    "--yes",
    "-m",
    "anthropic/claude-sonnet-5-5",
    "--fallback",
    "deepseek/deepseek-chat",
    "-p",
    "write the file",
];

/// Writes a file when it is told to, and says so.
fn writer() -> Provider {
    Provider::new(|asked, _| match asked.results().is_empty() {
        true => calls(&[write("file", "written\n")]),
        false => says("It is written."),
    })
}

/// With the flags for JSON.
fn streamed() -> Vec<&'static str> {
    [&ARGS[..], &["--output-format", "stream-json"]].concat()
}

/// What a request of its kind fails with.
type Failure = fn() -> Reply;

const FAILURES: [(&str, Failure, &str); 7] = [
    ("503", || failed(503, "we are full"), "we are full"),
    ("529", || failed(529, "Overloaded"), "Overloaded"),
    ("500", || failed(500, "oh no"), "oh no"),
    (
        "an unknown model",
        || failed(404, "model: claude-sonnet-5-5"),
        "404",
    ),
    (
        "no credit",
        || failed(402, "Your credit balance is too low"),
        "credit",
    ),
    (
        "a long wait",
        || What::Failed(429, "slow down".into(), Some(3_600)).into(),
        "slow down",
    ),
    ("a cut", || What::Cut("I will beg".into()).into(), ""),
];

#[test]
fn another_model_takes_over_whatever_the_first_fails_of() {
    for (case, failure, words) in FAILURES {
        let (first, second) = (Provider::new(move |_, _| failure()), writer());
        let home = Home::made();
        let ended = home.run(&env(&first.url, &second.url), &ARGS);
        assert_eq!(ended.code, 0, "{case}: {ended:#?}");
        assert_eq!(ended.stdout, "It is written.\n", "{case}");
        assert!(ended.stderr.contains(words), "{case}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("deepseek/deepseek-chat"),
            "{case}: {}",
            ended.stderr
        );
        assert_eq!(
            home.read("project/file").as_deref(),
            Some("written\n"),
            "{case}"
        );
        assert_eq!(
            first.asked().len(),
            1,
            "{case}: it is left alone from then on"
        );
        assert_eq!(second.asked().len(), 2, "{case}");
        let sent = second.asked().iter().map(Asked::whole).collect::<String>();
        assert!(
            !sent.contains("I will beg"),
            "{case}: what was cut off is void"
        );
    }
}

#[test]
fn a_dead_port_is_left_for_the_next_model_at_once() {
    let (dead, second) = (dead(), writer());
    let ended = Home::made().run(&env(&dead, &second.url), &ARGS);
    ended.is(0, &["It is written.", "deepseek/deepseek-chat"]);
    assert!(!ended.stderr.contains("trying again"), "{}", ended.stderr);
}

#[test]
fn a_wrong_key_or_a_wrong_request_is_said_and_not_worked_around() {
    for (status, words) in [
        (401, "invalid x-api-key"),
        (400, "messages.3: no such thing"),
    ] {
        let (first, second) = (Provider::new(move |_, _| failed(status, words)), writer());
        let ended = Home::made().run(&env(&first.url, &second.url), &ARGS);
        ended.is(1, &[words]);
        assert!(second.asked().is_empty(), "{status}");
    }
}

#[test]
fn each_switch_is_a_line_of_the_stream_and_the_replies_name_their_model() {
    let (first, second) = (Provider::new(|_, _| failed(503, "we are full")), writer());
    let home = Home::made();
    let ended = home.run(&env(&first.url, &second.url), &streamed());
    ended.is(0, &[]);
    let lines = ended.lines();
    let switches: Vec<&Value> = lines
        .iter()
        .filter(|line| line["subtype"] == "api_retry")
        .collect();
    assert_eq!(switches.len(), 1, "{switches:#?}");
    assert_eq!(switches[0]["model"], "deepseek/deepseek-chat");
    assert!(
        switches[0]["message"]
            .as_str()
            .unwrap()
            .contains("we are full")
    );
    let replies = lines.iter().filter(|line| line["type"] == "assistant");
    for reply in replies {
        assert_eq!(
            reply["message"]["model"], "deepseek/deepseek-chat",
            "{reply}"
        );
    }
    // The journal tells the same.
    let journal = home.journal();
    let spent = journal
        .matches("\"model\":\"deepseek/deepseek-chat\"")
        .count();
    assert!(spent >= 2, "{journal}");
    let cost = home.cost();
    let models: Vec<&str> = cost["models"]
        .as_array()
        .unwrap()
        .iter()
        .map(|model| model["name"].as_str().unwrap())
        .collect();
    assert_eq!(models, ["deepseek/deepseek-chat"]);
}

#[test]
fn a_session_that_another_model_finished_goes_on_with_the_first() {
    let (first, second) = (Provider::new(|_, _| failed(503, "we are full")), writer());
    let home = Home::made();
    home.run(&env(&first.url, &second.url), &ARGS).is(0, &[]);
    let well = Provider::echo();
    let args = ["-c", "-p", "and on", "-m", "anthropic/claude-sonnet-5-5"];
    home.run(&env(&well.url, &second.url), &args)
        .is(0, &["Heard: and on."]);
    let body = well.asked()[0].body.to_string();
    assert!(
        body.contains("write the file") && body.contains("It is written."),
        "{body}"
    );
    let cost = home.cost();
    let models = cost["models"].as_array().unwrap();
    let names: Vec<&Value> = models.iter().map(|model| &model["name"]).collect();
    assert_eq!(
        names,
        ["deepseek/deepseek-chat", "anthropic/claude-sonnet-5-5"]
    );
}

#[test]
fn a_server_that_dies_behind_a_write_does_not_have_it_made_again() {
    let first = Provider::new(|_, before| match before {
        0 => calls(&[("bash", json!({"command": "echo once >> file"}))]),
        1 => What::Cut("Now it is wri".into()).into(),
        _ => failed(503, "gone"),
    });
    let second = Provider::new(|asked, _| says(format!("Results: {}", asked.results().len())));
    let home = Home::made();
    home.run(&env(&first.url, &second.url), &ARGS)
        .is(0, &["Results: 1"]);
    assert_eq!(home.read("project/file").as_deref(), Some("once\n"));
    let entries = second.asked()[0].body.to_string();
    assert!(!entries.contains("Now it is wri"), "{entries}");
}

#[test]
fn a_call_that_was_cut_off_is_not_made() {
    let first = Provider::new(|_, _| What::Cut("I write now".into()).into());
    let second = writer();
    let home = Home::made();
    home.run(&env(&first.url, &second.url), &ARGS).is(0, &[]);
    assert_eq!(home.read("project/file").as_deref(), Some("written\n"));
}

#[test]
fn sub_agents_ask_the_model_that_took_over() {
    let first = Provider::new(|_, before| match before {
        0 => calls(&[agent("look around"), agent("look there")]),
        _ => failed(503, "we are full"),
    });
    let second = Provider::new(|asked, _| match asked.said().as_str() {
        task if task.starts_with("look") => says(format!("Report of {task}.")),
        _ => says(format!("Both: {}", asked.results().join(" "))),
    });
    let ended = Home::made().run(&env(&first.url, &second.url), &ARGS);
    ended.is(0, &["Report of look around.", "Report of look there."]);
}

#[test]
fn a_summary_is_written_by_the_model_that_took_over() {
    let long = "some words of which there are many ".repeat(400);
    let first = Provider::new(|_, _| failed(503, "we are full"));
    let answer = long.clone();
    let second = Provider::new(move |asked, before| match (asked.is_summary(), before) {
        (true, _) => says("The notes of the one that took over."),
        (false, 0..6) => {
            let read = json!({"command": format!("echo {answer}")});
            let size = asked.body.to_string().len() as u64 / 4;
            calls(&[("bash", read)]).counted(size, 0, 100)
        }
        (false, _) => says("Done."),
    });
    let home = Home::made();
    let mut env = env(&first.url, &second.url);
    env.push(("CORECODER_MAX_CONTEXT", "20000"));
    home.run(&env, &ARGS).is(0, &["Done.", "became a summary"]);
    assert!(second.asked().iter().any(Asked::is_summary));
    assert_eq!(first.asked().len(), 1);
    let parts = home.cost()["parts"].to_string();
    assert!(parts.contains("summaries"), "{parts}");
}

#[test]
fn when_all_are_dead_each_is_named_with_its_reason_and_the_code_is_75() {
    let first = Provider::new(|_, _| failed(503, "we are full"));
    let second = Provider::new(|_, _| failed(500, "we are broken"));
    let ended = Home::made().run(&env(&first.url, &second.url), &streamed());
    ended.is(
        75,
        &[
            "no model answers",
            "anthropic/claude-sonnet-5-5: ",
            "we are full",
            "deepseek/deepseek-chat: ",
            "we are broken",
        ],
    );
    let result = ended.lines().pop().unwrap();
    assert_eq!(result["is_error"], true, "{result}");
    let (one, other) = (dead(), dead());
    let ended = Home::made().run(&env(&one, &other), &ARGS);
    ended.is(75, &["no model answers", &one[7..], &other[7..]]);
}

#[test]
fn stand_ins_come_from_a_variable_and_from_settings_too() {
    let second = writer();
    let dead = dead();
    let [yes, model, name, _, fallback, prompt, task] = ARGS;
    let args = [yes, model, name, prompt, task];
    let mut by_variable = env(&dead, &second.url);
    by_variable.push(("CORECODER_FALLBACK", fallback));
    Home::made()
        .run(&by_variable, &args)
        .is(0, &["It is written."]);
    for list in [json!([fallback]), json!(fallback)] {
        let home = Home::with(json!({"fallback": list}));
        home.run(&env(&dead, &second.url), &args)
            .is(0, &["It is written."]);
    }
}

#[test]
fn a_stand_in_that_can_not_be_one_is_said_before_anything_is_asked() {
    let first = Provider::echo();
    let rows = [
        ("bedrock/claude", "Bedrock signs its requests"),
        ("m@ftp://somewhere", "--fallback m@ftp://somewhere"),
        ("openai/gpt-5.5", "no API key for openai"),
    ];
    for (name, words) in rows {
        let args = [
            "-p",
            "hello",
            "-m",
            "anthropic/claude-sonnet-5-5",
            "--fallback",
            name,
        ];
        let ended = Home::made().run(&env(&first.url, &first.url), &args);
        ended.is(2, &[words]);
    }
    assert!(first.asked().is_empty());
}

#[test]
fn a_stand_in_that_reads_less_gets_a_conversation_made_shorter() {
    let first = Provider::new(|_, before| match before {
        0..6 => calls(&[("bash", json!({"command": format!("seq {before} 2000")}))]),
        _ => failed(503, "we are full"),
    });
    let second = Provider::new(|asked, _| match asked.body.to_string().len() / 4 {
        8_001.. => failed(
            400,
            "This model's maximum context length is 8000 tokens. However, your messages resulted in more.",
        ),
        _ if asked.is_summary() => says("The notes."),
        _ => says("Done."),
    });
    let ended = Home::made().run(&env(&first.url, &second.url), &ARGS);
    ended.is(0, &["Done.", "made room"]);
}

#[test]
fn the_line_below_the_prompt_names_the_model_that_took_over() {
    let (first, second) = (
        Provider::new(|_, _| failed(503, "we are full")),
        Provider::echo(),
    );
    let mut setup = Setup::new().args(&["-m", "anthropic/claude-sonnet-5-5"]);
    for (name, value) in env(&first.url, &second.url) {
        setup = setup.env(name, value);
    }
    let setup = setup
        .env("CORECODER_BASE_URL", "")
        .env("CORECODER_FALLBACK", "deepseek/deepseek-chat");
    let mut terminal = setup.start(first.clone());
    assert!(terminal.shows("· anthropic/claude-sonnet-5-5 ·"));
    terminal.talks(
        "hello",
        &[
            "deepseek/deepseek-chat is asked from now on",
            "Heard: hello.",
        ],
    );
    terminal.sees("ask · deepseek/deepseek-chat ·");
    terminal.leaves();
}
