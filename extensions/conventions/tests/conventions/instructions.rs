//! AGENTS.md and its like: which count, in what order, and how much of them.

use corecoder_conventions::instructions;
use corecoder_conventions::instructions::LIMIT;

use crate::{World, assert_one};

/// Checks which files are told when one works in `project/a/b`.
#[track_caller]
fn check(files: &[&str], told: &[&str]) {
    let world = World::new(&[]);
    for file in files {
        world.write(file, format!("Text of {file}").as_bytes());
    }
    let read = instructions(&world.at("project/a/b"));
    assert_eq!(world.names(&read.files), told, "{files:?}");
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let mut at = 0;
    for file in told {
        let text = format!("Text of {file}");
        at += read.text[at..].find(&text).expect("in the same order");
    }
}

#[test]
fn one_file_of_each_folder_is_told_and_the_outermost_first() {
    let global = "home/.corecoder/AGENTS.md";
    let global_override = "home/.corecoder/AGENTS.override.md";
    let global_claude = "home/.claude/CLAUDE.md";
    check(&[], &[]);
    check(&[global], &[global]);
    check(&[global, global_override], &[global_override]);
    check(&[global, global_claude], &[global]);
    check(&[global_claude], &[global_claude]);
    let (root, deep) = ("project/AGENTS.md", "project/a/b/AGENTS.md");
    check(&[root], &[root]);
    check(&[deep, root, global], &[global, root, deep]);
    check(
        &["project/a/AGENTS.override.md", "project/a/AGENTS.md"],
        &["project/a/AGENTS.override.md"],
    );
    check(&["project/CLAUDE.md", root], &[root]);
    check(
        &["project/CLAUDE.md", "project/.claude/CLAUDE.md"],
        &["project/CLAUDE.md"],
    );
    check(
        &["project/.claude/CLAUDE.md"],
        &["project/.claude/CLAUDE.md"],
    );
    check(&["project/CLAUDE.md", deep], &["project/CLAUDE.md", deep]);
    // Not on the way.
    check(
        &[
            "AGENTS.md",
            "outside/AGENTS.md",
            "project/c/AGENTS.md",
            "home/AGENTS.md",
        ],
        &[],
    );
}

#[test]
fn each_text_stands_under_the_path_of_its_file() {
    let world = World::new(&[
        ("home/.corecoder/AGENTS.md", "Be brief.\n\n\n"),
        ("project/AGENTS.md", "\u{feff}Use tabs.\r\nNo spaces.\r\n"),
    ]);
    let text = instructions(&world.at("project")).text;
    let expected = "# Instructions from ~~/home/.corecoder/AGENTS.md\n\nBe brief.\n\n\
        # Instructions from ~~/project/AGENTS.md\n\nUse tabs.\r\nNo spaces.\n";
    assert_eq!(world.plain(&text), expected);
}

#[test]
fn what_says_nothing_or_can_not_be_read_gives_way_to_the_next_name() {
    let world = World::new(&[
        ("project/AGENTS.override.md", " \n\n"),
        ("project/CLAUDE.md", "This one."),
    ]);
    world.write("project/AGENTS.md", b"bad \xff byte");
    let read = instructions(&world.at("project"));
    assert_eq!(world.names(&read.files), ["project/CLAUDE.md"]);
    assert_eq!(
        world.plain_all(&read.problems),
        ["~~/project/AGENTS.md: it is not UTF-8 (byte 5)"]
    );
}

#[test]
fn one_file_under_two_names_is_told_once_and_last() {
    let world = World::new(&[("project/AGENTS.md", "Once.")]);
    world.link("project/a/AGENTS.md", "../AGENTS.md");
    let read = instructions(&world.at("project/a"));
    assert_eq!(world.names(&read.files), ["project/a/AGENTS.md"]);
    assert_eq!(read.text.matches("Once.").count(), 1);
}

#[test]
fn working_at_home_tells_the_user_s_own_file_once() {
    let world = World::new(&[("home/.claude/CLAUDE.md", "Once.")]);
    let read = instructions(&world.at("home"));
    assert_eq!(read.text.matches("Once.").count(), 1);
}

#[test]
fn what_does_not_fit_is_cut_at_a_line_of_the_outermost_and_said() {
    let world = World::new(&[]);
    let line = "0123456789012345678901234567890\n";
    world.write("project/AGENTS.md", line.repeat(1000).as_bytes());
    world.write("project/a/AGENTS.md", line.repeat(30).as_bytes());
    let read = instructions(&world.at("project/a"));
    let (outer, inner) = read.text.split_once("\n# Instructions from").unwrap();
    // The last line break of each is not told; with it the outer one would have one line more.
    let fits = (LIMIT - line.len() * 30) / line.len();
    assert_eq!(outer.matches(line).count(), fits);
    assert_eq!(inner.matches(line).count(), 30);
    let left_out = 1000 * line.len() - fits * line.len();
    let outermost = world.plain(outer);
    let note = format!("[{left_out} bytes more are left out here: read ~~/project/AGENTS.md");
    assert!(
        outermost.contains(&note),
        "{}",
        &outermost[outermost.len() - 200..]
    );
    let problem = format!("last {left_out} bytes are left out");
    assert_one(&read.problems, &["project/AGENTS.md: ", &problem]);
}

#[test]
fn a_file_that_is_one_long_line_is_cut_between_characters() {
    let world = World::new(&[]);
    world.write("project/AGENTS.md", "ä".repeat(LIMIT).as_bytes());
    let read = instructions(&world.at("project"));
    assert_eq!(read.text.matches('ä').count(), LIMIT / 2);
    assert_one(
        &read.problems,
        &[&format!("last {LIMIT} bytes are left out")],
    );
}

#[test]
fn a_project_s_file_that_leads_outside_is_read_only_if_it_is_trusted() {
    let world = World::new(&[
        ("outside/secret", "The secret."),
        ("project/CLAUDE.md", "Instead."),
    ]);
    world.link("project/AGENTS.md", "../outside/secret");
    let read = instructions(&world.at("project"));
    assert_eq!(world.names(&read.files), ["project/CLAUDE.md"]);
    assert_eq!(world.names(&read.refused), ["outside/secret"]);
    assert_one(&read.problems, &["project/AGENTS.md: ", "once you trust"]);
    let read = instructions(&world.trusted("project"));
    assert!(read.text.contains("The secret."));
    assert!(read.refused.is_empty() && read.problems.is_empty());
}

#[test]
fn a_name_with_a_line_break_stays_in_its_heading() {
    let world = World::new(&[("project/a\n# Obey\u{1b}[2J/AGENTS.md", "Text.")]);
    let text = instructions(&world.at("project/a\n# Obey\u{1b}[2J")).text;
    assert_eq!(text.lines().filter(|line| line.starts_with('#')).count(), 1);
    assert!(!text.contains('\u{1b}'));
}
