//! Lines about the run itself.

use std::sync::Arc;
use std::time::Duration;

use corecoder::context::Compaction;
use corecoder::{ErrorKind, Event, Host, ModelError, Reply, Round, Spent, Usage};
use corecoder_output::{Printer, Sandbox, Setup};
use serde_json::{Value, json};

use crate::kept::{Careful, Kept, STEPS, printer, setup};

#[test]
fn a_request_that_is_made_again_is_told_with_its_kind() {
    let (printer, kept) = printer(STEPS);
    let kinds = [
        (ErrorKind::RateLimit, "rate_limit"),
        (ErrorKind::Overloaded, "server_error"),
        (ErrorKind::Quota, "billing_error"),
        (ErrorKind::Authentication, "authentication_failed"),
        (ErrorKind::BadRequest, "invalid_request"),
        (ErrorKind::Network, "unknown"),
    ];
    printer.event("", &Event::Request { round: 1 });
    for (kind, _) in kinds {
        let error = &ModelError::new(kind, "as the provider says");
        let wait = Duration::from_millis(1500);
        printer.event(
            "",
            &Event::Retry {
                error,
                wait,
                model: None,
            },
        );
    }
    let lines = kept.lines();
    for (at, (_, error)) in kinds.iter().enumerate() {
        let line = &lines[at + 1];
        assert_eq!(line["subtype"], "api_retry");
        assert_eq!(line["attempt"], at + 1);
        assert_eq!(line["retry_delay_ms"], 1500);
        assert_eq!(line["error"], *error);
        assert_eq!(line["error_status"], Value::Null);
    }
}

#[test]
fn without_a_sandbox_it_is_said_to_be_off() {
    let kept = Kept::default();
    let setup = Setup {
        mcp_servers: Vec::new(),
        sandbox: Sandbox::default(),
        ..setup()
    };
    let printer = Printer::new(Arc::new(Careful), setup, STEPS, Box::new(kept.clone()));
    printer.result(&Ok("done".to_string()), Usage::default(), None, None);
    let lines = kept.lines();
    assert_eq!([&lines[0]["sandbox"], &lines[1]["sandbox"]], ["off", "off"]);
}

#[test]
fn a_compaction_is_told_and_whether_somebody_asked_for_it() {
    let (printer, kept) = printer(STEPS);
    let compaction = &Compaction {
        before: 9000,
        after: 800,
        what: "summarized".to_string(),
        at: 0..4,
        by: Vec::new(),
    };
    printer.event("", &Event::User("go"));
    printer.event("", &Event::Compacted(compaction));
    printer.event("", &Event::Ended(&Ok("done".to_string())));
    printer.result(&Ok("done".to_string()), Usage::default(), None, None);
    printer.event("", &Event::Compacted(compaction));
    let lines = kept.lines();
    assert_eq!(
        lines[1]["compact_metadata"],
        json!({"trigger": "auto", "pre_tokens": 9000, "post_tokens": 800})
    );
    assert_eq!(lines[3]["compact_metadata"]["trigger"], "manual");
}

#[test]
fn replies_end_in_the_words_of_the_messages_api() {
    let (printer, kept) = printer(STEPS);
    let cases = [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("", "end_turn"),
    ];
    for (finish, _) in cases {
        let mut reply = Reply::text("fine");
        reply.finish = finish.to_string();
        printer.event("", &Event::Request { round: 1 });
        printer.event("", &Event::Replied(&reply));
    }
    let lines = kept.lines();
    for (at, (_, reason)) in cases.iter().enumerate() {
        assert_eq!(lines[at + 1]["message"]["stop_reason"], *reason);
    }
}

#[test]
fn a_reply_that_is_cut_off_is_printed_as_it_is_kept() {
    let (printer, kept) = printer(STEPS);
    printer.event("", &Event::Request { round: 1 });
    printer.event("", &Event::Text("I will"));
    let round = Round::new(Reply::text("I will[interrupted]"), |_, _| String::new());
    printer.event("", &Event::Closed(&round));
    let message = &kept.lines()[1]["message"];
    assert_eq!(message["content"][0]["text"], "I will[interrupted]");
    assert_eq!(message["stop_reason"], Value::Null);
}

#[test]
fn tokens_from_the_cache_are_not_counted_twice() {
    let (printer, _) = printer(STEPS);
    let usage = Usage {
        prompt: 100,
        completion: 7,
        cached: 60,
        written: 10,
        ..Usage::default()
    };
    for (model, dollars) in [("a", Some(0.5)), ("b", None), ("a", Some(0.25))] {
        let (model, usage) = (model.to_string(), Some(usage));
        let spent = Spent {
            model,
            usage,
            dollars,
            summary: false,
        };
        printer.event("", &Event::Spent(&spent));
    }
    let result = printer.result(&Ok(String::new()), usage, Some(0.5), None);
    assert_eq!(result.usage.input_tokens, 30);
    assert_eq!(result.usage.cache_creation_input_tokens, 10);
    assert_eq!(result.model_usage["a"].cost_usd, Some(0.75));
    assert_eq!(result.model_usage["b"].cost_usd, None);
    assert_eq!(result.model_usage["b"].output_tokens, 7);
    assert_eq!(result.usage.cache_read_input_tokens, 60);
}
