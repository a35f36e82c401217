//! A real project for Claude Code, as it stands.

use std::path::{Path, PathBuf};

use corecoder_conventions::{Places, commands, instructions, needs_trust, skills};

use crate::assert_one;

fn project() -> Places {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture");
    Places {
        home: None,
        data: None,
        cwd: root.join("web"),
        root,
        trusted: true,
        own: Vec::new(),
    }
}

fn names(paths: &[PathBuf]) -> Vec<String> {
    let root = project().root;
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().display().to_string();
    paths.iter().map(name).collect()
}

#[test]
fn its_instructions_are_told_with_what_they_import() {
    let read = instructions(&project());
    let expected = [
        "README.md",
        "docs/testing.md",
        "docs/style.md",
        "CLAUDE.md",
        "web/AGENTS.md",
    ];
    assert_eq!(names(&read.files), expected);
    assert!(read.problems.is_empty(), "{:?}", read.problems);
}

#[test]
fn its_skills_are_listed_and_called() {
    let skills = skills(&project());
    assert!(skills.problems.is_empty(), "{:?}", skills.problems);
    let catalogue = skills.catalogue();
    let line = "- pdf-processing: Extract text and tables from PDF files, fill in forms, and merge \
        documents. Use when the user mentions PDFs, forms, or document extraction. (/";
    assert!(catalogue.contains(line), "{catalogue}");
    assert!(!catalogue.contains("release-notes"));
    let notes = skills.find("release-notes").unwrap();
    assert_eq!(
        notes.description,
        "Write release notes: what users see, the newest first"
    );
    let message = notes.invoke("v1 v2").unwrap();
    assert!(message.contains("between v1 and v2."), "{message}");
    assert!(message.contains("/.claude/skills/release-notes/template.md."));
}

#[test]
fn its_commands_are_listed_and_called() {
    let commands = commands(&project());
    assert!(commands.problems.is_empty(), "{:?}", commands.problems);
    let listed = commands
        .list
        .iter()
        .map(|command| (&*command.name, &*command.description, &*command.hint));
    let expected = [
        (
            "fix-issue",
            "Fix an issue: find it, test it, mend it",
            "[issue-number] [priority]",
        ),
        ("frontend:component", "Make a component", ""),
        (
            "review",
            "Review what changed since the last commit. Be brief.",
            "",
        ),
    ];
    assert_eq!(listed.collect::<Vec<_>>(), expected);
    assert_eq!(
        commands.find("fix-issue").unwrap().invoke("123 high"),
        Ok("Fix issue #123 with priority high, following our standards.".to_string())
    );
}

#[test]
fn it_is_asked_whether_the_project_is_trusted() {
    let found = names(&needs_trust(&project()));
    let expected = [
        ".claude/settings.json",
        ".claude/skills",
        ".claude/commands",
    ];
    assert_eq!(found, expected);
}

#[test]
fn without_trust_its_instructions_are_all_that_is_told() {
    let places = Places {
        trusted: false,
        ..project()
    };
    assert!(skills(&places).list.is_empty());
    assert!(commands(&places).list.is_empty());
    let texts = [instructions(&places).text];
    assert_one(&texts, &["Money is `i64` cents", "Names are full words"]);
}
