//! What the facts of a journal add up to, for any facts in any order.

use corecoder::context::Compaction;
use corecoder::session::{Fact, Header, Loaded, UNKNOWN, lines};
use corecoder::{Entry, Reply, Round, Summary, ToolCall, Usage};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{Place, asking, header, result, round, said, user};

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "\\PC{0,12}",
        1 => Just("two\nlines\r\n\u{2028}\u{feff}\0\u{1b}[1m\"\\ 🦀".to_string()),
        1 => (1usize..20).prop_map(|n| "long, and wide: ñ字 ".repeat(n * 20)),
    ]
}

fn any_args() -> impl Strategy<Value = Result<Value, String>> {
    let value = prop_oneof![
        any_text().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("a JSON number", |n| serde_json::Number::from_f64(n)
            .map(Value::from)),
        Just(json!([null, true, {"deep": [[]]}])),
    ];
    prop_oneof![
        3 => (any_text(), value).prop_map(|(key, value)| Ok(json!({key: value}))),
        1 => any_text().prop_map(Err),
    ]
}

fn any_call() -> impl Strategy<Value = ToolCall> {
    ("(call_[0-2])?", any_text(), any_args()).prop_map(|(id, name, args)| ToolCall {
        id,
        name,
        args,
        echo: Map::from_iter([("signature".to_string(), json!("x"))]),
    })
}

fn any_reply() -> impl Strategy<Value = Reply> {
    let calls = prop::collection::vec(any_call(), 0..4);
    (any_text(), any_text(), calls, any::<Option<u32>>()).prop_map(
        |(text, reasoning, calls, prompt)| Reply {
            text,
            reasoning,
            calls,
            usage: prompt.map(|prompt| Usage {
                prompt: prompt.into(),
                ..Usage::default()
            }),
            ..Reply::text("")
        },
    )
}

fn any_entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        any_text().prop_map(Entry::User),
        any_text().prop_map(Entry::Note),
        any_reply()
            .prop_map(|reply| Entry::Round(Round::new(reply, |at, _| format!("answer {at}")))),
        (any_text(), any_text()).prop_map(|(said, notes)| Entry::Summary(Summary {
            said: vec![said],
            notes,
            ..Summary::default()
        })),
    ]
}

fn any_compaction() -> impl Strategy<Value = Fact> {
    (
        0usize..6,
        0usize..6,
        prop::collection::vec(any_entry(), 0..3),
    )
        .prop_map(|(start, length, by)| {
            let (at, what) = (start..start + length, "shortened".to_string());
            Fact::Compaction(Compaction {
                before: 2,
                after: 1,
                what,
                at,
                by,
            })
        })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        3 => any_text().prop_map(Fact::User),
        1 => any_text().prop_map(Fact::Note),
        5 => any_reply().prop_map(Fact::Reply),
        8 => (0usize..4, any_text()).prop_map(|(at, text)| Fact::Result { at, text }),
        1 => (any_text(), any::<Option<u8>>()).prop_map(|(call, denied)| Fact::Approval {
            call,
            denied: denied.map(|n| n.to_string()),
        }),
        1 => any_text().prop_map(Fact::Started),
        2 => any_compaction(),
        1 => prop::collection::vec(any_entry(), 0..3).prop_map(Fact::Entries),
        2 => any::<prop::sample::Index>().prop_map(|index| Fact::Rewind(index.index(1 << 20))),
        1 => any_text().prop_map(Fact::Error),
        1 => Just(Fact::End),
        1 => any_text().prop_map(Fact::Model),
        1 => Just(Fact::Session(Header { format: 1, ..header("another") })),
        1 => Just(Fact::Opened { pid: 7, program: "other".to_string() }),
        1 => any_text().prop_map(|text| Fact::Extension(json!({"name": text}))),
    ]
}

/// Facts whose rewinds name lines that are there: each journal begins with two lines of its own.
pub fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    prop::collection::vec(any_fact(), 0..24).prop_map(|mut facts| {
        for (at, fact) in facts.iter_mut().enumerate() {
            if let Fact::Rewind(lines) = fact {
                *lines %= at + 3;
            }
        }
        facts
    })
}

/// A conversation, and the reply that still waits for results.
#[derive(Clone, Default)]
struct State {
    entries: Vec<Entry>,
    open: Option<(Reply, Vec<Option<String>>)>,
}

impl State {
    fn closed(mut self) -> State {
        if let Some((reply, results)) = self.open.take() {
            let result =
                |at: usize, _: &ToolCall| results[at].clone().unwrap_or(UNKNOWN.to_string());
            self.entries.push(Entry::Round(Round::new(reply, result)));
        }
        self
    }

    fn and(self, entries: Vec<Entry>) -> State {
        let mut state = self.closed();
        state.entries.extend(entries);
        state
    }
}

/// What facts mean, told the simple way: the state after each line is kept, and a rewind takes an old one.
pub fn told(facts: &[Fact]) -> Vec<Entry> {
    let mut states = vec![State::default(); 3];
    for fact in facts {
        let state = states.last().unwrap().clone();
        states.push(match fact.clone() {
            Fact::User(text) => state.and(vec![Entry::User(text)]),
            Fact::Note(text) => state.and(vec![Entry::Note(text)]),
            Fact::Entries(entries) if entries.is_empty() => state,
            Fact::Entries(entries) => state.and(entries),
            Fact::Reply(reply) => {
                let results = vec![None; reply.calls.len()];
                State {
                    open: Some((reply, results)),
                    ..state.closed()
                }
            }
            Fact::Result { at, text } => answered(state, at, text),
            Fact::Compaction(Compaction { at, by, .. }) => {
                let mut state = state.closed();
                let end = state.entries.len();
                state.entries.splice(at.start.min(end)..at.end.min(end), by);
                state
            }
            Fact::Rewind(lines) => states[lines].clone().closed(),
            _ => state,
        });
    }
    states.pop().unwrap().closed().entries
}

/// The first result for each call of a whole round counts; until then, the last one.
fn answered(mut state: State, at: usize, text: String) -> State {
    let open = state
        .open
        .as_mut()
        .filter(|(_, results)| results.contains(&None));
    if let Some(slot) = open.and_then(|(_, results)| results.get_mut(at)) {
        *slot = Some(text);
    }
    state
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_journal_says_what_its_facts_say(facts in any_facts()) {
        let loaded = Loaded::read(&Place::journal(&facts));
        prop_assert_eq!(loaded.problems, Vec::<String>::new());
        prop_assert_eq!(loaded.entries, told(&facts));
    }

    #[test]
    fn a_line_is_read_as_it_was_written(facts in any_facts()) {
        let journal = Place::journal(&facts);
        let read: Vec<Fact> = lines(&journal).skip(2).map(|(_, line)| line.unwrap().fact).collect();
        prop_assert_eq!(read, facts);
    }
}

#[test]
fn what_a_sub_agent_did_is_no_part_of_the_conversation() {
    let place = Place::new();
    let mut journal = corecoder::session::Journal::create(&place.path, header("a")).unwrap();
    journal.append("", user("go")).unwrap();
    journal
        .append("helper", Fact::Entries(vec![said("inside")]))
        .unwrap();
    journal.append("", user("and on")).unwrap();
    let loaded = Loaded::read(&place.read());
    assert_eq!(
        (loaded.entries, loaded.lines),
        (vec![said("go"), said("and on")], 5)
    );
}

#[test]
fn an_unanswered_call_gets_an_answer_that_is_itself_written() {
    let facts = [user("go"), Fact::Reply(asking(3)), result(1, "one")];
    let place = Place::holding(&Place::journal(&facts));
    let first = place.loads();
    assert_eq!(first.unanswered, [0, 2]);
    let expected = [said("go"), round(asking(3), &[UNKNOWN, "one", UNKNOWN])];
    assert_eq!(first.entries, expected);
    let second = place.loads();
    assert_eq!(
        (second.entries, second.unanswered),
        (expected.to_vec(), vec![])
    );
    let written = String::from_utf8(place.read()).unwrap();
    assert_eq!(written.matches(UNKNOWN).count(), 2, "{written}");
}

#[test]
fn a_rewind_gives_the_conversation_as_it_was() {
    let shortened = |by: &str| {
        Fact::Compaction(Compaction {
            before: 2,
            after: 1,
            what: String::new(),
            at: 0..2,
            by: vec![said(by)],
        })
    };
    // Lines 0 and 1 are the journal's own, so the first fact is line 2.
    let rows: [(&str, Vec<Fact>, &[&str]); 5] = [
        ("to the beginning", vec![user("a"), Fact::Rewind(2)], &[]),
        (
            "across a compaction",
            vec![
                user("a"),
                user("b"),
                shortened("ab"),
                user("c"),
                Fact::Rewind(4),
            ],
            &["a", "b"],
        ),
        (
            "to behind a compaction",
            vec![
                user("a"),
                user("b"),
                shortened("ab"),
                user("c"),
                Fact::Rewind(5),
                user("d"),
            ],
            &["ab", "d"],
        ),
        (
            "twice",
            vec![
                user("a"),
                Fact::Rewind(2),
                user("b"),
                Fact::Rewind(4),
                user("c"),
            ],
            &["c"],
        ),
        (
            "to what another rewind took back",
            vec![user("a"), user("b"), Fact::Rewind(2), Fact::Rewind(4)],
            &["a", "b"],
        ),
    ];
    for (name, facts, expected) in rows {
        let entries: Vec<Entry> = expected.iter().map(|text| said(text)).collect();
        assert_eq!(
            Loaded::read(&Place::journal(&facts)).entries,
            entries,
            "{name}"
        );
    }
}

#[test]
fn a_journal_that_was_rewound_again_and_again_loads_at_once() {
    // Each goes back to before the last message, which stands behind all rewinds before it.
    let facts: Vec<Fact> = (0..2_000)
        .flat_map(|n| [user("try"), Fact::Rewind(2 + 2 * n)])
        .collect();
    assert_eq!(Loaded::read(&Place::journal(&facts)).entries, []);
}
