//! Which folders are trusted, and what of a folder needs it.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use corecoder_conventions::{Trust, needs_trust};

use crate::{World, assert_one, fifo};

fn load(world: &World) -> Trust {
    let (trust, problems) = Trust::load(Some(&world.path("data")));
    assert!(problems.is_empty(), "{problems:?}");
    trust
}

#[test]
fn what_was_said_of_a_folder_is_remembered_for_it_alone() {
    let world = World::new(&[]);
    let (project, outside) = (world.path("project"), world.path("outside"));
    let mut trust = load(&world);
    assert_eq!(trust.holds(&project), None);
    trust.set(&project, true).unwrap();
    trust.set(&outside, false).unwrap();
    for trust in [&trust, &load(&world)] {
        assert_eq!(trust.holds(&project), Some(true));
        assert_eq!(trust.holds(&outside), Some(false));
        assert_eq!(trust.holds(&project.join("a")), None);
        assert_eq!(trust.holds(&world.folder()), None);
    }
    trust.set(&project, false).unwrap();
    assert_eq!(load(&world).holds(&project), Some(false));
}

#[test]
fn a_folder_is_the_same_behind_a_symlink() {
    let world = World::new(&[]);
    world.link("link", "project");
    let mut trust = load(&world);
    trust.set(&world.path("link"), true).unwrap();
    assert_eq!(trust.holds(&world.path("project")), Some(true));
}

#[test]
fn the_file_is_the_user_s_alone() {
    let world = World::new(&[]);
    load(&world).set(&world.path("project"), true).unwrap();
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().mode() & 0o777;
    assert_eq!((mode("data/trust.json"), mode("data")), (0o600, 0o700));
}

#[test]
fn what_another_program_wrote_meanwhile_is_kept() {
    let world = World::new(&[]);
    let (mut one, mut other) = (load(&world), load(&world));
    one.set(&world.path("project"), true).unwrap();
    other.set(&world.path("outside"), true).unwrap();
    assert_eq!(other.holds(&world.path("project")), Some(true));
    assert_eq!(load(&world).holds(&world.path("project")), Some(true));
    let foreign = r#"{"newer": [1.5], "folders": {"/a": true, "/b": "maybe"}}"#;
    world.write("data/trust.json", foreign.as_bytes());
    one.set(&world.path("project"), true).unwrap();
    let text = fs::read_to_string(world.path("data/trust.json")).unwrap();
    let text = text.split_whitespace().collect::<String>();
    assert!(text.starts_with(r#"{"newer":[1.5],"folders":{"/a":true,"/b":"maybe","#));
    assert_eq!(one.holds(Path::new("/b")), None);
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let world = World::new(&[]);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let world = &world;
            scope.spawn(move || {
                for number in 0..8 {
                    let folder = world.path(&format!("w{writer}-{number}"));
                    load(world).set(&folder, true).unwrap();
                }
            });
        }
    });
    let trust = load(&world);
    for writer in 0..8 {
        for number in 0..8 {
            let folder = world.path(&format!("w{writer}-{number}"));
            assert_eq!(trust.holds(&folder), Some(true), "{folder:?}");
        }
    }
}

#[test]
fn a_broken_file_trusts_nobody_and_is_not_overwritten() {
    for text in [
        &b"{"[..],
        b"[]",
        b"\xff",
        br#"{"folders": []}"#,
        b"null",
        b"",
    ] {
        let world = World::new(&[]);
        world.write("data/trust.json", text);
        let data = world.path("data");
        let (mut trust, problems) = Trust::load(Some(&data));
        assert_one(&problems, &["data/trust.json: "]);
        assert_eq!(trust.holds(&world.path("project")), None);
        assert!(trust.set(&world.path("project"), true).is_err());
        assert_eq!(trust.holds(&world.path("project")), Some(true), "for now");
        assert_eq!(fs::read(data.join("trust.json")).unwrap(), text);
    }
}

#[test]
fn what_is_no_file_is_said() {
    for name in ["trust.json", "trust.lock"] {
        for make in [|path: &Path| fs::create_dir_all(path).unwrap(), fifo] {
            let world = World::new(&[]);
            make(&world.path("data").join(name));
            let (mut trust, _) = Trust::load(Some(&world.path("data")));
            let error = trust.set(&world.path("project"), true).unwrap_err();
            assert!(error.contains("data/trust.json: "), "{error}");
        }
    }
}

#[test]
fn without_a_folder_it_is_remembered_in_the_value_alone() {
    let world = World::new(&[]);
    let (mut trust, problems) = Trust::load(None);
    assert!(problems.is_empty());
    assert!(trust.set(&world.path("project"), true).is_err());
    assert_eq!(trust.holds(&world.path("project")), Some(true));
}

#[test]
fn a_folder_that_can_not_be_written_is_said() {
    let world = World::new(&[("data", "a file")]);
    let (mut trust, problems) = Trust::load(Some(&world.path("data")));
    assert!(problems.is_empty());
    let error = trust.set(&world.path("project"), true).unwrap_err();
    assert!(error.contains("data/trust.json: "), "{error}");
}

#[test]
fn what_a_project_brings_is_listed_for_the_question() {
    let world = World::new(&[
        ("project/AGENTS.md", "Needs none."),
        ("project/.mcp.json", "{}"),
        ("project/.corecoder/settings.json", "{}"),
        ("project/.corecoder/hooks.json", "{}"),
        ("project/.claude/settings.local.json", "{}"),
        ("project/.claude/agents/a.md", ""),
        ("project/.agents/skills/x/SKILL.md", ""),
        ("project/a/.claude/commands/it.md", ""),
        ("project/b/.mcp.json", "{}"),
        ("home/.claude/settings.json", "{}"),
    ]);
    fs::create_dir_all(world.path("project/.claude/skills")).unwrap();
    world.link("project/a/.mcp.json", "nowhere");
    let expected = [
        "project/.corecoder/settings.json",
        "project/.corecoder/hooks.json",
        "project/.claude/settings.local.json",
        "project/.mcp.json",
        "project/.agents/skills",
        "project/a/.mcp.json",
        "project/a/.claude/commands",
    ];
    assert_eq!(world.names(&needs_trust(&world.at("project/a"))), expected);
    assert!(needs_trust(&world.at("home")).is_empty());
    assert!(needs_trust(&world.at("outside")).is_empty());
    let closed = world.path("outside/.claude/skills");
    fs::create_dir_all(&closed).unwrap();
    fs::set_permissions(&closed, PermissionsExt::from_mode(0o000)).unwrap();
    // Whoever may read everything sees that it is empty.
    let may_read = fs::read_dir(&closed).is_ok();
    assert_eq!(needs_trust(&world.at("outside")).is_empty(), may_read);
}

#[test]
fn a_file_that_was_written_for_the_user_is_theirs_until_it_changes() {
    let world = tempfile::tempdir().unwrap();
    let (data, file) = (
        world.path().join("data"),
        world.path().join("settings.json"),
    );
    fs::write(&file, "{}").unwrap();
    let mut trust = Trust::load(Some(&data)).0;
    assert!(!trust.owns(&file));
    trust.own(&file).unwrap();
    assert!(trust.owns(&file));
    // What is said of folders meanwhile takes nothing from it.
    Trust::load(Some(&data)).0.set(world.path(), false).unwrap();
    let trust = Trust::load(Some(&data)).0;
    assert!(trust.owns(&file));
    assert_eq!(trust.holds(world.path()), Some(false));
    fs::write(&file, "{\"mode\": \"yolo\"}").unwrap();
    assert!(!trust.owns(&file));
    fs::remove_file(&file).unwrap();
    assert!(!trust.owns(&file));
}
