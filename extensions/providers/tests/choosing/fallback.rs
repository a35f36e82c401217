//! A chain of models, played.

use std::sync::Arc;
use std::time::Duration;

use corecoder::{Delta, ErrorKind, Model, ModelError, Reply, Request};
use corecoder_providers::Fallback;
use futures::StreamExt;
use proptest::prelude::*;

use crate::play::{Act, Play};
use ErrorKind::*;

/// A request as a host follows it: what counts in the end, the restarts as `next model: error`, the result.
pub struct Heard {
    pub text: String,
    pub restarts: Vec<String>,
    pub result: Result<Reply, ModelError>,
}

pub async fn ask(model: &dyn Model) -> Heard {
    let (mut text, mut restarts) = (String::new(), Vec::new());
    let mut stream = model.stream(Request::default());
    while let Some(delta) = stream.next().await {
        match delta {
            Ok(Delta::Text(words)) => text += &words,
            Ok(Delta::Restart { error, model, .. }) => {
                text.clear();
                restarts.push(format!("{}: {error}", model.unwrap_or("same".into())));
            }
            Ok(Delta::Done(reply)) => {
                assert!(stream.next().await.is_none(), "nothing follows a reply");
                return Heard {
                    text,
                    restarts,
                    result: Ok(reply),
                };
            }
            Ok(_) => {}
            Err(error) => {
                assert!(stream.next().await.is_none(), "nothing follows an error");
                return Heard {
                    text,
                    restarts,
                    result: Err(error),
                };
            }
        }
    }
    panic!("a stream ends with a reply or an error");
}

fn chain(models: &[&Arc<Play>]) -> Fallback {
    Fallback::new(
        models
            .iter()
            .map(|model| (*model).clone() as Arc<dyn Model>)
            .collect(),
    )
}

fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(future)
}

#[test]
fn a_failure_that_another_model_helps_with_switches_and_others_end_the_request() {
    for (kind, message, switches) in [
        (Overloaded, "503", true),
        (Network, "connection refused", true),
        (Quota, "no credit", true),
        (RateLimit, "429", true),
        (Other, "invalid peer certificate", true),
        (BadRequest, "HTTP 404: whatever", true),
        (BadRequest, "HTTP 400: The model `m` does not exist", true),
        (
            Authentication,
            "HTTP 403: Project does not have access to model `m`",
            true,
        ),
        (Authentication, "HTTP 401: wrong key", false),
        (
            BadRequest,
            "HTTP 400: messages: roles must alternate",
            false,
        ),
        (ContextTooLong, "too long", false),
        (Limit, "the budget is spent", false),
    ] {
        let main = Play::new("main", [vec![Act::Say("half"), Act::Fail(kind, message)]]);
        let other = Play::new("other", []);
        let chain = chain(&[&main, &other]);
        let heard = paused(ask(&chain));
        assert_eq!(heard.result.is_ok(), switches, "{message}");
        if switches {
            assert_eq!(
                (heard.text.as_str(), heard.restarts),
                ("other", vec![format!("other: {message}")])
            );
            assert_eq!(heard.result.unwrap().model, "other");
            assert_eq!((chain.name(), chain.window()), ("other", Some(5)));
        } else {
            assert_eq!(heard.result.unwrap_err().message, message);
            assert_eq!((chain.name(), other.asked()), ("main", 0));
        }
    }
}

#[test]
fn an_announced_retry_is_not_awaited_but_for_two_short_ones_of_a_rate_limit() {
    let cases: [(Vec<Act>, &str, u64); 7] = [
        (vec![Act::Retry(Overloaded, 1)], "other", 0),
        (vec![Act::Retry(Network, 1)], "other", 0),
        (vec![Act::Retry(RateLimit, 11)], "other", 0),
        (
            vec![Act::Retry(RateLimit, 2), Act::Say("main"), Act::Done],
            "main",
            2,
        ),
        (
            vec![
                Act::Retry(RateLimit, 2),
                Act::Retry(RateLimit, 10),
                Act::Say("main"),
                Act::Done,
            ],
            "main",
            12,
        ),
        (
            vec![
                Act::Retry(RateLimit, 2),
                Act::Retry(RateLimit, 3),
                Act::Retry(RateLimit, 4),
            ],
            "other",
            5,
        ),
        // A part that the server refused is left out; the model is well.
        (
            vec![
                Act::Say("x"),
                Act::Retry(BadRequest, 0),
                Act::Retry(Other, 1),
                Act::Say("main"),
                Act::Done,
            ],
            "main",
            1,
        ),
    ];
    for (part, said, seconds) in cases {
        let what = format!("{part:?}");
        let main = Play::new("main", [part]);
        let (heard, took) = paused(async {
            let began = tokio::time::Instant::now();
            let heard = ask(&chain(&[&main, &Play::new("other", [])])).await;
            (heard, began.elapsed())
        });
        assert_eq!(heard.text, said, "{what}");
        assert_eq!(heard.result.unwrap().text, said, "{what}");
        assert_eq!(took.as_secs(), seconds, "{what}");
    }
}

#[test]
fn a_stream_that_ends_without_a_reply_is_a_failure() {
    let main = Play::new("main", [vec![Act::Say("half"), Act::Vanish]]);
    let heard = paused(ask(&chain(&[&main, &Play::new("other", [])])));
    assert_eq!(heard.text, "other");
}

#[test]
fn a_candidate_s_failure_of_any_kind_leads_to_the_next() {
    for kind in [
        Authentication,
        BadRequest,
        ContextTooLong,
        Quota,
        Overloaded,
        Other,
    ] {
        let main = Play::new("main", [vec![Act::Fail(Overloaded, "503")]]);
        let one = Play::new("one", [vec![Act::Fail(kind, "no")]]);
        let heard = paused(ask(&chain(&[&main, &one, &Play::new("two", [])])));
        assert_eq!(
            (heard.text.as_str(), heard.restarts),
            ("two", vec!["one: 503".into(), "two: no".into()]),
            "{kind:?}"
        );
    }
    let main = Play::new("main", [vec![Act::Fail(Overloaded, "503")]]);
    let one = Play::new("one", [vec![Act::Fail(Limit, "the budget is spent")]]);
    let heard = paused(ask(&chain(&[&main, &one, &Play::new("two", [])])));
    assert_eq!(heard.result.unwrap_err().kind, Limit);
}

#[test]
fn the_one_that_answered_stays_and_after_five_minutes_the_first_is_tried_again() {
    let main = Play::new(
        "main",
        [
            vec![Act::Fail(Overloaded, "503")],
            vec![Act::Say("x"), Act::Fail(Authentication, "no")],
        ],
    );
    let other = Play::new("other", []);
    let chain = chain(&[&main, &other]);
    paused(async {
        assert_eq!(ask(&chain).await.text, "other");
        tokio::time::advance(Duration::from_secs(299)).await;
        let heard = ask(&chain).await;
        assert_eq!(
            (heard.text.as_str(), heard.restarts, main.asked()),
            ("other", vec![], 1)
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        // It speaks, and fails: the present one answers in the same request.
        let heard = ask(&chain).await;
        assert_eq!(heard.restarts, ["main: main answers again", "other: no"]);
        assert_eq!(
            (heard.text.as_str(), chain.name(), main.asked()),
            ("other", "other", 2)
        );
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(ask(&chain).await.restarts, Vec::<String>::new());
        tokio::time::advance(Duration::from_secs(2)).await;
        let heard = ask(&chain).await;
        assert_eq!(
            (heard.text.as_str(), heard.restarts, chain.name()),
            ("main", vec!["main: main answers again".to_string()], "main")
        );
        assert_eq!(ask(&chain).await.restarts, Vec::<String>::new());
    });
}

#[test]
fn a_first_model_that_is_still_dead_costs_no_patience_and_no_word() {
    for dead in [
        vec![Act::Fail(Overloaded, "503")],
        vec![Act::Retry(RateLimit, 1), Act::Retry(RateLimit, 1)],
        vec![Act::Retry(Network, 1)],
    ] {
        let main = Play::new("main", [vec![Act::Fail(Overloaded, "503")], dead]);
        let chain = chain(&[&main, &Play::new("other", [])]);
        paused(async {
            ask(&chain).await;
            tokio::time::advance(Duration::from_secs(301)).await;
            let began = tokio::time::Instant::now();
            let heard = ask(&chain).await;
            assert_eq!((heard.text.as_str(), heard.restarts), ("other", vec![]));
            assert_eq!((began.elapsed(), main.asked()), (Duration::ZERO, 2));
        });
    }
}

#[test]
fn when_all_have_failed_the_first_that_may_pass_is_asked_with_its_full_patience() {
    let patience = vec![
        Act::Retry(Overloaded, 5),
        Act::Retry(RateLimit, 30),
        Act::Say("late"),
        Act::Done,
    ];
    let main = Play::new("main", [vec![Act::Fail(Quota, "no credit")]]);
    let one = Play::new("one", [vec![Act::Fail(Overloaded, "503")], patience]);
    let two = Play::new("two", [vec![Act::Fail(Network, "dead")]]);
    let heard = paused(ask(&chain(&[&main, &one, &two])));
    let restarts = [
        "one: no credit",
        "two: 503",
        "one: dead",
        "same: try again",
        "same: try again",
    ];
    assert_eq!(
        (heard.text.as_str(), heard.restarts),
        ("late", restarts.map(String::from).to_vec())
    );
    assert_eq!([main.asked(), one.asked(), two.asked()], [1, 2, 1]);
}

#[test]
fn when_none_answers_the_error_names_each_with_its_reason() {
    let quota = || vec![Act::Fail(Quota, "no credit")];
    let main = Play::new("main", [quota()]);
    let one = Play::new("one", [vec![Act::Fail(Authentication, "wrong key")]]);
    let heard = paused(ask(&chain(&[&main, &one])));
    let error = heard.result.unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Quota, "no model answers. main: no credit; one: wrong key")
    );

    let dead = || vec![Act::Fail(Network, "dead")];
    let main = Play::new(
        "main",
        [
            dead(),
            vec![Act::Say("x"), Act::Fail(Network, "dead after 6 tries")],
        ],
    );
    let one = Play::new("one", [quota()]);
    let error = paused(ask(&chain(&[&main, &one]))).result.unwrap_err();
    assert_eq!(
        error.message,
        "no model answers. main: dead after 6 tries; one: no credit"
    );

    // What is too long for the one that is left can be made shorter.
    let main = Play::new("main", [quota()]);
    let one = Play::new("one", [vec![Act::Fail(ContextTooLong, "too long")]]);
    assert_eq!(
        paused(ask(&chain(&[&main, &one]))).result.unwrap_err().kind,
        ContextTooLong
    );
}

#[test]
fn a_chain_of_one_is_that_model_and_one_of_none_an_error() {
    let parts = vec![
        Act::Retry(Overloaded, 5),
        Act::Retry(RateLimit, 30),
        Act::Say("late"),
        Act::Done,
    ];
    let heard = paused(ask(&chain(&[&Play::new("main", [parts])])));
    assert_eq!((heard.text.as_str(), heard.restarts.len()), ("late", 2));
    let heard = paused(ask(&chain(&[&Play::new(
        "main",
        [vec![Act::Fail(Overloaded, "503")]],
    )])));
    assert_eq!(heard.result.unwrap_err().message, "503");
    assert!(paused(ask(&Fallback::new(Vec::new()))).result.is_err());
}

#[test]
fn a_slow_failure_does_not_undo_a_newer_choice() {
    // The slow request begins with the first model; meanwhile another one moves on, and five minutes later back.
    let slow = vec![Act::Say("x"), Act::Take(400), Act::Fail(Overloaded, "503")];
    let main = Play::new("main", [slow, vec![Act::Fail(Overloaded, "503")]]);
    let other = Play::new("other", []);
    let chain = chain(&[&main, &other]);
    paused(async {
        let slow = ask(&chain);
        let quick = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(ask(&chain).await.text, "other");
            tokio::time::sleep(Duration::from_secs(310)).await;
            assert_eq!(ask(&chain).await.text, "main");
        };
        let (slow, ()) = tokio::join!(slow, quick);
        assert_eq!(slow.text, "other");
        assert_eq!(chain.name(), "main", "the newer choice stands");
    });
}

#[test]
fn streams_side_by_side_share_the_choice_and_only_one_tries_the_first_again() {
    let late = vec![Act::Take(3), Act::Fail(Overloaded, "503")];
    let main = Play::new("main", [vec![Act::Fail(Overloaded, "503")], late]);
    let (other, third) = (
        Play::new("other", [vec![Act::Fail(Overloaded, "503")]]),
        Play::new("third", []),
    );
    let chain = chain(&[&main, &other, &third]);
    paused(async {
        assert_eq!(ask(&chain).await.text, "third");
        tokio::time::advance(Duration::from_secs(301)).await;
        let heard = futures::future::join_all((0..5).map(|_| ask(&chain))).await;
        assert!(
            heard
                .iter()
                .all(|heard| heard.text == "third" && heard.restarts.is_empty())
        );
        assert_eq!([main.asked(), other.asked(), third.asked()], [2, 1, 6]);
    });
}

fn acts() -> impl Strategy<Value = Vec<Vec<Act>>> {
    let kind = prop::sample::select(vec![
        RateLimit,
        Overloaded,
        ContextTooLong,
        Quota,
        Authentication,
        BadRequest,
        Network,
        Limit,
        Other,
    ]);
    let act = prop_oneof![
        prop::sample::select(vec!["a", "b", ""]).prop_map(Act::Say),
        (kind.clone(), 0..20_u64).prop_map(|(kind, seconds)| Act::Retry(kind, seconds)),
        (0..400_u64).prop_map(Act::Take),
        (kind, prop::sample::select(vec!["no", "HTTP 404: gone"]))
            .prop_map(|(kind, words)| Act::Fail(kind, words)),
        Just(Act::Done),
        Just(Act::Vanish),
    ];
    prop::collection::vec(prop::collection::vec(act, 0..5), 0..4)
}

proptest! {
    #[test]
    fn what_counts_is_one_model_s_and_ends_once(models in prop::collection::vec(acts(), 1..4), requests in 1..6_usize) {
        let names = ["one", "two", "three"];
        let marked = |name: &'static str, part: Vec<Act>| -> Vec<Act> {
            let mark = |act| if let Act::Say(_) = act { Act::Say(name) } else { act };
            part.into_iter().map(mark).collect()
        };
        let models: Vec<_> = models.into_iter().zip(names)
            .map(|(parts, name)| Play::new(name, parts.into_iter().map(|part| marked(name, part)).collect::<Vec<_>>()))
            .collect();
        let chain = chain(&models.iter().collect::<Vec<_>>());
        paused(async {
            for _ in 0..requests {
                let present = chain.name().to_string();
                let heard = ask(&chain).await;
                if let Ok(reply) = &heard.result {
                    prop_assert_eq!(&heard.text, &reply.text, "the deltas that count are the reply's");
                    prop_assert_eq!(heard.text.replace(&reply.model, ""), "", "all of it is {}'s", reply.model);
                    let mut told = heard.restarts.iter().filter_map(|restart| restart.split_once(':')).map(|(name, _)| name);
                    let told = told.rfind(|name| *name != "same").unwrap_or(&present);
                    prop_assert_eq!(told, &reply.model, "the host knows who answered");
                    prop_assert_eq!(chain.name(), &reply.model);
                }
                tokio::time::advance(Duration::from_secs(100)).await;
            }
            Ok(())
        })?;
    }
}
