//! What holds for every text.

use std::time::Duration;

use corecoder_markdown::{Look, Markdown, code, diff};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

fn look(width: usize, colour: bool) -> Look {
    Look {
        width,
        colour,
        unicode: true,
    }
}

fn lines<'a>(pieces: impl IntoIterator<Item = &'a str>, look: Look) -> Vec<String> {
    let mut markdown = Markdown::new(look);
    let mut lines = Vec::new();
    for piece in pieces {
        lines.extend(markdown.push(piece));
        let tail = bare(&markdown.tail());
        assert!(tail.width() <= look.width, "the tail is too wide: {tail:?}");
    }
    lines.extend(markdown.finish());
    lines
}

/// Without styles; each must be closed before the line ends.
fn bare(line: &str) -> String {
    let mut bare = String::new();
    let mut open = false;
    let mut rest = line;
    while let Some((text, sequence)) = rest.split_once("\x1b[") {
        bare.push_str(text);
        let (numbers, text) = sequence.split_once('m').expect("a style has an end");
        assert!(numbers.bytes().all(|b| b.is_ascii_digit() || b == b';'));
        open = numbers != "0";
        rest = text;
    }
    assert!(!open, "a style is open at the end of {line:?}");
    bare + rest
}

/// Texts made of what means something.
fn marked() -> impl Strategy<Value = String> {
    let parts = [
        "word",
        "other words",
        " ",
        " ",
        "\n",
        "\n",
        "\n\n",
        "  \n",
        "\\\n",
        "*",
        "**",
        "_",
        "__",
        "~~",
        "`",
        "``",
        "```",
        "```rust\n",
        "\n```\n",
        "~~~\n",
        "# ",
        "## x ##",
        "- ",
        "* ",
        "+ ",
        "1. ",
        "12) ",
        "[ ] ",
        "- [x] ",
        "> ",
        "    ",
        "  ",
        "|",
        "| a | b |\n|---|--:|\n",
        "|-|-|\n",
        "| c | `d` |\n",
        "---",
        "===",
        "***",
        "[",
        "]",
        "(",
        ")",
        "[t](http://u)",
        "![i](u)",
        "<",
        ">",
        "<http://x.y>",
        "<div>",
        "<br>",
        "\\",
        "\\*",
        "&amp;",
        "&#27;",
        "中文",
        "。",
        "日本語の文字",
        "👨‍👩‍👧",
        "👍🏽",
        "e\u{301}",
        "\u{200d}",
        "ﷺ",
        "\t",
        "\r",
        "\r\n",
        "\x1b[31m",
        "\x1b]0;t\x07",
        "\x1b",
        "\u{202e}",
        "\0",
        "snake_case_name",
        "2 * 3",
        "averyveryveryverylongwordwithoutanyspacesinit",
    ];
    let part = prop_oneof![
        20 => proptest::sample::select(parts.to_vec()).prop_map(str::to_string),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

fn any_text() -> impl Strategy<Value = String> {
    let chars = proptest::collection::vec(any::<char>(), 0..200);
    prop_oneof![4 => marked(), 1 => chars.prop_map(String::from_iter)]
}

fn any_look() -> impl Strategy<Value = Look> {
    let widths = prop_oneof![4 => 1usize..100, 1 => Just(usize::MAX)];
    (widths, any::<bool>(), any::<bool>()).prop_map(|(width, colour, unicode)| Look {
        width,
        colour,
        unicode,
    })
}

fn split<'a>(text: &'a str, cuts: &[prop::sample::Index]) -> Vec<&'a str> {
    let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut cuts: Vec<usize> = match ends.is_empty() {
        true => Vec::new(),
        false => cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect(),
    };
    cuts.sort();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let stops = cuts.iter().copied().chain([text.len()]);
    starts
        .zip(stops)
        .map(|(from, to)| &text[from..to])
        .collect()
}

fn is_sound(lines: &[String], look: Look) -> Result<(), TestCaseError> {
    for line in lines {
        prop_assert!(look.colour || !line.contains('\x1b'), "{:?}", line);
        let bare = bare(line);
        prop_assert!(bare.width() <= look.width, "too wide: {:?}", bare);
        let bad = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
        prop_assert!(!bare.contains(bad), "{:?}", bare);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn lines_do_not_depend_on_the_split(
        text in any_text(), look in any_look(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30)
    ) {
        let whole = lines([text.as_str()], look);
        prop_assert_eq!(&lines(split(&text, &cuts), look), &whole);
        let chars: Vec<String> = text.chars().map(String::from).collect();
        prop_assert_eq!(&lines(chars.iter().map(String::as_str), look), &whole);
    }

    #[test]
    fn every_line_fits_and_closes_its_styles(text in any_text(), look in any_look()) {
        is_sound(&lines([text.as_str()], look), look)?;
        is_sound(&diff(&text, look), look)?;
        is_sound(&code(&text, "md", look), look)?;
    }

    #[test]
    fn every_diff_fits(
        parts in proptest::collection::vec(
            proptest::sample::select(vec![
                "@@ -1,3 +1,4 @@ fn x\n", "@@ -2 +2 @@\n", "@@ @@\n", "@@ -99999999999999999999 +1 @@\n", "--- a/x\n",
                "+++ b/x\n", "-old line here\n", "+new line here\n", "-let x = 1;\n", "+let x = 2;\n", " same\n", "\n",
                "\\ No newline\n", "+中文字符很长的一行\n", "-- \n", "-\tx\x1b[31m\n", "diff --git a b\n",
            ]), 0..30),
        look in any_look(),
    ) {
        is_sound(&diff(&parts.concat(), look), look)?;
    }

    #[test]
    fn no_word_is_lost(
        words in proptest::collection::vec(("[a-z]{1,9}", 0usize..12), 1..60), width in 16usize..90, colour: bool
    ) {
        let around = [("", " "), ("**", "** "), ("*", "* "), ("\n\n- ", "\n"), ("\n\n> ", "\n\n"), ("\n\n# ", "\n"), ("[", "](u) "),
            ("\n\n```\n", "\n```\n"), ("\n\n1. ", "\n"), ("", "\n"), ("_", " "), ("\n\n| h | ", " |\n|---|---|\n| q | r |\n\n")];
        let text: String = words.iter().map(|(word, at)| format!("{}{word}{}", around[*at].0, around[*at].1)).collect();
        let shown: String = lines([text.as_str()], look(width, colour)).iter().map(|line| bare(line) + "\n").collect();
        let mut rest = shown.as_str();
        for (word, _) in &words {
            let at = rest.find(word.as_str());
            prop_assert!(at.is_some(), "{:?} is missing in {:?} of {:?}", word, shown, text);
            rest = &rest[at.unwrap_or(0) + word.len()..];
        }
    }

    #[test]
    fn a_resize_holds_from_the_next_line_on(text in any_text(), a in any_look(), b in any_look()) {
        let half = text.chars().count() / 2;
        let at = text.char_indices().nth(half).map_or(0, |(at, _)| at);
        let mut markdown = Markdown::new(a);
        is_sound(&markdown.push(&text[..at]), Look { colour: true, ..a })?;
        markdown.look(b);
        let mut rest = markdown.push(&text[at..]);
        rest.extend(markdown.finish());
        is_sound(&rest, Look { colour: true, ..b })?;
    }
}

/// Time is for a debug build on a busy machine: what was quadratic would take minutes.
const SLOW: Duration = Duration::from_secs(2);

#[test]
fn a_megabyte_takes_no_longer_than_it_must() {
    for part in ["word and ", "a", "`", "[", "*", "中"] {
        is_quick(part, 1_000_000, &[80, usize::MAX]);
    }
}

#[test]
fn no_mark_takes_long() {
    let parts = [
        "*a ",
        "**a* `b",
        "*a* ",
        "`a` ",
        "[a](",
        "[a](b) ",
        "_a",
        "<",
        "<a ",
        "\\",
        "!",
        "(",
        "~",
        "~~a",
        "# ",
        ">",
        "> ",
        "- ",
        "1. ",
        "|",
        "| a ",
        "|a|\n|-|\n",
        "|a|\n",
        "a\n",
        "*\n",
        "`\n",
        "\n",
        " ",
        "中 *",
        "e\u{301}",
        "\u{301}",
        "=",
        "&",
        "&a;",
        "```\n",
        "    a\n",
        "\t",
        "\x1b[",
        "---\n",
        "|-|-\n",
        "a | b\n-|-\n",
        "-\n",
        "> - ",
        "[ ] ",
        "- [ ] a\n",
        "]",
        "![",
        "*_",
        "<!--",
        "👍🏽",
        "\u{200d}",
        "1",
        "1.",
        "- - a\n",
    ];
    for part in parts {
        is_quick(part, 100_000, &[1, 80, usize::MAX]);
    }
}

/// How long this thread has worked; what else the machine does is left out.
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn is_quick(part: &str, bytes: usize, widths: &[usize]) {
    let text = part.repeat(bytes / part.len());
    for &width in widths {
        let begin = worked();
        let mut markdown = Markdown::new(look(width, true));
        markdown.push(&text);
        markdown.finish();
        let took = worked() - begin;
        assert!(took < SLOW, "{part:?} at {width} columns: {took:?}");
    }
    let begin = worked();
    diff(&text, look(80, true));
    code(&text, "unknown", look(80, true));
    let took = worked() - begin;
    assert!(took < SLOW, "{part:?} as diff and code: {took:?}");
}
