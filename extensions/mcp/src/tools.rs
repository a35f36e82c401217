//! Servers' tools in the `Tool` socket: each by itself, or, where there are many, all of them behind two.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{Effect, Kit, Reply, Spec, Tool, ToolCall, tools};
use serde_json::{Map, Value, json};

pub use crate::found::SEARCH;
use crate::found::{self, Found};
use crate::render;
use crate::servers::Servers;

/// The tool that calls what was found.
pub const CALL: &str = "mcp_call";

/// One tool of a server.
pub struct Direct {
    servers: Servers,
    found: Found,
}

impl Direct {
    pub fn new(servers: Servers, found: Found) -> Direct {
        Direct { servers, found }
    }
}

fn effect(found: &Found) -> Effect {
    match found.only_reads {
        true => Effect::Read,
        false => Effect::Write,
    }
}

#[async_trait]
impl Tool for Direct {
    fn spec(&self) -> Spec {
        self.found.spec.clone()
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(effect(&self.found))
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        call(&self.servers, &self.found, args, kit).await
    }
}

async fn call(servers: &Servers, found: &Found, args: Value, kit: &Kit) -> Result<String, String> {
    // A call that came here by way of another tool, or a hook, has not been held against the schema yet.
    let args = match fitted(&found.spec, &args)? {
        Value::Object(args) => args,
        _ => Map::new(),
    };
    let result = servers.call(&found.server, &found.name, args).await?;
    let folder = kit
        .shell
        .scratch()
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let rendered = render::result(&result, &folder);
    rendered
        .pictures
        .into_iter()
        .for_each(|picture| kit.inbox.post(picture));
    match rendered.is_error {
        true if rendered.text.trim().is_empty() => {
            Err("the tool failed, and did not say why".into())
        }
        true => Err(rendered.text),
        false => Ok(rendered.text),
    }
}

/// Finds tools by words.
pub struct Search {
    servers: Servers,
    /// Which servers there are, as the model is told.
    about: String,
}

impl Search {
    pub fn new(servers: Servers) -> Search {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for found in servers.tools() {
            *counts.entry(found.server).or_default() += 1;
        }
        let counted = counts.iter().map(|(name, count)| {
            format!(
                "{name} ({count} tool{})",
                if *count == 1 { "" } else { "s" }
            )
        });
        let about = counted.collect::<Vec<_>>().join(", ");
        Search { servers, about }
    }
}

/// How many tools one search shows, at most.
const SHOWN: usize = 8;
/// How many words of a query count.
const WORDS: usize = 20;

#[async_trait]
impl Tool for Search {
    fn spec(&self) -> Spec {
        let servers = match self.about.as_str() {
            "" => String::new(),
            about => format!(" Servers: {about}."),
        };
        Spec {
            name: SEARCH.to_string(),
            description: format!(
                "Find tools of MCP servers by words of what they do or are named; shows their parameters. Call what you \
found with {CALL}.{servers}"
            ),
            parameters: tools::schema(
                json!({"query": {"type": "string", "description": "Words, such as: create issue"}}),
                &["query"],
            ),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, _kit: &Kit) -> Result<String, String> {
        let query = args["query"].as_str().unwrap_or_default();
        let mut all = self.servers.tools();
        if ranked(&all, query).is_empty() {
            // It may be at a server that still starts.
            self.servers.settled(self.servers.start_timeout()).await;
            all = self.servers.tools();
        }
        let fitting = ranked(&all, query);
        if fitting.is_empty() {
            return Err(format!(
                "no tool fits these words; there are: {}",
                found::names(&all)
            ));
        }
        let more = fitting.len().saturating_sub(SHOWN);
        let shown = fitting.iter().take(SHOWN).map(|found| {
            let Spec {
                name,
                description,
                parameters,
            } = &found.spec;
            format!("{name}: {description}\n  parameters: {}", brief(parameters))
        });
        let mut text = shown.collect::<Vec<_>>().join("\n\n");
        if more > 0 {
            text += &format!("\n\n{more} more fit; rarer words bring others to the front");
        }
        Ok(text)
    }
}

/// A schema as it is told in a result; of a long one the beginning.
fn brief(schema: &Value) -> String {
    const LONGEST: usize = 3_000;
    let text = schema.to_string();
    let end = text.floor_char_boundary(LONGEST);
    match text.len() - end {
        0 => text,
        more => format!("{} ... [{more} more bytes]", &text[..end]),
    }
}

/// The tools that a query fits, the best first: a word in the name counts more than one in the description, a rare word more
/// than a common one.
pub fn ranked<'a>(tools: &'a [Found], query: &str) -> Vec<&'a Found> {
    let mut words = words(query);
    words.truncate(WORDS);
    let texts: Vec<(Vec<String>, Vec<String>)> = tools
        .iter()
        .map(|found| {
            (
                self::words(&found.spec.name),
                self::words(&found.spec.description),
            )
        })
        .collect();
    let has = |text: &[String], word: &str| {
        text.iter()
            .any(|own| own.starts_with(word) || (own.len() > 3 && word.starts_with(own.as_str())))
    };
    let mut scores = vec![0.0; tools.len()];
    for word in &words {
        let fits: Vec<f64> = texts
            .iter()
            .map(|(name, about)| match (has(name, word), has(about, word)) {
                (true, _) => 3.0,
                (false, true) => 1.0,
                (false, false) => 0.0,
            })
            .collect();
        let fitting = fits.iter().filter(|fit| **fit > 0.0).count();
        let rare = (1.0 + tools.len() as f64 / (1 + fitting) as f64).ln();
        for (score, fit) in scores.iter_mut().zip(fits) {
            *score += fit * rare;
        }
    }
    let scored = scores.into_iter().zip(tools);
    let mut scored: Vec<(f64, &Found)> = scored
        .filter(|(score, found)| *score > 0.0 || found.spec.name == query)
        .collect();
    scored.sort_by(|(one, first), (other, second)| {
        other
            .total_cmp(one)
            .then_with(|| first.spec.name.cmp(&second.spec.name))
    });
    scored.into_iter().map(|(_, found)| found).collect()
}

/// Words in lower case: `createIssue` and `create_issue` are two.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for letter in text.chars() {
        let ends = !letter.is_alphanumeric() || (letter.is_uppercase() && was_lower);
        if ends && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        was_lower = letter.is_lowercase();
    }
    words.push(word);
    words.retain(|word| !word.is_empty() && word != "mcp");
    words
}

/// Calls a tool that was found.
pub struct CallFound {
    servers: Servers,
}

impl CallFound {
    pub fn new(servers: Servers) -> CallFound {
        CallFound { servers }
    }

    /// The tool as the agent was given it, with all that is put around it: hooks hear of the call under its name.
    fn as_given(&self, name: &str, kit: &Kit) -> Option<Arc<dyn Tool>> {
        kit.tools
            .get(name)
            .filter(|_| self.servers.has_server_of(name))
    }
}

#[async_trait]
impl Tool for CallFound {
    fn spec(&self) -> Spec {
        let mut parameters = tools::schema(
            json!({
                "tool": {"type": "string", "description": "Its whole name: mcp__server__tool"},
                "arguments": {"type": "object", "description": "Its arguments", "additionalProperties": true},
            }),
            &["tool"],
        );
        // What is not packed comes here all the same.
        parameters["additionalProperties"] = json!(true);
        Spec {
            name: CALL.to_string(),
            description: format!("Call a tool of an MCP server that {SEARCH} has shown."),
            parameters,
        }
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let name = args["tool"].as_str().unwrap_or_default();
        let args = given(args);
        match self.as_given(name, kit) {
            Some(tool) => fitted(&tool.spec(), &args).and_then(|_| tool.effect(&args, kit)),
            None => effect_by_name(&self.servers, name, &args),
        }
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let name = args["tool"].as_str().unwrap_or_default();
        let args = given(&args);
        match self.as_given(name, kit) {
            Some(tool) => tool.call(args, kit).await,
            None => call_by_name(&self.servers, name, args, kit).await,
        }
    }
}

/// A tool that a conversation knows from before, of a server that may still be starting, or may not work any more.
pub struct Remembered {
    servers: Servers,
    name: String,
}

impl Remembered {
    /// `name` is what the model calls it.
    pub fn new(servers: Servers, name: String) -> Remembered {
        Remembered { servers, name }
    }
}

#[async_trait]
impl Tool for Remembered {
    /// What the server says of it is not known yet.
    fn spec(&self) -> Spec {
        Spec {
            name: self.name.clone(),
            description: String::new(),
            parameters: json!({"type": "object", "additionalProperties": true}),
        }
    }

    fn effect(&self, args: &Value, _kit: &Kit) -> Result<Effect, String> {
        effect_by_name(&self.servers, &self.name, args)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        call_by_name(&self.servers, &self.name, args, kit).await
    }
}

/// What is not known yet may change anything.
fn effect_by_name(servers: &Servers, name: &str, args: &Value) -> Result<Effect, String> {
    let Some(found) = servers.tool(name)? else {
        return Ok(Effect::Write);
    };
    fitted(&found.spec, args)?;
    Ok(effect(&found))
}

async fn call_by_name(
    servers: &Servers,
    name: &str,
    args: Value,
    kit: &Kit,
) -> Result<String, String> {
    let found = servers.tool_soon(name).await?;
    call(servers, &found, args, kit).await
}

/// Arguments as the tool's schema wants them.
fn fitted(spec: &Spec, args: &Value) -> Result<Value, String> {
    let schema = &spec.parameters;
    tools::fit(schema, args).map_err(|problem| {
        format!(
            "{problem}, so nothing was run. The schema is {}",
            brief(schema)
        )
    })
}

/// The call that is meant by a call of [`CALL`], by which rules judge it.
pub fn meant(call: &ToolCall) -> Option<ToolCall> {
    let args = call.args.as_ref().ok().filter(|_| call.name == CALL)?;
    let name = args["tool"].as_str()?;
    let meant = Reply::calls([(name, given(args))]).calls.pop()?;
    let id = call.id.clone();
    Some(ToolCall { id, ..meant })
}

/// The arguments for what is called. Models forget to pack them, or call the pack something else; a call without what was meant
/// could do something else.
fn given(args: &Value) -> Value {
    if let Some(given) = args.get("arguments") {
        return given.clone();
    }
    let mut rest = args.as_object().cloned().unwrap_or_default();
    rest.remove("tool");
    let packs = ["args", "input", "parameters", "params"];
    let pack = packs
        .iter()
        .find_map(|pack| rest.get(*pack).filter(|pack| pack.is_object()));
    match pack {
        Some(pack) if rest.len() == 1 => pack.clone(),
        _ => Value::Object(rest),
    }
}

/// The two that stand for all others.
pub fn both(servers: &Servers) -> [Arc<dyn Tool>; 2] {
    [
        Arc::new(Search::new(servers.clone())),
        Arc::new(CallFound::new(servers.clone())),
    ]
}
