//! The tools: what a model sends and reads.

use std::path::Path;
use std::sync::Arc;

use corecoder::{Agent, Entry, Reply, Script, Tool};
use corecoder_edit::{EditFile, WriteFile};
use serde_json::{Value, json};

/// What the model reads of one call in a folder.
async fn answer(folder: &Path, tool: &str, args: Value) -> String {
    let replies = [
        Reply::calls(vec![(tool.to_string(), args)]),
        Reply::text("done"),
    ];
    let tools: Vec<Arc<dyn Tool>> = vec![Arc::new(EditFile), Arc::new(WriteFile)];
    let mut agent = Agent::new(Script::new(replies)).folder(folder).tools(tools);
    agent.chat("go").await.expect("a script does not fail");
    let rounds = agent.history().iter().filter_map(|entry| match entry {
        Entry::Round(round) => Some(round),
        _ => None,
    });
    let answers = rounds.flat_map(|round| round.answered());
    answers.map(|(_, answer)| answer.to_string()).collect()
}

fn folder_with(content: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    std::fs::write(folder.path().join("file"), content).expect("it can be written");
    folder
}

fn content(folder: &tempfile::TempDir) -> String {
    std::fs::read_to_string(folder.path().join("file")).expect("it can be read")
}

#[tokio::test]
async fn an_edit_answers_with_the_lines_that_changed() {
    let before: String = (1..=50).map(|at| format!("line {at}\n")).collect();
    let folder = folder_with(&before);
    let args =
        json!({"file_path": "file", "old_string": "line 30\n", "new_string": "line thirty\n"});
    let answer = answer(folder.path(), "edit_file", args).await;
    assert!(
        answer.contains(
            "@@ -27 +27 @@\n line 27\n line 28\n line 29\n-line 30\n+line thirty\n line 31\n"
        ),
        "{answer}"
    );
    assert_eq!(content(&folder), before.replace("line 30", "line thirty"));
}

#[tokio::test]
async fn what_was_forgiven_is_said() {
    let folder = folder_with("    a\n    b\n");
    let args = json!({"file_path": "file", "old_string": "a\nb\n", "new_string": "a\nc\n"});
    let answer = answer(folder.path(), "edit_file", args).await;
    assert!(answer.contains("its indentation differed"), "{answer}");
    assert_eq!(content(&folder), "    a\n    c\n");
}

#[tokio::test]
async fn several_edits_are_one_call() {
    let folder = folder_with("a\nb\nc\n");
    let edits =
        json!([{"old_string": "a", "new_string": "x"}, {"old_string": "c", "new_string": "z"}]);
    let args = json!({"file_path": "file", "edits": edits, "old_string": "", "new_string": ""});
    answer(folder.path(), "edit_file", args).await;
    assert_eq!(content(&folder), "x\nb\nz\n");
    // A list that was written as text is read as one.
    let edits =
        r#"[{"old_string": "x", "new_string": "a"}, {"old_string": "no", "new_string": "z"}]"#;
    let args = json!({"file_path": "file", "edits": edits});
    let refused = answer(folder.path(), "edit_file", args).await;
    assert!(
        refused.starts_with("Error: edit 2 of 2 can't be made, so none was made"),
        "{refused}"
    );
    assert_eq!(content(&folder), "x\nb\nz\n");
}

#[tokio::test]
async fn arguments_that_are_missing_are_named() {
    let folder = folder_with("a\n");
    let rows = [
        (
            json!({"file_path": "file"}),
            "the argument `old_string` is missing",
        ),
        (
            json!({"file_path": "file", "old_string": "a"}),
            "the argument `new_string` is missing",
        ),
        (
            json!({"file_path": "file", "edits": [{"old_string": "a"}]}),
            "the argument `edits[0].new_string` is missing",
        ),
        (
            json!({"file_path": "file", "old_string": "a", "new_string": "b", "edits": [{}]}),
            "not both",
        ),
        (
            json!({"file_path": "none", "old_string": "a", "new_string": "b"}),
            "does not exist",
        ),
    ];
    for (args, wanted) in rows {
        let answer = answer(folder.path(), "edit_file", args).await;
        assert!(answer.contains(wanted), "{answer}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_text_is_not_edited() {
    let folder = folder_with("");
    std::fs::write(folder.path().join("file"), b"caf\xe9\n").expect("it can be written");
    let args = json!({"file_path": "file", "old_string": "caf", "new_string": "x"});
    let answer = answer(folder.path(), "edit_file", args).await;
    assert!(answer.contains("is not UTF-8 text"), "{answer}");
}

#[tokio::test]
async fn a_file_is_written_anew_and_the_answer_shows_what_changed() {
    let folder = folder_with("a\nb\n");
    let args = json!({"file_path": "file", "content": "a\nc\n"});
    let changed = answer(folder.path(), "write_file", args.clone()).await;
    assert!(
        changed.contains("-b\n+c\n") && !changed.contains("Warning"),
        "{changed}"
    );
    let same = answer(folder.path(), "write_file", args).await;
    assert!(same.contains("had this content already"), "{same}");
    let args = json!({"file_path": "new/other", "content": "a\n"});
    let new = answer(folder.path(), "write_file", args).await;
    assert!(new.contains("Wrote") && new.contains("1 lines."), "{new}");
}

#[tokio::test]
async fn a_file_that_loses_most_of_its_lines_is_warned_about() {
    let before: String = (1..=40).map(|at| format!("line {at}\n")).collect();
    let folder = folder_with(&before);
    let args = json!({"file_path": "file", "content": "line 1\n// ... rest of the file ...\n"});
    let answer = answer(folder.path(), "write_file", args).await;
    assert!(
        answer.contains("39 of the 40 lines that it had are gone"),
        "{answer}"
    );
    assert!(answer.contains("holds the placeholder"), "{answer}");
}
