//! Files that are not what they seem: each is a problem that names it, and none takes long or much.

use std::fs;
use std::path::Path;

use corecoder_conventions::instructions::LIMIT;
use corecoder_conventions::{commands, instructions, skills};

use crate::{World, assert_one, fifo};

type Way = (fn(&Path), &'static str);

/// Ways to make something that is no readable text at a path, and a word of what is said of it.
const WAYS: &[Way] = &[
    (fifo, "not a regular file"),
    (
        |path| fs::create_dir_all(path).unwrap(),
        "a folder, not a file",
    ),
    (
        |path| drop(std::os::unix::net::UnixListener::bind(path).unwrap()),
        "",
    ),
    (
        |path| std::os::unix::fs::symlink("/dev/zero", path).unwrap(),
        "not a regular file",
    ),
    (
        |path| std::os::unix::fs::symlink(path, path).unwrap(),
        "ymbolic link",
    ),
    (
        |path| fs::write(path, b"text \xc3(").unwrap(),
        "not UTF-8 (byte 6)",
    ),
];

#[test]
fn what_is_no_text_in_place_of_instructions_is_said_and_passed() {
    for (make, word) in WAYS {
        let world = World::new(&[("project/CLAUDE.md", "Instead. @odd.md")]);
        make(&world.path("project/AGENTS.md"));
        make(&world.path("project/odd.md"));
        let read = instructions(&world.trusted("project"));
        assert_eq!(world.names(&read.files), ["project/CLAUDE.md"]);
        assert_one(&read.problems, &["project/AGENTS.md: ", word]);
    }
}

#[test]
fn what_is_no_text_in_place_of_a_skill_is_said() {
    for (make, word) in WAYS {
        let world = World::new(&[("home/.claude/skills/good/SKILL.md", "Text")]);
        fs::create_dir(world.path("home/.claude/skills/odd")).unwrap();
        make(&world.path("home/.claude/skills/odd/SKILL.md"));
        let found = skills(&world.at("project"));
        assert_eq!(found.list.len(), 1);
        assert_one(&found.problems, &["odd/SKILL.md: ", word]);
        assert_eq!(found.problems.len(), 1);
    }
}

#[test]
fn what_is_no_text_in_place_of_a_command_is_said_or_is_nothing() {
    for (make, _) in WAYS {
        let world = World::new(&[("home/.claude/commands/good.md", "Text")]);
        make(&world.path("home/.claude/commands/odd.md"));
        let found = commands(&world.at("project"));
        assert_eq!(found.list.len(), 1);
        let is_folder = world.path("home/.claude/commands/odd.md").is_dir();
        assert_eq!(found.problems.len(), usize::from(!is_folder));
    }
}

#[test]
fn what_is_no_folder_in_place_of_one_is_said() {
    let world = World::new(&[("home/.claude/skills", "a file")]);
    world.link("home/.agents/skills", "skills");
    fifo(&world.path("home/.claude/commands"));
    let found = skills(&world.at("project"));
    assert_eq!(found.problems.len(), 2, "{:?}", found.problems);
    assert!(commands(&world.at("project")).list.is_empty());
}

#[test]
fn of_a_file_of_100_mb_only_the_beginning_is_read() {
    let world = World::new(&[]);
    let line = "A line of a log that somebody gave the wrong name.\n";
    let count = 100_000_000 / line.len() + 1;
    world.write("project/AGENTS.md", line.repeat(count).as_bytes());
    for name in [
        "home/.claude/skills/big/SKILL.md",
        "home/.claude/commands/big.md",
    ] {
        fs::create_dir_all(world.path(name).parent().unwrap()).unwrap();
        fs::hard_link(world.path("project/AGENTS.md"), world.path(name)).unwrap();
    }
    let read = instructions(&world.at("project"));
    assert!(read.text.len() < LIMIT + 1000);
    let told = LIMIT / line.len() * line.len() - 1;
    let left_out = count * line.len() - told;
    assert_one(&read.problems, &[&format!("its last {left_out} bytes")]);
    let found = skills(&world.at("project"));
    assert_eq!(found.list[0].description.chars().count(), 1024);
    let error = found.list[0].invoke("").unwrap_err();
    assert!(error.contains("big/SKILL.md: it has 100"), "{error}");
    let commands = commands(&world.at("project"));
    let error = commands.list[0].invoke("").unwrap_err();
    assert!(error.contains("commands/big.md: it has 100"), "{error}");
}

#[test]
fn front_matter_that_never_ends_is_not_read_on() {
    let world = World::new(&[]);
    let text = format!("---\nname: a\nx: {}", "word ".repeat(10_000));
    world.write("home/.claude/skills/it/SKILL.md", text.as_bytes());
    let found = skills(&world.at("project"));
    assert_one(&found.problems, &["SKILL.md:1: ", "does not end within"]);
}

#[test]
fn yaml_can_not_make_more_of_itself_than_it_is() {
    let mut bomb = "---\na0: &a0 [x, x]\n".to_string();
    for level in 1..200 {
        let inner = format!("*a{}, ", level - 1).repeat(9);
        bomb += &format!("a{level}: &a{level} [{inner}]\n");
    }
    let nested = format!("---\nname: {}{}\n", "[".repeat(6000), "]".repeat(6000));
    let open = format!("---\nname: {}\n", "{a: [".repeat(3000));
    for text in [bomb, nested, open] {
        let text = format!("{text}description: B\n---\nText");
        let world = World::new(&[("home/.claude/skills/it/SKILL.md", &text)]);
        let found = skills(&world.at("project"));
        assert!(found.list.len() + found.problems.len() >= 1);
    }
}

#[test]
fn instructions_made_of_mentions_end() {
    let world = World::new(&[]);
    for (unit, count) in [
        ("@a.md ", 5000),
        ("(@", 16_000),
        ("@", 32_000),
        ("@/", 16_000),
        ("`@a.md` ` ", 3000),
    ] {
        world.write("project/AGENTS.md", unit.repeat(count).as_bytes());
        let read = instructions(&world.at("project"));
        assert!(read.problems.len() <= 501, "{unit}");
    }
    let mut text = String::new();
    for number in 0..600 {
        text += &format!("@{number}.md ");
        world.write(&format!("project/{number}.md"), b"x");
    }
    world.write("project/AGENTS.md", text.as_bytes());
    let read = instructions(&world.at("project"));
    assert_eq!(read.files.len(), 501);
    assert_one(&read.problems, &["after 500 `@`"]);
}

#[test]
fn thousands_of_skills_and_commands_are_bounded() {
    let world = World::new(&[]);
    for number in 0..1100 {
        world.write(&format!("home/.claude/skills/s{number}/SKILL.md"), b"Text");
        world.write(&format!("home/.claude/commands/c{number}.md"), b"Text");
    }
    let found = skills(&world.at("project"));
    assert_eq!(found.list.len(), 500);
    assert_one(&found.problems, &["only 500"]);
    let found = commands(&world.at("project"));
    assert_eq!(found.list.len(), 1000);
    assert_one(&found.problems, &["only 1000"]);
}
