//! What is refused, and what the refusal says.

use corecoder_edit::Refusal;

use crate::replace;

fn refused(content: &str, old: &str, new: &str) -> Refusal {
    match replace(content, old, new) {
        Err(refusal) => refusal,
        Ok(edited) => panic!("{old:?} in {content:?} became {:?}", edited.content),
    }
}

#[test]
fn old_text_that_names_no_place_is_refused() {
    for old in ["", " ", "\n\n", "\t\r\n", "\u{a0}"] {
        assert_eq!(refused("a\n\n\nb\n", old, "x"), Refusal::Empty, "{old:?}");
    }
    assert_eq!(refused("a\n", "a", "a"), Refusal::Identical);
}

#[test]
fn two_places_are_refused_with_their_lines() {
    let rows = [
        ("a\nb\na\n", "a", vec![1, 3]),
        ("x aaa\n", "aa", vec![1, 1]),
        ("a\r\nb\r\nc\r\na\r\nb\r\n", "a\nb", vec![1, 4]),
        ("a\nb \nc\na \nb\n", "a\nb\n", vec![1, 4]),
        ("“a”\nb\n“a” \nb\n", "\"a\"\nb\n", vec![1, 3]),
        ("  a\n  b\n    a\n    b\n", " a\n b\n", vec![1, 3]),
        ("a\nb\nc\nb\n", "b\n\n", vec![2, 4]),
        ("  f(x)\n    f(x)\n", "f(x)\n", vec![1, 2]),
    ];
    for (content, old, lines) in rows {
        let refusal = refused(content, old, "new\n");
        let count = lines.len();
        assert_eq!(
            refusal,
            Refusal::Many { count, lines },
            "{old:?} in {content:?}"
        );
    }
    let text = refused("a\nb\na\n", "a", "c").to_string();
    assert!(text.contains("2 places (lines 1, 3)"), "{text}");
}

#[test]
fn what_was_done_already_is_not_done_again() {
    let rows = [
        ("a\nb\nc\n", "a\n", "a\nb\n", 1),
        ("x\na = 30\n", "a = 3", "a = 30", 2),
        (
            "import os\nimport re\n",
            "import re\n",
            "import os\nimport re\n",
            2,
        ),
        ("  a\n  b\n", "a\nb\n", "  a\n  b\n", 1),
        ("a\nb\n", "a \nb\n", "a\nb\n", 1),
        ("“a”\nb\n", "\"a\"\nb\n", "“a”\nb\n", 1),
        (
            "if x {\n  a\n  b\n}\n",
            "a\nb\n",
            "if x {\n  a\n  b\n}\n",
            2,
        ),
        ("a\nb  \nc\n", "a\n", "a\nb\n", 1),
    ];
    for (content, old, new, line) in rows {
        assert_eq!(
            refused(content, old, new),
            Refusal::Already(line),
            "{old:?} in {content:?}"
        );
    }
    let text = refused("a\nnew_name();\n", "old_name();\n", "new_name();\n").to_string();
    assert!(
        text.contains("new_string already stands at line 2"),
        "{text}"
    );
}

#[test]
fn a_place_that_is_only_like_the_one_that_was_changed_is_left_alone() {
    let content = "first();\nsecond(2);\n\nx\nfirst();\nsecond();\nx\n";
    let text = refused(
        content,
        "first();\nsecond();\n\n",
        "first();\nsecond(2);\n\n",
    )
    .to_string();
    assert!(
        text.contains("new_string already stands at line 1"),
        "{text}"
    );
}

#[test]
fn more_of_the_same_signs_is_no_repetition() {
    for (content, old, new) in [
        ("f {\n  a\n}\n}\n", "a\n}\n", "a\n}\n}\n"),
        ("a\n\nb\n", "a\n", "a\n\n"),
    ] {
        assert!(replace(content, old, new).is_ok(), "{old:?}");
    }
}

#[test]
fn placeholders_in_new_text_are_refused() {
    let placeholders = [
        "// ... existing code ...",
        "    # ... rest of the code unchanged ...",
        "// ...rest of methods",
        "/* … unchanged … */",
        "<!-- ... remaining content ... -->",
        "... rest of the file ...",
        "# rest of the function remains unchanged",
        "// existing code here",
        "(rest of the code stays the same)",
        "    foo(); // ... existing code ...",
        "{/* ... existing imports ... */}",
        "-- ... same as before ...",
    ];
    for line in placeholders {
        let refusal = refused("a\nb\n", "a\n", &format!("x\n{line}\n"));
        assert!(
            matches!(refusal, Refusal::Placeholder(_)),
            "{line}: {refusal}"
        );
    }
}

#[test]
fn what_only_looks_like_a_placeholder_is_written() {
    let lines = [
        "...existing,",
        "    ...previousState,",
        "print(\"Loading existing users...\")",
        "// Reuse the existing connection...",
        "# keep the rest of the line",
        "def f(): ...",
        "...",
        "fn f(existing: &[u8]) {}",
        "x = rest[...]",
        "// The remaining code paths are tested elsewhere.",
    ];
    for line in lines {
        let new = format!("x\n{line}\n");
        assert!(replace("a\nb\n", "a\n", &new).is_ok(), "{line}");
    }
    assert!(replace("// ... existing code ...\na\n", "a", "b").is_ok());
    let kept = "// ... existing code ...\n";
    assert!(
        replace(
            &format!("{kept}a\n"),
            &format!("{kept}a"),
            &format!("{kept}b")
        )
        .is_ok()
    );
}

#[test]
fn a_misquoted_line_that_changes_is_refused() {
    let rows = [
        // The line that is misspelt is the one that changes.
        ("one\nstatic\ntwo\n", "one\nsattic\ntwo\n", "one\nx\ntwo\n"),
        // Digits, signs and short words are no slips.
        (
            "one\na = 30\ntwo\n",
            "one\na = 31\ntwo\n",
            "one\na = 31\nx\n",
        ),
        ("one\na < b\ntwo\n", "one\na > b\ntwo\n", "one\na > b\nx\n"),
        ("one\nget\ntwo\n", "one\nset\ntwo\n", "one\nset\nx\n"),
        ("one\nf(a)\ntwo\n", "one\nf(b)\ntwo\n", "one\nf(b)\nx\n"),
        // Two lines off are not one.
        (
            "one\nstatic\nthing\ntwo\n",
            "one\nsattic\nthnig\ntwo\n",
            "one\nsattic\nthnig\nx\n",
        ),
        // One line is not enough to know the place by.
        ("static\ntwo\n", "sattic\ntwo\n", "sattic\nx\n"),
        // First and last line stand there, and what is between does not.
        ("f {\n  a\n  b\n}\n", "f {\n  c\n  d\n}\n", "f {\n  e\n}\n"),
    ];
    for (content, old, new) in rows {
        let refusal = refused(content, old, new);
        assert!(
            matches!(refusal, Refusal::Absent { .. }),
            "{old:?}: {refusal}"
        );
    }
}

#[test]
fn indentation_without_one_rule_is_refused() {
    let rows = [
        ("  a\n    b\n c\n", "a\nb\nc\n", "a\nb\nd\n"),
        // The rule drops four blanks, and the new line has two.
        ("a\nb\n", "    a\n    b\n", "    a\n  c\n"),
        // Spaces in a file of tabs: how many are a step?
        ("\t\ta\n\t\tb\n", "a\nb\n", "if x {\n  a\n}\nb\n"),
    ];
    for (content, old, new) in rows {
        let refusal = refused(content, old, new);
        assert!(
            matches!(refusal, Refusal::Absent { .. }),
            "{old:?}: {refusal}"
        );
        let text = refusal.to_string();
        assert!(
            text.contains("differs in more than one way") && text.contains("     1\t"),
            "{text}"
        );
    }
}

#[test]
fn dots_that_are_not_paired_or_not_clear_are_refused() {
    let rows = [
        ("a\n1\nb\n", "a\n...\nb\n", "x\nb\n"),
        ("a\n1\nb\n2\nb\n", "a\n...\nb\n", "x\n...\nb\n"),
        ("a\n1\nb\n", "b\n...\na\n", "x\n...\na\n"),
        ("a\n1\nb\n", "...\nb\n", "x\n...\nb\n"),
        ("a\n1\nb\n", "a\n...\nc\n", "x\n...\nc\n"),
    ];
    for (content, old, new) in rows {
        let refusal = refused(content, old, new);
        assert!(matches!(refusal, Refusal::Elided(_)), "{old:?}: {refusal}");
        assert!(refusal.to_string().contains("     1\ta"), "{refusal}");
    }
}

#[test]
fn line_numbers_that_do_not_count_up_are_text() {
    let refusal = refused("a\nb\n", "1\ta\n3\tb\n", "1\tc\n3\tb\n");
    assert!(matches!(refusal, Refusal::Absent { .. }));
}

#[test]
fn a_refusal_shows_the_nearest_lines() {
    let filler: String = (0..40)
        .map(|at| format!("let filler_{at} = {at};\n"))
        .collect();
    let wanted = "fn total(prices: &[u64]) -> u64 {\n    prices.iter().sum()\n}\n";
    let content = format!("{filler}{wanted}{filler}");
    let rows = [
        "fn total(prices: &[f64]) -> f64 {\n    prices.iter().sum()\n}\n",
        "fn totals(prices: Vec<u64>) {\n    prices.sum()\n}\n",
        "    prices.iter().product()\n",
    ];
    for old in rows {
        let text = refused(&content, old, "x\n").to_string();
        assert!(text.contains("    42\t    prices.iter().sum()"), "{text}");
    }
}
