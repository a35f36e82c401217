//! What a session did to files: undone, done again, and shown, by this process or the next.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use corecoder::session::Fact;
use corecoder::{Reply, Script};
use corecoder_sessions::ledger::Ledger;
use corecoder_sessions::session::Session;
use serde_json::{Value, json};

use crate::{Home, PROGRAM, loaded, user};

/// Has the agent make these calls, one a round, in a turn of its own.
async fn turn(home: &Home, session: &Arc<Session>, calls: &[(&str, Value)]) {
    let replies = calls
        .iter()
        .map(|(name, args)| Reply::calls([(*name, args.clone())]));
    let model = Script::new(replies.chain([Reply::text("done")]).collect::<Vec<_>>());
    home.agent(session, model).chat("go").await.unwrap();
}

fn write(path: &Path, content: &str) -> (&'static str, Value) {
    ("write_file", json!({"file_path": path, "content": content}))
}

fn bash(command: &str) -> (&'static str, Value) {
    ("bash", json!({"command": command}))
}

/// The next process: the session is left and resumed.
fn next(session: Arc<Session>) -> Arc<Session> {
    let path = session.path().to_path_buf();
    drop(session);
    Arc::new(Session::resume(&path, PROGRAM).unwrap().0)
}

/// All files below a folder with content, mode and time.
fn tree(folder: &Path) -> BTreeMap<String, (Vec<u8>, u32, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, metadata) = (entry.path(), entry.metadata().unwrap());
        match metadata.is_dir() {
            true => found.extend(tree(&path)),
            false => {
                let seen = (
                    fs::read(&path).unwrap(),
                    metadata.mode(),
                    metadata.mtime_nsec(),
                );
                found.insert(path.display().to_string(), seen);
            }
        }
    }
    found
}

/// Name and content, without times.
fn contents(home: &Home) -> BTreeMap<String, Vec<u8>> {
    let name = |path: String| path.replace(home.work.to_str().unwrap(), "");
    tree(&home.work)
        .into_iter()
        .map(|(path, (content, ..))| (name(path), content))
        .collect()
}

#[tokio::test]
async fn every_way_of_changing_files_is_undone_and_done_again() {
    let home = Home::new();
    let outside = home.temp.path().join("outside");
    fs::write(&outside, "old\n").unwrap();
    home.write("edited", "one\ntwo\n");
    home.write("removed", "gone soon\n");
    let read = ("read_file", json!({"file_path": home.path("edited")}));
    let edit = (
        "edit_file",
        json!({"file_path": home.path("edited"), "old_string": "two", "new_string": "2"}),
    );
    let rows: [(&str, Vec<(&str, Value)>); 5] = [
        ("write_file", vec![write(&home.path("deep/new"), "new\n")]),
        ("edit_file", vec![read, edit]),
        (
            "bash",
            vec![bash(
                "rm removed; mkdir d; echo x >d/made; echo more >>edited; chmod +x edited",
            )],
        ),
        ("a file outside", vec![write(&outside, "new\n")]),
        (
            "several in one turn",
            vec![
                bash("echo 1 >both"),
                write(&home.path("both"), "2\n"),
                bash("echo 3 >>both"),
            ],
        ),
    ];
    for (name, calls) in rows {
        let session = home.begin(name);
        let before = (contents(&home), fs::read(&outside).unwrap());
        turn(&home, &session, &calls).await;
        let after = (contents(&home), fs::read(&outside).unwrap());
        assert_ne!(before, after, "{name}: something changed");
        let session = next(session);
        let undone = Ledger::of(&session).undo(&session).expect(name);
        assert_eq!(undone.problems, Vec::<String>::new(), "{name}");
        assert_eq!(
            (contents(&home), fs::read(&outside).unwrap()),
            before,
            "{name}: undone"
        );
        let session = next(session);
        assert!(
            Ledger::of(&session).undo(&session).is_none(),
            "{name}: nothing is left to undo"
        );
        assert_eq!(
            Ledger::of(&session).diff(&session, &home.work),
            "",
            "{name}: no difference is left"
        );
        let redone = Ledger::of(&session).redo(&session).expect(name);
        assert_eq!(redone.problems, Vec::<String>::new(), "{name}");
        assert_eq!(
            (contents(&home), fs::read(&outside).unwrap()),
            after,
            "{name}: done again"
        );
        assert!(
            Ledger::of(&session).redo(&session).is_none(),
            "{name}: nothing is left to redo"
        );
        Ledger::of(&session)
            .undo(&session)
            .expect("what was done again can be undone again");
        assert_eq!(
            (contents(&home), fs::read(&outside).unwrap()),
            before,
            "{name}: undone again"
        );
    }
}

#[tokio::test]
async fn what_a_cancelled_command_did_is_undone_too() {
    let home = Home::new();
    let session = home.begin("a");
    let reply = Reply::calls([bash("echo half >part; touch begun; while :; do :; done")]);
    let mut agent = home.agent(&session, Script::new([reply]));
    let begun = async {
        while !home.path("begun").exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = agent.chat("go") => panic!("{answer:?}"),
        () = begun => {}
    }
    // The task that ran the command falls at the runtime's next opportunity.
    while Ledger::of(&session).diff(&session, &home.work).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(loaded(session.path()).entries, agent.history());
    let restored = Ledger::of(&session).undo(&session).unwrap();
    assert_eq!((restored.problems, contents(&home).len()), (vec![], 0));
}

#[tokio::test]
async fn turns_are_undone_one_by_one_and_a_rewind_undoes_many() {
    let home = Home::new();
    let session = home.begin("a");
    for text in ["1", "2", "3"] {
        turn(&home, &session, &[write(&home.path("file"), text)]).await;
    }
    let undo = |expected: Option<&str>| {
        Ledger::of(&session).undo(&session).unwrap();
        assert_eq!(home.read("file").as_deref(), expected);
    };
    undo(Some("2"));
    undo(Some("1"));
    for expected in ["2", "3"] {
        Ledger::of(&session).redo(&session).unwrap();
        assert_eq!(home.read("file").unwrap(), expected);
    }
    let ledger = Ledger::of(&session);
    assert_eq!(ledger.said.len(), 3);
    ledger.undo_from(ledger.said[1].line, &session).unwrap();
    session.record("", Fact::Rewind(ledger.said[1].line));
    assert_eq!(home.read("file").as_deref(), Some("1"));
    assert_eq!(
        loaded(session.path()).entries.len(),
        3,
        "the first turn: what was said, the call, the answer"
    );
    assert_eq!(Ledger::of(&session).said.len(), 1);
    undo(None);
}

#[tokio::test]
async fn whoever_goes_on_after_an_undo_can_not_redo() {
    let home = Home::new();
    let session = home.begin("a");
    turn(&home, &session, &[write(&home.path("file"), "1")]).await;
    Ledger::of(&session).undo(&session).unwrap();
    turn(&home, &session, &[write(&home.path("other"), "2")]).await;
    assert!(Ledger::of(&session).redo(&session).is_none());
}

#[tokio::test]
async fn what_someone_else_changed_since_is_left_alone_and_said() {
    let home = Home::new();
    let session = home.begin("a");
    turn(
        &home,
        &session,
        &[
            write(&home.path("mine"), "1"),
            write(&home.path("free"), "1"),
        ],
    )
    .await;
    home.write("mine", "the user's own words");
    let restored = Ledger::of(&session).undo(&session).unwrap();
    assert_eq!(
        (restored.done.len(), restored.problems.len()),
        (1, 1),
        "{restored:?}"
    );
    assert_eq!(
        (home.read("mine").as_deref(), home.read("free")),
        (Some("the user's own words"), None)
    );
    // What was left alone is still to be undone, once it is what the agent left.
    home.write("mine", "1");
    let restored = Ledger::of(&session).undo(&session).unwrap();
    assert_eq!((restored.done.len(), restored.problems.len()), (1, 0));
    assert_eq!(home.read("mine"), None);
    assert!(Ledger::of(&session).undo(&session).is_none());
}

#[tokio::test]
async fn nothing_is_changed_whose_content_can_not_be_kept() {
    let home = Home::new();
    home.write("file", "old");
    let session = home.begin("a");
    // No folder can be made where a file is.
    fs::create_dir_all(session.files().parent().unwrap()).unwrap();
    fs::write(session.files(), "in the way").unwrap();
    for call in [write(&home.path("file"), "new"), bash("echo new >file")] {
        turn(&home, &session, &[call]).await;
        assert_eq!(home.read("file").as_deref(), Some("old"));
    }
    fs::remove_file(session.files()).unwrap();
    turn(&home, &session, &[bash("echo new >file")]).await;
    assert_eq!(home.read("file").as_deref(), Some("new\n"));
}

#[tokio::test]
async fn only_what_was_changed_is_kept_when_the_session_has_ended() {
    let home = Home::new();
    let session = home.begin("a");
    for name in ["changed", "other", "third"] {
        home.write(name, &format!("the content of {name}"));
    }
    turn(&home, &session, &[bash("echo new >changed")]).await;
    let kept = fs::read_dir(session.files()).unwrap();
    assert!(kept.count() <= 2, "what it was, and what it became");
    Ledger::of(&session).undo(&session).unwrap();
    assert_eq!(
        home.read("changed").as_deref(),
        Some("the content of changed")
    );
}

#[tokio::test]
async fn a_folder_that_is_too_large_to_be_watched_is_said_to_be() {
    let home = Home::new();
    let session = home.begin("a");
    turn(&home, &session, &[bash("touch one")]).await;
    assert!(!Ledger::of(&session).blind);
    for number in 0..5_100 {
        fs::write(home.path(&format!("file-{number}")), "").unwrap();
    }
    turn(&home, &session, &[bash("touch two")]).await;
    assert!(Ledger::of(&session).blind);
}

#[tokio::test]
async fn the_difference_is_what_the_session_did_and_nothing_else() {
    let home = Home::new();
    home.write("file", "one\ntwo\n");
    home.write("other", "untouched\n");
    let session = home.begin("a");
    turn(
        &home,
        &session,
        &[
            write(&home.path("file"), "one\n2\n"),
            bash("echo new >made"),
        ],
    )
    .await;
    home.write("other", "changed by the user\n");
    let diff = Ledger::of(&session).diff(&session, &home.work);
    for part in ["-two\n", "+2\n", "+new\n"] {
        assert!(diff.contains(part), "{diff}");
    }
    assert!(!diff.contains("other"), "{diff}");
}

#[tokio::test]
async fn nothing_of_the_users_git_is_touched() {
    let home = Home::new();
    home.write("tracked", "1\n");
    let git = |args: &[&str]| {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@t"])
            .args(args)
            .current_dir(&home.work)
            .output()
            .unwrap();
        assert!(done.status.success(), "{args:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let before = tree(&home.path(".git"));
    let session = home.begin("a");
    turn(
        &home,
        &session,
        &[
            write(&home.path("tracked"), "2\n"),
            bash("rm tracked; echo x >new"),
        ],
    )
    .await;
    Ledger::of(&session).diff(&session, &home.work);
    Ledger::of(&session).undo(&session).unwrap();
    Ledger::of(&session).redo(&session).unwrap();
    assert_eq!(tree(&home.path(".git")), before);
}

#[tokio::test]
async fn in_a_home_directory_other_sessions_are_left_alone() {
    let home = Home::new();
    let sessions = home.path(".corecoder/sessions");
    fs::create_dir_all(&sessions).unwrap();
    let session = Arc::new(Session::begin(&sessions, home.header("a"), Vec::new()));
    // Another program goes on with its session while the command runs.
    let command = "echo x >file; echo more >>.corecoder/sessions/other.jsonl";
    turn(&home, &session, &[bash(command)]).await;
    let diff = Ledger::of(&session).diff(&session, &home.work);
    assert!(diff.contains("file") && !diff.contains("jsonl"), "{diff}");
    Ledger::of(&session).undo(&session).unwrap();
    assert_eq!(home.read("file"), None);
    assert_eq!(
        home.read(".corecoder/sessions/other.jsonl").as_deref(),
        Some("more\n")
    );
}

#[test]
fn a_ledger_reads_a_journal_in_which_anything_stands() {
    let home = Home::new();
    let odd = [
        json!({"undo": 5}),
        json!({"changes": "x"}),
        json!({"redo": []}),
        json!(null),
        json!([1]),
    ];
    let facts: Vec<Fact> = odd
        .into_iter()
        .map(Fact::Extension)
        .chain([user("hi")])
        .collect();
    home.kept("a", &facts);
    let journal = fs::read(home.sessions().folder().join("a.jsonl")).unwrap();
    let said: Vec<String> = Ledger::read(&journal)
        .said
        .into_iter()
        .map(|turn| turn.text)
        .collect();
    assert_eq!(said, ["hi"]);
}
