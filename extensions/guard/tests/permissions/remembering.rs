//! Rules written down in settings files.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use corecoder_guard::permissions::{Rule, remember};

use crate::rule;

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| rule(text)).collect()
}

fn content(file: &Path) -> String {
    fs::read_to_string(file).expect("the file can be read")
}

#[test]
fn a_file_gets_rules_and_keeps_the_rest() {
    let one = "{\n  \"permissions\": {\n    \"allow\": [\n      \"bash(make)\"\n    ]\n  }\n}\n";
    let cases = [
        ("", Some(one)),
        (" \n", Some(one)),
        ("{}", Some(one)),
        (
            r#"{"z": 1.5, "permissions": {"deny": ["x"]}, "a": {"c": [], "b": null}}"#,
            Some(
                "{\n  \"z\": 1.5,\n  \"permissions\": {\n    \"deny\": [\n      \"x\"\n    ],\n    \"allow\": [\n      \
                 \"bash(make)\"\n    ]\n  },\n  \"a\": {\n    \"c\": [],\n    \"b\": null\n  }\n}\n",
            ),
        ),
        // What is there already is not written again, in whichever spelling.
        (
            r#"{"permissions":{"allow":["Bash(make)"]}}"#,
            Some(r#"{"permissions":{"allow":["Bash(make)"]}}"#),
        ),
        ("// a comment\n{}", None),
        ("{\"a\": 1, /* b */ \"c\": 2}", None),
        ("{\"a\": 1,}", None),
        ("[]", None),
        ("5", None),
        ("{\"permissions\": []}", None),
        ("{\"permissions\": {\"allow\": \"x\"}}", None),
        ("{\"permissions\": {\"allow\": {}}}", None),
    ];
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("settings.json");
    for (before, expected) in cases {
        fs::write(&file, before).expect("a file");
        let result = remember(&file, &rules(&["bash(make)"]));
        assert_eq!(result.is_ok(), expected.is_some(), "{before}: {result:?}");
        assert_eq!(content(&file), expected.unwrap_or(before), "{before}");
        assert!(result.err().is_none_or(|why| why.contains("settings.json")));
    }
    fs::write(&file, b"{\"a\": \"\xff\"}").expect("a file");
    assert!(remember(&file, &rules(&["bash(make)"])).is_err());
}

#[test]
fn a_missing_file_is_made_with_its_folder() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("a/.corecoder/settings.json");
    remember(&file, &rules(&["bash(a*)", "bash(b \\*)", "bash(a*)"])).expect("it is written");
    remember(&file, &rules(&["edit_file(src/**)", "bash(a*)"])).expect("it is written");
    let settings: serde_json::Value = serde_json::from_str(&content(&file)).expect("JSON");
    let expected = serde_json::json!(["bash(a*)", "bash(b \\*)", "edit_file(src/**)"]);
    assert_eq!(settings["permissions"]["allow"], expected);
    let names: Vec<_> = fs::read_dir(file.parent().expect("a folder"))
        .expect("a folder")
        .collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");
}

#[test]
fn nothing_to_add_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("settings.json");
    remember(&file, &[]).expect("nothing to do");
    assert!(!file.exists());
}

#[test]
fn a_link_stays_a_link_and_bits_stay() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (target, link) = (
        folder.path().join("dot/s.json"),
        folder.path().join("settings.json"),
    );
    fs::create_dir(folder.path().join("dot")).expect("a folder");
    fs::write(&target, "{\"a\": 1}").expect("a file");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).expect("bits");
    symlink("dot/s.json", &link).expect("a link");
    remember(&link, &rules(&["bash(make)"])).expect("it is written");
    assert!(link.symlink_metadata().expect("a link").is_symlink());
    assert!(content(&target).contains("bash(make)"));
    assert_eq!(target.metadata().expect("a file").mode() & 0o777, 0o640);
    let ahead = folder.path().join("ahead.json");
    symlink("dot/later.json", &ahead).expect("a link");
    remember(&ahead, &rules(&["bash(make)"])).expect("it is written");
    assert!(content(&folder.path().join("dot/later.json")).contains("bash(make)"));
}

#[test]
fn what_is_no_settings_file_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("folder")).expect("a folder");
    symlink("loop", path("loop")).expect("a link");
    fs::write(path("file"), "x").expect("a file");
    let big = fs::File::create(path("big")).expect("a file");
    big.set_len(100_000_000).expect("a hole");
    let made = std::process::Command::new("mkfifo")
        .arg(path("fifo"))
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    for name in [
        "folder",
        "loop",
        "file/settings.json",
        "big",
        "fifo",
        "/dev/null",
        "/proc/none/x",
    ] {
        let why = remember(&path(name), &rules(&["bash(make)"])).expect_err(name);
        assert!(why.contains(name), "{why}");
    }
}

#[test]
fn a_folder_that_can_t_be_written_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("settings.json");
    fs::write(&file, "{}").expect("a file");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o500)).expect("bits");
    let result = remember(&file, &rules(&["bash(make)"]));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).expect("bits");
    // The superuser may write everywhere.
    match result {
        Ok(()) => assert!(content(&file).contains("bash(make)")),
        Err(why) => {
            assert!(why.contains("can't be written"), "{why}");
            assert_eq!(content(&file), "{}");
        }
    }
}
