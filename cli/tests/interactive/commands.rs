//! Commands that answer without the model.

use serde_json::json;

use crate::provider::Provider;
use crate::terminal::Setup;

#[test]
fn help_names_every_command_and_fits_the_window() {
    let mut terminal = Setup::new().size(50, 80).start(Provider::saying(vec![]));
    terminal.talks("/help", &["Tab completes"]);
    for command in "/help /model /mode /plan /skills /hooks /trust /tokens /compact /diff /undo /redo /rewind /save /sessions /reset quit @PATH !CMD".split(' ') {
        assert!(terminal.shows(command), "{command}");
    }
    let wrapped = (0..50).find(|row| terminal.is_wrapped(*row));
    let wrapped = wrapped.map(|row| terminal.screen()[usize::from(row)].clone());
    assert!(wrapped.is_none(), "{wrapped:?}");
    terminal.leaves();
}

#[test]
fn a_command_that_is_none_names_the_nearest() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    for (typed, near) in [
        ("/hlep", "/help"),
        ("/token", "/tokens"),
        ("/modell x", "/model"),
        ("/rewnd 2", "/rewind"),
    ] {
        terminal.talks(typed, &[&format!("; {near} is near it")]);
    }
    terminal.talks("/etc/passwd is what?", &["Heard: /etc/passwd is what?."]);
    terminal.leaves();
}

#[test]
fn a_model_that_is_not_listed_is_told_with_those_near_it() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.talks("/model", &["first-model"]);
    terminal.talks(
        "/model secnd-model",
        &["first-model → secnd-model", "second-model"],
    );
    terminal.talks("/model second-model", &["secnd-model → second-model"]);
    terminal.talks("go", &["Heard: go."]);
    assert_eq!(terminal.provider.requests()[0]["model"], "second-model");
    terminal.leaves();
}

#[test]
fn tokens_are_told_in_money_where_the_price_is_known() {
    let prices = json!({"prices": {"first-model": {"input": 100.0, "output": 1000.0}}});
    for (settings, money) in [
        (prices, "$0.11"),
        (json!({}), "the price of this model is not known"),
    ] {
        let mut terminal = Setup::new()
            .settings(settings)
            .start(Provider::saying(vec![]));
        terminal.talks("go", &["Heard: go."]);
        terminal.talks("/tokens", &["1000 in (0 of them cached), 10 out", money]);
        terminal.leaves();
    }
}

#[test]
fn hooks_and_skills_say_where_they_would_stand_if_there_are_none() {
    let mut terminal = Setup::new().start(Provider::saying(vec![]));
    terminal.talks("/hooks", &["there are none; they stand in settings.json"]);
    terminal.talks("/skills", &["there are none; a skill is a file"]);
    terminal.leaves();
    let hook = json!({"type": "command", "command": "echo hooked"});
    let setup = Setup::new().settings(json!({"hooks": {"UserPromptSubmit": [{"hooks": [hook]}]}}));
    let mut terminal = setup.start(Provider::saying(vec![]));
    terminal.talks("/hooks", &["UserPromptSubmit", "echo hooked"]);
    terminal.leaves();
}
