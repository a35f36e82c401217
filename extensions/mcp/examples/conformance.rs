//! The client that `@modelcontextprotocol/conformance` tests: its last argument is the URL of a server.
//!
//! The scenario's name and what it wants called come in the environment.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use corecoder_mcp::{Access, CallError, Client, Connection, Server, Shepherd};
use serde_json::{Map, Value, json};

/// Fills in forms with their defaults.
struct Filler;

#[async_trait]
impl Client for Filler {
    fn elicits(&self) -> bool {
        true
    }

    async fn elicit(&self, _server: &str, params: Value) -> Value {
        let properties = params["requestedSchema"]["properties"].as_object();
        let content: Map<String, Value> = properties
            .into_iter()
            .flatten()
            .map(|(name, schema)| (name.clone(), filled_in(schema)))
            .collect();
        json!({"action": "accept", "content": content})
    }
}

fn filled_in(schema: &Value) -> Value {
    let default = schema.get("default").cloned();
    default.unwrap_or_else(|| match schema["type"].as_str() {
        Some("boolean") => json!(true),
        Some("integer" | "number") => json!(1),
        _ => json!("x"),
    })
}

#[tokio::main(flavor = "current_thread")]
pub async fn main() {
    let shepherd = Shepherd::enter();
    if let Err(error) = run(&shepherd).await {
        eprintln!("{error}");
        std::process::exit(1);
    }
}

async fn run(shepherd: &Shepherd) -> Result<(), String> {
    let server = Server {
        name: "conformance".to_string(),
        access: Access::Http {
            url: env::args().next_back().unwrap_or_default(),
            headers: Default::default(),
        },
        allowed_tools: None,
        disabled: false,
        protocol: None,
        start_timeout: Duration::from_secs(20),
        call_timeout: Duration::from_secs(20),
        trusted: false,
    };
    let opened = Connection::open(&server, Arc::new(Filler), shepherd).await;
    let connection = opened.map_err(|error| error.to_string())?;
    let result = use_all(&connection).await;
    connection.close().await;
    result.map_err(|error| error.to_string())
}

/// Reads every list that the server has, and makes the calls that the scenario wants.
async fn use_all(connection: &Connection) -> Result<(), CallError> {
    let scenario = env::var("MCP_CONFORMANCE_SCENARIO").unwrap_or_default();
    let tools = connection.tools().await?;
    if connection.has("resources") {
        for resource in connection.resources().await? {
            connection.read(text(&resource["uri"])).await?;
        }
    }
    if connection.has("prompts") {
        for prompt in connection.prompts().await? {
            connection.prompt(text(&prompt["name"]), Map::new()).await?;
        }
    }
    for (name, args) in calls(&scenario, &tools) {
        let result = connection.call(&name, args, &|words| eprintln!("{words}"));
        eprintln!("{name}: {}", result.await?);
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The tools to call, and with what.
fn calls(scenario: &str, tools: &[Value]) -> Vec<(String, Map<String, Value>)> {
    let context = env::var("MCP_CONFORMANCE_CONTEXT").unwrap_or_default();
    let context: Value = serde_json::from_str(&context).unwrap_or_default();
    let object = |value: &Value| value.as_object().cloned().unwrap_or_default();
    if let Some(calls) = context["toolCalls"].as_array() {
        let call = |call: &Value| (text(&call["name"]).to_string(), object(&call["arguments"]));
        return calls.iter().map(call).collect();
    }
    let schema_of = |name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name);
        tool.map_or(Value::Null, |tool| tool["inputSchema"].clone())
    };
    let args = |name: &str| match name {
        "json_schema_echo" => json!({"schema": schema_of("json_schema_2020_12_tool")}),
        "valid_tool" => json!({"region": "us-west1"}),
        "add_numbers" => json!({"a": 2, "b": 3}),
        _ => json!({}),
    };
    let wanted = |name: &str| match scenario {
        "json-schema-ref-no-deref" => false,
        "json-schema-2020-12-preservation" => name == "json_schema_echo",
        _ => true,
    };
    let names = tools.iter().map(|tool| text(&tool["name"]));
    let calls = names.filter(|name| wanted(name));
    calls
        .map(|name| (name.to_string(), object(&args(name))))
        .collect()
}
