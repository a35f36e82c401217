//! One write after the other, with nobody in between.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

use serde_json::json;

use crate::{World, contents};

#[test]
fn a_refused_write_is_told_before_anyone_is_asked() {
    let mut world = World::new();
    world.put("outside/file", "old\n");
    let before = contents(&world.path("outside"));
    let edit = json!({"file_path": "../outside/file", "old_string": "old", "new_string": "new"});
    let answers = [
        world.write("../outside/file", "new\n"),
        world.write("../outside/deep/new", "new\n"),
        world.call("edit_file", edit),
    ];
    for answer in answers {
        assert!(answer.ends_with("is beyond the fence"), "{answer}");
    }
    assert_eq!(contents(&world.path("outside")), before);
    assert_eq!(*world.asked.0.lock(), 0);
    let answer = world.write("deep/new", "new\n");
    assert!(
        answer.starts_with("Wrote deep/new") || answer.starts_with("Wrote /"),
        "{answer}"
    );
    assert_eq!(*world.asked.0.lock(), 1);
}

#[test]
fn an_edit_of_what_may_not_be_written_shows_nothing_of_it() {
    let mut world = World::new();
    world.put("outside/file", "a secret\n");
    symlink("../outside/file", world.path("inside/link")).unwrap();
    let edit = json!({"file_path": "link", "old_string": "a secre", "new_string": "x"});
    let answer = world.call("edit_file", edit);
    assert!(
        answer.contains("fence") && !answer.contains("secret"),
        "{answer}"
    );
}

#[test]
fn links_are_judged_by_where_they_lead() {
    let refused = [
        "file",
        "out/file",
        "out/new",
        "out/deep/new",
        "sub/../out/new",
        "missing/../out/new",
        "sub/back/out/new",
        "out/../new",
        "twice/new",
        "../new",
        "sub/../../outside/file",
    ];
    let mut world = World::new();
    world.put("outside/file", "old\n");
    fs::create_dir(world.path("inside/sub")).unwrap();
    let links = [
        ("../outside/file", "file"),
        ("../outside", "out"),
        ("..", "sub/back"),
        ("sub/back/out", "twice"),
    ];
    for (to, name) in links {
        symlink(to, world.path("inside").join(name)).unwrap();
    }
    let before = contents(world.root.path());
    for file in refused {
        let answer = world.write(file, "new\n");
        assert!(answer.ends_with("is beyond the fence"), "{file}: {answer}");
        let absolute = world.path("inside").join(file);
        let answer = world.write(absolute.to_str().unwrap(), "new\n");
        assert!(answer.ends_with("is beyond the fence"), "{file}: {answer}");
    }
    assert_eq!(contents(world.root.path()), before);
    for asked in world.fence.asked.lock().iter() {
        let real = asked.ancestors().find(|path| path.exists()).unwrap();
        assert_eq!(real.canonicalize().unwrap(), real, "free of links");
    }
}

#[test]
fn a_link_from_outside_may_lead_inside() {
    let mut world = World::new();
    world.put("inside/sub/real", "old\n");
    symlink("../inside/sub", world.path("outside/in")).unwrap();
    symlink("real", world.path("inside/sub/link")).unwrap();
    let answer = world.write("../outside/in/link", "new\n");
    assert!(answer.contains("-old\n+new"), "{answer}");
    assert!(world.path("inside/sub/link").is_symlink());
    let real = fs::read_to_string(world.path("inside/sub/real")).unwrap();
    assert_eq!(real, "new\n");
}

#[test]
fn a_link_that_leads_nowhere_is_replaced_and_no_way_leads_through_it() {
    let mut world = World::new();
    for (to, name) in [("../outside/none", "lost"), ("b", "a"), ("a", "b")] {
        symlink(to, world.path("inside").join(name)).unwrap();
    }
    symlink("../outside/none", world.path("inside/way")).unwrap();
    for file in ["way/new", "way/deep/new", "way/../new"] {
        let answer = world.write(file, "new\n");
        assert!(answer.contains("can't be written: "), "{file}: {answer}");
    }
    for file in ["lost", "a"] {
        assert!(world.write(file, "new\n").starts_with("Wrote "), "{file}");
        let path = world.path("inside").join(file);
        assert!(path.is_file() && !path.is_symlink());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o111, 0);
    }
    assert_eq!(contents(&world.path("outside")), []);
}

#[test]
fn a_write_makes_the_folders_on_its_way_and_no_others() {
    let mut world = World::new();
    world.put("inside/file", "old\n");
    let rows = [
        ("new/deep/one", "new/deep/one"),
        ("missing/../two", "two"),
        ("new/./three", "new/three"),
    ];
    for (file, place) in rows {
        let answer = world.write(file, "x\n");
        assert!(answer.starts_with("Wrote "), "{file}: {answer}");
        assert!(world.path("inside").join(place).is_file(), "{file}");
    }
    for file in [
        "file/x",
        "file/../x",
        "folder/",
        "folder/.",
        "file/",
        "/",
        "..",
    ] {
        let answer = world.write(file, "x\n");
        assert!(answer.starts_with("Error: "), "{file}: {answer}");
    }
    let names = contents(&world.path("inside"));
    let names: Vec<_> = names
        .iter()
        .filter_map(|(path, _)| path.file_name())
        .collect();
    assert_eq!(names, ["file", "new", "deep", "one", "three", "two"]);
}

/// The folder in which a child of these tests is to write a long file.
const FOLDER: &str = "CORECODER_TEST_FOLDER";

/// What the child runs; nothing in the process that runs all tests.
#[test]
fn as_a_child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let mut world = World::new();
    world.fence.inside = folder.into();
    world.agent = world
        .agent
        .folder(&world.fence.inside)
        .shell(world.fence.clone());
    let answer = world.write("file", &"new\n".repeat(10_000));
    assert!(answer.contains("Nothing was changed"), "{answer}");
}

#[test]
fn a_full_disk_leaves_the_old_file_and_no_other() {
    let world = World::new();
    world.put("inside/file", "old\n");
    let inside = world.path("inside");
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(inside.join("file"), mode).unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "writes::as_a_child"])
        .env(FOLDER, &inside)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert_eq!(
        contents(&inside),
        [(inside.join("file"), "old\n".to_string())]
    );
}
