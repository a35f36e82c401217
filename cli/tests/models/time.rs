//! Servers that are slow, and tasks that take too long: each wait has its own limit, in seconds.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::provider::{Provider, Reply, What, agent, bash, calls, says};
use crate::{Home, together};

fn args(provider: &str) -> [&str; 6] {
    ["-p", "hello", "--provider", provider, "-m", "some-model"]
}

/// The wires, by the variable of their URL.
const WIRES: [(&str, &str); 5] = [
    ("anthropic", "ANTHROPIC_BASE_URL"),
    ("gemini", "GOOGLE_GEMINI_BASE_URL"),
    ("responses", "OPENAI_BASE_URL"),
    ("ollama", "OLLAMA_HOST"),
    ("deepseek", "DEEPSEEK_BASE_URL"),
];

type Answer = fn() -> Reply;

#[test]
fn a_server_that_says_nothing_ends_within_the_limit_that_is_set_and_names_it() {
    let rows: [(&str, Answer, &str); 3] = [
        (
            "first_byte_timeout_seconds",
            || What::Silent.into(),
            "began no reply (timed out after 1 s)",
        ),
        (
            "idle_timeout_seconds",
            || What::Stalled("I think".into()).into(),
            "fell silent (timed out after 1 s)",
        ),
        (
            "total_timeout_seconds",
            || What::Slow(vec!["a"; 100], Duration::from_millis(100)).into(),
            "was not done in time (timed out after 1 s)",
        ),
    ];
    together(rows, |(setting, answer, words)| {
        // The first is asked once, the other one then shows that it was given up.
        let silent = Provider::new(move |_, _| answer());
        let other = Provider::echo();
        let home = Home::with(json!({setting: 1}));
        let began = Instant::now();
        let args = [
            "-p",
            "hello",
            "--provider",
            "anthropic",
            "--fallback",
            "deepseek/deepseek-chat",
        ];
        let env = [
            ("ANTHROPIC_BASE_URL", silent.url.as_str()),
            ("DEEPSEEK_BASE_URL", other.url.as_str()),
        ];
        let ended = home.run(&env, &args);
        let took = began.elapsed();
        ended.is(0, &["Heard: hello.", words]);
        assert!(took > Duration::from_millis(950), "{setting}: {took:?}");
        assert!(took < Duration::from_secs(9), "{setting}: {took:?}");
        assert_eq!(silent.asked().len(), 1, "{setting}");
    });
}

#[test]
fn without_another_model_a_silent_server_is_given_up_with_75_and_a_word_on_what_to_change() {
    let silent = Provider::new(|_, _| What::Silent.into());
    let env = [
        ("DEEPSEEK_BASE_URL", silent.url.as_str()),
        ("CORECODER_FIRST_BYTE_TIMEOUT_SECONDS", "1"),
    ];
    let began = Instant::now();
    let ended = Home::made().run(&env, &args("deepseek"));
    ended.is(75, &["1 s", "gave up after 2 tries"]);
    assert!(began.elapsed() < Duration::from_secs(9));
}

#[test]
fn a_slow_but_living_server_is_waited_for_on_every_wire() {
    together(WIRES, check_slow);
}

/// Longer than the limit of each wait together, shorter each by itself.
fn check_slow((provider, url): (&str, &str)) {
    let pause = Duration::from_millis(400);
    let slow = Provider::new(move |_, _| What::Slow(vec!["still ", "alive"], pause).into());
    let env = [
        (url, slow.url.as_str()),
        ("CORECODER_FIRST_BYTE_TIMEOUT_SECONDS", "1"),
        ("CORECODER_IDLE_TIMEOUT_SECONDS", "1"),
        ("CORECODER_CONNECT_TIMEOUT_SECONDS", "1"),
    ];
    let ended = Home::made().run(&env, &args(provider));
    assert_eq!(ended.code, 0, "{provider}: {ended:#?}");
    assert_eq!(ended.stdout, "still alive\n", "{provider}");
    assert_eq!(slow.asked().len(), 1, "{provider}");
}

#[test]
fn an_address_that_takes_no_connection_is_given_up_in_the_time_that_is_set() {
    // Not routed, by RFC 5737; where that is refused at once, nothing is waited for.
    let env = [
        ("ANTHROPIC_BASE_URL", "http://192.0.2.1"),
        ("CORECODER_CONNECT_TIMEOUT_SECONDS", "1"),
    ];
    let other = Provider::echo();
    let env = [&env[..], &[("DEEPSEEK_BASE_URL", other.url.as_str())]].concat();
    let began = Instant::now();
    let args = [
        "-p",
        "hello",
        "--provider",
        "anthropic",
        "--fallback",
        "deepseek/deepseek-chat",
    ];
    Home::made().run(&env, &args).is(0, &["Heard: hello."]);
    assert!(began.elapsed() < Duration::from_secs(9));
}

#[test]
fn the_longest_time_for_a_task_stops_a_command_that_runs_and_kills_it() {
    let provider = Provider::new(|asked, _| match asked.said().as_str() {
        "delegate" => calls(&[agent("work")]),
        "aside" if asked.results().is_empty() => {
            calls(&[("agent", json!({"task": "work", "background": true}))])
        }
        "aside" => says("I wait for the report."),
        _ => calls(&[bash("echo $$ > pid; sleep 60; echo late > late")]),
    });
    let url = provider.v1();
    let env = [
        ("CORECODER_BASE_URL", url.as_str()),
        ("CORECODER_MODEL", "m"),
    ];
    let rows = [
        ("work", &["--max-time", "1s"][..], None),
        ("work", &[], Some(1)),
        ("delegate", &["--max-time", "1"], None),
        ("aside", &["--max-time", "1"], None),
    ];
    together(rows, |(task, flags, setting)| {
        let home = match setting {
            Some(seconds) => Home::with(json!({"max_time_seconds": seconds})),
            None => Home::made(),
        };
        let began = Instant::now();
        let args = [
            &["--yes", "--output-format", "stream-json", "-p", task],
            flags,
        ]
        .concat();
        let ended = home.run(&env, &args);
        assert!(began.elapsed() < Duration::from_secs(9));
        ended.is(3, &["stopped after 1 s", "--max-time"]);
        let result = ended.lines().pop().unwrap();
        assert_eq!(result["subtype"], "error_max_budget_usd", "{result}");
        assert_eq!(result["is_error"], true);
        let pid = home.read("project/pid").unwrap();
        let proc = format!("/proc/{}/stat", pid.trim());
        let deadline = Instant::now() + Duration::from_secs(5);
        // Gone, or a zombie that nobody has waited for yet.
        while std::fs::read_to_string(&proc).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(Instant::now() < deadline, "the command still runs");
            std::thread::yield_now();
        }
        assert_eq!(home.read("project/late"), None);
        // The history is one that can go on.
        let well = Provider::new(|asked, _| says(asked.results().join(" ")));
        let url = well.v1();
        let env = [
            ("CORECODER_BASE_URL", url.as_str()),
            ("CORECODER_MODEL", "m"),
        ];
        let ended = home.run(&env, &["-c", "-p", "and on", "--max-time", "1m"]);
        assert_eq!(ended.code, 0, "{ended:#?}");
        assert_eq!(well.asked()[0].results().len(), 1);
    });
}

#[test]
fn the_longest_time_stops_a_request_that_is_under_way_too() {
    let silent = Provider::new(|_, _| What::Silent.into());
    let url = silent.v1();
    let env = [
        ("CORECODER_BASE_URL", url.as_str()),
        ("CORECODER_MODEL", "m"),
    ];
    let ended = Home::made().run(&env, &["-p", "hello", "--max-time", "1"]);
    ended.is(3, &["stopped after 1 s"]);
}
