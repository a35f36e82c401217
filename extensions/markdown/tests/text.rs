//! What Markdown looks like: cases as tables.

use corecoder_markdown::{Look, Markdown};

fn look(width: usize) -> Look {
    Look {
        width,
        colour: false,
        unicode: true,
    }
}

fn lines(text: &str, look: Look) -> Vec<String> {
    let mut markdown = Markdown::new(look);
    let mut lines = markdown.push(text);
    lines.extend(markdown.finish());
    lines
}

fn check(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(lines(text, look(20)), *expected, "{text:?}");
    }
}

fn check_colour(cases: &[(&str, &[&str])]) {
    let look = Look {
        colour: true,
        ..look(20)
    };
    for (text, expected) in cases {
        let lines = lines(text, look);
        let lines: Vec<String> = lines.iter().map(|line| line.replace('\x1b', "^")).collect();
        assert_eq!(lines, *expected, "{text:?}");
    }
}

#[test]
fn marks_in_a_paragraph_are_read_and_what_is_none_stays() {
    check(&[
        ("", &[]),
        ("one", &["one"]),
        ("**bold** and *it*", &["bold and it"]),
        ("***both*** __b__ _i_", &["both b i"]),
        ("a snake_case_name is", &["a snake_case_name is"]),
        ("2 * 3 * 4 = 24", &["2 * 3 * 4 = 24"]),
        ("~~gone~~ here", &["~~gone~~ here"]),
        ("use `a * b` now", &["use `a * b` now"]),
        ("``a ` b``", &["`a ` b`"]),
        ("\\*not\\* \\# so", &["*not* # so"]),
        ("a **b and no end", &["a **b and no end"]),
        ("a `b and no end", &["a `b and no end"]),
        ("[text](http://x.y)", &["text (http://x.y)"]),
        ("[http://x](http://x)", &["http://x"]),
        ("<http://x.y/a_b_c>", &["http://x.y/a_b_c"]),
        ("<me@x.y> &amp; &lt;", &["me@x.y & <"]),
        ("[1] and [a][b]", &["[1] and [a][b]"]),
        ("![alt](i.png)", &["alt (i.png)"]),
        ("a<b and b>c", &["a<b and b>c"]),
        ("x <b>y</b>", &["x <b>y</b>"]),
        ("**/*.rs and *.md", &["**/*.rs and *.md"]),
        ("in src/__init__.py", &["in src/__init__.py"]),
        ("a __init__.py b", &["a __init__.py b"]),
        ("**src/a_b.rs** ok", &["src/a_b.rs ok"]),
        ("a/**/b and c/**/d", &["a/**/b and c/**/d"]),
        ("*either/or* x", &["either/or x"]),
        ("*a and/or b*", &["a and/or b"]),
        ("**a b/c:** d", &["a b/c: d"]),
        ("http://x/_a_/_b_", &["http://x/_a_/_b_"]),
        ("`cat a/__b__/c d`", &["`cat a/__b__/c d`"]),
        ("__a__, __b__.", &["a, b."]),
    ]);
}

#[test]
fn paragraphs_are_joined_and_wrapped_without_splitting_words() {
    check(&[
        ("one\ntwo\n\nthree", &["one two", "", "three"]),
        ("one  \ntwo\\\nthree", &["one", "two", "three"]),
        ("a b c d e f g h i j k l", &["a b c d e f g h i j", "k l"]),
        (
            "a abcdefghijklmnopqrstuvwxyz b",
            &["a", "abcdefghijklmnopqrst", "uvwxyz b"],
        ),
        ("wor**ds in o**ne word", &["words in one word"]),
        (
            "中文字中文字中文字中文字。",
            &["中文字中文字中文字中", "文字。"],
        ),
        ("中文字中文字中文字中。", &["中文字中文字中文字", "中。"]),
        ("👨‍👩‍👧 👍🏽 e\u{301}", &["👨‍👩‍👧 👍🏽 e\u{301}"]),
        ("Title\n===\ntext", &["Title", "===", "text"]),
    ]);
}

#[test]
fn blocks_are_read() {
    check(&[
        ("# One\n## Two ##\ntext", &["# One", "## Two", "text"]),
        ("#no\n####### no", &["#no ####### no"]),
        ("a\n\n***\nb", &["a", "", "────────────────────", "b"]),
        (
            "> quote of more than a line\nlazy",
            &["│ quote of more than", "│ a line lazy"],
        ),
        ("> a\n>\n> b\n\nc", &["│ a", "│", "│ b", "", "c"]),
        ("> > a\n> b", &["│ │ a b"]),
        ("    let x = 1;\n\ntext", &["  let x = 1;", "", "text"]),
        ("<div>\n*a*\n</div>", &["<div>", "*a*", "</div>"]),
    ]);
}

#[test]
fn lists_hang_and_nest() {
    check(&[
        ("- a\n* b\n+ c", &["• a", "• b", "• c"]),
        (
            "- one two three four five",
            &["• one two three four", "  five"],
        ),
        (
            "- a\n  - b\n    - c\n- d",
            &["• a", "  ◦ b", "    ▪ c", "• d"],
        ),
        ("1. a\n2. b\n  - c", &["1. a", "2. b", "   • c"]),
        ("10) a\n\n    b", &["10) a", "", "    b"]),
        ("- [ ] a\n- [x] b\n- [y] c", &["☐ a", "☑ b", "• [y] c"]),
        ("-\n- b", &["•", "• b"]),
        ("- a\n\n- b\n\nc", &["• a", "", "• b", "", "c"]),
        ("text\n- a", &["text", "• a"]),
        ("text\n2. no", &["text 2. no"]),
        ("- > q\n  > r", &["• │ q r"]),
        (
            "- a\n\n  ```\n  x\n y\n  ```\n- b",
            &["• a", "", "    x", "    y", "• b"],
        ),
    ]);
}

#[test]
fn code_is_kept_as_it_is() {
    check(&[
        (
            "```rust\nfn a() {\n\n    b(`c`)\n```\nx",
            &["  fn a() {", "", "      b(`c`)", "x"],
        ),
        ("~~~\n```\n~~~", &["  ```"]),
        ("````\n```\n````\n", &["  ```"]),
        ("```\nunclosed", &["  unclosed"]),
        ("```\n\tx\n```", &["      x"]),
        (
            "```\n12345678901234567890\n```",
            &["  123456789012345678", "  90"],
        ),
        ("a\n```x\nb\n```\nc", &["a", "  b", "c"]),
        ("> ```\n> a\nb", &["│   a", "b"]),
    ]);
}

#[test]
fn tables_fit_the_width() {
    check(&[
        (
            "| a | b |\n|---|--:|\n| 1 | 22 |\n\nx",
            &["a │  b", "──┼───", "1 │ 22", "", "x"],
        ),
        ("a | b\n:-:|-\nccc\n", &["a │ b", "──┼──", "ccc"]),
        (
            "a | b\n-|-\nc|d|e\n|f",
            &["a │ b", "──┼──────", "c │ d | e", "f │ "],
        ),
        ("| a |\nb", &["| a | b"]),
        ("| a |\n|---|---|", &["| a | |---|---|"]),
        ("| a\\|b |\n|---|", &["a|b", "───"]),
        (
            "|k|value|\n|-|-|\n|1|one two three four|\n|2|x<br>y|",
            &[
                "k │ value",
                "──┼─────────────────",
                "1 │ one two three",
                "  │ four",
                "┈┈┼┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈",
                "2 │ x",
                "  │ y",
            ],
        ),
        (
            "|first|second|third|\n|-|-|-|\n|aaaaaaaaaa|bbbbbbbbbb|cccccccccc|\n|1|2|",
            &[
                "first: aaaaaaaaaa",
                "second: bbbbbbbbbb",
                "third: cccccccccc",
                "",
                "first: 1",
                "second: 2",
            ],
        ),
    ]);
}

#[test]
fn colours_are_closed_on_each_line() {
    check_colour(&[
        (
            "**bold words that are long**",
            &["^[1mbold words that are^[0m", "^[1mlong^[0m"],
        ),
        ("# One", &["^[1;4;36mOne^[0m"]),
        ("`x` ~~y~~", &["^[36mx^[0m ^[9my^[0m"]),
        ("[a](b)", &["^[4ma^[0m ^[2m(b)^[0m"]),
        ("***b*** *i*", &["^[1;3mb^[0m ^[3mi^[0m"]),
        ("> a", &["^[2m│^[0m a"]),
    ]);
}

#[test]
fn a_terminal_is_told_nothing() {
    check(&[
        ("a\x1b[31mb\x1b]0;title\x07c\x1b(Bd", &["abcd"]),
        ("a&#27;[31m&#x202e;b", &["a[31mb"]),
        ("a\u{202e}b\u{2066}c\u{9b}d\u{7f}\0e", &["abcde"]),
        ("`\x1bc`", &["``"]),
        ("a\x1b]never ends\nb", &["a b"]),
        ("a\r\nb\rc", &["a b c"]),
    ]);
}

/// What each piece finishes, with the tail behind it.
fn check_stream(cases: &[(&str, &[&str], &str)]) {
    let mut markdown = Markdown::new(look(20));
    for (piece, finished, tail) in cases {
        let mut lines = Vec::new();
        for c in piece.chars() {
            lines.extend(markdown.push(&c.to_string()));
        }
        assert_eq!(lines, *finished, "{piece:?}");
        assert_eq!(markdown.tail(), *tail, "{piece:?}");
    }
}

#[test]
fn a_line_is_finished_as_soon_as_it_is_full_and_certain() {
    check_stream(&[
        ("Words that fill a ", &[], "Words that fill a"),
        ("line", &[], "line"),
        (" ", &["Words that fill a"], "line"),
        ("and **two of the", &[], "line and two of the"),
        (" next** one ", &["line and two of the"], "next one"),
        ("``", &[], "next one"),
        ("\n\n- it", &["next one ``", ""], "• it"),
        ("em\n  - in", &["• item"], "  ◦ in"),
        ("\n\n```rust", &["  ◦ in"], "    ```rust"),
        ("\nfn a", &[""], "  fn a"),
        ("()\n", &["  fn a()"], ""),
        ("```\n|a|b", &[], "|a|b"),
        ("|\n", &[], "|a|b|"),
        ("|-|-|\n|c", &[], "|c"),
        ("|d|\n", &[], ""),
        ("\n", &["a │ b", "──┼──", "c │ d"], ""),
        ("# He", &[""], "# He"),
        ("ad\n", &["# Head"], ""),
    ]);
}

#[test]
fn what_is_wider_than_the_window_still_fits() {
    let narrow = |text, width| lines(text, look(width));
    assert_eq!(narrow("中a", 1), ["?", "a"]);
    assert_eq!(narrow("中文\u{1f3fd}", 2), ["中", "?"]);
    assert_eq!(narrow("```\n *中\n", 2), [" *", "中"]);
    assert_eq!(narrow("- - - a b", 3), ["a b"]);
    assert_eq!(narrow("# a", 0), ["#", "a"]);
}

#[test]
fn a_mark_is_not_waited_for_for_ever() {
    let mut markdown = Markdown::new(look(20));
    let lines = markdown.push(&format!("a **b {}", "word ".repeat(50)));
    assert_eq!(lines[0], "a **b word word word");
    assert!(lines.len() > 10);
}
