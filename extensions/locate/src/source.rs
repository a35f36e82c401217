//! Where files and history come from: a folder on disk, or (in [`crate::tree`]) one commit in git's store.
//!
//! A source lists what is worth searching and reads one file at a time, so that nobody ever holds a project in memory.
//! Left out: links are not followed and hidden files are not looked at, as in `grep`.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ignore::{WalkBuilder, WalkState};

use crate::document::{Document, Reader};
use crate::git;
use crate::kinds::{self, Kind};

/// The most of a file that is read, in bytes. Longer ones are found by their beginning.
pub const READ: u64 = 1 << 20;

/// Equal for two looks at a file only if its content is the same: size, times and inode, or the name of a blob.
pub type Stamp = [u64; 4];

/// A file that can be searched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Relative to the source's folder, with `/`.
    pub path: String,
    pub kind: Kind,
    pub stamp: Stamp,
}

/// What can be searched.
pub trait Source: Sync {
    /// All files that are source, tests or text, in order of their paths.
    fn list(&self) -> Vec<Entry>;

    /// The beginning of a file, up to [`READ`] bytes; `None` if it is gone or can't be read.
    fn read(&self, entry: &Entry) -> Option<Vec<u8>>;

    /// Names the newest commit; `None` where there is no history.
    fn head(&self) -> Option<String>;

    /// What `git log` prints of the newest commits in [`crate::history::FORMAT`].
    fn log(&self, commits: usize) -> Option<String>;

    /// The document of a file; `None` for what is not to be found. A source that knows contents by name may remember it.
    fn document(&self, entry: &Entry, reader: &mut Reader) -> Option<Arc<Document>> {
        let content = self.read(entry)?;
        let written = !kinds::generated(&content);
        written.then(|| Arc::new(reader.read(&entry.path, &content)))
    }
}

/// A folder on disk, or a single file.
pub struct Folder {
    root: PathBuf,
    hidden: Vec<PathBuf>,
}

impl Folder {
    pub fn new(root: &Path) -> Folder {
        Folder {
            root: fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf()),
            hidden: Vec::new(),
        }
    }

    /// Without these files and folders, which are neither listed nor read. They must be free of links, as the root is.
    pub fn without(self, hidden: Vec<PathBuf>) -> Folder {
        Folder { hidden, ..self }
    }

    fn hides(&self, path: &Path) -> bool {
        self.hidden.iter().any(|hidden| path.starts_with(hidden))
    }

    /// The folder, without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn entry(&self, path: &Path, metadata: &Metadata) -> Option<Entry> {
        let inside = path.strip_prefix(&self.root).ok()?;
        let name = match inside.as_os_str().is_empty() {
            true => Path::new(path.file_name()?),
            false => inside,
        };
        // A name that is no text could not be given back to the model, nor to the tools it calls next.
        let name = name
            .to_str()
            .filter(|name| !name.contains(char::is_control))?;
        Some(Entry {
            path: name.to_string(),
            kind: kinds::kind(name)?,
            stamp: stamp(metadata),
        })
    }

    fn place(&self, entry: &Entry) -> PathBuf {
        match self.root.is_file() {
            true => self.root.clone(),
            false => self.root.join(&entry.path),
        }
    }
}

impl Source for Folder {
    fn list(&self) -> Vec<Entry> {
        let found = &Mutex::new(Vec::new());
        let mut walk = WalkBuilder::new(&self.root);
        walk.require_git(false).threads(threads());
        walk.build_parallel().run(|| {
            let mut batch = Batch {
                entries: Vec::new(),
                found,
            };
            Box::new(move |entry| {
                let Ok(entry) = entry else {
                    return WalkState::Continue;
                };
                if self.hides(entry.path()) {
                    return WalkState::Skip;
                }
                if entry.file_type().is_some_and(|kind| kind.is_file())
                    && let Ok(metadata) = entry.metadata()
                {
                    batch.entries.extend(self.entry(entry.path(), &metadata));
                }
                WalkState::Continue
            })
        });
        let mut entries = std::mem::take(&mut *lock(found));
        entries.sort_unstable();
        entries
    }

    fn read(&self, entry: &Entry) -> Option<Vec<u8>> {
        let mut content = Vec::with_capacity((entry.stamp[0].min(READ) + 1) as usize);
        let file = File::open(self.place(entry)).ok()?;
        file.take(READ).read_to_end(&mut content).ok()?;
        Some(content)
    }

    fn head(&self) -> Option<String> {
        git::head(self.root.is_dir().then_some(&self.root)?)
    }

    fn log(&self, commits: usize) -> Option<String> {
        git::log(&self.root, "HEAD", commits)
    }
}

/// The entries of one thread of the walk, handed in when it ends.
struct Batch<'a> {
    entries: Vec<Entry>,
    found: &'a Mutex<Vec<Entry>>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        lock(self.found).append(&mut self.entries);
    }
}

/// A lock that a panicked thread left behind holds a list that is still whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// How many threads work, at most eight: more only wait for the disk.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, |number| number.get().min(8))
}

fn stamp(metadata: &Metadata) -> Stamp {
    let nanos = |seconds: i64, nanos: i64| {
        (seconds as u64)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(nanos as u64)
    };
    [
        metadata.len(),
        nanos(metadata.mtime(), metadata.mtime_nsec()),
        nanos(metadata.ctime(), metadata.ctime_nsec()),
        metadata.ino(),
    ]
}
