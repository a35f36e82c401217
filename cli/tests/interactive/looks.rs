//! What stands on the screen, where, and that it stays.

use serde_json::json;

use crate::provider::{
    Part, Provider, Reply, bash, calls, held, last_words, results, says, text, write,
};
use crate::terminal::{Setup, Terminal, count};

const ANSWER: &str = "# A heading that tells what is meant\n\nSome **bold** words and `code` in a paragraph that is long enough to be broken into several lines, with a verylongwordthatdoesnotfitintoanythinglikefortycolumns in it.\n\n- one item that has quite a few words so that it needs a second line, indented\n  - nested\n- two\n\n1. first\n2. second\n\n| name | meaning |\n|---|---|\n| alpha | the first letter of the alphabet, as the Greeks have it |\n| β | 文字が広い |\n\n```rust\nfn main() { println!(\"a line of code that is longer than forty columns are\"); }\n```\n\n> quoted\n\nThe end.\n";

/// Every row that came must still be there, unchanged and in its place.
#[track_caller]
fn keeps(terminal: &Terminal, before: &[String]) {
    let now = terminal.history();
    let at = before
        .iter()
        .zip(&now)
        .position(|(before, now)| before != now);
    let at = at.or((now.len() < before.len()).then_some(now.len()));
    if let Some(at) = at {
        panic!("row {at} was {:?} and is {:?}", before[at], now.get(at));
    }
}

#[test]
fn markdown_fits_the_window_and_is_drawn_as_what_it_is() {
    for columns in [80, 40, 20] {
        let mut terminal = Setup::new()
            .size(60, columns)
            .start(Provider::saying(vec![says(ANSWER)]));
        terminal.talks("go", &["The end."]);
        let rows = terminal.history();
        let answer = rows
            .iter()
            .position(|row| row.contains("A heading"))
            .unwrap();
        for row in &rows[answer..] {
            assert!(
                console::measure_text_width(row) <= usize::from(columns),
                "{row}"
            );
        }
        assert!(!terminal.shows("**") && !terminal.shows("```") && !terminal.shows("|---"));
        assert!(terminal.cell("A heading").bold());
        assert!(terminal.cell("bold").bold() && !terminal.cell("Some").bold());
        for part in [
            "nested",
            "1. first",
            "alpha",
            "β",
            "文字が",
            "quoted",
            "fn main",
        ] {
            assert!(terminal.shows(part), "{part} at {columns}");
        }
        let screen = terminal.screen();
        let broken = (1..screen.len()).filter(|row| terminal.is_wrapped(*row as u16 - 1));
        let broken: Vec<&String> = broken.map(|row| &screen[row]).collect();
        assert!(columns < 80 || broken.is_empty(), "{broken:?}");
        terminal.leaves();
    }
}

#[test]
fn a_streamed_answer_shows_its_last_line_and_changes_nothing_above() {
    let paragraphs: Vec<String> = (0..30)
        .map(|n| format!("Paragraph {n} with **some** words.\n\n"))
        .collect();
    let mut parts = Vec::new();
    for paragraph in &paragraphs {
        let (begin, end) = paragraph.split_at(20);
        parts.extend([text(begin), Part::Held, text(end)]);
    }
    let mut terminal = Setup::new()
        .size(12, 60)
        .start(Provider::saying(vec![Reply::Parts(parts)]));
    terminal.says("go");
    let mut before: Vec<String> = Vec::new();
    for paragraph in &paragraphs {
        let begin = paragraph[..12].to_string();
        terminal.until(&begin, |terminal| {
            terminal.screen().iter().any(|row| row.starts_with(&begin))
        });
        keeps(&terminal, &before);
        let rows = terminal.history();
        let whole = rows.iter().rposition(|row| row.ends_with("some words."));
        before = rows[..whole.map_or(0, |at| at + 1)].to_vec();
        assert!(rows.len() < before.len() + 9, "the area below is small");
        terminal.provider.let_go();
    }
    terminal.sees("Paragraph 29 with some words.");
    terminal.prompt();
    keeps(&terminal, &before);
    let expected: Vec<String> = (0..30)
        .flat_map(|n| [format!("Paragraph {n} with some words."), String::new()])
        .collect();
    let rows = terminal.history();
    let begin = rows.iter().position(|row| *row == expected[0]).unwrap();
    assert_eq!(rows[begin..][..59], expected[..59]);
    terminal.leaves();
}

#[test]
fn what_the_model_thinks_is_dimmed_and_goes_away_unless_it_is_wanted() {
    for (args, stays) in [(&[][..], false), (&["--verbose"][..], true)] {
        let thought = |words: &str| Part::Delta(json!({"reasoning_content": words}));
        let parts = vec![
            thought("First a thought.\n\n"),
            thought("Then "),
            thought("more"),
            Part::Held,
            text("The answer."),
        ];
        let setup = Setup::new().args(args);
        let mut terminal = setup.start(Provider::saying(vec![Reply::Parts(parts)]));
        terminal.says("go");
        terminal.sees("Then more");
        assert!(terminal.cell("Then more").dim());
        assert_eq!(terminal.shows("First a thought."), stays);
        terminal.provider.let_go();
        terminal.sees("The answer.");
        terminal.prompt();
        assert!(!terminal.cell("The answer.").dim());
        assert_eq!(terminal.shows("First a thought."), stays);
        assert_eq!(
            terminal.shows("Then more"),
            stays,
            "a thought is whole or not there"
        );
        terminal.leaves();
    }
}

#[test]
fn tools_at_work_and_sub_agents_have_a_line_each() {
    let provider = Provider::new(|request, _| {
        let words = last_words(request);
        let has_result = !results(request["messages"].as_array().unwrap()).is_empty();
        match (&*words, has_result) {
            ("delegate", false) => calls(&[
                ("agent", json!({"task": "alpha"})),
                ("agent", json!({"task": "beta"})),
            ]),
            ("delegate", true) => calls(&[bash("while [ ! -e go ]; do sleep 0.02; done; exit 3")]),
            (_, true) => says("Nothing."),
            _ => held("Report."),
        }
    });
    let mut terminal = Setup::new().args(&["--yes"]).start(provider);
    terminal.says("delegate");
    terminal.until("both agents", |terminal| {
        let screen = terminal.screen();
        let lines = screen.iter().filter(|line| line.contains("] thinking"));
        lines.count() == 2
    });
    terminal.provider.let_go();
    terminal.provider.let_go();
    terminal.sees("bash while [ ! -e go ]");
    assert!(!terminal.shows("✗"));
    terminal.home.write("project/go", "");
    terminal.sees("✗ bash while [ ! -e go ]");
    terminal.sees("exit code");
    terminal.prompt();
}

#[test]
fn the_list_of_tasks_is_drawn_as_one() {
    let tasks = json!({"tasks": [
        {"task": "read", "status": "completed"},
        {"task": "build", "status": "in_progress"},
        {"task": "test\u{1b}[1A", "status": "pending"},
    ]});
    let provider = Provider::saying(vec![calls(&[("todo_write", tasks)]), says("Listed.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.talks(
        "go",
        &["  ☑ read", "  ▸ build", "  ☐ test\\u{1b}[1A", "Listed."],
    );
    assert!(terminal.cell("build").bold() && terminal.cell("☑").dim());
    terminal.leaves();
}

#[test]
fn a_window_that_changes_in_the_middle_keeps_what_was_printed() {
    let parts = vec![
        text("First paragraph.\n\nA half"),
        Part::Held,
        text(" line.\n\nThird"),
        Part::Held,
        text(" and last, with enough words to be broken at forty columns.\n"),
    ];
    let mut terminal = Setup::new().start(Provider::saying(vec![Reply::Parts(parts)]));
    terminal.says("go");
    terminal.sees("A half");
    terminal.adds("typed", "> typed");
    let printed = |terminal: &Terminal| {
        let rows = terminal.history();
        let at = rows
            .iter()
            .position(|row| row == "First paragraph.")
            .unwrap();
        rows[..=at].to_vec()
    };
    let before = printed(&terminal);
    terminal.resize(30, 120);
    terminal.provider.let_go();
    terminal.sees("Third");
    assert_eq!(printed(&terminal), before);
    terminal.resize(20, 40);
    terminal.provider.let_go();
    terminal.sees("forty");
    terminal.until("what was typed", |terminal| terminal.reads("> typed"));
    let rows = terminal.history();
    let at = |text: &str| rows.iter().filter(|row| row.contains(text)).count();
    assert_eq!(
        (
            at("First paragraph."),
            at("A half line."),
            at("Third and last")
        ),
        (1, 1, 1),
        "{rows:#?}"
    );
    assert_eq!(at("typed"), 1);
}

#[test]
fn no_color_means_no_colour() {
    let provider = || {
        Provider::saying(vec![
            says(ANSWER),
            calls(&[write("new", "x\n")]),
            says("Done."),
        ])
    };
    for (variable, is_coloured) in [("NO_COLOR", false), ("SOME_COLOR", true)] {
        let setup = Setup::new().env(variable, "1").args(&["--yes"]);
        let mut terminal = setup.start(provider());
        terminal.talks("go", &["The end."]);
        terminal.talks("write", &["Done."]);
        terminal.talks("/nonsense", &["there is no command"]);
        let raw = String::from_utf8_lossy(&terminal.raw).into_owned();
        let colours = raw.match_indices("\x1b[").filter(|(at, _)| {
            let rest = &raw[at + 2..];
            let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
            let codes = &rest[..end];
            rest[end..].starts_with('m')
                && codes
                    .split(';')
                    .any(|code| code.starts_with(['3', '4', '9']) && code.len() > 1)
        });
        assert_eq!(colours.count() > 0, is_coloured, "{variable}");
        terminal.leaves();
    }
}

#[test]
fn a_dumb_terminal_gets_plain_lines() {
    let provider = Provider::saying(vec![
        Reply::Parts(vec![text("Some **bold**"), Part::Held, text(" words.\n")]),
        calls(&[write("new", "x\n")]),
        says("Done."),
    ]);
    let mut terminal = Setup::new().env("TERM", "dumb").begin(provider);
    terminal.until("the prompt", |terminal| {
        terminal.cursor() == (">".to_string(), 2)
    });
    terminal.keys("go\r");
    terminal.sees("Some **bold**");
    terminal.provider.let_go();
    terminal.sees("words.");
    terminal.keys("write\r");
    terminal.sees("say why not:");
    terminal.keys("y\r");
    terminal.sees("Done.");
    assert_eq!(
        count(&terminal.raw, b"\x1b"),
        0,
        "{}",
        String::from_utf8_lossy(&terminal.raw).escape_debug()
    );
    terminal.keys("quit\r");
    terminal.ends(0);
}

#[test]
fn what_a_model_or_a_tool_writes_can_not_steer_the_terminal() {
    let evil = "a\u{1b}[2J\u{1b}[H\u{1b}]0;title\u{7}\u{1b}]52;c;aGk=\u{7}\u{7}\u{9b}2J\u{1b}[?1049h\u{1b}c\r\u{8}z";
    let provider = Provider::new(move |request, n| match n {
        0 => calls(&[
            bash("printf 'a\\033[2J\\033]0;t\\007\\007\\033[?1049hz'; exit 1"),
            bash("cat evil"),
            ("nonsense\u{1b}[2J", json!({})),
        ]),
        1 => Reply::Parts(vec![
            Part::Delta(json!({"reasoning_content": evil})),
            text("```\n"),
            text(evil),
            text("\n```\n\n| a |\n|---|\n| "),
            text(&evil.replace('\r', "")),
            text(" |\n\n# "),
            text(evil),
            text("\nThe end."),
        ]),
        2 => Reply::Failed(400, "bad\u{1b}[2J\u{7}\u{1b}]0;title\u{7}"),
        _ => crate::provider::echo(request),
    });
    let setup = Setup::new()
        .args(&["--yes", "--verbose"])
        .file("evil", evil);
    let mut terminal = setup.start(provider);
    terminal.talks("first", &["The end."]);
    terminal.talks("second", &["error: "]);
    terminal.talks("!cat evil", &["az"]);
    let rows = terminal.history();
    assert!(
        rows[0].starts_with("CoreCoder"),
        "nothing was cleared: {rows:#?}"
    );
    assert!(
        terminal.heard().others.is_empty(),
        "{:?}",
        terminal.heard().others
    );
    assert_eq!(terminal.heard().bells, 0);
    assert!(!terminal.is_alternate());
    terminal.leaves();
}

#[test]
fn the_answer_can_be_piped_while_a_person_types_and_decides() {
    let write = calls(&[write("new", "what it writes\n")]);
    let provider = Provider::saying(vec![write, says("The **answer**."), held("x")]);
    let mut terminal = Setup::new().piped().start(provider);
    terminal.says("go");
    terminal.asked("say why not:");
    assert!(terminal.shows("? write_file new") && terminal.shows("+what it writes"));
    terminal.enters("y");
    terminal.prompt();
    terminal.enters("quit");
    terminal.ends(0);
    let output = terminal.home.read("output").unwrap();
    assert!(!output.contains("\u{1b}["), "{output:?}");
    assert!(output.contains("The **answer**."), "{output:?}");
    assert!(!output.contains("what it writes"), "{output:?}");
}

#[test]
fn more_at_work_than_the_window_has_rows_leaves_nothing_behind() {
    let provider = Provider::new(|request, _| {
        let words = last_words(request);
        let has_result = !results(request["messages"].as_array().unwrap()).is_empty();
        let tasks =
            ["a", "b", "c", "d", "e", "f", "g", "h"].map(|task| ("agent", json!({"task": task})));
        match (&*words, has_result) {
            ("delegate", false) => calls(&tasks),
            ("delegate", true) => says("All reported."),
            _ => held("Report."),
        }
    });
    let mut terminal = Setup::new().size(6, 40).start(provider);
    terminal.says("delegate");
    terminal.works();
    terminal.provider.messages(8);
    for letter in 0..10 {
        terminal.adds("§", &format!("> {}", "§".repeat(letter + 1)));
    }
    terminal.adds("\x15", ">");
    (0..8).for_each(|_| terminal.provider.let_go());
    terminal.sees("All reported.");
    terminal.prompt();
    assert_eq!(
        terminal.count("thinking") + terminal.count("§"),
        0,
        "{:#?}",
        terminal.history()
    );
    terminal.leaves();
}

#[test]
fn what_a_turn_prints_fits_a_narrow_window() {
    let long = "a rather long line of words that no window of forty columns has room for";
    let tasks = json!({"tasks": [{"task": long, "status": "in_progress"}, {"task": long, "status": "completed"}]});
    let edit = json!({"file_path": "notes.md", "old_string": "old", "new_string": long});
    let provider = Provider::saying(vec![
        calls(&[
            ("todo_write", tasks),
            bash(&format!("echo {long}; exit 3")),
            ("edit_file", edit),
            write("new", long),
        ]),
        says("Done."),
    ]);
    let setup = Setup::new().size(60, 40).file("notes.md", "some old words");
    let mut terminal = setup.args(&["--yes"]).start(provider);
    terminal.says("go");
    terminal.sees("Done.");
    terminal.prompt();
    let screen = terminal.screen();
    let begin = screen.iter().position(|row| row == "> go").unwrap();
    let broken: Vec<&String> = (begin..59)
        .filter(|row| terminal.is_wrapped(*row as u16))
        .map(|row| &screen[row])
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
    terminal.leaves();
}

#[test]
fn a_window_that_changes_at_the_prompt_keeps_the_line() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.talks("one", &["Heard: one."]);
    terminal.keys("half a line");
    terminal.until("it", |terminal| terminal.reads("> half a line"));
    for (rows, columns) in [(30, 100), (12, 40), (24, 80)] {
        terminal.resize(rows, columns);
        terminal.keys("!");
        terminal.until("it", |terminal| terminal.cursor().0.ends_with('!'));
        assert_eq!(
            terminal.count("> half a line"),
            1,
            "{:#?}",
            terminal.history()
        );
        terminal.keys("\x7f");
        terminal.until("it", |terminal| terminal.cursor().0.ends_with("line"));
    }
    terminal.submits();
    terminal.sees("Heard: half a line.");
    terminal.leaves();
}
