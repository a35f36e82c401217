//! Tools as every provider takes them.

use std::cell::RefCell;

use corecoder_mcp::config::{Access, Server};
use corecoder_mcp::found::Tools;
use corecoder_mcp::schema::{clean, description, name};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

#[test]
fn names_are_those_that_every_provider_takes() {
    assert_eq!(name("files", "read_file"), "mcp__files__read_file");
    assert!(name("my server", "read_file").starts_with("mcp__my_server_"));
    // What was changed is told apart by a mark, which stays the same.
    let (one, other) = (name("s", "a.b"), name("s", "a/b"));
    assert!(one.starts_with("mcp__s__a_b_") && other.starts_with("mcp__s__a_b_") && one != other);
    assert_eq!(one, name("s", "a.b"));
    let long = name("a-server-of-some-length", &"x".repeat(80));
    assert_eq!(long.len(), 64, "{long}");
}

#[test]
fn a_rule_for_a_server_covers_its_tools_and_no_others() {
    let covers = |server: &str, tool: &str| tool.starts_with(&format!("mcp__{server}__"));
    // Whatever a tool is called.
    let server = "production-database-administration-server";
    let server = &server[..40];
    for tool in ["t", &"drop_all_tables_".repeat(5), "ü", "a__b"] {
        assert!(
            covers(server, &name(server, tool)),
            "{}",
            name(server, tool)
        );
    }
    for other in ["my.db", "my db", "my. db", "my..db", "my_db.", ".my_db"] {
        let tool = name(other, "t");
        assert!(!covers("my_db", &tool) && !covers("my", &tool), "{tool}");
        assert_ne!(tool, name("my_db", "t"));
        assert!(tool.ends_with("__t"), "{tool}");
    }
    assert_ne!(name("my.db", "t"), name("my db", "t"));
}

proptest! {
    #[test]
    fn no_name_is_refused_by_a_provider(server in ".{1,70}", tool in ".{1,90}") {
        let name = name(&server, &tool);
        prop_assert!(name.len() <= 64, "{}", name);
        prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'), "{}", name);
    }

    #[test]
    fn a_cleaned_schema_holds_no_word_that_a_provider_refuses(schema in schema(), definitions in prop::collection::hash_map("[ab]", schema(), 0..3)) {
        let mut root = json!({"type": "object", "properties": {"p": schema}, "$schema": "x", "$defs": definitions});
        root["properties"]["circle"] = json!({"$ref": "#"});
        if let Ok(cleaned) = clean(&root) {
            prop_assert_eq!(&cleaned["type"], "object");
            check(&cleaned);
            prop_assert!(is_schema(&cleaned), "{}", cleaned);
            let again = clean(&cleaned).unwrap();
            prop_assert_eq!(again, cleaned);
        }
    }
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string", "$comment": "x"})),
        Just(json!({"type": "array"})),
        Just(json!(true)),
        Just(json!({"$ref": "#/$defs/a"})),
        Just(json!({"$ref": "#/$defs/b", "description": "d"})),
        Just(json!({"$ref": "http://a.example/schema"})),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| json!({"type": "array", "items": inner})),
            inner.clone().prop_map(|inner| json!({"type": ["array", "null"], "not": inner})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|inner| json!({"anyOf": inner})),
            inner.prop_map(|inner| json!({"type": "object", "properties": {"x": inner.clone()}, "additionalProperties": inner})),
        ]
    })
}

/// Whether it is one by the metaschema of 2020-12, which is compiled once.
fn is_schema(schema: &Value) -> bool {
    thread_local! {
        static KNOWN: RefCell<(boon::Schemas, usize)> = RefCell::new((boon::Schemas::new(), 0));
    }
    KNOWN.with_borrow_mut(|(schemas, count)| {
        *count += 1;
        let place = format!("file:///{count}.json");
        let mut compiler = boon::Compiler::new();
        compiler.add_resource(&place, schema.clone()).unwrap();
        compiler.compile(&place, schemas).is_ok()
    })
}

/// Words of JSON Schema with values that somebody may write there.
fn anything() -> impl Strategy<Value = Value> {
    const WORDS: &[&str] = &[
        "type",
        "required",
        "properties",
        "patternProperties",
        "anyOf",
        "enum",
        "items",
        "prefixItems",
        "additionalProperties",
        "minimum",
        "exclusiveMinimum",
        "multipleOf",
        "minLength",
        "maxItems",
        "uniqueItems",
        "title",
        "description",
        "pattern",
        "format",
        "not",
        "if",
        "dependentRequired",
        "dependencies",
        "propertyNames",
        "const",
        "default",
        "examples",
        "nullable",
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        (-2i64..3).prop_map(Value::from),
        Just(json!(0.5)),
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        prop::sample::select(vec![
            "any", "string", "object", "a", "", "[", "b c $%", "array"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let named = (prop::sample::select(WORDS.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            prop::collection::vec(named, 0..4).prop_map(|fields| {
                Value::Object(
                    fields
                        .into_iter()
                        .map(|(word, value)| (word.to_string(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_server_sends_becomes_a_schema_or_is_refused(schema in anything(), property in anything()) {
        let mut schema = schema;
        if let Value::Object(fields) = &mut schema {
            fields.shift_remove("type");
            fields.insert("properties".to_string(), json!({"p": property}));
        }
        if let Ok(cleaned) = clean(&schema) {
            prop_assert!(is_schema(&cleaned), "{}", cleaned);
            check_names(&cleaned);
        }
    }
}

/// What is required is a property, and no property has a name that is refused.
fn check_names(schema: &Value) {
    if let Some(properties) = schema["properties"].as_object() {
        let mut names = schema["required"].as_array().into_iter().flatten();
        assert!(
            names.all(|name| properties.contains_key(name.as_str().unwrap())),
            "{schema}"
        );
        assert!(
            properties
                .keys()
                .all(|name| !name.is_empty() && !name.contains(' ')),
            "{schema}"
        );
        properties.values().for_each(check_names);
    }
    schema.get("items").into_iter().for_each(check_names);
}

/// No references, no notes to other programs, items for each array.
fn check(schema: &Value) {
    match schema {
        Value::Object(fields) => {
            for word in ["$ref", "$schema", "$defs", "$comment"] {
                assert!(!fields.contains_key(word), "{word} in {schema}");
            }
            if fields.get("type") == Some(&json!("array")) {
                assert!(fields.contains_key("items"), "{schema}");
            }
            fields.values().for_each(check);
        }
        Value::Array(items) => items.iter().for_each(check),
        _ => {}
    }
}

#[test]
fn alternatives_at_the_root_become_one_object() {
    let schema = json!({
        "type": "object", "properties": {"all": {"type": "string"}}, "required": ["all"],
        "oneOf": [
            {"properties": {"a": {"type": "string"}, "both": {}}, "required": ["a", "both"]},
            {"properties": {"b": {"type": "string"}, "both": {}}, "required": ["both"]},
        ],
    });
    let cleaned = clean(&schema).unwrap();
    let names: Vec<&String> = cleaned["properties"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["all", "a", "both", "b"]);
    assert_eq!(cleaned["required"], json!(["all", "both"]));
    assert!(cleaned.get("oneOf").is_none());
}

#[test]
fn references_are_followed_with_what_is_said_beside_them() {
    let schema = json!({
        "properties": {"p": {"$ref": "#/$defs/P", "description": "where"}, "far": {"$ref": "other.json"}},
        "$defs": {"P": {"type": "object", "properties": {"again": {"$ref": "#/$defs/P"}}}},
    });
    let cleaned = clean(&schema).unwrap();
    let p = &cleaned["properties"]["p"];
    assert_eq!(
        (&p["type"], &p["description"]),
        (&json!("object"), &json!("where"))
    );
    assert_eq!(cleaned["properties"]["far"], json!({}));
    assert!(cleaned.to_string().len() < 5_000);
}

#[test]
fn a_schema_that_doubles_at_each_reference_is_refused_before_it_has_grown() {
    let twice = |next: &str| json!({"anyOf": [{"$ref": next}, {"$ref": next}]});
    let mut definitions: Map<String, Value> = (0..60)
        .map(|at| (format!("d{at}"), twice(&format!("#/$defs/d{}", at + 1))))
        .collect();
    let schema = json!({"properties": {"p": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    let refused = clean(&schema).unwrap_err();
    assert_eq!(
        refused,
        "its schema has more than the 65536 bytes that are taken"
    );
    // Round in a circle it would double for ever: what has been followed is not followed again.
    definitions.insert("d3".to_string(), twice("#/$defs/d0"));
    let schema = json!({"properties": {"p": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    let cleaned = clean(&schema).unwrap();
    assert_eq!(cleaned.to_string().matches("{}").count(), 16);
}

#[test]
fn a_schema_that_is_work_without_end_is_refused_at_once() {
    let many: Vec<Value> = vec![json!({}); 100_000];
    let odd: Map<String, Value> = (0..100_000).map(|n| (format!("x-{n}"), json!(1))).collect();
    let long = format!("#/$defs/{}", "~0".repeat(500_000));
    let key = "~".repeat(500_000);
    let mut definitions = Map::new();
    definitions.insert("many".to_string(), json!({"anyOf": many}));
    definitions.insert("odd".to_string(), Value::Object(odd));
    definitions.insert(key, json!({}));
    for (target, times) in [("#/$defs/many", 5_000), ("#/$defs/odd", 5_000), (&long, 20)] {
        let again: Map<String, Value> = (0..times)
            .map(|n| (format!("p{n}"), json!({"$ref": target})))
            .collect();
        let schema = json!({"properties": again, "$defs": definitions});
        let begun = std::time::Instant::now();
        assert!(clean(&schema).unwrap_err().contains("more than the"));
        assert!(begun.elapsed().as_secs_f64() < 1.0, "{:?}", begun.elapsed());
    }
}

#[test]
fn a_word_of_another_shape_is_left_out_and_the_rest_stays() {
    let schema = json!({
        "properties": {
            "old": {"type": "integer", "required": true, "minimum": 1, "exclusiveMinimum": true},
            "any": {"type": "any", "description": "what"},
            "deep": {"type": "object", "properties": {"b c": {}, "b": {"enum": []}}, "required": ["b", "b c", "b"]},
        },
        "required": ["old", "gone", "old"],
    });
    let expected = json!({
        "properties": {
            "old": {"type": "integer", "minimum": 1},
            "any": {"description": "what"},
            "deep": {"type": "object", "properties": {"b": {}}, "required": ["b"]},
        },
        "required": ["old"],
        "type": "object",
        "additionalProperties": true,
    });
    assert_eq!(clean(&schema).unwrap(), expected);
}

#[test]
fn a_schema_that_is_nested_without_end_takes_anything_at_its_end() {
    let definitions: Map<String, Value> = (0..100_000)
        .map(|at| {
            let next = format!("#/$defs/d{}", at + 1);
            (format!("d{at}"), json!({"not": {"$ref": next}}))
        })
        .collect();
    let schema = json!({"properties": {"p": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    let cleaned = clean(&schema).unwrap();
    assert!((20..100).contains(&cleaned.to_string().matches("not").count()));
}

#[test]
fn a_schema_that_cannot_be_mended_costs_its_tool_alone() {
    let server = Server {
        name: "s".to_string(),
        access: Access::Http {
            url: String::new(),
            headers: Default::default(),
        },
        allowed_tools: Some(
            ["bash", "bad", "named", "absent"]
                .map(str::to_string)
                .to_vec(),
        ),
        disabled: false,
        protocol: None,
        start_timeout: Default::default(),
        call_timeout: Default::default(),
        trusted: true,
    };
    let mut wide = Map::new();
    wide.insert("über".to_string(), json!({}));
    let tools = Tools::of(
        &server,
        &[
            json!({"name": "bash", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}}),
            json!({"name": "bash", "inputSchema": {}}),
            json!({"name": "bad", "inputSchema": {"type": "string"}}),
            json!({"name": "named", "inputSchema": {"properties": wide}}),
            json!({"name": "not_allowed", "inputSchema": {}}),
            json!({"description": "nameless"}),
        ],
    );
    let names: Vec<&str> = tools
        .list
        .iter()
        .map(|found| found.spec.name.as_str())
        .collect();
    // A tool named like one of ours takes nothing from it.
    assert_eq!(names, ["mcp__s__bash"]);
    assert!(tools.list[0].only_reads);
    let left_out: Vec<&str> = tools
        .left_out
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        left_out,
        ["bash", "bad", "named", "(without a name)", "absent"]
    );
    let untrusted = Server {
        trusted: false,
        ..server
    };
    let read = json!({"name": "bash", "annotations": {"readOnlyHint": true}});
    assert!(!Tools::of(&untrusted, &[read]).list[0].only_reads);
}

#[test]
fn a_description_is_cut_where_providers_would_refuse_it() {
    assert_eq!(description("  short "), "short");
    let long = description(&"ü".repeat(3_000));
    assert!(long.chars().count() <= 1_024 && long.ends_with(" ..."));
}
