//! Responses and what they mean.

use std::path::Path;

use corecoder::wire::refusal;
use corecoder::{Delta, Entry, ErrorKind, ModelError, Reply, Round};
use corecoder_providers::Wire;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{Case, WIRES, asked, home, rules};

/// One file of the fixtures.
#[derive(Debug, Clone, Deserialize)]
pub struct Fixture {
    pub name: String,
    pub status: u16,
    headers: Map<String, Value>,
    pub body: String,
    pub expect: Expected,
    #[serde(skip)]
    may_be_any_error: bool,
}

/// What the response means.
#[derive(Debug, Clone, Deserialize)]
pub struct Expected {
    text: String,
    reasoning: String,
    calls: Vec<Call>,
    usage: Option<Value>,
    finish: Option<String>,
    pub error_kind: Option<String>,
    error_contains: Option<String>,
    wait_seconds: Option<f64>,
    window: Option<u64>,
    sent_back: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Call {
    id: Option<String>,
    name: String,
    arguments: Value,
    arguments_raw: Option<String>,
}

/// The fixtures of a wire, in the order of their names.
pub fn of(case: &Case) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(case.fixtures);
    let files = std::fs::read_dir(&folder).expect("the wire has a folder of fixtures");
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path| -> Fixture {
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let mut fixtures: Vec<Fixture> = paths.iter().map(read).collect();
    for fixture in &mut fixtures {
        fixture.may_be_any_error = case.errors.contains(&fixture.name.as_str());
    }
    fixtures
}

impl Fixture {
    /// The headers as a client sees them.
    pub fn headers(&self) -> HeaderMap {
        let pair = |(name, value): (&String, &Value)| {
            let name: HeaderName = name.parse().unwrap();
            (
                name,
                HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
            )
        };
        self.headers.iter().map(pair).collect()
    }

    /// How the reply is expected to end, in the engine's words.
    pub fn finish(&self) -> Option<&str> {
        self.expect.finish.as_deref()
    }

    /// What the pieces of the body come to.
    fn read(&self, wire: &dyn Wire, pieces: &[&[u8]]) -> (Vec<Delta>, Result<Reply, ModelError>) {
        if self.status != 200 {
            return (
                Vec::new(),
                Err(wire.refusal(self.status, &self.headers(), &self.body)),
            );
        }
        let mut reading = wire.reading();
        let deltas = pieces
            .iter()
            .flat_map(|piece| reading.push(piece))
            .collect();
        (deltas, reading.finish())
    }

    /// Whether this is what was expected; `how` says how it was read.
    pub fn check(&self, how: &str, deltas: &[Delta], result: &Result<Reply, ModelError>) {
        let place = format!("{} {how}", self.name);
        match (result, &self.expect.error_kind) {
            (Err(_), _) if self.may_be_any_error => {}
            (Ok(reply), None) => self.check_reply(&place, deltas, reply),
            (Err(error), Some(kind)) => self.check_error(&place, kind, deltas, error),
            other => panic!("{place}: {other:?}"),
        }
    }

    fn check_reply(&self, place: &str, deltas: &[Delta], reply: &Reply) {
        let expect = &self.expect;
        assert_eq!(reply.text.trim(), expect.text.trim(), "{place}");
        assert_eq!(
            squeezed(&reply.reasoning),
            squeezed(&expect.reasoning),
            "{place}"
        );
        let usage = reply.usage.map(|usage| {
            assert!(
                usage.cached + usage.written <= usage.prompt,
                "{place}: {usage:?}"
            );
            json!({"prompt": usage.prompt, "completion": usage.completion, "cached": usage.cached})
        });
        let wanted = expect
            .usage
            .clone()
            .filter(|usage| *usage != json!({"prompt": 0, "completion": 0, "cached": 0}));
        assert_eq!(usage, wanted, "{place}");
        assert_eq!(Some(&reply.finish), expect.finish.as_ref(), "{place}");
        self.check_calls(place, &reply.calls);
        let (text, reasoning, calls) = joined(deltas);
        assert!(reply.text.starts_with(&text), "{place}: streamed {text:?}");
        assert!(
            reply.reasoning.starts_with(&reasoning),
            "{place}: streamed {reasoning:?}"
        );
        assert!(
            reply.calls.starts_with(&calls),
            "{place}: streamed {calls:?}"
        );
        let written = serde_json::to_string(reply).unwrap();
        let read: Reply = serde_json::from_str(&written).unwrap();
        assert_eq!(read, *reply, "{place}: a journal keeps it");
    }

    fn check_calls(&self, place: &str, calls: &[corecoder::ToolCall]) {
        let expected = &self.expect.calls;
        assert_eq!(calls.len(), expected.len(), "{place}: {calls:?}");
        for (at, (call, expected)) in calls.iter().zip(expected).enumerate() {
            assert_eq!(call.name, expected.name, "{place}");
            let args = match &expected.arguments_raw {
                Some(raw) => Err(raw.clone()),
                None => Ok(expected.arguments.clone()),
            };
            assert_eq!(call.args, args, "{place}");
            let is_new = calls[..at].iter().all(|other| other.id != call.id);
            assert!(is_new && !call.id.is_empty(), "{place}: {calls:?}");
            if let Some(id) = &expected.id {
                assert_eq!(call.id, *id, "{place}");
            }
        }
    }

    fn check_error(&self, place: &str, kind: &str, deltas: &[Delta], error: &ModelError) {
        assert_eq!(format!("{:?}", error.kind), kind, "{place}: {error:?}");
        let words = self.expect.error_contains.as_deref().unwrap_or_default();
        assert!(
            error.message.contains(words),
            "{place}: {error:?} lacks {words:?}"
        );
        if let Some(seconds) = self.expect.wait_seconds {
            let wait = error.wait.map(|wait| wait.as_secs_f64()).unwrap_or(-1.0);
            assert!((wait - seconds).abs() < 0.5, "{place}: waits {wait}");
        }
        if error.kind == ErrorKind::ContextTooLong {
            assert_eq!(
                refusal::window(&error.message),
                self.expect.window,
                "{place}: {error:?}"
            );
        }
        let (text, _, calls) = joined(deltas);
        if self.status == 200 {
            assert_eq!(text, self.expect.text, "{place}");
            self.check_calls(place, &calls);
        }
    }
}

/// Without blanks: the joint between two thoughts is free.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What the deltas say in all.
fn joined(deltas: &[Delta]) -> (String, String, Vec<corecoder::ToolCall>) {
    let (mut text, mut reasoning, mut calls) = (String::new(), String::new(), Vec::new());
    for delta in deltas {
        match delta {
            Delta::Text(piece) => text += piece,
            Delta::Reasoning(piece) => reasoning += piece,
            Delta::Call(call) => calls.push(call.clone()),
            Delta::Restart { .. } | Delta::Done(_) => {}
        }
    }
    (text, reasoning, calls)
}

/// Runs a check on every fixture of every wire.
pub fn each(check: impl Fn(&Case, &dyn Wire, &Fixture)) {
    for case in WIRES {
        let wire = (case.wire)();
        let fixtures = of(case);
        assert!(fixtures.len() > 30, "{} has its fixtures", case.name);
        fixtures
            .iter()
            .for_each(|fixture| check(case, &*wire, fixture));
    }
}

#[test]
fn a_response_means_the_same_however_the_reads_fall() {
    each(|_, wire, fixture| {
        let body = fixture.body.as_bytes();
        let read = |how: &str, pieces: &[&[u8]]| {
            let (deltas, result) = fixture.read(wire, pieces);
            fixture.check(how, &deltas, &result);
        };
        read("whole", &[body]);
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        read("byte by byte", &bytes);
        // Of a long body every third byte or less is tried; the step is odd, so that none is always missed.
        let step = 1 + body.len() / 1_000 * 2;
        for at in (1..body.len())
            .step_by(step)
            .filter(|_| fixture.status == 200)
        {
            read(&format!("cut at {at}"), &[&body[..at], &body[at..]]);
        }
    });
}

#[test]
fn what_a_provider_wants_back_goes_back_to_it_and_nowhere_else() {
    each(|case, wire, fixture| {
        let (_, Ok(mut reply)) = fixture.read(wire, &[fixture.body.as_bytes()]) else {
            return;
        };
        for (origin, model) in [("home", case.models[0]), ("elsewhere", case.models[0])] {
            reply.origin = origin.to_string();
            let round = Round::new(reply.clone(), |_, _| "fine".to_string());
            let entries = [Entry::User("Go".into()), Entry::Round(round)];
            let sent = asked(wire, &entries, &home(model));
            rules::check(case.name, &sent.body);
            let back = rules::sent_back(case.name, &sent.body);
            match &fixture.expect.sent_back {
                Some(wanted) if origin == "home" => assert_eq!(back, *wanted, "{}", fixture.name),
                Some(_) => assert!(!rules::has_thoughts(case.name, &back), "{back}"),
                None => {}
            }
        }
    });
}
