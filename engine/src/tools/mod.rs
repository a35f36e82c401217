//! The `Tool` socket, and the seven tools.
//!
//! A tool has a name, a schema, an effect and a call. Its answer is text for the model that says what to do next;
//! a failure is such an answer too. Arguments are held against the schema before anyone is asked for approval.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::kit::Kit;

mod agent;
mod bash;
mod capture;
mod edit_file;
mod glob;
mod grep;
mod read_file;
mod whereabouts;
mod write_file;

/// What the model is told of a tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    pub name: String,
    pub description: String,
    /// A JSON schema of type `object`.
    pub parameters: Value,
}

/// What a call does, which decides when it runs and whether the user is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing: may start while the reply still streams, and runs beside others.
    Read,
    /// May change something: runs alone, in order, after the reply's end.
    Write,
    /// Starts an agent whose own calls are judged one by one: runs beside others, after the reply's end.
    Delegate,
}

/// Something the model can ask for.
#[async_trait]
pub trait Tool: Send + Sync {
    fn spec(&self) -> Spec;

    /// What this call would do, or, as text for the model, why it can't be run at all.
    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Write)
    }

    /// Runs the call. `args` fit the schema. `Ok` and `Err` are both read by the model.
    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String>;
}

/// `bash`, `read_file`, `write_file`, `edit_file`, `glob`, `grep` and `agent`.
pub fn seven() -> Vec<Arc<dyn Tool>> {
    let mut tools = reading();
    tools.push(Arc::new(agent::Agent));
    tools.push(Arc::new(bash::Bash));
    tools.push(Arc::new(edit_file::EditFile));
    tools.push(Arc::new(write_file::WriteFile));
    tools
}

/// The tools that can only read: `read_file`, `glob` and `grep`.
pub fn reading() -> Vec<Arc<dyn Tool>> {
    vec![
        Arc::new(glob::Glob),
        Arc::new(grep::Grep),
        Arc::new(read_file::ReadFile),
    ]
}

/// What a tool answered, in the words that the model reads.
pub fn worded(result: Result<String, String>) -> String {
    match result {
        Ok(text) if text.is_empty() => "(no output)".to_string(),
        Ok(text) => text,
        Err(problem) => format!("Error: {problem}"),
    }
}

/// Holds arguments against a schema's `properties` and `required`. What has one reading is put right: `"5"`
/// where a number is wanted, `null` where nothing need be. Nested schemas are the tool's own business.
pub fn fit(schema: &Value, args: &Value) -> Result<Value, String> {
    let mut fitted = args
        .as_object()
        .cloned()
        .ok_or("the arguments must be a JSON object")?;
    let required = schema["required"].as_array().into_iter().flatten();
    let required: Vec<&str> = required.filter_map(Value::as_str).collect();
    // What the tool has no name for would be shown, and not done.
    let more = schema.get("additionalProperties");
    let is_open =
        schema.get("patternProperties").is_some() || more.is_some_and(|more| *more != false);
    let named = schema["properties"].as_object().filter(|_| !is_open);
    fitted.retain(|name, value| {
        let kind = schema["properties"][name]["type"].as_str();
        let takes_null =
            required.contains(&name.as_str()) && kind.is_none_or(|kind| kind == "null");
        (takes_null || !value.is_null()) && named.is_none_or(|named| named.contains_key(name))
    });
    if let Some(name) = required.iter().find(|name| !fitted.contains_key(**name)) {
        return Err(format!("the argument `{name}` is missing"));
    }
    for (name, value) in &mut fitted {
        let Some(wanted) = schema["properties"][name]["type"].as_str() else {
            continue;
        };
        let text = value.as_str().filter(|_| wanted != "string");
        if let Some(parsed) = text.and_then(|text| serde_json::from_str(text).ok()) {
            *value = parsed;
        }
        if !is(value, wanted) {
            return Err(format!(
                "the argument `{name}` must be of type {wanted}, not {value}"
            ));
        }
    }
    Ok(Value::Object(fitted))
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

/// A text argument that the schema requires.
pub(crate) fn text<'a>(args: &'a Value, name: &str) -> &'a str {
    args[name].as_str().unwrap_or_default()
}

/// A whole number, with its default, from 1 to `most`.
pub(crate) fn count(args: &Value, name: &str, default: u64, most: u64) -> u64 {
    let number = args[name].as_f64().map_or(default, |number| number as u64);
    number.clamp(1, most)
}

/// A schema of type `object`: its properties, and the names of those that must be given.
pub fn schema(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}
