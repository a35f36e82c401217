//! What a tool changed, told by comparing pictures of its folder.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};

use corecoder_sessions::change::place;
use corecoder_sessions::change::{Change, State};
use corecoder_sessions::watch::{Limits, Watch};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::{Place, set_mode, words};

#[test]
fn created_changed_deleted_and_mode_are_told() {
    let mut place = Place::new();
    for name in ["same", "changed", "deleted", "mode", "dir/.hidden"] {
        place.write(name, name);
    }
    let changes = place.changes(|folder| {
        fs::write(folder.join("changed"), "CHANGED").unwrap();
        fs::remove_file(folder.join("deleted")).unwrap();
        fs::write(folder.join("dir/created"), "").unwrap();
        fs::write(folder.join("dir/.hidden"), "more").unwrap();
        set_mode(&folder.join("mode"), 0o755);
        symlink("nowhere", folder.join("link")).unwrap();
    });
    let expected = [
        "changed: file > file",
        "deleted: file > absent",
        "dir/.hidden: file > file",
        "dir/created: absent > file",
        "link: absent > link",
        "mode: file > file",
    ];
    assert_eq!(words(&place, &changes), expected);
    assert!(place.watch.complete());
    assert!(place.watch.after().is_empty());
}

#[test]
fn a_change_that_keeps_size_and_time_is_seen() {
    let mut place = Place::new();
    for round in 0..20 {
        place.write("file", format!("{round:04}"));
        let changes = place.changes(|folder| {
            let path = folder.join("file");
            let time = fs::metadata(&path).unwrap().modified().unwrap();
            fs::write(&path, format!("{:04}", round + 1000)).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        });
        assert_eq!(words(&place, &changes), ["file: file > file"]);
    }
}

#[test]
fn a_touched_file_is_no_change() {
    let mut place = Place::new();
    place.write("file", "text");
    let changes = place.changes(|folder| {
        fs::write(folder.join("file"), "other").unwrap();
        fs::write(folder.join("file"), "text").unwrap();
        fs::hard_link(folder.join("file"), folder.join("twin")).unwrap();
        fs::remove_file(folder.join("twin")).unwrap();
    });
    assert_eq!(words(&place, &changes), [""; 0]);
}

#[test]
fn ignored_files_and_git_are_not_watched() {
    let mut place = Place::new();
    place.write(".gitignore", "/target\n*.log\n");
    place.write("target/out", "1");
    place.write(".git/index", "1");
    let changes = place.changes(|folder| {
        fs::write(folder.join("target/out"), "2").unwrap();
        fs::write(folder.join(".git/index"), "2").unwrap();
        fs::write(folder.join("x.log"), "2").unwrap();
    });
    assert_eq!(words(&place, &changes), [""; 0]);
    assert!(place.watch.complete());
}

#[test]
fn a_file_that_comes_out_of_hiding_was_not_created() {
    let mut place = Place::new();
    place.write(".gitignore", "/data\n*.env\n");
    place.write("data/deep/valuable", "1");
    place.write("local.env", "1");
    let changes = place.changes(|folder| {
        fs::remove_file(folder.join(".gitignore")).unwrap();
        fs::write(folder.join("data/deep/valuable"), "2").unwrap();
        fs::write(folder.join("new.env"), "1").unwrap();
    });
    let expected = [".gitignore: file > absent", "new.env: absent > file"];
    assert_eq!(words(&place, &changes), expected);
}

#[test]
fn a_file_that_goes_into_hiding_was_not_deleted() {
    let mut place = Place::new();
    place.write("data/kept", "1");
    place.write("data/changed", "1");
    place.write("data/deleted", "1");
    let changes = place.changes(|folder| {
        fs::write(folder.join(".gitignore"), "/data\n").unwrap();
        fs::write(folder.join("data/changed"), "2").unwrap();
        fs::remove_file(folder.join("data/deleted")).unwrap();
    });
    let expected = [
        ".gitignore: absent > file",
        "data/changed: file > file",
        "data/deleted: file > absent",
    ];
    assert_eq!(words(&place, &changes), expected);
}

#[test]
fn beyond_the_limits_nothing_is_invented() {
    let mut place = Place::with(Limits {
        files: 10,
        ..Limits::default()
    });
    for at in 0..20 {
        place.write(&format!("m{at:02}"), "text");
    }
    let changes = place.changes(|folder| {
        for at in 0..8 {
            fs::write(folder.join(format!("a{at}")), "new").unwrap();
        }
        fs::write(folder.join("m05"), "changed").unwrap();
        fs::write(folder.join("m15"), "changed").unwrap();
    });
    let mut expected: Vec<String> = (0..8).map(|at| format!("a{at}: absent > file")).collect();
    expected.push("m05: file > file".to_string());
    assert_eq!(words(&place, &changes), expected);
    assert!(!place.watch.complete());
    let changes = place.changes(|folder| {
        (0..8).for_each(|at| fs::remove_file(folder.join(format!("a{at}"))).unwrap());
    });
    assert_eq!(changes.len(), 8, "what comes into reach was not created");
}

#[test]
fn what_is_too_large_is_unknown_and_still_told() {
    let limits = Limits {
        file_bytes: 100,
        total_bytes: 150,
        ..Limits::default()
    };
    let mut place = Place::with(limits);
    place.write("huge", "x".repeat(101));
    place.write("one", "x".repeat(100));
    place.write("two", "y".repeat(100));
    let changes = place.changes(|folder| fs::write(folder.join("a"), "z".repeat(60)).unwrap());
    assert_eq!(words(&place, &changes), ["a: absent > unknown"]);
    assert!(!place.watch.complete());
    let changes = place.changes(|folder| {
        fs::write(folder.join("huge"), "x".repeat(102)).unwrap();
        fs::write(folder.join("one"), "x".repeat(1000)).unwrap();
        fs::remove_file(folder.join("two")).unwrap();
    });
    let expected = [
        "huge: unknown > unknown",
        "one: file > unknown",
        "two: unknown > absent",
    ];
    assert_eq!(words(&place, &changes), expected);
}

#[test]
fn a_file_of_a_terabyte_is_not_read() {
    let mut place = Place::new();
    place.write("sparse", "");
    let file = fs::File::options().write(true).open(place.path("sparse"));
    file.unwrap().set_len(1 << 40).unwrap();
    let start = Instant::now();
    assert!(place.changes(|_| {}).is_empty());
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn pipes_loops_and_unreadable_folders_stop_nothing() {
    let mut place = Place::new();
    place.write("locked/inside", "1");
    place.write("file", "1");
    let pipe = place.path("pipe");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
    symlink(".", place.path("loop")).unwrap();
    symlink("../..", place.path("locked/up")).unwrap();
    symlink("self", place.path("self")).unwrap();
    let changes = place.changes(|folder| {
        fs::write(folder.join("file"), "2").unwrap();
        set_mode(&folder.join("locked"), 0);
    });
    set_mode(&place.path("locked"), 0o755);
    let told = words(&place, &changes);
    assert!(told.contains(&"file: file > file".to_string()), "{told:?}");
    // Root reads what it likes; anyone else is told that the folder can't be looked at, not that files are gone.
    assert!(told.iter().all(|word| !word.contains("absent")), "{told:?}");
    assert!(matches!(place.watch.one(&pipe), State::Unknown { .. }));
}

#[test]
fn a_file_replaced_by_a_pipe_or_a_folder_is_told() {
    let mut place = Place::new();
    place.write("pipe", "1");
    place.write("folder", "1");
    place.write("file/inside", "1");
    let changes = place.changes(|folder| {
        fs::remove_file(folder.join("pipe")).unwrap();
        fs::remove_file(folder.join("folder")).unwrap();
        mknodat(CWD, folder.join("pipe"), FileType::Fifo, Mode::RWXU, 0).unwrap();
        fs::create_dir(folder.join("folder")).unwrap();
        fs::write(folder.join("folder/new"), "").unwrap();
        fs::remove_dir_all(folder.join("file")).unwrap();
        symlink("folder", folder.join("file")).unwrap();
    });
    let expected = [
        "file: absent > link",
        "file/inside: file > absent",
        "folder: file > absent",
        "folder/new: absent > file",
        "pipe: file > unknown",
    ];
    assert_eq!(words(&place, &changes), expected);
}

#[test]
fn folders_of_the_system_stop_nothing() {
    for folder in ["/proc", "/sys", "/dev", "/does/not/exist"] {
        let place = Place::new();
        let limits = Limits {
            files: 2_000,
            ..Limits::default()
        };
        let mut watch = Watch::new(folder.into(), place.objects.clone(), limits);
        watch.before();
        watch.after();
    }
    let place = Place::new();
    for path in [
        "/proc/kmsg",
        "/proc/self/mem",
        "/dev/zero",
        "/dev/tty",
        "/proc/version",
    ] {
        let state = place.watch.one(Path::new(path));
        assert!(!matches!(state, State::File { .. }), "{path}: {state:?}");
    }
}

#[test]
fn the_objects_are_not_watched() {
    let mut place = Place::new();
    place.watch = Watch::new(
        place.temp.path().to_path_buf(),
        place.objects.clone(),
        Limits::default(),
    );
    place.write("file", "1");
    assert_eq!(place.changes(|_| {}), []);
    let changes = place.changes(|folder| fs::write(folder.join("file"), "2").unwrap());
    assert_eq!(changes.len(), 1);
}

#[test]
fn a_folder_that_comes_later_was_empty() {
    let mut place = Place::new();
    let folder = place.path("later");
    place.watch = Watch::new(folder.clone(), place.objects.clone(), Limits::default());
    assert!(place.watch.after().is_empty(), "nothing to compare with");
    let changes = place.changes(|_| {
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("file"), "").unwrap();
    });
    assert_eq!(words(&place, &changes), ["later/file: absent > file"]);
}

#[test]
fn one_file_is_found_by_its_place() {
    let watched = Place::new();
    watched.write("real/file", "1");
    symlink("real", watched.path("alias")).unwrap();
    symlink("real/file", watched.path("link")).unwrap();
    symlink("gone", watched.path("dangling")).unwrap();
    let rows = [
        ("real/file", "real/file"),
        ("alias/file", "real/file"),
        ("alias/new/file", "real/new/file"),
        ("link", "real/file"),
        ("dangling", "dangling"),
    ];
    for (path, expected) in rows {
        assert_eq!(place(&watched.path(path)), watched.path(expected), "{path}");
    }
    let file = watched.watch.one(&watched.path("real/file"));
    assert!(
        matches!(&file, State::File { hash, .. } if watched.objects.get(hash).unwrap() == b"1")
    );
    let alias = watched.watch.one(&watched.path("alias/file"));
    assert_eq!(alias, State::Absent);
}

#[test]
fn every_path_survives_json() {
    let state = |target: &[u8]| State::Link {
        target: OsStr::from_bytes(target).into(),
    };
    for path in [&b"/plain"[..], b"/\xff\xfe", "/ü\n\"".as_bytes(), b"[1,2]"] {
        let change = Change {
            path: OsStr::from_bytes(path).into(),
            before: State::Absent,
            after: state(path),
        };
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&json).unwrap(), change);
    }
}

/// Prints what a picture of 5,000 files costs: `cargo test --release -p corecoder-sessions 5000 -- --nocapture`.
#[test]
fn a_second_picture_of_5000_files_reads_none_of_them() {
    let mut place = Place::new();
    for at in 0..4_990 {
        place.write(
            &format!("src/{}/{}/file-{at}.rs", at % 10, at % 250),
            format!("{at}\n").repeat(100),
        );
    }
    // Files this young would be read again, since their times could still be the same after a change.
    while fs::metadata(place.path("src/9/239/file-4989.rs"))
        .unwrap()
        .modified()
        .unwrap()
        .elapsed()
        .unwrap()
        < Duration::from_millis(60)
    {
        std::thread::yield_now();
    }
    let mut times = Vec::new();
    for _ in 0..5 {
        let start = Instant::now();
        place.watch.before();
        times.push(start.elapsed());
    }
    println!("pictures of 5,000 files: {times:?}");
    assert!(place.watch.complete());
    assert!(place.watch.after().is_empty());
}
