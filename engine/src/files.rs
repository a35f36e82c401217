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
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use bstr::{ByteSlice, ByteVec};
use imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};

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

/// What tells one version of a file from another without reading it.
#[derive(Clone, Copy, PartialEq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            inode: metadata.ino(),
        }
    }
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

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The working folder; the one the agent was started in if that was deleted.
    pub fn cwd(&self) -> PathBuf {
        let mut state = self.state();
        if !state.cwd.is_dir() {
            state.cwd = self.root.clone();
        }
        state.cwd.clone()
    }

    /// Moves the working folder.
    pub fn enter(&self, folder: PathBuf) {
        self.state().cwd = folder;
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
        self.state().seen.insert(path, Stamp::of(metadata));
    }

    /// Replaces a file's content, or makes the file; `Err` says why nothing was changed. On success the text says
    /// what is worth knowing besides, mostly nothing.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<String, String> {
        // A link stays a link: what it points at is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let old = fs::metadata(&target).ok();
        if let Some(old) = &old {
            self.check(&target, old)?;
        }
        let fail = |error: io::Error| {
            format!(
                "{} can't be written: {error}. Nothing was changed.",
                shown(path)
            )
        };
        replace(&target, content, old.as_ref()).map_err(fail)?;
        let metadata = fs::metadata(&target).map_err(fail)?;
        self.state()
            .seen
            .entry(target)
            .and_modify(|seen| *seen = Stamp::of(&metadata));
        let links = old.is_some_and(|old| old.nlink() > 1);
        Ok(if links {
            " (its hard link to other names is broken; they keep the old content)"
        } else {
            ""
        }
        .to_string())
    }

    fn check(&self, target: &Path, old: &Metadata) -> Result<(), String> {
        let name = shown(target);
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
        if self
            .state()
            .seen
            .get(target)
            .is_some_and(|seen| *seen != Stamp::of(old))
        {
            return Err(format!(
                "{name} has changed since you read it; read it again, then repeat the change"
            ));
        }
        Ok(())
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

/// What changed, as a unified diff of at most `limit` bytes.
pub fn diff(before: &str, after: &str, limit: usize) -> String {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let printer = BasicLineDiffPrinter(&input.interner);
    let whole = diff
        .unified_diff(&printer, UnifiedDiffConfig::default(), &input)
        .to_string();
    match crate::wire::text::head(&whole, limit) {
        all if all.len() == whole.len() => whole,
        start => format!(
            "{}\n[the diff goes on for {} bytes]",
            start.trim_end(),
            whole.len() - start.len()
        ),
    }
}
