//! Which folders the user trusts: what a project brings is used only if somebody who has seen where it comes from said yes.
//!
//! `trust.json` in CoreCoder's own folder is the truth, `{"folders": {"/path": true}, "own": {"/path/file": "SHA-256"}}`; what
//! else is in it is kept. It is
//! written under a lock and read again before, so two programs lose nothing of each other's, and replaced as a whole. A
//! file that can't be understood is never overwritten, and trusts nobody.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::commands::COMMANDS;
use crate::file;
use crate::front::problem;
use crate::places::{Places, resolved};
use crate::skills::SKILLS;

const FILE: &str = "trust.json";
const FOLDERS: &str = "folders";
const OWN: &str = "own";
const LOCK: &str = "trust.lock";
/// Thousands of folders fit, in bytes.
const LIMIT: usize = 1024 * 1024;

/// Files of a project that make the program do something.
const FILES: [&str; 8] = [
    ".corecoder/settings.json",
    ".corecoder/settings.local.json",
    ".corecoder/hooks.json",
    ".corecoder/mcp.json",
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/hooks.json",
    ".mcp.json",
];

/// What the user said of folders.
#[derive(Debug, Default)]
pub struct Trust {
    data: Option<PathBuf>,
    folders: Map<String, Value>,
    /// Files that were written for the user, with what they held.
    own: Map<String, Value>,
}

impl Trust {
    /// Reads what was said before, from CoreCoder's own folder, with what is wrong with it. Without a folder nothing is
    /// remembered beyond this value.
    pub fn load(data: Option<&Path>) -> (Trust, Vec<String>) {
        let mut trust = Trust {
            data: data.map(Path::to_path_buf),
            folders: Map::new(),
            own: Map::new(),
        };
        let read = data.map(|data| read(&data.join(FILE)));
        match read {
            None => (trust, Vec::new()),
            Some(Ok(mut all)) => {
                trust.folders = part(&mut all, FOLDERS).clone();
                trust.own = part(&mut all, OWN).clone();
                (trust, Vec::new())
            }
            Some(Err(reason)) => (trust, vec![reason]),
        }
    }

    /// What the user said of this very folder; `None` if nothing yet.
    pub fn holds(&self, root: &Path) -> Option<bool> {
        self.folders.get(&key(root)?)?.as_bool()
    }

    /// Remembers what the user said, in this value in any case and in the file if it can be written; the error says why
    /// it can't.
    pub fn set(&mut self, root: &Path, trusted: bool) -> Result<(), String> {
        let key = key(root).ok_or_else(|| unnamed(root))?;
        self.folders.insert(key.clone(), Value::Bool(trusted));
        self.keep(FOLDERS, key, Value::Bool(trusted))
    }

    /// Whether a file is as it was when [`Trust::own`] was told of it: then it is the user's, whoever brought the folder.
    pub fn owns(&self, path: &Path) -> bool {
        let known = key(path).and_then(|key| self.own.get(&key)?.as_str());
        known.is_some() && known == hash(path).as_deref()
    }

    /// Remembers that a file, as it is now, was written for the user. Errors as [`Trust::set`] does.
    pub fn own(&mut self, path: &Path) -> Result<(), String> {
        let key = key(path).ok_or_else(|| unnamed(path))?;
        let hash = Value::from(hash(path));
        self.own.insert(key.clone(), hash.clone());
        self.keep(OWN, key, hash)
    }

    fn keep(&mut self, name: &str, key: String, value: Value) -> Result<(), String> {
        let Some(data) = &self.data else {
            return Err("there is no folder to remember it in, so you will be asked again".into());
        };
        let path = data.join(FILE);
        let failed = |error: io::Error| problem(&path, &error);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .map_err(failed)?;
        let mut options = OpenOptions::new();
        options.create(true).write(true).mode(0o600);
        let lock = file::open(&mut options, &data.join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut all = read(&path)?;
        part(&mut all, name).insert(key, value);
        self.folders = part(&mut all, FOLDERS).clone();
        self.own = part(&mut all, OWN).clone();
        write(data, &all).map_err(failed)
    }
}

fn unnamed(path: &Path) -> String {
    problem(path, &"its name is not UTF-8, so it can't be remembered")
}

/// What a file holds, told in short; `None` if it can't be read.
fn hash(path: &Path) -> Option<String> {
    let content = file::read(path, LIMIT).ok()?;
    let hash = Sha256::digest(content.text.as_bytes());
    Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The name of a folder in the file. Two names that are not UTF-8 might look the same, so those have none.
fn key(root: &Path) -> Option<String> {
    resolved(root).to_str().map(str::to_string)
}

/// All that is in the file; a missing one holds nothing.
fn read(path: &Path) -> Result<Map<String, Value>, String> {
    let content = match file::read(path, LIMIT) {
        Err(error) if file::is_missing(&error) => return Ok(Map::new()),
        content => content.map_err(|error| problem(path, &error))?,
    };
    let all: Result<Map<String, Value>, _> = serde_json::from_str(&content.text);
    let broken = |reason: &dyn std::fmt::Display| {
        let reason = format!("{reason}; correct or delete it, until then no folder is trusted");
        Err(problem(path, &reason))
    };
    match all {
        Ok(all) => match [FOLDERS, OWN]
            .into_iter()
            .find(|name| all.get(*name).is_some_and(|part| !part.is_object()))
        {
            None => Ok(all),
            Some(name) => broken(&format!("`{name}` is not an object")),
        },
        Err(error) => broken(&error),
    }
}

/// A part of the file.
fn part<'a>(all: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    match all.entry(name).or_insert_with(|| json!({})) {
        Value::Object(part) => part,
        _ => unreachable!("what is read has an object there, or nothing"),
    }
}

/// For the user alone: the list names folders, and whoever writes to it is trusted.
fn write(data: &Path, all: &Map<String, Value>) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(data)?;
    serde_json::to_writer_pretty(&mut file, all)?;
    file.write_all(b"\n")?;
    file.as_file().sync_data()?;
    file.persist(data.join(FILE))?;
    Ok(())
}

/// What the project brings that is used only if it is trusted, for the question; the outermost first.
pub fn needs_trust(places: &Places) -> Vec<PathBuf> {
    let has_entries = |path: &PathBuf| match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) => !file::is_missing(&error),
    };
    let mut found = Vec::new();
    for folder in places.project() {
        let files = FILES.iter().map(|name| folder.join(name));
        found.extend(files.filter(|path| fs::symlink_metadata(path).is_ok()));
        let folders = SKILLS.iter().chain(&COMMANDS).map(|name| folder.join(name));
        found.extend(folders.filter(has_entries));
    }
    found
}
