//! What servers say of their models.

use corecoder_providers::{Chosen, Listed};
use serde_json::json;

use crate::server::{Answer, serve};
use crate::{Desk, flags, run};

/// A server with these answers by path, and the provider `name` there.
fn at(name: &str, routes: Vec<(&'static str, Answer)>) -> Chosen {
    let (url, _) = serve(move |request| {
        let path = request.split(' ').nth(1).unwrap_or_default().to_string();
        let route = routes.iter().find(|(route, _)| *route == path);
        route.map_or(Answer::new(404, "no such place"), |(_, answer)| {
            answer.clone()
        })
    });
    let url = if name == "ollama" { url } else { url + "/v1" };
    let line = format!("--provider {name} --url {url} --key sk-secret-key --model m");
    Desk::of("").choose(&flags(&line)).unwrap()
}

fn listed(name: &str, window: Option<u64>) -> Listed {
    Listed {
        name: name.into(),
        window,
        max_tokens: None,
    }
}

#[test]
fn windows_come_from_wherever_the_server_tells_them() {
    let list = |fields: serde_json::Value| {
        let mut model = json!({"id": "m"});
        model
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        Answer::json(json!({"object": "list", "data": [model]}))
    };
    for (name, routes, window) in [
        (
            "openrouter",
            vec![("/v1/models", list(json!({"context_length": 1000})))],
            Some(1000),
        ),
        (
            "vllm",
            vec![("/v1/models", list(json!({"max_model_len": 2000})))],
            Some(2000),
        ),
        (
            "groq",
            vec![("/v1/models", list(json!({"context_window": 3000})))],
            Some(3000),
        ),
        ("openai", vec![("/v1/models", list(json!({})))], None),
        (
            "together",
            vec![(
                "/v1/models",
                Answer::json(json!([{"id": "m", "context_length": 9}])),
            )],
            Some(9),
        ),
        (
            "llamacpp",
            vec![("/v1/models", list(json!({"meta": {"n_ctx_train": 4000}})))],
            Some(4000),
        ),
        (
            "llamacpp",
            vec![
                ("/v1/models", list(json!({"meta": {"n_ctx_train": 4000}}))),
                (
                    "/props",
                    Answer::json(json!({"default_generation_settings": {"n_ctx": 500}})),
                ),
            ],
            Some(500),
        ),
        (
            "lmstudio",
            vec![
                ("/v1/models", list(json!({}))),
                (
                    "/api/v0/models",
                    list(json!({"max_context_length": 8000, "loaded_context_length": 600})),
                ),
            ],
            Some(600),
        ),
        (
            "lmstudio",
            vec![
                ("/v1/models", list(json!({}))),
                ("/api/v0/models", Answer::new(200, "<html>")),
            ],
            None,
        ),
    ] {
        let mut chosen = at(name, routes);
        assert_eq!(
            run(chosen.models()).unwrap(),
            [listed("m", window)],
            "{name}"
        );
        let is_local = ["vllm", "llamacpp", "lmstudio"].contains(&name);
        run(chosen.prepare(None));
        let model = chosen.model(&Default::default()).unwrap();
        assert!(
            !is_local || model.window() == window,
            "{name}: {:?}",
            model.window()
        );
    }
}

#[test]
fn a_list_that_is_none_is_an_error_without_the_key() {
    for answer in [
        Answer::new(500, "sk-secret-key is what you sent"),
        Answer::new(401, "wrong key sk-secret-key"),
        Answer::new(200, "<html>sk-secret-key</html>"),
        Answer::new(200, vec!["["; 10_000].concat()),
        Answer {
            head: "location: http://127.0.0.1:1/\r\n".into(),
            ..Answer::new(302, "")
        },
        Answer {
            cut: true,
            ..Answer::new(200, "{\"data\":")
        },
    ] {
        let error = run(at("openai", vec![("/v1/models", answer)]).models()).unwrap_err();
        assert!(!error.message.contains("secret"), "{error}");
    }
    let odd = Answer::json(
        json!({"data": [{"id": 7}, null, "m", {"id": "m", "context_length": "long"}]}),
    );
    assert_eq!(
        run(at("openai", vec![("/v1/models", odd)]).models()).unwrap(),
        [listed("m", None)]
    );
}

#[test]
fn ollama_is_asked_to_load_what_the_model_reads_but_not_more_than_most_machines_bear() {
    let show = |window: u64| {
        Answer::json(
            json!({"model_info": {"general.architecture": "x", "x.context_length": window}}),
        )
    };
    for (answer, own, window) in [
        (show(8_192), None, Some(8_192)),
        (show(262_144), None, Some(32_768)),
        (show(262_144), Some(100_000), Some(100_000)),
        (
            Answer::new(404, "{\"error\": \"model not found\"}"),
            None,
            None,
        ),
        (Answer::new(200, "<html>"), None, None),
    ] {
        let mut chosen = at("ollama", vec![("/api/show", answer)]);
        run(chosen.prepare(own));
        assert_eq!(chosen.model(&Default::default()).unwrap().window(), window);
    }
    let line = format!(
        "--provider ollama --url http://127.0.0.1:{} --model m",
        crate::server::nobody()
    );
    let mut chosen = Desk::of("").choose(&flags(&line)).unwrap();
    run(chosen.prepare(None));
    assert_eq!(chosen.model(&Default::default()).unwrap().window(), None);
}
