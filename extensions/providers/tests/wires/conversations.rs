//! Conversations of every shape: each request for them is valid, and begins with the bytes of the one before.

use corecoder::{Entry, Picture, Reply, Round, Summary, ToolCall};
use corecoder_providers::{Effort, Options};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use crate::{Case, WIRES, asked, fixtures, home, rules};

fn any_call() -> impl Strategy<Value = ToolCall> {
    let args = prop_oneof![
        Just(Ok(json!({"path": "a.rs"}))),
        Just(Ok(json!({}))),
        Just(Err("{\"path\": cut".to_string())),
    ];
    let ids = select(vec![
        "",
        "call_0",
        "call_0",
        "toolu_1",
        "functions.ls:0",
        "functions_ls_0",
        "a b",
        "é",
    ]);
    (ids, select(vec!["read_file", "write_file"]), args).prop_map(|(id, name, args)| ToolCall {
        id: id.to_string(),
        name: name.to_string(),
        args,
        echo: Map::new(),
    })
}

/// Replies as the wire itself read them, and others of any shape, from here and elsewhere.
fn any_reply(case: &Case) -> impl Strategy<Value = Reply> + use<> {
    let wire = (case.wire)();
    let read = fixtures::of(case).into_iter().filter_map(|fixture| {
        let mut reading = wire.reading();
        reading.push(fixture.body.as_bytes());
        (fixture.status == 200).then(|| reading.finish().ok())?
    });
    let own = select(read.collect::<Vec<_>>());
    let texts = select(vec!["", " \n", "Well.", "日本 x "]);
    let other = (
        texts,
        prop::collection::vec(any_call(), 0..4),
        select(vec!["stop", "content_filter", "length"]),
    );
    let other = other.prop_map(|(text, calls, finish)| Reply {
        text: text.to_string(),
        calls,
        finish: finish.to_string(),
        ..Reply::default()
    });
    (prop_oneof![own, other], any::<bool>()).prop_map(|(mut reply, here)| {
        reply.origin = if here { "home" } else { "elsewhere" }.to_string();
        reply
    })
}

fn any_entry(case: &Case) -> impl Strategy<Value = Entry> + use<> {
    let words = select(vec!["", " ", "Go on", "été\n\"quoted\""]).prop_map(str::to_string);
    let results = select(vec!["", "fine", "Error: no such file", " \n"]);
    let picture =
        select(vec!["image/png", "image/gif", "image/tiff"]).prop_map(|media_type| Picture {
            name: "a.png".to_string(),
            media_type: media_type.to_string(),
            data: "aGk=".to_string(),
        });
    prop_oneof![
        2 => words.clone().prop_map(Entry::User),
        1 => words.clone().prop_map(Entry::Note),
        1 => picture.prop_map(Entry::Picture),
        1 => words.prop_map(|said| Entry::Summary(Summary { said: vec![said], ..Summary::default() })),
        5 => (any_reply(case), results)
            .prop_map(|(reply, result)| Entry::Round(Round::new(reply, |_, _| result.to_string()))),
    ]
}

fn any_options(case: &Case) -> impl Strategy<Value = Options> + use<> {
    let efforts = vec![
        None,
        Some(Effort::Low),
        Some(Effort::Medium),
        Some(Effort::High),
        Some(Effort::Max),
    ];
    let limits = select(vec![None, Some(100), Some(2_000), Some(500_000)]);
    let temperatures = select(vec![None, Some(0.0), Some(2.0)]);
    let given = (
        select(case.models.to_vec()),
        select(efforts),
        limits,
        temperatures,
    );
    given.prop_map(|(model, effort, max_tokens, temperature)| Options {
        effort,
        max_tokens,
        temperature,
        ..home(model)
    })
}

/// Whether the loop would ask a model now: after a final answer it does not.
fn is_open(entries: &[Entry]) -> bool {
    match entries.last() {
        Some(Entry::Round(round)) => !round.reply().calls.is_empty(),
        last => last.is_some(),
    }
}

fn check(case: &Case) {
    let conversation = prop::collection::vec(any_entry(case), 1..12);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    };
    proptest!(config, |(entries in conversation, options in any_options(case))| {
        let wire = (case.wire)();
        let mut before: Vec<String> = Vec::new();
        for end in (1..=entries.len()).filter(|end| is_open(&entries[..*end])) {
            let body = asked(&*wire, &entries[..end], &options).body;
            rules::check(case.name, &body);
            let pieces = rules::pieces(case.name, &body);
            prop_assert!(pieces.starts_with(&before), "{before:#?}\n{pieces:#?}");
            before = pieces;
        }
        rules::check(case.name, &asked(&*wire, &entries, &options).body);
    });
}

#[test]
fn each_request_is_valid_and_begins_with_the_one_before() {
    WIRES.iter().for_each(check);
}
