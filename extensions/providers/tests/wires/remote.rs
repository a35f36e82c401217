//! The whole model over a real connection.

use std::time::Duration;

use corecoder::{Agent, Delta, Entry, ErrorKind, Llm, Model, ModelError, Reply, Request, Round};
use corecoder_providers::{Listed, Options, Remote};
use futures::StreamExt;
use tokio::sync::oneshot;

use crate::fixtures::{self, Fixture};
use crate::server::{Answer, serve};
use crate::{Case, WIRES, rules, tools};

const KEY: &str = "sk-a-key-of-this-test";

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(future)
}

fn remote(case: &Case, base: &str) -> Remote {
    Remote::new((case.wire)(), KEY, Some(base), Options::of(case.models[0])).unwrap()
}

/// The deltas up to the reply, the first restart or the error.
async fn ask(remote: &dyn Model, entries: &[Entry]) -> (Vec<Delta>, Result<Reply, ModelError>) {
    let tools = tools();
    let request = Request {
        system: "You write code.",
        tools: &tools,
        entries,
        ..Request::default()
    };
    let (mut stream, mut deltas) = (remote.stream(request), Vec::new());
    while let Some(delta) = stream.next().await {
        match delta {
            Ok(Delta::Done(reply)) => return (deltas, Ok(reply)),
            Ok(Delta::Restart { error, .. }) | Err(error) => return (deltas, Err(error)),
            Ok(delta) => deltas.push(delta),
        }
    }
    panic!("a stream ends with a reply or an error");
}

fn answer(fixture: &Fixture) -> Answer {
    let headers = fixture.headers();
    let headers = headers.iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string()));
    Answer {
        headers: headers.collect(),
        ..Answer::new(fixture.status, &fixture.body)
    }
}

fn go() -> Vec<Entry> {
    vec![Entry::User("Go".into())]
}

/// A fixture that is a plain answer, to be used where any will do.
fn plain(case: &Case) -> Fixture {
    fixtures::of(case).into_iter().next().unwrap()
}

#[test]
fn a_response_means_the_same_over_a_connection() {
    fixtures::each(|case, _, fixture| {
        // A part that is refused by name is conceded, and the request made once more.
        let (base, requests) = serve(vec![answer(fixture), answer(fixture)]);
        let (deltas, result) = run(ask(&remote(case, &base), &go()));
        fixture.check("over a connection", &deltas, &result);
        let request = requests.recv().unwrap();
        assert!(
            request.starts_with("POST /") && request.contains(KEY),
            "{request}"
        );
        assert!(
            !request.lines().next().unwrap().contains(KEY),
            "no key in the URL"
        );
        let origin = result.map(|reply| reply.origin).unwrap_or_default();
        assert!(
            origin.is_empty() || origin == format!("{base} {}", case.models[0]),
            "{origin}"
        );
    });
}

/// It passes a reply's end on in the provider's word, and gives an error instead of what came before it in one read.
#[test]
fn the_engines_own_model_reads_chat_completions_likewise() {
    let case = WIRES.iter().find(|case| case.name == "chat").unwrap();
    for fixture in fixtures::of(case) {
        let (url, _) = serve(vec![answer(&fixture)]);
        let llm = Llm::new(case.models[0], KEY, Some(&url)).unwrap();
        let (deltas, mut result) = run(ask(&llm, &go()));
        match &mut result {
            Ok(reply) => {
                reply.finish = fixture.finish().unwrap_or_default().to_string();
                fixture.check("by the engine", &deltas, &result);
            }
            Err(error) => {
                let kind = Some(format!("{:?}", error.kind));
                assert_eq!(kind, fixture.expect.error_kind, "{}", fixture.name);
            }
        }
    }
}

#[test]
fn dropping_the_stream_closes_the_connection() {
    for case in WIRES {
        let (hung_up, heard) = oneshot::channel();
        // The end is cut off, so that the reply goes on.
        let body = plain(case).body;
        let half = &body[..body.len() * 3 / 4];
        let (base, _requests) = serve(vec![Answer {
            hung_up: Some(hung_up),
            ..Answer::new(200, half)
        }]);
        run(async {
            let (remote, entries) = (remote(case, &base), go());
            let mut stream = remote.stream(Request {
                system: "",
                tools: &[],
                entries: &entries,
                ..Request::default()
            });
            assert!(
                matches!(stream.next().await, Some(Ok(Delta::Text(_)))),
                "{}",
                case.name
            );
            drop(stream);
            let closed = tokio::time::timeout(Duration::from_secs(20), heard).await;
            assert!(closed.is_ok(), "{}", case.name);
        });
    }
}

#[test]
fn a_failure_that_may_pass_is_asked_again() {
    for case in WIRES {
        let busy = || Answer {
            headers: vec![("retry-after".to_string(), "0".to_string())],
            ..Answer::new(503, "busy")
        };
        let cut = plain(case).body;
        let cut = Answer::new(200, &cut[..cut.len() / 2]);
        let (base, requests) = serve(vec![busy(), cut, answer(&plain(case))]);
        let (remote, entries) = (remote(case, &base), go());
        let request = Request {
            system: "",
            tools: &[],
            entries: &entries,
            ..Request::default()
        };
        let deltas: Vec<_> = run(remote.stream(request).collect());
        let restarts = deltas
            .iter()
            .filter(|delta| matches!(delta, Ok(Delta::Restart { .. })));
        assert_eq!(restarts.count(), 2, "{deltas:?}");
        assert!(
            matches!(deltas.last(), Some(Ok(Delta::Done(_)))),
            "{deltas:?}"
        );
        let bodies = requests
            .iter()
            .take(3)
            .map(|request| request.split_once("\r\n\r\n").unwrap().1.to_string());
        let bodies: Vec<_> = bodies.collect();
        assert!(
            bodies.iter().all(|body| *body == bodies[0]),
            "the same request each time"
        );
    }
}

#[test]
fn a_refused_request_is_an_error_at_once_without_the_key() {
    for case in WIRES {
        let words = format!("{{\"error\": {{\"message\": \"the key {KEY} is wrong\"}}}}");
        let (base, _requests) = serve(vec![Answer::new(401, &words)]);
        let (_, result) = run(ask(&remote(case, &base), &go()));
        let error = result.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Authentication);
        assert!(
            !error.message.contains(KEY) && error.message.contains("[key]"),
            "{error}"
        );
    }
}

#[test]
fn a_base_that_names_the_version_is_as_good() {
    for case in WIRES {
        let mut lines = Vec::new();
        for suffix in ["", "/", "/v1", "/v1beta/", "/api", "/openai/v1"] {
            let (base, requests) = serve(vec![answer(&plain(case))]);
            let _ = run(ask(&remote(case, &format!("{base}{suffix}")), &go()));
            let line = requests.recv().unwrap().lines().next().unwrap().to_string();
            lines.push(line);
        }
        assert_eq!(lines[0], lines[1]);
        assert!(lines[2..].contains(&lines[0]), "{lines:?}");
        if case.name == "azure" {
            assert_eq!(lines[0], lines[5], "as Azure's own pages have it");
        }
    }
}

#[test]
fn what_was_refused_by_name_is_left_out_from_then_on() {
    let case = &WIRES[0];
    let words = r#"{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `signature` in `thinking` block"}}"#;
    let signed = fixtures::of(case)
        .into_iter()
        .find(|fixture| fixture.name == "thinking-then-call")
        .unwrap();
    let (base, requests) = serve(vec![
        answer(&signed),
        Answer::new(400, words),
        answer(&plain(case)),
        answer(&plain(case)),
    ]);
    let remote = remote(case, &base);
    run(async {
        let (_, reply) = ask(&remote, &go()).await;
        let round = Round::new(reply.unwrap(), |_, _| "fine".to_string());
        let entries = [go(), vec![Entry::Round(round)]].concat();
        for _ in 0..2 {
            assert!(
                ask(&remote, &entries).await.1.is_ok(),
                "no restart is seen of it"
            );
        }
    });
    let signed: Vec<bool> = requests
        .iter()
        .take(4)
        .map(|request| request.contains("signature"))
        .collect();
    assert_eq!(signed, [false, true, false, false]);
}

#[test]
fn what_can_not_be_asked_is_refused_before_any_request() {
    let make = |key: &str, base: &str| {
        let wire = (WIRES[0].wire)();
        Remote::new(wire, key, Some(base), Options::of("m"))
            .err()
            .map(|error| error.message)
    };
    let rows = [
        ("a\nb", "https://x.test", "character"),
        ("", "x.test", "not valid"),
        ("", "ftp://x.test", "http://"),
    ];
    for (key, base, words) in rows {
        let message = make(key, base).unwrap();
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn the_key_does_not_follow_a_redirect() {
    for case in WIRES {
        let (elsewhere, requests) = serve(vec![answer(&plain(case))]);
        let headers = vec![("location".to_string(), format!("{elsewhere}/there"))];
        let (base, _requests) = serve(vec![Answer {
            headers,
            ..Answer::new(307, "")
        }]);
        let (_, result) = run(ask(&remote(case, &base), &go()));
        let error = result.unwrap_err();
        assert!(
            error.message.contains("/there: set the base URL"),
            "{error}"
        );
        assert!(requests.try_recv().is_err(), "{}", case.name);
    }
}

#[test]
fn models_are_listed_as_the_provider_lists_them() {
    let lists = [
        (
            "anthropic",
            "GET /v1/models?limit=1000 ",
            r#"{"data":[{"id":"m","max_input_tokens":200,"max_tokens":64},{"type":"?"}]}"#,
            Some((200, 64)),
        ),
        (
            "gemini",
            "GET /v1beta/models?pageSize=1000 ",
            r#"{"models":[{"name":"models/m","inputTokenLimit":200,"outputTokenLimit":64},{"name":"models/e","supportedGenerationMethods":["embedContent"]}]}"#,
            Some((200, 64)),
        ),
        (
            "ollama",
            "GET /api/tags ",
            r#"{"models":[{"name":"m","size":1}]}"#,
            None,
        ),
        (
            "responses",
            "GET /v1/models ",
            r#"{"data":[{"id":"m"}]}"#,
            None,
        ),
        (
            "chat",
            "GET /v1/models ",
            r#"[{"id":"m","context_length":200,"max_completion_tokens":64}]"#,
            Some((200, 64)),
        ),
    ];
    for (name, line, list, limits) in lists {
        let case = WIRES.iter().find(|case| case.name == name).unwrap();
        let (base, requests) = serve(vec![
            Answer::new(200, list),
            Answer::new(200, "<html>"),
            Answer::new(401, KEY),
        ]);
        let remote = remote(case, &base);
        let (window, max_tokens) = limits.unzip();
        let wanted = vec![Listed {
            name: "m".to_string(),
            window,
            max_tokens,
        }];
        assert_eq!(run(remote.models()).unwrap(), wanted, "{name}");
        assert_eq!(
            run(remote.models()).unwrap(),
            [],
            "{name}: what is no list is empty"
        );
        let error = run(remote.models()).unwrap_err();
        assert!(
            error.kind == ErrorKind::Authentication && !error.message.contains(KEY),
            "{error}"
        );
        let request = requests.recv().unwrap();
        assert!(
            request.starts_with(line) && request.contains(KEY),
            "{request}"
        );
    }
    let azure = WIRES.iter().find(|case| case.name == "azure").unwrap();
    let error = run(remote(azure, "http://127.0.0.1:9").models()).unwrap_err();
    assert!(error.message.contains("no list of models"), "{error}");
}

#[test]
fn the_loop_runs_on_each_wire() {
    for case in WIRES {
        // A call that fails, with thoughts where the wire has them, and then an answer.
        let fixtures = fixtures::of(case);
        let named = |name: &&str| fixtures.iter().find(|fixture| fixture.name == **name);
        let names = [
            "thinking-then-call",
            "call-with-id-and-signature",
            "reasoning-summary-encrypted-call",
            "tool-call",
        ];
        let calling = names.iter().find_map(named).unwrap();
        let (base, requests) = serve(vec![answer(calling), answer(&plain(case))]);
        let folder = tempfile::tempdir().unwrap();
        let mut agent = Agent::new(remote(case, &base)).folder(folder.path());
        let answer = run(agent.chat("Go")).unwrap();
        assert!(!answer.is_empty(), "{}", case.name);
        let bodies: Vec<String> = requests.iter().take(2).collect();
        let second = bodies[1].split_once("\r\n\r\n").unwrap().1;
        rules::check(case.name, &serde_json::from_str(second).unwrap());
        let marks = [
            "\"signature\"",
            "thoughtSignature",
            "encrypted_content\":",
            "\"thinking\":\"",
            "call_",
        ];
        assert!(marks.iter().any(|mark| second.contains(mark)), "{second}");
        assert!(second.contains("Error: "), "{second}");
    }
}

#[test]
fn a_request_with_a_limit_is_never_sent_without_it() {
    for case in WIRES {
        let words = "max_tokens, max_completion_tokens, max_output_tokens, maxOutputTokens and num_predict are unknown";
        let body = format!("{{\"error\": {{\"message\": \"{words}\"}}}}");
        let refusals = (0..4).map(|_| Answer::new(400, &body));
        let (base, requests) = serve(refusals.collect());
        let (remote, entries) = (remote(case, &base), go());
        let request = Request {
            entries: &entries,
            max_tokens: Some(77),
            ..Request::default()
        };
        let deltas: Vec<_> = run(remote.stream(request).collect());
        let error = deltas
            .last()
            .unwrap()
            .as_ref()
            .expect_err("no limit is taken");
        // Two wires always say how long a reply may be, and a server that can't be told is asked nothing.
        let kind = match case.name {
            "anthropic" | "ollama" => ErrorKind::BadRequest,
            _ => ErrorKind::Limit,
        };
        assert_eq!(error.kind, kind, "{}: {error}", case.name);
        let sent: Vec<String> = requests.try_iter().collect();
        assert!(
            !sent.is_empty() && sent.len() < 3,
            "{}: {sent:?}",
            case.name
        );
        assert!(
            sent.iter().all(|request| request.contains(":77")),
            "{sent:?}"
        );
    }
}

#[test]
fn a_limit_of_the_models_own_is_left_out_where_the_server_takes_none() {
    for case in WIRES
        .iter()
        .filter(|case| !["anthropic", "ollama"].contains(&case.name))
    {
        let refused = |name: &str| {
            Answer::new(
                400,
                &format!("{{\"error\": {{\"message\": \"{name} is unknown\"}}}}"),
            )
        };
        let names: &[&str] = match case.name {
            "responses" => &["max_output_tokens"],
            "gemini" => &["maxOutputTokens"],
            "azure" => &["max_completion_tokens", "max_tokens"],
            _ => &["max_tokens", "max_completion_tokens"],
        };
        let answers = names
            .iter()
            .map(|name| refused(name))
            .chain([answer(&plain(case))]);
        let (base, requests) = serve(answers.collect());
        let options = Options {
            max_tokens: Some(77),
            ..Options::of(case.models[0])
        };
        let remote = Remote::new((case.wire)(), KEY, Some(&base), options).unwrap();
        let (_, reply) = run(ask(&remote, &go()));
        assert!(reply.is_ok(), "{}: {reply:?}", case.name);
        let sent: Vec<String> = requests.try_iter().collect();
        let (last, limited) = sent.split_last().unwrap();
        assert!(
            limited.len() == names.len() && limited.iter().all(|request| request.contains(":77"))
        );
        assert!(!last.contains(":77"), "{last}");
    }
}
