//! The last line of a run: what came of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::line::Tokens;
use crate::sandbox::Sandbox;

/// The last line of a run, and with `--output-format json` the only one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// How the run ended.
    pub subtype: Subtype,
    /// False for `success` alone.
    pub is_error: bool,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// How long requests took together, from each to its whole reply, in milliseconds. Those of sub-agents, which may be
    /// at work side by side, are counted too.
    pub duration_api_ms: u64,
    /// How many requests the agent itself made.
    pub num_turns: usize,
    /// The answer; absent on an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// What went wrong; absent on success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// The session.
    pub session_id: String,
    /// Dollars; null if the price of what was used is not known.
    pub total_cost_usd: Option<f64>,
    /// What was used, by sub-agents too.
    pub usage: Tokens,
    /// The same, by the model's name.
    #[serde(rename = "modelUsage")]
    pub model_usage: BTreeMap<String, ModelUsage>,
    /// The calls that were refused, in the order asked.
    pub permission_denials: Vec<Denial>,
    /// The answer's JSON, which fits the schema; absent without `--output-schema`, and on an error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_output: Option<Value>,
    /// As in `init` (a field of CoreCoder's own).
    #[serde(default)]
    pub sandbox: Sandbox,
    /// Of this line; no two are the same.
    pub uuid: String,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subtype {
    /// With an answer.
    Success,
    /// It made as many requests as it may.
    ErrorMaxTurns,
    /// It used up what it may spend, in dollars, tokens or time.
    ErrorMaxBudgetUsd,
    /// A request failed, the conversation became too long, the run was interrupted, or what was said was never sent to
    /// the model: `errors` says which.
    ErrorDuringExecution,
    /// There was an answer, but none that fits the schema.
    ErrorMaxStructuredOutputRetries,
}

/// A call that was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Denial {
    /// The tool.
    pub tool_name: String,
    /// The `id` of the call.
    pub tool_use_id: String,
    /// The arguments, as in `tool_use`.
    pub tool_input: Value,
}

/// What was used of one model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ModelUsage {
    /// As `input_tokens` in `usage`.
    pub input_tokens: u64,
    /// As `output_tokens` in `usage`.
    pub output_tokens: u64,
    /// As `cache_read_input_tokens` in `usage`.
    pub cache_read_input_tokens: u64,
    /// As `cache_creation_input_tokens` in `usage`.
    pub cache_creation_input_tokens: u64,
    /// Dollars; null if the price is not known.
    #[serde(rename = "costUSD")]
    pub cost_usd: Option<f64>,
}

impl ModelUsage {
    pub(crate) fn new(tokens: Tokens, cost_usd: Option<f64>) -> ModelUsage {
        ModelUsage {
            input_tokens: tokens.input_tokens,
            output_tokens: tokens.output_tokens,
            cache_read_input_tokens: tokens.cache_read_input_tokens,
            cache_creation_input_tokens: tokens.cache_creation_input_tokens,
            cost_usd,
        }
    }
}
