//! The journal: whatever happens to its file or to its process, what was written whole is there again.

mod damage;
mod facts;
mod places;
mod writers;

use std::fs;
use std::path::{Path, PathBuf};

use corecoder::session::{Fact, Header, Journal, Loaded};
use corecoder::{Entry, Reply, Round};
use tempfile::TempDir;

const PROGRAM: &str = "test 1.0";

/// A folder with the path of a journal in it.
struct Place {
    folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions/a.jsonl");
        Place { folder, path }
    }

    /// The bytes of a journal with these facts behind its first two lines.
    fn journal(facts: &[Fact]) -> Vec<u8> {
        let place = Place::new();
        let mut journal = Journal::create(&place.path, header("a")).unwrap();
        for fact in facts {
            journal.append("", fact.clone()).unwrap();
        }
        place.read()
    }

    fn holding(bytes: &[u8]) -> Place {
        let place = Place::new();
        fs::create_dir(place.path.parent().unwrap()).unwrap();
        place.write(bytes);
        place
    }

    fn write(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).unwrap();
    }

    fn read(&self) -> Vec<u8> {
        fs::read(&self.path).unwrap()
    }

    /// Opens the journal and leaves it again.
    fn loads(&self) -> Loaded {
        Journal::open(&self.path, PROGRAM).unwrap().1
    }

    fn torn(&self) -> Vec<u8> {
        fs::read(self.path.with_extension("torn")).unwrap_or_default()
    }
}

fn header(id: &str) -> Header {
    Header {
        id: id.to_string(),
        folder: PathBuf::from("/work"),
        model: "model".to_string(),
        program: PROGRAM.to_string(),
        ..Header::default()
    }
}

fn user(text: &str) -> Fact {
    Fact::User(text.to_string())
}

fn said(text: &str) -> Entry {
    Entry::User(text.to_string())
}

fn result(at: usize, text: &str) -> Fact {
    let text = text.to_string();
    Fact::Result { at, text }
}

/// A reply that asks for so many calls.
fn asking(calls: usize) -> Reply {
    Reply::calls((0..calls).map(|n| ("read_file", serde_json::json!({"file_path": n.to_string()}))))
}

fn round(reply: Reply, results: &[&str]) -> Entry {
    Entry::Round(Round::new(reply, |at, _| results[at].to_string()))
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}
