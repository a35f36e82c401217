//! A file of 10 MB takes no longer than it may, in any pass, and no file takes more than its length tells.

use std::time::{Duration, Instant};

use crate::replace;

/// Ten times what an edit may take, since tests run beside others.
const MOST: Duration = Duration::from_secs(5);
/// Bytes; what is built without optimization is some ten times slower.
const LENGTH: usize = if cfg!(debug_assertions) {
    1_000_000
} else {
    10_000_000
};

fn file(length: usize, line: impl Fn(usize) -> String) -> String {
    let mut content = String::with_capacity(length + 100);
    for number in 0.. {
        content += &line(number);
        if content.len() >= length {
            break;
        }
    }
    content
}

#[test]
fn a_large_file_is_searched_in_time_by_each_pass() {
    let content = file(LENGTH, |at| {
        format!("    let value_{at} = compute({at}, \"item {at}\"); // row {at}\n")
    });
    let start = content
        .find("    let value_10000 ")
        .expect("it is long enough");
    let old: String = content[start..].split_inclusive('\n').take(4).collect();
    let new = old.replacen("compute(10003", "calculate(10003", 1);
    let both = |change: &dyn Fn(&str) -> String| (change(&old), change(&new));
    let rows = [
        both(&str::to_string),
        both(&|text| text.replace('\n', "  \n")),
        both(&|text| text.replace('"', "”")),
        both(&|text| text.replace("    ", "")),
        both(&|text| format!("```\n{text}```")),
        both(&|text| text.replacen("compute(10001", "compuet(10001", 1)),
    ];
    for (old, new) in rows {
        let started = Instant::now();
        assert!(replace(&content, &old, &new).is_ok(), "{old}");
        assert!(
            started.elapsed() < MOST,
            "{:?} for {old}",
            started.elapsed()
        );
    }
    let started = Instant::now();
    assert!(replace(&content, "fn absent() {\n    value();\n}\n", "x\n").is_err());
    assert!(
        started.elapsed() < MOST,
        "{:?} to find nothing",
        started.elapsed()
    );
}

#[test]
fn lines_that_all_look_alike_take_no_longer() {
    let contents = [
        file(500_000, |_| "}\n".to_string()),
        file(500_000, |_| "\n".to_string()),
        "a".repeat(500_000),
        "“".repeat(150_000),
    ];
    let olds = [
        format!("{}x\n", "}\n".repeat(2_000)),
        format!("{}x{}", "\n".repeat(2_000), "\n".repeat(2_000)),
        format!("{}b", "a".repeat(1_000)),
        format!("{}“x", "\"".repeat(100)),
    ];
    for content in &contents {
        for old in &olds {
            let started = Instant::now();
            assert!(replace(content, old, "new").is_err());
            let (head, took) = (&content[..3], started.elapsed());
            assert!(took < MOST, "{took:?} for {:?} in {head:?}", &old[..4]);
        }
    }
}
