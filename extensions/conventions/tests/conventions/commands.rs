//! Custom commands: where they stand, what they are called, what they say.

use corecoder_conventions::{Places, commands};

use crate::{World, assert_one};

#[test]
fn a_command_is_named_for_its_file_and_folders() {
    let world = World::new(&[
        ("home/.claude/commands/review.md", "Text"),
        ("home/.claude/commands/frontend/test.md", "Text"),
        ("home/.claude/commands/a/b/c.d.md", "Text"),
        ("home/.corecoder/commands/own.md", "Text"),
        ("home/.claude/commands/notes.txt", "Text"),
        ("home/.claude/commands/no-end", "Text"),
        ("project/.claude/commands/theirs.md", "Text"),
    ]);
    let names = |places: &Places| -> Vec<String> {
        let found = commands(places);
        assert!(found.problems.is_empty(), "{:?}", found.problems);
        found.list.into_iter().map(|command| command.name).collect()
    };
    let own = ["a:b:c.d", "frontend:test", "own", "review"];
    assert_eq!(names(&world.at("project")), own);
    let all = ["a:b:c.d", "frontend:test", "own", "review", "theirs"];
    assert_eq!(names(&world.trusted("project")), all);
}

#[test]
fn the_description_is_what_the_front_matter_or_the_first_line_says() {
    for (text, description, hint) in [
        ("---\ndescription: Says it\n---\nText", "Says it", ""),
        (
            "---\nargument-hint: [file]\n---\n\nFirst line.\nSecond.",
            "First line.",
            "[file]",
        ),
        ("## Title\n\nText", "Title", ""),
        ("\n\n  First\tline \n", "First line", ""),
        ("", "", ""),
    ] {
        let world = World::new(&[("home/.claude/commands/it.md", text)]);
        let found = commands(&world.at("project"));
        let command = found.find("it").unwrap();
        assert_eq!((&*command.description, &*command.hint), (description, hint));
    }
}

#[test]
fn the_deepest_of_a_name_wins() {
    let order = [
        "project/a/.corecoder/commands",
        "project/a/.claude/commands",
        "project/.corecoder/commands",
        "project/.claude/commands",
        "home/.corecoder/commands",
        "home/.claude/commands",
    ];
    for first in 0..order.len() {
        let world = World::new(&[]);
        for folder in &order[first..] {
            world.write(&format!("{folder}/it.md"), folder.as_bytes());
        }
        let found = commands(&world.trusted("project/a"));
        assert_eq!(found.list.len(), 1);
        assert_eq!(found.list[0].invoke("").as_deref(), Ok(order[first]));
    }
}

#[test]
fn what_is_wrong_is_named_and_the_others_stay() {
    let world = World::new(&[
        ("home/.claude/commands/good.md", "Text"),
        ("home/.claude/commands/two words.md", "Text"),
        (
            "home/.claude/commands/broken.md",
            "---\ndescription: \"open\n---\nText",
        ),
        (
            "home/.claude/commands/empty.md",
            "---\ndescription: Empty\n---\n \n",
        ),
    ]);
    let found = commands(&world.at("project"));
    let names: Vec<&str> = found.list.iter().map(|command| &*command.name).collect();
    assert_eq!(names, ["empty", "good"]);
    assert_eq!(found.problems.len(), 2);
    assert_one(&found.problems, &["two words.md: ", "rename it"]);
    assert_one(&found.problems, &["broken.md:2: "]);
    let error = found.find("empty").unwrap().invoke("x").unwrap_err();
    assert!(error.contains("empty.md: it says nothing"), "{error}");
    assert!(found.find("missing").is_none());
}

#[test]
fn a_symlink_that_leads_back_is_one_problem() {
    let world = World::new(&[("home/.claude/commands/good.md", "Text")]);
    world.link("home/.claude/commands/again", ".");
    let found = commands(&world.at("project"));
    assert_eq!(found.list.len(), 1);
    assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
}
