//! Files that were cut, scribbled over, or were never journals.

use std::fs;

use corecoder::session::{Fact, Journal, Loaded, SessionError, UNKNOWN};
use proptest::prelude::*;

use crate::facts::{any_facts, told};
use crate::{PROGRAM, Place, asking, result, round, said, user};

/// The facts of a journal of which only this much is left: those whose lines are whole, but perhaps for the newline.
fn left(journal: &[u8], facts: &[Fact], cut: usize) -> usize {
    let whole = journal[..cut].iter().filter(|byte| **byte == b'\n').count();
    let lacks_newline = journal.get(cut) == Some(&b'\n');
    (whole + usize::from(lacks_newline))
        .saturating_sub(2)
        .min(facts.len())
}

fn check_cut(journal: &[u8], facts: &[Fact], cut: usize) {
    let place = Place::holding(&journal[..cut]);
    let first = place.loads();
    let expected = told(&facts[..left(journal, facts, cut)]);
    assert_eq!(first.entries, expected, "cut at {cut}");
    let is_torn =
        cut > 0 && journal[cut - 1] != b'\n' && journal.get(cut).is_some_and(|byte| *byte != b'\n');
    assert_eq!(
        first.problems.len(),
        usize::from(is_torn),
        "cut at {cut}: {:?}",
        first.problems
    );
    let begin = journal[..cut]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    let rest = if is_torn { &journal[begin..cut] } else { &[] };
    assert_eq!(place.torn(), rest, "cut at {cut}: set aside");
    let second = place.loads();
    assert_eq!(second.entries, expected, "cut at {cut}: opened again");
    assert!(
        second.problems.is_empty() && second.unanswered.is_empty(),
        "cut at {cut}: {second:?}"
    );
}

#[test]
fn a_journal_that_is_cut_at_any_byte_loses_no_whole_fact() {
    let facts = [
        user("grüß dich 🦀"),
        Fact::Reply(asking(2)),
        result(1, "later\nfirst"),
        result(0, "x"),
        Fact::Rewind(3),
        user("again"),
        Fact::Reply(asking(1)),
    ];
    let journal = Place::journal(&facts);
    for cut in 0..=journal.len() {
        check_cut(&journal, &facts, cut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_journal_that_is_cut_loses_no_whole_fact(facts in any_facts(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 8)) {
        let journal = Place::journal(&facts);
        let ends = journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        for cut in ends.chain(cuts.iter().map(|cut| cut.index(journal.len()))) {
            check_cut(&journal, &facts, cut);
        }
    }

    #[test]
    fn whatever_happens_to_bytes_the_other_lines_load(
        facts in any_facts(),
        place in any::<prop::sample::Index>(),
        scribble in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let journal = Place::journal(&facts);
        let second = journal.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let mut damaged = journal.clone();
        let at = second + place.index(journal.len() - second);
        let end = (at + scribble.len()).min(journal.len());
        damaged.splice(at..end, scribble);
        let place = Place::holding(&damaged);
        let first = place.loads();
        let again = place.loads();
        prop_assert_eq!(&first.entries, &again.entries);
        prop_assert!(again.unanswered.is_empty());
        // Opening brings no further problem.
        prop_assert!(again.problems.len() <= first.problems.len(), "{:?} then {:?}", first.problems, again.problems);
    }
}

#[test]
fn a_damaged_line_is_left_out_and_named_by_its_number() {
    let journal = Place::journal(&[user("one"), user("two"), user("three")]);
    let whole: Vec<&[u8]> = journal.split_inclusive(|byte| *byte == b'\n').collect();
    let flipped = |at: usize| {
        let mut line = whole[3].to_vec();
        line[at] ^= 0x80;
        line
    };
    // What stands in place of the line with "two", and whether it can still be read.
    let rows: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "a bit flipped in its beginning",
            flipped(0),
            &["one", "three"],
        ),
        (
            "a bit flipped in its text: no UTF-8",
            flipped(whole[3].len() - 5),
            &["one", "three"],
        ),
        ("zeros", b"\0\0\0\0\0\0\0\0\n".to_vec(), &["one", "three"]),
        ("binary", vec![0xff, 0xfe, 0, 1, b'\n'], &["one", "three"]),
        (
            "a fact of a later program",
            br#"{"time":1,"fact":{"dream":"of sheep"}}"#.iter().copied().chain([b'\n']).collect(),
            &["one", "three"],
        ),
        ("another object", b"{}\n".to_vec(), &["one", "three"]),
        (
            "the end of Windows",
            [&whole[3][..whole[3].len() - 1], b"\r\n"].concat(),
            &["one", "two", "three"],
        ),
        (
            "empty lines",
            [b"\n\n", whole[3], b"\n"].concat(),
            &["one", "two", "three"],
        ),
    ];
    for (name, line, expected) in rows {
        let bytes = [whole[0], whole[1], whole[2], &line, whole[4]].concat();
        let place = Place::holding(&bytes);
        let loaded = place.loads();
        let entries: Vec<_> = expected.iter().map(|text| said(text)).collect();
        assert_eq!(loaded.entries, entries, "{name}");
        let numbers: Vec<bool> = loaded
            .problems
            .iter()
            .map(|words| words.starts_with("line 4 "))
            .collect();
        assert_eq!(
            numbers,
            vec![true; 3 - expected.len()],
            "{name}: {:?}",
            loaded.problems
        );
        assert!(
            place.read().starts_with(&bytes),
            "{name}: what is damaged stays for whoever can read it"
        );
    }
}

#[test]
fn a_round_whose_result_was_damaged_stands_before_the_compaction_that_followed() {
    let by = vec![said("all of it")];
    let (before, after, what) = (2, 1, String::new());
    let compaction = corecoder::context::Compaction {
        before,
        after,
        what,
        at: 0..2,
        by,
    };
    let facts = [
        user("go"),
        Fact::Reply(asking(1)),
        Fact::Compaction(compaction),
    ];
    assert_eq!(
        Loaded::read(&Place::journal(&facts)).entries,
        [said("all of it")]
    );
}

#[test]
fn a_file_that_is_no_journal_is_refused_and_left_as_it_is() {
    let files: [&[u8]; 8] = [
        b"Dear diary,\ntoday\n",
        b"one line without an end",
        b"{\"model\": \"gpt\"}",
        b"{}\n{}\n",
        b"\0\0\0\0\0\0\0\0",
        b"\0\0\0\n\0\0",
        b"\xff\xd8\xff\xe0 JFIF",
        b"[]",
    ];
    for bytes in files {
        let place = Place::holding(bytes);
        let error = Journal::open(&place.path, PROGRAM)
            .err()
            .expect("it is refused");
        assert!(matches!(error, SessionError::NotASession(_)), "{error}");
        assert_eq!((place.read(), place.torn()), (bytes.to_vec(), vec![]));
    }
}

#[test]
fn an_empty_file_is_a_session_that_has_yet_to_begin() {
    for bytes in [&b""[..], b"{\"ti", b"{\"time\":17"] {
        let place = Place::holding(bytes);
        let (mut journal, loaded) = Journal::open(&place.path, PROGRAM).unwrap();
        assert_eq!((loaded.header.id.as_str(), loaded.entries), ("a", vec![]));
        journal.append("", user("first")).unwrap();
        drop(journal);
        let again = place.loads();
        assert_eq!(
            (again.header.id.as_str(), again.entries, again.problems),
            ("a", vec![said("first")], vec![])
        );
    }
}

#[test]
fn a_newer_format_is_refused_with_words() {
    let journal = String::from_utf8(Place::journal(&[user("hi")])).unwrap();
    let newer = journal.replacen("\"format\":1", "\"format\":2", 1);
    // Without its checksum, which would be wrong now, the line is taken as it is.
    let newer = newer.replacen(",\"crc\":", ",\"was\":", 1);
    let place = Place::holding(newer.as_bytes());
    let error = Journal::open(&place.path, PROGRAM)
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        error,
        "the session was written by a newer program (format 2); this one reads up to 1"
    );
    assert_eq!(place.read(), newer.as_bytes());
}

#[test]
fn a_flipped_bit_is_a_lost_line_and_not_a_changed_word() {
    let reply = asking(1);
    let facts = [
        user("go"),
        Fact::Reply(reply.clone()),
        result(0, "42 tests passed"),
    ];
    let journal = Place::journal(&facts);
    let whole = Loaded::read(&journal).entries;
    let lost = [said("go"), round(reply, &[UNKNOWN])];
    let last = journal[..journal.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n')
        .unwrap()
        + 1;
    for (place, bit) in
        (last..journal.len() - 1).flat_map(|place| (0..8).map(move |bit| (place, bit)))
    {
        let mut damaged = journal.clone();
        damaged[place] ^= 1 << bit;
        let loaded = Loaded::read(&damaged);
        assert!(
            loaded.entries == whole || loaded.entries == lost,
            "byte {place}, bit {bit}: {:?}",
            loaded.entries
        );
    }
}

#[test]
fn what_is_torn_again_is_set_aside_behind_what_was_torn_before() {
    let place = Place::holding(&Place::journal(&[user("hi")]));
    for _ in 0..2 {
        fs::write(
            &place.path,
            [place.read(), b"{\"time\":1,\"fa".to_vec()].concat(),
        )
        .unwrap();
        place.loads();
    }
    assert_eq!(place.torn(), b"{\"time\":1,\"fa{\"time\":1,\"fa");
}

#[test]
fn a_process_that_died_during_the_repair_is_repaired_too() {
    let facts = [user("go"), Fact::Reply(asking(3))];
    let place = Place::holding(&Place::journal(&facts));
    let expected = place.loads().entries;
    let repaired = place.read();
    let begin = Place::journal(&facts).len();
    for cut in begin..repaired.len() {
        let place = Place::holding(&repaired[..cut]);
        assert_eq!(place.loads().entries, expected, "cut at {cut}");
        let written = String::from_utf8(place.read()).unwrap();
        assert_eq!(written.matches(UNKNOWN).count(), 3, "cut at {cut}");
    }
}
