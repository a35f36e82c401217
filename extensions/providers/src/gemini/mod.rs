//! Google's Gemini (`streamGenerateContent`), as the Gemini API speaks it.
//!
//! Parts may be signed, and Gemini 3 and later refuse a call whose signature is missing. So each signature is kept on
//! the call or the piece of text that it came with, and goes back there, to the same server and model only; a first
//! call without one, from another model, gets the word that switches the check off.
//! Rules are those of ai.google.dev/gemini-api/docs and of the types of google-genai 3.4, November 2026.
//!
//! Left out: Vertex, which signs in otherwise; Gemma and Gemini 1, whose schemas are a subset of their own; caches that
//! are made by hand; replies over 65,536 tokens, which have to be continued.

use corecoder::{ErrorKind, ModelError, Request, Spec, sse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value, json};

use crate::events::Events;
use crate::names::version;
use crate::wire::{Concession, Effort, Listed, Options, Reading, Sent, Wire};

mod contents;
mod reading;
mod refusal;
mod schema;

/// The most tokens of one streamed reply, thoughts included.
const LONGEST: u64 = 65_536;
/// What may stand in a path as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The Gemini API's protocol.
#[derive(Debug, Clone, Default)]
pub struct Gemini {}

impl Wire for Gemini {
    fn base(&self) -> &str {
        "https://generativelanguage.googleapis.com"
    }

    fn key(&self, key: &str) -> (&'static str, String) {
        ("x-goog-api-key", key.to_string())
    }

    fn request(&self, request: &Request<'_>, options: &Options) -> Sent {
        let mut body = Map::new();
        if !request.system.trim().is_empty() {
            let system = json!({"parts": [{"text": request.system}]});
            body.insert("systemInstruction".into(), system);
        }
        if !request.tools.is_empty() {
            let tools: Vec<Value> = request.tools.iter().map(tool).collect();
            body.insert("tools".into(), json!([{"functionDeclarations": tools}]));
        }
        let contents = contents::of(request.entries, options, is_strict(options));
        body.insert("contents".into(), contents.into());
        let generation = generation(options);
        if !generation.is_empty() {
            body.insert("generationConfig".into(), generation.into());
        }
        let model = options.model.trim_start_matches("models/");
        let model = utf8_percent_encode(model, ESCAPED);
        Sent {
            path: format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    fn reading(&self) -> Box<dyn Reading> {
        Box::new(Events::<sse::Sse, reading::Parts>::default())
    }

    fn refusal(&self, status: u16, headers: &HeaderMap, body: &str) -> ModelError {
        refusal::in_response(status, headers, body)
    }

    fn listing(&self) -> Option<Sent> {
        Some(Sent::get("/v1beta/models?pageSize=1000"))
    }

    fn listed(&self, body: &Value) -> Vec<Listed> {
        let models = body["models"].as_array().into_iter().flatten();
        // Some can only embed or draw.
        let speaks = |model: &&Value| {
            let methods = model["supportedGenerationMethods"].as_array();
            methods.is_none_or(|methods| methods.contains(&json!("generateContent")))
        };
        let speaking: Value = models.filter(speaks).cloned().collect();
        let mut listed = Listed::all(&speaking, ["name", "inputTokenLimit", "outputTokenLimit"]);
        for model in &mut listed {
            model.name = model.name.trim_start_matches("models/").to_string();
        }
        listed
    }

    fn concession(&self, error: &ModelError, body: &Value) -> Option<Concession> {
        if error.kind != ErrorKind::BadRequest {
            return None;
        }
        let words = error.message.to_lowercase().replace(['_', ' '], "");
        let config = &body["generationConfig"];
        let has = |word: &str| body["contents"].to_string().contains(word);
        let rows = [
            ("signatures", "thoughtsignature", has("thoughtSignature")),
            ("thinking", "thinking", !config["thinkingConfig"].is_null()),
            (
                "max_tokens",
                "maxoutputtokens",
                !config["maxOutputTokens"].is_null(),
            ),
            (
                "temperature",
                "temperature",
                !config["temperature"].is_null(),
            ),
            ("pictures", "image", has("inlineData")),
        ];
        let mut named = rows
            .into_iter()
            .filter(|(_, word, sent)| *sent && words.contains(word));
        named.next().map(|(name, _, _)| match name {
            "max_tokens" => Concession::Unlimited,
            name => Concession::Without(name.into()),
        })
    }

    fn is_slip(&self, error: &ModelError) -> bool {
        reading::SLIPS
            .iter()
            .any(|slip| error.message.starts_with(slip))
    }
}

/// Whether the model refuses calls that are not signed.
fn is_strict(options: &Options) -> bool {
    options.model.contains("gemini") && version(&options.model).0 >= 3
}

fn generation(options: &Options) -> Map<String, Value> {
    let mut config = Map::new();
    let refused = |name: &str| options.refused.has(name);
    if let Some(most) = options.limit() {
        config.insert("maxOutputTokens".into(), json!(most.clamp(1, LONGEST)));
    }
    if let Some(temperature) = options.temperature.filter(|_| !refused("temperature")) {
        config.insert("temperature".into(), json!(temperature.clamp(0.0, 2.0)));
    }
    let effort = options.effort.filter(|_| !refused("thinking"));
    if let Some((name, value)) = effort.and_then(|effort| thinking(effort, &options.model)) {
        let thinking = json!({"includeThoughts": true, name: value});
        config.insert("thinkingConfig".into(), thinking);
    }
    config
}

/// How this model is told to think: a level from Gemini 3 on, tokens for 2.5, nothing before.
fn thinking(effort: Effort, model: &str) -> Option<(&'static str, Value)> {
    let version = version(model);
    // The first of the third generation knows no level between low and high.
    let has_medium = !(version == (3, 0) && model.contains("pro"));
    let most = if model.contains("pro") {
        32_768
    } else {
        24_576
    };
    let (level, budget) = match effort {
        Effort::Low => ("LOW", 2_048),
        Effort::Medium if has_medium => ("MEDIUM", 8_192),
        Effort::Medium => ("LOW", 8_192),
        Effort::High => ("HIGH", 16_384),
        Effort::Max => ("HIGH", most),
    };
    match version {
        _ if !model.contains("gemini") => None,
        (3.., _) => Some(("thinkingLevel", json!(level))),
        (2, 5..) => Some(("thinkingBudget", json!(budget))),
        _ => None,
    }
}

fn tool(spec: &Spec) -> Value {
    let mut tool = json!({"name": spec.name, "description": spec.description});
    let schema = schema::pruned(&spec.parameters);
    let properties = schema["properties"].as_object();
    // A function without parameters has no schema either.
    if properties.is_some_and(|properties| !properties.is_empty()) {
        tool["parametersJsonSchema"] = schema;
    }
    tool
}
