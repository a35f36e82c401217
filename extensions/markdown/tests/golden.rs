//! A model's answer as it is shown, kept as texts that a person can read. Escape characters are written as `^`.
//!
//! `CORECODER_GOLDEN=write cargo test -p corecoder-markdown --test golden` writes what is shown now: look at the diff.

use std::fs;
use std::path::Path;

#[cfg(feature = "highlight")]
use corecoder_markdown::Markdown;
use corecoder_markdown::{Look, diff};

fn check(name: &str, lines: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let shown: String = lines
        .iter()
        .map(|line| line.replace('\x1b', "^") + "\n")
        .collect();
    if std::env::var_os("CORECODER_GOLDEN").is_some() {
        fs::write(&path, &shown).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap();
    assert!(kept == shown, "{name} is now:\n{shown}");
}

fn looks() -> [(&'static str, Look); 4] {
    let look = |width, colour| Look {
        width,
        colour,
        unicode: colour || width == 80,
    };
    [
        ("80", look(80, false)),
        ("40", look(40, false)),
        ("80-colour", look(80, true)),
        ("40-colour", look(40, true)),
    ]
}

#[test]
#[cfg(feature = "highlight")]
fn an_answer_is_shown_as_it_always_was() {
    let text = include_str!("golden/answer.md");
    for (name, look) in looks() {
        let mut markdown = Markdown::new(look);
        let mut lines = markdown.push(text);
        lines.extend(markdown.finish());
        check(&format!("answer-{name}.txt"), &lines);
    }
}

#[test]
fn a_diff_is_shown_as_it_always_was() {
    let text = include_str!("golden/change.diff");
    for (name, look) in looks() {
        check(&format!("change-{name}.txt"), &diff(text, look));
    }
}
