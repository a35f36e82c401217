//! Answers that are to fit a schema.

use std::fs;

use corecoder_output::Schema;
use proptest::prelude::*;
use serde_json::{Value, json};

fn schema(schema: Value) -> Schema {
    Schema::of(schema).unwrap()
}

fn person() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "role": {"enum": ["author", "reader"]},
            "mail": {"type": "string", "format": "email"},
            "since": {"type": "string", "format": "date"},
            "friends": {"type": "array", "items": {"$ref": "#/$defs/friend"}}
        },
        "required": ["name"],
        "additionalProperties": false,
        "$defs": {"friend": {"type": "object", "required": ["name"], "properties": {"age": {"type": "integer"}}}}
    })
}

#[test]
fn answers_that_fit_are_found_wherever_they_stand() {
    let person = schema(person());
    let (bare, ann) = (r#"{"name":"Ann"}"#, json!({"name": "Ann"}));
    let answers = [
        bare.to_string(),
        format!("\n\n {bare} \n"),
        format!("\u{feff}{bare}"),
        format!("```json\n{bare}\n```"),
        format!("```\n{bare}\n```"),
        format!("~~~~json\n{bare}\n~~~~"),
        format!("Here it is:\n\n```json\n{bare}\n```\nI used {{a}} and [1]."),
        format!("1. The object:\n   ```json\n   {bare}\n   ```"),
        // The answer ended too early, but not in the JSON.
        format!("```json\n{bare}\n"),
        format!("The answer is {bare}, I think."),
        format!("As in [1], {{x}} and \"{{\": {bare}"),
        format!("```sh\nls\n```\nso it is {bare}"),
        format!("```json\n[]\n```\n```json\n{bare}\n```"),
        format!("{bare}\n\nOnce more: {{ \"name\" : \"Ann\" }}"),
    ];
    for answer in answers {
        assert_eq!(person.check(&answer), Ok(ann.clone()), "{answer}");
    }
    let nested = r#"{"name":"B","role":"author","mail":"b@example.org","since":"2026-11-23","friends":[{"name":"C","age":3}]}"#;
    assert!(person.check(nested).is_ok());
    for (kind, answer) in [
        ("string", "\"x\""),
        ("integer", "7"),
        ("null", "null"),
        ("array", "[1]"),
    ] {
        assert!(
            schema(json!({"type": kind})).check(answer).is_ok(),
            "{answer}"
        );
    }
    assert_eq!(schema(json!(true)).check("[]"), Ok(json!([])));
}

#[test]
fn answers_that_do_not_fit_are_told_where_and_what_was_expected() {
    let cases = [
        (r#"{"name":7}"#, "/name: want string, but got number"),
        (r#"{}"#, "the value: missing properties 'name'"),
        (r#"[]"#, "the value: want object, but got array"),
        (r#"{"name":""}"#, "/name: "),
        (
            r#"{"name":"A","role":"boss"}"#,
            "/role: value must be one of 'author', 'reader'",
        ),
        (r#"{"name":"A","mail":"nobody"}"#, "/mail: "),
        (r#"{"name":"A","since":"2026-13-01"}"#, "/since: "),
        (
            r#"{"name":"A","friends":[{"name":"B"},{"age":"x"}]}"#,
            "/friends/1",
        ),
        (
            r#"{"name":"A","friends":[{"name":"B","age":1.5}]}"#,
            "/friends/0/age: want integer",
        ),
        (r#"{"name":"A","more":1}"#, "'more'"),
        ("I could not find out.", "no complete JSON value"),
        ("", "no complete JSON value"),
        (r#"{"name":"A"#, "no complete JSON value"),
        (r#"{"name":"A"} or {"name":"B"}"#, "2 JSON values"),
    ];
    let person = schema(person());
    for (answer, problem) in cases {
        let error = person.check(answer).expect_err(answer);
        assert!(error.contains(problem), "{answer}: {error}");
        assert!(Schema::again(&error).contains(&error));
    }
    let many: Vec<Value> = (0..1000).map(|_| json!(1)).collect();
    let strings = schema(json!({"type": "array", "items": {"type": "string"}}));
    let error = strings.check(&json!(many).to_string()).unwrap_err();
    assert!(error.ends_with("and 992 more"), "{error}");
    let long = json!({"name": "A", "mail": "x".repeat(1_000_000)});
    let error = person.check(&long.to_string()).unwrap_err();
    assert!(error.starts_with("/mail: ") && error.len() < 1000);
}

#[test]
fn alternatives_are_told_as_such() {
    let either = schema(
        json!({"anyOf": [{"type": "string"}, {"required": ["a"]}], "type": ["string", "object"]}),
    );
    let error = either.check("{}").unwrap_err();
    assert!(error.contains("one of these"), "{error}");
    let one = schema(json!({"oneOf": [{"type": "integer"}, {"minimum": 3}]}));
    assert!(one.check("2").is_ok());
    assert!(one.check("4").unwrap_err().contains("may fit only one"));
}

#[test]
fn every_draft_is_known() {
    let places = [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ];
    for place in places {
        let schema = schema(json!({"$schema": place, "type": "object"}));
        assert!(schema.check("{}").is_ok());
        assert!(schema.check("[1]").is_err());
    }
}

#[test]
fn schemas_that_cannot_be_used_are_refused_with_the_reason() {
    let cases = [
        (json!(7), "a schema is an object"),
        (json!([]), "a schema is an object"),
        (json!({"type": "objekt"}), "/type"),
        (json!({"properties": []}), "/properties"),
        (json!({"pattern": "("}), "'(' is not valid regex"),
        (json!({"pattern": "^(?=x)"}), "look-around"),
        (json!({"$ref": "#/$defs/nothing"}), "nothing"),
        (
            json!({"$ref": "other.json"}),
            "refers to other.json: only what is in the schema's own file",
        ),
        (
            json!({"$ref": "http://127.0.0.1:9/x.json"}),
            "http://127.0.0.1:9/x.json",
        ),
        (
            json!({"$ref": "file:///etc/passwd"}),
            "only what is in the schema's own file",
        ),
        (
            json!({"$schema": "http://127.0.0.1:9/meta"}),
            "http://127.0.0.1:9/meta",
        ),
    ];
    for (value, reason) in cases {
        let error = Schema::of(value.clone()).err();
        let error = error.unwrap_or_else(|| panic!("{value} was taken"));
        assert!(error.contains(reason), "{value}: {error}");
        assert!(!error.contains("file:///schema.json"), "{error}");
    }
}

#[test]
fn schemas_that_run_in_circles_end() {
    let tree = schema(json!({"type": "object", "additionalProperties": {"$ref": "#"}}));
    assert!(tree.check(r#"{"a":{"b":{}}}"#).is_ok());
    if let Ok(circle) = Schema::of(json!({"$ref": "#"})) {
        assert!(circle.check("{}").is_err());
    }
    let both = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
    if let Ok(circle) = Schema::of(both) {
        assert!(circle.check("{}").is_err());
    }
}

#[test]
fn files_that_are_no_schema_are_refused_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schema.json");
    let cases: [(&[u8], &str); 5] = [
        (b"", "EOF"),
        (b"{\n\n  \"type\": object}", "line 3"),
        (b"\xff\xfe", "line 1"),
        (b"{\"type\": \"objekt\"}", "no valid JSON Schema"),
        (b"\"object\"", "a schema is an object"),
    ];
    for (bytes, reason) in cases {
        fs::write(&file, bytes).unwrap();
        refused(&file, reason);
    }
    fs::File::create(&file)
        .unwrap()
        .set_len(100_000_000)
        .unwrap();
    refused(&file, "longer than");
    refused(folder.path(), "no regular file");
    refused(&folder.path().join("missing"), "No such file");
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    refused(&pipe, "no regular file");
    let circle = folder.path().join("circle");
    std::os::unix::fs::symlink(&circle, &circle).unwrap();
    refused(&circle, "symbolic links");
    fs::write(&file, person().to_string()).unwrap();
    assert!(
        Schema::read(&file)
            .unwrap()
            .ask()
            .contains("\"additionalProperties\":false")
    );
}

fn refused(file: &std::path::Path, reason: &str) {
    let error = Schema::read(file).err().unwrap_or_default();
    assert!(error.contains(reason), "{error:?} has no {reason:?}");
    assert!(error.starts_with(&*file.to_string_lossy()), "{error}");
}

#[test]
fn hostile_answers_are_read_in_time() {
    let person = schema(person());
    for piece in ["[", "{", "{\"a\":", "[\"[\",", "```\n{\n", "[[1,2],"] {
        let answer = piece.repeat(200_000 / piece.len());
        assert!(person.check(&answer).is_err());
    }
}

proptest! {
    #[test]
    fn an_object_is_found_in_any_words(before in "[^{\\[`~]*", after in "[^{\\[`~]*", name in "\\PC+") {
        let value = json!({"name": name, "role": "author"});
        let answer = format!("{before} {value}\n{after}");
        prop_assert_eq!(schema(person()).check(&answer), Ok(value));
    }

    #[test]
    fn any_answer_fits_or_is_refused(answer in any::<String>()) {
        let _ = schema(person()).check(&answer);
    }
}
