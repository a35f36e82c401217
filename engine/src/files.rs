//! The folder an agent works in, and the files it has seen.
//!
//! `bash` moves the folder, and every tool resolves paths against it. A file that the agent read or wrote is
//! remembered by size and time, so that a change by someone else is noticed before it is overwritten. Writing is
//! atomic: a reader, a full disk or a power cut finds the old file or the new one. Where a file may be written is
//! the shell's word, and a link that is put in the way meanwhile can't change what it was asked about.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use bstr::{ByteSlice, ByteVec};
use parking_lot::Mutex;
use rustix::fs::{FileType, Stat};

use crate::shell::Shell;
use crate::target::Target;

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

/// What tells one version of a file from another without reading it: time (seconds, nanoseconds), size and inode.
type Stamp = (i64, i64, u64, u64);

fn stamp(stat: &Stat) -> Stamp {
    let nanoseconds = stat.st_mtime_nsec as i64;
    let size = stat.st_size.cast_unsigned();
    (stat.st_mtime, nanoseconds, size, stat.st_ino)
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
        let time = (metadata.mtime(), metadata.mtime_nsec());
        let stamp = (time.0, time.1, metadata.size(), metadata.ino());
        self.state.lock().seen.insert(path, stamp);
    }

    /// Why a file must not be written, as text for the model; `Ok` for one that does not exist yet.
    pub fn may_write(&self, path: &Path, shell: &dyn Shell) -> Result<(), String> {
        self.target(path, shell).map(drop)
    }

    /// The content of a file that is to be changed; `Err` too if it must not be.
    pub fn before(&self, path: &Path, shell: &dyn Shell) -> Result<Vec<u8>, String> {
        let (target, _) = self.target(path, shell)?;
        target
            .read()
            .map_err(|error| format!("{} can't be read: {error}", shown(path)))
    }

    /// Replaces a file's content, or makes the file; `Err` says why nothing was changed. On success the text says
    /// what is worth knowing besides, mostly nothing.
    pub fn write(
        &self,
        path: &Path,
        content: &[u8],
        shell: &dyn Shell,
    ) -> Result<&'static str, String> {
        let (target, old) = self.target(path, shell)?;
        let new = target.replace(content, old.as_ref());
        let now = stamp(&new.map_err(|error| unwritten(path, error))?);
        // Only a file that was read is held against what was read: an exact edit proves what it replaces.
        let mut state = self.state.lock();
        let seen = state.seen.entry(target.real);
        seen.and_modify(|seen| *seen = now);
        let had_links = old.is_some_and(|old| old.st_nlink > 1);
        Ok(if had_links {
            " (other names of it, its hard links, keep the old content)"
        } else {
            ""
        })
    }

    /// Where a change of this file goes and what stands there now. A link stays a link: what it points at is
    /// judged, and replaced.
    fn target(&self, path: &Path, shell: &dyn Shell) -> Result<(Target, Option<Stat>), String> {
        let fail = |error| unwritten(path, error);
        let target = Target::find(path).map_err(fail)?;
        shell.may_write(&target.real)?;
        let old = target.old().map_err(fail)?;
        let Some(stat) = &old else {
            return Ok((target, old));
        };
        let name = shown(path);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(format!(
                "{name} is not a regular file, so it can't be written"
            ));
        }
        if stat.st_mode & 0o222 == 0 {
            return Err(format!(
                "{name} is read-only; if it really is to change, make it writable with chmod first"
            ));
        }
        let seen = self.state.lock().seen.get(&target.real).copied();
        if seen.is_some_and(|seen| seen != stamp(stat)) {
            return Err(format!(
                "{name} has changed since you read it; read it again, then repeat the change"
            ));
        }
        Ok((target, old))
    }
}

fn unwritten(path: &Path, error: io::Error) -> String {
    let name = shown(path);
    format!("{name} can't be written: {error}. Nothing was changed.")
}

/// A path as the model sees it: as it is, unless it holds bytes that are not text or would break a line.
pub fn shown(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    match bytes.to_str() {
        Ok(text) if !text.contains(char::is_control) => text.to_string(),
        _ => bytes.escape_bytes().to_string(),
    }
}
