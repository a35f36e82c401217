//! What every wire must do, over the same responses and conversations.
//!
//! `fixtures` are responses with what they mean: read whole, cut at every byte, and over a real connection.
//! `conversations` are generated, and each request for them must be valid by the rules of its API (`rules`) and
//! begin with the bytes of the one before.

mod anthropic;
mod azure;
mod chat;
mod conversations;
mod fixtures;
mod gemini;
mod hostile;
mod ollama;
mod remote;
mod responses;
mod rules;
mod server;

use corecoder::{Entry, Request, Spec};
use corecoder_providers::{Anthropic, Azure, Gemini, Ollama, Options, Responses, Sent, Wire};
use serde_json::json;

/// A wire as the tests know it.
struct Case {
    name: &'static str,
    /// The folder of its fixtures.
    fixtures: &'static str,
    wire: fn() -> Box<dyn Wire>,
    /// Models of each kind that it tells apart.
    models: &'static [&'static str],
    /// Fixtures that need not be understood, but must end in an error.
    errors: &'static [&'static str],
}

const WIRES: &[Case] = &[
    Case {
        name: "anthropic",
        fixtures: "anthropic",
        wire: || Box::new(Anthropic::default()),
        models: &[
            "claude-sonnet-5-5",
            "claude-opus-4-6",
            "claude-sonnet-4-5-20250929",
            "claude-3-haiku-20240307",
            "glm-5",
        ],
        errors: &[],
    },
    Case {
        name: "gemini",
        fixtures: "gemini",
        wire: || Box::new(Gemini::default()),
        models: &["gemini-3.8-flash", "gemini-3-pro-preview", "gemini-2.5-pro"],
        // Asked for on Vertex alone; and an error that no event stream can hold.
        errors: &["arguments-streamed-vertex", "error-mid-stream-bare-json"],
    },
    Case {
        name: "ollama",
        fixtures: "ollama",
        wire: || Box::new(Ollama::default()),
        models: &["qwen3:8b", "gpt-oss:120b-cloud"],
        errors: &[],
    },
    Case {
        name: "responses",
        fixtures: "responses",
        wire: || Box::new(Responses::default()),
        models: &["gpt-6-sol", "gpt-5.5", "o3"],
        errors: &[],
    },
    Case {
        name: "azure",
        fixtures: "azure",
        wire: || Box::new(Azure::default()),
        models: &["gpt-5.5", "my-deployment"],
        errors: &[],
    },
    Case {
        name: "chat",
        // Azure's responses are chat completions, and more.
        fixtures: "azure",
        wire: || Box::new(chat::wire()),
        models: &["devstral-latest"],
        errors: &[],
    },
];

/// The options of a model, with the origin that stands for home.
fn home(model: &str) -> Options {
    Options {
        origin: "home".to_string(),
        ..Options::of(model)
    }
}

fn tools() -> Vec<Spec> {
    let tool = |name: &str| Spec {
        name: name.to_string(),
        description: format!("does {name}"),
        parameters: json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}),
    };
    ["read_file", "write_file"].map(tool).to_vec()
}

/// The request for these entries.
fn asked(wire: &dyn Wire, entries: &[Entry], options: &Options) -> Sent {
    let request = Request {
        system: "You write code.",
        tools: &tools(),
        entries,
        ..Request::default()
    };
    wire.request(&request, options)
}
