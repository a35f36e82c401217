//! The promise: whatever happens, the provider bills no more than the limit.

use std::sync::Arc;

use corecoder::{Delta, Entry, ErrorKind, Model, ModelError, Reply, Request, Round, Spec};
use corecoder_providers::budget::Limits;
use corecoder_providers::prices::{Rates, Tier};
use corecoder_providers::{Ledger, Metered, Price};
use futures::StreamExt;
use futures::future::join_all;
use proptest::prelude::*;
use serde_json::json;

use crate::provider::{Attempt, Provider};

const SYSTEM: &str = "You help. ";

/// Works in rounds until something is refused; how many replies came, and what ended it.
async fn work(model: &Metered, name: String, rounds: &[usize]) -> (usize, Option<ModelError>) {
    let mut entries = vec![Entry::User(name)];
    for (replies, result) in rounds.iter().enumerate() {
        match ask(model, &entries).await {
            Ok(Some(reply)) => {
                let round = Round::new(reply, |at, _| "ok ".repeat(at * result));
                entries.push(Entry::Round(round));
            }
            Ok(None) => {}
            Err(error) => return (replies, Some(error)),
        }
        // A compaction: nothing that was counted begins like that.
        if result % 5 == 4 {
            entries.remove(0);
        }
        entries.push(Entry::User("é\n".repeat(*result)));
    }
    (rounds.len(), None)
}

/// One reply; `None` if it hung and was given up.
pub async fn ask(model: &dyn Model, entries: &[Entry]) -> Result<Option<Reply>, ModelError> {
    let tools = [Spec {
        name: "write_file".to_string(),
        description: "Writes a file.".to_string(),
        parameters: json!({"type": "object", "properties": {"text": {"type": "string"}}}),
    }];
    let mut deltas = model.stream(Request {
        system: SYSTEM,
        tools: &tools,
        entries,
        ..Request::default()
    });
    while let Some(delta) = deltas.next().await {
        match delta? {
            Delta::Done(reply) => return Ok(Some(reply)),
            Delta::Text(text) if text == "hm" => return Ok(None),
            _ => {}
        }
    }
    panic!("a stream ended without a reply")
}

fn rates() -> impl Strategy<Value = Rates> {
    let price = || prop_oneof![Just(0.0), 0.01..30.0];
    let optional = || proptest::option::of(price());
    (price(), optional(), optional(), 0.01..90.0, optional()).prop_map(
        |(input, cached, write, output, reasoning)| Rates {
            input,
            cached,
            write,
            output,
            reasoning,
        },
    )
}

fn prices() -> impl Strategy<Value = Price> {
    let tier = (500_u64..20_000, rates()).prop_map(|(above, rates)| Tier { above, rates });
    let long = proptest::collection::vec(tier, 0..3);
    let max_tokens = proptest::option::of(300_u64..60_000);
    (rates(), long, max_tokens).prop_map(|(rates, long, max_tokens)| Price {
        rates,
        long,
        window: None,
        max_tokens,
    })
}

fn replies(tells_usage: bool) -> impl Strategy<Value = Attempt> {
    let length = prop_oneof![Just(1.0), Just(0.0), 0.0..1.0];
    (length, 0.0..1.0, 0.0..1.0, 0.0..1.0).prop_map(move |(length, cached, written, reasoning)| {
        Attempt::Reply {
            length,
            cached,
            written,
            reasoning,
            tells_usage,
        }
    })
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let broken =
        (any::<bool>(), 0.0..=1.0).prop_map(|(said, length)| Attempt::Broken { said, length });
    let attempt = prop_oneof![
        6 => replies(true),
        1 => replies(false),
        1 => Just(Attempt::Refused),
        1 => Just(Attempt::Unreached),
        2 => broken,
        1 => Just(Attempt::Hangs),
    ];
    proptest::collection::vec(attempt, 0..30)
}

/// A tokenizer that has a token for each byte is the worst there can be.
fn densities() -> impl Strategy<Value = f64> {
    prop_oneof![Just(1.0), 0.05..1.0]
}

fn agents() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let length = prop_oneof![Just(0), 0_usize..3_000];
    let rounds = proptest::collection::vec(length, 1..7);
    proptest::collection::vec(rounds, 1..5)
}

fn run(
    provider: &Arc<Provider>,
    ledger: &Arc<Ledger>,
    agents: &[Vec<usize>],
) -> Vec<(usize, Option<ModelError>)> {
    let price = Some(provider.price.clone());
    let model = Metered::new(provider.clone(), price, None, ledger.clone());
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_time().build().expect("a runtime");
    let work = agents.iter().enumerate();
    let work = work.map(|(at, rounds)| work_as(&model, at, rounds));
    runtime.block_on(join_all(work))
}

async fn work_as(model: &Metered, at: usize, rounds: &[usize]) -> (usize, Option<ModelError>) {
    work(model, format!("You are agent {at}."), rounds).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_run_is_billed_more_than_its_limit(
        price in prices(),
        density in densities(),
        attempts in attempts(),
        agents in agents(),
        dollars in proptest::option::of(0.001..3.0),
        tokens in proptest::option::of(1_000_u64..400_000),
    ) {
        let provider = Provider::dense(price, density, attempts);
        let limits = Limits { session: dollars, tokens, day: None };
        let ledger = Arc::new(Ledger::new(limits, None));
        let ended = run(&provider, &ledger, &agents);
        let (bill, figures) = (provider.bill(), ledger.figures());
        if let Some(dollars) = dollars {
            prop_assert!(bill.dollars <= dollars + 1e-9, "{} of {dollars}", bill.dollars);
            prop_assert!(bill.dollars <= figures.spent + figures.unsure + 1e-9);
        }
        if let Some(tokens) = tokens {
            prop_assert!(bill.tokens <= tokens, "{} of {tokens}", bill.tokens);
        }
        prop_assert!((figures.spent - bill.reported).abs() < 1e-6);
        prop_assert_eq!((figures.reserved, figures.reserved_tokens), (0.0, 0));
        for error in ended.into_iter().filter_map(|(_, error)| error) {
            prop_assert_eq!(error.kind, ErrorKind::Limit, "{}", error);
        }
    }

    #[test]
    fn ample_limits_refuse_nothing_and_the_sum_is_what_was_reported(
        price in prices(),
        density in densities(),
        attempts in proptest::collection::vec(replies(true), 0..30),
        agents in agents(),
    ) {
        let provider = Provider::dense(price, density, attempts);
        let limits = Limits { session: Some(1e4), tokens: Some(1 << 40), day: None };
        let ledger = Arc::new(Ledger::new(limits, None));
        for (_, error) in run(&provider, &ledger, &agents) {
            prop_assert!(error.is_none(), "{error:?}");
        }
        let (bill, figures) = (provider.bill(), ledger.figures());
        prop_assert!((figures.spent - bill.dollars).abs() < 1e-6);
        prop_assert_eq!(figures.spent_tokens, bill.tokens);
        prop_assert_eq!((figures.unsure, figures.reserved), (0.0, 0.0));
    }
}
