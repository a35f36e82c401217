//! Tools, found by words.

use corecoder::Spec;
use corecoder_mcp::found::Found;
use corecoder_mcp::tools::ranked;
use serde_json::json;

fn tool(name: &str, description: &str) -> Found {
    Found {
        server: "s".to_string(),
        name: name.to_string(),
        spec: Spec {
            name: format!("mcp__s__{name}"),
            description: description.to_string(),
            parameters: json!({}),
        },
        only_reads: false,
    }
}

#[test]
fn tools_are_found_by_what_they_do_or_are_named() {
    let tools = [
        tool("create_issue", "Create a new issue in a repository"),
        tool("listIssues", "List issues of a repository"),
        tool("create_branch", "Create a branch"),
        tool("send_mail", "Sends a message to somebody"),
    ];
    let first = |query: &str| {
        ranked(&tools, query)
            .first()
            .map(|found| found.name.as_str())
    };
    assert_eq!(first("create issue"), Some("create_issue"));
    assert_eq!(first("list the issues"), Some("listIssues"));
    assert_eq!(first("issues"), Some("create_issue"));
    assert_eq!(first("BRANCHES"), Some("create_branch"));
    assert_eq!(first("message"), Some("send_mail"));
    assert_eq!(first("mcp__s__send_mail"), Some("send_mail"));
    assert_eq!(first("weather"), None);
    assert_eq!(first(""), None);
    assert_eq!(ranked(&tools, "repository").len(), 2);
}

#[test]
fn a_search_among_all_that_servers_may_list_takes_no_time_that_one_notices() {
    let about = "a long description of what this one does with many words ".repeat(17);
    let tools: Vec<Found> = (0..5_000)
        .map(|n| tool(&format!("tool_{n}"), &about))
        .collect();
    let begun = std::time::Instant::now();
    assert_eq!(
        ranked(&tools, &"what does this tool do with words ".repeat(50)).len(),
        5_000
    );
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
