//! Where a setting comes from, and how that is shown.

use serde_json::{Value, json};

use crate::place::Place;
use crate::provider::{Answer, Provider, calls, says};
use crate::{ended, lines};

/// A provider whose model never comes to an end.
fn tireless() -> Provider {
    Provider::new(|n, _| {
        let pattern = json!({"pattern": format!("{n}.none")});
        Answer::Delta(calls(&[("glob", pattern)]))
    })
}

/// The line of `corecoder config` for this setting: its value and where that comes from.
fn shown(config: &str, name: &str) -> (String, String) {
    let own = |line: &&str| line.starts_with(&format!("{name} "));
    let line = config.lines().find(own).unwrap();
    let (value, origin) = line[name.len()..].trim().rsplit_once("  (").unwrap();
    (value.to_string(), origin.trim_end_matches(')').to_string())
}

/// What each layer says of model, mode, max_turns and temperature.
type Said = (&'static str, &'static str, u64, f64);
const USER: Said = ("of-user", "accept-edits", 6, 0.1);
const PROJECT: Said = ("of-project", "plan", 5, 0.2);
const DOTENV: Said = ("of-dotenv", "accept-edits", 4, 0.3);
const ENVIRONMENT: Said = ("of-environment", "plan", 3, 0.4);
const FLAGS: Said = ("of-flags", "accept-edits", 2, 0.4);

fn file((model, mode, max_turns, temperature): Said) -> String {
    json!({"model": model, "mode": mode, "max_turns": max_turns, "temperature": temperature})
        .to_string()
}

fn variables((model, mode, max_turns, temperature): Said) -> [(&'static str, String); 4] {
    [
        ("CORECODER_MODEL", model.to_string()),
        ("CORECODER_MODE", mode.to_string()),
        ("CORECODER_MAX_TURNS", max_turns.to_string()),
        ("CORECODER_TEMPERATURE", temperature.to_string()),
    ]
}

/// A place in which the first so many layers speak, and the arguments of the last.
fn layered(count: usize) -> (Place, Vec<&'static str>) {
    let place = Place::new();
    if count > 0 {
        place.own(".corecoder/settings.json", &file(USER));
    }
    if count > 1 {
        place.brings(".corecoder/settings.json", &file(PROJECT));
    }
    if count > 2 {
        let line = |(name, value)| format!("{name}={value}\n");
        let text: String = variables(DOTENV).into_iter().map(line).collect();
        place.brings(".env", &text);
    }
    let mut args = vec!["--trust"];
    if count > 4 {
        args.extend(["-m", FLAGS.0, "--mode", FLAGS.1, "--max-turns", "2"]);
    }
    (place, args)
}

#[test]
fn flags_stand_above_the_environment_above_the_project_above_the_user_above_the_defaults() {
    let expected = [
        ("gpt-5.5", "ask", 50, Value::Null),
        (USER.0, USER.1, USER.2, json!(USER.3)),
        (PROJECT.0, PROJECT.1, PROJECT.2, json!(PROJECT.3)),
        (DOTENV.0, DOTENV.1, DOTENV.2, json!(DOTENV.3)),
        (
            ENVIRONMENT.0,
            ENVIRONMENT.1,
            ENVIRONMENT.2,
            json!(ENVIRONMENT.3),
        ),
        (FLAGS.0, FLAGS.1, FLAGS.2, json!(FLAGS.3)),
    ];
    for (count, (model, mode, max_turns, temperature)) in expected.into_iter().enumerate() {
        let ((place, mut args), provider) = (layered(count), tireless());
        args.extend(["-p", "go", "--output-format", "stream-json"]);
        let mut command = place.corecoder(&provider, &args);
        if count > 3 {
            command.envs(variables(ENVIRONMENT));
        }
        let (code, stdout, stderr) = ended(&mut command);
        assert_eq!(code, 3, "{count}: {stderr}");
        let lines = lines(&stdout);
        let result = lines.last().unwrap();
        let found = (
            &lines[0]["model"],
            &lines[0]["permissionMode"],
            &result["num_turns"],
        );
        assert_eq!(
            found,
            (&json!(model), &json!(claude(mode)), &json!(max_turns)),
            "{count}"
        );
        let request = &provider.requests()[0];
        assert_eq!(
            (&request["model"], &request["temperature"]),
            (&json!(model), &temperature)
        );
    }
}

#[test]
fn config_shows_each_value_with_its_origin() {
    let origins = [
        "default",
        "home/.corecoder/settings.json",
        "project/.corecoder/settings.json",
        "project/.env",
        "CORECODER_",
        "--m",
    ];
    let said = [
        ("gpt-5.5", "ask", 50, 0.0),
        USER,
        PROJECT,
        DOTENV,
        ENVIRONMENT,
        FLAGS,
    ];
    for (count, (origin, (model, mode, max_turns, temperature))) in
        origins.into_iter().zip(said).enumerate()
    {
        let (place, mut args) = layered(count);
        args.push("config");

        let mut command = place.bare(&args);
        if count > 3 {
            command.envs(variables(ENVIRONMENT));
        }
        let (code, stdout, stderr) = ended(&mut command);
        assert_eq!((code, stderr.as_str()), (0, ""));
        let temperature = match count {
            0 => "the server's".to_string(),
            _ => temperature.to_string(),
        };
        let max_turns = max_turns.to_string();
        let rows = [("model", model), ("mode", mode), ("max_turns", &max_turns)];
        for (name, value) in rows {
            let found = shown(&stdout, name);
            assert_eq!(found.0, value, "{count}: {stdout}");
            assert!(
                found.1.contains(origin),
                "{name}: {} is not {origin}",
                found.1
            );
        }
        assert_eq!(
            shown(&stdout, "temperature").0,
            temperature,
            "{count}: {stdout}"
        );
    }
}

#[test]
fn config_names_every_setting_and_what_it_means() {
    let (code, stdout, _) = ended(&mut Place::new().bare(&["config"]));
    assert_eq!(code, 0);
    let names = "model base_url api_key max_tokens temperature max_context max_turns mode verbose notify notify_after \
                 permissions hooks prices";
    for name in names.split_whitespace() {
        let own = |line: &&str| line.split_whitespace().next() == Some(name);
        assert_eq!(stdout.lines().filter(own).count(), 2, "{name}: {stdout}");
    }
}

#[test]
fn config_shows_what_is_used_and_not_what_could_not_be_used() {
    let place = Place::new();
    place
        .own(
            ".corecoder/settings.json",
            r#"{"model": "good", "max_turns": 7}"#,
        )
        .brings(
            ".corecoder/settings.json",
            r#"{"model": 5, "max_turns": "many"}"#,
        );
    let mut command = place.bare(&["--trust", "config"]);
    let (_, stdout, stderr) = ended(command.env("CORECODER_MODE", "anything"));
    let found = ["model", "max_turns", "mode"].map(|name| shown(&stdout, name).0);
    assert_eq!(found, ["good", "7", "ask"], "{stdout}");
    assert!(stderr.contains("CORECODER_MODE must be one of"), "{stderr}");
}

#[test]
fn no_key_is_ever_shown() {
    let key = "sk-live-0123456789abcdef";
    let settings = json!({"api_key": key, "base_url": "http://127.0.0.1:9/v1"}).to_string();
    let dotenv = format!("CORECODER_API_KEY={key}\n");
    type Case<'a> = (
        &'a str,
        &'a dyn Fn(&Place),
        &'a [(&'a str, &'a str)],
        &'a [&'a str],
    );
    let cases: [Case<'_>; 6] = [
        (
            "file",
            &|place| {
                place.own(".corecoder/settings.json", &settings);
            },
            &[],
            &[],
        ),
        (
            "project",
            &|place| {
                place.brings(".corecoder/settings.json", &settings);
            },
            &[],
            &[],
        ),
        (
            ".env",
            &|place| {
                place.brings(".env", &dotenv);
            },
            &[],
            &[],
        ),
        ("variable", &|_| {}, &[("OPENAI_API_KEY", key)], &[]),
        ("flag", &|_| {}, &[], &["--api-key", key]),
        (
            "wrong type",
            &|place| {
                place.own(
                    ".corecoder/settings.json",
                    &json!({"api_key": [key]}).to_string(),
                );
            },
            &[],
            &[],
        ),
    ];
    for (name, prepare, variables, args) in cases {
        let place = Place::new();
        prepare(&place);
        for command in ["config", "doctor"] {
            let args = [&["--trust"], args, &[command]].concat();
            let mut command = place.bare(&args);
            command
                .envs(variables.iter().copied())
                .env("CORECODER_BASE_URL", "http://127.0.0.1:9/v1");
            let (_, stdout, stderr) = ended(&mut command);
            let said = stdout + &stderr;
            assert!(!said.contains(&key[..20]), "{name}: {said}");
            assert!(name == "wrong type" || said.contains("cdef") || said.contains("key: is set"));
        }
    }
}

#[test]
fn a_key_that_two_variables_set_is_shown_with_the_one_that_is_used() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    place.brings(".env", "CORECODER_API_KEY=first-key-0000-aaaa\n");
    let run = |args: &[&str]| {
        let mut command = place.corecoder(&provider, args);
        ended(command.env("OPENAI_API_KEY", "other-key-0000-bbbb")).1
    };
    run(&["-p", "hi"]);
    assert_eq!(provider.keys(), ["Bearer first-key-0000-aaaa"]);
    let (value, origin) = shown(&run(&["config"]), "api_key");
    assert!(
        value.ends_with("aaaa") && origin.ends_with(".env"),
        "{value} {origin}"
    );
}

#[test]
fn a_variable_that_is_empty_is_not_set() {
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    place.own(
        ".corecoder/settings.json",
        r#"{"model": "of-file", "temperature": 0.5}"#,
    );
    let mut command = place.corecoder(&provider, &["-p", "hi"]);
    ended(
        command
            .env("CORECODER_MODEL", "")
            .env("CORECODER_TEMPERATURE", ""),
    );
    assert_eq!(provider.requests()[0]["model"], "of-file");
    assert_eq!(provider.requests()[0]["temperature"], 0.5);
}

#[test]
fn a_setting_that_does_not_exist_is_named_with_the_nearest_and_the_run_goes_on() {
    let rows = [
        ("modle", "did you mean \"model\"?"),
        ("maxTurns", "did you mean \"max_turns\"?"),
        ("permission", "did you mean \"permissions\"?"),
        ("zzz", "there is no setting \"zzz\""),
    ];
    for (name, expected) in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let settings = json!({name: "x", "model": "m", "$schema": "x"}).to_string();
        place.own(".corecoder/settings.json", &settings);
        let (stdout, stderr) = place.done(&provider, &["-p", "hi"]);
        assert_eq!(stdout, "ok\n");
        assert!(
            stderr.contains(expected) && stderr.contains("settings.json"),
            "{stderr}"
        );
        assert!(!stderr.contains("$schema"), "{stderr}");
        assert_eq!(provider.requests()[0]["model"], "m");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_ignored_alone_and_said_once() {
    let rows = [
        (
            r#""max_turns": "5""#,
            "\"max_turns\" must be a whole number above 0, not \"5\"",
        ),
        (
            r#""max_turns": 0"#,
            "\"max_turns\" must be a whole number above 0, not 0",
        ),
        (
            r#""temperature": 3"#,
            "\"temperature\" must be a number from 0 to 2, not 3",
        ),
        (
            r#""mode": "fast""#,
            "\"mode\" must be one of ask, accept-edits, plan, yolo, not \"fast\"",
        ),
        (r#""verbose": "yes""#, "\"verbose\" must be true or false"),
        (
            r#""base_url": null"#,
            "\"base_url\" must be a text, not null",
        ),
        (
            r#""permissions": []"#,
            "permissions is no object with allow, ask and deny",
        ),
        (
            r#""permissions": {"allow": "bash"}"#,
            "permissions.allow is no list of rules",
        ),
        (
            r#""permissions": {"allow": ["bash(ls"]}"#,
            "permissions.allow[0] \"bash(ls\": a rule is",
        ),
        (r#""hooks": 5"#, "hooks: must map events to lists"),
        (r#""hooks": {"Stopp": []}"#, "`Stopp` is no event here"),
        (r#""prices": 5"#, "\"prices\" must be an object"),
        (r#""prices": {"m": 5}"#, "the price of \"m\" is ignored"),
    ];
    for (wrong, expected) in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        place.own(
            ".corecoder/settings.json",
            &format!(r#"{{{wrong}, "model": "m"}}"#),
        );
        let (stdout, stderr) = place.done(&provider, &["-p", "hi"]);
        assert_eq!(stdout, "ok\n");
        assert!(stderr.contains(expected), "{wrong}: {stderr}");
        let said = stderr.lines().filter(|line| line.contains("settings.json"));
        assert_eq!(said.count(), 1, "{wrong}: {stderr}");
        assert_eq!(provider.requests()[0]["model"], "m");
    }
}

#[test]
fn hooks_that_claude_codes_settings_switch_off_do_not_run() {
    for off in [false, true] {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        let hooks =
            json!({"SessionStart": [{"hooks": [{"type": "command", "command": "echo hooked"}]}]});
        let settings = json!({"disableAllHooks": off, "hooks": hooks});
        place.own(".claude/settings.json", &settings.to_string());
        let (_, stderr) = place.done(&provider, &["-p", "hi"]);
        assert_eq!(provider.told(0).contains("hooked"), !off, "{stderr}");
        assert!(!stderr.contains("settings.json"), "{stderr}");
    }
}

/// A mode as Claude Code calls it.
fn claude(mode: &str) -> &str {
    match mode {
        "ask" => "default",
        "accept-edits" => "acceptEdits",
        mode => mode,
    }
}
