//! Long conversations: what of them is still sent when not all of it fits, whatever was said and whoever counts.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use corecoder::context::{Compaction, Context, snip, summary, tokens};
use corecoder::kit::Kit;
use corecoder::wire::refusal;
use corecoder::{
    Agent, AgentError, Delta, Deltas, Effect, Entry, ErrorKind, Event, Host, Model, ModelError,
    Reply, Request, Round, Spec, Tool, Usage, tools, windows, wire,
};
use futures::{FutureExt, StreamExt, stream};
use proptest::prelude::*;
use serde_json::{Value, json};

/// What a model makes of a request; `None` for the reply means that the rest is up to the caller.
type Answer = Box<dyn FnMut(&Request) -> Result<Reply, ModelError> + Send>;

/// A model that answers by a function, and keeps how long each request was, by the estimate.
struct Fake {
    answer: Mutex<Answer>,
    sizes: Arc<Mutex<Vec<u64>>>,
}

impl Fake {
    fn new(answer: impl FnMut(&Request) -> Result<Reply, ModelError> + Send + 'static) -> Fake {
        Fake {
            answer: Mutex::new(Box::new(answer)),
            sizes: Arc::default(),
        }
    }
}

impl Model for Fake {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        self.sizes.lock().unwrap().push(size(&request));
        let reply = (self.answer.lock().unwrap())(&request);
        stream::iter([reply.map(Delta::Done)]).boxed()
    }

    fn name(&self) -> &str {
        "fake"
    }
}

fn size(request: &Request) -> u64 {
    tokens::of_prefix(request.system, request.tools) + tokens::of_entries(request.entries)
}

/// What a request asks for if it asks for a summary.
fn asks_for_notes<'a>(request: &'a Request) -> Option<&'a str> {
    match request.entries.last() {
        Some(Entry::Note(text)) if text.starts_with("The conversation is getting") => Some(text),
        _ => None,
    }
}

/// Keeps the compactions that it hears of.
#[derive(Clone, Default)]
struct Listener(Arc<Mutex<Vec<Compaction>>>);

impl Listener {
    /// The compactions since it was asked last.
    fn take(&self) -> Vec<Compaction> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn heard(&self) -> String {
        self.take().into_iter().map(|one| one.what + "\n").collect()
    }
}

impl Host for Listener {
    fn event(&self, _who: &str, event: &Event<'_>) {
        if let Event::Compacted(compaction) = event {
            self.0.lock().unwrap().push((*compaction).clone());
        }
    }
}

/// A tool that answers as the test wants; it takes what all the calls in here bring.
struct Look(String, Box<dyn Fn(&Value) -> String + Send + Sync>);

#[async_trait]
impl Tool for Look {
    fn spec(&self) -> Spec {
        let parameters = tools::schema(json!({"n": {"type": "integer"}}), &[]);
        Spec {
            name: "look".into(),
            description: self.0.clone(),
            parameters,
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        Ok((self.1)(&args))
    }
}

const BASE64: usize = 4;

/// So many bytes of one kind of text, with numbers that make it differ from any other.
fn text(kind: usize, bytes: usize, number: usize) -> String {
    let line = match kind {
        0 => "The function returns the number of entries that were changed since the last request.",
        1 => "我们先看测试结果，再决定如何修改这段代码。日本語の文も少しあります。",
        2 => "    let value = self.entries.get(index).map_or(0, |entry| entry.len());",
        3 => "test parser::accepts_what_is_right_12 ... ok (0.013 s)",
        _ => "aGVsbG8gd29ybGQgdGhpcyBpcyBub3QgYSBsYW5ndWFnZSBhdCBhbGwgYnV0IGJ5dGVzIQ",
    };
    let end = if kind == BASE64 { "" } else { "\n" };
    let mut text = format!("[{number}] ");
    for n in 0.. {
        if text.len() >= bytes {
            break;
        }
        text += &format!("{line}{n}{end}");
    }
    wire::text::head(&text, bytes.max(12)).to_string()
}

/// One call: the kind and size of its output, whether it changes a file, whether it fails.
type Call = (usize, usize, bool, bool);

#[derive(Debug, Clone)]
enum Step {
    User(usize, usize),
    Note(usize, usize),
    Round(Vec<Call>, usize),
}

fn any_size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 1..400_usize, 4 => 400..6_000_usize, 1 => 6_000..90_000_usize]
}

/// A window, how many percent of it an added tool's description has, and what happens.
type Conversation = (u64, u64, Vec<Step>);

fn any_conversation() -> impl Strategy<Value = Conversation> {
    let call = (0..5_usize, any_size(), any::<bool>(), any::<bool>());
    let step = prop_oneof![
        2 => (0..5_usize, any_size()).prop_map(|(kind, size)| Step::User(kind, size)),
        1 => (0..5_usize, 1..900_usize).prop_map(|(kind, size)| Step::Note(kind, size)),
        6 => (prop::collection::vec(call, 0..4), 0..900_usize)
            .prop_map(|(calls, words)| Step::Round(calls, words)),
    ];
    let window = prop_oneof![3_000..12_000_u64, 12_000..100_000_u64];
    (window, 0..30_u64, prop::collection::vec(step, 5..60))
}

/// A conversation as it grows: what was put in, and what is left of it.
struct Play {
    window: u64,
    kit: Kit,
    context: Context,
    entries: Vec<Entry>,
    /// How many entries the model was sent.
    seen: usize,
    said: Vec<String>,
    /// Files in the order of their use, and whether they were changed.
    files: Vec<(String, bool)>,
    heard: Listener,
}

impl Play {
    fn new(window: u64, prefix: u64, model: Fake) -> Play {
        let heard = Listener::default();
        let description = text(0, (window * prefix / 25) as usize, 0);
        let agent = Agent::new(model)
            .tool(Look(description, Box::new(|_| String::new())))
            .window(Some(window))
            .host(Arc::new(heard.clone()));
        Play {
            window,
            kit: agent.kit().clone(),
            context: Context::default(),
            entries: Vec::new(),
            seen: 0,
            said: Vec::new(),
            files: Vec::new(),
            heard,
        }
    }

    fn fit(&mut self) -> Result<bool, AgentError> {
        let fit = self.context.fit(&mut self.entries, &self.kit);
        fit.now_or_never().expect("the fake never waits")
    }

    /// The tokens of these entries behind the prefix.
    fn size(&self, entries: &[Entry]) -> u64 {
        let prefix = Context::default().prefix(&self.kit);
        tokens::of_prefix(&prefix.system, &prefix.tools) + tokens::of_entries(entries)
    }

    /// Plays the steps as a run does, with a look at each request: the play, and the entries before they were made to
    /// fit. A conversation that can't be made to fit ends early, with the error.
    fn run(
        &mut self,
        steps: Vec<Step>,
        mut look: impl FnMut(&mut Play, &[Entry]) -> Result<(), TestCaseError>,
    ) -> Result<Option<AgentError>, TestCaseError> {
        for (number, step) in steps.into_iter().enumerate() {
            let (calls, words) = match step {
                Step::User(kind, size) => {
                    self.said.push(text(kind, size, number));
                    self.entries
                        .extend(self.said.last().cloned().map(Entry::User));
                    continue;
                }
                Step::Note(kind, size) => {
                    self.entries.push(Entry::Note(text(kind, size, number)));
                    continue;
                }
                Step::Round(calls, words) => (calls, words),
            };
            let before = self.entries.clone();
            if let Err(error) = self.fit() {
                return Ok(Some(error));
            }
            look(self, &before)?;
            self.context.replied(&self.entries, None, &self.kit);
            self.seen = self.entries.len();
            self.round(calls, words, number);
        }
        Ok(None)
    }

    fn round(&mut self, calls: Vec<Call>, words: usize, number: usize) {
        let name = |at: usize| format!("src/part_{number}/file_{at}.rs");
        let asked = calls.iter().enumerate().map(|(at, call)| match call.2 {
            true => (
                "edit_file",
                json!({"file_path": name(at), "new_string": "x"}),
            ),
            false => ("read_file", json!({"file_path": name(at)})),
        });
        let reply = Reply {
            text: text(0, words, number),
            ..Reply::calls(asked)
        };
        let round = Round::new(reply, |at, _| {
            let (kind, bytes, _, fails) = calls[at];
            let output = text(kind, bytes, number);
            if fails {
                format!("Error: {output}")
            } else {
                output
            }
        });
        let worked = calls.iter().enumerate().filter(|(_, call)| !call.3);
        self.files
            .extend(worked.map(|(at, call)| (name(at), call.2)));
        self.entries.push(Entry::Round(round));
    }
}

/// A model whose summaries say nothing.
fn says_nothing() -> Fake {
    Fake::new(|_| Ok(Reply::text("Nothing to note.")))
}

fn all_text(entries: &[Entry]) -> String {
    let of = |entry: &Entry| match entry {
        Entry::User(text) | Entry::Note(text) => text.clone(),
        Entry::Summary(summary) => summary.to_string(),
        Entry::Picture(picture) => picture.name.clone(),
        Entry::Round(round) => {
            let calls = round
                .answered()
                .map(|(call, result)| format!("{} {result}\n", call.args.as_ref().unwrap()));
            format!("{}\n{}", round.reply().text, calls.collect::<String>())
        }
    };
    entries.iter().map(|entry| of(entry) + "\n").collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_user_said_last_survives_verbatim((window, prefix, steps) in any_conversation()) {
        let mut play = Play::new(window, prefix, says_nothing());
        play.run(steps, |play, _| {
            // The words' share of the tightest form, but for the quarter that is the first message's.
            let room = (play.window * 9 / 10).saturating_sub(play.size(&[]));
            let (mut left, now) = (room / 10 * 3 / 4, all_text(&play.entries));
            for words in play.said.iter().skip(1).rev() {
                let Some(rest) = left.checked_sub(tokens::of(words) + 20) else { break };
                left = rest;
                prop_assert!(now.contains(words), "{words:?} is not in {now}");
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_files_worked_on_stay_known_whatever_the_summaries_say((window, prefix, steps) in any_conversation()) {
        let mut play = Play::new(window, prefix, says_nothing());
        play.run(steps, |play, _| {
            let now = all_text(&play.entries);
            for (changed, most) in [(true, 100), (false, 30)] {
                let files = play.files.iter().rev().filter(|file| file.1 == changed).take(most);
                for (file, _) in files {
                    prop_assert!(now.contains(file), "{file} is not in {now}");
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn each_request_fits_its_window_and_each_call_has_its_result((window, prefix, steps) in any_conversation()) {
        let mut play = Play::new(window, prefix, says_nothing());
        let error = play.run(steps, |play, _| {
            prop_assert!(play.size(&play.entries) <= play.window);
            let request = Request { system: "", tools: &[], entries: &play.entries, ..Request::default() };
            assert_paired(&json!(wire::messages(&request, "here")));
            Ok(())
        })?;
        // No estimate by bytes is near for base64, which the provider's own count puts right.
        let language = |entry: &&Entry| !all_text(&[(*entry).clone()]).contains("aGVsbG8");
        let language: Vec<Entry> = play.entries.iter().filter(language).cloned().collect();
        let counted = bpe_openai::o200k_base().count(&all_text(&language)) as u64;
        prop_assert!(counted * 100 <= tokens::of_entries(&language) * 115 + 2_000);
        prop_assert!(error.is_none(), "{error:?}");
    }

    #[test]
    fn what_the_model_has_not_seen_is_not_cut((window, prefix, steps) in any_conversation()) {
        let mut play = Play::new(window, prefix, says_nothing());
        play.run(steps, |play, before| {
            // What is larger than this can't stand beside a summary of all else.
            let fresh = &before[play.seen..];
            let is_small = play.size(fresh) * 100 <= play.window * 75;
            prop_assert!(!is_small || play.entries.ends_with(fresh));
            Ok(())
        })?;
    }

    #[test]
    fn old_outputs_are_snipped_in_one_pass_and_nothing_else_changes((window, prefix, steps) in any_conversation()) {
        let mut play = Play::new(window, prefix, says_nothing());
        play.run(steps, |play, before| {
            let compactions = play.heard.take();
            let [snip] = &compactions[..] else { return Ok(()) };
            if !snip.what.contains("cut short") { return Ok(()) }
            // The last output that it cut may free more than was wanted, or there was no more to cut.
            prop_assert!(snip.before * 100 >= window * 50 && (window - snip.after.min(window)) * 100 > window * 30);
            prop_assert_eq!(before.len(), play.entries.len());
            for (old, new) in before.iter().zip(&play.entries) {
                match (old, new) {
                    (Entry::Round(old), Entry::Round(new)) => prop_assert_eq!(old.reply(), new.reply()),
                    _ => prop_assert_eq!(old, new),
                }
            }
            // Until it is half full again, nothing happens.
            prop_assert!(snip.after * 100 >= window * 50 || !play.fit().unwrap());
            Ok(())
        })?;
    }
}

/// Each call is followed by its result, and there is no other.
fn assert_paired(messages: &Value) {
    let mut asked = VecDeque::new();
    for message in messages.as_array().into_iter().flatten() {
        let id = message["tool_call_id"].as_str().map(str::to_string);
        assert_eq!(id, asked.pop_front(), "{message}");
        if let Some(calls) = message["tool_calls"].as_array() {
            asked.extend(
                calls
                    .iter()
                    .map(|call| call["id"].as_str().unwrap().to_string()),
            );
        }
    }
    assert_eq!(asked.len(), 0);
}

/// Rounds that each call `look` once, with an output of so many bytes: a run's worth, already seen.
fn rounds(count: usize, bytes: usize) -> Vec<Entry> {
    let round = |n| {
        let reply = Reply::calls([("look", json!({"n": n}))]);
        Entry::Round(Round::new(reply, |_, _| text(2, bytes, n)))
    };
    (0..count).map(round).collect()
}

fn too_long(words: &str) -> ModelError {
    ModelError::new(ErrorKind::ContextTooLong, words)
}

/// A model that looks `count` times, at one thing after the other, and is done; `notes` are its summaries.
fn looks(
    count: usize,
    notes: impl Fn(&Request) -> Result<Reply, ModelError> + Send + 'static,
) -> Fake {
    let mut n = 0;
    Fake::new(move |request| {
        if asks_for_notes(request).is_some() {
            return notes(request);
        }
        n += 1;
        Ok(match n <= count {
            true => Reply::calls([("look", json!({"n": n}))]),
            false => Reply::text("done"),
        })
    })
}

/// An agent whose only tool is `look`, with outputs of so many bytes.
fn looker(model: Fake, window: Option<u64>, bytes: usize) -> (Agent, Listener) {
    let heard = Listener::default();
    let output = move |args: &Value| text(2, bytes, args["n"].as_u64().unwrap_or(0) as usize);
    let agent = Agent::new(model)
        .tools(vec![Arc::new(Look("looks".into(), Box::new(output)))])
        .host(Arc::new(heard.clone()))
        .window(window)
        .rounds(1_000);
    (agent, heard)
}

fn nothing_to_note(_: &Request) -> Result<Reply, ModelError> {
    Ok(Reply::text("Nothing to note."))
}

#[tokio::test]
async fn compaction_on_demand_changes_nothing_if_the_model_gives_no_notes() {
    let model = looks(10, |_| {
        Err(ModelError::new(ErrorKind::BadRequest, "HTTP 400: no"))
    });
    let (mut agent, _) = looker(model, Some(32_000), 2_000);
    agent.chat("find it").await.unwrap();
    let before = agent.history().to_vec();
    let refused = agent.compact("the login").await;
    assert_eq!(refused, Err("HTTP 400: no".to_string()));
    assert_eq!(agent.history(), before);
}

#[test]
fn the_first_message_stays_whole_and_those_left_out_are_counted() {
    let rules: String = (1..60)
        .map(|n| format!("{n}. Rule number {n} must always hold.\n"))
        .collect();
    let said = |n| Entry::User(format!("message {n}: go on with the next step, please"));
    let entries: Vec<Entry> = std::iter::once(Entry::User(rules.clone()))
        .chain((1..400).map(said))
        .collect();
    let once = summary::summary(&entries, None, 8_000);
    assert_eq!(
        (
            &once.said[0],
            once.said.last().unwrap().contains("message 399")
        ),
        (&rules, true)
    );
    assert_eq!(once.missing + once.said.len(), entries.len());
    let again = summary::summary(&[Entry::Summary(once.clone()), said(400)], None, 8_000);
    assert_eq!(again.missing + again.said.len(), entries.len() + 1);
    let gap = format!(
        "{rules}\n- [... {} messages are left out here ...]\n- message",
        again.missing
    );
    assert!(again.to_string().contains(&gap), "{again}");
}

#[tokio::test]
async fn a_window_that_is_only_guessed_cuts_nothing_that_the_model_has_not_seen() {
    for (window, is_whole) in [(None, true), (Some(128_000), false)] {
        let seen = Arc::new(Mutex::new(0));
        let longest = seen.clone();
        let model = Fake::new(move |request| {
            let results = request.entries.iter().filter_map(|entry| match entry {
                Entry::Round(round) => round.answered().next().map(|(_, result)| result.len()),
                _ => None,
            });
            *longest.lock().unwrap() = results.max().unwrap_or(0);
            Ok(match request.entries.len() {
                1 => Reply::calls([("look", json!({"n": 1}))]),
                _ => Reply::text("done"),
            })
        });
        let (mut agent, _) = looker(model, window, 900_000);
        assert_eq!(agent.chat("look").await.unwrap(), "done");
        assert_eq!(*seen.lock().unwrap() >= 900_000, is_whole, "{window:?}");
    }
}

#[test]
fn error_lines_and_values_survive_in_the_middle_of_what_is_snipped() {
    let lines = [
        "error[E0308]: mismatched types",
        "FAILED tests/test_api.py::test_login",
        "thread 'main' panicked at src/main.rs:3",
        "bash: foo: command not found",
        "pub const LIMIT: usize = 5;",
        "12\tMAX_RETRIES = 7",
        "#define WIDTH 80",
        "export const port = 8080;",
    ];
    for line in lines {
        let output = format!("{}\n{line}\n{}", text(2, 4_000, 1), text(3, 4_000, 2));
        let round = Round::new(Reply::calls([("look", json!({}))]), |_, _| output.clone());
        let (snipped, _) = snip::snip(&[Entry::Round(round)], 1_000).unwrap();
        let now = all_text(&snipped);
        assert!(
            now.contains(line) && now.len() < 1_500,
            "{line} is not in {now}"
        );
        assert_eq!(
            snip::snip(&snipped, 1_000),
            None,
            "what was cut is not cut again"
        );
    }
}

#[test]
fn what_is_cut_to_a_length_has_that_length() {
    for kind in 0..5 {
        for room in [40, 100, 1_000, 5_000] {
            let once = summary::shortened(&text(kind, 90_000, 1), room);
            assert_eq!(summary::shortened(&once, room), once, "{kind} {room}");
        }
    }
}

#[test]
fn an_output_is_never_snipped_to_a_longer_one() {
    for lines in 5..40 {
        let line = format!("error: {0}\nconst X: {0}\n", "x".repeat(120));
        let round = |_| {
            let reply = Reply::calls([("look", json!({}))]);
            Entry::Round(Round::new(reply, |_, _| line.repeat(lines)))
        };
        let mut play = Play::new(4_000, 0, says_nothing());
        play.entries = (0..12).map(round).collect();
        play.context.replied(&play.entries, None, &play.kit);
        play.fit().unwrap();
        for compaction in play.heard.take() {
            assert!(
                compaction.after < compaction.before,
                "{lines}: {compaction:?}"
            );
        }
    }
}

#[tokio::test]
async fn without_a_summary_that_can_be_used_the_run_goes_on_by_rule() {
    let cases: [(Result<Reply, ModelError>, &str); 4] = [
        (
            Err(ModelError::new(ErrorKind::Overloaded, "503: busy")),
            "without the model's notes: 503: busy",
        ),
        (
            Ok(Reply::text("  ")),
            "without the model's notes: it wrote none",
        ),
        (
            Ok(Reply::calls([("look", json!({}))])),
            "without the model's notes: it wrote none",
        ),
        (
            Ok(Reply::text(text(0, 60_000, 1))),
            "without the model's notes: it wrote too much",
        ),
    ];
    for (summary, told) in cases {
        let summary = Mutex::new(summary);
        let model = looks(60, move |_| summary.lock().unwrap().clone());
        let (mut agent, heard) = looker(model, Some(12_000), 1_200);
        assert_eq!(agent.chat("find it").await.unwrap(), "done");
        let heard = heard.heard();
        assert!(heard.contains(told), "{heard:?} does not say {told:?}");
    }
}

#[tokio::test]
async fn a_paste_of_300_kilobytes_is_worked_with_at_any_window() {
    for window in [12_000, 32_000, 64_000, 200_000] {
        for kind in 0..5 {
            for before in [0, 12] {
                let paste = text(kind, 300_000, 7);
                let model = looks(before + 3, nothing_to_note);
                let sizes = model.sizes.clone();
                let (mut agent, _) = looker(model, Some(window), 3_000);
                if before > 0 {
                    agent.resume(rounds(before, 3_000));
                }
                let answer = agent.chat(paste.as_str()).await;
                assert_eq!(answer.unwrap(), "done", "{window} {kind} {before}");
                assert!(sizes.lock().unwrap().iter().all(|size| *size <= window));
                let now = all_text(agent.history());
                assert!(
                    now.contains(wire::text::head(&paste, 300)),
                    "{window} {kind} {before}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_conversation_that_is_resumed_can_be_made_to_fit() {
    let model = looks(0, nothing_to_note);
    let (mut agent, heard) = looker(model, Some(12_000), 0);
    agent.resume(rounds(60, 3_000));
    assert_eq!(agent.chat("go on").await.unwrap(), "done");
    assert!(
        !heard.heard().contains("left out"),
        "two gentler steps are enough"
    );
}

#[tokio::test]
async fn what_can_not_be_made_to_fit_is_an_error_that_says_so() {
    let (mut agent, _) = looker(looks(1, nothing_to_note), Some(200), 10);
    let error = agent.chat("hello").await.unwrap_err();
    assert!(matches!(error, AgentError::TooLong { window: 200, size } if size > 200));
    assert!(
        error
            .to_string()
            .contains("Begin a new one, or take a model with a larger window")
    );
}

#[tokio::test]
async fn a_plan_and_a_late_tool_are_known_in_their_newest_form_after_each_compaction() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let keep = shown.clone();
    let mut n = 0;
    let model = Fake::new(move |request| {
        if asks_for_notes(request).is_some() {
            return nothing_to_note(request);
        }
        let tools = json!(wire::tools(request));
        keep.lock()
            .unwrap()
            .push(format!("{tools}\n{}", all_text(request.entries)));
        n += 1;
        Ok(match n % 10 {
            0 => Reply::text("done"),
            _ => Reply::calls([("look", json!({"n": n}))]),
        })
    });
    let (mut agent, heard) = looker(model, Some(12_000), 2_500);
    for turn in 0..20 {
        agent
            .kit()
            .standing
            .set("plan", format!("[the plan is now] version {turn}."));
        if turn == 3 {
            let tools = corecoder::tools::reading();
            agent.kit().tools.add(
                tools
                    .into_iter()
                    .find(|tool| tool.spec().name == "grep")
                    .unwrap(),
            );
        }
        agent.chat("go on").await.unwrap();
        for request in shown.lock().unwrap().drain(..) {
            let last = request.rfind("[the plan is now]").expect("a plan");
            assert!(request[last..].starts_with(&format!("[the plan is now] version {turn}.")));
            assert!(turn < 3 || request.contains("Search file contents for a regular expression"));
        }
    }
    assert!(heard.heard().lines().count() > 5);
}

#[tokio::test]
async fn a_window_that_an_error_tells_is_kept_to() {
    let wordings = [
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 15000 tokens.",
        "prompt is too long: 15000 tokens > 8192 maximum",
        "it is too long, whatever that means",
    ];
    for words in wordings {
        let mut model = looks(60, nothing_to_note);
        let mut answer =
            std::mem::replace(&mut model.answer, Mutex::new(Box::new(nothing_to_note)))
                .into_inner()
                .unwrap();
        let refused = Arc::new(Mutex::new(0));
        let count = refused.clone();
        let model = Fake::new(move |request| match size(request) > 8_192 {
            true => {
                *count.lock().unwrap() += 1;
                Err(too_long(words))
            }
            false => answer(request),
        });
        let (mut agent, _) = looker(model, None, 2_000);
        assert_eq!(agent.chat("find it").await.unwrap(), "done");
        assert!(*refused.lock().unwrap() <= 3, "{words}: {refused:?}");
    }
}

#[tokio::test]
async fn where_nothing_can_be_shortened_the_providers_words_are_the_error() {
    let words = "maximum context length is 8192 tokens";
    let (mut agent, _) = looker(Fake::new(move |_| Err(too_long(words))), None, 10);
    let error = agent.chat("hello").await.unwrap_err();
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_window_is_found_in_the_words_of_each_provider() {
    let cases = [
        // OpenAI, Azure, DeepSeek, vLLM, SGLang, OpenRouter.
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 150000 tokens.",
            Some(128_000),
        ),
        (
            "This model's maximum context length is 8,192 tokens. However, you requested 8360 tokens (4264 in the messages, 4096 in the completion).",
            Some(8_192),
        ),
        (
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            None,
        ),
        (
            "You passed 9001 input tokens and requested 0 output tokens. However, the model's context length is only 8192 tokens, resulting in a maximum input length of 8192 tokens.",
            Some(8_192),
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 8192 tokens and your request has 5000 input tokens (4096 > 8192 - 5000).",
            Some(8_192),
        ),
        (
            "The decoder prompt (length 20000) is longer than the maximum model length of 16384. Make sure that `max_model_len` is no smaller.",
            Some(16_384),
        ),
        (
            "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
            Some(8_192),
        ),
        (
            "Requested token count exceeds the model's maximum context length of 4096 tokens. You requested a total of 5000 tokens.",
            Some(4_096),
        ),
        (
            "This endpoint's maximum context length is 131072 tokens. However, you requested about 150000 tokens (145000 of text input, 5000 of tool input).",
            Some(131_072),
        ),
        (
            "Input length 131393 exceeds the maximum allowed input length of 131040 tokens.",
            Some(131_040),
        ),
        // Anthropic, also by Bedrock.
        (
            "prompt is too long: 210044 tokens > 200000 maximum",
            Some(200_000),
        ),
        (
            "input length and `max_tokens` exceed context limit: 170636 + 34048 > 200000, decrease input length or `max_tokens` and try again",
            Some(200_000),
        ),
        ("Input is too long for requested model.", None),
        // Gemini.
        (
            "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
            Some(1_048_575),
        ),
        (
            "The input token count exceeds the maximum number of tokens allowed 1048576.",
            Some(1_048_576),
        ),
        // llama.cpp, LM Studio, Ollama.
        (
            "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it",
            Some(8_192),
        ),
        (
            "the request exceeds the available context size, try increasing it | 8192",
            Some(8_192),
        ),
        (
            "the request exceeds the available context size. try increasing the context size or enable context shift",
            None,
        ),
        (
            "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 9000 >= n_ctx: 4096).",
            Some(4_096),
        ),
        (
            "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens.",
            Some(4_096),
        ),
        (
            "prompt too long; exceeded max context length by 4000 tokens",
            None,
        ),
        // Mistral, Groq, Cerebras, xAI, Moonshot, Qwen, MiniMax, Cohere, Fireworks, Hugging Face, Copilot.
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            Some(32_768),
        ),
        (
            "Please reduce the length of the messages or completion.",
            None,
        ),
        (
            "Please reduce the length of the messages or completion. Current length is 9000 while limit is 8192",
            Some(8_192),
        ),
        (
            "This model's maximum prompt length is 131072 but the request contains 537812 tokens.",
            Some(131_072),
        ),
        (
            "Invalid request: Your request exceeded model token limit: 262144 (requested: 270000)",
            Some(262_144),
        ),
        (
            "<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 129024]",
            Some(129_024),
        ),
        ("invalid params, context window exceeds limit (2013)", None),
        (
            "too many tokens: size limit exceeded by 5000 tokens. Try using shorter or fewer inputs. The limit for this model is 128000 tokens.",
            Some(128_000),
        ),
        (
            "The prompt is too long: 140000, model maximum context length: 131071",
            Some(131_071),
        ),
        (
            "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens",
            Some(8_193),
        ),
        (
            "prompt token count of 130000 exceeds the limit of 128000",
            Some(128_000),
        ),
    ];
    for (words, window) in cases {
        assert_eq!(refusal::window(words), window, "{words}");
    }
}

#[tokio::test]
async fn a_models_window_is_known_however_its_name_is_spelled() {
    let cases = [
        ("claude-opus-4-6", Some(1_000_000)),
        ("anthropic/claude-opus-4.6", Some(1_000_000)),
        ("anthropic/claude-opus-4.6:beta", Some(1_000_000)),
        ("claude-3-5-sonnet-20241022", Some(200_000)),
        ("Claude-Sonnet-4-5", Some(200_000)),
        ("gpt-4", Some(8_192)),
        ("gpt-4-0613", Some(8_192)),
        ("gpt-4o-mini", Some(128_000)),
        ("openai/gpt-4.1-nano", Some(1_047_576)),
        ("gpt-5.1-codex", Some(272_000)),
        ("gpt-5-chat-latest", Some(128_000)),
        ("gpt-4omni", None),
        ("models/gemini-2.5-pro", Some(1_048_576)),
        ("deepseek-chat", Some(131_072)),
        ("accounts/fireworks/models/deepseek-v3", Some(65_536)),
        ("deepseek-ai/DeepSeek-V3.1", Some(128_000)),
        ("Qwen/Qwen3-Coder-480B-A35B-Instruct", Some(262_144)),
        ("qwen3:8b", Some(40_960)),
        ("qwen2.5-coder:7b", Some(32_768)),
        ("llama3.1:8b", Some(128_000)),
        ("meta-llama/Llama-3.3-70B-Instruct", Some(128_000)),
        ("moonshotai/kimi-k2", Some(131_072)),
        ("z-ai/glm-4.6", Some(200_000)),
        ("my-own-model", None),
        ("", None),
    ];
    for (name, window) in cases {
        assert_eq!(windows::of(name), window, "{name}");
    }
}

/// How many requests a run makes before its first compaction, if the model counts so many percent of the estimate.
async fn requests_before_the_first_compaction(percent: Option<u64>) -> usize {
    let (heard, count) = (Listener::default(), Arc::new(Mutex::new(0)));
    let (listener, counted) = (heard.clone(), count.clone());
    let mut n = 0;
    let model = Fake::new(move |request| {
        n += 1;
        if !listener.0.lock().unwrap().is_empty() || n > 200 {
            return Ok(Reply::text("done"));
        }
        *counted.lock().unwrap() += 1;
        let prompt = percent.map(|percent| size(request) * percent / 100);
        let usage = prompt.map(|prompt| Usage {
            prompt,
            ..Usage::default()
        });
        Ok(Reply {
            usage,
            ..Reply::calls([("look", json!({"n": n}))])
        })
    });
    let output = |args: &Value| text(2, 1_600, args["n"].as_u64().unwrap_or(0) as usize);
    let mut agent = Agent::new(model)
        .tools(vec![Arc::new(Look("looks".into(), Box::new(output)))])
        .host(Arc::new(heard))
        .window(Some(60_000))
        .rounds(300);
    agent.chat("go").await.unwrap();
    *count.lock().unwrap()
}

#[tokio::test]
async fn a_conversation_is_as_long_as_the_provider_counts_it_if_that_can_be_true() {
    let own = requests_before_the_first_compaction(None).await;
    assert!(own > 20);
    assert_eq!(requests_before_the_first_compaction(Some(100)).await, own);
    let half = requests_before_the_first_compaction(Some(200)).await;
    assert!(half.abs_diff(own / 2) <= 2, "{half} of {own}");
    // Only what was not cached, or nothing.
    for percent in [0, 4, 40] {
        assert_eq!(
            requests_before_the_first_compaction(Some(percent)).await,
            own,
            "{percent}"
        );
    }
}

const CONSTRAINT: &str = "Never touch the folder vendor.";
const DECISION: &str = "We decided to keep times as seconds in UTC.";
const ERROR: &str = "error: duplicate key 8841 in table users";
const EDITED: [(u64, &str); 3] = [(50, "src/a.rs"), (150, "src/b.rs"), (250, "lib/c.py")];

fn facts() -> Vec<&'static str> {
    let files = EDITED.map(|(_, file)| file);
    [&[CONSTRAINT, DECISION, ERROR][..], &files].concat()
}

/// The last request of a session of 400 rounds with facts in it, at a window of 32,000 tokens.
async fn long_session(notes: fn(&Request) -> Result<Reply, ModelError>) -> String {
    let last = Arc::new(Mutex::new(String::new()));
    let (keep, mut n) = (last.clone(), 0);
    let model = Fake::new(move |request| {
        if asks_for_notes(request).is_some() {
            return notes(request);
        }
        n += 1;
        *keep.lock().unwrap() = if n > 400 {
            all_text(request.entries)
        } else {
            String::new()
        };
        let call = match EDITED.iter().find(|(at, _)| *at == n) {
            Some((_, file)) => json!({"n": n, "file_path": file, "new_string": "x"}),
            None => json!({"n": n}),
        };
        let words = match n {
            30 => DECISION.to_string(),
            401.. => return Ok(Reply::text("done")),
            _ if n % 45 == 0 => format!("I look at part {n} because part {} is in order.", n - 1),
            _ => format!("Now part {n}."),
        };
        Ok(Reply {
            text: words,
            ..Reply::calls([("look", call)])
        })
    });
    let sizes = model.sizes.clone();
    let output = |args: &Value| {
        let n = args["n"].as_u64().unwrap_or(0) as usize;
        let half = text(3, 1_000 + n * 7_919 % 9_000, n);
        match n {
            200 => format!("{half}\n{ERROR}\n{half}"),
            _ if n.is_multiple_of(25) => format!("{half}\nerror: part {n} is missing\n{half}"),
            _ => half.repeat(2),
        }
    };
    let (agent, _) = looker(model, Some(32_000), 0);
    let look = Look("looks".into(), Box::new(output));
    let mut agent = agent.tool(look);
    let answer = agent
        .chat(format!("Go through all parts. {CONSTRAINT}"))
        .await;
    assert_eq!(answer.unwrap(), "done");
    assert!(sizes.lock().unwrap().iter().all(|size| *size <= 32_000));
    last.lock().unwrap().clone()
}

#[tokio::test]
async fn a_session_of_400_rounds_forgets_no_fact_that_its_summaries_name() {
    let last = long_session(|request| {
        let shown = all_text(request.entries);
        let named = facts().into_iter().filter(|fact| shown.contains(fact));
        Ok(Reply::text(format!(
            "Facts: {}",
            named.collect::<Vec<_>>().join("; ")
        )))
    });
    let last = last.await;
    for fact in facts() {
        assert!(last.contains(fact), "{fact:?} is not in {last}");
    }
}

#[tokio::test]
async fn a_session_of_400_rounds_forgets_no_fact_though_its_summaries_fail() {
    let last = long_session(|_| Err(ModelError::new(ErrorKind::Other, "no summary"))).await;
    for fact in facts() {
        assert!(last.contains(fact), "{fact:?} is not in {last}");
    }
}

#[tokio::test]
async fn compaction_on_demand_keeps_in_mind_what_the_user_names() {
    let asked = Arc::new(Mutex::new(String::new()));
    let keep = asked.clone();
    let model = looks(10, move |request| {
        *keep.lock().unwrap() = asks_for_notes(request).unwrap().to_string();
        Ok(Reply::text("The login fails."))
    });
    let (mut agent, heard) = looker(model, Some(32_000), 2_000);
    agent.chat("find it").await.unwrap();
    agent.compact("the login").await.unwrap();
    assert!(asked.lock().unwrap().ends_with("above all: the login"));
    assert!(heard.heard().contains("older entries became a summary\n"));
    assert!(all_text(agent.history()).contains("The login fails."));
}

#[tokio::test]
async fn a_long_plan_is_part_of_what_has_to_fit() {
    for window in [6_000, 12_000] {
        for share in [5, 15, 25] {
            let model = looks(60, nothing_to_note);
            let sizes = model.sizes.clone();
            let (mut agent, _) = looker(model, Some(window), window as usize * 26 / 10);
            let plan = text(0, (window * share / 25) as usize, 1);
            agent.kit().standing.set("plan", plan);
            assert_eq!(agent.chat("go").await.unwrap(), "done");
            let longest = *sizes.lock().unwrap().iter().max().unwrap();
            assert!(
                longest <= window,
                "{longest} of {window} with a plan of {share} percent"
            );
        }
    }
}

/// Our own sources and documents in pieces of 2 to 12 kB; recorded responses are neither.
fn samples() -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut samples = Vec::new();
    for file in ignore::Walk::new(root).flatten() {
        let name = file.path().to_string_lossy();
        if [".rs", ".md", ".toml", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
            && !name.contains("/fixtures/")
            && let Ok(mut rest) = std::fs::read_to_string(file.path()).as_deref()
        {
            while rest.len() > 2_000 {
                let piece = wire::text::head(rest, 2_000 + samples.len() * 997 % 10_000);
                samples.push(piece.to_string());
                rest = &rest[piece.len()..];
            }
        }
    }
    samples
}

/// How far the estimate is off, as a part of what o200k counts.
fn off(text: &str) -> f64 {
    let count = bpe_openai::o200k_base().count(text) as f64;
    (tokens::of(text) as f64 / count - 1.0).abs()
}

#[test]
fn the_estimate_is_near_the_tokenizer() {
    let mut all: Vec<f64> = samples().iter().map(|text| off(text)).collect();
    all.sort_by(f64::total_cmp);
    let (median, most) = (all[all.len() / 2], all[all.len() * 95 / 100]);
    assert!(
        median <= 0.10 && most <= 0.25,
        "median {median:.2}, 95th percentile {most:.2}"
    );
}

#[test]
fn the_estimate_is_near_the_tokenizer_in_other_languages() {
    let cases = [
        (
            "Chinese",
            "请先运行全部测试，然后修改出错的函数。不要改动公共接口，因为其他模块依赖它。修改完成以后，请简要说明你做了什么，以及为什么这样做。如果遇到无法解决的问题，请告诉我具体的错误信息。",
        ),
        (
            "Japanese",
            "まずテストをすべて実行してから、失敗した関数を修正してください。公開インターフェースは他のモジュールが使っているので変更しないでください。終わったら、何をなぜ変えたのかを簡単に説明してください。",
        ),
        (
            "Korean",
            "먼저 모든 테스트를 실행한 다음 실패한 함수를 고쳐 주세요. 다른 모듈이 사용하고 있으므로 공개 인터페이스는 바꾸지 마세요. 끝나면 무엇을 왜 바꾸었는지 간단히 설명해 주세요.",
        ),
        (
            "Russian",
            "Сначала запусти все тесты, затем исправь функцию, которая не работает. Не меняй открытый интерфейс, потому что от него зависят другие модули. Когда закончишь, кратко объясни, что ты сделал и почему.",
        ),
        (
            "German",
            "Führe zuerst alle Tests aus und behebe dann den Fehler in der Funktion. Ändere die öffentliche Schnittstelle nicht, weil andere Module davon abhängen. Erkläre am Ende kurz, was du geändert hast und warum.",
        ),
        (
            "English",
            "Run all of the tests first, then fix the function that fails. Do not change the public interface, because other modules depend on it. When you are done, say briefly what you changed and why.",
        ),
        (
            "a log",
            "test agent::stops_when_done ... ok\ntest wire::reads_a_call ... FAILED\n\nfailures:\n\n---- wire::reads_a_call stdout ----\nthread 'wire::reads_a_call' panicked at engine/tests/wire.rs:210:5:\nassertion failed: left == right\n  left: 3\n right: 4\n",
        ),
        (
            "JSON",
            "{\"name\": \"corecoder\", \"version\": \"0.1.0\", \"private\": true, \"scripts\": {\"build\": \"tsc -p .\", \"test\": \"vitest run\"}, \"dependencies\": {\"express\": \"^4.19.2\", \"zod\": \"^3.23.8\"}}",
        ),
    ];
    for (language, text) in cases {
        assert!(off(text) <= 0.15, "{language}: {:.2}", off(text));
    }
}
