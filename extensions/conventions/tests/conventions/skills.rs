//! Skills: where they stand, what their front matter says, what the model is told.

use corecoder_conventions::{Skill, Skills, skills};

use crate::{World, assert_one};

/// Reads one skill from the folder `deploy`.
#[track_caller]
fn one(text: &str) -> (Option<Skill>, Vec<String>) {
    let world = World::new(&[("home/.claude/skills/deploy/SKILL.md", text)]);
    let Skills { mut list, problems } = skills(&world.at("project"));
    (list.pop(), world.plain_all(&problems))
}

#[track_caller]
fn check(text: &str, name: &str, description: &str) {
    let (skill, problems) = one(text);
    assert!(problems.is_empty(), "{text:?}: {problems:?}");
    let skill = skill.expect("a skill");
    assert_eq!(
        (&*skill.name, &*skill.description),
        (name, description),
        "{text:?}"
    );
}

#[test]
fn front_matter_is_read_as_people_write_it() {
    check("---\nname: a\ndescription: B c\n---\nBody", "a", "B c");
    check(
        "---\r\nname: a\r\ndescription: B c\r\n---\r\nBody\r\n",
        "a",
        "B c",
    );
    check("\u{feff}---\nname: a\ndescription: B\n---\n", "a", "B");
    check("---  \nname: a\ndescription: B\n---\t\nBody", "a", "B");
    check(
        "---\nname: \"a\"\ndescription: 'It''s: \"b\"'\n---\n",
        "a",
        "It's: \"b\"",
    );
    check(
        "---\nname: a\ndescription: >\n  One\n  two\n\n  three\n---\n",
        "a",
        "One two three",
    );
    check(
        "---\nname: a\ndescription: >-\n  One\n  two\n---\n",
        "a",
        "One two",
    );
    check(
        "---\nname: a\ndescription: |\n  One\n   two\n---\n",
        "a",
        "One two",
    );
    check(
        "---\nname: a\ndescription: One\n  two\n  three\n---\n",
        "a",
        "One two three",
    );
    check(
        "---\n# comment\nname: a # more\n\ndescription: B\n---\n",
        "a",
        "B",
    );
    check(
        "---\ndescription: B\nname: a\nmetadata:\n  name: c\n  list: [1, {x: y}]\n---\n",
        "a",
        "B",
    );
    check("---\nname: 7\ndescription: true\n---\n", "7", "true");
    check(
        "---\nname: a\ndescription: &x B\nother: *x\n---\n",
        "a",
        "B",
    );
    check(
        "---\nname: a\ndescription: [one, two]\n---\n",
        "a",
        "[one, two]",
    );
    check(
        "---\n? [complex, key]\n: value\nname: a\ndescription: B\n---\n",
        "a",
        "B",
    );
    check("---\n{name: a, description: B}\n---\n", "a", "B");
    check(
        "---\nname: ä-ö\ndescription: Größe €\n---\n",
        "ä-ö",
        "Größe €",
    );
    check(
        "---\nname: a\ndescription: \"B\\e[2J\"\n---\n",
        "a",
        "B\u{fffd}[2J",
    );
}

#[test]
fn what_is_nearly_yaml_means_what_it_says() {
    check(
        "---\nname: a\ndescription: Use it: always\n---\n",
        "a",
        "Use it: always",
    );
    check(
        "---\nname: a\ndescription: It's so: don't\n---\n",
        "a",
        "It's so: don't",
    );
    check(
        "---\nname: a\ndescription: **Bold** text\n---\n",
        "a",
        "**Bold** text",
    );
    check(
        "---\nname: a\ndescription: @me knows\n---\n",
        "a",
        "@me knows",
    );
    check(
        "---\nname: a\ndescription: `code` is\n---\n",
        "a",
        "`code` is",
    );
    let (skill, _) = one("---\nargument-hint: [a] [b]\ndescription: B\n---\n");
    assert_eq!(skill.unwrap().hint, "[a] [b]");
}

#[test]
fn what_is_missing_is_taken_from_the_folder_and_the_text() {
    check("---\ndescription: B\n---\n", "deploy", "B");
    check("---\nname: \"\"\ndescription: B\n---\n", "deploy", "B");
    check(
        "---\nname:\ndescription:\n---\n# Title\n\nFirst\nparagraph.\n\nSecond.",
        "deploy",
        "First paragraph.",
    );
    check("# Title\n\nNo front matter.", "deploy", "No front matter.");
    check("---\nname: a\n---\n", "a", "");
    check("---\n---\nText", "deploy", "Text");
    check("", "deploy", "");
}

#[test]
fn front_matter_that_is_broken_is_named_with_its_line() {
    let file = "~~/home/.claude/skills/deploy/SKILL.md";
    // The text, the line, a word of the reason.
    for (text, line, word) in [
        ("---\nname: a\ndescription: \"B\n---\n", 3, ""),
        ("---\nname: [a\n---\n", 2, ""),
        ("---\nname: a\n\tb: c\n---\n", 2, "tab"),
        (
            "---\nname: a\ndescription: *nowhere\n bad: *x\n---\n",
            3,
            "",
        ),
        ("---\nname: a\ndescription: B\n", 1, "`---` is missing"),
        ("---\njust words\n---\n", 2, "description: what it is for"),
        ("---\n- a\n- b\n---\n", 2, "description: what it is for"),
    ] {
        let (skill, problems) = one(text);
        assert_eq!(skill, None, "{text:?}");
        assert_eq!(problems.len(), 1, "{text:?}");
        let start = format!("{file}:{line}: ");
        let fits = problems[0].starts_with(&start) && problems[0].contains(word);
        assert!(fits, "{text:?}: {problems:?}");
        assert!(!problems[0].contains('\n'));
    }
}

#[test]
fn a_name_that_can_not_be_typed_gives_way_to_the_folder_s() {
    for name in ["PDF Processing", "a/b", "a\\b", "x(y)", &"n".repeat(65)] {
        let (skill, problems) = one(&format!("---\nname: {name}\ndescription: B\n---\n"));
        assert_eq!(skill.unwrap().name, "deploy");
        assert_one(
            &problems,
            &["deploy/SKILL.md: ", "can't be typed as one word"],
        );
    }
    let world = World::new(&[("home/.claude/skills/two words/SKILL.md", "Text")]);
    let skills = skills(&world.at("project"));
    assert!(skills.list.is_empty());
    assert_one(&skills.problems, &["\"two words\"", "as one word"]);
}

#[test]
fn a_description_has_at_most_1024_characters() {
    let long = "ä".repeat(3000);
    let (skill, _) = one(&format!("---\ndescription: {long}\n---\n"));
    let description = skill.unwrap().description;
    assert_eq!(description.chars().count(), 1024);
    assert!(description.ends_with("ä…"));
}

#[test]
fn the_deepest_of_a_name_wins() {
    // The strongest first; each has to win over all that follow.
    let order = [
        "project/a/.corecoder/skills",
        "project/a/.agents/skills",
        "project/a/.claude/skills",
        "project/.corecoder/skills",
        "project/.agents/skills",
        "project/.claude/skills",
        "home/.corecoder/skills",
        "home/.agents/skills",
        "home/.claude/skills",
    ];
    for first in 0..order.len() {
        let world = World::new(&[]);
        for folder in &order[first..] {
            let text = format!("---\nname: it\ndescription: {folder}\n---\n");
            world.write(&format!("{folder}/it/SKILL.md"), text.as_bytes());
        }
        let found = skills(&world.trusted("project/a"));
        assert_eq!(found.list.len(), 1);
        assert_eq!(found.list[0].description, order[first]);
        let own = skills(&world.at("project/a")).list;
        assert_eq!(own[0].description, order[first.max(6)], "untrusted");
    }
}

#[test]
fn a_data_folder_that_was_moved_has_skills_too() {
    let world = World::new(&[
        ("outside/data/skills/moved/SKILL.md", "Moved."),
        ("home/.corecoder/skills/home/SKILL.md", "Home."),
    ]);
    let mut places = world.at("project");
    places.data = Some(world.path("outside/data"));
    let found = skills(&places);
    let names: Vec<&str> = found.list.iter().map(|skill| &*skill.name).collect();
    assert_eq!(names, ["home", "moved"]);
}

#[test]
fn at_home_one_s_own_skills_need_no_trust() {
    let world = World::new(&[("home/.claude/skills/it/SKILL.md", "Text")]);
    assert_eq!(skills(&world.at("home")).list.len(), 1);
}

#[test]
fn what_lies_beside_skills_is_nothing() {
    let world = World::new(&[
        ("home/.claude/skills/README.md", "Text"),
        ("home/.claude/skills/empty/notes.md", "Text"),
        ("home/.agents", "a file"),
    ]);
    world.link("home/.claude/skills/linked", "../../../outside/real");
    world.write("outside/real/SKILL.md", b"A skill behind a symlink.");
    let found = skills(&world.at("project"));
    assert_eq!(found.list.len(), 1);
    assert_eq!(found.list[0].name, "linked");
    assert!(found.problems.is_empty(), "{:?}", found.problems);
}

#[test]
fn the_front_matter_says_who_may_call_a_skill() {
    // The front matter, in the catalogue, found by the user.
    for (front, model, user) in [
        ("", true, true),
        ("disable-model-invocation: true", false, true),
        ("disable-model-invocation: false", true, true),
        ("disable-model-invocation: \"True\"", false, true),
        ("user-invocable: false", true, false),
        ("user-invocable: true", true, true),
        (
            "user-invocable: false\ndisable-model-invocation: true",
            false,
            false,
        ),
    ] {
        let text = format!("---\nname: it\n{front}\n---\nText");
        let world = World::new(&[("home/.claude/skills/it/SKILL.md", &text)]);
        let found = skills(&world.at("project"));
        assert_eq!(found.catalogue().contains("- it: Text ("), model, "{front}");
        assert_eq!(found.catalogue().is_empty(), !model);
        assert_eq!(found.find("it").is_some(), user, "{front}");
    }
}

#[test]
fn the_catalogue_tells_what_to_do_and_stays_below_8_kib() {
    // How many skills, how long their descriptions are, and what has to be in the text.
    for (count, length, words) in [
        (1, 10, "- skill-0: word word"),
        (20, 100, "- skill-19: word word"),
        (20, 1000, "word… ("),
        (40, 1000, "- skill-39: word"),
        (90, 1000, "- skill-89 ("),
        (400, 1000, "more in such folders"),
    ] {
        let world = World::new(&[]);
        for index in 0..count {
            let description = "word ".repeat(length / 5);
            let text = format!("---\nname: skill-{index}\ndescription: {description}\n---\n");
            world.write(
                &format!("home/.claude/skills/s{index}/SKILL.md"),
                text.as_bytes(),
            );
        }
        let catalogue = skills(&world.at("project")).catalogue();
        assert!(catalogue.len() <= 8 * 1024, "{count}");
        assert!(catalogue.contains(words), "{count}: {catalogue}");
        assert!(catalogue.contains("read_file"));
        let listed = catalogue
            .lines()
            .filter(|line| line.contains("SKILL.md)"))
            .count();
        let rest = catalogue.lines().last().unwrap().split(' ').nth(2);
        let rest = rest
            .and_then(|word| word.parse::<usize>().ok())
            .unwrap_or(0);
        assert_eq!(listed + rest, count);
    }
    assert_eq!(Skills::default().catalogue(), "");
}

#[test]
fn a_called_skill_is_its_text_with_the_arguments_and_its_folder() {
    let world = World::new(&[(
        "home/.claude/skills/it/SKILL.md",
        "---\nname: it\n---\n\nRun scripts/go on $ARGUMENTS.\n",
    )]);
    let skills = skills(&world.at("project"));
    let skill = skills.find("it").unwrap();
    let expected = "Follow the skill it. Relative paths in it start at ~~/home/.claude/skills/it.\n\n\
        Run scripts/go on all.";
    assert_eq!(world.plain(&skill.invoke("all").unwrap()), expected);
    world.write("home/.claude/skills/it/SKILL.md", b"Changed meanwhile.");
    let text = skill.invoke("now").unwrap();
    assert!(text.ends_with("\n\nChanged meanwhile.\n\nArguments: now"));
    std::fs::remove_file(&skill.file).unwrap();
    assert!(skill.invoke("").unwrap_err().contains("it/SKILL.md: "));
}

#[test]
fn long_skills_are_read_only_in_part_until_they_are_called() {
    let mut text = b"---\nname: long\ndescription: B\n---\n".to_vec();
    text.extend("ä".repeat(50_000).bytes());
    let world = World::new(&[]);
    world.write("home/.claude/skills/long/SKILL.md", &text);
    let found = skills(&world.at("project"));
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    assert_eq!(
        found.list[0].invoke("").unwrap().matches('ä').count(),
        50_000
    );
    text.extend(b"\xff");
    world.write("home/.claude/skills/long/SKILL.md", &text);
    assert_eq!(skills(&world.at("project")).list.len(), 1);
    assert!(found.list[0].invoke("").unwrap_err().contains("not UTF-8"));
}
