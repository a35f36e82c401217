//! The limits and the models at the prompt: a limit asks, and its answer counts in the same turn.

use serde_json::{Value, json};

use crate::Home;
use crate::provider::{Provider, agent, bash, calls, says};
use crate::terminal::{Setup, Terminal};

/// A program whose model takes ten dollars per million tokens in and fifty out.
fn setup(provider: &Provider) -> Setup {
    let price = json!({"input": 10, "output": 50});
    let home = Home::with(json!({"prices": {"dear-model": price}}));
    Setup::of(home)
        .env("CORECODER_BASE_URL", &provider.v1())
        .env("CORECODER_MODEL", "dear-model")
}

fn limited(provider: Provider, limit: &str) -> Terminal {
    setup(&provider)
        .args(&["--yes", "--max-cost", limit])
        .start(provider)
}

const GO_ON: &str = "another limit; [n]o:";

#[test]
fn a_limit_asks_and_yes_goes_on_in_the_same_turn() {
    let mut terminal = limited(Provider::echo(), "0.05");
    terminal.says("hello");
    terminal.sees("the limit of $0.05 leaves $0.05");
    // Twice as much would not be enough for this request.
    terminal.asked("Go on? [y]es, up to $0.");
    assert!(!terminal.shows("up to $0.10;"));
    assert!(terminal.provider.asked().is_empty());
    terminal.answers(GO_ON, "y");
    terminal.sees("Heard: hello.");
    terminal.prompt();
    assert_eq!(terminal.provider.asked().len(), 1);
    assert_eq!(terminal.count("Go on?"), 1);
    terminal.leaves();
}

#[test]
fn no_ends_the_turn_and_leaves_the_session_alive() {
    let mut terminal = limited(Provider::echo(), "0.01");
    for answer in ["n", ""] {
        terminal.says("hello");
        terminal.answers(GO_ON, answer);
        terminal.prompt();
    }
    assert!(terminal.provider.asked().is_empty());
    // A higher one lets the next turn go on.
    terminal.says("and on");
    terminal.answers(GO_ON, "5");
    terminal.sees("Heard: and on.");
    terminal.talks("more", &["Heard: more."]);
    terminal.leaves();
}

#[test]
fn a_number_is_the_new_limit_and_a_lower_one_or_a_word_is_asked_again() {
    let mut terminal = limited(Provider::echo(), "0.01");
    terminal.says("hello");
    terminal.answers(GO_ON, "0.001");
    terminal.sees("it is $0.01 now; name a higher one");
    terminal.answers(GO_ON, "perhaps");
    terminal.sees("answer y or n, or write a number");
    terminal.answers(GO_ON, "$3");
    terminal.sees("Heard: hello.");
    terminal.prompt();
    terminal.leaves();
}

#[test]
fn ctrl_c_at_the_question_stops_the_turn_alone() {
    let mut terminal = limited(Provider::echo(), "0.01");
    terminal.says("hello");
    terminal.asked(GO_ON);
    terminal.keys("\x03");
    terminal.prompt();
    assert!(terminal.provider.asked().is_empty());
    terminal.says("again");
    terminal.answers(GO_ON, "2");
    terminal.sees("Heard: again.");
    terminal.leaves();
}

#[test]
fn a_limit_of_tokens_asks_in_tokens() {
    let provider = Provider::echo();
    let mut terminal = setup(&provider)
        .args(&["--max-tokens-total", "2000"])
        .start(provider);
    terminal.says("hello");
    terminal.sees("the limit of 2,000 tokens leaves 2,000");
    terminal.answers(GO_ON, "500000");
    terminal.sees("Heard: hello.");
    terminal.leaves();
}

#[test]
fn sub_agents_at_once_are_asked_about_one_after_the_other() {
    // The first reply takes nearly all that there is.
    let provider = Provider::new(|asked, _| match asked.said() {
        task if task.starts_with("look") => says(format!("Report of {task}.")),
        _ if asked.results().is_empty() => {
            calls(&[agent("look here"), agent("look there")]).counted(5_000, 0, 18_500)
        }
        _ => says(format!("Both: {}", asked.results().join(" "))),
    });
    let mut terminal = limited(provider, "1");
    terminal.says("work");
    terminal.asked(GO_ON);
    assert_eq!(terminal.count("Go on?"), 1, "{:#?}", terminal.history());
    terminal.answers(GO_ON, "1.01");
    terminal.until("a second question", |terminal| {
        terminal.count("Go on?") == 2
    });
    terminal.answers(GO_ON, "20");
    terminal.sees("Both: ");
    terminal.prompt();
    let asked = terminal.provider.asked();
    assert_eq!(asked.len(), 4);
    let results = asked.last().unwrap().results().join(" ");
    assert!(
        results.contains("look here") && results.contains("look there"),
        "{results}"
    );
    terminal.leaves();
}

#[test]
fn another_providers_model_is_asked_from_the_next_message_on() {
    let (first, second) = (Provider::echo(), Provider::echo());
    let setup = setup(&first)
        .env("CORECODER_API_KEY", "key-of-the-first")
        .env("ANTHROPIC_BASE_URL", &second.url)
        .env("ANTHROPIC_API_KEY", "key-of-the-second");
    let mut terminal = setup.start(first.clone());
    terminal.talks("one", &["Heard: one."]);
    terminal.talks(
        "/model anthropic/claude-sonnet-5-5",
        &["dear-model → anthropic/claude-sonnet-5-5"],
    );
    terminal.talks("two", &["Heard: two."]);
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
    let asked = &second.asked()[0];
    assert_eq!(asked.header("x-api-key"), Some("key-of-the-second"));
    assert_eq!(asked.model(), "claude-sonnet-5-5");
    assert!(
        asked.body.to_string().contains("Heard: one."),
        "what was said goes along"
    );
    let heard: String = second.all().iter().map(|asked| asked.whole()).collect();
    assert!(!heard.contains("key-of-the-first"));
    terminal.talks("/model", &["anthropic/claude-sonnet-5-5"]);
    for (wrong, words) in [
        ("/model bedrock/claude", "Bedrock signs its requests"),
        ("/model gemini/gemini-3.8-flash", "no API key for gemini"),
        (
            "/model m@ftp://somewhere",
            "it must begin with https:// or http://",
        ),
    ] {
        terminal.talks(wrong, &[words, "nothing was changed"]);
    }
    terminal.talks("three", &["Heard: three."]);
    assert_eq!(second.asked().len(), 2);
    let (home, _) = terminal.leaves();
    let models: Vec<Value> = home.cost()["models"].as_array().unwrap().clone();
    assert_eq!(models[0]["name"], "dear-model");
    assert_eq!(models[1]["name"], "anthropic/claude-sonnet-5-5");
}

#[test]
fn what_was_spent_is_told_by_round_and_in_the_sum() {
    let provider = Provider::new(|_, _| says("Yes.").counted(4_000, 1_000, 100));
    let mut terminal = setup(&provider).size(50, 100).start(provider);
    terminal.talks("/tokens", &["0 in (0 of them cached), 0 out"]);
    terminal.talks("hello", &["Yes."]);
    terminal.talks(
        "/tokens",
        &[
            "dear-model",
            "4,000",
            "4000 in (1000 of them cached), 100 out",
            "$0.0",
        ],
    );
    terminal.leaves();
}

#[test]
fn a_summary_that_was_asked_for_is_on_the_bill() {
    let provider = Provider::new(|asked, _| match asked.is_summary() {
        true => says("These are the notes.").counted(3_000, 0, 50),
        false => says("Heard this and that. ".repeat(300)).counted(2_000, 0, 500),
    });
    let mut terminal = setup(&provider)
        .env("CORECODER_MAX_CONTEXT", "8000")
        .env("CORECODER_SMALL", "false")
        .size(50, 100)
        .start(provider.clone());
    for _ in 0..3 {
        terminal.talks("on", &[]);
    }
    terminal.talks("/compact", &["became a summary"]);
    terminal.talks("/tokens", &["summary, dear-model"]);
    let (home, _) = terminal.leaves();
    let total = &home.cost()["total"];
    let billed = provider.billed();
    let prompt: u64 = billed.iter().map(|(_, count)| count.prompt).sum();
    assert_eq!(total["usage"]["prompt"], json!(prompt));
    assert_eq!(total["replies"], json!(billed.len()));
}

#[test]
fn the_longest_time_ends_a_turn_and_not_the_session() {
    let provider = Provider::new(|asked, _| match asked.said().as_str() {
        "sleep" => calls(&[bash("sleep 60")]),
        said => says(format!("Heard: {said}.")),
    });
    let mut terminal = setup(&provider)
        .args(&["--yes", "--max-time", "1s"])
        .start(provider);
    terminal.talks("sleep", &["stopped after 1 s"]);
    terminal.talks("hello", &["Heard: hello."]);
    terminal.leaves();
}

#[test]
fn a_model_without_a_price_is_not_changed_to_where_there_is_a_limit() {
    let mut terminal = limited(Provider::echo(), "5");
    let words = ["no price is known for nobodys-model", "nothing was changed"];
    terminal.talks("/model nobodys-model", &words);
    terminal.talks("hello", &["Heard: hello."]);
    assert_eq!(terminal.provider.asked()[0].model(), "dear-model");
    terminal.leaves();
}

#[test]
fn the_time_of_a_task_stands_still_while_a_question_waits() {
    let provider = Provider::new(|_, before| match before {
        0 => calls(&[bash("touch x")]),
        _ => says("As you like."),
    });
    let mut terminal = setup(&provider).args(&["--max-time", "1s"]).start(provider);
    terminal.says("touch");
    let question = "or say why not: ";
    terminal.asked(question);
    // The person thinks for longer than the task may take.
    std::thread::sleep(std::time::Duration::from_millis(1_300));
    assert!(!terminal.shows("stopped after"));
    terminal.answers(question, "n");
    terminal.prompt();
    assert!(!terminal.shows("stopped after"));
    terminal.leaves();
}
