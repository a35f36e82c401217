//! Lines of sub-agents name the call that started them, if it can be told.

use std::time::Duration;

use corecoder::{Effect, Event, Host, Reply, ToolCall, Usage};
use corecoder_output::Printer;
use serde_json::{Map, Value, json};

use crate::kept::{Kept, STEPS, agent, check_order, printer};

/// (the sub-agent, the call named) of each line of a sub-agent.
async fn origins(tasks: &[&str]) -> Vec<(String, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(STEPS);
    let calls = tasks.iter().map(|task| ("agent", json!({"task": task})));
    let mut replies = vec![Reply::calls(calls)];
    replies.extend(tasks.iter().map(|_| Reply::text("found")));
    replies.push(Reply::text("done"));
    let mut agent = agent(folder.path(), &printer, replies);
    let outcome = agent.chat("go").await;
    printer.result(&outcome, Usage::default(), None, None);
    let lines = kept.lines();
    check_order(&lines);
    let of_children = lines.iter().filter_map(|line| {
        let agent = line["agent"].as_str()?;
        Some((agent.to_string(), line["parent_tool_use_id"].clone()))
    });
    of_children.collect()
}

#[tokio::test]
async fn sub_agents_with_different_tasks_are_told_apart() {
    let mut origins = origins(&["count the lines\nof all files", "\n  find the tests"]).await;
    origins.sort_by_key(|(agent, _)| agent.clone());
    origins.dedup();
    let expected = [
        ("count the lines".to_string(), json!("call_0")),
        ("find the tests".to_string(), json!("call_1")),
    ];
    assert_eq!(origins, expected);
}

/// A call of `agent` that is under way.
struct Child<'a> {
    printer: &'a Printer,
    call: ToolCall,
}

impl Child<'_> {
    fn start<'a>(printer: &'a Printer, id: &str, args: Value) -> Child<'a> {
        let call = ToolCall {
            id: id.to_string(),
            name: "agent".to_string(),
            args: Ok(args),
            echo: Map::new(),
        };
        let reply = Reply {
            calls: vec![call.clone()],
            ..Reply::default()
        };
        printer.event("", &Event::Request { round: 1 });
        printer.event("", &Event::Replied(&reply));
        let (call, effect) = (&reply.calls[0], Effect::Delegate);
        printer.event("", &Event::Started { call, effect });
        let call = call.clone();
        Child { printer, call }
    }

    fn finish(&self) {
        let result = &Ok("its report".to_string());
        let (call, took) = (&self.call, Duration::ZERO);
        self.printer
            .event("", &Event::Finished { call, result, took });
    }
}

fn parents(kept: &Kept, who: &str) -> Vec<Value> {
    let lines = kept.lines();
    let lines = lines.iter().filter(|line| line["agent"] == who);
    lines
        .map(|line| line["parent_tool_use_id"].clone())
        .collect()
}

#[test]
fn sub_agents_of_one_name_are_not_guessed_at() {
    let (printer, kept) = printer(STEPS);
    let says = || printer.event("look", &Event::Note("something"));
    let one = Child::start(&printer, "call_1", json!({"task": "look\nhere"}));
    says();
    let two = Child::start(&printer, "call_2", json!({"task": "look\nthere"}));
    says();
    one.finish();
    says();
    two.finish();
    says();
    let expected = [json!("call_1"), Value::Null, json!("call_2"), Value::Null];
    assert_eq!(parents(&kept, "look"), expected);
}

#[test]
fn a_background_agent_keeps_its_call_until_it_ends() {
    let (printer, kept) = printer(STEPS);
    let says = || printer.event("dig", &Event::Note("something"));
    let child = Child::start(
        &printer,
        "call_7",
        json!({"task": "dig", "background": true}),
    );
    child.finish();
    says();
    printer.event("dig", &Event::Ended(&Ok("dug".to_string())));
    says();
    assert_eq!(parents(&kept, "dig"), [json!("call_7"), Value::Null]);
}
