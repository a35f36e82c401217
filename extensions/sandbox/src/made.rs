//! What a session made: a list in a file that commands can't write, for each command of the session is kept by another process.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

/// The list.
#[derive(Debug)]
pub struct Made {
    file: PathBuf,
    known: HashMap<PathBuf, Id>,
    /// So much of the file has been read.
    end: u64,
}

/// Device, inode, and the time of its making, in nanoseconds: a path alone may come to stand for something else, and an inode's
/// number is given again.
type Id = Option<(u64, u64, u64)>;

/// A line of JSON.
#[derive(Serialize, Deserialize)]
struct Entry {
    path: OsString,
    id: Id,
}

fn id(path: &Path) -> Id {
    let metadata = fs::symlink_metadata(path).ok()?;
    let made = metadata.created().ok();
    let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let made = made.map_or(0, |made| made.as_nanos() as u64);
    Some((metadata.dev(), metadata.ino(), made))
}

impl Made {
    pub fn new(file: PathBuf) -> Made {
        Made {
            file,
            known: HashMap::new(),
            end: 0,
        }
    }

    /// Whether this is still what the session made.
    pub fn has(&mut self, path: &Path) -> bool {
        if !self.is_known(path) {
            // Another command may have made it meanwhile.
            self.read();
        }
        let is_known = self.is_known(path);
        // What was about to be made is there: from now on it is this one, and no other of the name.
        if is_known && self.known.get(path) == Some(&None) && id(path).is_some() {
            self.add(path.to_path_buf());
        }
        is_known
    }

    fn is_known(&self, path: &Path) -> bool {
        match self.known.get(path) {
            Some(Some(known)) => id(path) == Some(*known),
            // What was about to be made when it was noted.
            Some(None) => true,
            None => false,
        }
    }

    /// Whether the session made something of this name, whatever stands there now.
    pub fn names(&mut self, path: &Path) -> bool {
        self.read();
        self.known.contains_key(path)
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

    /// What lay in folders that have other names now lies there. Two that were exchanged are told together, or what is known
    /// of the one would be lost to the other.
    pub fn renamed(&mut self, moves: &[(&Path, &Path)]) {
        self.read();
        let mut moved = Vec::new();
        for (from, to) in moves {
            for (old, known) in &self.known {
                let Ok(rest) = old.strip_prefix(from) else {
                    continue;
                };
                let new: PathBuf = to.components().chain(rest.components()).collect();
                if id(&new) == *known {
                    moved.push(new);
                }
            }
        }
        moved.into_iter().for_each(|new| self.add(new));
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

    /// What was added since the last look, by whomever.
    fn read(&mut self) {
        let mut text = Vec::new();
        let read = File::open(&self.file).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.end))?;
            file.read_to_end(&mut text)
        });
        if read.is_err() {
            return;
        }
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        let whole = &text[..whole.map_or(0, |at| at + 1)];
        self.end += whole.len() as u64;
        let lines = whole.split(|byte| *byte == b'\n');
        let entries = lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
        self.known
            .extend(entries.map(|entry| (entry.path.into(), entry.id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_make_under_a_name_that_the_session_had_is_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Made::new(folder.path().join("list"));
        let path = folder.path().join("f");
        for _ in 0..20 {
            fs::write(&path, "ours").unwrap();
            made.add(path.clone());
            assert!(made.has(&path));
            // Inodes' numbers are given again at once.
            fs::remove_file(&path).unwrap();
            std::thread::sleep(std::time::Duration::from_millis(10));
            fs::write(&path, "theirs").unwrap();
            assert!(!made.has(&path));
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn what_was_about_to_be_made_is_the_first_that_is_seen_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut made = Made::new(folder.path().join("list"));
        let path = folder.path().join("f");
        made.add(path.clone());
        fs::write(&path, "ours").unwrap();
        assert!(made.has(&path));
        fs::remove_file(&path).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
        fs::write(&path, "theirs").unwrap();
        assert!(!made.has(&path));
    }
}
