//! The servers of the Model Context Protocol that a session works with.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use corecoder::files::shown;
use corecoder::{Agent, Entry};
use corecoder_conventions::Places;
use corecoder_mcp::offer::Wrap;
use corecoder_mcp::servers::State;
use corecoder_mcp::{Configured, Offer, Servers, config};
use corecoder_output::McpServer;
use parking_lot::Mutex;

use crate::person::Person;
use crate::words::plain;
use crate::{Start, assemble};

mod asked;
pub mod command;
pub mod elicited;
pub mod mentions;

/// The servers of a session, which outlive its conversations.
pub struct Mcp {
    pub servers: Servers,
    /// To the agent of the present conversation.
    offer: Mutex<Option<Arc<Offer>>>,
    /// Where what is too long for a message is kept.
    folder: PathBuf,
    /// How long the first request waits for those that still start.
    wait: Duration,
    /// Those whose failure was told.
    told: Mutex<Vec<String>>,
    /// Those that asked something while nothing went on, and whether that was told.
    refused: Mutex<BTreeMap<String, bool>>,
}

/// How long the first request waits for servers, where a person sits before it.
const WAIT: Duration = Duration::from_millis(300);

/// The file in the user's own folder.
pub fn own_file(places: &Places) -> Option<PathBuf> {
    Some(places.data.as_ref()?.join("mcp.json"))
}

/// The file that a project brings.
pub fn project_file(places: &Places) -> PathBuf {
    places.root.join(".mcp.json")
}

/// The files that a project may bring, the nearest first.
fn project_files(places: &Places) -> impl Iterator<Item = PathBuf> {
    let names = [".mcp.json", ".corecoder/mcp.json"];
    let folders = places.folders().into_iter().rev();
    folders.flat_map(move |folder| names.map(|name| folder.join(name)))
}

/// A file of the project that does not count, since the folder is not trusted.
pub fn left_out(places: &Places) -> Option<PathBuf> {
    let own = own_file(places).and_then(|file| file.canonicalize().ok());
    let is_own = |file: &PathBuf| own.is_some() && file.canonicalize().ok() == own;
    let mut files = project_files(places).filter(|file| file.exists() && !is_own(file));
    files.next().filter(|_| !places.trusted)
}

/// What is configured here, the nearest first, and what is wrong with the files.
pub fn configured(places: &Places) -> (Vec<Configured>, Vec<String>) {
    let mut files: Vec<(PathBuf, bool)> = Vec::new();
    if places.trusted {
        files.extend(project_files(places).map(|file| (file, false)));
    }
    let own = own_file(places);
    // In the home folder the user's own file stands where a project's would.
    let leads = own.as_ref().and_then(|file| file.canonicalize().ok());
    files.retain(|(file, _)| leads.is_none() || file.canonicalize().ok() != leads);
    files.extend(own.map(|file| (file, true)));
    let mut problems = Vec::new();
    let mut read = Vec::new();
    for (file, trusted) in files {
        match read_file(&file, trusted) {
            Ok(servers) => read.push(servers),
            Err(why) => problems.push(format!("{}: {why}; this file is skipped", shown(&file))),
        }
    }
    (config::merged(read), problems)
}

/// The largest file of servers, in bytes.
const LARGEST: u64 = 1 << 20;

fn read_file(file: &Path, trusted: bool) -> Result<Vec<Configured>, String> {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    match metadata.is_file() {
        true if metadata.len() > LARGEST => return Err("it is larger than 1 MB".to_string()),
        true => {}
        false => return Err("it is no regular file".to_string()),
    }
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let text = text.trim_start_matches('\u{feff}');
    config::read(text, file, trusted, |name| std::env::var(name).ok())
}

impl Mcp {
    /// Starts the servers of this place, if there are any. Nobody waits for them.
    pub fn start(start: &Start, person: &Arc<Person>) -> Option<Arc<Mcp>> {
        let (configured, problems) = configured(&start.project.places);
        problems
            .iter()
            .for_each(|problem| person.screen.warn(&plain(problem)));
        if configured.is_empty() {
            return None;
        }
        if start.backend.talk.is_small() {
            let words = "MCP servers are left out: they are too much for a small model";
            person.screen.warn(words);
            return None;
        }
        let client = Arc::new(asked::Asked::new(start, person));
        let servers = Servers::start(configured, client, start.shepherd.clone());
        let refused = assemble::refused(&start.args);
        servers.withhold(move |name| refused.iter().any(|rule| rule.is_whole_of(name)));
        let wait = start
            .project
            .settings
            .mcp_wait
            .unwrap_or(match person.attends() {
                true => WAIT,
                false => servers.start_timeout(),
            });
        Some(Arc::new(Mcp {
            servers,
            offer: Mutex::default(),
            folder: start.walls.scratch(),
            wait,
            told: Mutex::default(),
            refused: Mutex::default(),
        }))
    }

    /// Offers the servers' tools to this agent, which goes on with this conversation; each is `wrap`ped as its others are.
    pub fn offer(&self, agent: &mut Agent, entries: &[Entry], wrap: Wrap) {
        let rounds = entries.iter().filter_map(|entry| match entry {
            Entry::Round(round) => Some(round),
            _ => None,
        });
        let calls = rounds.flat_map(|round| round.answered());
        let known = calls.map(|(call, _)| call.name.clone()).collect();
        let (_, window) = agent.size();
        let offer = Offer::new(self.servers.clone(), agent.kit(), window, known, wrap);
        *self.offer.lock() = Some(Arc::new(offer));
    }

    /// To be awaited before a run begins: servers that still start are waited for, but not long.
    pub async fn begin(&self) {
        let offer = self.offer.lock().clone();
        if let Some(offer) = offer {
            offer.begin(self.wait).await;
        }
    }

    /// Returns when no server is starting any more, or nobody waits longer.
    pub async fn settled(&self) {
        self.servers.settled(self.wait).await;
    }

    /// Each server with its state, as Claude Code calls it.
    pub fn statuses(&self) -> Vec<McpServer> {
        let states = self.servers.states().into_iter();
        let statuses = states.map(|(configured, state)| {
            let status = match state {
                State::Off => "disabled",
                State::Starting => "pending",
                State::Ready(_) => "connected",
                State::Failed(_) => "failed",
            };
            McpServer {
                name: configured.name,
                status: status.to_string(),
            }
        });
        statuses.collect()
    }

    /// The names of their tools, as the model is told of them.
    pub fn tool_names(&self) -> Vec<String> {
        let tools = self.servers.tools().into_iter();
        tools.map(|found| found.spec.name).collect()
    }

    /// A server is refused what it asks for, since nothing goes on.
    pub fn refuses(&self, server: &str) {
        self.refused
            .lock()
            .entry(server.to_string())
            .or_insert(false);
    }

    /// Says once of each server that can't be used why, and which asked out of turn. To be called where a line disturbs nobody.
    pub fn tell(&self, person: &Person) {
        for (server, told) in self.refused.lock().iter_mut() {
            if !std::mem::replace(told, true) {
                let words = "asks for something while nothing goes on; that is refused";
                person.screen.warn(&format!("MCP server {server} {words}"));
            }
        }
        for (configured, state) in self.servers.states() {
            let mut told = self.told.lock();
            match state {
                State::Failed(why) if !told.contains(&configured.name) => {
                    let name = configured.name;
                    let words =
                        format!("MCP server {name}: {why} (corecoder mcp test {name} shows more)");
                    person.screen.warn(&plain(&words));
                    told.push(name);
                }
                State::Ready(_) => told.retain(|name| *name != configured.name),
                _ => {}
            }
        }
    }
}
