//! Model servers on this machine, for who has no key: which are there, and which of their models is likely to code.
//!
//! A few ports of the loopback address are asked at once for their list of models, briefly, with no proxy between and
//! no redirect followed, so that what answers is on this machine. Whatever answers otherwise than a model server does
//! is none. Nothing is sent but these questions.
//!
//! Left out: starting servers, fetching models, other machines of the network.

use std::net::SocketAddr;
use std::time::Duration;

use futures::future::join_all;
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::Asked;
use crate::choice::{answer, listed};
use crate::wire::Listed;

mod coders;

pub use coders::{billions, likeliest};

/// Where the servers listen unless told otherwise, by the names of the table of providers.
pub const PORTS: [(&str, u16); 4] = [
    ("ollama", 11434),
    ("lmstudio", 1234),
    ("llamacpp", 8080),
    ("vllm", 8000),
];

/// A port of this machine connects at once or not at all.
const CONNECT: Duration = Duration::from_millis(300);
/// A list of models is at hand, or it is something else that listens there.
const ANSWER: Duration = Duration::from_secs(1);
/// No list of local models has more bytes.
const LONGEST_LIST: usize = 1 << 20;

/// A model server that answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The provider's name in the table.
    pub provider: String,
    pub base_url: String,
    /// In its order; without those that it runs elsewhere.
    pub models: Vec<Listed>,
}

impl Found {
    /// What to ask the choice for, to have this model of this server.
    pub fn asked(&self, model: &str) -> Asked {
        Asked {
            provider: Some(self.provider.clone()),
            model: Some(model.to_string()),
            base_url: Some(self.base_url.clone()),
            key: None,
        }
    }

    /// The server in one line: `ollama at http://127.0.0.1:11434 (3 models)`.
    pub fn line(&self) -> String {
        let count = match self.models.len() {
            0 => "no models".to_string(),
            1 => "1 model".to_string(),
            count => format!("{count} models"),
        };
        format!("{} at {} ({count})", self.provider, self.base_url)
    }
}

/// The server and the model to take, and why that one.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick<'a> {
    pub found: &'a Found,
    pub model: &'a Listed,
    pub reason: &'static str,
}

/// The servers that answer at these ports of the loopback address, given with the provider that each is for, in that
/// order. Takes a second at most.
pub async fn look(ports: &[(&str, u16)]) -> Vec<Found> {
    let looked = ports.iter().map(|(provider, port)| at(provider, *port));
    join_all(looked).await.into_iter().flatten().collect()
}

/// The likeliest coder of all servers; `None` if no model is one that can hold a conversation.
pub fn pick(found: &[Found]) -> Option<Pick<'_>> {
    let every = |found| Found::models_of(found);
    let all: Vec<_> = found.iter().flat_map(every).collect();
    let names: Vec<&str> = all.iter().map(|(_, model)| model.name.as_str()).collect();
    let (at, reason) = likeliest(&names)?;
    let (found, model) = all[at];
    Some(Pick {
        found,
        model,
        reason,
    })
}

impl Found {
    fn models_of(&self) -> impl Iterator<Item = (&Found, &Listed)> {
        self.models.iter().map(move |model| (self, model))
    }
}

async fn at(provider: &str, port: u16) -> Option<Found> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let (root, is_ollama) = (format!("http://{address}"), provider == "ollama");
    let list = match is_ollama {
        true => format!("{root}/api/tags"),
        false => format!("{root}/v1/models"),
    };
    let request = client()?.get(list).timeout(ANSWER);
    let body = tokio::time::timeout(ANSWER, answer(request, LONGEST_LIST)).await;
    let body = body.ok()?.ok()?;
    let models = match is_ollama {
        true => tags(&body)?,
        false => models(&body)?,
    };
    Some(Found {
        provider: provider.to_string(),
        base_url: if is_ollama { root } else { root + "/v1" },
        models,
    })
}

/// A client that no setting of the environment leads away from this machine.
fn client() -> Option<reqwest::Client> {
    // Installed once for the process; another caller's choice is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    client.connect_timeout(CONNECT).build().ok()
}

/// Ollama's list. A model with a remote host runs at ollama.com.
fn tags(body: &Value) -> Option<Vec<Listed>> {
    let local = |model: &&Value| model["remote_host"].as_str().unwrap_or_default().is_empty();
    let models: Value = body["models"]
        .as_array()?
        .iter()
        .filter(local)
        .cloned()
        .collect();
    Some(Listed::all(&models, ["name", "", ""]))
}

/// A list in OpenAI's form, which says of itself that it is a list, or of each model that it is one.
fn models(body: &Value) -> Option<Vec<Listed>> {
    let list = body["data"].as_array()?;
    let is_model = |model: &Value| model["id"].is_string() && model["object"] == "model";
    let is_list = body["object"] == "list" || !list.is_empty() && list.iter().all(is_model);
    is_list.then(|| listed(body))
}
