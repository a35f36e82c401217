//! Which provider, which model, where, with which key.

use corecoder_providers::{ChoiceError, Given, Kind, Options};

use crate::{Desk, flags};

/// Variables and flags, and what they come to: `provider wire model url key`, `-` for no key; or words of the error.
fn check(vars: &str, line: &str, expected: &str) {
    let said = match Desk::of(vars).choose(&flags(line)) {
        Ok(chosen) => {
            let wire = format!("{:?}", chosen.kind).to_lowercase();
            let key = match &chosen.key_from {
                Some(from) => from.as_str(),
                None if chosen.has_key() => "flag",
                None => "-",
            };
            format!(
                "{} {wire} {} {} {key}",
                chosen.provider, chosen.model, chosen.base_url
            )
        }
        Err(error) => {
            let error = error.to_string();
            assert!(
                error.contains(expected),
                "[{vars}] [{line}]: {error:?}, not {expected:?}"
            );
            return;
        }
    };
    assert_eq!(said, expected, "[{vars}] [{line}]");
}

#[test]
fn what_worked_before_there_were_providers_works_the_same() {
    for (vars, line, expected) in [
        (
            "OPENAI_API_KEY=a",
            "",
            "openai openai gpt-5.5 https://api.openai.com/v1 OPENAI_API_KEY",
        ),
        (
            "CORECODER_API_KEY=a",
            "",
            "openai openai gpt-5.5 https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a DEEPSEEK_API_KEY=b",
            "",
            "openai openai gpt-5.5 https://api.openai.com/v1 OPENAI_API_KEY",
        ),
        (
            "CORECODER_API_KEY=a DEEPSEEK_API_KEY=b",
            "",
            "openai openai gpt-5.5 https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            "DEEPSEEK_API_KEY=b",
            "",
            "deepseek openai deepseek-v4-flash https://api.deepseek.com DEEPSEEK_API_KEY",
        ),
        (
            "DEEPSEEK_API_KEY=b CORECODER_MODEL=deepseek-reasoner",
            "",
            "deepseek openai deepseek-reasoner https://api.deepseek.com DEEPSEEK_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a CORECODER_MODEL=gpt-6-sol",
            "",
            "openai openai gpt-6-sol https://api.openai.com/v1 OPENAI_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a",
            "--model my/odd:name",
            "openai openai my/odd:name https://api.openai.com/v1 OPENAI_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a OPENAI_BASE_URL=https://llm.example/v1",
            "",
            "custom openai gpt-5.5 https://llm.example/v1 OPENAI_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a OPENAI_BASE_URL=https://api.deepseek.com",
            "--model deepseek-chat",
            "deepseek openai deepseek-chat https://api.deepseek.com OPENAI_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a DEEPSEEK_API_KEY=b OPENAI_BASE_URL=https://api.deepseek.com",
            "",
            "deepseek openai deepseek-v4-flash https://api.deepseek.com OPENAI_API_KEY",
        ),
        (
            "DEEPSEEK_API_KEY=b CORECODER_BASE_URL=https://llm.example/v1",
            "--model m",
            "custom openai m https://llm.example/v1 DEEPSEEK_API_KEY",
        ),
        (
            "CORECODER_API_KEY=c OPENAI_API_KEY=a CORECODER_BASE_URL=https://one.example OPENAI_BASE_URL=https://two.example",
            "--model m",
            "custom openai m https://one.example CORECODER_API_KEY",
        ),
        (
            "CORECODER_BASE_URL=http://localhost:9999/v1",
            "--model m",
            "custom openai m http://localhost:9999/v1 -",
        ),
        (
            "CORECODER_BASE_URL=http://gpu:8000/v1",
            "--model anthropic/claude",
            "custom openai anthropic/claude http://gpu:8000/v1 -",
        ),
        (
            "",
            "--url https://llm.example/v1 --key k --model m",
            "custom openai m https://llm.example/v1 flag",
        ),
        (
            "CORECODER_BASE_URL=https://llm.example/v1",
            "--model m",
            "no API key for custom at https://llm.example/v1: set CORECODER_API_KEY",
        ),
        (
            "OPENAI_API_KEY= CORECODER_BASE_URL=",
            "",
            "no provider is set up: set OPENAI_API_KEY",
        ),
    ] {
        check(vars, line, expected);
    }
}

#[test]
fn a_named_provider_comes_before_all_else() {
    for (vars, line, expected) in [
        (
            "ANTHROPIC_API_KEY=a OPENAI_API_KEY=b",
            "--provider anthropic",
            "anthropic anthropic claude-sonnet-5-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "ANTHROPIC_API_KEY=a CORECODER_PROVIDER=Claude",
            "",
            "anthropic anthropic claude-sonnet-5-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "ANTHROPIC_API_KEY=a ANTHROPIC_BASE_URL=https://proxy.example",
            "--provider anthropic",
            "anthropic anthropic claude-sonnet-5-5 https://proxy.example ANTHROPIC_API_KEY",
        ),
        (
            "ANTHROPIC_API_KEY=a",
            "--provider anthropic --url https://proxy.example --model m",
            "anthropic anthropic m https://proxy.example ANTHROPIC_API_KEY",
        ),
        // What was set up for another one stands back behind a flag.
        (
            "ANTHROPIC_API_KEY=a CORECODER_BASE_URL=https://llm.example/v1",
            "--provider anthropic",
            "anthropic anthropic claude-sonnet-5-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "ANTHROPIC_API_KEY=a CORECODER_PROVIDER=anthropic CORECODER_BASE_URL=https://llm.example",
            "--provider claude",
            "anthropic anthropic claude-sonnet-5-5 https://llm.example ANTHROPIC_API_KEY",
        ),
        (
            "XAI_API_KEY=a",
            "--provider xai --model x-ai/grok-4",
            "xai openai grok-4 https://api.x.ai/v1 XAI_API_KEY",
        ),
        (
            "GROQ_API_KEY=a",
            "--provider groq --model openai/gpt-oss-20b",
            "groq openai openai/gpt-oss-20b https://api.groq.com/openai/v1 GROQ_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a",
            "--provider responses",
            "responses responses gpt-5.5 https://api.openai.com OPENAI_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a",
            "--provider anthropic",
            "no API key for anthropic at https://api.anthropic.com: set ANTHROPIC_API_KEY",
        ),
        ("OPENAI_API_KEY=a", "--provider groq", "set GROQ_API_KEY"),
        (
            "",
            "--provider ollama --model qwen3:8b",
            "ollama ollama qwen3:8b http://127.0.0.1:11434 -",
        ),
        (
            "OPENAI_API_KEY=a OLLAMA_HOST=gpu:12000",
            "--provider ollama --model qwen3:8b",
            "ollama ollama qwen3:8b http://gpu:12000 -",
        ),
        (
            "OLLAMA_HOST=0.0.0.0",
            "--provider ollama --model m",
            "ollama ollama m http://127.0.0.1:11434 -",
        ),
        (
            "OLLAMA_HOST=[::1]:7",
            "--provider ollama --model m",
            "ollama ollama m http://[::1]:7 -",
        ),
        (
            "",
            "--provider ollama",
            "ollama has no model that is meant by default",
        ),
        (
            "",
            "--provider azure --model d --key k",
            "azure has no address of its own; set AZURE_OPENAI_ENDPOINT",
        ),
        (
            "AZURE_OPENAI_ENDPOINT=https://me.openai.azure.com AZURE_OPENAI_API_KEY=a",
            "--provider azure --model d",
            "azure azure d https://me.openai.azure.com AZURE_OPENAI_API_KEY",
        ),
        (
            "",
            "--provider antropic",
            "no provider is called \"antropic\"; did you mean anthropic",
        ),
        (
            "",
            "--provider zzzzqq",
            "no provider is called \"zzzzqq\"; there are openai, deepseek, anthropic, ",
        ),
        (
            "",
            "--provider bedrock",
            "bedrock: Bedrock signs its requests",
        ),
        ("", "--provider vertex", "LiteLLM proxy"),
        (
            "",
            "--provider openai --url nonsense --key k",
            "the base URL \"nonsense\" is not valid",
        ),
    ] {
        check(vars, line, expected);
    }
}

#[test]
fn a_base_url_says_who_is_there_and_what_is_spoken() {
    for (url, expected) in [
        ("https://api.anthropic.com/v1", "anthropic anthropic"),
        ("https://me.openai.azure.com/openai/v1", "azure azure"),
        (
            "https://generativelanguage.googleapis.com/v1beta",
            "gemini gemini",
        ),
        (
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "gemini openai",
        ),
        ("http://localhost:11434/v1", "ollama ollama"),
        ("http://127.0.0.1:11434", "ollama ollama"),
        ("https://ollama.com/v1", "ollama openai"),
        ("http://192.168.0.7:11434/v1", "custom openai"),
        ("http://127.0.0.1:1234/v1", "lmstudio openai"),
        ("https://api.deepseek.com/anthropic", "deepseek anthropic"),
        ("https://openrouter.ai/api/v1", "openrouter openai"),
        (
            "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1",
            "custom openai",
        ),
        ("https://llm.example/anthropic", "custom openai"),
    ] {
        let chosen = Desk::of("")
            .choose(&flags(&format!("--url {url} --key k --model m")))
            .unwrap();
        let wire = format!("{:?}", chosen.kind).to_lowercase();
        assert_eq!(format!("{} {wire}", chosen.provider), expected, "{url}");
        assert!(chosen.model(&Options::default()).is_ok(), "{url}");
    }
    for url in ["ftp://llm.example", "llm.example", "http://", ""] {
        let asked = corecoder_providers::Asked {
            base_url: Some(url.into()),
            ..flags("--key k")
        };
        assert!(
            matches!(Desk::of("").choose(&asked), Err(ChoiceError::BadUrl { .. })),
            "{url}"
        );
    }
}

#[test]
fn a_model_s_prefix_names_its_provider_and_is_cut_off() {
    for (vars, line, expected) in [
        (
            "ANTHROPIC_API_KEY=a",
            "--model anthropic/claude-opus-5",
            "anthropic anthropic claude-opus-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "ANTHROPIC_API_KEY=a OPENAI_API_KEY=b",
            "--model Anthropic/claude-opus-5",
            "anthropic anthropic claude-opus-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "OPENAI_API_KEY=b",
            "--model anthropic/claude-opus-5",
            "set ANTHROPIC_API_KEY",
        ),
        (
            "OPENROUTER_API_KEY=b",
            "--model anthropic/claude-opus-5",
            "openrouter openai anthropic/claude-opus-5 https://openrouter.ai/api/v1 OPENROUTER_API_KEY",
        ),
        (
            "OPENROUTER_API_KEY=b",
            "--model openrouter/z-ai/glm-5",
            "openrouter openai z-ai/glm-5 https://openrouter.ai/api/v1 OPENROUTER_API_KEY",
        ),
        (
            "OPENROUTER_API_KEY=b",
            "--model openrouter/auto",
            "openrouter openai openrouter/auto https://openrouter.ai/api/v1 OPENROUTER_API_KEY",
        ),
        (
            "OPENAI_API_KEY=b",
            "--model ollama/qwen3:8b",
            "ollama ollama qwen3:8b http://127.0.0.1:11434 -",
        ),
        (
            "",
            "--model litellm/gpt-x",
            "litellm openai gpt-x http://localhost:4000/v1 -",
        ),
        (
            "FIREWORKS_API_KEY=f",
            "--model fireworks/accounts/fireworks/models/kimi-k3",
            "fireworks openai accounts/fireworks/models/kimi-k3 https://api.fireworks.ai/inference/v1 FIREWORKS_API_KEY",
        ),
        (
            "CORECODER_API_KEY=f",
            "--model groq/openai/gpt-oss-20b",
            "groq openai openai/gpt-oss-20b https://api.groq.com/openai/v1 CORECODER_API_KEY",
        ),
        (
            "OPENAI_API_KEY=b",
            "--model bedrock/claude",
            "Bedrock signs its requests",
        ),
        (
            "",
            "--url https://api.anthropic.com --key k --model anthropic/claude-opus-5",
            "anthropic anthropic claude-opus-5 https://api.anthropic.com flag",
        ),
        // Not a prefix: the base URL's server has names like that.
        (
            "OPENAI_API_KEY=b",
            "--url https://llm.example --model anthropic/claude",
            "custom openai anthropic/claude https://llm.example OPENAI_API_KEY",
        ),
    ] {
        check(vars, line, expected);
    }
}

#[test]
fn the_first_provider_with_a_key_is_taken_or_the_one_whose_model_it_is() {
    for (vars, line, expected) in [
        (
            "ANTHROPIC_API_KEY=a",
            "",
            "anthropic anthropic claude-sonnet-5-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "GOOGLE_API_KEY=a",
            "",
            "gemini gemini gemini-3.8-flash https://generativelanguage.googleapis.com GOOGLE_API_KEY",
        ),
        (
            "GROQ_API_KEY=a MISTRAL_API_KEY=b",
            "",
            "groq openai openai/gpt-oss-120b https://api.groq.com/openai/v1 GROQ_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a ANTHROPIC_API_KEY=b",
            "--model claude-opus-5",
            "anthropic anthropic claude-opus-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            "OPENAI_API_KEY=a ANTHROPIC_API_KEY=b",
            "--model gpt-6-sol",
            "openai openai gpt-6-sol https://api.openai.com/v1 OPENAI_API_KEY",
        ),
        (
            "AZURE_OPENAI_API_KEY=a AZURE_OPENAI_ENDPOINT=https://me.openai.azure.com",
            "--model d",
            "azure azure d https://me.openai.azure.com AZURE_OPENAI_API_KEY",
        ),
        (
            "AZURE_OPENAI_API_KEY=a",
            "--model d",
            "no provider is set up",
        ),
        ("VLLM_API_KEY=a", "--model d", "no provider is set up"),
    ] {
        check(vars, line, expected);
    }
}

/// A fallback beside a main model.
fn beside(vars: &str, line: &str, entry: &str) -> String {
    let desk = Desk::of(vars);
    let main = desk.choose(&flags(line)).unwrap();
    match desk.with(|choice| choice.fallback(&main, &Given::new(entry))) {
        Ok(chosen) => {
            assert_eq!(chosen.name(), entry);
            let key = chosen.key_from.clone().unwrap_or("-".into());
            format!(
                "{} {} {} {key}",
                chosen.provider, chosen.model, chosen.base_url
            )
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_fallback_is_a_model_a_provider_s_model_or_one_at_a_url() {
    let keys = "CORECODER_API_KEY=main ANTHROPIC_API_KEY=a OPENAI_API_KEY=o";
    let router = "OPENROUTER_API_KEY=r ANTHROPIC_API_KEY=a";
    for (vars, line, entry, expected) in [
        (
            keys,
            "--provider openai",
            "gpt-6-luna",
            "openai gpt-6-luna https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "openai/gpt-6-luna",
            "openai gpt-6-luna https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "anthropic/claude-opus-5",
            "anthropic claude-opus-5 https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "groq/openai/gpt-oss-20b",
            "no API key for groq at https://api.groq.com/openai/v1: set GROQ_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "unknown/model",
            "openai unknown/model https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "m@https://llm.example/v1",
            "custom m https://llm.example/v1 OPENAI_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "m@https://api.groq.com/openai/v1",
            "no API key for groq at https://api.groq.com/openai/v1: set GROQ_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "m@https://api.openai.com/v1/",
            "openai m https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            keys,
            "--provider openai",
            "qwen3:8b@http://localhost:11434/v1",
            "ollama qwen3:8b http://localhost:11434/v1 -",
        ),
        (
            keys,
            "--provider openai",
            "ollama/qwen3:8b",
            "ollama qwen3:8b http://127.0.0.1:11434 -",
        ),
        (
            keys,
            "--provider openai",
            "vertex/gemini",
            "vertex: Vertex wants Google Cloud's sign-in: reach it through a gateway such as a LiteLLM proxy (docs/providers.md, \"Bedrock, Vertex and others through a LiteLLM proxy\")",
        ),
        (
            keys,
            "--provider openai",
            "m@q4",
            "openai m@q4 https://api.openai.com/v1 CORECODER_API_KEY",
        ),
        (
            router,
            "--provider openrouter",
            "anthropic/claude-opus-5",
            "openrouter anthropic/claude-opus-5 https://openrouter.ai/api/v1 OPENROUTER_API_KEY",
        ),
        (
            router,
            "--provider openrouter",
            "claude@https://api.anthropic.com",
            "anthropic claude https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
        (
            keys,
            "--url https://llm.example --model z/glm",
            "anthropic/claude",
            "custom anthropic/claude https://llm.example CORECODER_API_KEY",
        ),
        (
            keys,
            "--url https://llm.example --model glm",
            "anthropic/claude",
            "anthropic claude https://api.anthropic.com ANTHROPIC_API_KEY",
        ),
    ] {
        assert_eq!(beside(vars, line, entry), expected, "{line} {entry}");
    }
}

#[test]
fn a_chosen_model_answers_to_the_name_that_the_user_gave_it_and_shows_no_key() {
    let chosen = Desk::of("ANTHROPIC_API_KEY=sk-secret-of-mine")
        .choose(&flags("--model anthropic/claude-opus-5"))
        .unwrap();
    assert!(!format!("{chosen:?}").contains("secret"));
    let url = "--url https://me:secret@llm.example/v1?key=secret --model m";
    let chosen_there = Desk::of("OPENAI_API_KEY=a").choose(&flags(url)).unwrap();
    assert!(format!("{chosen_there:?}").contains("https://llm.example/v1"));
    assert!(!format!("{chosen_there:?}").contains("secret"));
    let error = Desk::of("").choose(&flags(url)).unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    let options = Options {
        window: Some(50_000),
        ..Options::default()
    };
    let model = chosen.model(&options).unwrap();
    assert_eq!(
        (model.name(), model.window()),
        ("anthropic/claude-opus-5", Some(50_000))
    );
    let other = chosen.with_model("claude-haiku-5");
    assert_eq!(
        (other.name(), other.kind),
        ("claude-haiku-5", Kind::Anthropic)
    );
}

#[test]
fn a_provider_without_a_model_can_be_asked_for_its_list() {
    let Err(ChoiceError::NoModel(chosen)) = Desk::of("").choose(&flags("--provider vllm")) else {
        panic!("vLLM has no model of its own");
    };
    assert_eq!(chosen.with_model("m").base_url, "http://127.0.0.1:8000/v1");
}
