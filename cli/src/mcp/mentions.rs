//! `@server:uri` in a message brings a server's resource along, and `/mcp__server__prompt` says what a server has prepared.

use std::time::Duration;

use corecoder::Entry;
use corecoder_mcp::{render, schema};
use serde_json::{Map, Value};

use crate::attach::{self, Attached};
use crate::mcp::Mcp;
use crate::words::is_visible;

/// How long a list may take, where somebody waits for it to complete a word.
const LISTED: Duration = Duration::from_secs(2);

impl Mcp {
    /// Whether a name behind an `@` means a resource of a server.
    pub fn is_mention(&self, name: &str) -> bool {
        self.mentioned(name).is_some()
    }

    /// Whether a message names resources of servers.
    pub fn is_named_in(&self, message: &str) -> bool {
        attach::names(message)
            .iter()
            .any(|name| self.is_mention(name))
    }

    /// Server and URI.
    fn mentioned<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let (server, uri) = name.split_once(':').filter(|(_, uri)| !uri.is_empty())?;
        let states = self.servers.states();
        let is_known = states
            .iter()
            .any(|(configured, _)| configured.name == server);
        is_known.then_some((server, uri))
    }

    /// The resources that a message names.
    pub async fn attached(&self, message: &str) -> Attached {
        let mut attached = Attached::default();
        for name in attach::names(message) {
            let Some((server, uri)) = self.mentioned(&name) else {
                continue;
            };
            let uri = uri.trim_end_matches([',', '.', ';', '!', '?', ')', ']', '\'', '"']);
            match self.resource(server, uri).await {
                Ok(entries) => {
                    attached.entries.extend(entries);
                    attached.names.push(format!("{server}:{uri}"));
                }
                Err(why) => {
                    let words = format!("@{server}:{uri} is not attached: {why}");
                    attached.problems.push(words);
                }
            }
        }
        attached
    }

    async fn resource(&self, server: &str, uri: &str) -> Result<Vec<Entry>, String> {
        let connection = self.servers.connection(server).await?;
        let read = connection
            .read(uri)
            .await
            .map_err(|error| error.to_string())?;
        let rendered = render::resource(&read, &self.folder);
        let note = format!(
            "[the user attached {uri} of the MCP server {server}]\n{}",
            rendered.text
        );
        let mut entries = vec![Entry::Note(note)];
        entries.extend(rendered.pictures);
        Ok(entries)
    }

    /// Mentions of resources that begin so, without the `@`. What can't be shown as it is is not offered: the editor writes it
    /// to the terminal.
    pub async fn resources(&self, begun: &str) -> Vec<String> {
        let ready = self.servers.ready();
        let Some((server, _)) = begun.split_once(':') else {
            let with_resources = ready
                .iter()
                .filter(|(_, ready)| ready.connection.has("resources"));
            let names = with_resources.map(|(name, _)| format!("{name}:"));
            return names.filter(|name| name.starts_with(begun)).collect();
        };
        let Some((_, ready)) = ready.iter().find(|(name, _)| name == server) else {
            return Vec::new();
        };
        let listed = tokio::time::timeout(LISTED, ready.connection.resources()).await;
        let listed = listed.ok().and_then(Result::ok).unwrap_or_default();
        let uris = listed
            .iter()
            .filter_map(|resource| resource["uri"].as_str());
        uris.map(|uri| format!("{server}:{uri}"))
            .filter(|name| name.starts_with(begun) && is_visible(name))
            .collect()
    }

    /// The commands that stand for servers' prompts, with their slash.
    pub async fn prompts(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (server, ready) in self.servers.ready() {
            if !ready.connection.has("prompts") {
                continue;
            }
            let listed = tokio::time::timeout(LISTED, ready.connection.prompts()).await;
            let listed = listed.ok().and_then(Result::ok).unwrap_or_default();
            let listed = listed.iter().filter_map(|prompt| prompt["name"].as_str());
            names.extend(listed.map(|name| format!("/{}", schema::name(&server, name))));
        }
        names
    }

    /// The message that a server's prompt stands for; `None` if there is none of this name.
    pub async fn prompt(&self, command: &str, args: &str) -> Option<Result<String, String>> {
        self.await_server_of(command).await;
        for (server, ready) in self.servers.ready() {
            if !ready.connection.has("prompts") {
                continue;
            }
            let listed = match ready.connection.prompts().await {
                Ok(listed) => listed,
                Err(_) => continue,
            };
            let is_meant = |prompt: &&Value| {
                let name = prompt["name"].as_str();
                name.is_some_and(|name| schema::name(&server, name) == command)
            };
            if let Some(prompt) = listed.iter().find(is_meant) {
                return Some(self.prompted(&server, prompt, args).await);
            }
        }
        None
    }

    /// A server that is still starting may be the one that is meant.
    async fn await_server_of(&self, command: &str) {
        for (configured, _) in self.servers.states() {
            let name = schema::name(&configured.name, "");
            if command.starts_with(&name) {
                // Why it can't be used is told elsewhere.
                let _ = self.servers.connection(&configured.name).await;
            }
        }
    }

    async fn prompted(&self, server: &str, prompt: &Value, args: &str) -> Result<String, String> {
        let args = arguments(prompt, args)?;
        let connection = self.servers.connection(server).await?;
        let name = prompt["name"].as_str().unwrap_or_default();
        let got = connection
            .prompt(name, args)
            .await
            .map_err(|error| error.to_string())?;
        match render::prompt(&got, &self.folder).text {
            text if text.trim().is_empty() => {
                Err(format!("the prompt {name} of {server} is empty"))
            }
            text => Ok(text),
        }
    }
}

/// The words behind a command as the arguments of its prompt, in their order; the last takes what is left. Errors if a word is
/// missing.
fn arguments(prompt: &Value, args: &str) -> Result<Map<String, Value>, String> {
    let wanted = prompt["arguments"].as_array().cloned().unwrap_or_default();
    let mut given = Map::new();
    let mut rest = args.trim();
    if wanted.is_empty() && !rest.is_empty() {
        return Err("this prompt takes no words".to_string());
    }
    for (at, argument) in wanted.iter().enumerate() {
        let name = argument["name"].as_str().unwrap_or_default();
        let is_last = at + 1 == wanted.len();
        let (word, left) = match is_last {
            true => (rest, ""),
            false => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        rest = left.trim_start();
        match word {
            "" if argument["required"] == true => {
                let names = wanted
                    .iter()
                    .filter_map(|argument| argument["name"].as_str());
                let names: Vec<String> = names.map(|name| name.to_uppercase()).collect();
                return Err(format!(
                    "this prompt wants {}; {name} is missing",
                    names.join(" ")
                ));
            }
            "" => {}
            word => drop(given.insert(name.to_string(), word.into())),
        }
    }
    Ok(given)
}
