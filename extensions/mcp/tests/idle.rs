//! What connections cost that do nothing. Alone in its process, whose memory is measured.

mod common;

use common::*;

#[tokio::test]
async fn five_idle_servers_cost_10_mb_at_most() {
    let (Some(npm), Some(python)) = (npm(), python()) else {
        return;
    };
    let servers = [
        stdio(program(&npm, "mcp-server-everything"), &[]),
        stdio(program(&npm, "mcp-server-filesystem"), &["/usr"]),
        stdio(program(&npm, "mcp-server-memory"), &[]),
        stdio(python.join("mcp-server-git"), &[]),
        stdio(python.join("python"), &[&beside("fast.py")]),
    ];
    let [all, own] = ["VmRSS:", "RssAnon:"];
    let before = [memory(all), memory(own)];
    let opened = servers.iter().map(|server| async {
        let connection = open(server).await;
        let tools = connection.tools().await.unwrap();
        (connection, tools)
    });
    let opened = futures::future::join_all(opened).await;
    let cost = memory(all) - before[0];
    let own = memory(own) - before[1];
    println!(
        "{cost} KB with the lists of their tools; all but {own} KB of it is the program's own code"
    );
    assert_eq!(opened.len(), 5);
    assert!(cost <= 10 << 10, "{cost} KB");
}
