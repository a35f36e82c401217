//! Connections to real servers.

mod common;

use std::sync::Arc;

use common::*;
use corecoder_mcp::News;
use serde_json::json;

#[tokio::test]
async fn everything_over_stdio_speaks_the_old_way_and_gives_all_it_has() {
    let Some(npm) = npm() else { return };
    let client = Arc::new(Generous {
        roots: vec!["/tmp".into()],
        ..Generous::default()
    });
    let server = stdio(program(&npm, "mcp-server-everything"), &[]);
    let connection = open_with(&server, client.clone()).await;
    assert_eq!(connection.revision(), "2025-11-25");
    assert!(connection.name_and_version().contains("everything"));
    assert!(connection.instructions().is_some());
    for capability in ["tools", "resources", "prompts", "completions", "logging"] {
        assert!(connection.has(capability), "{capability}");
    }
    client.heard(|news| *news == News::ToolsChanged).await;
    let tools = connection.tools().await.unwrap();
    assert_eq!(tools.len(), 17, "{:?}", names(&tools, "name"));
    assert_eq!(
        text(&connection, "echo", json!({"message": "hi"})).await,
        "Echo: hi"
    );
    connection.close().await;
    assert!(connection.is_closed());
}
