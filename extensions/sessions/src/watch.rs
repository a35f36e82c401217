//! What a tool that doesn't say what it writes, such as bash, changed in a folder.
//!
//! A picture of the files is taken before and after, and compared. Files are read only when their size, times or inode
//! differ from the last picture, so that a picture costs a walk. Watched is what was visible before, and what appears
//! where nothing was: a file that comes out of hiding because `.gitignore` changed was not made by the tool, and
//! undoing must not delete it.
//! Left out: ignored files, `.git`, the sessions themselves, other file systems mounted below, and all beyond the
//! limits.

use std::collections::{HashMap, HashSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ignore::{Walk, WalkBuilder};

use crate::change::{self, Change, State};
use crate::objects::Objects;

/// How far a picture reaches.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files, links included, and as many folders; those after them in the order of names are not watched.
    pub files: usize,
    /// The largest file whose content is kept, in bytes.
    pub file_bytes: u64,
    /// The most that is kept of one picture, in bytes.
    pub total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            files: 5_000,
            file_bytes: 1 << 20,
            total_bytes: 20 << 20,
        }
    }
}

/// A folder whose changes are found.
pub struct Watch {
    folder: PathBuf,
    objects: Arc<Objects>,
    limits: Limits,
    last: Option<Picture>,
}

/// The files of a folder at one time.
#[derive(Default)]
struct Picture {
    files: HashMap<PathBuf, Seen>,
    /// What was there but not looked at: ignored, unreadable, beyond the limit, or on another file system; with all
    /// below.
    hidden: HashSet<PathBuf>,
    complete: bool,
}

struct Seen {
    stamp: Stamp,
    /// Whether a change from now on is sure to change the stamp.
    settled: bool,
    state: State,
}

/// What tells a file's version without reading it. All but kind and inode are 0 when it is no regular file: a pipe's
/// times change with its use.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    size: u64,
    /// Nanoseconds since 1970; `changed` also moves when a program sets `modified` back.
    modified: i128,
    changed: i128,
    inode: u64,
    mode: u32,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        let kind_and_inode = Stamp {
            inode: metadata.ino(),
            mode: metadata.mode(),
            ..Stamp::default()
        };
        if !metadata.is_file() {
            return kind_and_inode;
        }
        let nanos = |seconds, rest| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Stamp {
            size: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            ..kind_and_inode
        }
    }

    /// Whether the file system's clock has ticked since the last change; else the next change could bear the same
    /// time. Ticks last up to 10 ms on Linux before 6.13, and 2 s on file systems that don't count fractions.
    fn is_settled(&self, now: SystemTime) -> bool {
        let tick = match self.changed % 1_000_000_000 {
            0 => Duration::from_secs(3),
            _ => Duration::from_millis(50),
        };
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.changed + tick.as_nanos().cast_signed() < now.as_nanos().cast_signed()
    }

    /// Whether nothing that matters to a file's user differs: a new hard link moves `changed` alone.
    fn same_version(&self, other: &Stamp) -> bool {
        let without_changed = |stamp: &Stamp| Stamp {
            changed: 0,
            ..*stamp
        };
        without_changed(self) == without_changed(other)
    }
}

impl Seen {
    fn is_unknown(&self) -> bool {
        matches!(self.state, State::Unknown { .. })
    }

    fn differs(&self, from: &Seen) -> bool {
        match self.is_unknown() || from.is_unknown() {
            true => !self.stamp.same_version(&from.stamp),
            false => self.state != from.state,
        }
    }
}

impl Watch {
    /// `folder` need not exist yet.
    pub fn new(folder: PathBuf, objects: Arc<Objects>, limits: Limits) -> Watch {
        Watch {
            folder: change::place(&folder),
            objects,
            limits,
            last: None,
        }
    }

    /// Whether the last picture holds every file that is not ignored: no limit was hit, nothing was unreadable.
    pub fn complete(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.complete)
    }

    /// Takes the picture that [`Watch::after`] compares with.
    pub fn before(&mut self) {
        self.last = Some(self.picture());
    }

    /// What changed since the last picture, in the order of paths, nothing when there is none; the new picture becomes
    /// the last.
    pub fn after(&mut self) -> Vec<Change> {
        let Some(last) = &self.last else {
            return Vec::new();
        };
        let mut new = self.picture();
        // A file can leave the walk without being gone: by a new line in .gitignore, or by more files before it.
        for path in last.files.keys() {
            if !new.files.contains_key(path)
                && let Some(seen) = self.again(path)
            {
                new.files.insert(path.clone(), seen);
            }
        }
        let changes = last.changes(&new);
        self.last = Some(new);
        changes
    }

    /// The state of a single file, in the folder or elsewhere, whose content is kept whatever it was before. The path
    /// is as [`change::place`] answers it: behind a link to a folder nothing is found.
    pub fn one(&self, path: &Path) -> State {
        change::find(path, change::LARGEST).keep(&self.objects)
    }

    fn picture(&self) -> Picture {
        let (mut picture, found) = self.list();
        let mut left = self.limits.total_bytes;
        let mut unread = Vec::new();
        for (path, metadata) in found {
            match self.known(&path, &metadata) {
                Some(seen) => {
                    left = left.saturating_sub(seen.stamp.size);
                    picture.files.insert(path, seen);
                }
                None => unread.push((path, metadata)),
            }
        }
        // What was kept before comes first, or new files would push old ones over the limit.
        unread.sort_by_key(|(path, _)| self.old(path).is_none_or(Seen::is_unknown));
        for (path, metadata) in unread {
            let seen = self.see(&path, &metadata, self.limits.file_bytes.min(left));
            if let State::File { .. } = seen.state {
                left = left.saturating_sub(metadata.len());
            }
            picture.complete &= !(metadata.is_file() && seen.is_unknown());
            picture.files.insert(path, seen);
        }
        picture
    }

    /// The files below the folder, as far as they are watched.
    fn list(&self) -> (Picture, Vec<(PathBuf, Metadata)>) {
        let mut picture = Picture {
            complete: true,
            ..Picture::default()
        };
        let (mut files, mut folders) = (Vec::new(), HashSet::new());
        for entry in self.walk() {
            let Ok((path, metadata)) =
                entry.and_then(|entry| Ok((entry.path().to_path_buf(), entry.metadata()?)))
            else {
                picture.complete = false;
                continue;
            };
            if files.len().max(folders.len()) >= self.limits.files {
                picture.complete = false;
                break;
            }
            match metadata.is_dir() {
                true => _ = folders.insert(path),
                false => files.push((path, metadata)),
            }
        }
        picture.hidden = hidden(&files, &folders);
        (picture, files)
    }

    fn walk(&self) -> Walk {
        let objects = change::place(self.objects.folder());
        // Other sessions are written by others while a tool runs; undoing must not touch them.
        let sessions = objects.parent().map(Path::to_path_buf);
        WalkBuilder::new(&self.folder)
            .hidden(false)
            .ignore(false)
            .require_git(false)
            .follow_links(false)
            .same_file_system(true)
            .sort_by_file_name(Ord::cmp)
            .filter_entry(move |entry| {
                let is_sessions = entry.depth() > 0 && Some(entry.path()) == sessions.as_deref();
                entry.file_name() != ".git" && entry.path() != objects && !is_sessions
            })
            .build()
    }

    fn old(&self, path: &Path) -> Option<&Seen> {
        self.last.as_ref()?.files.get(path)
    }

    /// What the last picture says of a file, if it holds still.
    fn known(&self, path: &Path, metadata: &Metadata) -> Option<Seen> {
        let old = self.old(path)?;
        (!old.is_unknown() && old.settled && old.stamp == Stamp::of(metadata)).then(|| Seen {
            state: old.state.clone(),
            ..*old
        })
    }

    fn see(&self, path: &Path, metadata: &Metadata, limit: u64) -> Seen {
        let now = SystemTime::now();
        let stamp = Stamp::of(metadata);
        Seen {
            stamp,
            settled: metadata.is_file() && stamp.is_settled(now),
            state: change::read(path, metadata, limit).keep(&self.objects),
        }
    }

    /// Looks at a file that the walk no longer reaches.
    fn again(&self, path: &Path) -> Option<Seen> {
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() || change::is_behind_link(path) => None,
            Ok(metadata) => self
                .known(path, &metadata)
                .or_else(|| Some(self.see(path, &metadata, self.limits.file_bytes))),
            Err(_) => match change::find(path, 0).state() {
                State::Absent => None,
                state => Some(Seen {
                    stamp: Stamp::default(),
                    settled: false,
                    state,
                }),
            },
        }
    }
}

impl Picture {
    fn changes(&self, new: &Picture) -> Vec<Change> {
        let state = |seen: Option<&Seen>| seen.map_or(State::Absent, |seen| seen.state.clone());
        let gone = self
            .files
            .keys()
            .filter(|path| !new.files.contains_key(*path));
        let here = new
            .files
            .iter()
            .filter(|(path, seen)| match self.files.get(*path) {
                Some(old) => seen.differs(old),
                None => self.had_nothing_at(path),
            });
        let mut changes: Vec<Change> = here
            .map(|(path, _)| path)
            .chain(gone)
            .map(|path| Change {
                path: path.clone(),
                before: state(self.files.get(path)),
                after: state(new.files.get(path)),
            })
            .collect();
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        changes
    }

    /// Whether a path that is not in the picture was free, not just out of sight.
    fn had_nothing_at(&self, path: &Path) -> bool {
        !path.ancestors().any(|part| self.hidden.contains(part))
    }
}

/// What stands in the folders without having been yielded by the walk.
fn hidden(files: &[(PathBuf, Metadata)], folders: &HashSet<PathBuf>) -> HashSet<PathBuf> {
    let files: HashSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    let mut hidden = HashSet::new();
    for folder in folders {
        match fs::read_dir(folder) {
            Err(_) => _ = hidden.insert(folder.clone()),
            Ok(entries) => hidden.extend(
                entries
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| !files.contains(path.as_path()) && !folders.contains(path)),
            ),
        }
    }
    hidden
}
