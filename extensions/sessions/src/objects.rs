//! Contents of files, each kept once under its SHA-256.
//!
//! An object appears under its name by a rename, so that it is whole or absent, whatever stops the program. A power
//! cut may still damage one, since waiting for the disk would make the first picture of a folder many times slower: so
//! `get` compares content and name, and `put` replaces an object of another length. Nobody but the user may read here:
//! the contents may be secrets.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};

/// How old a half-written object is before it counts as left behind by a program that was stopped.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// How an object that is not there yet is called.
const UNFINISHED: &str = ".new-";

/// A folder of contents; it is made when the first one is kept.
#[derive(Debug)]
pub struct Objects {
    folder: PathBuf,
    /// Why the last content could not be kept.
    failure: Mutex<Option<String>>,
}

#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("{0:?} is not the name of a kept content")]
    Name(String),
    #[error("the kept content {0} is missing")]
    Missing(String),
    #[error("the kept content {0} is damaged")]
    Damaged(String),
}

impl Objects {
    pub fn new(folder: PathBuf) -> Objects {
        let failure = Mutex::default();
        Objects { folder, failure }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Why contents could not be kept since this was asked last, such as a full disk.
    pub fn take_failure(&self) -> Option<String> {
        self.failure.lock().take()
    }

    /// Keeps a content and answers its name, 64 hex digits.
    pub fn put(&self, content: &[u8]) -> io::Result<String> {
        let failed = |error: &io::Error| *self.failure.lock() = Some(error.to_string());
        self.write(content).inspect_err(failed)
    }

    fn write(&self, content: &[u8]) -> io::Result<String> {
        let name = name(content);
        let path = self.folder.join(&name);
        if fs::metadata(&path).is_ok_and(|old| old.len() == content.len() as u64) {
            return Ok(name);
        }
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.folder)?;
        // Temporary files are made with mode 0600.
        let mut new = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        new.write_all(content)?;
        new.persist(path)?;
        Ok(name)
    }

    /// The content of a name; an error when it is missing, damaged, or the name is none.
    pub fn get(&self, hash: &str) -> io::Result<Vec<u8>> {
        let fail = |kind, why: fn(String) -> Unusable| io::Error::new(kind, why(hash.to_string()));
        if !is_name(hash) {
            return Err(fail(ErrorKind::InvalidInput, Unusable::Name));
        }
        match fs::read(self.folder.join(hash)) {
            Ok(content) if name(&content) == hash => Ok(content),
            Ok(_) => Err(fail(ErrorKind::InvalidData, Unusable::Damaged)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(fail(ErrorKind::NotFound, Unusable::Missing))
            }
            Err(error) => Err(error),
        }
    }

    /// Deletes the objects that `keep` doesn't want, and what a stopped program left half-written. Files that are
    /// no objects stay.
    pub fn retain(&self, keep: &dyn Fn(&str) -> bool) -> io::Result<()> {
        let files = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            let unwanted = is_name(&name) && !keep(&name);
            if unwanted || name.starts_with(UNFINISHED) && left_behind(&file.path()) {
                remove(&file.path())?;
            }
        }
        Ok(())
    }
}

/// What a content is called.
pub(crate) fn name(content: &[u8]) -> String {
    let digest = Sha256::digest(content);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_name(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn left_behind(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > LEFT_BEHIND))
}

/// Removes a file that another program may have removed meanwhile.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
