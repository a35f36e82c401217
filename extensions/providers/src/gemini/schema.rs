//! A tool's schema with only the words that Gemini knows.
//!
//! What `parametersJsonSchema` takes stands in the docs of `response_json_schema`; of the rest some is ignored and some
//! refused, so all of it goes. A call is held against the whole schema by the engine, whatever was left out here.

use serde_json::{Map, Value, json};

const KNOWN: [&str; 20] = [
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "oneOf",
    "properties",
    "additionalProperties",
    "required",
];

/// The schema in the words that are known. `const` becomes an `enum` of one.
pub(super) fn pruned(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let mut kept = Map::new();
    for (name, value) in fields {
        let value = match name.as_str() {
            // The keys of these are names, not words of the schema.
            "properties" | "$defs" => each(value),
            "items" | "additionalProperties" => pruned(value),
            "anyOf" | "oneOf" | "prefixItems" => value
                .as_array()
                .map_or(Value::Null, |list| list.iter().map(pruned).collect()),
            "const" if value.is_string() => {
                kept.insert("enum".into(), json!([value]));
                continue;
            }
            _ => value.clone(),
        };
        if KNOWN.contains(&name.as_str()) {
            kept.insert(name.clone(), value);
        }
    }
    Value::Object(kept)
}

fn each(named: &Value) -> Value {
    let fields = named.as_object().into_iter().flatten();
    let pruned = fields.map(|(name, schema)| (name.clone(), pruned(schema)));
    Value::Object(pruned.collect())
}
