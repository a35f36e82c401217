//! What is known of prices, and what is not guessed.

use corecoder::Usage;
use corecoder_providers::prices::{Rates, Tier};
use corecoder_providers::{Price, Prices};
use proptest::prelude::*;
use serde_json::{Value, json};

fn overlaid(own: Value) -> (Prices, Vec<String>) {
    let mut prices = Prices::new();
    let problems = prices.overlay(own.as_object().expect("an object"));
    (prices, problems)
}

#[test]
fn every_row_of_the_table_is_read_and_says_where_it_is_from() {
    let file: Value = serde_json::from_str(include_str!("../../prices.json")).expect("JSON");
    let prices = Prices::new();
    let mut rows = 0;
    for (provider, models) in file["models"].as_object().expect("providers") {
        for (model, row) in models.as_object().expect("models") {
            let price = prices.of(Some(provider), model).expect(model);
            assert_eq!(
                json!(price.rates.input).as_f64(),
                row[0].as_f64(),
                "{model}"
            );
            assert_eq!(
                price.long.len(),
                row[7].as_array().map_or(0, Vec::len),
                "{model}"
            );
            rows += 1;
        }
    }
    assert!(rows > 400, "{rows}");
    for field in ["source", "versions", "made", "unit", "columns", "license"] {
        assert!(!file["header"][field].is_null(), "{field}");
    }
    assert!(include_str!("../../prices.json").len() <= 40 << 10);
}

#[test]
fn a_name_finds_its_own_row_or_none() {
    let input = |provider: Option<&str>, model: &str| {
        let price = Prices::new().of(provider, model)?;
        Some(price.rates.input)
    };
    let sonnet = input(Some("anthropic"), "claude-sonnet-5-5");
    let rows = [
        (None, "claude-sonnet-5-5", true),
        (None, "claude-sonnet-5.5", true),
        (None, "anthropic/claude-sonnet-5-5", true),
        (Some("anthropic"), "claude-sonnet-5-5-20261001", true),
        (Some("anthropic"), "claude-sonnet-5.5-2026-10-01", true),
        (Some("anthropic"), "claude-sonnet-5-5-fast", false),
        (Some("anthropic"), "claude-sonnet", false),
        (Some("anthropic"), "", false),
        (Some("openai"), "claude-sonnet-5-5", false),
        (Some("nobody"), "claude-sonnet-5-5", false),
        (None, "é-2025", false),
    ];
    for (provider, model, is_known) in rows {
        assert_eq!(
            input(provider, model),
            sonnet.filter(|_| is_known),
            "{provider:?} {model}"
        );
    }
    assert_ne!(input(None, "gpt-5.6"), input(None, "gpt-5.6-luna"));
    assert_eq!(
        input(Some("gemini"), "gemini-2.5-pro"),
        input(Some("google"), "gemini-2.5-pro")
    );
}

#[test]
fn a_long_prompt_costs_its_own_price() {
    let price = Prices::new().of(None, "gemini-2.5-pro").expect("known");
    let cost = |prompt, completion| {
        let usage = Usage {
            prompt,
            completion,
            ..Usage::default()
        };
        price.cost(&usage)
    };
    assert_eq!(cost(200_000, 1_000_000), 0.25 + 10.0);
    assert_eq!(cost(200_001, 0), 200_001.0 * 2.5 / 1e6);
    assert_eq!(cost(400_000, 1_000_000), 1.0 + 15.0);
}

#[test]
fn each_kind_of_token_has_its_price() {
    let rates = Rates {
        input: 10.0,
        cached: Some(1.0),
        write: Some(20.0),
        output: 100.0,
        reasoning: Some(200.0),
    };
    let price = Price {
        rates,
        ..Price::default()
    };
    let check = |[prompt, cached, written, completion, reasoning]: [u64; 5], expected: f64| {
        let usage = Usage {
            prompt,
            cached,
            written,
            completion,
            reasoning,
        };
        assert_eq!(price.cost(&usage) * 1e6, expected, "{usage:?}");
    };
    check([0, 0, 0, 0, 0], 0.0);
    check([10, 0, 0, 0, 0], 100.0);
    check([10, 4, 5, 0, 0], 10.0 + 4.0 + 100.0);
    check([0, 0, 0, 10, 3], 700.0 + 600.0);
    // Parts that are more than the whole are the whole.
    check([10, 20, 30, 5, 9], 10.0 + 1_000.0);
    assert_eq!(
        price.saved(&Usage {
            prompt: 10,
            cached: 10,
            ..Usage::default()
        }) * 1e6,
        90.0
    );
}

#[test]
fn the_users_own_prices_come_first_and_nonsense_is_said() {
    let (prices, problems) = overlaid(json!({
        "house": {"input": 1, "output": 2},
        "claude-sonnet-5-5": {"input": 7, "output": 8},
        "openrouter/house": {"input": 3, "output": 4, "cached": 0, "max_tokens": 5},
        "gpt-5.6": {"window": 1000},
        "a": {"input": -1, "output": 2},
        "b": {"input": 1e300, "output": 2},
        "c": {"input": 1},
        "d": "free",
        "e": {"input": 1, "output": 2, "inputs": 3},
        "f": {"input": null, "output": "1"},
        "g": {"cached": 1},
    }));
    let input = |provider: Option<&str>, model: &str| Some(prices.of(provider, model)?.rates.input);
    assert_eq!(input(None, "house"), Some(1.0));
    assert_eq!(input(Some("mine"), "house"), Some(1.0));
    assert_eq!(input(Some("openrouter"), "house"), Some(3.0));
    assert_eq!(input(None, "claude-sonnet-5-5"), Some(7.0));
    let limits = prices.limits(None, "gpt-5.6");
    assert_eq!(
        (limits.window, limits.max_tokens),
        (Some(1_000), Some(128_000))
    );
    assert_eq!(input(None, "gpt-5.6"), Some(4.0));
    assert_eq!(
        prices.limits(Some("openrouter"), "house").max_tokens,
        Some(5)
    );
    let mut named: Vec<char> = problems
        .iter()
        .filter_map(|text| text.chars().nth(14))
        .collect();
    named.sort();
    assert_eq!(named, ['a', 'b', 'c', 'd', 'e', 'f', 'g'], "{problems:?}");
    assert_eq!(
        problems[2],
        "the price of \"c\" is ignored: missing field `output`; write {\"input\": 1.25, \"output\": 10}, in dollars per \
         million tokens"
    );
}

#[test]
fn what_was_said_first_of_a_model_counts() {
    let mut prices = Prices::new();
    for input in [1, 2] {
        let own = json!({"house": {"input": input, "output": 1}});
        assert!(
            prices
                .overlay(own.as_object().expect("an object"))
                .is_empty()
        );
    }
    assert_eq!(
        prices.of(None, "house").map(|price| price.rates.input),
        Some(1.0)
    );
}

proptest! {
    #[test]
    fn no_usage_costs_more_than_the_most(
        rates in proptest::collection::vec([0.0..100.0, 0.0..100.0, 0.0..100.0, 0.0..100.0, 0.0..100.0], 1..4),
        bound in 0_u64..1_000_000,
        parts in [0.0..=1.0, 0.0..=1.0, 0.0..=1.0, 0.0..=1.0],
        completion in 0_u64..200_000,
    ) {
        let rates = rates.into_iter().map(|[input, cached, write, output, reasoning]| Rates {
            input,
            cached: Some(cached).filter(|price| *price > 10.0),
            write: Some(write).filter(|price| *price > 10.0),
            output,
            reasoning: Some(reasoning).filter(|price| *price > 10.0),
        });
        let mut tiers = rates.enumerate().map(|(at, rates)| Tier { above: at as u64 * 200_000, rates });
        let rates = tiers.next().expect("one").rates;
        let price = Price { rates, long: tiers.collect(), ..Price::default() };
        let share = |of: u64, share: f64| (of as f64 * share) as u64;
        let prompt = share(bound, parts[0]);
        let cached = share(prompt, parts[1]);
        let usage = Usage {
            prompt,
            cached,
            written: share(prompt - cached, parts[2]),
            completion,
            reasoning: share(completion, parts[3]),
        };
        prop_assert!(price.cost(&usage) <= price.at_most(bound, completion) * (1.0 + 1e-12));
    }
}
