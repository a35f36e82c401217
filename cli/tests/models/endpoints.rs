//! What is asked about endpoints: which models there are, whether all is well, and what is set.

use serde_json::{Value, json};

use crate::Home;
use crate::provider::{Provider, dead};

#[test]
fn the_models_of_a_provider_are_listed_with_window_and_price() {
    let provider = Provider::echo();
    let rows = [
        ("anthropic", "ANTHROPIC_BASE_URL", "x-api-key"),
        ("gemini", "GOOGLE_GEMINI_BASE_URL", "x-goog-api-key"),
        ("openrouter", "OPENROUTER_BASE_URL", "authorization"),
        ("ollama", "OLLAMA_HOST", "authorization"),
    ];
    for (name, url, header) in rows {
        let provider = Provider::echo();
        let key = format!("{}_API_KEY", name.to_uppercase());
        let env = [
            (url, provider.url.as_str()),
            (key.as_str(), "key-of-this-one"),
        ];
        let home = Home::made();
        let ended = home.run(&env, &["models", name]);
        ended.is(0, &[name, &provider.url, "claude-sonnet-5-5", "small-one"]);
        let sent = provider.all()[0].header(header).map(str::to_string);
        assert!(
            sent.is_some_and(|sent| sent.ends_with("key-of-this-one")),
            "{name}"
        );
        let ended = home.run(&env, &["models", name, "--json"]);
        let list: Vec<Value> = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(list.len(), 3, "{name}");
        let one = |wanted: &str| list.iter().find(|model| model["name"] == wanted).unwrap();
        match name {
            "ollama" => assert_eq!(one("small-one")["input"], json!(0.0)),
            _ => assert_eq!(one("small-one")["input"], Value::Null),
        }
        if name == "anthropic" {
            assert!(one("claude-sonnet-5-5")["input"].as_f64().unwrap() > 0.0);
            assert!(one("claude-sonnet-5-5")["window"].as_u64().unwrap() > 0);
        }
        assert!(provider.asked().is_empty(), "nothing is spent on it");
    }
    // The endpoint that is set up, with a price of the user's own.
    let home = Home::with(json!({"prices": {"small-one": {"input": 1.25, "output": 10}}}));
    let url = provider.v1();
    let env = [("CORECODER_BASE_URL", url.as_str())];
    let ended = home.run(&env, &["models"]);
    ended.is(0, &["small-one", "50k", "$1.25 in, $10 out a million"]);
    assert!(
        ended.stdout.lines().all(|line| line.chars().count() <= 100),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_provider_that_is_not_known_is_told_with_those_that_are() {
    let home = Home::made();
    for args in [
        &["models", "antropic"][..],
        &["-p", "hello", "--provider", "antropic"],
        &["-p", "hello", "-m", "m", "--provider", "antropic"],
    ] {
        home.run(&[], args)
            .is(2, &["\"antropic\"", "did you mean anthropic?"]);
    }
    // Nothing is near: all that there are.
    home.run(&[], &["models", "xyzzy"])
        .is(2, &["\"xyzzy\"", "anthropic", "gemini", "ollama"]);
    home.run(&[], &["models", "bedrock"])
        .is(2, &["Bedrock signs its requests"]);
    home.run(&[], &["models", "azure"])
        .is(2, &["AZURE_OPENAI_ENDPOINT"]);
}

#[test]
fn a_server_that_is_not_there_or_refuses_is_told_and_is_no_slip_of_the_user() {
    let gone = dead();
    let env = [("ANTHROPIC_BASE_URL", gone.as_str())];
    let ended = Home::made().run(&env, &["models", "anthropic"]);
    ended.is(75, &[&gone, "lists no models"]);
}

#[test]
fn the_doctor_asks_a_provider_on_its_own_wire() {
    for (name, url, key, model) in [
        (
            "anthropic",
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_API_KEY",
            "claude-sonnet-5-5",
        ),
        (
            "gemini",
            "GOOGLE_GEMINI_BASE_URL",
            "GEMINI_API_KEY",
            "gemini-3.8-flash",
        ),
        ("ollama", "OLLAMA_HOST", "OLLAMA_API_KEY", "small-one"),
    ] {
        let provider = Provider::echo();
        let env = [(url, provider.url.as_str()), (key, "key-of-this-one")];
        let ended = Home::made().run(&env, &["--provider", name, "-m", model, "doctor"]);
        let answered = format!("{model} answered in");
        ended.is(0, &[key, "lists 3 models", &answered]);
        assert!(!format!("{ended:?}").contains("key-of-this-one"));
        assert_eq!(provider.asked().len(), 1);
    }
    let env = [
        ("ANTHROPIC_API_KEY", "key"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9"),
    ];
    Home::made()
        .run(&env, &["doctor"])
        .is(1, &["claude-sonnet-5-5 was not asked"]);
}

#[test]
fn the_doctor_looks_at_those_that_take_over_too() {
    let provider = Provider::echo();
    let gone = dead();
    let env = [
        ("ANTHROPIC_BASE_URL", provider.url.as_str()),
        ("DEEPSEEK_BASE_URL", gone.as_str()),
        ("CORECODER_FALLBACK", "deepseek/deepseek-chat"),
    ];
    let ended = Home::made().run(&env, &["--provider", "anthropic", "doctor"]);
    ended.is(
        1,
        &[
            "claude-sonnet-5-5 answered in",
            "deepseek/deepseek-chat was not asked",
        ],
    );
}

/// Each setting with a value in a file, in a variable, and as a flag.
const SETTINGS: [(&str, &str, &str, &str); 11] = [
    ("provider", "gemini", "CORECODER_PROVIDER", "--provider"),
    ("effort", "\"high\"", "CORECODER_EFFORT", "--effort"),
    ("fallback", "\"a/b\"", "CORECODER_FALLBACK", "--fallback"),
    ("max_cost", "2.5", "CORECODER_MAX_COST", "--max-cost"),
    ("max_cost_per_day", "7", "CORECODER_MAX_COST_PER_DAY", ""),
    (
        "max_tokens_total",
        "1234",
        "CORECODER_MAX_TOKENS_TOTAL",
        "--max-tokens-total",
    ),
    (
        "max_time_seconds",
        "77",
        "CORECODER_MAX_TIME_SECONDS",
        "--max-time",
    ),
    (
        "connect_timeout_seconds",
        "11",
        "CORECODER_CONNECT_TIMEOUT_SECONDS",
        "",
    ),
    (
        "first_byte_timeout_seconds",
        "22",
        "CORECODER_FIRST_BYTE_TIMEOUT_SECONDS",
        "",
    ),
    (
        "idle_timeout_seconds",
        "33",
        "CORECODER_IDLE_TIMEOUT_SECONDS",
        "",
    ),
    (
        "total_timeout_seconds",
        "44",
        "CORECODER_TOTAL_TIMEOUT_SECONDS",
        "",
    ),
];

#[test]
fn the_settings_are_shown_with_where_they_come_from() {
    for (name, value, variable, flag) in SETTINGS {
        let text = value.trim_matches('"');
        let value: Value = serde_json::from_str(value).unwrap_or_else(|_| json!(text));
        let home = Home::with(json!({name: value}));
        let shown = |env: &[(&str, &str)], args: &[&str]| {
            let ended = home.run(env, &[args, &["config"]].concat());
            assert_eq!(ended.code, 0, "{ended:#?}");
            let mut lines = ended.stdout.lines();
            let line = lines.find(|line| line.starts_with(&format!("{name} ")));
            line.unwrap_or_default().to_string()
        };
        let check = |line: String, origin: &str| {
            assert!(line.contains(&format!(" {text} ")), "{name}: {line}");
            assert!(line.contains(origin), "{name}: {line}");
        };
        check(shown(&[], &[]), "settings.json");
        check(shown(&[(variable, text)], &[]), variable);
        if !flag.is_empty() {
            check(shown(&[(variable, text)], &[flag, text]), flag);
        }
    }
}

#[test]
fn the_model_that_is_shown_is_the_one_that_would_be_asked() {
    for (variable, model) in [
        ("ANTHROPIC_API_KEY", "claude-sonnet-5-5"),
        ("GEMINI_API_KEY", "gemini-3.8-flash"),
        ("OPENAI_API_KEY", "gpt-5.5"),
        ("DEEPSEEK_API_KEY", "deepseek-v4-flash"),
    ] {
        let ended = Home::made().run(&[(variable, "key-0123456789-abcd")], &["config"]);
        let line = |name: &str| {
            let mut lines = ended.stdout.lines();
            lines
                .find(|line| line.starts_with(&format!("{name} ")))
                .unwrap_or_default()
        };
        assert!(
            line("model").contains(model),
            "{variable}: {}",
            line("model")
        );
        assert!(
            line("api_key").contains("…abcd"),
            "{variable}: {}",
            line("api_key")
        );
        assert!(line("api_key").contains(variable), "{}", line("api_key"));
    }
}

#[test]
fn a_wrong_value_is_told_with_what_it_must_be() {
    let provider = Provider::echo();
    let url = provider.v1();
    let base = [
        ("CORECODER_BASE_URL", url.as_str()),
        ("CORECODER_MODEL", "m"),
    ];
    // Flags end the program.
    for (flag, value, words) in [
        ("--effort", "hard", "low, medium, high, max"),
        ("--max-cost", "much", "dollars"),
        ("--max-cost", "-1", "--max-cost"),
        ("--max-cost", "NaN", "dollars"),
        ("--max-tokens-total", "0", "--max-tokens-total"),
        ("--max-time", "soon", "10m"),
        ("--max-time", "0", "10m"),
        ("--provider", "", "provider"),
        (
            "--base-url",
            "localhost:8000",
            "it must begin with https:// or http://",
        ),
        (
            "--base-url",
            "somewhere",
            "it must begin with https:// or http://",
        ),
    ] {
        let ended = Home::made().run(&base, &["-p", "hello", &format!("{flag}={value}")]);
        ended.is(2, &[words]);
    }
    // What only changes how something is done is told, and left out.
    for (name, value, words) in [
        ("effort", "hard", "one of low, medium, high, max"),
        ("idle_timeout_seconds", "0", "a whole number above 0"),
        ("connect_timeout_seconds", "1.5", "a whole number above 0"),
    ] {
        let variable = format!("CORECODER_{}", name.to_uppercase());
        let mut env = base.to_vec();
        env.push((&variable, value));
        let ended = Home::made().run(&env, &["-p", "hello"]);
        ended.is(0, &[&variable, words, "Heard: hello."]);
        let home = Home::with(json!({name: serde_json::from_str(value).unwrap_or(json!(value))}));
        home.run(&base, &["-p", "hello"])
            .is(0, &[name, words, "Heard: hello."]);
    }
    // Rows that can't be used are named, each by itself.
    let rows = json!({
        "prices": {"m": {"input": "cheap"}, "n": {"input": 1, "outptu": 2}},
        "providers": {"mine": {"wire": "telegraph", "base_url": "http://x"}},
    });
    let ended = Home::with(rows).run(&base, &["-p", "hello"]);
    ended.is(
        0,
        &[
            "settings.json",
            "cheap",
            "outptu",
            "telegraph",
            "Heard: hello.",
        ],
    );
}

#[test]
fn a_provider_of_ones_own_is_a_row_in_the_settings() {
    let provider = Provider::worker();
    let row = json!({
        "base_url": provider.url, "wire": "anthropic", "keys": ["MINE_API_KEY"], "model": "my-model",
    });
    let home = Home::with(json!({"providers": {"mine": row}}));
    let env = [("MINE_API_KEY", "key-of-mine-12345")];
    let args = ["--yes", "-p", "use the tool", "--provider", "mine"];
    home.run(&env, &args).is(0, &["from-the-tool"]);
    let asked = &provider.asked()[0];
    assert_eq!(asked.path, "/v1/messages");
    assert_eq!(asked.model(), "my-model");
    assert_eq!(asked.header("x-api-key"), Some("key-of-mine-12345"));
}
