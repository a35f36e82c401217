//! An answer that must be JSON of a certain shape.

use serde_json::{Value, json};

use crate::lines;
use crate::place::Place;
use crate::provider::{Provider, says};

const ARGS: [&str; 6] = [
    "-p",
    "hi",
    "--output-schema",
    "schema.json",
    "--output-format",
    "json",
];

fn place() -> Place {
    let place = Place::new();
    let schema = json!({
        "type": "object", "properties": {"count": {"type": "integer"}}, "required": ["count"],
        "additionalProperties": false,
    });
    place.brings("schema.json", &schema.to_string());
    place
}

fn run(replies: &[&str]) -> (Provider, i32, Value, String) {
    let replies: Vec<Value> = replies.iter().map(|text| says(text)).collect();
    let (place, provider) = (place(), Provider::saying(replies));
    let (code, stdout, stderr) = place.run(&provider, &ARGS);
    let result = lines(&stdout)[0].clone();
    (provider, code, result, stderr)
}

#[test]
fn an_answer_that_fits_is_told_as_json() {
    let rows = [
        "{\"count\": 3}",
        "Here it is:\n```json\n{\"count\": 3}\n```\n",
        "It is {\"count\": 3}.",
    ];
    for reply in rows {
        let (provider, code, result, stderr) = run(&[reply]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(result["structured_output"], json!({"count": 3}), "{reply}");
        assert_eq!(
            serde_json::from_str::<Value>(result["result"].as_str().unwrap()).unwrap(),
            json!({"count": 3})
        );
        assert_eq!(provider.requests().len(), 1);
        assert!(
            provider.told(0).contains("\"additionalProperties\":false"),
            "{}",
            provider.told(0)
        );
    }
}

#[test]
fn as_text_the_json_alone_is_printed() {
    let (place, provider) = (place(), Provider::saying([says("Well: {\"count\": 3}")]));
    let (stdout, _) = place.done(&provider, &[&ARGS[..4], &["-o", "out"]].concat());
    assert_eq!(
        (stdout.as_str(), place.read("out").as_str()),
        ("{\"count\":3}\n", "{\"count\":3}\n")
    );
}

#[test]
fn an_answer_that_does_not_fit_is_asked_for_again_with_the_reason() {
    let (provider, code, result, _) = run(&["{\"count\": \"three\"}", "no idea", "{\"count\": 3}"]);
    assert_eq!(
        (code, &result["structured_output"]),
        (0, &json!({"count": 3}))
    );
    assert_eq!(
        (provider.requests().len(), &result["num_turns"]),
        (3, &json!(3))
    );
    assert!(provider.told(1).contains("/count"), "{}", provider.told(1));
    assert!(
        provider.told(2).contains("no complete JSON value"),
        "{}",
        provider.told(2)
    );
    assert_eq!(result["usage"]["output_tokens"], 150);
}

#[test]
fn after_the_third_answer_that_does_not_fit_it_is_over() {
    let (provider, code, result, stderr) = run(&["no", "no", "{\"other\": 3}", "{\"count\": 3}"]);
    assert_eq!((code, provider.requests().len()), (1, 3));
    assert_eq!(result["subtype"], "error_max_structured_output_retries");
    assert!(result.get("structured_output").is_none() && result.get("result").is_none());
    assert!(
        result["errors"][0].as_str().unwrap().contains("count"),
        "{result}"
    );
    assert!(stderr.contains("does not fit the schema"), "{stderr}");
}

#[test]
fn an_answer_that_never_fits_is_not_printed_as_if_it_did() {
    let (place, provider) = (place(), Provider::saying([says("not so")]));
    let (code, stdout, stderr) = place.run(&provider, &ARGS[..4]);
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("not so"), "{stderr}");
}

#[test]
fn a_schema_that_can_not_be_used_is_said_before_any_request() {
    let rows = [
        ("{", "line 1"),
        ("{\"type\": \"objekt\"}", "is no valid JSON Schema"),
        (
            "{\"$ref\": \"https://example.com/x.json\"}",
            "refers to https://example.com/x.json",
        ),
        ("{\"pattern\": \"(\"}", "schema.json"),
    ];
    for (schema, expected) in rows {
        let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
        place.brings("schema.json", schema);
        let (code, stdout, stderr) = place.run(&provider, &ARGS);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(
            stderr.contains("schema.json") && stderr.contains(expected),
            "{stderr}"
        );
        assert_eq!(provider.requests().len(), 0);
    }
    let (place, provider) = (Place::new(), Provider::saying([says("ok")]));
    let (code, _, stderr) = place.run(&provider, &ARGS);
    assert_eq!(code, 2);
    assert!(stderr.contains("schema.json: No such file"), "{stderr}");
}
