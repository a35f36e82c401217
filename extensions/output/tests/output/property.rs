//! Whatever is said, each line is one JSON object, and says exactly that.

use corecoder::{Event, Host, Reply, ToolCall, Usage};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::kept::{STEPS, check_order, printer};

fn calls() -> impl Strategy<Value = Vec<(String, String, Result<String, String>)>> {
    let result = prop_oneof![any::<String>().prop_map(Ok), any::<String>().prop_map(Err)];
    // Few ids, so that some are the same.
    prop::collection::vec(("[ab]", any::<String>(), result), 0..5)
}

proptest! {
    #[test]
    fn every_text_comes_through_as_it_is(
        text in any::<String>(), thought in "[\u{85}\u{2028}\u{2029}\\PC\n\r]*", calls in calls(), early in any::<u8>(),
    ) {
        let (printer, kept) = printer(STEPS);
        let call = |(id, arg, _): &(String, String, Result<String, String>)| ToolCall {
            id: id.clone(),
            name: "tool".to_string(),
            args: Ok(json!({"arg": arg})),
            echo: Map::new(),
        };
        let reply = Reply {
            text: text.clone(),
            reasoning: thought.clone(),
            calls: calls.iter().map(call).collect(),
            ..Reply::default()
        };
        let finish = |at: usize| {
            let (call, result) = (&reply.calls[at], &calls[at].2);
            printer.event("", &Event::Finished { call, result, took: std::time::Duration::ZERO });
        };
        // Some are done before the reply, the last one never.
        let early = usize::from(early) % (calls.len() + 1);
        let done = calls.len().saturating_sub(1);
        printer.event("", &Event::User("go"));
        printer.event("", &Event::Request { round: 1 });
        (0..early.min(done)).for_each(finish);
        printer.event("", &Event::Replied(&reply));
        (early.min(done)..done).for_each(finish);
        printer.result(&Ok(text.clone()), Usage::default(), None, None);
        let lines = kept.lines();
        check_order(&lines);
        prop_assert_eq!(&lines[lines.len() - 1]["result"], &Value::from(text.clone()));
        let said = lines[1]["message"]["content"].as_array().unwrap();
        let texts = [thought, text].into_iter().filter(|text| !text.is_empty()).count();
        prop_assert_eq!(said.len(), texts + calls.len());
    }
}
