//! What a session made: a list in a file that commands can't write, for each command of the session is kept by another process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The list.
#[derive(Debug)]
pub struct Made {
    file: PathBuf,
    known: HashMap<PathBuf, Id>,
}

/// Device and inode: a path alone may come to stand for something else.
type Id = Option<(u64, u64)>;

/// A line of JSON.
#[derive(Serialize, Deserialize)]
struct Entry {
    path: OsString,
    id: Id,
}

fn id(path: &Path) -> Id {
    let metadata = fs::symlink_metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

impl Made {
    pub fn new(file: PathBuf) -> Made {
        let known = HashMap::new();
        Made { file, known }
    }

    /// Whether this is still what the session made.
    pub fn has(&mut self, path: &Path) -> bool {
        if self.is_known(path) {
            return true;
        }
        // Another command may have made it meanwhile.
        self.read();
        self.is_known(path)
    }

    fn is_known(&self, path: &Path) -> bool {
        match self.known.get(path) {
            Some(Some(known)) => id(path) == Some(*known),
            // What was about to be made when it was noted.
            Some(None) => true,
            None => false,
        }
    }

    pub fn add(&mut self, path: PathBuf) {
        let id = id(&path);
        if self.known.get(&path) == Some(&id) {
            return;
        }
        let path_text = path.as_os_str().to_os_string();
        let entry = Entry {
            path: path_text,
            id,
        };
        let line = serde_json::to_string(&entry).unwrap_or_default() + "\n";
        let file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.file);
        if file.is_ok_and(|mut file| file.write_all(line.as_bytes()).is_ok()) {
            self.known.insert(path, id);
        }
    }

    /// What lay in a folder that has another name now lies there.
    pub fn renamed(&mut self, from: &Path, to: &Path) {
        self.read();
        let inside = |path: &&PathBuf| path.starts_with(from);
        let moved: Vec<PathBuf> = self.known.keys().filter(inside).cloned().collect();
        for old in moved {
            let rest = old.strip_prefix(from).unwrap_or(Path::new(""));
            let new = if rest == Path::new("") {
                to.to_path_buf()
            } else {
                to.join(rest)
            };
            let is_same = self.known.get(&old).is_some_and(|known| id(&new) == *known);
            if is_same {
                self.add(new);
            }
        }
    }

    /// All that is still there.
    pub fn all(&mut self) -> Vec<PathBuf> {
        self.read();
        let paths: Vec<PathBuf> = self.known.keys().cloned().collect();
        paths
            .into_iter()
            .filter(|path| self.is_known(path) && path.symlink_metadata().is_ok())
            .collect()
    }

    /// All that is still there, and for certain what was made.
    pub fn all_known(mut self) -> Vec<PathBuf> {
        self.read();
        let is_same =
            |(path, known): (PathBuf, Id)| (known.is_some() && id(&path) == known).then_some(path);
        self.known.into_iter().filter_map(is_same).collect()
    }

    fn read(&mut self) {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let entries = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Entry>(line).ok());
        self.known
            .extend(entries.map(|entry| (entry.path.into(), entry.id)));
    }
}
