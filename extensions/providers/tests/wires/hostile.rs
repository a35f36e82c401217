//! Responses that nobody meant: broken, cut, mixed up, endless. Each ends in a reply or in an error.

use corecoder::{Entry, ErrorKind, Model, Request};
use corecoder_providers::{Options, Remote};
use futures::StreamExt;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::fixtures::{self, Fixture};
use crate::server::{Answer, serve};
use crate::{Case, WIRES};

/// The body with some of its bytes replaced by others.
fn broken(body: &str, damage: &[(Index, Index, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = body.as_bytes().to_vec();
    for (start, length, with) in damage {
        if bytes.is_empty() {
            break;
        }
        let start = start.index(bytes.len());
        let end = start + length.index(bytes.len() - start + 1).min(40);
        bytes.splice(start..end, with.clone());
    }
    bytes
}

/// What may stand in the place of a value.
fn odd() -> impl Strategy<Value = Value> {
    select(vec![
        json!(null),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(""),
        json!("日"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"type": "error"}),
    ])
}

/// Replaces the value that `at` points to, of all in the tree.
fn replace(value: &mut Value, at: &mut usize, with: &Value) {
    if *at == 0 {
        *value = with.clone();
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| replace(value, at, with)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|value| replace(value, at, with)),
        _ => {}
    }
}

fn cases(count: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(count)
    }
}

/// All fixtures, by wire.
fn all() -> Vec<(&'static Case, Vec<Fixture>)> {
    WIRES
        .iter()
        .map(|case| (case, fixtures::of(case)))
        .collect()
}

#[test]
fn broken_bytes_give_a_reply_or_an_error() {
    let all = all();
    let hits = prop::collection::vec(
        (
            any::<Index>(),
            any::<Index>(),
            prop::collection::vec(any::<u8>(), 0..4),
        ),
        0..6,
    );
    proptest!(cases(3_000), |(which in any::<(Index, Index)>(), hits in hits, cut in any::<Index>())| {
        let (case, fixtures) = which.0.get(&all);
        let fixture = which.1.get(fixtures);
        let body = broken(&fixture.body, &hits);
        let wire = (case.wire)();
        let mut reading = wire.reading();
        let (first, second) = body.split_at(cut.index(body.len() + 1));
        reading.push(first);
        reading.push(second);
        let _ = reading.finish();
        let text = String::from_utf8_lossy(&body);
        for status in [301, 400, 404, 429, 500] {
            let error = wire.refusal(status, &fixture.headers(), &text);
            prop_assert!(!error.message.is_empty() && error.message.len() < 2_000, "{}", error.message);
            let _ = wire.concession(&error, &Value::Null);
        }
    });
}

#[test]
fn values_of_another_type_give_a_reply_or_an_error() {
    let all = all();
    let which = any::<(Index, Index, Index)>();
    proptest!(cases(3_000), |(which in which, at in 0..60_usize, with in odd())| {
        let (case, fixtures) = which.0.get(&all);
        let fixture = which.1.get(fixtures);
        let mut lines: Vec<String> = fixture.body.lines().map(str::to_string).collect();
        let line = which.2.index(lines.len());
        let (before, json) = match lines[line].split_once("data: ") {
            Some((_, json)) => ("data: ", json.to_string()),
            None => ("", lines[line].clone()),
        };
        if let Ok(mut value) = serde_json::from_str::<Value>(&json) {
            replace(&mut value, &mut at.clone(), &with);
            lines[line] = format!("{before}{value}");
        }
        let mut reading = (case.wire)().reading();
        reading.push((lines.join("\n") + "\n\n").as_bytes());
        if let Ok(reply) = reading.finish() {
            let words = ["stop", "tool_calls", "length", "content_filter"];
            prop_assert!(words.contains(&reply.finish.as_str()), "{}", reply.finish);
        }
    });
}

#[test]
fn a_reply_without_an_end_is_cut_off() {
    for case in WIRES {
        let body = "x".repeat(66 << 20);
        let (base, _requests) = serve(vec![Answer::new(200, &body)]);
        let remote =
            Remote::new((case.wire)(), "", Some(&base), Options::of(case.models[0])).unwrap();
        let entries = [Entry::User("Go".into())];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let request = Request {
            system: "",
            tools: &[],
            entries: &entries,
            ..Request::default()
        };
        let last = runtime.block_on(async { remote.stream(request).next().await.unwrap() });
        let error = last.expect_err("no reply");
        assert_eq!(error.kind, ErrorKind::Other, "{}: {error}", case.name);
        assert!(error.message.contains("64 MB"), "{error}");
    }
}
