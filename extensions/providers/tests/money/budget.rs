//! What a limit does to a request: sent as it is, cut short, kept waiting, asked about, refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use corecoder::{
    Delta, Deltas, Entry, ErrorKind, Model, ModelError, Reply, Request, Round, Script, Usage,
};
use corecoder_providers::budget::{Limits, Short};
use corecoder_providers::{Ledger, Metered, Price};
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, StreamExt, stream};

use crate::never_more::ask;
use crate::provider::{Attempt, Provider};

fn dollars(session: f64) -> Limits {
    Limits {
        session: Some(session),
        ..Limits::default()
    }
}

fn tokens(tokens: u64) -> Limits {
    Limits {
        tokens: Some(tokens),
        ..Limits::default()
    }
}

/// A model of 3 and 15 dollars, behind a limit.
fn metered(limits: Limits, attempts: Vec<Attempt>) -> (Arc<Provider>, Arc<Ledger>, Metered) {
    let provider = Provider::new(Price::of(3.0, 15.0), attempts);
    let ledger = Arc::new(Ledger::new(limits, None));
    let model = Metered::new(
        provider.clone(),
        Some(Price::of(3.0, 15.0)),
        None,
        ledger.clone(),
    );
    (provider, ledger, model)
}

fn said() -> Vec<Entry> {
    vec![Entry::User("Go.".to_string())]
}

async fn error(model: &dyn Model) -> ModelError {
    ask(model, &said()).await.expect_err("an error")
}

#[tokio::test]
async fn without_a_limit_the_request_is_passed_on_as_it_is() {
    let (provider, ledger, model) = metered(Limits::default(), vec![]);
    let reply = ask(&model, &said()).await.expect("a reply").expect("whole");
    assert_eq!(provider.bill().requests, [None]);
    assert_eq!(reply.model, "fake-1");
    let billed = provider.bill().dollars;
    assert_eq!(reply.cost, Some(billed));
    assert!((ledger.figures().spent - billed).abs() < 1e-8);
}

#[tokio::test]
async fn the_reply_is_cut_to_what_can_be_paid() {
    // The request is at most 1,200 tokens or so: 0.4 cents.
    let check = |limits: Limits, own: Option<u64>, low: u64, high: u64| async move {
        let provider = Provider::new(Price::of(3.0, 15.0), []);
        let ledger = Arc::new(Ledger::new(limits, None));
        let model = Metered::new(provider.clone(), Some(Price::of(3.0, 15.0)), own, ledger);
        ask(&model, &said()).await.expect("a reply");
        let cap = provider.bill().requests[0].expect("a cap");
        assert!((low..=high).contains(&cap), "{limits:?} {own:?}: {cap}");
    };
    check(dollars(100.0), None, 32_000, 32_000).await;
    check(dollars(100.0), Some(900), 900, 900).await;
    // 6,000 tokens are affordable, which is less than twice 8,192: all of them.
    check(dollars(0.09), None, 5_600, 6_000).await;
    // 20,000 are affordable: half.
    check(dollars(0.30), None, 9_700, 10_000).await;
    check(dollars(0.30), Some(9_000), 9_000, 9_000).await;
    check(tokens(20_000), None, 9_200, 10_000).await;
    check(tokens(2_000), None, 600, 1_000).await;
}

/// A model that reads no more than 9,000 tokens.
struct Narrow(Arc<Provider>);

impl Model for Narrow {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        self.0.stream(request)
    }

    fn name(&self) -> &str {
        "narrow"
    }

    fn window(&self) -> Option<u64> {
        Some(9_000)
    }
}

#[tokio::test]
async fn the_reply_is_no_longer_than_the_window_has_room_for() {
    let provider = Provider::new(Price::free(), []);
    let ledger = Arc::new(Ledger::new(tokens(900_000), None));
    let narrow = Arc::new(Narrow(provider.clone()));
    let model = Metered::new(narrow, Some(Price::free()), None, ledger);
    ask(&model, &said()).await.expect("a reply");
    ask(&model, &[Entry::User("x".repeat(20_000))])
        .await
        .expect("a reply");
    let caps = provider.bill().requests;
    assert!(
        caps[0].is_some_and(|cap| (7_000..9_000).contains(&cap)),
        "{caps:?}"
    );
    assert_eq!(caps[1], Some(4_096));
}

/// A choice of two models, which goes on with the second.
struct Chooser;

impl Model for Chooser {
    fn stream<'a>(&'a self, _request: Request<'a>) -> Deltas<'a> {
        let error = ModelError::new(ErrorKind::Overloaded, "529");
        let model = Some("the-dear-one".to_string());
        let restart = Delta::Restart {
            error,
            wait: Duration::ZERO,
            model,
        };
        stream::iter([Ok(restart), Ok(Delta::Done(Reply::text("hi")))]).boxed()
    }

    fn name(&self) -> &str {
        "chooser"
    }
}

#[tokio::test]
async fn a_limit_does_not_pay_for_a_model_that_it_does_not_know() {
    let with = |limits| {
        let ledger = Arc::new(Ledger::new(limits, None));
        Metered::new(Arc::new(Chooser), Some(Price::of(1.0, 1.0)), None, ledger)
    };
    assert_eq!(error(&with(dollars(9.0))).await.kind, ErrorKind::BadRequest);
    assert!(ask(&with(Limits::default()), &said()).await.is_ok());
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_the_figures() {
    let (provider, _, model) = metered(dollars(0.005), vec![]);
    let refusal = error(&model).await;
    assert_eq!(refusal.kind, ErrorKind::Limit);
    assert!(!refusal.kind.passes());
    let words = refusal.message;
    let begin = "the limit of $0.0050 leaves $0.0050, and the next request needs at least $0.0";
    assert!(words.starts_with(begin), "{words}");
    assert!(
        words.contains(" tokens in at $3, 256 to 4,096 out at $15 per million); "),
        "{words}"
    );
    assert!(words.ends_with("raise it with --max-cost"), "{words}");

    let (_, _, model) = metered(tokens(1_000), vec![]);
    let words = error(&model).await.message;
    assert!(
        words.starts_with("the limit of 1,000 tokens leaves 1,000, and the next"),
        "{words}"
    );
    assert!(
        words.ends_with("raise it with --max-tokens-total"),
        "{words}"
    );
    assert!(provider.bill().requests.is_empty());
}

#[tokio::test]
async fn a_model_without_a_price_is_not_asked_under_a_limit_of_dollars() {
    let provider = Provider::new(Price::of(3.0, 15.0), []);
    let with = |limits, price| {
        let ledger = Arc::new(Ledger::new(limits, None));
        Metered::new(provider.clone(), price, None, ledger)
    };
    let refusal = error(&with(dollars(9.0), None)).await;
    assert_eq!(refusal.kind, ErrorKind::BadRequest);
    let words = "no price is known for fake-1; set it in settings under \"prices\", or use --max-tokens-total";
    assert_eq!(refusal.message, words);
    assert!(provider.bill().requests.is_empty());
    assert!(ask(&with(tokens(90_000), None), &said()).await.is_ok());
    assert!(
        ask(&with(dollars(0.0), Some(Price::free())), &said())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn the_providers_own_word_on_the_cost_comes_first() {
    let mut reply = Reply::text("hi");
    (reply.cost, reply.model) = (Some(0.5), "better-name".to_string());
    reply.usage = Some(Usage {
        prompt: 10,
        completion: 10,
        ..Usage::default()
    });
    let ledger = Arc::new(Ledger::new(dollars(9.0), None));
    let script = Arc::new(Script::new([reply]));
    let model = Metered::new(script, Some(Price::of(1.0, 1.0)), None, ledger.clone());
    let reply = ask(&model, &said()).await.expect("a reply").expect("whole");
    assert_eq!(
        (reply.cost, reply.model.as_str()),
        (Some(0.5), "better-name")
    );
    assert_eq!(ledger.figures().spent, 0.5);
    assert_eq!(ledger.figures().spent_tokens, 20);
}

#[tokio::test]
async fn what_nobody_knows_the_bill_of_is_unsure_and_counts() {
    let unsaid = Attempt::Reply {
        length: 0.5,
        cached: 0.0,
        written: 0.0,
        reasoning: 0.0,
        tells_usage: false,
    };
    let broken = |said| Attempt::Broken { said, length: 0.5 };
    let rows = [
        (vec![unsaid], true),
        (vec![broken(true)], true),
        (vec![broken(false)], true),
        (vec![Attempt::Hangs], true),
        (vec![Attempt::Refused], false),
        (vec![Attempt::Unreached, Attempt::Refused], false),
    ];
    for (attempts, is_unsure) in rows {
        let (provider, ledger, model) = metered(dollars(9.0), attempts.clone());
        ask(&model, &said()).await.expect("a reply");
        let figures = ledger.figures();
        assert_eq!(figures.unsure > 0.4, is_unsure, "{attempts:?} {figures:?}");
        assert_eq!(figures.unsure_tokens > 30_000, is_unsure, "{attempts:?}");
        assert!(provider.bill().dollars <= figures.spent + figures.unsure);
        assert_eq!(figures.reserved, 0.0);
    }
}

#[tokio::test]
async fn a_retry_that_can_not_be_paid_ends_in_the_limit() {
    let (provider, _, model) = metered(
        dollars(0.1),
        vec![Attempt::Broken {
            said: true,
            length: 1.0,
        }],
    );
    assert_eq!(error(&model).await.kind, ErrorKind::Limit);
    assert_eq!(provider.bill().requests.len(), 1);
    assert!(provider.bill().dollars <= 0.1);
}

#[tokio::test]
async fn a_stream_that_is_never_polled_costs_nothing() {
    let (provider, ledger, model) = metered(dollars(1.0), vec![]);
    drop(model.stream(Request::default()));
    assert!(provider.bill().requests.is_empty());
    assert_eq!(ledger.figures().unsure, 0.0);
}

#[tokio::test]
async fn others_wait_for_what_is_held_and_giving_up_frees_the_way() {
    let (_, ledger, model) = metered(dollars(0.12), vec![Attempt::Hangs]);
    let request = said();
    let open = || Request {
        entries: &request,
        ..Request::default()
    };
    let mut first = model.stream(open());
    assert!(matches!(first.next().await, Some(Ok(Delta::Text(_)))));
    // Nearly all is held now: the second waits, and so does the third behind it.
    let mut second = model.stream(open());
    assert!(second.next().now_or_never().is_none());
    let mut third = model.stream(open());
    assert!(third.next().now_or_never().is_none());
    drop(second);
    assert!(third.next().now_or_never().is_none());
    // Once nobody holds anything, what does not fit is refused.
    drop(first);
    assert!(ledger.figures().unsure > 0.1);
    let ended = third.next().await;
    assert!(
        matches!(&ended, Some(Err(error)) if error.kind == ErrorKind::Limit),
        "{ended:?}"
    );
}

#[tokio::test]
async fn all_of_many_get_their_turn() {
    let (provider, ledger, model) = metered(dollars(0.3), vec![Attempt::reply(0.0); 12]);
    let entries = said();
    let asked = (0..12).map(|_| ask(&model, &entries));
    let replies = join_all(asked).await;
    let refused = replies.iter().filter(|reply| reply.is_err()).count();
    let bill = provider.bill();
    assert_eq!(refused, 0, "{:?} {:?}", ledger.figures(), bill.requests);
    assert!(
        bill.requests
            .iter()
            .all(|cap| cap.is_some_and(|cap| cap >= 8_192))
    );
}

/// Counts its questions and answers with these limits.
fn answering(ledger: &Ledger, answer: Option<Limits>) -> Arc<AtomicUsize> {
    let (asked, counter) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = counter.clone();
    ledger.on_short(Arc::new(
        move |short: Short| -> BoxFuture<'static, Option<Limits>> {
            assert!(short.needed > short.left, "{short:?}");
            let (asked, count) = (asked.clone(), count.clone());
            async move {
                assert_eq!(
                    asked.fetch_add(1, Ordering::SeqCst),
                    0,
                    "two questions at a time"
                );
                tokio::task::yield_now().await;
                asked.fetch_sub(1, Ordering::SeqCst);
                count.fetch_add(1, Ordering::SeqCst);
                answer
            }
            .boxed()
        },
    ));
    counter
}

#[tokio::test]
async fn the_user_is_asked_once_for_all_who_wait() {
    let rows = [
        (Some(dollars(20.0)), 0),
        (None, 5),
        (Some(dollars(0.001)), 5),
    ];
    for (answer, refused) in rows {
        let (_, ledger, model) = metered(dollars(0.002), vec![]);
        let counter = answering(&ledger, answer);
        let entries = said();
        let replies = join_all((0..5).map(|_| ask(&model, &entries))).await;
        assert_eq!(counter.load(Ordering::SeqCst), 1, "{answer:?}");
        assert_eq!(
            replies.iter().filter(|reply| reply.is_err()).count(),
            refused
        );
    }
}

#[test]
fn a_session_is_gone_on_with_raised_and_begun_anew() {
    let ledger = Ledger::new(dollars(1.0), None);
    ledger.begin(0.25, 1_000);
    assert_eq!(
        (ledger.figures().spent, ledger.figures().spent_tokens),
        (0.25, 1_000)
    );
    ledger.raise_cost(0.5);
    ledger.raise_tokens(500);
    assert_eq!(ledger.limits(), dollars(1.0));
    ledger.raise_cost(2.0);
    assert_eq!(ledger.limits(), dollars(2.0));
    ledger.limit(tokens(7));
    ledger.raise_tokens(8);
    assert_eq!(ledger.limits(), tokens(8));
    ledger.reset();
    assert_eq!(
        (ledger.figures().spent, ledger.figures().spent_tokens),
        (0.0, 0)
    );
}

#[tokio::test]
async fn a_session_is_gone_on_with_at_what_its_rounds_were_counted() {
    let price = || Price::of(3.0, 15.0);
    let counted = |model: &str| {
        let reply = Reply {
            model: model.to_string(),
            usage: Some(Usage {
                prompt: 100_500,
                completion: 10,
                ..Usage::default()
            }),
            ..Reply::text("I read it.")
        };
        Entry::Round(Round::new(reply, |_, _| String::new()))
    };
    // Its bytes as tokens would cost 1.20 dollars.
    let rows = [("fake-1", true), ("another", false)];
    for (model, fits) in rows {
        let long = Entry::User("word ".repeat(80_000));
        let entries = [long, counted(model), Entry::User("Go on.".to_string())];
        let provider = Provider::dense(price(), 0.25, [Attempt::reply(0.1)]);
        let ledger = Arc::new(Ledger::new(dollars(0.5), None));
        let model = Metered::new(provider.clone(), Some(price()), None, ledger);
        assert_eq!(ask(&model, &entries).await.is_ok(), fits);
        assert!(provider.bill().dollars <= 0.5);
    }
}

/// A server that asks to wait a minute.
struct Busy;

impl Model for Busy {
    fn stream<'a>(&'a self, _: Request<'a>) -> Deltas<'a> {
        let restart = Delta::Restart {
            error: ModelError::new(ErrorKind::RateLimit, "429: slow down"),
            wait: Duration::from_secs(60),
            model: None,
        };
        stream::iter([Ok(restart)]).chain(stream::pending()).boxed()
    }

    fn name(&self) -> &str {
        "busy"
    }
}

#[tokio::test(start_paused = true)]
async fn giving_up_before_the_next_try_costs_nothing() {
    for (waited, is_free) in [(1, true), (61, false)] {
        let ledger = Arc::new(Ledger::new(dollars(0.5), None));
        let price = Some(Price::of(3.0, 15.0));
        let model = Metered::new(Arc::new(Busy), price, None, ledger.clone());
        let entries = said();
        let mut deltas = model.stream(Request {
            entries: &entries,
            ..Request::default()
        });
        assert!(matches!(
            deltas.next().await,
            Some(Ok(Delta::Restart { .. }))
        ));
        let _ = tokio::time::timeout(Duration::from_secs(waited), deltas.next()).await;
        drop(deltas);
        assert_eq!(ledger.figures().unsure == 0.0, is_free, "{waited}");
    }
}
