//! Whether a word of a schema has a value of the shape that JSON Schema 2020-12 gives it: a provider that checks refuses the
//! whole request for one that has not.
//!
//! A word with another value is left out: the schema then takes more, and the server says what it does not take.

use std::collections::HashSet;

use serde_json::{Map, Value};

const KINDS: &[&str] = &[
    "null", "boolean", "object", "array", "number", "string", "integer",
];

/// Whether this value may stand behind this word. What is no word of JSON Schema may have any.
pub fn fits(word: &str, value: &Value) -> bool {
    match word {
        "type" => is_kind(value) || value.as_array().is_some_and(|kinds| is_set(kinds, is_kind)),
        "properties" | "dependentSchemas" => value.is_object(),
        "patternProperties" => value
            .as_object()
            .is_some_and(|named| named.keys().all(|pattern| is_pattern(pattern))),
        "anyOf" | "oneOf" | "allOf" | "prefixItems" => {
            value.as_array().is_some_and(|list| !list.is_empty())
        }
        "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems" => {
            value.is_object() || value.is_boolean()
        }
        "items" => value.is_object() || value.is_boolean() || value.is_array(),
        "not" | "contains" | "propertyNames" | "if" | "then" | "else" => {
            value.is_object() || value.is_boolean()
        }
        "required" => value.is_array(),
        "dependentRequired" => value.as_object().is_some_and(|named| {
            let mut lists = named.values().map(Value::as_array);
            lists.all(|names| {
                names.is_some_and(|names| names.is_empty() || is_set(names, Value::is_string))
            })
        }),
        "enum" => value.as_array().is_some_and(|list| is_set(list, |_| true)),
        "examples" => value.is_array(),
        "title" | "description" | "format" | "contentEncoding" | "contentMediaType" => {
            value.is_string()
        }
        "pattern" => value.as_str().is_some_and(is_pattern),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "multipleOf" => value.as_f64().is_some_and(|number| number > 0.0),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
        | "minContains" | "maxContains" => value.is_u64(),
        "uniqueItems" | "deprecated" | "readOnly" | "writeOnly" => value.is_boolean(),
        "dependencies" => false,
        _ => true,
    }
}

fn is_kind(value: &Value) -> bool {
    value.as_str().is_some_and(|kind| KINDS.contains(&kind))
}

/// Not empty, and nothing in it twice.
fn is_set(list: &[Value], is_one: impl Fn(&Value) -> bool) -> bool {
    let mut known = HashSet::new();
    !list.is_empty()
        && list
            .iter()
            .all(|value| is_one(value) && known.insert(value))
}

/// Patterns are those of ECMA-262. What only they know, such as looking ahead, providers do not take either.
fn is_pattern(text: &str) -> bool {
    text.len() <= 1_000 && regex_syntax::parse(text).is_ok()
}

/// The types that a schema names.
pub fn kinds(schema: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let kind = schema.get("type");
    let several = kind.and_then(Value::as_array).into_iter().flatten();
    kind.into_iter().chain(several).filter_map(Value::as_str)
}

/// Gemini refuses what is required and is none of the properties.
pub fn require_what_is_there(schema: &mut Map<String, Value>) {
    let Some(Value::Array(mut required)) = schema.shift_remove("required") else {
        return;
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut known = HashSet::new();
    required.retain(|name| {
        let is_there = |name| properties.is_none_or(|named| named.contains_key(name));
        name.as_str().is_some_and(is_there) && known.insert(name.clone())
    });
    if !required.is_empty() {
        schema.insert("required".to_string(), Value::Array(required));
    }
}
