//! The stream read by the rules of Claude Code's messages: a model of them that knows no other type, and no other field
//! but those that are marked as CoreCoder's own.
//!
//! Source: <https://docs.claude.com/en/api/agent-sdk/typescript>, "Message types".
#![allow(dead_code, reason = "that the fields can be read is what is tested")]

use std::collections::HashMap;

use corecoder::{ErrorKind, Event, Host, ModelError, Reply, Usage};
use corecoder_output::Form;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kept::{agent, printer};

type Id = String;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum SdkMessage {
    System(SdkSystem),
    Assistant {
        message: BetaMessage,
        parent_tool_use_id: Nullable<Id>,
        uuid: Id,
        session_id: Id,
        agent: Option<String>,
    },
    User {
        message: MessageParam,
        parent_tool_use_id: Nullable<Id>,
        #[serde(rename = "isSynthetic")]
        is_synthetic: Option<bool>,
        uuid: Id,
        session_id: Id,
        agent: Option<String>,
    },
    StreamEvent {
        event: RawEvent,
        parent_tool_use_id: Nullable<Id>,
        uuid: Id,
        session_id: Id,
        agent: Option<String>,
    },
    Result(SdkResult),
}

#[derive(Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case", deny_unknown_fields)]
enum SdkSystem {
    Init {
        #[serde(rename = "apiKeySource")]
        api_key_source: String,
        cwd: String,
        tools: Vec<String>,
        mcp_servers: Vec<Value>,
        model: String,
        #[serde(rename = "permissionMode")]
        permission_mode: String,
        slash_commands: Vec<String>,
        skills: Vec<String>,
        output_style: String,
        uuid: Id,
        session_id: Id,
        corecoder_version: String,
        sandbox: Sandboxed,
    },
    CompactBoundary {
        compact_metadata: CompactMetadata,
        uuid: Id,
        session_id: Id,
        agent: Option<String>,
    },
    ApiRetry {
        attempt: u64,
        max_retries: u64,
        retry_delay_ms: u64,
        error_status: Nullable<u64>,
        error: SdkError,
        uuid: Id,
        session_id: Id,
        message: String,
        model: Option<String>,
        agent: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CompactMetadata {
    trigger: String,
    pre_tokens: u64,
    post_tokens: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SdkError {
    AuthenticationFailed,
    BillingError,
    RateLimit,
    InvalidRequest,
    ServerError,
    Unknown,
    MaxOutputTokens,
}

#[derive(Deserialize)]
#[serde(tag = "subtype", rename_all = "snake_case", deny_unknown_fields)]
enum SdkResult {
    Success {
        result: String,
        structured_output: Option<Value>,
        #[serde(flatten)]
        common: Common,
    },
    ErrorMaxTurns {
        errors: Vec<String>,
        #[serde(flatten)]
        common: Common,
    },
    ErrorDuringExecution {
        errors: Vec<String>,
        #[serde(flatten)]
        common: Common,
    },
    ErrorMaxBudgetUsd {
        errors: Vec<String>,
        #[serde(flatten)]
        common: Common,
    },
    ErrorMaxStructuredOutputRetries {
        errors: Vec<String>,
        #[serde(flatten)]
        common: Common,
    },
}

#[derive(Deserialize)]
struct Common {
    uuid: Id,
    session_id: Id,
    duration_ms: u64,
    duration_api_ms: u64,
    is_error: bool,
    num_turns: u64,
    /// A number there; here null, where the price is not known.
    total_cost_usd: Nullable<f64>,
    usage: BetaUsage,
    #[serde(rename = "modelUsage")]
    model_usage: HashMap<String, ModelUsage>,
    permission_denials: Vec<Denial>,
    sandbox: Sandboxed,
}

/// CoreCoder's own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sandboxed {
    access: String,
    network: Vec<String>,
    mechanism: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ModelUsage {
    input_tokens: u64,
    output_tokens: u64,
    cache_read_input_tokens: u64,
    cache_creation_input_tokens: u64,
    #[serde(rename = "costUSD")]
    cost_usd: Nullable<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Denial {
    tool_name: String,
    tool_use_id: String,
    tool_input: HashMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BetaMessage {
    id: Id,
    r#type: String,
    role: String,
    model: String,
    content: Vec<BetaBlock>,
    stop_reason: Nullable<StopReason>,
    stop_sequence: Nullable<String>,
    usage: BetaUsage,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StopReason {
    EndTurn,
    MaxTokens,
    StopSequence,
    ToolUse,
    PauseTurn,
    Refusal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BetaUsage {
    input_tokens: u64,
    cache_creation_input_tokens: u64,
    cache_read_input_tokens: u64,
    output_tokens: u64,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum BetaBlock {
    Text {
        text: String,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    ToolUse {
        id: Id,
        name: String,
        input: HashMap<String, Value>,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MessageParam {
    role: String,
    content: Vec<ParamBlock>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum ParamBlock {
    Text {
        text: String,
    },
    ToolResult {
        tool_use_id: Id,
        content: String,
        is_error: bool,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum RawEvent {
    MessageStart {
        message: BetaMessage,
    },
    ContentBlockStart {
        index: u64,
        content_block: BetaBlock,
    },
    ContentBlockDelta {
        index: u64,
        delta: RawDelta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        delta: RawEnding,
        usage: BetaUsage,
    },
    MessageStop,
}

#[allow(clippy::enum_variant_names, reason = "the protocol's names")]
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum RawDelta {
    TextDelta { text: String },
    ThinkingDelta { thinking: String },
    InputJsonDelta { partial_json: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnding {
    stop_reason: Nullable<StopReason>,
    stop_sequence: Nullable<String>,
}

/// A field that must be there, and may be null.
#[derive(Deserialize)]
#[serde(untagged)]
enum Nullable<T> {
    Some(T),
    Null(()),
}

fn read(line: &Value) -> SdkMessage {
    let message = serde_json::from_value(line.clone());
    message.unwrap_or_else(|error| panic!("{error} in {line}"))
}

#[tokio::test]
async fn every_line_is_a_message_of_claude_code() {
    let folder = tempfile::tempdir().unwrap();
    let (printer, kept) = printer(Form::StreamJson { partial: true });
    let mut first = Reply::calls([
        ("bash", json!({"command": "rm -r x"})),
        ("agent", json!({"task": "look around"})),
    ]);
    first.reasoning = "hm".to_string();
    first.calls[0].args = Err("{".to_string());
    let second = Reply::calls([("bash", json!({"command": "rm -r x"}))]);
    let replies = [
        first,
        Reply::text("nothing there"),
        second,
        Reply::text("done"),
    ];
    let mut agent = agent(folder.path(), &printer, replies);
    let error = &ModelError::new(ErrorKind::Network, "gone");
    let wait = std::time::Duration::from_secs(1);
    printer.event(
        "",
        &Event::Retry {
            error,
            wait,
            model: None,
        },
    );
    let compaction = &corecoder::context::Compaction {
        before: 10,
        after: 5,
        what: String::new(),
        at: 0..1,
        by: Vec::new(),
    };
    printer.event("look around", &Event::Compacted(compaction));
    agent.kit().inbox.run(async { "a report".to_string() });
    let outcome = agent.chat("go").await;
    printer.result(&outcome, Usage::default(), None, Some(json!([1])));
    let _ = agent.chat("again").await;
    printer.interrupted("SIGTERM", Usage::default(), Some(1.0));
    let _ = agent.chat("again").await;
    printer.unfit("no JSON", Usage::default(), Some(1.0));
    let lines = kept.lines();
    let mut uuids: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["uuid"].as_str())
        .collect();
    uuids.sort_unstable();
    uuids.dedup();
    assert_eq!(uuids.len(), lines.len());
    let read: Vec<SdkMessage> = lines.iter().map(read).collect();
    let denials = read.iter().find_map(|message| match message {
        SdkMessage::Result(SdkResult::Success { common, .. }) => Some(&common.permission_denials),
        _ => None,
    });
    assert_eq!(denials.map(Vec::len), Some(1));
}

#[test]
fn the_lines_that_were_written_down_are_messages_of_claude_code() {
    for line in include_str!("golden/seven.jsonl").lines() {
        read(&serde_json::from_str(line).unwrap());
    }
}
