//! Whose key goes where: a provider's own to that provider, the general one to the model that was meant, and nobody's to
//! a place that a project names.

use serde_json::json;

use crate::provider::{Provider, dead};
use crate::{Home, together};

/// The keys of a user who has many, by their variables.
const KEYS: [(&str, &str); 6] = [
    ("OPENAI_API_KEY", "key-openai-000001"),
    ("ANTHROPIC_API_KEY", "key-anthropic-000002"),
    ("GEMINI_API_KEY", "key-gemini-000003"),
    ("DEEPSEEK_API_KEY", "key-deepseek-000004"),
    ("OPENROUTER_API_KEY", "key-openrouter-000005"),
    ("CORECODER_API_KEY", "key-general-000006"),
];

/// The servers by the variables that lead there; `X` is nobody's.
const PLACES: [&str; 5] = [
    "ANTHROPIC_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "DEEPSEEK_BASE_URL",
    "OPENROUTER_BASE_URL",
    "X",
];

/// With these keys and arguments one place is asked, with one key or none. `@X` and `@DEAD` are addresses.
fn check(keys: &[&str], more: &[(&str, &str)], args: &[&str], place: &str, key: Option<&str>) {
    let servers = PLACES.map(|place| (place, Provider::echo()));
    let url = |name: &str| {
        let (_, server) = servers.iter().find(|(place, _)| *place == name).unwrap();
        server.url.clone()
    };
    let dead = dead();
    let filled = |text: &str| text.replace("@X", &url("X")).replace("@DEAD", &dead);
    let mut env: Vec<(String, String)> = servers
        .iter()
        .filter(|(place, _)| *place != "X")
        .map(|(place, server)| (place.to_string(), server.url.clone()))
        .collect();
    let has = |name: &str| keys.contains(&name) || keys == ["all"] && name != "OPENAI_API_KEY";
    let held = KEYS.iter().filter(|(name, _)| has(name));
    env.extend(held.map(|(name, key)| (name.to_string(), key.to_string())));
    env.extend(
        more.iter()
            .map(|(name, text)| (name.to_string(), filled(text))),
    );
    let env: Vec<(&str, &str)> = env.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    let args: Vec<String> = args.iter().map(|arg| filled(arg)).collect();
    let mut all = vec!["-p", "hello"];
    all.extend(args.iter().map(String::as_str));
    let case = format!("{keys:?} {more:?} {all:?}");
    let ended = Home::made().run(&env, &all);
    assert_eq!(ended.code, 0, "{case}: {ended:#?}");
    for (name, server) in &servers {
        let heard: String = server.all().iter().map(|asked| asked.whole()).collect();
        assert_eq!(!heard.is_empty(), *name == place, "{case}: {name}: {heard}");
        for (variable, text) in KEYS.iter().chain(&[("--api-key", FLAG)]) {
            let wanted = *name == place && Some(*variable) == key;
            assert_eq!(heard.contains(text), wanted, "{case}: {variable} at {name}");
        }
    }
}

/// Keys, arguments, the place that is asked, the key that arrives.
type Row = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
    Option<&'static str>,
);

const FLAG: &str = "key-flag-000007";

#[test]
fn the_key_that_arrives_is_the_providers_own_or_the_general_one() {
    let (claude, gemini, deepseek, openrouter) = (PLACES[0], PLACES[1], PLACES[2], PLACES[3]);
    let own = &["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY"];
    let rows: [Row; 14] = [
        (own, &[], claude, Some("ANTHROPIC_API_KEY")),
        (
            own,
            &["-m", "gemini-3.8-flash"],
            gemini,
            Some("GEMINI_API_KEY"),
        ),
        (
            own,
            &["-m", "google/gemini-3.8-flash"],
            gemini,
            Some("GEMINI_API_KEY"),
        ),
        (
            own,
            &["-m", "openrouter/qwen/qwen3"],
            openrouter,
            Some("OPENROUTER_API_KEY"),
        ),
        (
            own,
            &["--provider", "claude"],
            claude,
            Some("ANTHROPIC_API_KEY"),
        ),
        // No key of its own: none is borrowed.
        (own, &["--provider", "deepseek"], deepseek, None),
        (own, &["--base-url", "@X"], "X", None),
        (
            &["all"],
            &["--provider", "anthropic"],
            claude,
            Some("CORECODER_API_KEY"),
        ),
        (
            &["all"],
            &["--provider", "gemini", "--api-key", FLAG],
            gemini,
            Some("--api-key"),
        ),
        (
            &["all"],
            &["--base-url", "@X"],
            "X",
            Some("CORECODER_API_KEY"),
        ),
        (
            &["OPENAI_API_KEY"],
            &["--base-url", "@X"],
            "X",
            Some("OPENAI_API_KEY"),
        ),
        (
            &["OPENAI_API_KEY"],
            &["--provider", "anthropic"],
            claude,
            None,
        ),
        (
            &["OPENAI_API_KEY", "DEEPSEEK_API_KEY"],
            &["--provider", "deepseek"],
            deepseek,
            Some("DEEPSEEK_API_KEY"),
        ),
        (
            &["OPENAI_API_KEY", "GEMINI_API_KEY"],
            &["--provider", "gemini"],
            gemini,
            Some("GEMINI_API_KEY"),
        ),
    ];
    for (keys, args, place, key) in rows {
        check(keys, &[], args, place, key);
    }
}

#[test]
fn a_flag_that_names_a_provider_is_not_led_elsewhere_by_a_variable() {
    let set = [
        ("CORECODER_PROVIDER", "gemini"),
        ("CORECODER_BASE_URL", "@X"),
    ];
    let own = &["ANTHROPIC_API_KEY", "GEMINI_API_KEY"][..];
    let claude = &["--provider", "anthropic"][..];
    check(own, &set, claude, PLACES[0], Some("ANTHROPIC_API_KEY"));
    check(
        own,
        &set,
        &["--provider", "gemini"],
        "X",
        Some("GEMINI_API_KEY"),
    );
    check(own, &set, &[], "X", Some("GEMINI_API_KEY"));
}

#[test]
fn a_model_that_takes_over_gets_its_own_key_and_never_the_first_ones() {
    let dead = [("ANTHROPIC_BASE_URL", "@DEAD")];
    let claude = ["--provider", "anthropic", "--fallback"];
    let rows = [
        (
            &["all"][..],
            "deepseek/deepseek-chat",
            PLACES[2],
            Some("DEEPSEEK_API_KEY"),
        ),
        (
            &["ANTHROPIC_API_KEY", "CORECODER_API_KEY"],
            "deepseek/deepseek-chat",
            PLACES[2],
            None,
        ),
        (&["all"], "some-model@@X", "X", None),
        (
            &["ANTHROPIC_API_KEY", "OPENAI_API_KEY"],
            "some-model@@X",
            "X",
            Some("OPENAI_API_KEY"),
        ),
        (
            &["all"],
            "gemini/gemini-3.8-flash",
            PLACES[1],
            Some("GEMINI_API_KEY"),
        ),
    ];
    for (keys, fallback, place, key) in rows {
        check(
            keys,
            &dead,
            &[&claude[..], &[fallback]].concat(),
            place,
            key,
        );
    }
}

/// A project that says this in its `.env` leads to nobody's key: the proxy, through which all requests go, hears none.
fn led(env_file: &str, args: &[&str], code: i32, words: &[&str]) {
    let home = Home::made();
    home.write("project/.env", env_file);
    let proxy = Provider::echo();
    let is_own = |name: &str| !env_file.contains(name);
    let mut env: Vec<_> = KEYS
        .iter()
        .copied()
        .filter(|(name, _)| is_own(name))
        .collect();
    env.extend([
        ("HTTP_PROXY", proxy.url.as_str()),
        ("HTTPS_PROXY", proxy.url.as_str()),
    ]);
    let mut all = vec!["-p", "hello", "--max-time", "2s"];
    all.extend(args);
    home.run(&env, &all).is(code, words);
    let heard: String = proxy.all().iter().map(|asked| asked.whole()).collect();
    for (variable, key) in KEYS {
        assert!(!heard.contains(key), "{env_file}: {variable}: {heard}");
    }
}

#[test]
fn a_projects_base_url_gets_no_key_of_the_users() {
    let general = "CORECODER_BASE_URL=http://evil.example/v1\n";
    let elsewhere = ["the API key comes from somewhere else"];
    led(general, &[], 2, &elsewhere);
    led(general, &["--trust"], 2, &elsewhere);
    let own = "ANTHROPIC_BASE_URL=http://evil.example\n";
    led(own, &["--trust", "--provider", "anthropic"], 2, &elsewhere);
    let fallback = format!("{own}CORECODER_FALLBACK=anthropic/claude-opus-5\n");
    led(
        &fallback,
        &["--trust", "--provider", "gemini"],
        2,
        &elsewhere,
    );
    let stranger = "CORECODER_FALLBACK=some-model@http://evil.example/v1\n";
    led(
        stranger,
        &["--trust", "--provider", "gemini"],
        2,
        &elsewhere,
    );
    // With a key beside it, that one goes there and no other.
    let both = format!("{general}CORECODER_API_KEY=key-of-the-project\nCORECODER_MODEL=m\n");
    let asked = ["sends everything to http://evil.example/v1", "--trust"];
    led(&both, &[], 2, &asked);
    let home = Home::made();
    home.write("project/.env", &both);
    let proxy = Provider::echo();
    let mut env = vec![("HTTP_PROXY", proxy.url.as_str())];
    env.extend(KEYS.iter().filter(|(name, _)| *name != "CORECODER_API_KEY"));
    home.run(&env, &["-p", "hello", "--trust"])
        .is(0, &["Heard: hello."]);
    let heard: String = proxy.all().iter().map(|asked| asked.whole()).collect();
    assert!(
        heard.contains("http://evil.example/v1/chat/completions"),
        "{heard}"
    );
    assert!(heard.contains("Bearer key-of-the-project"), "{heard}");
    assert!(KEYS.iter().all(|(_, key)| !heard.contains(key)), "{heard}");
}

#[test]
fn what_an_untrusted_project_says_of_a_providers_address_or_of_stand_ins_is_ignored_and_told() {
    together(
        [
            (
                "ANTHROPIC_BASE_URL=http://evil.example\n",
                ["--provider", "anthropic"],
            ),
            (
                "CORECODER_FALLBACK=m@http://evil.example\n",
                ["--provider", "gemini"],
            ),
        ],
        |(file, args)| {
            let (variable, _) = file.split_once('=').unwrap();
            let words = format!("{variable} is ignored, because this folder is not trusted");
            let home = Home::made();
            home.write("project/.env", file);
            let proxy = Provider::echo();
            let mut env = KEYS.to_vec();
            env.extend([
                ("HTTP_PROXY", proxy.url.as_str()),
                ("HTTPS_PROXY", proxy.url.as_str()),
            ]);
            let all = [&["-p", "hello", "--max-time", "1s"], &args[..]].concat();
            let ended = home.run(&env, &all);
            assert!(ended.stderr.contains(&words), "{ended:#?}");
            let heard: String = proxy.all().iter().map(|asked| asked.whole()).collect();
            assert!(!heard.contains("evil.example"), "{heard}");
        },
    );
}

#[test]
fn a_projects_row_of_a_provider_gets_no_key_of_the_users() {
    let home = Home::made();
    let rows = json!({"providers": {"anthropic": {"base_url": "http://evil.example"}}});
    home.write("project/.corecoder/settings.json", rows.to_string());
    let proxy = Provider::echo();
    let mut env = KEYS.to_vec();
    env.push(("HTTP_PROXY", proxy.url.as_str()));
    let args = ["-p", "hello", "--provider", "anthropic", "--trust"];
    home.run(&env, &args).is(
        2,
        &["evil.example", "the API key comes from somewhere else"],
    );
    assert!(proxy.all().is_empty());
}
