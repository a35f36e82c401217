//! What servers ask of the program: its folders, the person, the model.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use async_trait::async_trait;
use corecoder::{Delta, Entry, Model, Reply, Request, Round};
use corecoder_mcp::{Client, News};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::Start;
use crate::person::Person;
use crate::words::{plain, shortened};

/// The program, as servers see it.
pub struct Asked {
    person: Weak<Person>,
    /// The folders of the work.
    roots: Vec<PathBuf>,
    /// Paid for from the session's own budget; `None` unless the settings allow sampling.
    model: Option<Arc<dyn Model>>,
    details: bool,
}

impl Asked {
    pub fn new(start: &Start, person: &Arc<Person>) -> Asked {
        let settings = &start.project.settings;
        let policy = settings.sandbox.policy.iter();
        let added = policy.flat_map(|policy| policy.add_dirs.iter().cloned());
        let roots = std::iter::once(start.project.places.cwd.clone())
            .chain(added)
            .collect();
        let model = settings
            .mcp_sampling
            .then(|| start.backend.model(None).ok());
        Asked {
            person: Arc::downgrade(person),
            roots,
            model: model.flatten(),
            details: settings.verbose,
        }
    }
}

#[async_trait]
impl Client for Asked {
    fn roots(&self) -> Vec<PathBuf> {
        self.roots.clone()
    }

    /// Where nobody is there, a question is declined, which servers are made for.
    fn elicits(&self) -> bool {
        true
    }

    async fn elicit(&self, server: &str, params: Value) -> Value {
        let cancelled = json!({"action": "cancel"});
        let (Some(person), server) = (self.person.upgrade(), server.to_string()) else {
            return cancelled;
        };
        // Whoever reads the keyboard reads it to the end of the line, also where the server goes away meanwhile.
        let asked = tokio::spawn(async move { person.elicit(&server, &params).await });
        asked.await.unwrap_or(cancelled)
    }

    fn samples(&self) -> bool {
        self.model.is_some()
    }

    async fn sample(&self, server: &str, params: Value) -> Result<Value, String> {
        let model = self.model.as_ref();
        let model = model.ok_or("the user has not allowed sampling (setting mcp_sampling)")?;
        let person = self.person.upgrade();
        // It is paid for, so not behind the back of somebody who is only typing.
        if !person.is_some_and(|person| person.is_at_work_for(server)) {
            return Err("nothing goes on here that a model is needed for".to_string());
        }
        let entries = entries(&params)?;
        let request = Request {
            system: params["systemPrompt"].as_str().unwrap_or_default(),
            entries: &entries,
            max_tokens: params["maxTokens"].as_u64().filter(|most| *most > 0),
            ..Request::default()
        };
        let reply = answered(model.as_ref(), request).await?;
        Ok(json!({
            "role": "assistant",
            "content": {"type": "text", "text": reply.text},
            "model": model.name(),
            "stopReason": "endTurn",
        }))
    }

    fn progress(&self, server: &str, text: &str) {
        if let Some(person) = self.person.upgrade() {
            let words = shortened(&plain(text), 100);
            person.screen.works(&format!("{server}: {words}"));
        }
    }

    fn told(&self, server: &str, news: News) {
        let (Some(person), News::Log { level, text }) = (self.person.upgrade(), news) else {
            return;
        };
        if self.details {
            let words = shortened(&plain(&text), 300);
            person
                .screen
                .warn(&format!("MCP server {server}: {level}: {words}"));
        }
    }
}

/// The messages of a server as a conversation.
fn entries(params: &Value) -> Result<Vec<Entry>, String> {
    let messages = params["messages"]
        .as_array()
        .ok_or("there are no messages")?;
    let entry = |message: &Value| {
        let blocks = match &message["content"] {
            Value::Array(blocks) => blocks.clone(),
            block => vec![block.clone()],
        };
        let texts = blocks.iter().map(|block| match block["text"].as_str() {
            Some(text) => Ok(text.to_string()),
            None => Err(format!(
                "content of type {} can't be sampled here",
                block["type"]
            )),
        });
        let text = texts.collect::<Result<Vec<_>, _>>()?.join("\n");
        Ok(match message["role"] == "assistant" {
            true => Entry::Round(Round::new(Reply::text(text), |_, _| String::new())),
            false => Entry::User(text),
        })
    };
    messages.iter().map(entry).collect()
}

async fn answered(model: &dyn Model, request: Request<'_>) -> Result<Reply, String> {
    let mut deltas = model.stream(request);
    while let Some(delta) = deltas.next().await {
        if let Delta::Done(reply) = delta.map_err(|error| error.to_string())? {
            return Ok(reply);
        }
    }
    Err("the model did not answer".to_string())
}
