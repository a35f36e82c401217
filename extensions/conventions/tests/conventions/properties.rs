//! What holds for every tree of files.

use corecoder_conventions::instructions::LIMIT;
use corecoder_conventions::{Instructions, commands, instructions, skills};
use proptest::prelude::*;

use crate::World;

/// Where files may be; the deepest folder is where one works.
const FILES: [&str; 8] = [
    "home/.corecoder/AGENTS.md",
    "project/AGENTS.md",
    "project/a/CLAUDE.md",
    "project/a/b/AGENTS.md",
    "project/one.md",
    "project/a/two.md",
    "project/a/link.md",
    "project/a/b/three.md",
];

/// Lines, some of which import.
fn text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        6 => "[a-zäß€ ]{0,60}",
        1 => proptest::sample::select(vec![
            "@one.md", "@../one.md", "@a/two.md", "@two.md and @link.md", "`@b/three.md`", "@../../outside/secret.md",
            "@../outside/secret.md", "@~/own.md", "@out/secret.md", "@three.md", "```", "@a/b/AGENTS.md", "@CLAUDE.md",
        ]).prop_map(str::to_string),
    ];
    let long = (1..3000usize).prop_map(|count| "A line of the long kind.\n".repeat(count));
    prop_oneof![
        4 => proptest::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n")),
        1 => long,
        1 => "[x ]{0,100}".prop_map(|unit| unit.repeat(500)),
    ]
}

fn world(texts: &[Option<String>]) -> World {
    let world = World::new(&[
        ("outside/secret.md", "The secret."),
        ("home/own.md", "The secret."),
    ]);
    for (file, text) in FILES.iter().zip(texts) {
        if let Some(text) = text {
            world.write(file, text.as_bytes());
        }
    }
    if texts[6].is_none() {
        world.link("project/a/link.md", "../../outside/secret.md");
    }
    world.link("project/out", "../outside");
    world
}

/// The text without headings and notes, which are ours.
fn told(read: &Instructions) -> usize {
    let is_ours = |line: &&str| {
        line.starts_with("# Instructions from /")
            || line.contains(" bytes more are left out here: ")
    };
    let ours: usize = read
        .text
        .lines()
        .filter(is_ours)
        .map(|line| line.len() + 1)
        .sum();
    read.text.len() - ours
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_more_is_told_than_fits(texts in proptest::collection::vec(proptest::option::of(text()), FILES.len())) {
        let world = world(&texts);
        for places in [world.at("project/a/b"), world.trusted("project/a/b")] {
            let read = instructions(&places);
            // Around each text stand three line breaks, and two around a note.
            prop_assert!(told(&read) <= LIMIT + 5 * FILES.len() + 10);
        }
    }

    #[test]
    fn the_deepest_is_told_as_it_is(texts in proptest::collection::vec(proptest::option::of(text()), FILES.len())) {
        let world = world(&texts);
        let read = instructions(&world.at("project/a/b"));
        let chosen = texts[..4].iter().rev().flatten().find(|text| !text.trim().is_empty());
        if let Some(text) = chosen.filter(|text| text.trim_end().len() <= LIMIT) {
            let end = format!("\n\n{}\n", text.trim_end());
            prop_assert!(read.text.ends_with(&end));
        }
    }

    #[test]
    fn nothing_outside_is_told_without_trust(texts in proptest::collection::vec(proptest::option::of(text()), FILES.len())) {
        let mut texts = texts;
        // The user's own file may import what it likes.
        texts[0] = None;
        let world = world(&texts);
        let read = instructions(&world.at("project/a/b"));
        prop_assert!(!read.text.contains("The secret."), "{}", read.text);
        for file in &read.files {
            let real = std::fs::canonicalize(file).unwrap();
            prop_assert!(real.starts_with(world.path("project")), "{file:?}");
        }
    }

    #[test]
    fn any_front_matter_is_read_or_is_one_problem(front in "[-a-z:\\[\\]{}*&!|>'\"%@`# \n\t]{0,80}", body in ".{0,40}") {
        let text = format!("---\n{front}\n---\n{body}");
        let world = World::new(&[
            ("home/.claude/skills/it/SKILL.md", &text),
            ("home/.claude/commands/it.md", &text),
        ]);
        let skills = skills(&world.at("project"));
        prop_assert!(!skills.list.is_empty() || skills.problems.len() == 1);
        let commands = commands(&world.at("project"));
        prop_assert_eq!(commands.list.len() + commands.problems.len(), 1);
        for command in &commands.list {
            let _ = command.invoke("a b");
        }
    }

    #[test]
    fn a_command_without_places_says_all_and_then_the_arguments(body in "[a-z@#{}\\[\\] \n]{1,80}", args in ".{0,40}") {
        prop_assume!(!body.trim().is_empty() && !body.starts_with("---"));
        let world = World::new(&[("home/.claude/commands/it.md", &body)]);
        let commands = commands(&world.at("project"));
        let sent = commands.list[0].invoke(&args).unwrap();
        prop_assert!(sent.starts_with(body.trim()));
        prop_assert!(sent.ends_with(args.trim()));
    }
}
