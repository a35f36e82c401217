//! What a session cost, from made-up journals and live.

use corecoder::context::Compaction;
use corecoder::session::{Fact, Header, Line};
use corecoder::{Entry, Reply, Round, Spent, Usage};
use corecoder_providers::{Bill, Prices};
use proptest::prelude::*;

const MINUTE: u64 = 60_000;
const SONNET: &str = "claude-sonnet-5-5";

fn usage(prompt: u64, cached: u64) -> Usage {
    Usage {
        prompt,
        cached,
        completion: 100,
        ..Usage::default()
    }
}

fn spent(model: &str, prompt: u64, cached: u64) -> Spent {
    Spent {
        model: model.to_string(),
        usage: Some(usage(prompt, cached)),
        ..Spent::default()
    }
}

fn line(time: u64, who: &str, fact: Fact) -> Line {
    Line {
        time,
        who: who.to_string(),
        fact,
    }
}

fn opened() -> Fact {
    Fact::Opened {
        pid: 1,
        program: "corecoder".to_string(),
    }
}

fn compaction() -> Fact {
    Fact::Compaction(Compaction {
        before: 100,
        after: 10,
        what: "30 older entries became a summary".to_string(),
        at: 4..34,
        by: Vec::new(),
    })
}

fn round(reply: Reply) -> Entry {
    Entry::Round(Round::new(reply, |_, _| String::new()))
}

fn counted(model: &str, prompt: u64) -> Reply {
    Reply {
        usage: Some(usage(prompt, 0)),
        model: model.to_string(),
        ..Reply::text("hi")
    }
}

fn bill(lines: &[Line]) -> Bill {
    let mut bill = Bill::new(Prices::new(), None);
    bill.lines(lines);
    bill
}

#[test]
fn it_says_why_little_came_from_the_cache() {
    let first = Fact::Spent(spent(SONNET, 10_000, 0));
    let spent = |model, prompt, cached| Fact::Spent(spent(model, prompt, cached));
    // What happens between the first request and the next, the next, and why it was not served from the cache.
    let rows: [(Vec<Fact>, u64, Fact, Option<&str>); 11] = [
        (vec![], 1, spent(SONNET, 11_000, 10_000), None),
        (vec![], 1, spent(SONNET, 11_000, 5_000), None),
        (
            vec![],
            1,
            spent("gpt-5.6", 11_000, 0),
            Some("model changed: claude-sonnet-5-5 → gpt-5.6"),
        ),
        (
            vec![compaction()],
            1,
            spent(SONNET, 3_000, 2_000),
            Some("the prefix changed at entry 5: 30 older entries became a summary"),
        ),
        (
            vec![Fact::Rewind(3)],
            1,
            spent(SONNET, 9_000, 0),
            Some("the conversation was rewound"),
        ),
        (
            vec![],
            7,
            spent(SONNET, 11_000, 0),
            Some("7 min since the last one; Anthropic keeps it 5 min"),
        ),
        (
            vec![],
            4,
            spent(SONNET, 11_000, 0),
            Some("the provider does not say why"),
        ),
        (
            vec![opened()],
            2,
            spent(SONNET, 11_000, 0),
            Some("the program was started anew: tools or instructions may have changed"),
        ),
        (
            vec![opened()],
            9,
            spent(SONNET, 11_000, 0),
            Some("9 min since the last one; Anthropic keeps it 5 min"),
        ),
        (vec![compaction()], 1, spent(SONNET, 11_000, 9_000), None),
        (vec![], 1, Fact::Spent(Spent::default()), None),
    ];
    for (between, minutes, next, why) in rows {
        let mut lines = vec![line(0, "", first.clone())];
        lines.extend(between.into_iter().map(|fact| line(1, "", fact)));
        lines.push(line(minutes * MINUTE, "", next));
        let bill = bill(&lines);
        assert_eq!(bill.rows()[0].why.as_deref(), Some("first request"));
        assert_eq!(bill.rows()[1].why.as_deref(), why, "{lines:?}");
    }
}

#[test]
fn providers_have_rules_of_their_own() {
    let rows = [
        (
            "claude-opus-5",
            900,
            1,
            "900 tokens are too few: Anthropic caches from 1,024",
        ),
        (
            "openai/gpt-6-sol",
            900,
            1,
            "900 tokens are too few: OpenAI caches from 1,024",
        ),
        (
            "gpt-6-sol",
            9_000,
            11,
            "11 min since the last one; OpenAI keeps it 10 min to 24 h",
        ),
        ("gpt-6-sol", 9_000, 9, "the provider does not say why"),
        (
            "gemini-3.8-flash",
            1_100,
            1,
            "1,100 tokens are too few: Google caches from 2,048",
        ),
        (
            "gemini-3.8-flash",
            9_000,
            600,
            "the provider does not say why",
        ),
        (
            "deepseek-v4-pro",
            100,
            200,
            "200 min since the last one; DeepSeek keeps it some hours to days",
        ),
        ("house-model", 100, 6_000, "the provider does not say why"),
    ];
    for (model, prompt, minutes, why) in rows {
        let mut bill = Bill::default();
        bill.add(0, "", &spent(model, prompt, 0));
        bill.add(minutes * MINUTE, "", &spent(model, prompt + 10, 0));
        assert_eq!(bill.rows()[1].why.as_deref(), Some(why), "{model}");
    }
}

#[test]
fn each_who_has_a_cache_of_its_own() {
    let mut bill = Bill::default();
    bill.add(0, "", &spent(SONNET, 10_000, 0));
    bill.add(1, "explore", &spent(SONNET, 2_000, 0));
    bill.rewound("explore");
    bill.add(2, "", &spent(SONNET, 11_000, 10_000));
    let why: Vec<_> = bill.rows().iter().map(|row| row.why.as_deref()).collect();
    assert_eq!(why, [Some("first request"), Some("first request"), None]);
}

#[test]
fn older_journals_are_read_by_their_replies() {
    let lines = [
        line(
            0,
            "",
            Fact::Session(Header {
                model: SONNET.to_string(),
                ..Header::default()
            }),
        ),
        line(0, "", Fact::Entries(vec![round(counted("", 7_777))])),
        line(0, "", opened()),
        line(1, "", Fact::Reply(counted("", 1_000))),
        line(
            2,
            "explore",
            Fact::Entries(vec![Entry::User("go".into()), round(counted("", 200))]),
        ),
        line(3, "", Fact::Model("gpt-5.6".to_string())),
        line(4, "", Fact::Reply(counted("", 3_000))),
        // A newer program goes on with it.
        line(5, "", opened()),
        line(6, "", Fact::Reply(counted("gpt-5.6", 4_000))),
        line(6, "", Fact::Spent(spent("gpt-5.6", 4_000, 0))),
        line(
            7,
            "",
            Fact::Spent(Spent {
                summary: true,
                ..spent("gpt-5.6", 4_100, 4_000)
            }),
        ),
    ];
    let bill = bill(&lines);
    let rows: Vec<_> = bill
        .rows()
        .iter()
        .map(|row| (row.model.as_str(), row.usage.map(|usage| usage.prompt)))
        .collect();
    let gpt = |prompt| ("gpt-5.6", Some(prompt));
    assert_eq!(
        rows,
        [
            (SONNET, Some(1_000)),
            (SONNET, Some(200)),
            gpt(3_000),
            gpt(4_000),
            gpt(4_100)
        ]
    );
    let sheet = bill.sheet();
    let parts: Vec<_> = sheet
        .parts
        .iter()
        .map(|sum| (sum.name.as_str(), sum.replies))
        .collect();
    assert_eq!(parts, [("the agent", 3), ("explore", 1), ("summaries", 1)]);
    assert_eq!(sheet.total.usage.prompt, 12_300);
}

#[test]
fn dollars_are_the_replys_own_else_the_tables_else_unknown() {
    let mut bill = Bill::new(Prices::new(), None);
    bill.add(
        0,
        "",
        &Spent {
            dollars: Some(0.5),
            ..spent(SONNET, 1_000_000, 0)
        },
    );
    bill.add(1, "", &spent(SONNET, 1_000_000, 1_000_000));
    bill.add(2, "", &spent("house", 1_000, 0));
    let sheet = bill.sheet();
    assert!(
        (sheet.total.dollars - 0.5 - 0.1 - 2.0 * 0.0).abs() < 0.01,
        "{sheet:?}"
    );
    assert!((sheet.total.saved - 1.9).abs() < 1e-9);
    assert_eq!((sheet.total.unpriced, bill.rows()[2].dollars), (1, None));
}

#[test]
fn a_broken_journal_is_read_as_far_as_it_goes() {
    let good =
        serde_json::to_string(&line(0, "", Fact::Spent(spent(SONNET, 10, 0)))).expect("JSON");
    let mut bill = Bill::default();
    let journal = [
        good.as_bytes(),
        b"\n{\"time\": 1\n\xff\xfe\n",
        good.as_bytes(),
        b"\n",
        &good.as_bytes()[..20],
    ];
    let problems = bill.journal(&journal.concat());
    assert_eq!((bill.rows().len(), problems.len()), (2, 3), "{problems:?}");
    assert!(problems[0].starts_with(&format!(
        "the line at byte {} is left out: ",
        good.len() + 1
    )));
}

const WIDE: &str = "\
round                        prompt     cached  written   reply thought  dollars
  1 claude-sonnet-5-5        12,000          0   11,000     100       0  $0.0305
    not cached: first request
  2 claude-sonnet-5-5        13,000     12,000        0     100       0  $0.0042
  3 explore, gpt-5.6          2,000          0        0     100       0  $0.0100
    not cached: first request
  4 summary,…e-model[31m          ?          ?        ?       ?       ?        ?
";

#[test]
fn it_is_a_table_for_wide_and_for_narrow_terminals() {
    let mut bill = Bill::new(Prices::new(), None);
    let written = Usage {
        written: 11_000,
        ..usage(12_000, 0)
    };
    bill.add(
        0,
        "",
        &Spent {
            usage: Some(written),
            ..spent(SONNET, 0, 0)
        },
    );
    bill.add(1, "", &spent(SONNET, 13_000, 12_000));
    bill.add(2, "explore", &spent("gpt-5.6", 2_000, 0));
    bill.add(
        3,
        "",
        &Spent {
            model: "house-model\u{1b}[31m".into(),
            summary: true,
            ..Spent::default()
        },
    );
    let wide = bill.to_string();
    for (line, expected) in wide.lines().zip(WIDE.lines()) {
        assert_eq!(line, expected, "{wide}");
    }
    let wanted = [
        "explore (1)",
        "summaries (1)",
        "total (4)",
        "the cache saved about $",
        "no price is known for 1 of",
    ];
    for (width, text) in [(80, wide), (40, bill.text(40)), (1, bill.text(1))] {
        for words in wanted {
            assert!(text.contains(words), "{words}:\n{text}");
        }
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(width.max(38)), "{text}");
        assert!(!text.contains('\u{1b}'));
    }
    let json = serde_json::to_value(&bill).expect("JSON");
    assert_eq!(json["total"]["replies"], 4);
    assert_eq!(json["rounds"][1]["usage"]["cached"], 12_000);
    assert_eq!(Bill::default().sheet().total.replies, 0);
    assert!(Bill::default().to_string().contains("total (0)"));
}

proptest! {
    #[test]
    fn the_sums_are_what_the_providers_counted(
        replies in proptest::collection::vec(
            (0_usize..3, 0_usize..3, [0_u64..1_000_000, 0..100_000, 0..100_000, 0..100_000], proptest::option::of(0.0..5.0), any::<bool>()),
            0..40,
        ),
    ) {
        let mut bill = Bill::new(Prices::new(), None);
        let (mut total, mut dollars) = (Usage::default(), 0.0);
        for (time, (who, model, [prompt, completion, cached, written], own, summary)) in replies.iter().enumerate() {
            let reasoning = completion / 2;
            let usage = Usage { prompt: *prompt, completion: *completion, cached: *cached, written: *written, reasoning };
            let spent = Spent {
                model: ["house", "home", "hut"][*model].to_string(),
                usage: Some(usage),
                dollars: *own,
                summary: *summary,
            };
            bill.add(time as u64, ["", "explore", "build"][*who], &spent);
            total += usage;
            dollars += own.unwrap_or(0.0);
        }
        let sheet = bill.sheet();
        prop_assert_eq!(sheet.total.usage, total);
        for sums in [&sheet.models, &sheet.parts] {
            let mut sum = Usage::default();
            sums.iter().for_each(|part| sum += part.usage);
            prop_assert_eq!(sum, total);
            prop_assert!((sums.iter().map(|part| part.dollars).sum::<f64>() - dollars).abs() < 1e-6);
        }
        prop_assert!(bill.text(80).lines().all(|line| line.chars().count() <= 80));
        prop_assert!(bill.text(40).lines().all(|line| line.chars().count() <= 40));
    }
}
