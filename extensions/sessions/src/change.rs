//! One file's state before and after a change, and how a state is read from the disk.
//!
//! Looking follows no link, waits for no pipe and reads no more than it was told: what can't be kept is `Unknown`,
//! with the reason. A folder counts as `Absent`, since only files are kept. In JSON a path is a string, or an array of
//! its bytes when it is not UTF-8, so that every path survives.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::objects::{self, Objects};

/// The largest file that is read where no limit is given, in bytes.
pub(crate) const LARGEST: u64 = 64 << 20;

/// What happened to one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Absolute, without links in it but perhaps the last part: see [`place`].
    #[serde(with = "lossless")]
    pub path: PathBuf,
    pub before: State,
    pub after: State,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing, or a folder.
    Absent,
    /// A regular file: the SHA-256 of its content, and its permission bits.
    File { hash: String, mode: u32 },
    /// A symbolic link, not followed.
    Link {
        #[serde(with = "lossless")]
        target: PathBuf,
    },
    /// Something whose content wasn't kept.
    Unknown { why: String },
}

/// A state together with the content.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Absent,
    File { content: Vec<u8>, mode: u32 },
    Link { target: PathBuf },
    Unknown { why: String },
}

/// The path by which a file is known here, links in the folders above it resolved; the last part may be a link to
/// nothing, or not exist.
pub fn place(path: &Path) -> PathBuf {
    if let Ok(place) = fs::canonicalize(path) {
        return place;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => place(parent).join(name),
        _ => path.to_path_buf(),
    }
}

/// Whether one of the folders above `path` is a link, so that the path leads elsewhere than it says.
pub(crate) fn is_behind_link(path: &Path) -> bool {
    let mut above = path.ancestors().skip(1);
    above.any(|folder| fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink()))
}

/// What stands at `path`; files of more than `limit` bytes are unknown.
pub(crate) fn find(path: &Path, limit: u64) -> Found {
    let absent = [ErrorKind::NotFound, ErrorKind::NotADirectory];
    match fs::symlink_metadata(path) {
        _ if is_behind_link(path) => Found::Absent,
        Err(error) if absent.contains(&error.kind()) => Found::Absent,
        Err(error) => unknown(format!("it can't be looked at: {error}")),
        Ok(metadata) => read(path, &metadata, limit),
    }
}

/// What stands at `path`, of which `metadata` says what it is.
pub(crate) fn read(path: &Path, metadata: &Metadata, limit: u64) -> Found {
    if metadata.is_dir() {
        return Found::Absent;
    }
    if metadata.is_symlink() {
        return match fs::read_link(path) {
            Ok(target) => Found::Link { target },
            Err(error) => unknown(format!("the link can't be read: {error}")),
        };
    }
    // Reading what the kernel makes up can block, or do something.
    let is_made_up = path.starts_with("/proc") || path.starts_with("/sys");
    if !metadata.is_file() || is_made_up {
        return unknown("it is not a regular file");
    }
    content(path, limit).unwrap_or_else(unknown)
}

fn content(path: &Path, limit: u64) -> Result<Found, String> {
    // The file may have been replaced by a link or a pipe since it was looked at: neither is followed or waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let fail = |error| format!("it can't be read: {error}");
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(fail)?;
    let metadata = file.metadata().map_err(fail)?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_string());
    }
    let length = metadata.len();
    if length > limit {
        return Err(format!("it has {length} bytes, more than are kept"));
    }
    // One byte more than there should be tells a file that grows, or one of a system that computes its files.
    let mut content = Vec::with_capacity(length as usize);
    let read = file.take(length + 1).read_to_end(&mut content);
    read.map_err(fail)?;
    if content.len() as u64 != length {
        return Err("it changed while it was read".to_string());
    }
    let mode = metadata.mode() & 0o7777;
    Ok(Found::File { content, mode })
}

fn unknown(why: impl Into<String>) -> Found {
    Found::Unknown { why: why.into() }
}

impl Found {
    /// What a state stood for; `Unknown` when the content is missing or damaged.
    pub(crate) fn of(state: &State, objects: &Objects) -> Found {
        match state.clone() {
            State::Absent => Found::Absent,
            State::Link { target } => Found::Link { target },
            State::Unknown { why } => Found::Unknown { why },
            State::File { hash, mode } => match objects.get(&hash) {
                Ok(content) => Found::File { content, mode },
                Err(error) => unknown(format!("its content can't be had: {error}")),
            },
        }
    }

    /// The state without the content, which `objects` keeps from now on.
    pub(crate) fn keep(self, objects: &Objects) -> State {
        match self {
            Found::File { content, mode } => match objects.put(&content) {
                Ok(hash) => State::File { hash, mode },
                Err(error) => State::Unknown {
                    why: format!("its content can't be kept: {error}"),
                },
            },
            other => other.state(),
        }
    }

    /// The state without the content.
    pub(crate) fn state(self) -> State {
        match self {
            Found::Absent => State::Absent,
            Found::File { content, mode } => State::File {
                hash: objects::name(&content),
                mode,
            },
            Found::Link { target } => State::Link { target },
            Found::Unknown { why } => State::Unknown { why },
        }
    }
}

/// A path in JSON: text, or else its bytes.
mod lossless {
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Bytes(Vec<u8>),
    }

    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        match path.to_str() {
            Some(text) => serializer.serialize_str(text),
            None => path.as_os_str().as_bytes().serialize(serializer),
        }
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(deserializer: D) -> Result<PathBuf, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Text(text) => PathBuf::from(text),
            Written::Bytes(bytes) => PathBuf::from(OsString::from_vec(bytes)),
        })
    }
}
