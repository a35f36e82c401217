//! What a server may ask of the program, and what it tells it.

use std::path::PathBuf;

use async_trait::async_trait;
use serde_json::{Value, json};

/// What servers ask for and tell: the client features of the specification. One for all servers.
#[async_trait]
pub trait Client: Send + Sync {
    /// The folders that the work is in.
    fn roots(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether servers may ask the user for something.
    fn elicits(&self) -> bool {
        false
    }

    /// Asks the user: the `params` of `elicitation/create`, and an `ElicitResult`.
    async fn elicit(&self, _server: &str, _params: Value) -> Value {
        json!({"action": "decline"})
    }

    /// Whether servers may use the model.
    fn samples(&self) -> bool {
        false
    }

    /// Asks the model: the `params` of `sampling/createMessage`, and a `CreateMessageResult`. `Err` is told to the server.
    async fn sample(&self, _server: &str, _params: Value) -> Result<Value, String> {
        Err("the user has not allowed sampling".to_string())
    }

    /// Something happened at a server.
    fn told(&self, _server: &str, _news: News) {}
}

/// What a server tells without being asked.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// `notifications/message`: its level, such as `warning`, and the text.
    Log {
        level: String,
        text: String,
    },
    ToolsChanged,
    ResourcesChanged,
    PromptsChanged,
    /// The connection is over; why, in words.
    Closed(String),
}
