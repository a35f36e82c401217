//! The tools of a server, as the model is told of them.

use std::collections::HashSet;

use corecoder::Spec;
use serde_json::Value;

use crate::config::Server;
use crate::connection::ENTRIES;
use crate::schema;

/// The tool that finds tools.
pub const SEARCH: &str = "mcp_search";

/// A tool of a server.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    pub server: String,
    /// The server's own name for it.
    pub name: String,
    /// As the model is told of it.
    pub spec: Spec,
    /// The server says that it changes nothing, and is believed.
    pub only_reads: bool,
}

/// What the model calls them; of many the first.
pub fn names(tools: &[Found]) -> String {
    const MOST: usize = 100;
    let first = tools.iter().take(MOST).map(|found| &*found.spec.name);
    let first = first.collect::<Vec<_>>().join(", ");
    match tools.len().saturating_sub(MOST) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The tools of a server, and those that providers would refuse, each with the reason.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tools {
    pub list: Vec<Found>,
    pub left_out: Vec<(String, String)>,
}

impl Tools {
    /// The tools that are allowed, out of a server's own list.
    pub fn of(server: &Server, raw: &[Value]) -> Tools {
        let mut tools = Tools::default();
        let mut names = HashSet::new();
        for tool in raw {
            let Some(name) = tool["name"].as_str().filter(|name| !name.is_empty()) else {
                let what = "(without a name)".to_string();
                tools.left_out.push((what, "it has no name".to_string()));
                continue;
            };
            let allowed = server.allowed_tools.as_ref();
            if allowed.is_some_and(|allowed| !allowed.iter().any(|one| one == name)) {
                continue;
            }
            match found(server, name, tool) {
                Ok(found) if names.insert(found.spec.name.clone()) => tools.list.push(found),
                Ok(_) => {
                    let why = "the server lists another tool of this name".to_string();
                    tools.left_out.push((name.to_string(), why));
                }
                Err(why) => tools.left_out.push((name.to_string(), why)),
            }
        }
        if raw.len() >= ENTRIES {
            let what = format!("(what is listed behind {ENTRIES} others)");
            let why = "no more are taken of one server".to_string();
            tools.left_out.push((what, why));
        }
        for name in server.allowed_tools.iter().flatten() {
            if !raw.iter().any(|tool| tool["name"] == name.as_str()) {
                let why = "it is in \"allowedTools\", but the server has no such tool".to_string();
                tools.left_out.push((name.clone(), why));
            }
        }
        tools
            .list
            .sort_by(|one, other| one.spec.name.cmp(&other.spec.name));
        tools
    }
}

fn found(server: &Server, name: &str, tool: &Value) -> Result<Found, String> {
    let title = tool["title"]
        .as_str()
        .or(tool["annotations"]["title"].as_str());
    let description = tool["description"].as_str().or(title).unwrap_or_default();
    Ok(Found {
        server: server.name.clone(),
        name: name.to_string(),
        spec: Spec {
            name: schema::name(&server.name, name),
            description: schema::description(description),
            parameters: schema::clean(&tool["inputSchema"])?,
        },
        only_reads: server.trusted && tool["annotations"]["readOnlyHint"] == true,
    })
}
