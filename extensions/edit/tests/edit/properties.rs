//! What holds for every file and every edit.

use corecoder_edit::{Edit, edit};
use proptest::prelude::*;

use crate::replace;

/// Lines that repeat, blank ones, tabs and spaces, typography and marks: whatever makes places hard to tell apart.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("}".to_string()),
        "[ \t]{0,4}[ab]{1,2}[ \t]{0,2}",
        "[ \t]{0,3}[a-c\"'“”’é–\u{a0}…&;\\\\n`.0-9:]{0,6}",
        "e\u{301}{0,2}[ \t]{0,1}",
    ]
}

fn text(ends: &'static [&'static str]) -> impl Strategy<Value = String> {
    let line = (line(), prop::sample::select(ends));
    let lines = prop::collection::vec(line, 0..12);
    (lines, any::<bool>(), any::<bool>()).prop_map(|(lines, mark, ended)| {
        let mut text = String::from(if mark { "\u{feff}" } else { "" });
        lines
            .iter()
            .for_each(|(line, end)| text.extend([line.as_str(), *end]));
        match ended {
            true => text,
            false => text.trim_end_matches(['\r', '\n']).to_string(),
        }
    })
}

/// Something like the text: some of its lines, with other blanks, marks or line ends.
fn like(text: &str, from: usize, count: usize, change: usize) -> String {
    let lines: Vec<&str> = text
        .trim_start_matches('\u{feff}')
        .split_inclusive('\n')
        .collect();
    let from = from % (lines.len() + 1);
    let passage: String = lines[from..(from + count).min(lines.len())].concat();
    match change % 8 {
        0 => passage,
        1 => passage.replace("\r\n", "\n"),
        2 => passage.replace('\n', " \n"),
        3 => passage.replace(['“', '”'], "\"").replace('’', "'"),
        4 => passage
            .split_inclusive('\n')
            .map(|line| format!("  {line}"))
            .collect(),
        5 => passage.trim().to_string(),
        6 => passage.replace('\t', "    "),
        _ => format!("```\n{passage}```"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn an_edit_and_its_reverse_give_the_file_back(
        content in prop_oneof![text(&["\n"]), text(&["\r\n"])],
        from in 0_usize..200,
        length in 1_usize..40,
        new in text(&["\n"]),
    ) {
        let body = content.trim_start_matches('\u{feff}');
        let bounds: Vec<usize> = body.char_indices().map(|(at, _)| at).chain([body.len()]).collect();
        let start = bounds[from % bounds.len()];
        let end = bounds[(from % bounds.len() + length).min(bounds.len() - 1)];
        // A passage that cuts a line end in two is none that a model can quote.
        let halves = |at: usize| body[..at].ends_with('\r') && body[at..].starts_with('\n');
        if halves(start) || halves(end) {
            return Ok(());
        }
        let new = new.trim_start_matches('\u{feff}');
        let passage = &body[start..end];
        let Ok(there) = replace(&content, passage, new) else { return Ok(()) };
        let mark = content.len() - body.len();
        let written = &there.content[mark + start..there.content.len() - (body.len() - end)];
        if let Ok(back) = replace(&there.content, written, passage) {
            prop_assert_eq!(back.content, content);
        }
    }

    #[test]
    fn bytes_outside_of_the_passage_never_change(
        content in text(&["\n", "\r\n"]),
        from in 0_usize..12,
        count in 1_usize..5,
        change in 0_usize..8,
        new in text(&["\n"]),
    ) {
        let old = like(&content, from, count, change);
        if let Ok(edited) = replace(&content, &old, &new) {
            let lines: Vec<&str> = content.split_inclusive('\n').collect();
            let from = from % (lines.len() + 1);
            let same = |(one, other): &(u8, u8)| one == other;
            let head = content.bytes().zip(edited.content.bytes()).take_while(same).count();
            let ends = content.bytes().rev().zip(edited.content.bytes().rev());
            let tail = ends.take_while(same).count();
            let untouched = content.len().saturating_sub(head + tail);
            // What changed is no more than as many lines as old has.
            let most: usize = {
                let mut lengths: Vec<usize> = lines.iter().map(|line| line.len()).collect();
                lengths.sort_unstable_by(|one, other| other.cmp(one));
                lengths.iter().take(old.lines().count().max(1) + 1).sum()
            };
            prop_assert!(untouched <= most, "from {from}: {untouched} bytes of {content:?} changed");
        }
    }

    #[test]
    fn an_edit_that_keeps_all_but_one_line_leaves_the_others_alone(
        content in text(&["\n", "\r\n"]),
        from in 0_usize..12,
        count in 2_usize..6,
        change in 0_usize..7,
        which in 0_usize..6,
    ) {
        let old = like(&content, from, count, change);
        let mut lines: Vec<&str> = old.split_inclusive('\n').collect();
        if lines.len() < 2 {
            return Ok(());
        }
        let which = which % lines.len();
        let ends = lines[which].ends_with('\n');
        lines[which] = if ends { "zzz\n" } else { "zzz" };
        let new = lines.concat();
        if let Ok(edited) = replace(&content, &old, &new) {
            let before: Vec<&str> = content.split_inclusive('\n').collect();
            let after: Vec<&str> = edited.content.split_inclusive('\n').collect();
            let kept = after.iter().filter(|line| !line.contains("zzz")).count();
            prop_assert!(kept + 1 >= after.len());
            let mut rest = before.iter();
            let stands = after.iter().filter(|line| !line.contains("zzz"));
            let all = stands.clone().all(|line| rest.any(|old| old == line));
            // A single line that begins or ends within the passage's neighbours keeps their text beside the new one.
            prop_assert!(all || change % 8 == 5, "{old:?} in {content:?} became {:?}", edited.content);
        }
    }

    #[test]
    fn no_input_panics(content in ".{0,80}(\r?\n.{0,20}){0,4}", old in any::<String>(), new in any::<String>(), all in any::<bool>()) {
        let _ = edit(&content, &[Edit { old, new, all }]);
    }

    #[test]
    fn no_likely_input_panics(
        content in text(&["\n", "\r\n", "\r"]),
        old in text(&["\n", "\r\n", "\r", "\n...\n"]),
        new in text(&["\n", "\r\n", "\n...\n"]),
        all in any::<bool>(),
    ) {
        let _ = edit(&content, &[Edit { old, new, all }]);
    }
}
