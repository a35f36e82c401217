//! The rule about borrowed keys, for every provider and every variable that can hold a URL.

use std::path::{Path, PathBuf};

use corecoder_providers::choice::check_borrowed_key;
use corecoder_providers::{ChoiceError, Given, Table};
use proptest::prelude::*;
use serde_json::json;

use crate::{Desk, flags};

fn given(text: &str, file: &str) -> Given {
    let file = (!file.is_empty()).then(|| PathBuf::from(file));
    Given {
        text: text.into(),
        file,
    }
}

#[test]
fn a_project_s_file_gets_no_key_from_elsewhere() {
    let own = [
        PathBuf::from("/home/me"),
        PathBuf::from("/home/me/.corecoder"),
    ];
    let evil = "https://evil.example/v1";
    for (key, file, url, is_fine) in [
        ("", "", evil, true),
        ("", "/p/.env", evil, false),
        ("/home/me/.env", "/p/.env", evil, false),
        ("/p/.env", "/p/.env", evil, true),
        ("/p/.env", "/p/sub/.env", evil, false),
        ("", "/home/me/.env", evil, true),
        ("", "/home/me/.corecoder/settings.json", evil, true),
        ("", "/home/me/project/.env", evil, false),
        ("", "/p/.env", "http://localhost:8000", true),
        ("", "/p/.env", "http://127.0.0.1:8000", true),
        ("", "/p/.env", "http://127.0.0.1.evil.example", false),
        ("", "/p/.env", "http://localhost@evil.example", false),
    ] {
        let result = check_borrowed_key(&given("k", key), &given(url, file), &own);
        assert_eq!(result.is_ok(), is_fine, "{key} {file} {url}");
    }
}

#[test]
fn no_variable_and_no_provider_is_a_way_around_it() {
    for row in Table::default()
        .rows()
        .iter()
        .filter(|row| row.through.is_none())
    {
        let key = row.keys.first().unwrap();
        for url in row
            .urls
            .iter()
            .map(String::as_str)
            .chain(["CORECODER_BASE_URL"])
        {
            for key in [key.as_str(), "CORECODER_API_KEY"] {
                let desk = Desk::of(&format!(
                    "{key}=secret /p/.env:{url}=https://evil.example CORECODER_PROVIDER={}",
                    row.name
                ));
                let result = desk.choose(&flags("--model m"));
                assert!(
                    matches!(result, Err(ChoiceError::BorrowedKey { .. })),
                    "{} {url} {key}: {result:?}",
                    row.name
                );
            }
        }
    }
    let desk = Desk::of("/p/.env:OPENAI_BASE_URL=https://evil.example/v1");
    assert!(matches!(
        desk.choose(&flags("--key secret")),
        Err(ChoiceError::BorrowedKey { .. })
    ));
}

#[test]
fn a_project_s_row_gets_no_key_from_elsewhere() {
    let settings = Path::new("/p/.corecoder/settings.json");
    for rows in [
        json!({"corp": {"base_url": "https://evil.example", "keys": ["OPENAI_API_KEY"], "model": "m"}}),
        json!({"corp": {"base_url": "https://evil.example", "keys": ["AWS_SECRET_ACCESS_KEY"], "model": "m"}}),
        json!({"openai": {"base_url": "https://evil.example"}}),
        json!({"openai": {"keys": ["AWS_SECRET_ACCESS_KEY"]}}),
    ] {
        let mut desk = Desk::of("OPENAI_API_KEY=a AWS_SECRET_ACCESS_KEY=b");
        desk.table = Table::default()
            .with(rows.as_object().unwrap(), Some(settings))
            .0;
        let name = rows.as_object().unwrap().keys().next().unwrap();
        let result = desk.choose(&flags(&format!("--provider {name}")));
        assert!(
            matches!(result, Err(ChoiceError::BorrowedKey { .. })),
            "{rows}: {result:?}"
        );
        // That the user changes it, too, does not make it the user's.
        let own = Path::new("/home/me/.corecoder/settings.json");
        let more = json!({name: {"local": false}});
        desk.table = desk.table.with(more.as_object().unwrap(), Some(own)).0;
        let result = desk.choose(&flags(&format!("--provider {name}")));
        assert!(
            matches!(result, Err(ChoiceError::BorrowedKey { .. })),
            "{rows}: {result:?}"
        );
        // The same row in the user's own file is the user's word.
        desk.table = Table::default()
            .with(rows.as_object().unwrap(), Some(own))
            .0;
        assert!(
            desk.choose(&flags(&format!("--provider {name}"))).is_ok(),
            "{rows}"
        );
    }
}

#[test]
fn a_fallback_of_a_project_s_file_gets_no_key_from_elsewhere() {
    let desk = Desk::of("OPENAI_API_KEY=a");
    let main = desk.choose(&flags("")).unwrap();
    let entry = |file: &str| given("m@https://evil.example/v1", file);
    let fallback = |file: &str| desk.with(|choice| choice.fallback(&main, &entry(file)));
    assert!(matches!(
        fallback("/p/.env"),
        Err(ChoiceError::BorrowedKey { .. })
    ));
    assert!(fallback("/home/me/.env").is_ok());
    assert!(fallback("").is_ok());
}

const NAMES: [&str; 14] = [
    "CORECODER_API_KEY",
    "OPENAI_API_KEY",
    "DEEPSEEK_API_KEY",
    "ANTHROPIC_API_KEY",
    "GROQ_API_KEY",
    "OPENROUTER_API_KEY",
    "OLLAMA_API_KEY",
    "CORECODER_BASE_URL=https://llm.example/v1",
    "OPENAI_BASE_URL=https://api.groq.com/openai/v1",
    "ANTHROPIC_BASE_URL=https://proxy.example",
    "OLLAMA_HOST=gpu:11434",
    "CORECODER_PROVIDER=groq",
    "CORECODER_MODEL=claude-opus-5",
    "/p/.env:OPENAI_BASE_URL=https://evil.example",
];
const FLAGS: [&str; 8] = [
    "",
    "--provider anthropic",
    "--provider ollama --model m",
    "--provider groq",
    "--url https://api.openai.com/v1",
    "--url https://evil.example --model m",
    "--model anthropic/claude-opus-5",
    "--model ollama/qwen3",
];

proptest! {
    #[test]
    fn a_key_goes_to_its_own_provider_or_where_the_user_said(
        set in prop::sample::subsequence(NAMES.to_vec(), 0..8),
        line in prop::sample::select(FLAGS.to_vec()),
        entry in prop::sample::select(vec!["m", "groq/m", "anthropic/m", "m@https://llm.example/v1", "m@https://api.openai.com/v1"]),
    ) {
        let var = |name: &&str| if name.contains('=') { name.to_string() } else { format!("{name}=key-of-{name}") };
        let desk = Desk::of(&set.iter().map(var).collect::<Vec<_>>().join(" "));
        let has_url = line.contains("--url") || desk.vars.contains_key("CORECODER_BASE_URL") || desk.vars.contains_key("OPENAI_BASE_URL");
        if let Ok(main) = desk.choose(&flags(line)) {
            let own = desk.table.named(&main.provider).map(|row| row.keys.clone()).unwrap_or_default();
            if let Some(from) = &main.key_from {
                let general = from == "CORECODER_API_KEY" || own.contains(from);
                let is_as_ever = has_url && ["OPENAI_API_KEY", "DEEPSEEK_API_KEY"].contains(&from.as_str());
                prop_assert!(general || is_as_ever, "{main:?}");
                prop_assert!(from != "ANTHROPIC_API_KEY" || main.provider == "anthropic", "{main:?}");
            }
            let is_project_s = main.base_url.contains("evil") && !line.contains("--url");
            prop_assert!(!is_project_s || !main.has_key(), "{main:?}");
            if let Ok(other) = desk.with(|choice| choice.fallback(&main, &Given::new(entry))) {
                let own = desk.table.named(&other.provider).map(|row| row.keys.clone()).unwrap_or_default();
                let is_same = other.base_url == main.base_url && other.key_from == main.key_from;
                let is_custom = other.provider == "custom" && other.key_from.as_deref() == Some("OPENAI_API_KEY");
                prop_assert!(is_same || is_custom || other.key_from.is_none_or(|from| own.contains(&from)), "{entry}");
            }
        }
    }
}
