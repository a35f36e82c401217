//! Files that can't be read: each is named with what is wrong, skipped alone, and the run goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::place::Place;
use crate::provider::{Provider, says};

/// Makes something of a path.
type Make = fn(&Path);

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn endless(path: &Path) {
    fs::File::create(path).unwrap().set_len(100 << 20).unwrap();
}

fn nowhere(path: &Path) {
    symlink("/nowhere/at/all", path).unwrap();
}

fn folder(path: &Path) {
    fs::create_dir(path).unwrap();
}

#[test]
fn settings_that_are_no_file_are_named_and_skipped() {
    let rows: [(&str, Make, &str); 4] = [
        ("a folder", folder, "is a folder"),
        ("a FIFO", fifo, "is no regular file"),
        ("100 MB", endless, "is larger than 1 MB"),
        (
            "a symlink to nowhere",
            nowhere,
            "is a symlink that leads nowhere",
        ),
    ];
    for (what, make, expected) in rows {
        for file in [".corecoder/settings.json", ".corecoder/hooks.json"] {
            let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
            place.brings(
                ".corecoder/settings.local.json",
                r#"{"model": "other-file"}"#,
            );
            make(&place.project(file));
            fs::create_dir(place.home(".corecoder")).unwrap();
            make(&place.home(file));
            let (stdout, stderr) = place.done(&provider, &["-p", "hi", "--trust"]);
            assert_eq!(stdout, "ok\n", "{what}");
            let said = stderr
                .lines()
                .filter(|line| line.contains(expected) && line.contains(file));
            assert_eq!(said.count(), 2, "{what}: {stderr}");
            assert_eq!(provider.requests()[0]["model"], "other-file");
        }
    }
}

#[test]
fn a_symlink_to_settings_is_followed() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    place.own("dotfiles/corecoder.json", r#"{"model": "linked"}"#);
    fs::create_dir(place.home(".corecoder")).unwrap();
    symlink(
        "../dotfiles/corecoder.json",
        place.home(".corecoder/settings.json"),
    )
    .unwrap();
    place.done(&provider, &["-p", "hi"]);
    assert_eq!(provider.requests()[0]["model"], "linked");
}

#[test]
fn broken_json_is_said_with_file_line_and_reason_and_the_rest_counts() {
    let broken = "{\n  \"model\": \"broken\",\n  oops\n}";
    let rows = [
        (".corecoder/settings.json", broken, "line 3"),
        (".corecoder/settings.local.json", broken, "line 3"),
        (".corecoder/hooks.json", broken, "line 3"),
        (".claude/settings.json", broken, "line 3"),
        (".claude/settings.local.json", "{\n", "line 2"),
        (".corecoder/settings.json", "[]", "must hold an object"),
        (".corecoder/settings.json", "{} {}", "line 1"),
        (
            ".claude/skills/a/SKILL.md",
            "---\nname: a\ndescription: 'open\n---\nText",
            "SKILL.md:",
        ),
        (
            ".claude/skills/a/SKILL.md",
            "---\nname: a\n",
            "SKILL.md:1: the front matter",
        ),
        (".claude/commands/a.md", "---\nx: [1\n---\nText", "a.md:"),
    ];
    for (file, text, expected) in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        place
            .own(".corecoder/settings.json", r#"{"model": "of-user"}"#)
            .brings(
                ".agents/skills/whole/SKILL.md",
                "---\ndescription: It is whole.\n---\nText",
            )
            .brings(file, text);
        let (stdout, stderr) = place.done(&provider, &["-p", "hi", "--trust"]);
        assert_eq!(stdout, "ok\n");
        let said = stderr.lines().find(|line| line.contains(file));
        assert!(
            said.is_some_and(|line| line.contains(expected)),
            "{file} {text:?}: {stderr}"
        );
        assert_eq!(provider.requests()[0]["model"], "of-user");
        assert!(provider.system().contains("It is whole."), "{file}");
    }
}

#[test]
fn a_trust_file_that_can_not_be_read_trusts_nobody_and_is_named() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    place
        .own(".corecoder/trust.json", "{\"folders\": {\n")
        .brings(".corecoder/settings.json", r#"{"model": "of-project"}"#);
    let (_, stderr) = place.done(&provider, &["-p", "hi"]);
    assert!(
        stderr.contains("trust.json") && stderr.contains("line 2"),
        "{stderr}"
    );
    assert!(stderr.contains("is not trusted"), "{stderr}");
    assert_eq!(provider.requests()[0]["model"], "gpt-5.5");
}

#[test]
fn an_empty_file_and_a_byte_order_mark_are_no_problem() {
    for text in ["", "\n", "\u{feff}{\"model\": \"m\"}"] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        place.own(".corecoder/settings.json", text);
        let (_, stderr) = place.done(&provider, &["-p", "hi"]);
        assert!(!stderr.contains("settings"), "{stderr}");
        assert_eq!(
            provider.requests()[0]["model"],
            json!(if text.contains("model") {
                "m"
            } else {
                "gpt-5.5"
            })
        );
    }
}
