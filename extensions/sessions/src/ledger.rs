//! What a session did to files, turn by turn, and what was taken back of it.
//!
//! A turn is what one message of the user led to. Undoing and redoing are facts too, so that the next process knows.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use corecoder::session::{Fact, Line, lines};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::change::Change;
use crate::objects::Objects;
use crate::patch;
use crate::restore::{Restored, restore};
use crate::session::Session;

/// A message of the user.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// How many lines the journal had before it.
    pub line: usize,
    pub text: String,
}

/// What a journal says about turns and files.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The user's messages that are part of the conversation, oldest first.
    pub said: Vec<Said>,
    /// What the turns did that changed files and were not undone.
    done: Vec<Work>,
    /// What undid the others.
    undone: Vec<Work>,
    /// Whether more went on in the working folder than could be watched.
    pub blind: bool,
}

/// Changes of the turn that begins at this line, or of all turns from there on.
#[derive(Debug, Serialize, Deserialize)]
struct Work {
    line: usize,
    changes: Vec<Change>,
}

impl Ledger {
    /// Reads a journal.
    pub fn read(journal: &[u8]) -> Ledger {
        let mut ledger = Ledger::default();
        let own = lines(journal).map(|(_, line)| line.ok().filter(|line| line.who.is_empty()));
        for (number, line) in own.enumerate() {
            if let Some(Line { fact, .. }) = line {
                ledger.add(number, fact);
            }
        }
        ledger
    }

    /// That of a session that is open.
    pub fn of(session: &Session) -> Ledger {
        Ledger::read(&fs::read(session.path()).unwrap_or_default())
    }

    fn add(&mut self, line: usize, fact: Fact) {
        match fact {
            Fact::User(text) => self.said.push(Said { line, text }),
            Fact::Rewind(lines) => self.said.retain(|said| said.line < lines),
            Fact::Extension(fact) => match serde_json::from_value(fact) {
                Ok(Files::Changes(changes)) => self.changed(line, changes),
                Ok(Files::Undo(undo)) => self.took_back(undo),
                Ok(Files::Redo(changes)) => {
                    let line = self.undone.pop().map_or(line, |undo| undo.line);
                    self.done.push(Work { line, changes });
                }
                Ok(Files::Blind) => self.blind = true,
                // Another extension's.
                Err(_) => {}
            },
            _ => {}
        }
    }

    /// A file that could not be put back is still to be undone.
    fn took_back(&mut self, undo: Work) {
        let is_back = |path: &Path| undo.changes.iter().any(|change| change.path == path);
        for work in self.done.iter_mut().filter(|work| work.line >= undo.line) {
            work.changes.retain(|change| !is_back(&change.path));
        }
        self.done.retain(|work| !work.changes.is_empty());
        self.undone.push(undo);
    }

    fn changed(&mut self, line: usize, changes: Vec<Change>) {
        // Whoever goes on after an undo has left what was undone behind.
        self.undone.clear();
        let line = self.said.last().map_or(line, |said| said.line);
        match self.done.last_mut().filter(|last| last.line == line) {
            Some(last) => last.changes.extend(changes),
            None => self.done.push(Work { line, changes }),
        }
    }

    /// All changes that stand, as a unified diff with what is on the disk.
    pub fn diff(&self, session: &Session, root: &Path) -> String {
        let changes = self.done_from(0);
        patch::patch(&changes, &Objects::new(session.files()), root)
    }

    /// Puts the files of the last turn back. `None` if there is none that changed any.
    pub fn undo(&self, session: &Session) -> Option<Restored> {
        self.undo_from(self.done.last()?.line, session)
    }

    /// Puts the files back to where they were before this line of the journal. `None` if none was changed since.
    pub fn undo_from(&self, line: usize, session: &Session) -> Option<Restored> {
        let changes = self.done_from(line);
        if changes.is_empty() {
            return None;
        }
        let restored = restore(&changes, &Objects::new(session.files()));
        if !restored.done.is_empty() {
            let changes = restored.done.clone();
            session.record("", Files::Undo(Work { line, changes }).fact());
        }
        Some(restored)
    }

    /// Takes the last undo back. `None` if there is none, or files were changed since.
    pub fn redo(&self, session: &Session) -> Option<Restored> {
        let undo = self.undone.last()?;
        let restored = restore(&undo.changes, &Objects::new(session.files()));
        if !restored.done.is_empty() {
            session.record("", Files::Redo(restored.done.clone()).fact());
        }
        Some(restored)
    }

    fn done_from(&self, line: usize) -> Vec<Change> {
        let turns = self.done.iter().filter(|work| work.line >= line);
        turns.flat_map(|work| work.changes.clone()).collect()
    }
}

/// The facts of this extension, as they stand in a journal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Files {
    /// What a call changed.
    Changes(Vec<Change>),
    /// What was done to take turns back.
    Undo(Work),
    /// What was done to take that back.
    Redo(Vec<Change>),
    /// The working folder holds more than is watched.
    Blind,
}

impl Files {
    fn fact(&self) -> Fact {
        Fact::Extension(json!(self))
    }
}

/// The names of all contents that a journal speaks of.
pub fn contents(journal: &[u8]) -> HashSet<&str> {
    const FIELD: &[u8] = br#""hash":""#;
    let places = memchr::memmem::find_iter(journal, FIELD);
    let names = places.filter_map(|place| journal[place + FIELD.len()..].get(..64));
    names
        .filter_map(|name| std::str::from_utf8(name).ok())
        .collect()
}

/// The fact that not all of the working folder is watched.
pub fn blind() -> Fact {
    Files::Blind.fact()
}

/// The fact that a call made these changes.
pub fn changes(changes: Vec<Change>) -> Fact {
    Files::Changes(changes).fact()
}
