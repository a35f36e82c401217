//! What is printed of a reply while it comes, as Anthropic's Messages API streams it
//! (<https://docs.claude.com/en/docs/build-with-claude/streaming>).
//!
//! The `assistant` line behind them holds the same reply whole; where the two differ, such as after `api_retry` or where
//! a call was found in the text, the line is right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::line::{Block, Message, Tokens};

/// A piece of a reply that is not whole yet; only with partial messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StreamEvent {
    /// The piece.
    pub event: Event,
    /// As in `assistant`.
    pub parent_tool_use_id: Option<String>,
    /// As in `assistant`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The session.
    pub session_id: String,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// The pieces, in this order; the three of a block once for each block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A reply begins. After `api_retry`, this is the next try of the same.
    MessageStart {
        /// Without content.
        message: Message,
    },
    /// A block begins.
    ContentBlockStart {
        /// The block's position in the message.
        index: usize,
        /// Without its text, or with `{}` as input.
        content_block: Block,
    },
    /// More of a block.
    ContentBlockDelta {
        /// The block's position in the message.
        index: usize,
        /// What is added to it.
        delta: Delta,
    },
    /// The block is whole.
    ContentBlockStop {
        /// The block's position in the message.
        index: usize,
    },
    /// The reply is whole.
    MessageDelta {
        /// How it ended.
        delta: Ending,
        /// Tokens of the reply.
        usage: Tokens,
    },
    /// Behind the last piece.
    MessageStop,
}

/// More of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Delta {
    /// More of a text.
    TextDelta {
        /// What follows on what came before.
        text: String,
    },
    /// More of the thoughts.
    ThinkingDelta {
        /// What follows on what came before.
        thinking: String,
    },
    /// The arguments of a call, which come in one piece.
    InputJsonDelta {
        /// JSON text.
        partial_json: String,
    },
}

/// How a reply ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ending {
    /// As in the message.
    pub stop_reason: Option<String>,
    /// Always null.
    pub stop_sequence: Option<String>,
}
