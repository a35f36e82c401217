//! Whether the input that a hook wrote is one that its tool can be given.
//!
//! A model's slip is put right by the engine; a program's is said, since nobody reads it twice.

use serde_json::Value;

/// The input without what is null. Errors say what does not fit the schema's `required` and `properties`.
pub(crate) fn fit(schema: &Value, input: Value) -> Result<Value, String> {
    let Value::Object(mut input) = input else {
        return Err("it is no JSON object".to_string());
    };
    input.retain(|_, value| !value.is_null());
    let required = schema["required"].as_array().into_iter().flatten();
    for name in required.filter_map(Value::as_str) {
        if !input.contains_key(name) {
            return Err(format!("`{name}` is missing"));
        }
    }
    for (name, value) in &input {
        let wanted = schema["properties"][name]["type"].as_str();
        if let Some(wanted) = wanted.filter(|wanted| !is(value, wanted)) {
            return Err(format!("`{name}` must be of type {wanted}"));
        }
    }
    Ok(Value::Object(input))
}

fn is(value: &Value, wanted: &str) -> bool {
    match wanted {
        "string" => value.is_string(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}
