//! The wire's rules for what servers do beside the protocol, as tables: a stream, and the reply that it means.
//!
//! A row is `[what it shows, the stream, what is wanted]`. A stream is told as fragments of tool calls, as deltas
//! or as chunks, whatever says it shortest. A fragment is `[index, id, name, arguments]`, where null is a field
//! left out. Of what is wanted, `calls` are `[id, name, arguments]`: the id `*` is any that no other call has, and
//! arguments that are text are kept as unreadable. A `text`, `reasoning` or `calls` that a row leaves out is empty.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use corecoder::wire::{self, Reading};
use corecoder::{Delta, Entry, ModelError, Reply, Request, Round, Summary};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

#[test]
fn a_fragment_goes_to_the_call_that_index_id_and_completeness_point_at() {
    let (a, b) = (r#"{"file_path":"a"}"#, r#"{"file_path":"b"}"#);
    let start = r#"{"file_path":"#;
    let one = json!({"calls": [["x", "read_file", {"file_path": "a"}]]});
    let two = json!({"calls": [["x", "read_file", {"file_path": "a"}], ["y", "read_file", {"file_path": "b"}]]});
    let any = json!({"calls": [["*", "read_file", {"file_path": "a"}], ["*", "read_file", {"file_path": "b"}]]});
    let none = json!({"calls": [["x", "glob", {}], ["y", "grep", {}]]});
    let rows = json!([
        ["index 0 twice in pieces without ids", [[0, null, "read_file", ""], [0, null, null, a], [0, null, "glob", ""], [0, null, null, "{}"]], {"calls": [["*", "read_file", {"file_path": "a"}], ["*", "glob", {}]]}],
        ["no index, pieces in turns by id", [[null, "x", "read_file", start], [null, "y", "read_file", start], [null, "x", null, "\"a\"}"], [null, "y", null, "\"b\"}"]], two],
        ["an unreadable call before one of the same name", [[0, "x", "glob", "{p}"], [0, "y", "glob", "{}"]], {"calls": [["x", "glob", "{p}"], ["y", "glob", {}]]}],
        ["names after all arguments", [[0, "x", null, a], [1, "y", null, b], [0, null, "read_file", null], [1, null, "read_file", null]], two],
        ["`{}` before the real ones, in turns", [[0, "x", "read_file", "{}"], [1, "y", "read_file", "{}"], [0, null, null, a], [1, null, null, b]], two],
        ["ids missing", [[0, null, "read_file", a], [1, null, "read_file", b]], any],
        ["ids empty", [[0, "", "read_file", a], [1, "", "read_file", b]], any],
        ["ids that are numbers", [[0, 0, "read_file", a], [1, 1, "read_file", b]], any],
        ["ids and indexes missing", [[null, null, "read_file", a], [null, null, "read_file", b]], any],
        ["one id for two indexes", [[0, "x", "read_file", a], [1, "x", "read_file", b]], any],
        ["one id in every fragment",
            [[0, "x", "read_file", ""], [0, "x", null, start], [0, "x", null, "\"a\"}"]], one],
        ["an empty id in what follows", [[0, "x", "read_file", ""], [0, "", "", a]], one],
        ["a new id in every fragment",
            [[0, "x", "read_file", start], [0, "y", null, "\"a\""], [0, "z", null, "}"]], one],
        ["the id at the end", [[0, null, "read_file", a], [0, "x", null, ""]], one],
        ["the index at the start only", [[0, "x", "read_file", ""], [null, null, null, a]], one],
        ["index 0 twice with ids", [[0, "x", "read_file", a], [0, "y", "read_file", b]], two],
        ["index 0 twice without ids", [[0, null, "read_file", a], [0, null, "read_file", b]], any],
        ["index 0 twice in pieces, ids at the starts",
            [[0, "x", "read_file", ""], [0, null, null, a], [0, "y", "read_file", ""], [0, null, null, b]], two],
        ["index 0 twice, an empty fragment after each call",
            [[0, "x", "read_file", a], [0, "x", "read_file", ""],
             [0, "y", "read_file", b], [0, "y", "read_file", ""]],
            two],
        ["no index, ids at the starts",
            [[null, "x", "read_file", ""], [null, null, null, a],
             [null, "y", "read_file", ""], [null, null, null, b]],
            two],
        ["all starts before all arguments",
            [[0, "x", "read_file", ""], [1, "y", "read_file", ""],
             [0, "x", "read_file", a], [1, "y", "read_file", b]],
            two],
        ["pieces in turns",
            [[0, "x", "read_file", start], [1, "y", "read_file", start],
             [0, null, null, "\"a\"}"], [1, null, null, "\"b\"}"]],
            two],
        ["each call whole once more at the end",
            [[0, "x", "read_file", a], [1, "y", "read_file", b],
             [0, "x", "read_file", a], [1, "y", "read_file", b]],
            two],
        ["indexes from 1", [[1, "x", "read_file", a], [2, "y", "read_file", b]], two],
        ["indexes in the wrong order", [[1, "y", "read_file", b], [0, "x", "read_file", a]], two],
        ["an unreadable call before one of another name", [[null, "x", "glob", "{p}"], [null, "y", "read_file", b]],
            {"calls": [["x", "glob", "{p}"], ["y", "read_file", {"file_path": "b"}]]}],
        ["two equal calls", [[0, "x", "read_file", a], [1, "y", "read_file", a]],
            {"calls": [["x", "read_file", {"file_path": "a"}], ["y", "read_file", {"file_path": "a"}]]}],
        ["index 0 twice with `{}`", [[0, "x", "glob", "{}"], [0, "y", "grep", "{}"]], none],
        ["index 0 twice without arguments", [[0, "x", "glob", ""], [0, "y", "grep", ""]], none],
        ["no arguments", [[0, "x", "glob", ""], [1, "y", "grep", null]], none],
    ]);
    check_all(calls, &rows);
    check_all(calls_in_one_chunk, &rows);
}

#[test]
fn a_name_counts_once_however_often_or_late_it_is_sent() {
    let a = r#"{"file_path":"a"}"#;
    let start = r#"{"file_path":"#;
    let one = json!({"calls": [["x", "read_file", {"file_path": "a"}]]});
    let rows = json!([
        ["in every fragment",
            [[0, "x", "read_file", ""], [0, "x", "read_file", start], [0, "x", "read_file", "\"a\"}"]], one],
        ["in every fragment, without ids",
            [[0, null, "read_file", start], [0, null, "read_file", "\"a\""], [0, null, "read_file", "}"]],
            {"calls": [["*", "read_file", {"file_path": "a"}]]}],
        ["in two parts", [[0, "x", "read_", ""], [0, null, "file", ""], [0, null, null, a]], one],
        ["growing", [[0, "x", "read", ""], [0, "x", "read_file", ""], [0, "x", null, a]], one],
        ["after the arguments", [[0, "x", null, a], [0, null, "read_file", null]], one],
        ["again after the arguments", [[0, "x", "read_file", a], [0, "x", "read_file", ""]], one],
        ["with blanks around it", [[0, "x", " read_file\n", a]], one],
    ]);
    check_all(calls, &rows);
    check_all(calls_in_one_chunk, &rows);
}

#[test]
fn arguments_are_the_one_object_that_was_meant_or_stay_as_they_came() {
    let p = r#"{"pattern":"p"}"#;
    let two = r#"{"pattern":"p"}{"pattern":"q"}"#;
    let meant = json!({"calls": [["x", "grep", {"pattern": "p"}]]});
    let empty = json!({"calls": [["x", "grep", {}]]});
    let rows = json!([
        ["the whole call once more, spaced otherwise", [[0, "x", "grep", p], [0, "x", "grep", "{\"pattern\": \"p\"}"]], meant],
        ["the whole call once more, as an object", [[0, "x", "grep", "{\"pattern\": \"p\"}"], [0, "x", "grep", {"pattern": "p"}]], meant],
        ["`{}` before the real ones, named twice", [[0, "x", "grep", "{}"], [0, "x", "grep", p]], meant],
        ["`{}` and the real ones, twice", [[0, "x", "grep", "{}"], [0, null, null, p], [0, null, null, "{}"], [0, null, null, p]], meant],
        ["an object", [[0, "x", "grep", {"pattern": "p"}]], meant],
        ["an empty object", [[0, "x", "grep", {}]], empty],
        ["encoded twice", [[0, "x", "grep", json!(p).to_string()]], meant],
        ["encoded twice, in pieces",
            [[0, "x", "grep", "\"{\\\"pat"], [0, null, null, "tern\\\":\\\"p\\\"}\""]], meant],
        ["`{}` before the real ones", [[0, "x", "grep", "{}"], [0, null, null, p]], meant],
        ["an empty object before the real ones", [[0, "x", "grep", {}], [0, null, null, p]], meant],
        ["`{}` after the real ones", [[0, "x", "grep", p], [0, null, null, "{}"]], meant],
        ["all once more",
            [[0, "x", "grep", "{\"pattern\""], [0, null, null, ":\"p\"}"], [0, null, null, p]], meant],
        ["the whole call once more",
            [[0, "x", "grep", "{\"pattern\""], [0, null, null, ":\"p\"}"], [0, "x", "grep", p]], meant],
        ["blanks around them", [[0, "x", "grep", "\n "], [0, null, null, p], [0, null, null, " \n"]], meant],
        ["none", [[0, "x", "grep", null]], empty],
        ["blank", [[0, "x", "grep", " \n"]], empty],
        ["the word null", [[0, "x", "grep", "null"]], empty],
        ["a raw line end and a raw tab",
            [[0, "x", "grep", "{\"pattern\":\"p\n\tq\"}"]], {"calls": [["x", "grep", {"pattern": "p\n\tq"}]]}],
        ["half a UTF-16 pair",
            [[0, "x", "grep", r#"{"pattern":"\ud83d!"}"#]], {"calls": [["x", "grep", {"pattern": "\u{fffd}!"}]]}],
        ["cut off", [[0, "x", "grep", "{\"pattern\":\"p"]], {"calls": [["x", "grep", "{\"pattern\":\"p"]]}],
        ["two objects", [[0, "x", "grep", two]], {"calls": [["x", "grep", two]]}],
        ["a list", [[0, "x", "grep", "[1]"]], {"calls": [["x", "grep", "[1]"]]}],
        ["words", [[0, "x", "grep", "pattern p"]], {"calls": [["x", "grep", "pattern p"]]}],
        ["words behind them", [[0, "x", "grep", "{} ok"]], {"calls": [["x", "grep", "{} ok"]]}],
    ]);
    check_all(calls, &rows);
    check_all(calls_in_one_chunk, &rows);
}

#[test]
fn a_legacy_function_call_is_a_call() {
    let one = json!({"calls": [["*", "glob", {"pattern": "*"}]]});
    let rows = json!([
        ["whole", [{"function_call": {"name": "glob", "arguments": "{\"pattern\":\"*\"}"}}], one],
        ["in pieces", [
            {"function_call": {"name": "glob", "arguments": ""}},
            {"function_call": {"arguments": "{\"pattern\":"}},
            {"function_call": {"name": null, "arguments": "\"*\"}"}},
        ], one],
        ["null", [{"content": "a", "function_call": null}], {"text": "a"}],
    ]);
    check_all(deltas, &rows);
}

#[test]
fn text_and_thoughts_are_told_apart_and_counted_once() {
    let parts = json!([
        ["text that is about the closing tag", [{"content": "Close it with `</think>`."}], {"text": "Close it with `</think>`."}],{"type": "text", "text": "h"}, {"type": "text", "text": "m"}]);
    let thinking = json!({"type": "thinking", "thinking": parts});
    let details = json!([{"type": "reasoning.text", "text": "hm"}]);
    let both = json!({"text": "a", "reasoning": "hm"});
    let about = "open <think>, close </think>";
    let rows = json!([
        ["text", [{"content": "a"}, {"content": "b"}], {"text": "ab"}],
        ["null and empty text", [{"content": null}, {"content": ""}, {"content": "a"}], {"text": "a"}],
        ["text in parts",
            [{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], {"text": "ab"}],
        ["thoughts in parts", [{"content": [thinking]}, {"content": [{"type": "text", "text": "a"}]}], both],
        ["thoughts in parts, then a string", [{"content": [thinking]}, {"content": "a"}], both],
        ["thoughts and text in one list", [{"content": [thinking, {"type": "text", "text": "a"}]}], both],
        ["parts of another kind",
            [{"content": [{"type": "reference", "reference_ids": [1]}, {"type": "text", "text": "a"}]}],
            {"text": "a"}],
        ["thoughts in a tag", [{"content": "<think>h"}, {"content": "m</think>\n\na"}], both],
        ["a tag in pieces", [{"content": "<thi"}, {"content": "nk>hm</th"}, {"content": "ink>a"}], both],
        ["a tag and line ends", [{"content": "\n<think>\nhm\n</think>\n\na"}], both],
        ["an empty tag", [{"content": "<think></think>a"}], {"text": "a"}],
        ["a closing tag alone", [{"content": "hm</think>a"}], both],
        ["thoughts without an end", [{"content": "<think>hm"}], {"reasoning": "hm"}],
        ["text that is about tags", [{"content": about}], {"text": about}],
        ["reasoning_content", [{"reasoning_content": "h"}, {"reasoning_content": "m"}, {"content": "a"}], both],
        ["reasoning", [{"reasoning": "hm", "content": "a"}], both],
        ["reasoning_details", [{"reasoning_details": details}, {"content": "a"}], both],
        ["one thought under all names",
            [{"reasoning": "hm", "reasoning_content": "hm", "reasoning_details": details}, {"content": "a"}], both],
        ["a refusal", [{"refusal": "I "}, {"refusal": "can't"}], {"text": "I can't"}],
    ]);
    check_all(deltas, &rows);
}

#[test]
fn the_first_choice_alone_counts_as_a_delta_or_as_a_message() {
    let call = fragment(&json!([null, "x", "glob", "{}"]));
    let rows = json!([
        ["another choice before it",
            [{"choices": [{"index": 1, "delta": {"content": "b"}, "finish_reason": "length"}]},
             {"choices": [{"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}],
            {"text": "a", "finish": "stop"}],
        ["another choice before it in one chunk",
            [{"choices": [{"index": 1, "delta": {"content": "b"}},
                          {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}]}],
            {"text": "a", "finish": "stop"}],
        ["no index", [{"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],
        ["a message", [{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],
        ["a message beside an empty delta",
            [{"choices": [{"delta": {}, "message": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],
        ["a message beside a delta of null",
            [{"choices": [{"delta": null, "message": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],
        ["a message with a call",
            [{"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "stop"}]}],
            {"calls": [["x", "glob", {}]]}],
    ]);
    check_all(chunks, &rows);
}

#[test]
fn tokens_are_counted_under_any_of_the_names_in_use() {
    let stop = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let plain = json!({"prompt_tokens": 9, "completion_tokens": 2});
    let rows = json!([
        ["OpenAI's",
            [stop, {"usage": {"prompt_tokens": 9, "completion_tokens": 2,
                             "prompt_tokens_details": {"cached_tokens": 4}}}],
            {"usage": [9, 2, 4]}],
        ["DeepSeek's",
            [stop, {"usage": {"prompt_tokens": 9, "completion_tokens": 2,
                             "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 5}}],
            {"usage": [9, 2, 4]}],
        ["the responses protocol's",
            [stop, {"usage": {"input_tokens": 9, "output_tokens": 2,
                             "input_tokens_details": {"cached_tokens": 4}}}],
            {"usage": [9, 2, 4]}],
        ["Moonshot's",
            [stop, {"usage": {"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 4}}],
            {"usage": [9, 2, 4]}],
        ["Groq's", [{"choices": [], "x_groq": {"id": "r", "usage": plain}}, stop], {"usage": [9, 2, 0]}],
        ["in the choice",
            [{"choices": [{"delta": {}, "finish_reason": "stop", "usage": plain}]}], {"usage": [9, 2, 0]}],
        ["growing",
            [{"usage": {"prompt_tokens": 9, "completion_tokens": 1}}, {"usage": plain}, stop],
            {"usage": [9, 2, 0]}],
        ["null after the count", [{"usage": plain}, {"usage": null}, stop], {"usage": [9, 2, 0]}],
        ["details of null",
            [stop, {"usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": null}}],
            {"usage": [9, 2, 0]}],
        ["fractions", [stop, {"usage": {"prompt_tokens": 9.0, "completion_tokens": 2.0}}], {"usage": [9, 2, 0]}],
        ["none", [stop], {"usage": null}],
        ["an empty object", [stop, {"usage": {}}], {"usage": null}],
    ]);
    check_all(chunks, &rows);
}

#[test]
fn an_error_in_the_stream_is_an_error_of_its_kind_in_the_providers_words() {
    let half = json!({"choices": [{"delta": {"content": "half"}}]});
    let busy = json!({"message": "no capacity", "code": 503});
    let slow = json!({"message": "slow down", "code": 429});
    let overloaded = json!({"error": "Overloaded", "words": "no capacity"});
    let limited = json!({"error": "RateLimit", "words": "slow down"});
    let call = json!({"choices": [{"delta": {"tool_calls": [fragment(&json!([
        ["a finish reason alone", [half, {"choices": [{"delta": {}, "finish_reason": "error"}]}], {"error": "Overloaded"}],
        ["an object that calls itself an error", [{"object": "error", "message": "no capacity", "code": 503}, "data: [DONE]\n\n"], overloaded],
        ["such an object in place of a stream", [json!({"object": "error", "message": "slow down", "code": 429}).to_string()], limited],
        ["an empty error is none", [{"error": "", "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],
        ["false is none", [{"error": false, "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],0, "x", "glob", "{}"]))]}}]});
    let rows = json!([
        ["an object", [{"error": busy}], overloaded],
        ["an object after text", [half, {"error": busy}], overloaded],
        ["a string", [{"error": "no capacity"}], overloaded],
        ["a code in words", [{"error": {"message": "slow down", "code": "429"}}], limited],
        ["in a list", [[{"error": slow}]], limited],
        ["a type and no code",
            [{"type": "error", "error": {"type": "overloaded_error", "message": "no capacity"}}], overloaded],
        ["an event of that name", ["event: error\ndata: {\"message\":\"no capacity\"}\n\n"], overloaded],
        ["an event of that name with it in a field",
            ["event: error\ndata: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n"], limited],
        ["an event of that name that is no JSON", ["event: error\ndata: no capacity\n\n"], overloaded],
        ["a field of that name", ["error: {\"message\":\"no capacity\"}\n\n"], overloaded],
        ["in a choice", [{"choices": [{"error": busy, "finish_reason": "error"}]}], overloaded],
        ["beside a choice",
            [{"error": busy, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]}], overloaded],
        ["in place of a stream", [json!({"error": slow}).to_string()], limited],
        ["too long a conversation",
            [{"error": {"message": "prompt is too long"}}], {"error": "ContextTooLong", "words": "too long"}],
        ["a wrong key",
            [{"error": {"message": "no such user", "code": 401}}],
            {"error": "Authentication", "words": "no such user"}],
        ["a page",
            ["<!DOCTYPE html>\n<html><body>Bad gateway</body></html>\n"],
            {"error": "Network", "words": "<!DOCTYPE html>"}],
        ["nothing", [], {"error": "Network"}],
        ["text without an end", [half], {"error": "Network"}],
        ["a call without an end", [call], {"error": "Network"}],
        ["null is none",
            [{"error": null, "choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}]}], {"text": "a"}],
    ]);
    check_all(chunks, &rows);
}

#[test]
fn a_reply_is_whole_after_a_finish_reason_or_done_and_nothing_counts_after_done() {
    let a = json!({"choices": [{"delta": {"content": "a"}}]});
    let finish = |reason: &str| json!({"choices": [{"delta": {}, "finish_reason": reason}]});
    let whole = json!({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]});
    let done = "data: [DONE]\n\n";
    let rows = json!([
        ["a finish reason alone", [a, finish("stop")], {"text": "a", "finish": "stop"}],
        ["[DONE] alone", [a, done], {"text": "a", "finish": ""}],
        ["[DONE] cut off", [a, "data: [DONE]"], {"text": "a"}],
        ["a finish reason cut off", [a, format!("data: {}", finish("stop"))], {"text": "a", "finish": "stop"}],
        ["an empty finish reason is none", [a, finish(""), finish("length")], {"text": "a", "finish": "length"}],
        ["text after the finish reason", [finish("stop"), a], {"text": "a", "finish": "stop"}],
        ["text after [DONE]", [a, done, a], {"text": "a"}],
        ["an error after [DONE]", [a, done, {"error": "late"}], {"text": "a"}],
        ["what says nothing",
            [": ping\n\n", "data: ping\n\n", "data: [1]\n\n", "event: ping\n\n", 1, {}, a, done], {"text": "a"}],
        ["plain JSON", [whole.to_string()], {"text": "a", "finish": "stop"}],
        ["plain JSON on many lines", [format!("\u{feff}{whole:#}\n")], {"text": "a", "finish": "stop"}],
    ]);
    check_all(chunks, &rows);
}

#[test]
fn a_megabyte_of_arguments_in_16384_fragments_is_folded_in_under_two_seconds() {
    let mut fragments = vec![json!([0, "x", "write_file", "{\"content\":\""])];
    fragments.extend(vec![json!([0, null, null, "x".repeat(64)]); 16384]);
    fragments.push(json!([0, null, null, "\"}"]));
    let stream = calls(&fragments);
    let started = Instant::now();
    let reply = read([stream.as_bytes()]).1.expect("a whole reply");
    let took = started.elapsed();
    let args = reply.calls[0].args.as_ref().expect("an object");
    assert_eq!(args["content"].as_str().map(str::len), Some(1 << 20));
    assert!(took < Duration::from_secs(2), "it took {took:?}");
}

#[test]
fn ids_are_unique_across_the_rounds_of_a_history_and_each_answer_keeps_its_call() {
    let rows = [
        ["call_0", "call_1"],
        ["call_0", "call_0"],
        ["", "call_0_2"],
        ["", "call"],
    ];
    let messages = messages(&rows.map(round), "");
    let calls = messages
        .iter()
        .flat_map(|message| list(&message["tool_calls"]));
    let sent: Vec<&Value> = calls.map(|call| &call["id"]).collect();
    let answers = messages.iter().filter(|message| message["role"] == "tool");
    let answered: Vec<&Value> = answers.map(|answer| &answer["tool_call_id"]).collect();
    assert_eq!(sent, answered);
    let ids: HashSet<&str> = sent.iter().filter_map(|id| id.as_str()).collect();
    assert_eq!(ids.len(), 8, "{sent:?}");
    assert!(!ids.contains(""), "{sent:?}");
    assert_eq!(sent[0], "call_0", "an id that is free is kept");
}

#[test]
fn a_longer_history_begins_with_the_messages_of_the_shorter_one() {
    let said = |text: &str| Entry::Round(Round::new(Reply::text(text), |_, _| String::new()));
    let entries = [
        Entry::Summary(Summary {
            notes: "before".to_string(),
            ..Summary::default()
        }),
        Entry::User("go".to_string()),
        round(["a", "a"]),
        round(["a", "b"]),
        said(""),
        Entry::User("on".to_string()),
        said("done"),
    ];
    let whole = messages(&entries, "");
    for length in 0..entries.len() {
        let part = messages(&entries[..length], "");
        assert_eq!(part[..], whole[..part.len()], "{length} entries");
    }
}

#[test]
fn what_a_provider_wants_back_goes_to_the_origin_that_sent_it_and_nowhere_else() {
    let signature = json!({"google": {"thought_signature": "c2ln"}});
    let mut call = fragment(&json!([0, "x", "glob", "{}"]));
    call["extra_content"] = signature.clone();
    let details = |data: &str| json!([{"type": "reasoning.encrypted", "index": 0, "data": data}]);
    let stream = deltas(&[
        json!({"reasoning_content": "h", "reasoning_details": details("QU")}),
        json!({"reasoning_content": "m", "reasoning_details": details("JD")}),
        json!({"tool_calls": [call]}),
    ]);
    let mut reply = read([stream.as_bytes()]).1.expect("a whole reply");
    reply.origin = "https://here".to_string();
    let entries = [Entry::Round(Round::new(reply, |_, _| "none".to_string()))];
    let rows = [
        ("https://here", signature, json!("hm"), details("QUJD")),
        ("https://there", Value::Null, Value::Null, Value::Null),
    ];
    for (origin, signature, reasoning, details) in rows {
        let message = &messages(&entries, origin)[1];
        let call = &message["tool_calls"][0];
        assert_eq!(call["extra_content"], signature, "{origin}");
        assert_eq!(message["reasoning_content"], reasoning, "{origin}");
        assert_eq!(message["reasoning_details"], details, "{origin}");
    }
}

#[test]
fn unreadable_arguments_go_back_as_an_object_that_says_so() {
    let stream = calls(&[json!([0, "x", "grep", "{\"pattern\":\"p"])]);
    let reply = read([stream.as_bytes()]).1.expect("a whole reply");
    let entries = [Entry::Round(Round::new(reply, |_, _| "error".to_string()))];
    let call = messages(&entries, "")[1]["tool_calls"][0].clone();
    let sent = call["function"]["arguments"].as_str().expect("a string");
    let sent: Value = serde_json::from_str(sent).expect("JSON in the string");
    assert_eq!(sent, json!({"unreadable": "{\"pattern\":\"p"}));
}

proptest! {
    // A failure prints its input, so no file has to remember it.
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_recorded_stream_in_any_pieces_gives_the_same_deltas_and_the_same_reply(
        stream in select(recorded()),
        cuts in prop::collection::vec(any::<Index>(), 0..20),
    ) {
        let cuts = cuts.iter().map(|cut| cut.index(stream.len() + 1));
        prop_assert_eq!(shown(&read(pieces(&stream, cuts))), shown(&read([&stream[..]])));
    }

    #[test]
    fn calls_survive_every_mix_of_dialects_that_still_tells_them_apart(
        wanted in prop::collection::vec((select(vec!["glob", "grep", "read_file"]), any::<String>()), 1..4),
        (index, id, name) in (0..3usize, any::<bool>(), any::<bool>()),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
    ) {
        let (mut fragments, mut calls_wanted) = (Vec::new(), Vec::new());
        for (at, (tool, text)) in wanted.iter().enumerate() {
            let args = json!({"pattern": text, "at": at, "note": "{}"});
            let written = args.to_string();
            let cuts = cuts.iter().map(|cut| written.ceil_char_boundary(cut.index(written.len())));
            for (nth, piece) in pieces(written.as_bytes(), cuts).into_iter().enumerate() {
                let index = [Some(at), Some(0), None][index];
                let id = (nth == 0 || id).then(|| format!("call_{at}"));
                let name = (nth == 0 || name).then_some(*tool);
                fragments.push(json!([index, id, name, String::from_utf8_lossy(piece)]));
            }
            calls_wanted.push(json!([format!("call_{at}"), tool, args]));
        }
        let wanted = json!({"calls": calls_wanted});
        prop_assert_eq!(check(&calls(&fragments), &wanted), None);
    }
}

fn pieces(whole: &[u8], cuts: impl Iterator<Item = usize>) -> Vec<&[u8]> {
    let mut ends: Vec<usize> = cuts.chain([whole.len()]).collect();
    ends.sort_unstable();
    let mut from = 0;
    let piece = |to: usize| &whole[std::mem::replace(&mut from, to)..to];
    ends.into_iter().map(piece).collect()
}

/// The bodies of all recorded responses but the longest, which would only take time.
fn recorded() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/provider_quirks");
    let files = std::fs::read_dir(folder).expect("the folder of fixtures");
    let fixtures = files.map(|file| {
        let bytes = std::fs::read(file.expect("a fixture").path()).expect("a readable fixture");
        serde_json::from_slice::<Value>(&bytes).expect("a fixture in JSON")
    });
    let mut bodies: Vec<Vec<u8>> = fixtures
        .flat_map(|fixture| fixture["exchanges"].as_array().cloned().unwrap_or_default())
        .filter_map(|exchange| {
            let encoded = exchange["body_b64"].as_str();
            let encoded = encoded.map(|encoded| STANDARD.decode(encoded).expect("base64"));
            encoded.or_else(|| Some(exchange["body"].as_str()?.as_bytes().to_vec()))
        })
        .collect();
    bodies.sort();
    bodies.dedup();
    bodies
}

/// Holds each row of a table against what its stream gives, and tells of all rows that fail.
#[track_caller]
fn check_all(stream: fn(&[Value]) -> String, rows: &Value) {
    let faults = list(rows).iter().filter_map(|row| {
        let fault = check(&stream(list(&row[1])), &row[2])?;
        Some(format!("{}: {fault}", row[0]))
    });
    let faults: Vec<String> = faults.collect();
    assert!(
        faults.is_empty(),
        "{} faults\n{}",
        faults.len(),
        faults.join("\n")
    );
}

/// Reads the stream, holds what comes of it against what is wanted, and says what is wrong.
fn check(stream: &str, wanted: &Value) -> Option<String> {
    let (deltas, result) = read([stream.as_bytes()]);
    let holds = match &result {
        Err(error) => {
            let words = wanted["words"].as_str().unwrap_or_default();
            wanted["error"] == format!("{:?}", error.kind) && error.message.contains(words)
        }
        Ok(reply) => {
            let text = |field: &str| wanted[field].as_str().unwrap_or_default();
            let usage = reply
                .usage
                .map(|usage| [usage.prompt, usage.completion, usage.cached]);
            wanted.get("error").is_none()
                && text("text") == reply.text
                && text("reasoning") == reply.reasoning
                && wanted
                    .get("finish")
                    .is_none_or(|finish| *finish == reply.finish)
                && wanted
                    .get("usage")
                    .is_none_or(|wanted| *wanted == json!(usage))
                && same_calls(list(&wanted["calls"]), reply)
                && keeps_what_was_streamed(reply, &deltas)
        }
    };
    (!holds).then(|| format!("want {wanted}, got {result:?} after {deltas:?} out of\n{stream}"))
}

/// A call that was streamed may be running: it stands in the reply as it was, in its place.
fn keeps_what_was_streamed(reply: &Reply, deltas: &[Delta]) -> bool {
    let streamed = deltas.iter().filter_map(|delta| match delta {
        Delta::Call(call) => Some(call),
        _ => None,
    });
    let first = reply.calls.iter().take(streamed.clone().count());
    first.eq(streamed)
}

fn same_calls(wanted: &[Value], reply: &Reply) -> bool {
    let ids: HashSet<&str> = reply.calls.iter().map(|call| call.id.as_str()).collect();
    let mut pairs = wanted.iter().zip(&reply.calls);
    let same = pairs.all(|(wanted, call)| {
        let args = call.args.clone().unwrap_or_else(Value::String);
        (wanted[0] == "*" || wanted[0] == call.id) && wanted[1] == call.name && wanted[2] == args
    });
    same && wanted.len() == reply.calls.len() && ids.len() == wanted.len() && !ids.contains("")
}

type Outcome = (Vec<Delta>, Result<Reply, ModelError>);

/// What comes of these reads, up to the first error or the end.
fn read<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let (mut reading, mut deltas) = (Reading::default(), Vec::new());
    for bytes in reads {
        match reading.push(bytes) {
            Ok(more) => deltas.extend(more),
            Err(error) => return (deltas, Err(error)),
        }
    }
    (deltas, reading.finish())
}

/// An error takes with it what its read had brought before, so only whole replies have their deltas compared.
fn shown((deltas, result): &Outcome) -> String {
    match result {
        Ok(reply) => format!("{deltas:?} {reply:?}"),
        Err(error) => format!("{error:?}"),
    }
}

/// A round of two calls with these ids.
fn round(ids: [&str; 2]) -> Entry {
    let mut reply = Reply::calls(ids.map(|_| ("glob", json!({"pattern": "*"}))));
    for (call, id) in reply.calls.iter_mut().zip(ids) {
        call.id = id.to_string();
    }
    Entry::Round(Round::new(reply, |at, _| format!("result {at}")))
}

fn messages(entries: &[Entry], origin: &str) -> Vec<Value> {
    let request = Request {
        system: "be brief",
        tools: &[],
        entries,
        ..Request::default()
    };
    let sent = json!(wire::messages(&request, origin));
    list(&sent).to_vec()
}

/// A stream of these chunks, and of text that stands in it as it is.
fn chunks(chunks: &[Value]) -> String {
    let written = chunks.iter().map(|chunk| match chunk {
        Value::String(raw) => raw.clone(),
        chunk => format!("data: {chunk}\n\n"),
    });
    written.collect()
}

/// A whole stream with one chunk for each of these deltas.
fn deltas(deltas: &[Value]) -> String {
    let mut all: Vec<Value> = deltas
        .iter()
        .map(|delta| json!({"choices": [{"index": 0, "delta": delta}]}))
        .collect();
    all.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
    all.push(json!("data: [DONE]\n\n"));
    chunks(&all)
}

/// A whole stream in which each fragment has a chunk of its own.
fn calls(fragments: &[Value]) -> String {
    let chunks: Vec<Value> = fragments
        .iter()
        .map(|piece| json!({"tool_calls": [fragment(piece)]}))
        .collect();
    deltas(&chunks)
}

/// How many fragments share a chunk says nothing about them.
fn calls_in_one_chunk(fragments: &[Value]) -> String {
    let fragments: Vec<Value> = fragments.iter().map(fragment).collect();
    deltas(&[json!({"tool_calls": fragments})])
}

/// A `tool_calls` element out of `[index, id, name, arguments]`.
fn fragment(piece: &Value) -> Value {
    let present = |fields: [(&str, &Value); 2]| -> Map<String, Value> {
        let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
        fields
            .map(|(name, value)| (name.to_string(), value.clone()))
            .collect()
    };
    let mut call = present([("index", &piece[0]), ("id", &piece[1])]);
    let function = present([("name", &piece[2]), ("arguments", &piece[3])]);
    call.insert("function".to_string(), Value::Object(function));
    Value::Object(call)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
