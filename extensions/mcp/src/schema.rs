//! A server's tool as providers take it: one schema that a provider refuses would fail the whole request, with every tool in it.
//!
//! The rules are those of OpenAI, Anthropic and Gemini together: names of 64 plain characters, an object at the root without
//! alternatives, no references, items for each array. The server is always called by its own names.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::errors::start_of;
use crate::shape;

/// The longest name that all providers take.
const NAME: usize = 64;
/// The longest description that all providers take, in characters.
const DESCRIPTION: usize = 1024;
/// So many bytes a schema may have once its references are followed. Two references to what has two references in turn
/// double it at each step, so it is counted while it grows, with all that is looked at on the way.
const SIZE: usize = 64 << 10;
/// What is nested deeper, or stands behind more references, may be anything.
const DEPTH: usize = 64;
/// The longest name of a server. All of it stands in its tools' names, for rules judge by it.
pub const SERVER: usize = 40;

/// `mcp__server__tool`, in characters that providers take. A tool's name that is too long, or has others, ends in a mark
/// that tells it from its like.
pub fn name(server: &str, tool: &str) -> String {
    let whole = format!("mcp__{}__{}", label(server), plain(tool));
    match whole.len() <= NAME && plain(tool) == tool {
        true => whole,
        false => marked(&whole, NAME, &format!("{server}\n{tool}")),
    }
}

/// Whether a tool of this name, as the model knows it, is this server's.
pub fn is_of(name: &str, server: &str) -> bool {
    let name = name.strip_prefix("mcp__");
    let parts = name.and_then(|name| name.split_once("__"));
    parts.is_some_and(|(of, _)| of == label(server))
}

/// What stands for a server in its tools' names. No two servers have the same, and a rule for one does not mean another.
pub fn label(server: &str) -> String {
    match plain(server) == server {
        true => server.to_string(),
        false => {
            let parts = plain(server);
            let parts: Vec<&str> = parts.split('_').filter(|part| !part.is_empty()).collect();
            marked(&parts.join("_"), SERVER, server)
        }
    }
}

fn plain(text: &str) -> String {
    let letters = text.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => letter,
        _ => '_',
    });
    letters.collect()
}

fn marked(plain: &str, longest: usize, what: &str) -> String {
    let head = &plain[..plain.len().min(longest - 7)];
    format!("{head}_{:06x}", hash(what) & 0xff_ffff)
}

/// FNV-1a, which is the same in every session.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

/// A description that is not too long.
pub fn description(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(DESCRIPTION) {
        None => text.to_string(),
        Some(_) => {
            let kept: String = text.chars().take(DESCRIPTION - 4).collect();
            kept + " ..."
        }
    }
}

/// A schema that every provider takes, and that asks for the same. Errors if there is none.
pub fn clean(schema: &Value) -> Result<Value, String> {
    let empty = json!({});
    let schema = match schema {
        Value::Object(_) => schema,
        Value::Null | Value::Bool(true) => &empty,
        _ => return Err("its schema is no object".to_string()),
    };
    if let Some(kind) = schema.get("type").filter(|kind| **kind != "object") {
        return Err(format!("its schema must be of type object, not {kind}"));
    }
    let mut cleaner = Cleaner {
        root: schema,
        following: vec!["#"],
        depth: 0,
        size: 0,
    };
    let mut cleaned = cleaner.clean(schema)?;
    let root = cleaned.as_object_mut().ok_or("its schema is no object")?;
    flatten(root);
    root.insert("type".to_string(), json!("object"));
    root.entry("properties").or_insert_with(|| json!({}));
    // What it leaves open is open; the engine takes away what its own tools have no name for.
    root.entry("additionalProperties").or_insert(json!(true));
    shape::require_what_is_there(root);
    let names = root["properties"].as_object().into_iter().flatten();
    let bad = names.map(|(name, _)| name).find(|name| !is_property(name));
    if let Some(bad) = bad {
        let bad = start_of(bad, 100);
        return Err(format!("providers take no argument named {bad:?}"));
    }
    Ok(cleaned)
}

fn is_property(name: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    (1..=64).contains(&name.len()) && name.chars().all(is_plain)
}

/// Alternatives at the root become one object: what any of them knows may be given, what all of them want must be.
fn flatten(root: &mut Map<String, Value>) {
    for word in ["anyOf", "oneOf", "allOf"] {
        let Some(Value::Array(branches)) = root.shift_remove(word) else {
            continue;
        };
        let properties = branches
            .iter()
            .filter_map(|branch| branch["properties"].as_object());
        for (name, property) in properties.flatten() {
            if let Value::Object(own) = root.entry("properties").or_insert_with(|| json!({})) {
                own.entry(name).or_insert_with(|| property.clone());
            }
        }
        let required = branches.iter().map(|branch| {
            let names = branch["required"].as_array().into_iter().flatten();
            names.filter_map(Value::as_str).collect::<Vec<_>>()
        });
        let wanted = required.reduce(|wanted, names| match word {
            "allOf" => [wanted, names].concat(),
            _ => {
                let names: HashSet<&str> = names.into_iter().collect();
                wanted
                    .into_iter()
                    .filter(|name| names.contains(name))
                    .collect()
            }
        });
        if let Value::Array(own) = root.entry("required").or_insert_with(|| json!([])) {
            own.extend(wanted.unwrap_or_default().into_iter().map(Value::from));
        }
    }
    for word in ROOTLESS {
        root.shift_remove(*word);
    }
}

/// What no provider takes at the root.
const ROOTLESS: &[&str] = &["not", "enum", "const", "if", "then", "else"];

struct Cleaner<'a> {
    root: &'a Value,
    /// The references that led to what is being cleaned.
    following: Vec<&'a str>,
    depth: usize,
    /// The bytes of what is cleaned.
    size: usize,
}

impl<'a> Cleaner<'a> {
    fn clean(&mut self, schema: &'a Value) -> Result<Value, String> {
        self.grow(2)?;
        let fields = match schema {
            Value::Object(fields) if self.depth < DEPTH => fields,
            // `true` takes anything, and so does what can't be read.
            _ => return Ok(json!({})),
        };
        self.depth += 1;
        let cleaned = match fields.get("$ref").and_then(Value::as_str) {
            Some(target) => self.follow(target, fields),
            None => self.each(fields),
        };
        self.depth -= 1;
        cleaned
    }

    fn each(&mut self, fields: &'a Map<String, Value>) -> Result<Value, String> {
        let mut cleaned = Map::new();
        for (word, value) in fields {
            self.grow(word.len() + 2)?;
            if let Some(value) = self.field(word, value)? {
                cleaned.insert(word.clone(), value);
            }
        }
        if shape::kinds(&cleaned).any(|kind| kind == "array") {
            cleaned.entry("items").or_insert_with(|| json!({}));
        }
        // At the root alternatives have their say first.
        if self.depth > 1 {
            shape::require_what_is_there(&mut cleaned);
        }
        Ok(Value::Object(cleaned))
    }

    /// What is given in place of a word's value; `None` leaves the word out.
    fn field(&mut self, word: &str, value: &'a Value) -> Result<Option<Value>, String> {
        let is_others = word.starts_with('$') || word.starts_with("x-") || word == "definitions";
        if is_others || !shape::fits(word, value) {
            return Ok(None);
        }
        Ok(Some(match (word, value) {
            ("properties" | "patternProperties" | "dependentSchemas", Value::Object(named)) => {
                let mut inner = Map::new();
                for (name, schema) in named {
                    self.grow(name.len())?;
                    // The root's arguments are looked at once all of them are known.
                    if self.depth == 1 || word != "properties" || is_property(name) {
                        inner.insert(name.clone(), self.clean(schema)?);
                    }
                }
                Value::Object(inner)
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(inner)) => {
                let inner = inner.iter().map(|schema| self.clean(schema));
                Value::Array(inner.collect::<Result<_, _>>()?)
            }
            ("items" | "not" | "contains" | "propertyNames" | "if" | "then" | "else", schema) => {
                self.clean(schema)?
            }
            (
                "additionalProperties" | "unevaluatedProperties" | "unevaluatedItems",
                schema @ Value::Object(_),
            ) => self.clean(schema)?,
            (_, value) => self.keep(value)?,
        }))
    }

    /// What a reference leads to; anything, where it leads out of the schema or round in a circle.
    fn follow(&mut self, target: &'a str, beside: &'a Map<String, Value>) -> Result<Value, String> {
        self.grow(target.len())?;
        let found = target
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer));
        let mut followed = match found {
            Some(found) if !self.following.contains(&target) => {
                self.following.push(target);
                let followed = self.clean(found)?;
                self.following.pop();
                followed
            }
            _ => json!({}),
        };
        if let (Some(followed), Some(description)) =
            (followed.as_object_mut(), beside.get("description"))
            && shape::fits("description", description)
        {
            followed.insert("description".to_string(), self.keep(description)?);
        }
        Ok(followed)
    }

    fn keep(&mut self, value: &Value) -> Result<Value, String> {
        self.grow(value.to_string().len())?;
        Ok(value.clone())
    }

    fn grow(&mut self, bytes: usize) -> Result<(), String> {
        self.size += bytes;
        match self.size {
            0..=SIZE => Ok(()),
            _ => Err(format!(
                "its schema has more than the {SIZE} bytes that are taken"
            )),
        }
    }
}
