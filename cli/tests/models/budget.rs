//! What may be spent: whatever a server bills, it never bills more than was allowed.

use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::provider::{Count, Provider, Reply, What, agent, bash, calls, failed, says};
use crate::{Ended, Home, ended, together};

/// Dollars per million tokens, in and out.
const INPUT: f64 = 10.0;
const OUTPUT: f64 = 50.0;

/// The user's settings, with a price for the model and for one that stands in.
fn home() -> Home {
    Home::with(settings())
}

fn settings() -> Value {
    let price = json!({"input": INPUT, "output": OUTPUT});
    json!({"prices": {"dear-model": price, "other-model": price}})
}

fn dollars(billed: &[(String, Count)]) -> f64 {
    let one = |count: &Count| count.prompt as f64 * INPUT + count.completion as f64 * OUTPUT;
    billed.iter().map(|(_, count)| one(count)).sum::<f64>() / 1e6
}

fn env(url: &str) -> [(&str, &str); 2] {
    [
        ("CORECODER_BASE_URL", url),
        ("CORECODER_MODEL", "dear-model"),
    ]
}

/// Works for ever: rounds with a command each, sub-agents side by side, and now and then a failure.
fn endless() -> Provider {
    Provider::new(|asked, before| {
        let is_child = asked.said().starts_with("look");
        match before % 7 {
            2 if !is_child => calls(&[agent("look here"), agent("look there"), agent("look on")]),
            4 => failed(503, "try again"),
            5 => What::Cut("half of it".repeat(20)).into(),
            6 if is_child => says("A report. ".repeat(20)),
            _ => calls(&[bash(&format!("seq {before} 400"))]),
        }
    })
}

#[test]
fn whatever_happens_no_more_is_billed_than_was_allowed() {
    together(["0.15", "0.3", "0.6", "1.2"], check_cap);
}

fn check_cap(cap: &str) {
    let (home, provider) = (home(), endless());
    let url = provider.v1();
    let args = [
        "--yes",
        "--output-format",
        "stream-json",
        "--max-cost",
        cap,
        "-p",
        "work",
    ];
    let ended = home.run(&env(&url), &args);
    let (spent, allowed) = (dollars(&provider.billed()), cap.parse::<f64>().unwrap());
    assert!(spent <= allowed, "{spent} of {cap}");
    assert!(spent > 0.0, "{cap}: {ended:#?}");
    ended.is(
        3,
        &[&format!("the limit of ${cap}"), "raise it with --max-cost"],
    );
    let lines = ended.lines();
    let result = lines.last().unwrap();
    assert_eq!(result["subtype"], "error_max_budget_usd", "{result}");
    let told = result["total_cost_usd"].as_f64().unwrap();
    assert!(told <= spent + 1e-9, "{told} was told, {spent} was billed");
    // The history goes on where there is more to spend.
    let well = Provider::echo();
    let url = well.v1();
    let again = home.run(&env(&url), &["-c", "-p", "and on", "--max-cost", "50"]);
    again.is(0, &["Heard: and on."]);
    let body = &well.asked()[0].body;
    assert_eq!(problem(body["messages"].as_array().unwrap()), None);
}

/// What is wrong with messages by the provider's rules: one result per call, in order, right behind its reply.
fn problem(messages: &[Value]) -> Option<String> {
    let mut rest = messages.iter().peekable();
    while let Some(message) = rest.next() {
        if message["role"] == "tool" {
            return Some(format!("a result without its call: {message}"));
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let result = rest.next_if(|next| next["role"] == "tool");
            if result.is_none_or(|result| result["tool_call_id"] != call["id"]) {
                return Some(format!("{call} is followed by {result:?}"));
            }
        }
    }
    None
}

#[test]
fn a_limit_says_in_figures_what_it_is_what_is_left_and_what_the_request_may_cost() {
    let (home, provider) = (home(), Provider::echo());
    let url = provider.v1();
    let ended = home.run(&env(&url), &["-p", "hello", "--max-cost", "$0.01"]);
    ended.is(
        3,
        &[
            "the limit of $0.01 leaves $0.01, and the next request needs at least $0.0873, or up to $0.",
            "tokens in at $10",
            "out at $50 per million",
            "raise it with --max-cost",
        ],
    );
    assert!(provider.asked().is_empty(), "it is not even asked");
}

#[test]
fn what_a_session_has_spent_counts_when_it_goes_on() {
    let (home, provider) = (
        home(),
        Provider::new(|_, _| says("Yes.").counted(4_000, 0, 100)),
    );
    let url = provider.v1();
    for (args, code) in [
        (&["-p", "hello", "--max-cost", "1"][..], 0),
        (&["-c", "-p", "on", "--max-cost", "0.04"], 3),
        (&["-c", "-p", "on", "--max-cost", "2"], 0),
    ] {
        home.run(&env(&url), args).is(code, &[]);
    }
    assert_eq!(provider.asked().len(), 2);
}

#[test]
fn a_limit_for_a_model_without_a_price_is_refused_with_the_line_that_is_missing() {
    let provider = Provider::echo();
    let url = provider.v1();
    let unpriced = [
        ("CORECODER_BASE_URL", url.as_str()),
        ("CORECODER_MODEL", "nobodys-model"),
    ];
    for args in [
        &["-p", "hello", "--max-cost", "1"][..],
        &[
            "-p",
            "hello",
            "--max-cost",
            "1",
            "-m",
            "dear-model",
            "--fallback",
            "nobodys-model",
        ],
    ] {
        let ended = home().run(&unpriced, args);
        let line = "{\"nobodys-model\": {\"input\": ";
        ended.is(
            2,
            &[
                "no price is known for nobodys-model",
                line,
                "--max-tokens-total",
            ],
        );
    }
    assert!(provider.asked().is_empty());
    // Tokens can be limited without a price.
    let args = ["-p", "hello", "--max-tokens-total", "1000000"];
    home().run(&unpriced, &args).is(0, &["Heard: hello."]);
}

#[test]
fn a_server_of_ones_own_costs_nothing_whatever_the_limit() {
    let provider = Provider::worker();
    let env = [("OLLAMA_HOST", provider.url.as_str())];
    let home = Home::made();
    let args = [
        "--yes",
        "-p",
        "hello",
        "-m",
        "ollama/qwen3",
        "--max-cost",
        "0",
    ];
    home.run(&env, &args).is(0, &["from-the-tool"]);
    assert_eq!(home.cost()["total"]["dollars"], json!(0.0));
}

#[test]
fn a_limit_comes_from_a_flag_a_variable_the_settings_or_the_projects_file() {
    let provider = Provider::echo();
    let url = provider.v1();
    let mut variable = env(&url).to_vec();
    variable.push(("CORECODER_MAX_COST", "0.01"));
    home()
        .run(&variable, &["-p", "hello"])
        .is(3, &["the limit of $0.01"]);
    // The flag is nearer.
    let flag = ["-p", "hello", "--max-cost", "5"];
    home().run(&variable, &flag).is(0, &[]);
    let mut with_limit = settings();
    with_limit["max_cost"] = json!(0.01);
    let home = Home::with(with_limit);
    home.run(&env(&url), &["-p", "hello"])
        .is(3, &["the limit of $0.01"]);
    // A project may want less than the user allows, and can't allow more.
    home.write("project/.env", "CORECODER_MAX_COST=100\n");
    home.run(&env(&url), &["-p", "hello"])
        .is(3, &["the limit of $0.01"]);
    let shown = home.run(&[], &["config"]);
    let line = shown
        .stdout
        .lines()
        .find(|line| line.starts_with("max_cost "));
    let line = line.unwrap_or_default();
    assert!(
        line.contains(" 0.01 ") && line.contains("settings.json"),
        "{line}"
    );
    home.write("project/.env", "CORECODER_MAX_COST=0.005\n");
    home.run(&env(&url), &["-p", "hello"])
        .is(3, &["the limit of $0.005"]);
}

#[test]
fn a_limit_that_is_none_stops_the_program_before_it_spends() {
    let provider = Provider::echo();
    let url = provider.v1();
    for (name, value) in [
        ("max_cost", json!("two dollars")),
        ("max_cost", json!(-1)),
        ("max_cost_per_day", json!("5 €")),
        ("max_tokens_total", json!(0)),
        ("max_time_seconds", json!("10m")),
    ] {
        let mut wrong = settings();
        wrong[name] = value.clone();
        let ended = Home::with(wrong).run(&env(&url), &["-p", "hello"]);
        ended.is(2, &[name, "must be"]);
        let variable = format!("CORECODER_{}", name.to_uppercase());
        let text = value.as_str().map_or(value.to_string(), str::to_string);
        let mut env = env(&url).to_vec();
        env.push((&variable, &text));
        home()
            .run(&env, &["-p", "hello"])
            .is(2, &[&variable, "must be"]);
    }
    assert!(provider.asked().is_empty());
}

#[test]
fn tokens_are_held_to_their_limit_too() {
    together([30_000_u64, 60_000], |limit| {
        let (home, provider) = (Home::made(), endless());
        let url = provider.v1();
        let text = limit.to_string();
        let args = ["--yes", "-p", "work", "--max-tokens-total", &text];
        let ended = home.run(&env(&url), &args);
        ended.is(3, &["tokens leaves", "raise it with --max-tokens-total"]);
        let billed = provider.billed();
        let tokens: u64 = billed
            .iter()
            .map(|(_, count)| count.prompt + count.completion)
            .sum();
        assert!(tokens > 0 && tokens <= limit, "{tokens} of {limit}");
    });
}

/// Settings with a limit for the day.
fn with_day(limit: f64) -> Home {
    let mut settings = settings();
    settings["max_cost_per_day"] = json!(limit);
    Home::with(settings)
}

#[test]
fn the_limit_of_a_day_counts_all_sessions_one_after_the_other() {
    let home = with_day(0.7);
    let provider = Provider::new(|_, _| says("Yes.").counted(4_000, 0, 100));
    let url = provider.v1();
    let (mut codes, args) = (Vec::new(), ["-p", "hello"]);
    for _ in 0..20 {
        let ended = home.run(&env(&url), &args);
        codes.push(ended.code);
        if ended.code != 0 {
            ended.is(
                3,
                &["the limit of $0.70 for the day leaves", "go on tomorrow"],
            );
            break;
        }
    }
    assert!(codes.len() > 1 && codes.last() == Some(&3), "{codes:?}");
    let spent = dollars(&provider.billed());
    assert!(spent <= 0.7, "{spent}");
    // A session's own limit does not lift the day's, and a project's file neither.
    let args = ["-p", "hello", "--max-cost", "10"];
    home.run(&env(&url), &args).is(3, &["for the day"]);
    home.write("project/.env", "CORECODER_MAX_COST_PER_DAY=1000\n");
    home.run(&env(&url), &args)
        .is(3, &["the limit of $0.70 for the day"]);
}

#[test]
fn the_limit_of_a_day_holds_for_programs_that_run_at_once() {
    let home = with_day(1.0);
    let provider = endless();
    let url = provider.v1();
    let start = || home.start(&env(&url), &["--yes", "-p", "work"]);
    let both: Vec<Child> = (0..2).map(|_| start()).collect();
    for child in both {
        let one: Ended = ended(child.wait_with_output().unwrap());
        one.is(3, &["for the day"]);
    }
    let spent = dollars(&provider.billed());
    assert!(spent > 0.0 && spent <= 1.0, "{spent}");
}

#[test]
fn a_stand_in_spends_from_the_same_limit() {
    let broken = Provider::new(|_, _| failed(503, "we are full"));
    let second = endless();
    let url = broken.v1();
    let fallback = format!("other-model@{}", second.v1());
    let args = [
        "--yes",
        "-p",
        "work",
        "--max-cost",
        "0.4",
        "--fallback",
        &fallback,
    ];
    let ended = home().run(&env(&url), &args);
    ended.is(3, &["the limit of $0.4"]);
    let spent = dollars(&second.billed());
    assert!(spent > 0.0 && spent <= 0.4, "{spent}");
}

#[test]
fn a_server_that_bills_all_it_may_and_never_caches_is_held_to_the_limit() {
    let provider = Provider::new(|asked, before| {
        let bytes = asked.body.to_string().len() as u64;
        let most = asked.longest().expect("a limit needs a longest reply");
        let reply = match before % 4 {
            1 => calls(&[agent("look here"), agent("look there")]),
            3 => says("A report. ".repeat(500)),
            _ => calls(&[bash(&format!("seq {before} 2000"))]),
        };
        reply.counted(bytes * 2 / 3, 0, most)
    });
    let url = provider.v1();
    let ended = home().run(&env(&url), &["--yes", "-p", "work", "--max-cost", "2"]);
    ended.is(3, &["the limit of $2"]);
    let spent = dollars(&provider.billed());
    assert!(spent > 1.0 && spent <= 2.0, "{spent}");
}

#[test]
fn what_is_under_way_in_one_program_is_not_to_be_spent_by_another() {
    let home = with_day(0.1);
    let provider = Provider::new(|_, _| says("Yes.").counted(4_000, 0, 100).held());
    let url = provider.v1();
    let first = home.start(&env(&url), &["-p", "hello"]);
    provider.comes(1);
    home.run(&env(&url), &["-p", "hello"])
        .is(3, &["for the day"]);
    provider.let_go();
    ended(first.wait_with_output().unwrap()).is(0, &["Yes."]);
    assert_eq!(provider.asked().len(), 1);
}

#[test]
fn a_request_that_was_killed_or_cut_off_counts_for_the_day() {
    let home = with_day(0.1);
    let provider = Provider::new(|_, _| says("Yes.").held());
    let url = provider.v1();
    let mut first = home.start(&env(&url), &["-p", "hello"]);
    provider.comes(1);
    first.kill().unwrap();
    first.wait().unwrap();
    home.run(&env(&url), &["-p", "hello"])
        .is(3, &["for the day"]);
    assert_eq!(provider.asked().len(), 1);
}

#[test]
fn what_was_cut_off_counts_when_the_session_goes_on() {
    let home = home();
    let provider = Provider::new(|asked, before| match before {
        0 => says("Yes."),
        _ => Reply::from(What::Cut("half of it".into())).counted(
            2_000,
            0,
            asked.longest().unwrap_or(0),
        ),
    });
    let url = provider.v1();
    home.run(&env(&url), &["-p", "hello"]).is(0, &[]);
    for _ in 0..3 {
        let args = ["-c", "-p", "on", "--max-cost", "0.3"];
        home.run(&env(&url), &args).is(3, &[]);
    }
    let spent = dollars(&provider.billed());
    assert!(
        spent <= 0.3,
        "{spent} in {} requests",
        provider.billed().len()
    );
}

#[test]
fn on_every_wire_each_request_says_how_long_its_reply_may_be_and_the_limit_holds() {
    for (name, url) in [
        ("anthropic", "ANTHROPIC_BASE_URL"),
        ("gemini", "GOOGLE_GEMINI_BASE_URL"),
        ("responses", "OPENAI_BASE_URL"),
        ("deepseek", "DEEPSEEK_BASE_URL"),
        ("ollama", "OLLAMA_HOST"),
    ] {
        let provider = Provider::new(|asked, before| {
            let size = asked.body.to_string().len() as u64 / 4;
            let most = asked.longest().expect("a limit needs a longest reply");
            calls(&[bash(&format!("seq {before} 400"))]).counted(size, 0, most)
        });
        let env = [(url, provider.url.as_str())];
        let args = [
            "--yes",
            "-p",
            "work",
            "-m",
            "dear-model",
            "--max-cost",
            "0.5",
        ];
        let ended = home().run(&env, &[&args[..], &["--provider", name]].concat());
        ended.is(3, &["the limit of $0.5"]);
        let spent = dollars(&provider.billed());
        assert!(spent > 0.0 && spent <= 0.5, "{name}: {spent}");
    }
}

#[test]
fn a_request_that_was_interrupted_counts_when_the_session_goes_on() {
    let home = home();
    let provider = Provider::new(|_, _| says("Yes.").held());
    let url = provider.v1();
    let limited = |args: &[&'static str]| [args, &["hello", "--max-cost", "0.1"]].concat();
    let first = home.start(&env(&url), &limited(&["-p"]));
    provider.comes(1);
    let pid = first.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status();
    assert!(killed.unwrap().success());
    ended(first.wait_with_output().unwrap()).is(130, &["interrupted"]);
    home.run(&env(&url), &limited(&["-c", "-p"]))
        .is(3, &["the limit of $0.10"]);
    assert_eq!(provider.asked().len(), 1);
}
