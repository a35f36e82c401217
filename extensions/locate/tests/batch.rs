//! Questions from a history: which commits make one, what stays of a message, and how answers are scored.

use std::fs;
use std::path::Path;
use std::process::Command;

use corecoder_locate::batch::{Batch, Outcome, Problem, Question, Scores, housekeeping};
use tempfile::TempDir;

fn git(folder: &Path, args: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C")
        .arg(folder)
        .args(["-c", "user.name=a", "-c", "user.email=a@b.c"]);
    git.env("GIT_CONFIG_GLOBAL", "/dev/null").args(args);
    assert!(git.output().expect("git runs").status.success(), "{args:?}");
}

/// A repository with a first commit, which makes no question.
fn repository() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    git(folder.path(), &["init", "-q"]);
    let files = [
        "src/reader.rs",
        "src/writer.rs",
        "src/line_buffer.rs",
        "tests/reader.rs",
        "README.md",
    ];
    commit(&folder, "begin with something that can be read", &files);
    folder
}

/// Commits one more line in each of these files.
fn commit(folder: &TempDir, message: &str, files: &[&str]) {
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("it is in a folder"))
            .expect("a folder can be made");
        let old = fs::read_to_string(&path).unwrap_or_default();
        fs::write(&path, format!("{old}// {message}\n")).expect("the file can be written");
    }
    git(folder.path(), &["add", "-A"]);
    git(
        folder.path(),
        &["commit", "-q", "--allow-empty", "-m", message],
    );
}

const MESSAGE: &str = "Keep the last byte of every long line";

/// The questions of a repository whose second commit is this one.
fn questions(message: &str, files: &[&str]) -> Vec<Question> {
    let folder = repository();
    commit(&folder, message, files);
    match Batch::open(folder.path(), 10) {
        Ok(batch) => batch.questions,
        Err(Problem::NoQuestions) => Vec::new(),
        Err(problem) => panic!("{problem}"),
    }
}

#[test]
fn the_answer_is_the_one_to_five_sources_that_were_changed() {
    let rows: [(&[&str], &[&str]); 7] = [
        (&["src/reader.rs"], &["src/reader.rs"]),
        (
            &[
                "src/reader.rs",
                "src/writer.rs",
                "tests/reader.rs",
                "README.md",
            ],
            &["src/reader.rs", "src/writer.rs"],
        ),
        // What the commit adds could not be found before it.
        (&["src/reader.rs", "src/new.rs"], &["src/reader.rs"]),
        (&["src/new.rs"], &[]),
        (&["tests/reader.rs"], &[]),
        (&["README.md"], &[]),
        (&[], &[]),
    ];
    for (files, gold) in rows {
        let questions = questions(MESSAGE, files);
        let found: Vec<&str> = questions
            .iter()
            .flat_map(|question| question.gold.iter().map(String::as_str))
            .collect();
        assert_eq!(found, gold, "{files:?}");
    }
}

#[test]
fn commits_that_move_or_delete_sources_or_touch_many_files_make_no_question() {
    let folder = repository();
    git(folder.path(), &["mv", "src/writer.rs", "src/printer.rs"]);
    commit(&folder, MESSAGE, &["src/reader.rs"]);
    git(folder.path(), &["rm", "-q", "src/printer.rs"]);
    commit(&folder, MESSAGE, &["src/reader.rs"]);
    let many: Vec<String> = (0..16).map(|n| format!("docs/{n}.md")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    many.push("src/reader.rs");
    commit(&folder, MESSAGE, &many);
    assert!(matches!(
        Batch::open(folder.path(), 10),
        Err(Problem::NoQuestions)
    ));
    let empty = tempfile::tempdir().expect("a folder can be made");
    assert!(matches!(
        Batch::open(empty.path(), 10),
        Err(Problem::NoRepository)
    ));
    git(empty.path(), &["init", "-q"]);
    assert!(matches!(
        Batch::open(empty.path(), 10),
        Err(Problem::NoQuestions)
    ));
}

#[test]
fn a_message_keeps_its_words_and_loses_what_leads_to_the_answer() {
    let rows = [
        (MESSAGE, Some(MESSAGE)),
        (
            "fix(reader)!: keep the last byte of every long line (#12)",
            Some("keep the last byte of every long line"),
        ),
        (
            "reader: keep the last byte of every long line",
            Some("keep the last byte of every long line"),
        ),
        // A plain word stays, whatever files are called.
        (
            "the reader keeps the last byte of every line",
            Some("the reader keeps the last byte of every line"),
        ),
        (
            "`reader` keeps the last byte of every long line",
            Some("keeps the last byte of every long line"),
        ),
        (
            "reader::next keeps the last byte of every long line",
            Some("next keeps the last byte of every long line"),
        ),
        (
            "LineBuffer and line_buffer keep the last byte of every line",
            Some("and keep the last byte of every line"),
        ),
        (
            "keep the last byte in src/reader.rs and in reader.rs:12 too",
            Some("keep the last byte in and in too"),
        ),
        (
            "keep the last byte of every line\n\nIt was lost since 1234abcd, see https://example.org/x.\n\nSigned-off-by: A <a@b.c>\nFixes: #7\n",
            Some("keep the last byte of every line\nIt was lost since see"),
        ),
        (
            "keep the last byte of every line\n\n* fix(reader): give back the rest",
            Some("keep the last byte of every line\ngive back the rest"),
        ),
        ("keep the last byte", None),
        ("`reader` `buffer` #1 #2 keep", None),
        ("docs: keep the last byte of every long line", None),
    ];
    for (message, expected) in rows {
        let questions = questions(message, &["src/reader.rs", "src/line_buffer.rs"]);
        let query = questions.first().map(|question| question.query.as_str());
        assert_eq!(query, expected, "{message}");
    }
}

#[test]
fn upkeep_is_told_by_the_subject() {
    for subject in [
        "v1.2.3",
        "1.2",
        "Release 3",
        "version",
        "chore(deps): x",
        "Fix typo",
        "test: y",
        "Revert \"x\"",
    ] {
        assert!(housekeeping(subject), "{subject}");
    }
    for subject in [
        "Keep the latest line",
        "3 lines are lost",
        "Contest the rule",
    ] {
        assert!(!housekeeping(subject), "{subject}");
    }
}

#[test]
fn the_sample_is_the_same_each_time_and_in_order_and_a_folder_or_a_bare_copy_serves_too() {
    let folder = repository();
    for n in 0..12 {
        commit(
            &folder,
            &format!("{MESSAGE}, number {n}"),
            &["src/reader.rs"],
        );
    }
    let open = |path: &Path, limit| Batch::open(path, limit).expect("questions").questions;
    let all = open(folder.path(), 100);
    assert_eq!(all.len(), 12);
    assert!(all[0].query.ends_with("number 11"), "{all:?}");
    let some = open(folder.path(), 5);
    assert_eq!(some, open(folder.path(), 5));
    let places: Vec<_> = some
        .iter()
        .map(|one| all.iter().position(|other| one == other))
        .collect();
    assert!(
        places.len() == 5 && places.is_sorted() && places[0].is_some(),
        "{places:?}"
    );
    assert_eq!(open(&folder.path().join("src"), 100), all);
    let bare = tempfile::tempdir().expect("a folder can be made");
    let from = folder.path().to_str().expect("text");
    git(bare.path(), &["clone", "-q", "--bare", from, "copy"]);
    assert_eq!(open(&bare.path().join("copy"), 100), all);
}

#[test]
fn the_past_is_searched_and_not_what_came_of_it() {
    let folder = repository();
    commit(
        &folder,
        "Flux capacitors need more power than before",
        &["src/writer.rs"],
    );
    let batch = Batch::open(folder.path(), 10).expect("questions");
    let outcome = batch.ask(&batch.questions[0]);
    // The commit wrote its own message into the file; before it no file had a word of it.
    assert_eq!(
        outcome.json()["query"],
        "Flux capacitors need more power than before"
    );
    let answer = &outcome.ranked;
    let found = corecoder_locate::locate_in("flux capacitors", folder.path(), &Default::default());
    assert_eq!(found.files[0].path, "src/writer.rs");
    assert!(answer.len() > 1, "{answer:?}");
}

#[test]
fn scores_are_averages_over_the_questions() {
    let outcome = |gold: &[&str], ranked: &[&str], ms| Outcome {
        question: Question {
            commit: String::new(),
            parent: String::new(),
            query: String::new(),
            gold: gold.iter().map(|path| path.to_string()).collect(),
        },
        ranked: ranked.iter().map(|path| path.to_string()).collect(),
        ms,
    };
    let outcomes = [
        outcome(&["a"], &["a", "b"], 9.0),
        outcome(&["b", "x"], &["a", "b"], 1.0),
        outcome(&["f"], &["a", "b", "c", "d", "e", "f"], 2.0),
        outcome(&["x"], &[], 3.0),
    ];
    let scores = Scores::of(&outcomes);
    assert_eq!(scores.recall, [0.25, 0.375, 0.625]);
    assert_eq!((scores.all, scores.count, scores.median_ms), (0.25, 4, 3.0));
    assert_eq!(scores.mrr, (1.0 + 0.5 + 1.0 / 6.0) / 4.0);
    let table = scores.table();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[1],
        ["0.250", "0.375", "0.625", "0.250", "0.417", "4", "3"]
    );
    assert_eq!(Scores::of(&[]).recall, [0.0; 3]);
}
