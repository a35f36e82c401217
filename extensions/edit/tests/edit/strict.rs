//! Passes 1 to 4: the same lines, but for ever more.

use corecoder_edit::{Edit, Pass, edit};

use crate::{check, replace};

#[test]
fn exact_text_is_replaced_byte_for_byte() {
    check(
        Pass::Exact,
        &[
            ["a\nb\nc\n", "b\n", "x\ny\n", "a\nx\ny\nc\n"],
            ["let a = 1;\n", "= 1", "= 2", "let a = 2;\n"],
            ["a\nb\n", "b\n", "", "a\n"],
            ["a(\nb\n", "(\n", "(", "a(b\n"],
            ["a\nb", "b", "b\n", "a\nb\n"],
            ["$1 \\1 x\n", "x", "$& \\0 {}", "$1 \\1 $& \\0 {}\n"],
            ["a  \nb\n", "a  \n", "a\n", "a\nb\n"],
            ["x\n  a\ny\n", "a\n", "b\n", "x\n  b\ny\n"],
        ],
    );
}

#[test]
fn an_exact_place_is_taken_though_looser_ones_exist() {
    check(
        Pass::Exact,
        &[
            [
                "  f()\nx\n    f()\ny\n",
                "  f()\nx\n",
                "  g()\nx\n",
                "  g()\nx\n    f()\ny\n",
            ],
            [
                "f() \nx\nf()\nx\n",
                "f()\nx\n",
                "g()\nx\n",
                "f() \nx\ng()\nx\n",
            ],
            [
                "say “a”\nsay \"a\"\n",
                "say \"a\"",
                "say \"b\"",
                "say “a”\nsay \"b\"\n",
            ],
        ],
    );
}

#[test]
fn new_lines_take_the_line_ends_of_their_neighbours() {
    check(
        Pass::Exact,
        &[
            ["a\r\nb\r\n", "b", "b\nc", "a\r\nb\r\nc\r\n"],
            ["a\r\nb\r\n", "a", "b\r\nc", "b\r\nc\r\nb\r\n"],
            ["a\r\nb\r\n", "b\r\n", "c\r\n", "a\r\nc\r\n"],
            ["a\r\nb\r\n", "a\r\n", "a\n", "a\nb\r\n"],
            ["a\nb\n", "a", "b\r\nc", "b\nc\nb\n"],
            ["a\r\nb\r\nc", "\r\nb\r\n", "\nb", "a\r\nbc"],
        ],
    );
    check(
        Pass::LineEnds,
        &[
            [
                "a\r\nb\r\nc\r\n",
                "a\nb\n",
                "a\nx\ny\n",
                "a\r\nx\r\ny\r\nc\r\n",
            ],
            ["a\nb\nc\n", "a\r\nb\r\n", "a\r\nx\r\n", "a\nx\nc\n"],
            [
                "a\r\nb\nc\r\nd\n",
                "a\nb\nc\n",
                "a\nx\nc\n",
                "a\r\nx\nc\r\nd\n",
            ],
            [
                "a(1)\r\nb(2)\r\n",
                "(1)\nb(",
                "(1)\nx\nc(",
                "a(1)\r\nx\r\nc(2)\r\n",
            ],
            ["a\r\nb", "a\nb\n", "a\nc\nd\n", "a\r\nc\r\nd"],
        ],
    );
}

#[test]
fn a_last_line_without_an_end_stays_so() {
    check(
        Pass::LineEnds,
        &[
            ["a\nb", "b\n", "c\n", "a\nc"],
            ["a\nb", "a\nb\n", "a\nb\nc\n", "a\nb\nc"],
            ["a\nb", "b\n", "", "a\n"],
        ],
    );
}

#[test]
fn a_byte_order_mark_stays_and_is_not_asked_for() {
    check(
        Pass::Exact,
        &[
            ["\u{feff}a\nb\n", "a\n", "c\n", "\u{feff}c\nb\n"],
            ["\u{feff}a\nb\n", "a\nb\n", "", "\u{feff}"],
        ],
    );
}

#[test]
fn trailing_blanks_of_kept_lines_are_the_files() {
    check(
        Pass::Blanks,
        &[
            ["a  \nb\nc\t\n", "a\nb\nc\n", "a\nx\nc\n", "a  \nx\nc\t\n"],
            ["a\nb\nc\n", "a  \nb\nc\n", "a  \nx\nc\n", "a\nx\nc\n"],
            // The model writes blanks at line ends, the file has none: new lines get none either.
            ["a\nb\nc\n", "a \nb \nc\n", "a \nx \nc\n", "a\nx\nc\n"],
            // Two blanks at the end of a line that was quoted without are a change that was asked for.
            ["a\t\nb\nc\n", "a\nb\nc\n", "a\nb  \nc\n", "a\t\nb  \nc\n"],
            ["f(a, \n  b)\n", "(a,\n  b", "(a,\n  c", "f(a, \n  c)\n"],
        ],
    );
}

#[test]
fn blank_lines_around_the_passage_are_those_of_the_file() {
    check(
        Pass::Blanks,
        &[
            ["a\nb\n", "b\n\n", "c\n\n", "a\nc\n"],
            ["a\nb\nc\n", "\nb\n\n", "\nx\n", "a\nx\nc\n"],
            ["a\n\nb\nc\n", "\n\n\nb\n", "\n\n\nx\n", "a\n\nx\nc\n"],
            ["a\nb\n\nc\n", "b\n\n\n", "x\n\n\n", "a\nx\n\nc\n"],
        ],
    );
}

#[test]
fn look_alikes_are_the_same_and_stay_as_the_file_has_them() {
    check(
        Pass::Marks,
        &[
            [
                "say “a”\nb\n",
                "say \"a\"\nb\n",
                "say \"a\"\nc\n",
                "say “a”\nc\n",
            ],
            [
                "it’s – ok\nb\n",
                "it's - ok\nb\n",
                "it's - ok\nc\n",
                "it’s – ok\nc\n",
            ],
            ["a\u{a0}b\nc\n", "a b\nc\n", "a b\nd\n", "a\u{a0}b\nd\n"],
            ["x = “a”;\n", "= \"a\";", "= \"b\";", "x = \"b\";\n"],
            // The model wrote typography where the file has none: its new lines are set right as well.
            [
                "f(\"a\")\nb\n",
                "f(”a”)\nb\n",
                "f(”a”)\ng(”c”)\n",
                "f(\"a\")\ng(\"c\")\n",
            ],
            ["f(\"a\")\n", "(”a”", "(”c”", "f(\"c\")\n"],
            // Quotes that old has as the file does, and new has otherwise, were meant to change.
            [
                "“a”\n\"b\"\nc – d\n",
                "“a”\n\"b\"\nc - d\n",
                "\"a\"\n\"b\"\nc - d\n",
                "\"a\"\n\"b\"\nc – d\n",
            ],
        ],
    );
}

#[test]
fn normal_forms_are_the_same_and_stay_as_the_file_has_them() {
    check(
        Pass::Marks,
        &[
            [
                "cafe\u{301}\nb\n",
                "caf\u{e9}\nb\n",
                "caf\u{e9}\nc\n",
                "cafe\u{301}\nc\n",
            ],
            [
                "caf\u{e9}\nb\n",
                "cafe\u{301}\nb\n",
                "cafe\u{301}\nc\n",
                "caf\u{e9}\nc\n",
            ],
            [
                "cafe\u{301} a\nb\n",
                "caf\u{e9} a\n",
                "un caf\u{e9}\n",
                "un cafe\u{301}\nb\n",
            ],
            [
                "\u{1112}\u{1161}\u{11ab} a\n",
                "\u{d55c} a",
                "\u{d55c} b",
                "\u{1112}\u{1161}\u{11ab} b\n",
            ],
            [
                "(e\u{301})(x)\n",
                "(\u{e9})(",
                "(\u{e9})[",
                "(e\u{301})[x)\n",
            ],
        ],
    );
}

#[test]
fn indentation_follows_one_rule_for_old_and_new() {
    check(
        Pass::Indentation,
        &[
            // Some blanks more.
            [
                "    a {\n        b\n    }\n",
                "a {\n    b\n}\n",
                "a {\n    c\n}\n",
                "    a {\n        c\n    }\n",
            ],
            [
                "\t\ta\n\t\tb\n",
                "a\nb\n",
                "a\n\tc\nb\n",
                "\t\ta\n\t\t\tc\n\t\tb\n",
            ],
            // Some blanks fewer.
            [
                "a\nb\n",
                "    a\n    b\n",
                "    a\n        c\n    b\n",
                "a\n    c\nb\n",
            ],
            // Spaces for tabs.
            [
                "\ta\n\t\tb\n",
                "    a\n        b\n",
                "    a\n            c\n",
                "\ta\n\t\t\tc\n",
            ],
            [
                "\ta\n\t\tb\n",
                "  a\n    b\n",
                "  a\n    c\n",
                "\ta\n\t\tc\n",
            ],
            // Tabs for spaces.
            ["  a\n    b\n", "\ta\n\t\tb\n", "\ta\n\tc\n", "  a\n  c\n"],
            // Narrower steps, and less of them.
            [
                "    a\n        b\n",
                "  a\n    b\n",
                "  a\n    b\n      c\n",
                "    a\n        b\n            c\n",
            ],
            [
                "\t\ta\n\t\t\tb\n",
                "a\n    b\n",
                "a\n    c\n",
                "\t\ta\n\t\t\tc\n",
            ],
            // Blank lines have no indentation, and stay as they are.
            [
                "    a\n\n    b\n",
                "a\n\nb\n",
                "a\n\nc\n\n",
                "    a\n\n    c\n\n",
            ],
            [
                "    a\n  \n    b\n",
                "a\n\nb\n",
                "a\n\nc\n",
                "    a\n  \n    c\n",
            ],
        ],
    );
}

#[test]
fn a_kept_line_that_is_indented_anew_is_a_change() {
    check(
        Pass::Indentation,
        &[
            [
                "    a\n    b\n",
                "a\nb\n",
                "if x {\n    a\n}\nb\n",
                "    if x {\n        a\n    }\n    b\n",
            ],
            [
                "\ta\n\tb\n",
                "    a\n    b\n",
                "    a\n        b\n",
                "\ta\n\t\tb\n",
            ],
        ],
    );
}

#[test]
fn each_place_is_replaced_when_that_is_asked_for() {
    let rows = [
        ["a a\na\n", "a", "b", "b b\nb\n"],
        ["x  \ny\nx\ny \n", "x\ny\n", "z\ny\n", "z\ny\nz\ny \n"],
        [
            "  a\n  b\n\ta\n\tb\n",
            "a\nb\n",
            "a\nc\n",
            "  a\n  c\n\ta\n\tc\n",
        ],
        ["aaa\n", "aa", "b", "ba\n"],
    ];
    for [content, old, new, wanted] in rows {
        let edits = [Edit {
            old: old.to_string(),
            new: new.to_string(),
            all: true,
        }];
        let edited = edit(content, &edits).expect("it stands there");
        assert_eq!(edited.content, wanted);
    }
}

#[test]
fn several_edits_are_made_in_order_or_not_at_all() {
    let one = |old: &str, new: &str| Edit {
        old: old.to_string(),
        new: new.to_string(),
        all: false,
    };
    let edited = edit("a\nb\n", &[one("a", "c"), one("c\nb", "d")]).expect("both stand there");
    assert_eq!(edited.content, "d\n");
    let refusal = edit("a\nb\n", &[one("a", "c"), one("a", "d")]).expect_err("a is gone");
    assert!(
        refusal
            .to_string()
            .starts_with("edit 2 of 2 can't be made, so none was made")
    );
}

#[test]
fn a_blank_first_line_does_not_match_the_end_of_any_line() {
    let edited = replace("b \nx\n\nb\nx\n", "\nb\nx\n", "\nb\ny\n").expect("it stands there once");
    assert_eq!(edited.content, "b \nx\n\nb\ny\n");
}
