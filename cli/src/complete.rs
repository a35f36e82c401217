//! Tab: commands behind a slash, files behind an `@`, models, modes and sessions where they are wanted.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use corecoder_providers::choice::Chosen;
use ignore::WalkBuilder;
use parking_lot::Mutex;

use crate::mcp::Mcp;
use crate::settings::table::MODES;

/// What can be completed.
pub struct Completions {
    /// With their slash.
    pub commands: Vec<String>,
    pub folder: PathBuf,
    pub models: Models,
    /// The servers, whose resources and prompts are completed too, and where they are asked.
    pub mcp: Option<Arc<Mcp>>,
    pub runtime: tokio::runtime::Handle,
}

/// The models of the endpoint, asked for when they are first wanted.
#[derive(Clone)]
pub struct Models {
    endpoint: Arc<Mutex<Chosen>>,
    runtime: tokio::runtime::Handle,
    known: Arc<Mutex<Option<Vec<String>>>>,
}

/// Files that are looked at for one completion, and candidates that are offered, at most.
const LOOKED_AT: usize = 20_000;
const OFFERED: usize = 50;

impl Models {
    pub fn new(endpoint: Chosen) -> Models {
        Models {
            endpoint: Arc::new(Mutex::new(endpoint)),
            runtime: tokio::runtime::Handle::current(),
            known: Arc::default(),
        }
    }

    /// Another endpoint.
    pub fn of(&self, endpoint: Chosen) {
        *self.endpoint.lock() = endpoint;
        *self.known.lock() = None;
    }

    /// Their names; none if the endpoint does not say within two seconds. Not to be called on the runtime's own thread.
    fn names(&self) -> Vec<String> {
        if let Some(known) = self.known.lock().clone() {
            return known;
        }
        let endpoint = self.endpoint.lock().clone();
        let asked = async { tokio::time::timeout(Duration::from_secs(2), endpoint.models()).await };
        let listed = match self.runtime.block_on(asked) {
            Ok(Ok(listed)) => listed,
            _ => Vec::new(),
        };
        let names: Vec<String> = listed.into_iter().map(|listed| listed.name).collect();
        *self.known.lock() = Some(names.clone());
        names
    }
}

/// How a message names a file: in quotes, if there are blanks in the name.
fn mention(path: &str) -> String {
    match path.contains(char::is_whitespace) {
        true => format!("@\"{path}\""),
        false => format!("@{path}"),
    }
}

impl Completions {
    /// Where the word begins that ends at `pos`, and what it may become.
    pub fn at(&self, line: &str, pos: usize) -> (usize, Vec<String>) {
        let before = &line[..pos];
        let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let word = &before[start..];
        let beginning = |names: &[String]| {
            let fitting = names.iter().filter(|name| name.starts_with(word));
            fitting.take(OFFERED).cloned().collect::<Vec<_>>()
        };
        if start == 0 && word.starts_with('/') {
            let mut commands = self.commands.clone();
            if word.starts_with("/m") {
                commands.extend(self.of_servers(Mcp::prompts));
            }
            return (0, beginning(&commands));
        }
        if let Some(name) = word.strip_prefix('@') {
            let resources = self.of_servers(|mcp| mcp.resources(name));
            let found = resources.into_iter().chain(self.files(name));
            return (start, found.map(|path| mention(&path)).collect());
        }
        match before.split_whitespace().next() {
            Some("/model") => (start, beginning(&self.models.names())),
            Some("/mode") => {
                let modes: Vec<String> = MODES.iter().map(|mode| mode.to_string()).collect();
                (start, beginning(&modes))
            }
            Some(command) if command.starts_with('!') => (start, self.files(word)),
            _ => (pos, Vec::new()),
        }
    }

    /// What servers list. Not to be called on the runtime's own thread.
    fn of_servers<'a, L>(&'a self, list: impl FnOnce(&'a Mcp) -> L) -> Vec<String>
    where
        L: Future<Output = Vec<String>>,
    {
        match &self.mcp {
            Some(mcp) => self.runtime.block_on(list(mcp)),
            None => Vec::new(),
        }
    }

    /// Files that begin with these letters; without a slash in them also those whose name does, wherever they are.
    fn files(&self, begun: &str) -> Vec<String> {
        let (folder, _) = begun.rsplit_once('/').unwrap_or(("", begun));
        let root = self.folder.join(folder);
        let mut walk = WalkBuilder::new(&root);
        walk.require_git(false)
            .hidden(!begun.contains("/.") && !begun.starts_with('.'));
        if !folder.is_empty() || begun.starts_with('/') {
            walk.max_depth(Some(1));
        }
        let entries = walk
            .build()
            .flatten()
            .take(LOOKED_AT)
            .filter(|entry| entry.depth() > 0);
        let mut found: Vec<(usize, String)> = Vec::new();
        for entry in entries {
            let inside = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            let path = Path::new(folder)
                .join(inside)
                .to_string_lossy()
                .into_owned();
            let name = entry.file_name().to_string_lossy();
            if path.starts_with(begun)
                || (folder.is_empty() && !begun.is_empty() && name.starts_with(begun))
            {
                let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
                found.push((entry.depth(), if is_folder { path + "/" } else { path }));
            }
        }
        found.sort();
        found
            .into_iter()
            .map(|(_, path)| path)
            .take(OFFERED)
            .collect()
    }
}
