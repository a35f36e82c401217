//! The documentation of the lines, made from their types.
//!
//! A table for each kind of line, and one for each part that they are made of, in the order in which a reader meets them;
//! what no type says stands in `documentation/*.md`.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::line::Line;

const HEAD: &str = include_str!("documentation/head.md");
const TAIL: &str = include_str!("documentation/tail.md");

/// Markdown documentation of the lines.
pub fn documentation() -> String {
    // As they are written: what may be absent differs from what may be left out in reading.
    let settings = SchemaSettings::default().for_serialize();
    let schema = settings
        .into_generator()
        .into_root_schema_for::<Line>()
        .to_value();
    let mut page = Page {
        definitions: schema["$defs"].as_object().cloned().unwrap_or_default(),
        parts: Vec::new(),
        text: HEAD.to_string(),
    };
    page.lines(&schema, &[]);
    page.text += "\n## Parts\n";
    let mut at = 0;
    while let Some(part) = page.parts.get(at).cloned() {
        page.part(&part);
        at += 1;
    }
    page.text + TAIL
}

struct Page {
    definitions: Map<String, Value>,
    /// The parts that were named, in that order.
    parts: Vec<String>,
    text: String,
}

impl Page {
    /// A table for each alternative that is told by its tags, such as `type` and then `subtype`.
    fn lines(&mut self, schema: &Value, tags: &[(String, String)]) {
        let alternatives = schema["oneOf"].as_array().cloned().unwrap_or_default();
        for alternative in alternatives {
            let mut tags = tags.to_vec();
            tags.extend(constants(&alternative));
            if alternative.get("oneOf").is_some() {
                self.lines(&alternative, &tags);
                continue;
            }
            let titles: Vec<&str> = tags.iter().map(|(_, value)| value.as_str()).collect();
            let _ = writeln!(self.text, "\n## `{}`", titles.join("` / `"));
            let body = self.resolved(&alternative);
            self.describe(&body);
            self.table(&body, &tags);
        }
    }

    /// The definition that a schema refers to, or itself.
    fn resolved(&self, schema: &Value) -> Value {
        let name = schema["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next());
        let definition = name.and_then(|name| self.definitions.get(name));
        definition.unwrap_or(schema).clone()
    }

    fn describe(&mut self, schema: &Value) {
        if let Some(text) = schema["description"].as_str() {
            let _ = writeln!(self.text, "\n{}", one_line(text));
        }
    }

    fn part(&mut self, name: &str) {
        let Some(schema) = self.definitions.get(name).cloned() else {
            return;
        };
        let _ = writeln!(self.text, "\n### {name}");
        self.describe(&schema);
        if let Some(alternatives) = schema["oneOf"].as_array() {
            let are_words = alternatives
                .iter()
                .all(|one| one.get("properties").is_none());
            self.text.push_str(if are_words { "\n" } else { "" });
            for alternative in alternatives {
                self.alternative(alternative);
            }
        } else if let Some(words) = schema["enum"].as_array() {
            self.words(words);
        } else {
            self.table(&schema, &[]);
        }
    }

    /// An alternative of a part: a word, or an object that is told by its `type`.
    fn alternative(&mut self, schema: &Value) {
        let text = one_line(schema["description"].as_str().unwrap_or_default());
        let words = schema["enum"].as_array().cloned();
        let words = words.or_else(|| schema.get("const").map(|word| vec![word.clone()]));
        if let Some(words) = words {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            let colon = if text.is_empty() { "" } else { ": " };
            let _ = writeln!(self.text, "- {}{colon}{text}", words.join(", "));
            return;
        }
        let tags = constants(schema);
        let titles: Vec<&str> = tags.iter().map(|(_, value)| value.as_str()).collect();
        let _ = writeln!(self.text, "\n`{}`: {text}", titles.join("` / `"));
        self.table(schema, &tags);
    }

    fn words(&mut self, words: &[Value]) {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(self.text, "\nOne of {}.", words.join(", "));
    }

    fn table(&mut self, schema: &Value, tags: &[(String, String)]) {
        self.text += "\n| field | type | meaning |\n|---|---|---|\n";
        for (tag, value) in tags {
            let _ = writeln!(self.text, "| `{tag}` | `\"{value}\"` | |");
        }
        let required = schema["required"].as_array().cloned();
        let required = required.unwrap_or_default();
        let properties = schema["properties"].as_object().cloned();
        let properties = properties.unwrap_or_default();
        for (field, property) in properties {
            if property.get("const").is_some() {
                continue;
            }
            let is_required = required.contains(&Value::from(field.as_str()));
            let kind = match is_required {
                true => self.kind(&property),
                false => format!("{} (may be absent)", self.kind(&present(&property))),
            };
            let own = property["description"].as_str().map(str::to_string);
            let meaning = own.or_else(|| {
                let part = self.resolved(&property);
                part["description"].as_str().map(str::to_string)
            });
            let meaning = one_line(&meaning.unwrap_or_default());
            let _ = writeln!(self.text, "| `{field}` | {kind} | {meaning} |");
        }
    }

    /// A type in words; a part that it names gets its own table.
    fn kind(&mut self, schema: &Value) -> String {
        if let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|name| name.rsplit('/').next())
        {
            if !self.parts.iter().any(|part| part == name) {
                self.parts.push(name.to_string());
            }
            return format!("[{name}](#{})", name.to_lowercase());
        }
        if let Some(alternatives) = schema["anyOf"].as_array() {
            let kinds: Vec<String> = alternatives.iter().map(|one| self.kind(one)).collect();
            return kinds.join(" or ");
        }
        match &schema["type"] {
            Value::String(kind) if kind == "array" => {
                format!("list of {}", self.kind(&schema["items"]))
            }
            Value::String(kind)
                if kind == "object" && schema["additionalProperties"].is_object() =>
            {
                format!("object of {}", self.kind(&schema["additionalProperties"]))
            }
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => {
                let kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
                kinds.join(" or ")
            }
            _ => "JSON".to_string(),
        }
    }
}

/// The schema of a field that is left out where it would be null.
fn present(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(kinds) = schema["type"].as_array_mut() {
        kinds.retain(|kind| kind != "null");
    }
    schema
}

/// The fields with one possible value, which tell alternatives apart.
fn constants(schema: &Value) -> Vec<(String, String)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let constant = |(field, property): (&String, &Value)| {
        let value = property["const"].as_str()?;
        Some((field.clone(), value.to_string()))
    };
    properties.filter_map(constant).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}
