//! The event stream parser against the rules of the WHATWG HTML standard, section 9.2.6.
//!
//! The cases are in `data/sse`: the bytes (as text, as `hex:..`, or as `repeat:HEAD|X|N|TAIL`), where one read ends
//! and the next begins, and the events that must come out. `lenient_events` is what a client gets that asks for
//! the event which the end of the stream cut off.

use corecoder::sse::{Sse, SseEvent};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

#[test]
fn every_case_gives_the_events_that_the_standard_demands() {
    for case in cases() {
        let reads = pieces(&case.bytes, &case.cuts);
        assert_eq!(pushed(reads), case.events, "{}", case.name);
    }
}

#[test]
fn the_same_bytes_give_the_same_events_however_they_are_split() {
    for case in cases() {
        for cut in 0..=case.bytes.len() {
            let in_two = pieces(&case.bytes, &[cut]);
            assert_eq!(pushed(in_two), case.events, "{} cut at {cut}", case.name);
        }
        let one_by_one = case.bytes.chunks(1).collect();
        assert_eq!(pushed(one_by_one), case.events, "{} by bytes", case.name);
    }
}

#[test]
fn an_event_that_the_end_of_the_stream_cuts_off_is_dispatched_by_end_alone() {
    let cut_off = cases().into_iter().filter_map(|case| {
        let lenient = case.lenient_events.clone()?;
        Some((case, lenient))
    });
    let mut seen = 0;
    for (case, lenient) in cut_off {
        for reads in [vec![&case.bytes[..]], case.bytes.chunks(1).collect()] {
            assert_eq!(ended(reads), lenient, "{}", case.name);
        }
        seen += 1;
    }
    assert!(seen > 0, "no case has lenient_events");
}

#[test]
fn the_end_of_a_complete_stream_adds_nothing() {
    let complete = |case: &Case| case.bytes.ends_with(b"\n\n") || case.bytes.ends_with(b"\r\r");
    for case in cases().into_iter().filter(complete) {
        assert_eq!(ended(vec![&case.bytes]), case.events, "{}", case.name);
    }
}

proptest! {
    // A failure prints its input, so no file has to remember it.
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_in_any_reads_give_the_events_that_they_give_in_one_piece(
        bytes in stream(),
        cuts in prop::collection::vec(any::<Index>(), 0..12),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        prop_assert_eq!(ended(pieces(&bytes, &cuts)), ended(vec![&bytes]));
    }
}

/// Bytes at random seldom form an event, so most of them are drawn from what the parser looks for.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let words: [&[u8]; 12] = [
        b"\r",
        b"\n",
        b"\r\n",
        b":",
        b" ",
        b"data",
        b"data: x",
        b"event: e",
        b"id: 1",
        b"error: {}",
        b"\xef\xbb\xbf",
        "ü\u{2028}".as_bytes(),
    ];
    let word = select(words.to_vec()).prop_map(<[u8]>::to_vec);
    let noise = prop::collection::vec(any::<u8>(), 0..8);
    prop::collection::vec(prop_oneof![4 => word, 1 => noise], 0..40).prop_map(|all| all.concat())
}

struct Case {
    name: String,
    bytes: Vec<u8>,
    cuts: Vec<usize>,
    events: Vec<SseEvent>,
    lenient_events: Option<Vec<SseEvent>>,
}

fn cases() -> Vec<Case> {
    let files = [
        include_str!("data/sse/lines.json"),
        include_str!("data/sse/fields.json"),
    ];
    let lists =
        files.map(|file| serde_json::from_str::<Vec<Value>>(file).expect("a list of cases"));
    lists.concat().iter().map(read_case).collect()
}

fn read_case(case: &Value) -> Case {
    let bytes = bytes(text(&case["bytes"]));
    let cuts = match &case["splits"] {
        Value::Array(cuts) => cuts
            .iter()
            .filter_map(Value::as_u64)
            .map(|cut| cut as usize)
            .filter(|cut| *cut < bytes.len())
            .collect(),
        every if every == "every" => (1..bytes.len()).collect(),
        _ => Vec::new(),
    };
    Case {
        name: text(&case["name"]).to_string(),
        bytes,
        cuts,
        events: events(&case["events"]).expect("a case has events"),
        lenient_events: events(&case["lenient_events"]),
    }
}

fn bytes(written: &str) -> Vec<u8> {
    if let Some(digits) = written.strip_prefix("hex:") {
        let pairs = digits.as_bytes().chunks(2);
        return pairs
            .map(|pair| {
                let pair = str::from_utf8(pair).expect("ASCII");
                u8::from_str_radix(pair, 16).expect("two hexadecimal digits")
            })
            .collect();
    }
    let Some(parts) = written.strip_prefix("repeat:") else {
        return written.as_bytes().to_vec();
    };
    let [head, unit, times, tail] = parts.split('|').collect::<Vec<_>>()[..] else {
        panic!("{written:?} is not HEAD|X|N|TAIL");
    };
    let middle = unit.repeat(times.parse().expect("a count"));
    [head, &middle, &tail.replace("\\n", "\n")]
        .concat()
        .into_bytes()
}

fn events(list: &Value) -> Option<Vec<SseEvent>> {
    let event = |event: &Value| SseEvent {
        event: text(&event["event"]).to_string(),
        data: match event["data_repeat"].as_array() {
            Some(repeat) => text(&repeat[0]).repeat(repeat[1].as_u64().expect("a count") as usize),
            None => text(&event["data"]).to_string(),
        },
        id: text(&event["id"]).to_string(),
    };
    Some(list.as_array()?.iter().map(event).collect())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The reads that end at these places, which stand in order.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    starts
        .zip(ends)
        .map(|(from, to)| &bytes[from..to])
        .collect()
}

/// What a reader of these pieces has seen before it knows that the stream is over.
fn pushed(reads: Vec<&[u8]>) -> Vec<SseEvent> {
    let mut parser = Sse::default();
    reads
        .into_iter()
        .flat_map(|read| parser.push(read))
        .collect()
}

/// The same, and the event that the end cut off.
fn ended(reads: Vec<&[u8]>) -> Vec<SseEvent> {
    let mut parser = Sse::default();
    let mut events: Vec<SseEvent> = reads
        .into_iter()
        .flat_map(|read| parser.push(read))
        .collect();
    events.extend(parser.end());
    events
}
