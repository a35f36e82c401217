//! The rows, and what users add to them.

use std::path::Path;

use corecoder_providers::{Effort, Kind, Table};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn rows(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn every_row_can_be_read() {
    let said: Map<String, Value> =
        serde_json::from_str(include_str!("../../src/providers.json")).unwrap();
    let table = Table::default();
    assert_eq!(said.len(), table.rows().len());
    let (again, problems) = Table::default().with(&said, None);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(again.rows(), table.rows());
    for row in table.rows() {
        assert!(
            table
                .named(&row.name)
                .is_some_and(|found| found.name == row.name)
        );
        for alias in &row.aliases {
            let found = table.named(&alias.to_uppercase()).unwrap();
            assert_eq!(found.name, row.name, "{alias}");
        }
    }
}

#[test]
fn a_url_leads_to_its_provider() {
    let table = Table::default();
    for (url, name) in [
        ("https://api.openai.com/v1", "openai"),
        ("https://eu.api.openai.com/v1", "openai"),
        ("https://API.Anthropic.com", "anthropic"),
        ("https://me.openai.azure.com", "azure"),
        ("https://generativelanguage.googleapis.com/v1beta", "gemini"),
        ("https://open.bigmodel.cn/api/paas/v4", "zai"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://[::1]:8000/v1", "vllm"),
        ("http://127.0.0.1:1234", "lmstudio"),
        ("https://ollama.com", "ollama"),
        // Strangers, some with a known one's name in theirs.
        ("https://api.openai.com.evil.example/v1", ""),
        ("https://evil-api.openai.com.example", ""),
        ("https://notopenrouter.ai", ""),
        ("https://openai.azure.com.evil.example", ""),
        ("http://10.0.0.1:11434", ""),
        ("http://127.0.0.1:9999", ""),
        ("not a URL", ""),
    ] {
        let found = table.at(url).map_or("", |row| row.name.as_str());
        assert_eq!(found, name, "{url}");
    }
}

#[test]
fn a_user_s_row_adds_a_provider_or_changes_fields_of_one() {
    let (table, problems) = Table::default().with(
        &rows(json!({
            "corp": {"base_url": "https://llm.corp.example/v1", "keys": ["CORP_KEY"]},
            "groq": {"model": "qwen/qwen3-32b", "effort": null},
        })),
        Some(Path::new("/p/settings.json")),
    );
    assert_eq!(problems, Vec::<String>::new());
    let corp = table.at("https://llm.corp.example/v1").unwrap();
    assert_eq!((corp.name.as_str(), corp.wire), ("corp", Kind::OpenAi));
    let groq = table.named("groq").unwrap();
    assert_eq!(groq.model.as_deref(), Some("qwen/qwen3-32b"));
    assert_eq!(groq.keys, ["GROQ_API_KEY"]);
    assert!(groq.fields(Some(Effort::High)).is_empty());
    assert_eq!(groq.files, [Path::new("/p/settings.json")]);
}

#[test]
fn a_row_that_can_t_be_used_is_told_and_left_out() {
    for (row, words) in [
        (json!({"x": 1}), "providers.x: it must be an object"),
        (json!({"x": {}}), "providers.x: it needs a base_url"),
        (json!({"x": {"base_url": "llm.example"}}), "must be a URL"),
        (
            json!({"x": {"base_url": "ftp://llm.example"}}),
            "must be a URL",
        ),
        (
            json!({"x": {"base_url": "https://a.example", "wires": "x"}}),
            "unknown field `wires`",
        ),
        (
            json!({"x": {"base_url": "https://a.example", "wire": "soap"}}),
            "unknown variant `soap`",
        ),
        (
            json!({"x": {"base_url": "https://a.example", "keys": "A"}}),
            "expected a sequence",
        ),
        (
            json!({"x": {"base_url": "https://a.example", "effort": {"huge": {}}}}),
            "effort.huge: levels are",
        ),
        (
            json!({"x": {"base_url": "https://a.example", "effort": {"low": 1}}}),
            "effort.low: levels are",
        ),
        (
            json!({"a b": {"base_url": "https://a.example"}}),
            "the name may hold",
        ),
        (
            json!({"openai": {"port": 70000}}),
            "providers.openai: invalid value",
        ),
    ] {
        let (table, problems) = Table::default().with(&rows(row.clone()), None);
        assert!(
            problems.len() == 1 && problems[0].contains(words),
            "{row}: {problems:?}"
        );
        assert_eq!(table.rows(), Table::default().rows(), "{row}");
    }
}

#[test]
fn effort_is_asked_in_each_provider_s_words() {
    for (name, effort, fields) in [
        ("openai", Effort::Max, json!({"reasoning_effort": "xhigh"})),
        (
            "openrouter",
            Effort::Low,
            json!({"usage": {"include": true}, "reasoning": {"effort": "low"}}),
        ),
        (
            "deepseek",
            Effort::Max,
            json!({"thinking": {"type": "enabled"}, "reasoning_effort": "max"}),
        ),
        (
            "qwen",
            Effort::Low,
            json!({"enable_thinking": true, "thinking_budget": 4096}),
        ),
        ("mistral", Effort::Low, json!({})),
        ("lmstudio", Effort::High, json!({})),
    ] {
        let row = Table::default().named(name).cloned().unwrap();
        assert_eq!(Value::Object(row.fields(Some(effort))), fields, "{name}");
    }
    for word in ["low", "medium", "high", "max"] {
        assert_eq!(word.parse::<Effort>().unwrap().word(), word);
    }
    assert!(
        "hard"
            .parse::<Effort>()
            .unwrap_err()
            .contains("low, medium, high or max")
    );
}

proptest! {
    #[test]
    fn no_row_breaks_the_table(name in "[a-z \\PC]{0,6}", field in "base_url|hosts|keys|effort|port|wire|x", value in "\\PC{0,20}") {
        for value in [json!(value), json!([value]), json!({&value: value}), json!(null), json!(7)] {
            let (table, problems) = Table::default().with(&rows(json!({&name: {&field: value}})), None);
            prop_assert!(table.rows().len() + problems.len() >= Table::default().rows().len());
            prop_assert!(table.near(&name).len() <= 3);
        }
    }
}
