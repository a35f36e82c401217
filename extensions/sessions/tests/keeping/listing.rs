//! All sessions: listed, found, and deleted.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use corecoder::Entry;
use corecoder::session::Fact;
use corecoder_sessions::list::{self, FindError, Sessions};
use corecoder_sessions::session::Session;

use crate::{Home, PROGRAM, user};

fn ids(sessions: &Sessions) -> Vec<String> {
    sessions.list().into_iter().map(|info| info.id).collect()
}

/// As if the file had been written so long ago.
fn age(home: &Home, file: &str, seconds: u64) {
    let file = File::options()
        .write(true)
        .open(home.sessions().folder().join(file))
        .unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(seconds))
        .unwrap();
}

/// Three sessions; "b" is the newest, "a" the oldest.
fn three() -> Home {
    let home = Home::new();
    for (id, seconds) in [("a", 300), ("b", 100), ("c", 200)] {
        home.kept(id, &[user(&format!("\n  about {id}\nand more")), Fact::End]);
        age(&home, &format!("{id}.jsonl"), seconds);
    }
    home
}

#[test]
fn the_newest_comes_first_with_what_it_is_about() {
    let home = three();
    let infos = home.sessions().list();
    let seen: Vec<(&str, &str, &str)> = infos
        .iter()
        .map(|info| (info.id.as_str(), info.title.as_str(), info.model.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("b", "about b", "model"),
            ("c", "about c", "model"),
            ("a", "about a", "model")
        ]
    );
    assert!(
        infos
            .iter()
            .all(|info| info.folder == home.work && info.name.is_none() && info.bytes > 0)
    );
    assert_eq!(home.sessions().newest(&home.work).unwrap().id, "b");
    assert_eq!(home.sessions().newest(Path::new("/elsewhere")), None);
}

#[test]
fn a_journal_is_listed_by_what_its_lines_say() {
    let summary = corecoder::Summary {
        said: vec!["first words".into()],
        ..Default::default()
    };
    let title = |facts: &[Fact]| {
        let home = Home::new();
        home.kept("a", facts);
        let info = home.sessions().list().remove(0);
        (info.title, info.name.unwrap_or_default(), info.model)
    };
    /// Facts, and the title, name and model that they give.
    type Row<'a> = (&'a [Fact], (&'a str, &'a str, &'a str));
    let rows: [Row<'_>; 6] = [
        (&[Fact::End], ("", "", "model")),
        (&[user("one"), user("two")], ("one", "", "model")),
        (
            &[user("x"), Fact::Model("other".into())],
            ("x", "", "other"),
        ),
        (
            &[user("x"), list::name("old"), list::name("new")],
            ("x", "new", "model"),
        ),
        (
            &[Fact::Entries(vec![Entry::Summary(summary)])],
            ("first words", "", "model"),
        ),
        (&[user(&"ü".repeat(300))], (&"ü".repeat(80), "", "model")),
    ];
    for (facts, (what, name, model)) in rows {
        assert_eq!(
            title(facts),
            (what.into(), name.into(), model.into()),
            "{facts:?}"
        );
    }
}

#[test]
fn an_index_that_is_missing_damaged_or_stale_is_made_anew() {
    let home = three();
    let index = home.sessions().folder().join("index.json");
    let expected = home.sessions().list();
    let good = fs::read(&index).unwrap();
    let half = &good[..good.len() / 2];
    for content in [
        &b""[..],
        b"nonsense",
        b"[]",
        b"{\"format\":99,\"sessions\":{}}",
        half,
        b"\xff\0",
    ] {
        fs::write(&index, content).unwrap();
        assert_eq!(home.sessions().list(), expected);
        let again: serde_json::Value = serde_json::from_slice(&fs::read(&index).unwrap()).unwrap();
        assert_eq!(again["sessions"].as_object().unwrap().len(), 3);
    }
    fs::remove_file(&index).unwrap();
    fs::create_dir(&index).unwrap();
    assert_eq!(
        home.sessions().list(),
        expected,
        "one that can't be written is none"
    );
    fs::remove_dir(&index).unwrap();
    home.sessions().list();
    fs::remove_file(home.sessions().folder().join("b.jsonl")).unwrap();
    home.kept("d", &[user("new")]);
    let (session, _) = Session::resume(&expected[1].path, PROGRAM).unwrap();
    session.record("", list::name("renamed"));
    let infos = home.sessions().list();
    assert_eq!(infos.len(), 3);
    assert!(
        infos
            .iter()
            .any(|info| info.name.as_deref() == Some("renamed"))
            && infos.iter().any(|info| info.id == "d")
    );
}

#[test]
fn without_a_folder_there_is_no_session() {
    let home = Home::new();
    assert_eq!(home.sessions().list(), []);
    assert!(!home.data().exists(), "and looking makes none");
}

#[test]
fn what_lies_beside_the_journals_is_no_session() {
    let home = three();
    let folder = home.sessions().folder().to_path_buf();
    fs::create_dir(folder.join("x.jsonl")).unwrap();
    for name in ["notes.txt", "a.torn", ".tmp123", "broken.json"] {
        fs::write(folder.join(name), "x").unwrap();
    }
    fs::create_dir(folder.join("a.files")).unwrap();
    assert_eq!(ids(&home.sessions()), ["b", "c", "a"]);
}

#[test]
fn a_session_is_found_by_id_name_or_a_beginning_that_is_its_own() {
    let home = Home::new();
    for id in ["20261123-aaaa", "20261123-aabb", "20261124-cccc", "2026"] {
        home.kept(id, &[user("hi")]);
    }
    home.kept("named", &[user("hi"), list::name("parser work")]);
    let sessions = home.sessions();
    let found = |wanted: &str| sessions.find(wanted).map(|info| info.id);
    for (wanted, id) in [
        ("20261123-aaaa", "20261123-aaaa"),
        ("20261123-aab", "20261123-aabb"),
        ("20261124", "20261124-cccc"),
        ("2026", "2026"),
        ("parser work", "named"),
        ("na", "named"),
    ] {
        assert_eq!(found(wanted).as_deref(), Ok(id), "{wanted}");
    }
    for wanted in ["", "x", "20261123-aaaaa", "parser", "../2026"] {
        assert_eq!(found(wanted), Err(FindError::None(wanted.to_string())));
    }
    let error = found("20261123").unwrap_err();
    let FindError::Several { candidates, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(candidates.len(), 2);
    assert!(
        error.to_string().contains("20261123-aabb") && error.to_string().contains("say more"),
        "{error}"
    );
}

#[test]
fn deleting_takes_all_that_belongs_to_a_session_and_nothing_else() {
    let home = three();
    let folder = home.sessions().folder().to_path_buf();
    for id in ["a", "b"] {
        fs::create_dir(folder.join(format!("{id}.files"))).unwrap();
        fs::write(folder.join(format!("{id}.files/1")), "content").unwrap();
        fs::write(folder.join(format!("{id}.torn")), "rest").unwrap();
    }
    let old = home.sessions().older_than(Duration::from_secs(250));
    assert_eq!(
        old.iter().map(|info| info.id.as_str()).collect::<Vec<_>>(),
        ["a"]
    );
    home.sessions().delete(&old[0]).unwrap();
    assert_eq!(ids(&home.sessions()), ["b", "c"]);
    let left = |name: &str| folder.join(name).exists();
    assert!(!left("a.files") && !left("a.torn") && left("b.files/1") && left("b.torn"));
}

#[test]
fn a_session_that_is_open_is_not_deleted() {
    let home = three();
    let info = home.sessions().find("a").unwrap();
    let (session, _) = Session::resume(&info.path, PROGRAM).unwrap();
    assert!(home.sessions().delete(&info).is_err());
    assert!(info.path.exists());
    drop(session);
    home.sessions().delete(&info).unwrap();
    assert!(!info.path.exists());
}

#[test]
fn a_folder_that_everyone_could_read_is_closed() {
    let home = Home::new();
    let sessions = home.sessions();
    std::fs::create_dir_all(sessions.folder()).unwrap();
    let mode = || {
        std::fs::metadata(sessions.folder())
            .unwrap()
            .permissions()
            .mode()
            & 0o777
    };
    std::fs::set_permissions(sessions.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    sessions.prepare().unwrap();
    assert_eq!(mode(), 0o700);
}

#[test]
fn thousands_of_sessions_are_listed_at_once() {
    const COUNT: usize = 5_000;
    let home = Home::new();
    home.kept("model", &[user("what they are all about"), Fact::End]);
    let folder = home.sessions().folder().to_path_buf();
    let journal = fs::read_to_string(folder.join("model.jsonl")).unwrap();
    for n in 1..COUNT {
        fs::write(folder.join(format!("session-{n:05}.jsonl")), &journal).unwrap();
    }
    let timed = || {
        let begin = Instant::now();
        assert_eq!(home.sessions().list().len(), COUNT);
        begin.elapsed()
    };
    let (cold, warm) = (timed(), timed());
    println!("{COUNT} sessions: {cold:?} without an index, {warm:?} with one");
    // Bounds for a busy machine and a build that was not optimized; a release build needs a tenth of that.
    assert!(
        cold < Duration::from_secs(20) && warm < Duration::from_secs(4),
        "{cold:?} {warm:?}"
    );
}
