//! Passes 5 to 7: slips of copying, elisions, typos.

use corecoder_edit::{Pass, Slip};

use crate::check;

#[test]
fn line_numbers_that_count_up_are_taken_off() {
    check(
        Pass::Paste(Slip::LineNumbers),
        &[
            [
                "a\n  b\nc\n",
                "     1\ta\n     2\t  b\n",
                "     1\ta\n     2\t  x\n",
                "a\n  x\nc\n",
            ],
            ["a\n  b\nc\n", "9→a\n10→  b\n", "a\n  x\n", "a\n  x\nc\n"],
            [
                "a\n\nb\n",
                "7: a\n8:\n9: b\n",
                "7: a\n8:\n9: c\n",
                "a\n\nc\n",
            ],
            [
                "a\n  b\n",
                "1 | a\n2 |   b\n",
                "1 | a\n2 |   c\n3 |   d\n",
                "a\n  c\n  d\n",
            ],
            // Lines that the edit adds have no number yet.
            ["a\nb\n", "1\ta\n2\tb\n", "1\ta\nx\n2\tb\n", "a\nx\nb\n"],
        ],
    );
}

#[test]
fn a_code_fence_is_taken_off() {
    check(
        Pass::Paste(Slip::Fence),
        &[
            [
                "a\nb\nc\n",
                "```rust\na\nb\n```",
                "```rust\na\nx\n```",
                "a\nx\nc\n",
            ],
            ["a\nb\nc\n", "```\na\nb\n```\n", "a\nx\n", "a\nx\nc\n"],
            ["a\nb\nc\n", "```\na\nb\n```", "a\nx", "a\nx\nc\n"],
            ["a\nb\nc\n", "```\na\nb\n```", "", "c\n"],
        ],
    );
}

#[test]
fn entities_and_escapes_are_read_as_characters() {
    check(
        Pass::Paste(Slip::Entities),
        &[[
            "if a < b && c {\nx\n",
            "if a &lt; b &amp;&amp; c {\n",
            "if a &gt; b {\n",
            "if a > b {\nx\n",
        ]],
    );
    check(
        Pass::Paste(Slip::EscapedBreaks),
        &[
            ["a\n\tb\nc\n", "a\\n\\tb\\n", "a\\n\\tx\\n", "a\n\tx\nc\n"],
            [
                "a(\"b\")\nc\n",
                "a(\\\"b\\\")\\nc",
                "a(\\\"x\\\")\\nc",
                "a(\"x\")\nc\n",
            ],
            [
                "a(\"b\\n\")\nc\n",
                "a(\\\"b\\\\n\\\")\\nc",
                "a(\\\"x\\\\n\\\")\\nc",
                "a(\"x\\n\")\nc\n",
            ],
        ],
    );
    check(
        Pass::Paste(Slip::EscapedQuotes),
        &[
            [
                "f(\"a\")\ng()\n",
                "f(\\\"a\\\")\ng()\n",
                "f(\\\"b\\\")\ng()\n",
                "f(\"b\")\ng()\n",
            ],
            [
                "f(\"a\\n\")\n",
                "f(\\\"a\\n\\\")",
                "f(\\\"b\\n\\\")",
                "f(\"b\\n\")\n",
            ],
            ["f('a')\n", "f(\\'a\\')", "f('b')", "f('b')\n"],
        ],
    );
}

#[test]
fn what_was_pasted_may_be_indented_otherwise_too() {
    check(
        Pass::Paste(Slip::LineNumbers),
        &[[
            "    a\n    b\n",
            "1\ta\n2\tb\n",
            "1\ta\n2\tc\n",
            "    a\n    c\n",
        ]],
    );
}

#[test]
fn paired_dots_stand_for_the_lines_between() {
    check(
        Pass::Elision,
        &[
            [
                "a\n1\n2\nb\nc\n",
                "a\n...\nb\n",
                "x\n...\ny\n",
                "x\n1\n2\ny\nc\n",
            ],
            [
                "f {\n  1\n  2\n}\ng\n",
                "f {\n  // ...\n}\ng\n",
                "h {\n  // ...\n}\ni\n",
                "h {\n  1\n  2\n}\ni\n",
            ],
            [
                "a\n1\nb\n2\nc\n",
                "a\n...\nb\n...\nc\n",
                "a\n...\nx\n...\nc\n",
                "a\n1\nx\n2\nc\n",
            ],
            // The closing line stands before the first part too, which is no way to read it.
            ["}\na\n1\n}\n", "a\n...\n}\n", "x\n...\n}\n", "}\nx\n1\n}\n"],
            [
                "a\r\n1\r\nb\r\n",
                "a\n…\nb\n",
                "a\n…\nc\nd\n",
                "a\r\n1\r\nc\r\nd\r\n",
            ],
            [
                "a\n1\nb\n",
                "a\n// ... existing code ...\nb\n",
                "x\n// ... existing code ...\nb\n",
                "x\n1\nb\n",
            ],
        ],
    );
}

#[test]
fn a_misspelt_line_that_is_kept_comes_from_the_file() {
    check(
        Pass::Typo,
        &[
            [
                "one\nstatic\ntwo\nthree\n",
                "one\nsattic\ntwo\n",
                "one\nsattic\nx\n",
                "one\nstatic\nx\nthree\n",
            ],
            [
                "one\nstatic\ntwo\n",
                "one\nstatc\ntwo\n",
                "x\none\nstatc\ntwo\n",
                "x\none\nstatic\ntwo\n",
            ],
            [
                "one\nf( a )\ntwo\n",
                "one\nf(a)\ntwo\n",
                "one\nf(a)\nx\n",
                "one\nf( a )\nx\n",
            ],
            // Indentation that is off in one line alone is such a slip.
            [
                "  one\n  two\n  three\n",
                "  one\n two\n  three\n",
                "  one\n two\n  x\n",
                "  one\n  two\n  x\n",
            ],
        ],
    );
}
