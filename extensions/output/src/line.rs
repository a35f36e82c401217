//! The lines of the stream, as types: their documentation is made from these.
//!
//! Names and shapes are those of Claude Code's messages; a field that it does not have is marked so. What another
//! version of it may add is not here: a reader must expect, and skip, fields and lines that it does not know.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::StreamEvent;
use crate::outcome::RunResult;
use crate::system::System;

/// One line of the stream: a JSON object that says by its `type`, and that of `system` by its `subtype`, what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(inline)]
pub enum Line {
    System(System),
    Assistant(Assistant),
    User(User),
    StreamEvent(StreamEvent),
    Result(RunResult),
}

/// A complete reply of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assistant {
    /// What the model said.
    pub message: Message,
    /// The `agent` call that started the sub-agent whose reply this is; null for the agent itself, and where several
    /// sub-agents of one name can't be told apart.
    pub parent_tool_use_id: Option<String>,
    /// The sub-agent whose reply this is; absent for the agent itself (a field of CoreCoder's own).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session.
    pub session_id: String,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// What the model said, as Anthropic's Messages API writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// `msg_...`; the stream events of the same reply have it too.
    pub id: String,
    /// Always `message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Always `assistant`.
    pub role: String,
    /// The model's name, as it was asked for.
    pub model: String,
    /// At most one `thinking` and one `text`, then the calls in the order asked.
    pub content: Vec<Block>,
    /// `end_turn`, `tool_use`, `max_tokens` or `refusal`; null if the reply was cut off, or in a stream is not whole yet.
    pub stop_reason: Option<String>,
    /// Always null.
    pub stop_sequence: Option<String>,
    /// Tokens of this reply.
    pub usage: Tokens,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// What the model thought, where the provider shows it.
    Thinking {
        /// The thoughts.
        thinking: String,
        /// Always empty; readers of Claude Code's lines want it.
        signature: String,
    },
    /// What it said.
    Text {
        /// Markdown, most of the time.
        text: String,
    },
    /// A tool that it calls.
    ToolUse {
        /// What the result names; the provider's word, which may come again in a later reply.
        id: String,
        /// The tool.
        name: String,
        /// The arguments; what is no JSON object is the text in `{"_unreadable": "..."}`.
        input: Value,
    },
    /// What came of a call.
    ToolResult {
        /// The `id` of the call.
        tool_use_id: String,
        /// As the model reads it.
        content: String,
        /// Whether the tool failed, was refused, or was never run.
        is_error: bool,
    },
}

/// What the model is told: the result of a call, one a line as soon as it is there, or words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// What it is told.
    pub message: UserMessage,
    /// As in `assistant`.
    pub parent_tool_use_id: Option<String>,
    /// True if the program says it unasked, such as the report of a background agent; absent otherwise.
    #[serde(
        rename = "isSynthetic",
        default,
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub is_synthetic: bool,
    /// As in `assistant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session.
    pub session_id: String,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// What the model is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserMessage {
    /// Always `user`.
    pub role: String,
    /// One `tool_result`, or one `text`: what the user said while the run went on, the task of a sub-agent, or
    /// what the program says.
    pub content: Vec<Block>,
}

/// Tokens of one reply, or of many added up; 0 where the provider did not count them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tokens {
    /// Tokens of the request that were not served from the provider's cache.
    pub input_tokens: u64,
    /// Always 0: providers that bill for this count it with `input_tokens`.
    pub cache_creation_input_tokens: u64,
    /// Tokens of the request that were served from the provider's cache.
    pub cache_read_input_tokens: u64,
    /// Tokens of the reply, reasoning included.
    pub output_tokens: u64,
}

impl From<corecoder::Usage> for Tokens {
    fn from(usage: corecoder::Usage) -> Tokens {
        Tokens {
            input_tokens: usage.prompt.saturating_sub(usage.cached + usage.written),
            cache_creation_input_tokens: usage.written,
            cache_read_input_tokens: usage.cached,
            output_tokens: usage.completion,
        }
    }
}
