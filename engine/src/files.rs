//! The folder an agent works in, and the files it has seen.
//!
//! `bash` moves the folder, and every tool resolves paths against it. A file that the agent read or wrote is
//! remembered by size and time, so that a change by someone else is noticed before it is overwritten. Writing is
//! atomic: a reader, a full disk or a power cut finds the old file or the new one.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bstr::{ByteSlice, ByteVec};
use parking_lot::Mutex;

/// The working folder and what was seen of the files.
pub struct Files {
    /// Where the agent was started; the way back if the folder is gone.
    root: PathBuf,
    state: Mutex<State>,
}

struct State {
    cwd: PathBuf,
    seen: HashMap<PathBuf, Stamp>,
}

/// What tells one version of a file from another without reading it: time, size and inode.
type Stamp = (Option<SystemTime>, u64, u64);

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.modified().ok(), metadata.len(), metadata.ino())
}

impl Files {
    pub fn new(folder: PathBuf) -> Files {
        let root = fs::canonicalize(&folder).unwrap_or(folder);
        Files {
            state: Mutex::new(State {
                cwd: root.clone(),
                seen: HashMap::new(),
            }),
            root,
        }
    }

    /// The folder the agent was started in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The working folder; the one the agent was started in if that was deleted.
    pub fn cwd(&self) -> PathBuf {
        let mut state = self.state.lock();
        if !state.cwd.is_dir() {
            state.cwd = self.root.clone();
        }
        state.cwd.clone()
    }

    /// Moves the working folder.
    pub fn enter(&self, folder: PathBuf) {
        self.state.lock().cwd = folder;
    }

    /// The place a model means by `path`: relative to the working folder; a name that [`shown`] escaped is
    /// understood too.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, String> {
        if path.is_empty() || path.contains('\0') {
            return Err("the path is empty or holds a NUL byte".to_string());
        }
        let whole = self.cwd().join(path);
        if path.contains('\\') && fs::symlink_metadata(&whole).is_err() {
            let raw = std::ffi::OsString::from_vec(Vec::unescape_bytes(path));
            let unescaped = self.cwd().join(raw);
            return Ok(if unescaped.exists() { unescaped } else { whole });
        }
        Ok(whole)
    }

    /// Remembers a file as it is now.
    pub fn remember(&self, path: &Path, metadata: &Metadata) {
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        self.state.lock().seen.insert(path, stamp(metadata));
    }

    /// Why a file must not be written, as text for the model; `Ok` for one that does not exist yet.
    pub fn may_write(&self, path: &Path) -> Result<(), String> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let Ok(old) = fs::metadata(&target) else {
            return Ok(());
        };
        let name = shown(path);
        if !old.is_file() {
            return Err(format!(
                "{name} is not a regular file, so it can't be written"
            ));
        }
        if old.permissions().readonly() {
            return Err(format!(
                "{name} is read-only; if it really is to change, make it writable with chmod first"
            ));
        }
        let seen = self.state.lock().seen.get(&target).copied();
        if seen.is_some_and(|seen| seen != stamp(&old)) {
            return Err(format!(
                "{name} has changed since you read it; read it again, then repeat the change"
            ));
        }
        Ok(())
    }

    /// Replaces a file's content, or makes the file; `Err` says why nothing was changed. On success the text says
    /// what is worth knowing besides, mostly nothing.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<&'static str, String> {
        self.may_write(path)?;
        // A link stays a link: what it points at is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let old = fs::metadata(&target).ok();
        let name = shown(path);
        let fail =
            |error: io::Error| format!("{name} can't be written: {error}. Nothing was changed.");
        replace(&target, content, old.as_ref()).map_err(fail)?;
        // Only a file that was read is held against what was read: an exact edit proves what it replaces.
        let now = stamp(&fs::metadata(&target).map_err(fail)?);
        let mut state = self.state.lock();
        state.seen.entry(target).and_modify(|seen| *seen = now);
        let had_links = old.is_some_and(|old| old.nlink() > 1);
        Ok(if had_links {
            " (other names of it, its hard links, keep the old content)"
        } else {
            ""
        })
    }
}

fn replace(target: &Path, content: &[u8], old: Option<&Metadata>) -> io::Result<()> {
    let folder = target.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let permissions =
        std::os::unix::fs::PermissionsExt::from_mode(if old.is_some() { 0o600 } else { 0o666 });
    let mut new = tempfile::Builder::new()
        .prefix(".corecoder-")
        .permissions(permissions)
        .tempfile_in(folder)?;
    new.write_all(content)?;
    if let Some(old) = old {
        // Another user's file stays theirs where we may decide that; else it becomes ours, as with any editor.
        let _ = chown(new.path(), Some(old.uid()), Some(old.gid()));
        new.as_file().set_permissions(old.permissions())?;
    }
    new.as_file().sync_data()?;
    new.persist(target)?;
    Ok(())
}

/// A path as the model sees it: as it is, unless it holds bytes that are not text or would break a line.
pub fn shown(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    match bytes.to_str() {
        Ok(text) if !text.contains(char::is_control) => text.to_string(),
        _ => bytes.escape_bytes().to_string(),
    }
}
