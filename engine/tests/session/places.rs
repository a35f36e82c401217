//! Where a journal lies: names that stay in their folder, links that are not followed, and who may read.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use corecoder::session::{Header, Journal, Loaded, file_name};
use proptest::prelude::*;

use crate::{PROGRAM, Place, header, is_plain, user};

/// Names that someone will try.
fn names() -> Vec<String> {
    let fixed = [
        "",
        ".",
        "..",
        "...",
        " ",
        "-",
        "a",
        "A.b_c-1",
        "../../etc/passwd",
        "/etc/shadow",
        "..\\..\\x",
        "a/b",
        "a\\b",
        "a-b",
        "CON",
        "con",
        "con.txt",
        "nul.tar.gz",
        "COM1",
        "lpt9.x",
        "auxiliary",
        "a.",
        "a ",
        "a",
        " a",
        ".a",
        "🦀",
        "🦀🦀",
        "ä",
        "a\0b",
        "a\nb",
        "~",
        "$HOME",
        "-rf",
        "a.jsonl",
        "index.json",
        "session-cbf29ce484222325",
    ];
    let long = ["x", "é", "x/"].map(|text| text.repeat(250));
    let mut names: Vec<String> = fixed.map(str::to_string).into_iter().chain(long).collect();
    // Whatever a name was made to must not be another name's.
    let made: Vec<String> = names
        .iter()
        .map(|name| file_name(name).replace(".jsonl", ""))
        .collect();
    names.extend(made);
    names.sort();
    names.dedup();
    names
}

fn check_name(name: &str) -> String {
    let file = file_name(name);
    let parts: Vec<Component<'_>> = Path::new(&file).components().collect();
    assert!(
        matches!(parts[..], [Component::Normal(_)]),
        "{name:?}: {file:?} is no plain file name"
    );
    assert!(
        file.len() <= 128 && file.ends_with(".jsonl"),
        "{name:?}: {file:?}"
    );
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    assert!(
        file.chars().all(plain) && !file.starts_with(['.', '-']),
        "{name:?}: {file:?}"
    );
    let device = file.split('.').next().unwrap().to_lowercase();
    let devices = ["con", "prn", "aux", "nul", "com1", "lpt9"];
    assert!(
        !devices.contains(&device.as_str()),
        "{name:?}: {file:?} is a device"
    );
    file
}

#[test]
fn every_name_has_a_plain_file_of_its_own() {
    let mut owners = HashMap::new();
    for name in names() {
        if let Some(other) = owners.insert(check_name(&name), name.clone()) {
            panic!("{name:?} and {other:?} have the same file");
        }
    }
    assert_eq!(
        file_name("20261123-101500-abcd"),
        "20261123-101500-abcd.jsonl"
    );
}

proptest! {
    #[test]
    fn different_names_have_different_files(one in "[a-c./\\\\ -]{0,6}|\\PC{0,100}", other in "[a-c./\\\\ -]{0,6}|\\PC{0,100}") {
        let same = check_name(&one) == check_name(&other);
        prop_assert_eq!(same, one == other);
    }
}

#[test]
fn a_link_at_the_place_is_not_followed() {
    let place = Place::holding(b"");
    let secret = place.folder.path().join("secret");
    for content in [Place::journal(&[user("hi")]), b"secret".to_vec()] {
        fs::write(&secret, &content).unwrap();
        fs::remove_file(&place.path).unwrap();
        symlink(&secret, &place.path).unwrap();
        assert!(Journal::open(&place.path, PROGRAM).is_err());
        assert!(Journal::create(&place.path, header("a")).is_err());
        assert_eq!(fs::read(&secret).unwrap(), content);
    }
    fs::remove_file(&place.path).unwrap();
    symlink(place.folder.path().join("nothing"), &place.path).unwrap();
    assert!(Journal::create(&place.path, header("a")).is_err());
    assert!(!place.folder.path().join("nothing").exists());
}

#[test]
fn a_link_in_place_of_the_torn_file_is_not_followed() {
    let place = Place::holding(&[Place::journal(&[]), b"{\"time\":1".to_vec()].concat());
    let secret = place.folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    symlink(&secret, place.path.with_extension("torn")).unwrap();
    let loaded = place.loads();
    assert!(
        loaded.problems[0].contains("can't be written"),
        "{:?}",
        loaded.problems
    );
    assert_eq!(fs::read(&secret).unwrap(), b"secret");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// In a process of its own, since a mask is the whole process's.
#[test]
fn only_the_user_may_read_whatever_the_mask() {
    for mask in ["000", "022", "077"] {
        let place = Place::new();
        let script = format!("umask {mask}; exec \"$0\" --exact places::begins_torn --nocapture");
        let status = Command::new("sh")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .env("CORECODER_TEST_PLACE", &place.path)
            .output()
            .unwrap()
            .status;
        assert!(status.success());
        let folder = place.path.parent().unwrap();
        let torn = place.path.with_extension("torn");
        assert_eq!(
            [folder, &place.path, &torn].map(mode),
            [0o700, 0o600, 0o600],
            "umask {mask}"
        );
    }
}

/// What the processes of the test above run: a journal that was torn once.
#[test]
fn begins_torn() {
    let Some(path) = std::env::var_os("CORECODER_TEST_PLACE").map(PathBuf::from) else {
        return;
    };
    drop(Journal::create(&path, header("a")).unwrap());
    let journal = fs::read(&path).unwrap();
    fs::write(&path, [&journal, &b"{\"time\":"[..]].concat()).unwrap();
    Journal::open(&path, PROGRAM).unwrap();
}

#[test]
fn a_folder_that_is_there_stays_as_it_is() {
    let place = Place::new();
    let folder = place.path.parent().unwrap();
    fs::create_dir(folder).unwrap();
    fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    drop(Journal::create(&place.path, header("a")).unwrap());
    assert_eq!((mode(folder), is_plain(&place.path)), (0o755, true));
}

#[test]
fn a_directory_whose_name_is_not_utf_8_has_sessions_too() {
    let place = Place::new();
    let folder = PathBuf::from(OsString::from_vec(b"/project/\xff".to_vec()));
    let header = Header {
        folder,
        ..header("a")
    };
    drop(Journal::create(&place.path, header).unwrap());
    let loaded = Loaded::read(&place.read());
    assert_eq!(loaded.header.folder, Path::new("/project/\u{fffd}"));
}
