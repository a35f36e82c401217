//! Servers on this machine, and the model that is taken.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use corecoder_providers::local::{Found, likeliest, look, pick};
use corecoder_providers::{Kind, Listed};
use proptest::prelude::*;
use serde_json::json;

use crate::server::{Answer, nobody, serve};
use crate::{Desk, run};

/// A server that answers one path, and its port.
fn port(path: &'static str, answer: Answer) -> u16 {
    let (url, _) = serve(
        move |request| match request.split(' ').nth(1) == Some(path) {
            true => answer.clone(),
            false => Answer::new(404, "404 page not found"),
        },
    );
    url.rsplit_once(':').unwrap().1.parse().unwrap()
}

fn openai_s(names: &[&str]) -> Answer {
    let models: Vec<_> = names
        .iter()
        .map(|name| json!({"id": name, "object": "model"}))
        .collect();
    Answer::json(json!({"object": "list", "data": models}))
}

#[test]
fn servers_are_found_and_the_likeliest_coder_is_picked() {
    let tags = json!({"models": [
        {"name": "nomic-embed-text:latest"}, {"name": "llama3.1:8b"},
        {"name": "qwen3-coder:480b-cloud", "remote_host": "https://ollama.com:443"},
    ]});
    let ollama = port("/api/tags", Answer::json(tags));
    let vllm = port(
        "/v1/models",
        openai_s(&["Qwen/Qwen3-Coder-30B-A3B-Instruct"]),
    );
    let found = run(look(&[
        ("ollama", ollama),
        ("lmstudio", nobody()),
        ("vllm", vllm),
    ]));
    let lines: Vec<String> = found.iter().map(Found::line).collect();
    assert_eq!(
        lines,
        [
            format!("ollama at http://127.0.0.1:{ollama} (2 models)"),
            format!("vllm at http://127.0.0.1:{vllm}/v1 (1 model)"),
        ]
    );
    let picked = pick(&found).unwrap();
    assert_eq!(picked.reason, "made for code and for calling tools");
    let chosen = Desk::of("OPENAI_API_KEY=a")
        .choose(&picked.found.asked(&picked.model.name))
        .unwrap();
    assert_eq!(
        (chosen.provider.as_str(), chosen.kind, chosen.has_key()),
        ("vllm", Kind::OpenAi, false)
    );
    assert_eq!(chosen.model, "Qwen/Qwen3-Coder-30B-A3B-Instruct");
    let picked = pick(&found[..1]).unwrap();
    assert_eq!(picked.model.name, "llama3.1:8b");
    let chosen = Desk::of("")
        .choose(&picked.found.asked(&picked.model.name))
        .unwrap();
    assert_eq!(
        (chosen.kind, chosen.base_url),
        (Kind::Ollama, format!("http://127.0.0.1:{ollama}"))
    );
}

#[test]
fn what_is_no_model_server_is_not_taken_for_one() {
    let (elsewhere, reached) = serve(|_| openai_s(&["qwen3-coder"]));
    let redirect = Answer {
        head: format!("location: {elsewhere}/v1/models\r\n"),
        ..Answer::new(302, "")
    };
    for answer in [
        Answer::new(200, "<html>It works!</html>"),
        Answer::new(200, ""),
        Answer::json(json!({})),
        Answer::json(json!([])),
        Answer::json(json!({"data": []})),
        Answer::json(json!({"data": [{"id": "42", "name": "a user"}]})),
        Answer::json(json!({"data": "no list", "object": "list"})),
        Answer::json(json!({"models": ["a"], "status": "ok"})),
        Answer::new(401, json!({"error": {"message": "key?"}}).to_string()),
        Answer::new(500, openai_s(&["m"]).body),
        Answer::new(200, vec!["["; 100_000].concat()),
        Answer::new(
            200,
            format!(
                "{{\"object\": \"list\", \"data\": [\"{}\"]}}",
                "x".repeat(3 << 20)
            ),
        ),
        Answer {
            cut: true,
            ..openai_s(&["m"])
        },
        redirect,
    ] {
        let found = run(look(&[("llamacpp", port("/v1/models", answer.clone()))]));
        let start: String = answer.body.chars().take(80).collect();
        assert_eq!(found, [], "{} {start}", answer.status);
    }
    assert!(reached.try_recv().is_err(), "no redirect is followed");
    assert_eq!(
        run(look(&[(
            "ollama",
            port("/api/tags", Answer::json(json!({"data": []})))
        )])),
        []
    );
}

#[test]
fn a_server_without_models_is_found_and_nothing_picked() {
    let found = run(look(&[("llamacpp", port("/v1/models", openai_s(&[])))]));
    assert_eq!(found.len(), 1);
    assert!(found[0].line().ends_with("(no models)"));
    assert_eq!(pick(&found), None);
}

#[test]
fn what_listens_and_says_nothing_takes_a_second_for_all() {
    let silent: Vec<TcpListener> = (0..4)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let ports: Vec<_> = silent
        .iter()
        .map(|listener| ("vllm", listener.local_addr().unwrap().port()))
        .collect();
    let began = Instant::now();
    assert_eq!(run(look(&ports)), []);
    assert!(
        began.elapsed() < Duration::from_millis(2500),
        "{:?}",
        began.elapsed()
    );
    // It was asked, in plain text, on the loopback address.
    let (mut stream, from) = silent[0].accept().unwrap();
    let mut start = [0; 14];
    stream.read_exact(&mut start).unwrap();
    assert_eq!((&start, from.ip().is_loopback()), (b"GET /v1/models", true));
}

#[test]
fn the_likeliest_coder_is_chosen_by_name() {
    for (names, best) in [
        (
            vec!["llama3.1:8b", "qwen2.5-coder:7b"],
            Some("qwen2.5-coder:7b"),
        ),
        (
            vec!["qwen2.5-coder:7b", "qwen2.5-coder:32b", "qwen2.5-coder:14b"],
            Some("qwen2.5-coder:32b"),
        ),
        (
            vec!["qwen2.5-coder:32b", "qwen3-coder:30b"],
            Some("qwen3-coder:30b"),
        ),
        (vec!["gpt-oss:20b", "gpt-oss:120b"], Some("gpt-oss:120b")),
        (
            vec!["gpt-oss:20b", "devstral:24b", "codestral:22b"],
            Some("devstral:24b"),
        ),
        (
            vec![
                "deepseek-coder:6.7b-base",
                "deepseek-coder:1.3b-instruct",
                "deepseek-coder:6.7b-instruct",
            ],
            Some("deepseek-coder:6.7b-instruct"),
        ),
        (
            vec!["deepseek-coder:33b-base", "llama3.1:8b"],
            Some("llama3.1:8b"),
        ),
        (
            vec!["qwen2.5-coder:0.5b", "llama3.1:8b"],
            Some("llama3.1:8b"),
        ),
        (vec!["qwen2.5-coder:0.5b"], Some("qwen2.5-coder:0.5b")),
        (vec!["mixtral:8x7b", "gemma3:12b"], Some("mixtral:8x7b")),
        (
            vec![
                "lmstudio-community/Devstral-Small-2507-GGUF",
                "google/gemma-3-27b-it",
            ],
            Some("lmstudio-community/Devstral-Small-2507-GGUF"),
        ),
        (vec!["qwen3:30b-a3b", "qwen3:14b"], Some("qwen3:30b-a3b")),
        (
            vec!["nomic-embed-text:latest", "bge-m3:latest", "all-minilm:33m"],
            None,
        ),
        (
            vec![
                "qwen3-vl:32b",
                "qwen2.5vl:7b",
                "llama3.2-vision:11b",
                "llava:13b",
            ],
            None,
        ),
        (
            vec![
                "whisper-large-v3",
                "bge-reranker-v2",
                "llama-guard3:8b",
                "kokoro",
            ],
            None,
        ),
        (
            vec!["qwen3-embedding:8b", "qwen3-coder:480b-cloud", "gemma3:4b"],
            Some("gemma3:4b"),
        ),
        (vec!["a-model", "b-model"], Some("a-model")),
        (vec!["", "\u{1F600}"], Some("")),
        (vec![], None),
    ] {
        let found = likeliest(&names).map(|(at, _)| names[at]);
        assert_eq!(found, best, "{names:?}");
    }
}

proptest! {
    #[test]
    fn the_choice_does_not_depend_on_the_order(mut names in prop::collection::btree_set("(qwen|llama|coder|base|embed|gpt-oss|x)[-:]([0-9]{1,3}|[0-9]x[0-9])b", 1..6).prop_map(Vec::from_iter)) {
        let best = likeliest(&names).map(|(at, reason)| (names[at].clone(), reason));
        let second = names.clone();
        names.reverse();
        let reversed = likeliest(&names).map(|(at, reason)| (names[at].clone(), reason));
        // Equals may change places, with the same reason.
        prop_assert_eq!(best.as_ref().map(|best| best.1), reversed.as_ref().map(|best| best.1), "{:?}", second);
    }

    #[test]
    fn no_name_breaks_it(names in prop::collection::vec("\\PC{0,30}", 0..5)) {
        let models: Vec<Listed> = names.iter().map(|name| Listed { name: name.clone(), window: None, max_tokens: None }).collect();
        let found = Found { provider: "vllm".into(), base_url: "http://127.0.0.1:1/v1".into(), models };
        let _ = pick(&[found]);
    }
}
