//! Diffs and code: cases as tables.

use corecoder_markdown::{Look, code, diff};

fn look(width: usize, colour: bool) -> Look {
    Look {
        width,
        colour,
        unicode: true,
    }
}

fn check(look: Look, cases: &[(&str, &[&str])]) {
    for (patch, expected) in cases {
        let lines = diff(patch, look);
        let lines: Vec<String> = lines.iter().map(|line| line.replace('\x1b', "^")).collect();
        assert_eq!(lines, *expected, "{patch:?}");
    }
}

#[test]
fn lines_have_their_numbers_whatever_the_header_says() {
    check(
        look(30, false),
        &[
            ("", &[]),
            ("@@ -2 +2 @@\n-a\n+b", &["@@ -2 +2 @@", "2 - a", "2 + b"]),
            (
                "@@ -9,2 +9,3 @@ fn x\n a\n+b\n c\n",
                &["@@ -9,2 +9,3 @@ fn x", " 9   a", "10 + b", "11   c"],
            ),
            ("@@ @@\n-a\n+b", &["@@ @@", "- a", "+ b"]),
            ("-a\n+b\n c", &["- a", "+ b", "  c"]),
            (
                "@@ -1,1 +1,2 @@\n a\n+\n",
                &["@@ -1,1 +1,2 @@", "1   a", "2 + "],
            ),
            (
                "@@ -1,3 +1,3 @@\n a\n\n c",
                &["@@ -1,3 +1,3 @@", "1   a", "2   ", "3   c"],
            ),
            (
                "@@ -1,2 +0,0 @@\n--- a\n-++ b\n-- \n2.40",
                &["@@ -1,2 +0,0 @@", "1 - -- a", "2 - ++ b", "-- ", "2.40"],
            ),
            (
                "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n",
                &[
                    "--- a/x",
                    "+++ b/x",
                    "@@ -1 +1 @@",
                    "1 - a",
                    "1 + b",
                    "--- a/y",
                    "+++ b/y",
                ],
            ),
            (
                "@@ -1 +99999999999999999999999 @@\n+a",
                &["@@ -1 +99999999999999999999999", " @@", "+ a"],
            ),
        ],
    );
}

#[test]
fn long_lines_are_wrapped_behind_the_gutter_and_cut_in_the_end() {
    check(
        look(20, false),
        &[
            (
                "@@ -1 +1 @@\n-abcdefghijklmnopqrstuvwxyz",
                &["@@ -1 +1 @@", "1 - abcdefghijklmnop", "    qrstuvwxyz"],
            ),
            (
                "+中文字符中文字符中文字符",
                &["+ 中文字符中文字符中", "  文字符"],
            ),
        ],
    );
    let long = diff(&format!("+{}", "x".repeat(10_000)), look(20, false));
    assert_eq!(long.len(), 10);
    assert_eq!(long[9], format!("  {}…", "x".repeat(17)));
}

#[test]
fn words_that_differ_stand_out_if_the_lines_are_alike() {
    check(
        look(60, true),
        &[
            (
                "-let x = 1;\n+let x = 2;",
                &[
                    "^[31m- let x = ^[0m^[7;31m1^[0m^[31m;^[0m",
                    "^[32m+ let x = ^[0m^[7;32m2^[0m^[32m;^[0m",
                ],
            ),
            (
                "-nothing alike\n+here at all",
                &["^[31m- nothing alike^[0m", "^[32m+ here at all^[0m"],
            ),
        ],
    );
}

#[test]
fn code_is_coloured_by_its_language() {
    let cases = [
        (
            "fn a() {} // b",
            "rust",
            "^[35mfn^[0m ^[34ma^[0m() {} ^[2m// b^[0m",
        ),
        (
            "fn a() {} // b",
            "src/main.rs",
            "^[35mfn^[0m ^[34ma^[0m() {} ^[2m// b^[0m",
        ),
        ("fn a() {} // b", "", "fn a() {} // b"),
        ("fn a() {} // b", "no such language", "fn a() {} // b"),
        ("x = \"a\"", "py", "x = ^[32m\"a\"^[0m"),
        ("const x = 'a'", "ts", "^[35mconst^[0m x = ^[32m'a'^[0m"),
        ("# a", "toml", "^[2m# a^[0m"),
    ];
    for (text, language, expected) in cases {
        let lines = code(text, language, look(80, true));
        let expected = if cfg!(feature = "highlight") {
            expected
        } else {
            text
        };
        assert_eq!(
            lines.join("\n").replace('\x1b', "^"),
            expected,
            "{language:?}"
        );
        assert_eq!(code(text, language, look(80, false)), [text]);
    }
}

#[test]
fn a_comment_over_several_lines_stays_one() {
    let lines = code("/* a\nb\n*/ c", "rust", look(80, true));
    let dim = if cfg!(feature = "highlight") {
        "\x1b[2mb\x1b[0m"
    } else {
        "b"
    };
    assert_eq!(lines[1], dim);
}

#[test]
fn a_line_that_nobody_reads_is_not_coloured() {
    let long = format!("\"{}\"", "x".repeat(3000));
    assert_eq!(code(&long, "rust", look(usize::MAX, true)), [long]);
}
