//! Files against rules.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::json;

use crate::{Project, call};

/// A project on disk: `src/a.rs`, `.env`, links into and out of it, and a folder beside it.
fn project() -> tempfile::TempDir {
    let top = tempfile::tempdir().expect("a temporary folder");
    let root = top.path().join("project");
    for folder in ["src/deep", "keys", ".git/hooks", "app/[id]", "sub"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    fs::create_dir_all(top.path().join("beside")).expect("a folder");
    for file in ["src/a.rs", ".env", "keys/k", "sub/.env"] {
        fs::write(root.join(file), "x").expect("a file");
    }
    symlink("../../beside", root.join("src/out")).expect("a link");
    symlink("../.env", root.join("src/env")).expect("a link");
    symlink("../../beside/new", root.join("src/new")).expect("a link");
    symlink("loop", root.join("src/loop")).expect("a link");
    symlink("project", top.path().join("link")).expect("a link");
    symlink("../project/src", top.path().join("beside/in")).expect("a link");
    top
}

#[test]
fn path_rules_mean_what_they_say() {
    let cases: &[(&[&str], &str, &str, &str)] = &[
        // Denying: either spelling is enough.
        (&["deny Read(.env)"], "read_file", ".env", "deny"),
        (&["deny Read(.env)"], "read_file", "./src/../.env", "deny"),
        (&["deny Read(.env)"], "read_file", "./none/../.env", "deny"),
        (&["deny Read(.env)"], "read_file", "ROOT/.env", "deny"),
        (
            &["deny Read(.env)"],
            "read_file",
            "ROOT//src/.././.env",
            "deny",
        ),
        (&["deny Read(.env)"], "read_file", "TOP/link/.env", "deny"),
        (&["deny Read(.env)"], "read_file", "src/env", "deny"),
        (&["deny Read(.env)"], "read_file", "src/out/in/env", "deny"),
        (&["deny Read(.env)"], "read_file", "sub/.env", "deny"),
        (&["deny Read(.env)"], "read_file", "\\x2eenv", "deny"),
        (&["deny Read(.env)"], "grep", ".env", "deny"),
        (&["deny Read(.env)"], "read_file", "src/a.rs", "allow"),
        (&["deny Read(.env)"], "read_file", "TOP/.env", "allow"),
        (&["deny Read(./.env)"], "read_file", "sub/.env", "allow"),
        (&["deny Read(./.env)"], "read_file", ".env", "deny"),
        (&["deny Read(/.env)"], "read_file", ".env", "deny"),
        (&["deny Read(/.env)"], "read_file", "sub/.env", "allow"),
        (
            &["deny Read(//TOP/project/.env)"],
            "read_file",
            ".env",
            "deny",
        ),
        (&["deny Read(ROOT/.env)"], "read_file", ".env", "deny"),
        (
            &["deny Read(../beside/**)"],
            "read_file",
            "src/out/x",
            "deny",
        ),
        (
            &["deny Read(../beside/**)"],
            "read_file",
            "../beside/x",
            "deny",
        ),
        (
            &["deny Read(~/.ssh/**)"],
            "read_file",
            "/home/user/.ssh/id",
            "deny",
        ),
        (
            &["deny Read(~/.ssh/**)"],
            "read_file",
            "/home/other/.ssh/id",
            "allow",
        ),
        (&["deny Read(keys/**)"], "grep", "keys", "deny"),
        (&["deny Read(keys/**)"], "glob", "ROOT/keys", "deny"),
        (&["deny Read(keys/)"], "read_file", "keys/k", "deny"),
        (&["deny Read(keys)"], "read_file", "keys/k", "deny"),
        (&["deny Read(keys/**)"], "grep", "src", "allow"),
        (&["deny Read(keys/**)"], "locate", "keys", "deny"),
        (&["deny Read(keys/**)"], "locate", "src", "allow"),
        (&["deny Read"], "locate", "src", "deny"),
        (&["deny Read"], "glob", "src", "deny"),
        (&["deny Grep"], "grep", "src", "deny"),
        (&["deny Grep(keys/**)"], "grep", "keys", "deny"),
        (&["deny Grep(keys/**)"], "read_file", "keys/k", "allow"),
        (&["deny Read(*.pem)"], "read_file", "src/deep/x.pem", "deny"),
        (&["deny Read(#x)"], "read_file", "#x", "deny"),
        (&["deny Edit(src/**)"], "write_file", "src/a.rs", "deny"),
        (
            &["deny Edit(src/**)"],
            "edit_file",
            "TOP/beside/in/a.rs",
            "deny",
        ),
        (&["deny Edit(src/**)"], "read_file", "src/a.rs", "allow"),
        (&["deny Write(src/**)"], "edit_file", "src/a.rs", "ask"),
        (&["deny Write(src/**)"], "write_file", "src/a.rs", "deny"),
        (&["ask Read(.env)"], "read_file", "src/env", "ask"),
        // Allowing: both must be inside.
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "src/a.rs",
            "allow",
        ),
        (
            &["allow edit_file(src/**)"],
            "write_file",
            "src/deep/new/b.rs",
            "allow",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "ROOT/src/a.rs",
            "allow",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "TOP/link/src/a.rs",
            "ask",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "src/../.env",
            "ask",
        ),
        (&["allow edit_file(src/**)"], "edit_file", "src/env", "ask"),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "src/out/x",
            "ask",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "src/out/../a.rs",
            "ask",
        ),
        (&["allow edit_file(src/**)"], "write_file", "src/new", "ask"),
        (
            &["allow edit_file(src/**)"],
            "write_file",
            "src/loop",
            "ask",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "TOP/beside/in/a.rs",
            "ask",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "src/\\x2e\\x2e/.env",
            "ask",
        ),
        (
            &["allow edit_file(src/**)"],
            "edit_file",
            "sub/src/a.rs",
            "ask",
        ),
        (&["allow edit_file(src/**)"], "edit_file", "src", "ask"),
        (
            &["allow edit_file(*.rs)"],
            "edit_file",
            "src/deep/b.rs",
            "allow",
        ),
        (&["allow edit_file(*.rs)"], "edit_file", "TOP/b.rs", "ask"),
        (
            &["allow write_file(src/**)"],
            "edit_file",
            "src/a.rs",
            "ask",
        ),
        (
            &["allow write_file(src/**)"],
            "write_file",
            "src/a.rs",
            "allow",
        ),
        (&["allow Write"], "write_file", "/etc/x", "allow"),
        (&["allow Edit"], "write_file", "/etc/x", "allow"),
        (&["allow Write"], "edit_file", "src/a.rs", "ask"),
        (
            &["allow MultiEdit(src/**)"],
            "edit_file",
            "src/a.rs",
            "allow",
        ),
        (
            &["allow edit_file(~/notes/**)"],
            "write_file",
            "/home/user/notes/x",
            "allow",
        ),
        (
            &["allow edit_file(//tmp/**)"],
            "write_file",
            "/tmp/../etc/x",
            "ask",
        ),
        (
            &["allow edit_file(.git/**)"],
            "edit_file",
            ".git/config",
            "allow",
        ),
        (
            &["allow edit_file(app/\\[id\\]/**)"],
            "write_file",
            "app/[id]/x",
            "allow",
        ),
        (
            &["allow edit_file(app/\\[id\\]/**)"],
            "write_file",
            "app/i/x",
            "ask",
        ),
        (
            &["allow edit_file(src/**)", "deny edit_file(src/a.rs)"],
            "edit_file",
            "src/a.rs",
            "deny",
        ),
        (
            &["allow edit_file(src/**)", "ask edit_file(src/a.rs)"],
            "edit_file",
            "src/a.rs",
            "ask",
        ),
        // Accepting edits.
        (&["mode accept-edits"], "edit_file", "src/a.rs", "allow"),
        (&["mode accept-edits"], "write_file", "ROOT/new/x", "allow"),
        (&["mode accept-edits"], "edit_file", "src/env", "allow"),
        (&["mode accept-edits"], "edit_file", "src/out/x", "ask"),
        (&["mode accept-edits"], "write_file", "src/new", "ask"),
        (&["mode accept-edits"], "write_file", "../beside/x", "ask"),
        (&["mode accept-edits"], "write_file", "/etc/x", "ask"),
        (&["mode accept-edits"], "edit_file", ".git/config", "ask"),
        (
            &["mode accept-edits"],
            "edit_file",
            "src/../.git/config",
            "ask",
        ),
        (
            &["mode accept-edits"],
            "edit_file",
            ".claude/settings.json",
            "ask",
        ),
        (
            &["mode accept-edits"],
            "edit_file",
            ".corecoder/settings.json",
            "ask",
        ),
        (&["mode accept-edits"], "edit_file", "sub/.agents/x", "ask"),
        (&["mode accept-edits"], "edit_file", ".gitignore", "allow"),
        (
            &["mode accept-edits", "deny Edit(src/**)"],
            "edit_file",
            "src/a.rs",
            "deny",
        ),
        (
            &["mode accept-edits", "ask Edit(src/**)"],
            "edit_file",
            "src/a.rs",
            "ask",
        ),
        (
            &["mode accept-edits", "allow Edit(.git/**)"],
            "edit_file",
            ".git/config",
            "allow",
        ),
        (&["mode yolo"], "edit_file", ".git/config", "allow"),
    ];
    let top = project();
    let path = top.path().to_str().expect("a plain path");
    let fill = |text: &str| {
        let absolute = text.replace("//TOP", &format!("/{path}"));
        absolute
            .replace("ROOT", &format!("{path}/project"))
            .replace("TOP", path)
    };
    let judged = |root: &Path, (rules, tool, file, _): &(&[&str], &str, &str, &str)| {
        let rules: Vec<String> = rules.iter().map(|rule| fill(rule)).collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let name = if ["glob", "grep", "locate"].contains(tool) {
            "path"
        } else {
            "file_path"
        };
        let call = call(tool, json!({name: fill(file), "pattern": "x"}));
        Project::at(root, &rules).word(&call)
    };
    let root = top.path().join("project");
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| (judged(&root, case), case))
        .filter(|(word, case)| *word != case.3)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_project_that_is_reached_by_a_link_is_the_same_project() {
    let top = project();
    let root = top.path().join("link");
    let word = |rule: &str, file: &str| {
        Project::at(&root, &[rule]).word(&call("edit_file", json!({"file_path": file})))
    };
    let real = top.path().join("project/src/a.rs");
    assert_eq!(word("allow edit_file(src/**)", "src/a.rs"), "allow");
    assert_eq!(
        word("allow edit_file(src/**)", real.to_str().unwrap()),
        "allow"
    );
    assert_eq!(
        word("deny edit_file(src/**)", real.to_str().unwrap()),
        "deny"
    );
    assert_eq!(word("mode accept-edits", "src/a.rs"), "allow");
    assert_eq!(word("mode accept-edits", "src/out/x"), "ask");
}

#[test]
fn a_pattern_below_a_home_that_is_not_known_means_nothing() {
    let mut permissions =
        corecoder_guard::permissions::Permissions::new(Path::new("/srv/project"), None);
    permissions.allow(crate::rule("edit_file(~/**)"));
    let call = call("edit_file", json!({"file_path": "/root/x"}));
    let verdict = permissions.judge(
        &call,
        corecoder::Effect::Write,
        corecoder_guard::permissions::Mode::Ask,
        Path::new("/srv/project"),
    );
    assert_ne!(verdict, corecoder_guard::permissions::Verdict::Allow);
}

#[test]
fn paths_without_end_are_asked_quickly() {
    let project = Project::at(
        Path::new("/srv/project"),
        &["mode accept-edits", "deny Read(x)"],
    );
    for path in [
        "a/".repeat(100_000),
        "../".repeat(100_000),
        "\0".to_owned(),
        String::new(),
    ] {
        let start = std::time::Instant::now();
        project.word(&call("edit_file", json!({"file_path": path})));
        assert!(start.elapsed().as_millis() < 1000);
    }
}

#[test]
fn globs_hide_no_denied_file() {
    let top = project();
    let root = top.path().join("project");
    let rules = ["deny Read(.env)", "deny Edit(keys/**)", "mode yolo"];
    let project = Project::at(&root, &rules);
    for line in [
        "cat .e*",
        "cat .en?",
        "cat .[e]nv",
        "cat .[!x]nv",
        "cat < .en*",
        "grep -h \"\" .e*",
        "cat .env*",
        "cat ./.e*",
        "cat */.env",
        "cat */.e*",
        "cat src/en*",
        "cat {.e*,x}",
        "cat \"$PWD\"/.e*",
        "cd sub; cat .e*",
        "echo x > key?/k",
    ] {
        assert_eq!(project.word(&crate::bash(line)), "deny", "{line}");
    }
    for line in [
        "cat *",
        "cat src/a*",
        "cat .x*",
        "ls .e*",
        "echo .e*",
        "cat /*/*/*/*/*/*/x",
    ] {
        assert_eq!(project.word(&crate::bash(line)), "allow", "{line}");
    }
}

#[test]
fn a_rule_reaches_what_says_what_runs_next_only_by_name() {
    let cases: &[(&str, &str, &str)] = &[
        ("edit_file(src/**)", "src/a.rs", "allow"),
        ("edit_file(src/**)", "src/.git/config", "ask"),
        ("edit_file(src/**)", "src/x/.claude/settings.json", "ask"),
        ("edit_file(**)", ".git/config", "ask"),
        ("edit_file(**)", ".corecoder/settings.json", "ask"),
        ("edit_file(*.md)", ".agents/x.md", "ask"),
        ("edit_file", ".git/config", "ask"),
        ("edit_file", "src/a.rs", "allow"),
        ("edit_file(.agents/**)", ".agents/x.md", "allow"),
        ("edit_file(.agents/**)", ".agents/.git/x", "ask"),
        ("edit_file(sub/.git/config)", "sub/.git/config", "allow"),
        ("edit_file(~/**)", "/home/user/x", "allow"),
        (
            "edit_file(~/**)",
            "/home/user/.corecoder/settings.json",
            "ask",
        ),
        ("edit_file(//home/**)", "/home/user/.corecoder/x", "ask"),
        ("edit_file(//tmp/**)", "/tmp/.git/config", "ask"),
        ("edit_file", "/home/user/.corecoder/settings.json", "ask"),
        ("write_file", "/home/user/.corecoder/settings.json", "ask"),
        (
            "edit_file(~/.corecoder/**)",
            "/home/user/.corecoder/x",
            "allow",
        ),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .filter(|(rule, file, expected)| {
            let project = Project::at(Path::new("/srv/project"), &[&format!("allow {rule}")]);
            project.word(&call("write_file", json!({"file_path": file}))) != *expected
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let own = Path::new("/home/user/.corecoder");
    for rules in [&["allow edit_file(**)"], &["mode accept-edits"]] {
        let edit = call("edit_file", json!({"file_path": "skills/x"}));
        assert_eq!(Project::at(own, rules).word(&edit), "ask", "{rules:?}");
    }
}
