//! `@path` in instructions: what is brought along, and what is not.

use corecoder_conventions::instructions;

use crate::{World, assert_one};

/// Checks whether the file `project/AGENTS.md` with this text imports `project/docs/a.md`, without a problem.
#[track_caller]
fn check(text: &str, imports: bool) {
    let world = World::new(&[
        ("project/docs/a.md", "The imported."),
        ("project/docs/with space.md", "The imported."),
        ("project/AGENTS.md", text),
    ]);
    let read = instructions(&world.at("project"));
    assert_eq!(read.text.contains("The imported."), imports, "{text:?}");
    assert!(read.text.contains(text.trim_end()), "{text:?}");
    assert!(read.problems.is_empty(), "{text:?}: {:?}", read.problems);
}

#[test]
fn a_path_after_an_at_is_imported_wherever_markdown_has_text() {
    for text in [
        "@docs/a.md",
        "@./docs/a.md",
        "@../project/docs/a.md",
        "@docs/../docs/a.md",
        "See @docs/a.md for more",
        "See @docs/a.md.",
        "See (@docs/a.md), and read it",
        "**@docs/a.md**",
        "_@docs/a.md_",
        "\"@docs/a.md\"!",
        "@docs/a.md#section",
        "- @docs/a.md\n- more",
        "> @docs/a.md",
        "# @docs/a.md",
        "`code` @docs/a.md `code`",
        "an ` alone @docs/a.md",
        "```\ncode\n```\n@docs/a.md",
        "\t@docs/a.md",
        "@docs/with\\ space.md",
        "@maria wrote @docs/a.md",
        "ä@b @docs/a.md",
    ] {
        check(text, true);
    }
}

#[test]
fn an_at_in_code_or_in_a_word_is_not_an_import() {
    for text in [
        "`@docs/a.md`",
        "``a ` @docs/a.md``",
        "` @docs/a.md `",
        "`over\n@docs/a.md\nlines`",
        "```\n@docs/a.md\n```",
        "~~~sh\n@docs/a.md\n~~~",
        "````\n```\n@docs/a.md\n````",
        "- item\n\n  ```\n  @docs/a.md\n  ```",
        "```\nnever closed\n@docs/a.md",
        "me@docs/a.md",
        "/@docs/a.md",
        "@@docs/a.md",
        "docs/a.md",
        "@docs",
        "@docs/",
        "@.",
        "@..",
        "@",
        "@ docs/a.md",
        "@types/node and @maria and someone@example.org",
    ] {
        check(text, false);
    }
}

#[test]
fn imports_start_at_their_file_at_home_or_at_the_root_of_all() {
    let world = World::new(&[
        ("home/notes.md", "From home."),
        ("home/.corecoder/AGENTS.md", "@~/notes.md\n@more/own.md"),
        ("home/.corecoder/more/own.md", "Own."),
        ("project/docs/a.md", "A.\n@b.md"),
        ("project/docs/b.md", "B."),
        ("project/b.md", "Not this."),
    ]);
    let absolute = format!("@{}", world.path("project/docs/a.md").display());
    world.write("project/AGENTS.md", absolute.as_bytes());
    let read = instructions(&world.at("project"));
    let expected = [
        "home/notes.md",
        "home/.corecoder/more/own.md",
        "home/.corecoder/AGENTS.md",
        "project/docs/b.md",
        "project/docs/a.md",
        "project/AGENTS.md",
    ];
    assert_eq!(world.names(&read.files), expected);
    assert!(read.problems.is_empty(), "{:?}", read.problems);
    let text = world.plain(&read.text);
    let heading =
        "# Instructions from ~~/project/docs/b.md, imported by ~~/project/docs/a.md\n\nB.\n";
    assert!(text.contains(heading), "{text}");
}

#[test]
fn a_cycle_or_a_repetition_is_told_once() {
    let world = World::new(&[
        ("project/AGENTS.md", "Root. @a.md @a.md @AGENTS.md @link.md"),
        ("project/a.md", "Text of A. @b.md"),
        ("project/b.md", "Text of B. @a.md @sub/AGENTS.md"),
        ("project/sub/AGENTS.md", "Sub. @../b.md @../AGENTS.md"),
    ]);
    world.link("project/link.md", "a.md");
    let read = instructions(&world.at("project/sub"));
    for text in ["Root.", "Text of A.", "Text of B.", "Sub."] {
        assert_eq!(read.text.matches(text).count(), 1, "{text}");
    }
    assert_eq!(read.files.len(), 4);
    assert!(read.problems.is_empty(), "{:?}", read.problems);
}

#[test]
fn imports_are_followed_five_files_deep() {
    let world = World::new(&[("project/AGENTS.md", "@1.md")]);
    for number in 1..=7 {
        let text = format!("Text {number}. @{}.md", number + 1);
        world.write(&format!("project/{number}.md"), text.as_bytes());
    }
    let read = instructions(&world.at("project"));
    assert!(read.text.contains("Text 5.") && !read.text.contains("Text 6."));
    assert_one(&read.problems, &["project/5.md: @6.md", "5 files deep"]);
    assert_eq!(read.problems.len(), 1);
}

#[test]
fn only_a_document_that_is_missing_is_worth_a_word() {
    let text =
        "@maria @types/node @/no/where @src/gone.rs but @gone.md, and @deep/gone.md. @gone.md,";
    let world = World::new(&[("project/AGENTS.md", text)]);
    let read = instructions(&world.at("project"));
    assert!(read.text.contains(text));
    assert_eq!(
        world.plain_all(&read.problems),
        [
            "~~/project/AGENTS.md: @gone.md is not imported: there is no such file",
            "~~/project/AGENTS.md: @deep/gone.md is not imported: there is no such file",
        ]
    );
}

#[test]
fn pictures_are_named_but_not_told() {
    let world = World::new(&[("project/AGENTS.md", "@logo.png @bad.md")]);
    world.write("project/logo.png", b"\x89PNG\xff");
    world.write("project/bad.md", b"\xff");
    let read = instructions(&world.at("project"));
    assert_eq!(world.names(&read.files), ["project/AGENTS.md"]);
    assert_eq!(read.problems.len(), 1);
    assert_one(&read.problems, &["@bad.md", "not UTF-8"]);
}

#[test]
fn a_project_imports_from_outside_only_if_it_is_trusted() {
    // The text of the project's file, given the folder of the world.
    let ways: &[fn(&str) -> String] = &[
        |_| "@../outside/secret.md".to_string(),
        |_| "@~/../outside/secret.md".to_string(),
        |world| format!("@{world}/outside/secret.md"),
        |_| "@link.md".to_string(),
        |_| "@folder/secret.md".to_string(),
        |_| "@inner.md".to_string(),
        |_| "@chain.md".to_string(),
    ];
    for way in ways {
        let world = World::new(&[
            ("outside/secret.md", "The secret."),
            ("project/inner.md", "Inner. @../outside/secret.md"),
        ]);
        world.link("project/link.md", "../outside/secret.md");
        world.link("project/chain.md", "link.md");
        world.link("project/folder", "../outside");
        let text = way(&world.folder().to_string_lossy());
        world.write("project/AGENTS.md", text.as_bytes());
        let read = instructions(&world.at("project"));
        assert!(!read.text.contains("The secret."), "{text}");
        assert_eq!(world.names(&read.refused), ["outside/secret.md"], "{text}");
        assert_one(&read.problems, &["is outside of", "trust the folder"]);
        let read = instructions(&world.trusted("project"));
        assert!(read.text.contains("The secret."), "{text}");
        assert!(read.problems.is_empty(), "{:?}", read.problems);
    }
}

#[test]
fn a_project_s_file_is_the_project_s_even_if_the_user_imports_it() {
    let world = World::new(&[
        ("outside/secret.md", "The secret."),
        ("outside/fine.md", "Fine. @../project/docs/a.md"),
        ("project/docs/a.md", "A. @../../outside/secret.md"),
    ]);
    world.write("home/.corecoder/AGENTS.md", b"@../../outside/fine.md");
    let read = instructions(&world.at("project"));
    assert!(read.text.contains("Fine.") && read.text.contains("A."));
    assert!(!read.text.contains("The secret."));
    assert_eq!(world.names(&read.refused), ["outside/secret.md"]);
}

#[test]
fn what_is_imported_counts_and_its_file_goes_first() {
    let world = World::new(&[("project/a/AGENTS.md", "Deep. @big.md")]);
    world.write(
        "project/a/big.md",
        "line of the big one\n".repeat(5000).as_bytes(),
    );
    world.write("project/AGENTS.md", "Outermost. ".repeat(10).as_bytes());
    let read = instructions(&world.at("project/a"));
    assert!(read.text.contains("Deep. @big.md"));
    assert!(!read.text.contains("Outermost."));
    assert_eq!(read.problems.len(), 2, "{:?}", read.problems);
    assert_one(&read.problems, &["a/big.md: its last "]);
    assert_one(&read.problems, &["project/AGENTS.md: its last 109 bytes"]);
}
