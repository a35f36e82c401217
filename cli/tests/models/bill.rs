//! `corecoder cost`: what it says is what the server reported, of whom, and why the cache missed.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::Home;
use crate::provider::{Asked, Count, Provider, agent, bash, calls, says};
use crate::terminal::Setup;

const INPUT: f64 = 3.0;
const CACHED: f64 = 0.3;
const OUTPUT: f64 = 15.0;

fn home() -> Home {
    let price = json!({"input": INPUT, "cached": CACHED, "output": OUTPUT});
    Home::with(json!({"prices": {"dear-model": price, "other-model": price}}))
}

fn env(url: &str) -> [(&str, &str); 3] {
    [
        ("CORECODER_BASE_URL", url),
        ("CORECODER_MODEL", "dear-model"),
        ("CORECODER_MAX_CONTEXT", "20000"),
    ]
}

/// Two sub-agents, a reply that is empty, rounds until there must be a summary, and an answer.
fn worker() -> Provider {
    let long = "some words of which there are many ".repeat(400);
    let was_empty = AtomicBool::new(false);
    Provider::new(move |asked, _| {
        let size = asked.body.to_string().len() as u64 / 4;
        let results = asked.results().len();
        match asked.said() {
            _ if asked.is_summary() => says("These are the notes.").counted(size, size / 2, 50),
            task if task.starts_with("look") => {
                says(format!("Report of {task}.")).counted(size, 0, 70)
            }
            _ if asked.body.to_string().contains("These are the notes.") => {
                says("All done.").counted(size, 0, 10)
            }
            _ if results == 0 => calls(&[agent("look here"), agent("look there")]),
            _ if results == 2 && !was_empty.swap(true, Ordering::Relaxed) => {
                says("").counted(size, size / 3, 5)
            }
            _ => calls(&[bash(&format!("echo {long}"))]).counted(size, size - 500, 90),
        }
    })
}

fn sum(billed: &[(String, Count)]) -> Count {
    let mut sum = Count::default();
    for (_, count) in billed {
        sum.prompt += count.prompt;
        sum.cached += count.cached;
        sum.completion += count.completion;
    }
    sum
}

/// The bill says what the server billed.
#[track_caller]
fn check(cost: &Value, billed: &[(String, Count)]) {
    let (total, count) = (&cost["total"], sum(billed));
    assert_eq!(total["replies"], json!(billed.len()), "{total}");
    let usage = &total["usage"];
    assert_eq!(usage["prompt"], json!(count.prompt));
    assert_eq!(usage["cached"], json!(count.cached));
    assert_eq!(usage["completion"], json!(count.completion));
    let dollars = (count.prompt - count.cached) as f64 * INPUT
        + count.cached as f64 * CACHED
        + count.completion as f64 * OUTPUT;
    let told = total["dollars"].as_f64().unwrap();
    assert!((told - dollars / 1e6).abs() < 1e-9, "{told}: {dollars}");
}

fn names(cost: &Value, of: &str) -> Vec<String> {
    let sums = cost[of].as_array().unwrap().iter();
    sums.map(|sum| sum["name"].as_str().unwrap().to_string())
        .collect()
}

#[test]
fn the_sum_is_what_the_server_reported_in_all_replies() {
    let (home, provider) = (home(), worker());
    let url = provider.v1();
    let args = ["--yes", "--output-format", "stream-json", "-p", "work"];
    let ended = home.run(&env(&url), &args);
    ended.is(0, &["All done."]);
    assert!(provider.asked().iter().any(Asked::is_summary));
    let cost = home.cost();
    check(&cost, &provider.billed());
    let parts = names(&cost, "parts");
    for part in ["the agent", "look here", "look there", "summaries"] {
        assert!(parts.contains(&part.to_string()), "{part}: {parts:?}");
    }
    let text = home.run(&[], &["cost"]);
    text.is(
        0,
        &[
            "look here, dear-model",
            "look there, dear-model",
            "summary, dear-model",
        ],
    );
    text.is(
        0,
        &[
            "the prefix changed at entry",
            "first request",
            "the cache saved about $",
        ],
    );
    // The result line tells the same sum.
    let result = ended.lines().pop().unwrap();
    let told = result["total_cost_usd"].as_f64().unwrap();
    assert!(
        (told - cost["total"]["dollars"].as_f64().unwrap()).abs() < 1e-9,
        "{result}"
    );
}

#[test]
fn an_empty_reply_that_was_asked_for_again_is_on_the_bill() {
    let (home, provider) = (
        home(),
        Provider::new(|_, before| match before {
            0 => says("").counted(1_000, 0, 3),
            _ => says("At last.").counted(1_100, 900, 4),
        }),
    );
    let url = provider.v1();
    home.run(&env(&url), &["-p", "hello"]).is(0, &["At last."]);
    assert_eq!(provider.billed().len(), 2);
    check(&home.cost(), &provider.billed());
}

#[test]
fn another_model_and_another_start_are_reasons_why_the_cache_missed() {
    let (home, provider) = (
        home(),
        Provider::new(|_, _| says("Yes.").counted(5_000, 0, 10)),
    );
    let url = provider.v1();
    let rows: [(&[&str], &str); 3] = [
        (&["-p", "one"], "first request"),
        (
            &["-c", "-p", "two", "-m", "other-model"],
            "model changed: dear-model → other-model",
        ),
        (
            &["-c", "-p", "three", "-m", "other-model"],
            "the program was started anew",
        ),
    ];
    for (args, words) in rows {
        home.run(&env(&url), args).is(0, &["Yes."]);
        home.run(&[], &["cost"]).is(0, &[words]);
    }
    assert_eq!(names(&home.cost(), "models"), ["dear-model", "other-model"]);
}

#[test]
fn a_price_that_is_not_known_is_said_and_is_no_zero() {
    let (home, provider) = (Home::made(), Provider::echo());
    let url = provider.v1();
    home.run(&env(&url), &["-p", "hello"]).is(0, &[]);
    let ended = home.run(&[], &["cost"]);
    ended.is(0, &["no price is known for 1 of the replies"]);
    assert!(!ended.stdout.contains("$0"), "{}", ended.stdout);
    assert_eq!(home.cost()["rounds"][0]["dollars"], Value::Null);
}

#[test]
fn an_old_journal_without_an_account_is_added_up_from_its_replies() {
    let (home, provider) = (
        home(),
        Provider::new(|asked, _| match asked.results().is_empty() {
            true => calls(&[bash("echo hello")]).counted(2_000, 0, 20),
            false => says("Done.").counted(2_100, 2_000, 10),
        }),
    );
    let url = provider.v1();
    home.run(&env(&url), &["--yes", "-p", "work"])
        .is(0, &["Done."]);
    let is_account = |line: &str| line.contains("\"spent\"");
    let journal = home.journal();
    assert!(journal.lines().any(is_account));
    let old: Vec<&str> = journal.lines().filter(|line| !is_account(line)).collect();
    fs::write(home.session(), old.join("\n") + "\n").unwrap();
    check(&home.cost(), &provider.billed());
}

#[test]
fn a_damaged_journal_is_added_up_as_far_as_it_can_be_read() {
    let (home, provider) = (
        home(),
        Provider::new(|_, _| says("Yes.").counted(2_000, 0, 10)),
    );
    let url = provider.v1();
    home.run(&env(&url), &["-p", "one"]).is(0, &[]);
    let journal = home.journal();
    let (first, rest) = journal.split_once('\n').unwrap();
    let damaged =
        format!("{first}\n{{\"no\": journal\n\u{0}\u{0}\n{rest}{{\"time\":1,\"who\":\"\",\"sp");
    fs::write(home.session(), damaged).unwrap();
    let ended = home.run(&[], &["cost"]);
    ended.is(0, &["is left out", "2,000"]);
    check(&home.cost(), &provider.billed());
}

#[test]
fn a_session_that_is_not_there_is_said_with_what_to_do() {
    let home = home();
    home.run(&[], &["cost"])
        .is(1, &["no session", "corecoder sessions"]);
    home.run(&[], &["cost", "20991231"]).is(1, &["20991231"]);
    let provider = Provider::new(|_, _| says("Yes.").counted(2_000, 0, 10));
    let url = provider.v1();
    home.run(&env(&url), &["-p", "one"]).is(0, &[]);
    home.run(&[], &["cost", "20991231"])
        .is(1, &["20991231", "corecoder sessions"]);
    // The beginning of an id is enough.
    let session = home.session();
    let id = session.file_stem().unwrap().to_str().unwrap();
    home.run(&[], &["cost", &id[..12]]).is(0, &[id, "2,000"]);
    let wrong = home.run(&[], &["cost", id, "--json"]);
    let cost: Value = serde_json::from_str(&wrong.stdout).unwrap();
    check(&cost, &provider.billed());
}

#[test]
fn forty_columns_are_enough() {
    let (home, provider) = (home(), worker());
    let url = provider.v1();
    home.run(&env(&url), &["--yes", "-p", "work"]).is(0, &[]);
    let setup = Setup::of(home.clone()).args(&["cost"]).size(60, 40);
    let mut terminal = setup.begin(provider);
    terminal.ends(0);
    let rows = terminal.history();
    assert!(
        rows.iter().any(|row| row.contains("summary, dear-model")),
        "{rows:#?}"
    );
    assert!((0..60).all(|row| !terminal.is_wrapped(row)), "{rows:#?}");
}

#[test]
fn every_wire_is_counted_alike() {
    let price = json!({"input": INPUT, "cached": CACHED, "output": OUTPUT});
    for (name, url, cached) in [
        ("anthropic", "ANTHROPIC_BASE_URL", 900),
        ("gemini", "GOOGLE_GEMINI_BASE_URL", 900),
        ("responses", "OPENAI_BASE_URL", 900),
        ("deepseek", "DEEPSEEK_BASE_URL", 900),
        // It tells nothing of its cache.
        ("ollama", "OLLAMA_HOST", 0),
    ] {
        let home = Home::with(json!({"prices": {"dear-model": price}}));
        let provider = Provider::new(move |asked, _| match asked.results().is_empty() {
            true => calls(&[bash("echo hello")]).counted(2_000, 0, 20),
            false => says("Done.").counted(2_100, cached, 10),
        });
        let env = [(url, provider.url.as_str())];
        let args = [
            "--yes",
            "-p",
            "work",
            "-m",
            "dear-model",
            "--provider",
            name,
        ];
        home.run(&env, &args).is(0, &["Done."]);
        assert_eq!(provider.billed().len(), 2, "{name}");
        check(&home.cost(), &provider.billed());
    }
}
