//! The files of one commit, read from git's own store: what a benchmark asks about the past.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::document::{Document, Reader};
use crate::git::{self, git};
use crate::kinds;
use crate::source::{Entry, READ, Source, Stamp, lock};

/// How long git may take to list a commit's files.
const LIST: Duration = Duration::from_secs(30);

/// A repository's store. It remembers documents by the names of their blobs, which many commits share.
pub struct Store {
    folder: PathBuf,
    pipe: Mutex<Pipe>,
    documents: Mutex<HashMap<Stamp, Option<Arc<Document>>>>,
}

/// One `git cat-file` that answers for all files.
struct Pipe {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Store {
    /// Opens the repository in a folder, bare or not.
    pub fn open(folder: &Path) -> io::Result<Store> {
        let mut command = git(folder, &["cat-file", "--batch"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let missing = || io::Error::other("git gave no pipe");
        let ask = child.stdin.take().ok_or_else(missing)?;
        let answers = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Store {
            folder: folder.to_path_buf(),
            pipe: Mutex::new(Pipe {
                child,
                ask,
                answers,
            }),
            documents: Mutex::default(),
        })
    }

    /// The tree of a commit, with the history up to it.
    pub fn tree<'a>(&'a self, commit: &'a str) -> Tree<'a> {
        Tree {
            store: self,
            commit,
        }
    }
}

impl Pipe {
    fn read(&mut self, id: &str) -> io::Result<Vec<u8>> {
        writeln!(self.ask, "{id}")?;
        self.ask.flush()?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        let size = head
            .split_ascii_whitespace()
            .nth(2)
            .and_then(|size| size.parse().ok());
        let mut content = vec![0; size.ok_or_else(|| io::Error::other("no such content"))?];
        self.answers.read_exact(&mut content)?;
        self.answers.read_exact(&mut [0])?;
        content.truncate(READ as usize);
        Ok(content)
    }
}

/// One commit of a [`Store`].
pub struct Tree<'a> {
    store: &'a Store,
    commit: &'a str,
}

impl Source for Tree<'_> {
    fn list(&self) -> Vec<Entry> {
        let listing = git::run(
            git(&self.store.folder, &["ls-tree", "-r", "-z", self.commit]),
            LIST,
        );
        let listing = String::from_utf8_lossy(&listing.unwrap_or_default()).into_owned();
        let mut entries: Vec<Entry> = listing.split('\0').filter_map(entry).collect();
        entries.sort_unstable();
        entries
    }

    fn read(&self, entry: &Entry) -> Option<Vec<u8>> {
        lock(&self.store.pipe).read(&name(entry.stamp)).ok()
    }

    fn head(&self) -> Option<String> {
        Some(self.commit.to_string())
    }

    fn log(&self, commits: usize) -> Option<String> {
        git::log(&self.store.folder, self.commit, commits)
    }

    fn document(&self, entry: &Entry, reader: &mut Reader) -> Option<Arc<Document>> {
        if let Some(known) = lock(&self.store.documents).get(&entry.stamp) {
            return known.clone();
        }
        let content = self.read(entry)?;
        let written = !kinds::generated(&content);
        let document = written.then(|| Arc::new(reader.read(&entry.path, &content)));
        lock(&self.store.documents).insert(entry.stamp, document.clone());
        document
    }
}

/// A line of `git ls-tree`; links and submodules are no files.
fn entry(line: &str) -> Option<Entry> {
    let (head, path) = line.split_once('\t')?;
    let mut head = head.split_ascii_whitespace();
    let (mode, kind, id) = (head.next()?, head.next()?, head.next()?);
    if kind != "blob" || mode == "120000" {
        return None;
    }
    Some(Entry {
        path: path.to_string(),
        kind: kinds::kind(path)?,
        stamp: stamp(id)?,
    })
}

/// A blob's name of 40 or 64 digits, shifted so that its length can be told.
fn stamp(id: &str) -> Option<Stamp> {
    let mut stamp = [0; 4];
    for (part, digits) in stamp.iter_mut().zip(id.as_bytes().chunks(16)) {
        *part = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(stamp)
}

fn name(stamp: Stamp) -> String {
    let [a, b, c, d] = stamp;
    match d {
        0 => format!("{a:016x}{b:016x}{c:08x}"),
        _ => format!("{a:016x}{b:016x}{c:016x}{d:016x}"),
    }
}
