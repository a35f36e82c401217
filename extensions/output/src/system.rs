//! What is said of the run itself, as types: the lines of type `system`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::sandbox::Sandbox;

/// What is said of the run itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "subtype", rename_all = "snake_case")]
#[schemars(inline)]
pub enum System {
    Init(Box<Init>),
    CompactBoundary(CompactBoundary),
    ApiRetry(ApiRetry),
}

/// The first line: what the run works with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Init {
    /// The working folder.
    pub cwd: String,
    /// What `--resume` takes, and the same in every line.
    pub session_id: String,
    /// The names of the tools, in the order in which the model is told of them.
    pub tools: Vec<String>,
    /// MCP servers; their tools stand in `tools`.
    pub mcp_servers: Vec<McpServer>,
    /// The model's name, as it was asked for.
    pub model: String,
    /// What is allowed without a question, in CoreCoder's words.
    #[serde(rename = "permissionMode")]
    pub permission_mode: String,
    /// The commands that a message may begin with, without the slash.
    pub slash_commands: Vec<String>,
    /// The names of the skills.
    pub skills: Vec<String>,
    /// Always `none`: where the key came from is not told.
    #[serde(rename = "apiKeySource")]
    pub api_key_source: String,
    /// Always `default`.
    pub output_style: String,
    /// CoreCoder's version (a field of CoreCoder's own).
    pub corecoder_version: String,
    /// In what sandbox commands run: what it keeps, or `"off"` (a field of CoreCoder's own).
    pub sandbox: Sandbox,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// An MCP server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct McpServer {
    /// What it is called in the names of its tools.
    pub name: String,
    /// `connected`, `pending`, `failed` or `disabled`.
    pub status: String,
}

/// Older parts of the conversation became a summary; what follows was said behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CompactBoundary {
    /// How it was done.
    pub compact_metadata: CompactMetadata,
    /// The sub-agent whose conversation it is; absent for the agent itself (a field of CoreCoder's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session.
    pub session_id: String,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// How a conversation was shortened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CompactMetadata {
    /// Why.
    pub trigger: Trigger,
    /// Tokens of the next request before.
    pub pre_tokens: u64,
    /// Tokens of the next request after.
    pub post_tokens: u64,
}

/// Why a conversation was shortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// It became too long in a run.
    Auto,
    /// Somebody asked for it between two runs.
    Manual,
}

/// A request failed and is made again: what was streamed of its reply is void.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiRetry {
    /// How often this request has failed by now.
    pub attempt: u32,
    /// How often it is made again, at most.
    pub max_retries: u32,
    /// The pause before it is made again, in milliseconds.
    pub retry_delay_ms: u64,
    /// Always null: the HTTP status is not known here; `error` says what kind of failure it was.
    pub error_status: Option<u16>,
    /// What kind of failure it was.
    pub error: Trouble,
    /// The failure in the provider's own words (a field of CoreCoder's own).
    pub message: String,
    /// The model that is asked from now on, if it is another one (a field of CoreCoder's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The sub-agent whose request it is; absent for the agent itself (a field of CoreCoder's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session.
    pub session_id: String,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    AuthenticationFailed,
    BillingError,
    RateLimit,
    InvalidRequest,
    ServerError,
    Unknown,
}
