//! Modes: how they change, who is told, and what plan mode refuses, asks and hands on.

use serde_json::{Value, json};

use crate::provider::{Provider, Reply, bash, calls, held, held_calls, results, says, write};
use crate::terminal::{Setup, Terminal};

const CARRY_OUT: &str = "Carry it out?";

fn plan(text: &str) -> Reply {
    calls(&[("present_plan", json!({"plan": text}))])
}

/// The mode that stands in the status line below the prompt.
#[track_caller]
fn shows_mode(terminal: &mut Terminal, mode: &str) {
    let line = format!("{mode} · first-model");
    terminal.until(&line, |terminal| {
        let screen = terminal.screen();
        let last = screen.iter().rfind(|line| !line.is_empty());
        last.is_some_and(|last| last.starts_with(&line))
    });
}

#[test]
fn shift_tab_goes_round_the_modes_but_not_to_yolo_and_keeps_what_is_typed() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    shows_mode(&mut terminal, "ask");
    terminal.keys("half");
    for mode in ["accept-edits", "plan", "ask", "accept-edits"] {
        terminal.keys("\x1b[Z");
        shows_mode(&mut terminal, mode);
        assert_eq!(terminal.cursor(), ("> half".to_string(), 6));
    }
    terminal.submits();
    terminal.sees("Heard: half.");
    terminal.talks("/mode yolo", &[]);
    shows_mode(&mut terminal, "yolo");
    terminal.keys("\x1b[Z");
    shows_mode(&mut terminal, "ask");
    terminal.leaves();
}

#[test]
fn a_mode_is_set_by_command_flag_and_setting() {
    for (args, settings, mode) in [
        (&["--mode", "plan"][..], json!({}), "plan"),
        (&["--yes"][..], json!({}), "yolo"),
        (&[][..], json!({"mode": "accept-edits"}), "accept-edits"),
    ] {
        let setup = Setup::new().args(args).settings(settings);
        let mut terminal = setup.start(Provider::saying(vec![]));
        shows_mode(&mut terminal, mode);
        terminal.talks("/mode yolo", &[]);
        shows_mode(&mut terminal, "yolo");
        terminal.talks(
            "/mode nonsense",
            &["there are ask, accept-edits, plan and yolo"],
        );
        shows_mode(&mut terminal, "yolo");
        terminal.leaves();
    }
}

#[test]
fn shift_tab_while_the_agent_works_counts_for_what_comes() {
    let provider = Provider::saying(vec![held_calls(&[write("new", "x\n")]), says("Written.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("write");
    terminal.works();
    terminal.keys("\x1b[Z");
    shows_mode(&mut terminal, "accept-edits");
    terminal.provider.let_go();
    terminal.sees("Written.");
    terminal.prompt();
    shows_mode(&mut terminal, "accept-edits");
    assert_eq!(terminal.home.read("project/new").unwrap(), "x\n");
    terminal.leaves();
}

#[test]
fn what_was_sent_stays_byte_by_byte_and_the_mode_is_told_behind_it() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.talks("one", &["Heard: one."]);
    terminal.talks("/mode plan", &[]);
    terminal.talks("two", &["Heard: two."]);
    terminal.talks("/mode ask", &[]);
    terminal.talks("three", &["Heard: three."]);
    let requests = terminal.provider.requests();
    let messages: Vec<&Vec<Value>> = requests
        .iter()
        .map(|request| request["messages"].as_array().unwrap())
        .collect();
    for pair in messages.windows(2) {
        let [before, after] = pair else {
            unreachable!()
        };
        assert_eq!(
            json!(before[..]).to_string(),
            json!(after[..before.len()]).to_string()
        );
    }
    for request in &requests[1..] {
        assert_eq!(requests[0]["tools"], request["tools"]);
    }
    let added = |n: usize| json!(messages[n][messages[n - 1].len()..]).to_string();
    assert!(
        !messages[0]
            .iter()
            .any(|message| message.to_string().contains("[plan mode"))
    );
    assert!(added(1).contains("[plan mode is on]"), "{}", added(1));
    assert!(added(2).contains("[plan mode is over]"), "{}", added(2));
    assert!(!terminal.shows("[plan mode"), "the person knows");
    terminal.leaves();
}

#[test]
fn plan_mode_refuses_writes_with_words_and_asks_nothing() {
    let provider = Provider::saying(vec![
        calls(&[write("new", "x"), bash("touch new"), bash("ls")]),
        says("So it is."),
    ]);
    let mut terminal = Setup::new().args(&["--mode", "plan"]).start(provider);
    terminal.talks("go", &["So it is.", "still in plan mode"]);
    let told = results(&terminal.provider.messages(1));
    for refused in &told[..2] {
        assert!(
            refused.contains("Plan mode: nothing may be changed"),
            "{refused}"
        );
    }
    assert!(!told[2].contains("Plan mode"), "{told:?}");
    assert!(!terminal.shows("[y]es"));
    assert!(terminal.home.read("project/new").is_none());
    terminal.leaves();
}

/// A plan is answered with `answer`: the mode after it, and what the model is told of it.
#[test]
fn an_approved_plan_is_carried_out_in_the_same_turn() {
    for (answer, mode, asks) in [("y", "ask", true), ("a", "accept-edits", false)] {
        let provider = Provider::saying(vec![
            plan("# The plan\n\n1. Write **new**."),
            calls(&[write("new", "x\n")]),
            says("Carried out."),
        ]);
        let mut terminal = Setup::new().start(provider);
        terminal.says("/plan do it");
        terminal.asked(CARRY_OUT);
        assert!(terminal.shows("The plan") && terminal.shows("1. Write new."));
        assert!(terminal.cell("The plan").bold() && terminal.cell("new.").bold());
        terminal.enters(answer);
        if asks {
            terminal.answers("say why not:", "y");
        }
        terminal.sees("Carried out.");
        terminal.prompt();
        shows_mode(&mut terminal, mode);
        assert_eq!(terminal.home.read("project/new").unwrap(), "x\n");
        let told = json!(terminal.provider.messages(1)).to_string();
        assert!(told.contains("The user approved the plan"), "{told}");
        assert!(told.contains("[plan mode is over]"), "{told}");
        assert_eq!(terminal.provider.requests().len(), 3, "one turn");
        terminal.leaves();
    }
}

#[test]
fn a_plan_is_rejected_or_sent_back_with_words() {
    let provider = Provider::saying(vec![
        plan("First plan."),
        plan("Second plan."),
        says("What instead?"),
    ]);
    let mut terminal = Setup::new().args(&["--mode", "plan"]).start(provider);
    terminal.says("do it");
    terminal.answers(CARRY_OUT, "smaller steps, please");
    terminal.sees("Second plan.");
    terminal.answers(CARRY_OUT, "n");
    terminal.sees("What instead?");
    terminal.prompt();
    shows_mode(&mut terminal, "plan");
    let told = results(&terminal.provider.messages(2));
    assert!(told[0].contains("smaller steps, please"), "{told:?}");
    assert!(told[1].contains("rejects this plan"), "{told:?}");
    terminal.leaves();
}

#[test]
fn ctrl_c_at_a_plan_stops_the_run_and_plan_mode_stays() {
    let provider = Provider::saying(vec![plan("The plan.")]);
    let mut terminal = Setup::new().args(&["--mode", "plan"]).start(provider);
    terminal.says("do it");
    terminal.asked(CARRY_OUT);
    terminal.keys("\x03");
    terminal.sees("the conversation goes on");
    terminal.prompt();
    shows_mode(&mut terminal, "plan");
    terminal.talks("and now", &["Heard: and now."]);
    terminal.leaves();
}

#[test]
fn a_plan_is_edited_with_the_editor_of_the_user() {
    let provider = Provider::saying(vec![plan("Write new."), says("As you say.")]);
    let setup = Setup::new().file("bin/my editor", "#!/bin/sh\nsed -i s/new/other/ \"$2\"\n");
    setup.path_with("bin");
    let editor = format!("'{}' --wait", setup.project("bin/my editor").display());
    let mut terminal = setup.env("EDITOR", &editor).start(provider);
    terminal.says("/plan do it");
    terminal.answers(CARRY_OUT, "e");
    terminal.sees("Write other.");
    terminal.answers(CARRY_OUT, "y");
    terminal.sees("As you say.");
    let told = results(&terminal.provider.messages(1));
    assert!(told[0].contains("The user changed the plan") && told[0].contains("Write other."));
    terminal.leaves();
}

#[test]
fn a_plan_is_edited_in_the_line_without_an_editor() {
    let provider = Provider::saying(vec![plan("Write new"), says("As you say.")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("/plan do it");
    terminal.answers(CARRY_OUT, "e");
    terminal.asked("Write new");
    terminal.enters(" and old");
    terminal.answers(CARRY_OUT, "y");
    terminal.sees("As you say.");
    let told = results(&terminal.provider.messages(1));
    assert!(told[0].contains("Write new and old"), "{told:?}");
    terminal.leaves();
}

#[test]
fn an_editor_that_fails_leaves_the_plan_as_it_is() {
    let provider = Provider::saying(vec![plan("Write new."), says("As you say.")]);
    let mut terminal = Setup::new().env("EDITOR", "false").start(provider);
    terminal.says("/plan do it");
    terminal.answers(CARRY_OUT, "e");
    terminal.sees("the plan stays as it is");
    terminal.answers(CARRY_OUT, "y");
    terminal.sees("As you say.");
    let told = results(&terminal.provider.messages(1));
    assert!(!told[0].contains("changed the plan"), "{told:?}");
    terminal.leaves();
}

#[test]
fn a_plan_with_escape_sequences_can_not_hide_anything() {
    let text = "Delete all.\u{1b}[2K\u{1b}[1GRead a file.\u{1b}]0;title\u{7}";
    let provider = Provider::saying(vec![plan(text), held("x")]);
    let mut terminal = Setup::new().start(provider);
    terminal.says("/plan do it");
    terminal.asked(CARRY_OUT);
    terminal.sees("Delete all.");
    assert!(terminal.heard().others.is_empty() && terminal.heard().bells == 0);
}

#[test]
fn a_plan_is_shown_where_it_is_decided_also_while_the_output_goes_elsewhere() {
    let plan = json!({"plan": "# The plan\n\n1. Change `a.txt`"});
    let provider = Provider::saying(vec![calls(&[("present_plan", plan)]), says("Stopped.")]);
    let setup = Setup::new().args(&["--mode", "plan"]).piped();
    let mut terminal = setup.begin(provider);
    terminal.says("plan it");
    terminal.asked(CARRY_OUT);
    assert!(terminal.shows("The plan") && terminal.shows("1. Change"));
    terminal.enters("n");
    terminal.prompt();
    terminal.leaves();
}
