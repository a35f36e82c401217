//! Changes taken back: what comes back, and what is left alone with which words.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use corecoder_sessions::change::{Change, State};
use corecoder_sessions::restore::net;
use corecoder_sessions::watch::Limits;

use crate::{Place, set_mode};

/// One problem, with `reason` in it, and nothing done.
#[track_caller]
fn check_left_alone(place: &Place, changes: &[Change], reason: &str) {
    let restored = place.restore(changes);
    assert_eq!(restored.done, []);
    let [problem] = &restored.problems[..] else {
        panic!("{:?}", restored.problems);
    };
    assert!(problem.contains(reason), "{problem}");
    assert!(
        problem.contains(&place.folder.display().to_string()),
        "{problem}"
    );
}

#[test]
fn several_changes_of_one_file_are_taken_back_at_once() {
    let mut place = Place::new();
    place.write("file", "1");
    let mut changes = Vec::new();
    for content in ["2", "3", "4"] {
        changes.extend(place.changes(|folder| fs::write(folder.join("file"), content).unwrap()));
    }
    let restored = place.restore(&changes);
    assert_eq!((restored.done.len(), restored.problems.len()), (1, 0));
    assert_eq!(place.read("file"), "1");
    let redone = place.restore(&restored.done);
    assert_eq!(place.read("file"), "4");
    place.restore(&redone.done);
    assert_eq!(place.read("file"), "1");
}

#[test]
fn net_drops_what_ends_as_it_began() {
    let mut place = Place::new();
    place.write("file", "1");
    let mut changes = place.changes(|folder| {
        fs::write(folder.join("file"), "2").unwrap();
        fs::write(folder.join("new"), "2").unwrap();
    });
    changes.extend(place.changes(|folder| {
        fs::write(folder.join("file"), "1").unwrap();
        fs::write(folder.join("new"), "3").unwrap();
    }));
    let net = net(&changes);
    assert_eq!(net.len(), 1);
    assert_eq!(
        (&net[0].before, &net[0].after),
        (&State::Absent, &changes[3].after)
    );
}

#[test]
fn what_someone_else_did_since_stays() {
    type Someone = fn(&Place);
    let cases: [(Someone, &str); 5] = [
        (|place| place.write("file", "mine"), "changed since"),
        (
            |place| fs::remove_file(place.path("file")).unwrap(),
            "deleted since",
        ),
        (
            |place| set_mode(&place.path("file"), 0o640),
            "permissions were changed",
        ),
        (
            |place| {
                fs::rename(place.path("file"), place.path("moved")).unwrap();
                symlink("moved", place.path("file")).unwrap();
            },
            "replaced by a link",
        ),
        (
            |place| {
                fs::rename(place.path("file"), place.path("moved")).unwrap();
                fs::create_dir(place.path("file")).unwrap();
            },
            "deleted since",
        ),
    ];
    for (someone, reason) in cases {
        let mut place = Place::new();
        place.write("file", "1");
        set_mode(&place.path("file"), 0o644);
        let changes = place.changes(|folder| fs::write(folder.join("file"), "2").unwrap());
        someone(&place);
        check_left_alone(&place, &changes, reason);
    }
}

#[test]
fn what_someone_else_did_in_between_is_not_lost() {
    let mut place = Place::new();
    place.write("file", "1");
    let mut changes = place.changes(|folder| fs::write(folder.join("file"), "2").unwrap());
    place.write("file", "by hand");
    changes.extend(place.changes(|folder| fs::write(folder.join("file"), "by hand, 3").unwrap()));
    let restored = place.restore(&changes);
    assert_eq!(place.read("file"), "by hand");
    assert_eq!(restored.done.len(), 1);
    assert!(restored.problems[0].contains("in between"), "{restored:?}");
}

#[test]
fn a_deleted_file_that_was_made_anew_stays() {
    let mut place = Place::new();
    place.write("file", "1");
    let changes = place.changes(|folder| fs::remove_file(folder.join("file")).unwrap());
    place.write("file", "anew");
    check_left_alone(&place, &changes, "created anew");
}

#[test]
fn unknown_missing_and_damaged_contents_are_never_written() {
    let limits = Limits {
        file_bytes: 10,
        ..Limits::default()
    };
    let mut place = Place::with(limits);
    place.write("large", "more than ten bytes");
    let changes = place.changes(|folder| fs::write(folder.join("large"), "small").unwrap());
    check_left_alone(&place, &changes, "more than are kept");
    let changes = place.changes(|folder| fs::write(folder.join("large"), "small too").unwrap());
    let object = |state: &State| match state {
        State::File { hash, .. } => place.objects.folder().join(hash),
        other => panic!("{other:?}"),
    };
    fs::write(object(&changes[0].before), "SMALL").unwrap();
    check_left_alone(&place, &changes, "damaged");
    fs::remove_file(object(&changes[0].before)).unwrap();
    check_left_alone(&place, &changes, "is missing");
    assert_eq!(place.read("large"), "small too");
}

#[test]
fn nothing_is_written_through_a_link_to_a_folder() {
    let mut place = Place::new();
    place.write("folder/file", "1");
    place.write("elsewhere/other", "1");
    let changes = place.changes(|folder| fs::remove_dir_all(folder.join("folder")).unwrap());
    symlink("elsewhere", place.path("folder")).unwrap();
    check_left_alone(&place, &changes, "a link now");
    assert!(!place.path("elsewhere/file").exists());
}

#[test]
fn files_folders_and_links_that_took_each_others_place_come_back() {
    let mut place = Place::new();
    place.write("file", "1");
    place.write("folder/deep/inside", "1");
    place.write("linked/inside", "1");
    symlink("file", place.path("link")).unwrap();
    let changes = place.changes(|folder| {
        fs::remove_file(folder.join("file")).unwrap();
        fs::create_dir_all(folder.join("file/a/b")).unwrap();
        fs::write(folder.join("file/a/b/c"), "2").unwrap();
        fs::remove_dir_all(folder.join("folder")).unwrap();
        fs::write(folder.join("folder"), "2").unwrap();
        fs::remove_dir_all(folder.join("linked")).unwrap();
        symlink("/etc", folder.join("linked")).unwrap();
        fs::remove_file(folder.join("link")).unwrap();
        fs::write(folder.join("link"), "2").unwrap();
    });
    let restored = place.restore(&changes);
    assert!(restored.problems.is_empty(), "{:?}", restored.problems);
    for name in ["file", "folder/deep/inside", "linked/inside", "link"] {
        assert_eq!(place.read(name), "1");
    }
    assert!(place.path("link").is_symlink());
    let redone = place.restore(&restored.done);
    assert!(redone.problems.is_empty(), "{:?}", redone.problems);
    assert_eq!(place.read("file/a/b/c"), "2");
    assert!(place.path("linked").is_symlink());
}

#[test]
fn a_folder_with_files_in_it_is_not_removed_for_a_file() {
    let mut place = Place::new();
    place.write("file", "1");
    let changes = place.changes(|folder| fs::remove_file(folder.join("file")).unwrap());
    place.write("file/precious", "1");
    check_left_alone(&place, &changes, "a folder with files");
    assert_eq!(place.read("file/precious"), "1");
}

#[test]
fn modes_come_back_and_a_changed_mode_alone_keeps_the_inode() {
    let mut place = Place::new();
    place.write("script", "1");
    place.write("secret", "1");
    set_mode(&place.path("script"), 0o755);
    set_mode(&place.path("secret"), 0o400);
    let inode = fs::metadata(place.path("script")).unwrap().ino();
    let changes = place.changes(|folder| {
        set_mode(&folder.join("script"), 0o600);
        fs::remove_file(folder.join("secret")).unwrap();
    });
    assert_eq!(place.restore(&changes).done.len(), 2);
    let mode = |name| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("script"), mode("secret")), (0o755, 0o400));
    assert_eq!(fs::metadata(place.path("script")).unwrap().ino(), inode);
}
