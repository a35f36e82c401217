//! Each provider's own wire through a whole task: where the request goes, with which key, and how hard it asks to think.

use serde_json::{Value, json};

use crate::provider::{Asked, Provider};
use crate::wire::Wire;
use crate::{Ended, Home, together};

/// A provider as a user sets it up.
struct Row {
    provider: &'static str,
    wire: Wire,
    /// The variables of its URL and of its key.
    url: &'static str,
    key: &'static str,
    /// Where the key travels, with what stands before it.
    header: (&'static str, &'static str),
    model: &'static str,
    path: &'static str,
    /// What `--effort high` becomes in the body.
    effort: (&'static str, Value),
    /// The base URL ends with this.
    base: &'static str,
}

fn rows() -> Vec<Row> {
    let row = |provider, wire, url, key, header, model, path, effort, base| Row {
        provider,
        wire,
        url,
        key,
        header,
        model,
        path,
        effort,
        base,
    };
    let bearer = ("authorization", "Bearer ");
    vec![
        row(
            "anthropic",
            Wire::Anthropic,
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_API_KEY",
            ("x-api-key", ""),
            "claude-sonnet-5-5",
            "/v1/messages",
            ("/output_config/effort", json!("high")),
            "",
        ),
        row(
            "anthropic",
            Wire::Anthropic,
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_AUTH_TOKEN",
            bearer,
            "claude-sonnet-5-5",
            "/v1/messages",
            ("/thinking/type", json!("adaptive")),
            "",
        ),
        row(
            "gemini",
            Wire::Gemini,
            "GOOGLE_GEMINI_BASE_URL",
            "GEMINI_API_KEY",
            ("x-goog-api-key", ""),
            "gemini-3.8-flash",
            "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
            (
                "/generationConfig/thinkingConfig/thinkingLevel",
                json!("HIGH"),
            ),
            "",
        ),
        row(
            "responses",
            Wire::Responses,
            "OPENAI_BASE_URL",
            "OPENAI_API_KEY",
            bearer,
            "gpt-5.5",
            "/v1/responses",
            ("/reasoning/effort", json!("high")),
            "/v1",
        ),
        row(
            "ollama",
            Wire::Ollama,
            "OLLAMA_HOST",
            "OLLAMA_API_KEY",
            bearer,
            "qwen3-coder:30b",
            "/api/chat",
            ("/think", json!("high")),
            "",
        ),
        row(
            "openai",
            Wire::Chat,
            "OPENAI_BASE_URL",
            "OPENAI_API_KEY",
            bearer,
            "gpt-5.5",
            "/v1/chat/completions",
            ("/reasoning_effort", json!("high")),
            "/v1",
        ),
        row(
            "deepseek",
            Wire::Chat,
            "DEEPSEEK_BASE_URL",
            "DEEPSEEK_API_KEY",
            bearer,
            "deepseek-chat",
            "/v1/chat/completions",
            ("/thinking/type", json!("enabled")),
            "/v1",
        ),
        row(
            "openrouter",
            Wire::Chat,
            "OPENROUTER_BASE_URL",
            "OPENROUTER_API_KEY",
            bearer,
            "qwen/qwen3-coder",
            "/v1/chat/completions",
            ("/reasoning/effort", json!("high")),
            "/v1",
        ),
        row(
            "azure",
            Wire::Chat,
            "AZURE_OPENAI_ENDPOINT",
            "AZURE_OPENAI_API_KEY",
            ("api-key", ""),
            "my-deployment",
            "/openai/v1/chat/completions",
            ("/reasoning_effort", json!("high")),
            "",
        ),
    ]
}

/// How the provider is chosen.
#[derive(Clone, Copy, Debug)]
enum By {
    Flag,
    Variable,
    Setting,
    Prefix,
}

const KEY: &str = "key-of-this-one-1234567";

fn run(row: &Row, by: By) -> (Ended, Vec<Asked>) {
    let provider = Provider::worker();
    let home = match by {
        By::Setting => Home::with(json!({"provider": row.provider})),
        _ => Home::made(),
    };
    let url = format!("{}{}", provider.url, row.base);
    let prefixed = format!("{}/{}", row.provider, row.model);
    let mut env = vec![(row.url, url.as_str()), (row.key, KEY)];
    let mut args = vec!["--yes", "--effort", "high", "-p", "use the tool", "-m"];
    match by {
        By::Flag => args.extend([row.model, "--provider", row.provider]),
        By::Variable => {
            env.push(("CORECODER_PROVIDER", row.provider));
            args.push(row.model);
        }
        By::Setting => args.push(row.model),
        By::Prefix => args.push(&prefixed),
    }
    let ended = home.run(&env, &args);
    (ended, provider.all())
}

/// A whole task, and the key nowhere but in its header.
fn check(row: &Row, by: By) {
    let case = format!("{} by {by:?}, with {}", row.provider, row.key);
    let (ended, all) = run(row, by);
    assert_eq!(ended.code, 0, "{case}: {ended:#?}");
    assert!(
        ended.stdout.starts_with("The tool said "),
        "{case}: {ended:#?}"
    );
    let asked: Vec<&Asked> = all.iter().filter(|asked| asked.wire().is_some()).collect();
    assert_eq!(asked.len(), 2, "{case}");
    let (header, scheme) = row.header;
    for asked in &asked {
        assert_eq!(asked.wire(), Some(row.wire), "{case}: {}", asked.path);
        assert_eq!(asked.path, row.path, "{case}");
        assert_eq!(asked.model(), row.model, "{case}");
        assert_eq!(
            asked.header(header),
            Some(format!("{scheme}{KEY}").as_str()),
            "{case}"
        );
        let (place, value) = &row.effort;
        assert_eq!(asked.body.pointer(place), Some(value), "{case}: {place}");
    }
    for asked in &all {
        let places = asked.whole().matches(KEY).count();
        assert_eq!(places, 1, "{case}: {}", asked.path);
    }
    let results = asked[1].results();
    assert!(results[0].contains("from-the-tool"), "{case}: {results:?}");
    assert!(!format!("{ended:?}").contains(KEY), "{case}");
}

#[test]
fn every_provider_does_a_whole_task_when_a_flag_or_a_setting_names_it() {
    together(rows(), |row| {
        check(&row, By::Flag);
        check(&row, By::Setting);
    });
}

#[test]
fn every_provider_does_a_whole_task_when_a_variable_names_it() {
    together(&rows(), |row| check(row, By::Variable));
}

#[test]
fn every_provider_does_a_whole_task_when_the_models_prefix_names_it() {
    // Where OPENAI_BASE_URL is set, a URL is given, which comes before the prefix.
    let rows = rows()
        .into_iter()
        .filter(|row| row.url != "OPENAI_BASE_URL");
    together(rows, |row| check(&row, By::Prefix));
}

#[test]
fn each_effort_is_said_in_the_providers_own_words() {
    let cases: [(&str, &str, &str, [Value; 4]); 4] = [
        (
            "anthropic",
            "ANTHROPIC_BASE_URL",
            "/output_config/effort",
            ["low", "medium", "high", "max"].map(|word| json!(word)),
        ),
        (
            "gemini",
            "GOOGLE_GEMINI_BASE_URL",
            "/generationConfig/thinkingConfig/thinkingLevel",
            ["LOW", "MEDIUM", "HIGH", "HIGH"].map(|word| json!(word)),
        ),
        (
            "responses",
            "OPENAI_BASE_URL",
            "/reasoning/effort",
            ["low", "medium", "high", "xhigh"].map(|word| json!(word)),
        ),
        (
            "ollama",
            "OLLAMA_HOST",
            "/think",
            ["low", "medium", "high", "max"].map(|word| json!(word)),
        ),
    ];
    for (provider, url, place, words) in cases {
        for (level, word) in ["low", "medium", "high", "max"].iter().zip(words) {
            let server = Provider::echo();
            let mut args = vec!["-p", "hello", "--provider", provider];
            if provider == "ollama" {
                args.extend(["-m", "qwen3"]);
            }
            let env = [(url, server.url.as_str()), ("CORECODER_EFFORT", *level)];
            Home::made().run(&env, &args).is(0, &["Heard: hello."]);
            let body = &server.asked()[0].body;
            assert_eq!(
                body.pointer(place),
                Some(&word),
                "{provider} {level}: {body}"
            );
        }
    }
}

#[test]
fn nothing_is_said_of_thinking_unless_it_is_asked_for() {
    for row in rows() {
        let server = Provider::echo();
        let url = format!("{}{}", server.url, row.base);
        let env = [(row.url, url.as_str()), (row.key, KEY)];
        let args = ["-p", "hello", "--provider", row.provider, "-m", row.model];
        Home::made().run(&env, &args).is(0, &["Heard: hello."]);
        let body = &server.asked()[0].body;
        assert_eq!(body.pointer(row.effort.0), None, "{}: {body}", row.provider);
    }
}

#[test]
fn ollama_loads_the_window_that_the_model_has_or_the_user_wants() {
    let cases: [(&[(&str, &str)], u64); 2] = [
        (&[], 24_576),
        (&[("CORECODER_MAX_CONTEXT", "20000")], 20_000),
    ];
    for (more, window) in cases {
        let server = Provider::worker();
        let mut env = vec![("OLLAMA_HOST", server.url.as_str())];
        env.extend(more);
        let args = ["--yes", "-p", "hello", "-m", "ollama/qwen3"];
        Home::made().run(&env, &args).is(0, &["from-the-tool"]);
        for asked in server.asked() {
            assert_eq!(asked.body["options"]["num_ctx"], json!(window));
            assert_eq!(asked.body["truncate"], json!(false));
        }
    }
}
