//! What a session did to files, turn by turn, and what was taken back of it.
//!
//! A turn is what one message of the user led to. Undoing and redoing are facts too, so that the next process knows.

use std::fs;
use std::path::Path;

use corecoder::session::{Fact, Line, lines};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::change::Change;
use crate::objects::Objects;
use crate::patch;
use crate::restore::{Restored, restore};
use crate::session::Session;

/// A message of the user, and what it led to.
#[derive(Debug, Clone, PartialEq)]
pub struct Turn {
    /// How many lines the journal had before it.
    pub line: usize,
    pub text: String,
    pub changes: Vec<Change>,
}

/// What a journal says about files and turns.
#[derive(Debug, Default)]
pub struct Ledger {
    /// The user's messages that are part of the conversation, oldest first.
    pub said: Vec<Turn>,
    /// The turns that changed files, but those that were undone.
    done: Vec<Turn>,
    /// What was undone, as the changes that undid it.
    undone: Vec<Undo>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Undo {
    /// The first line of the turns that were taken back.
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
            Fact::User(text) => self.said.push(Turn {
                line,
                text,
                changes: Vec::new(),
            }),
            Fact::Rewind(lines) => self.said.retain(|turn| turn.line < lines),
            Fact::Extension(Value::Object(mut fact)) => {
                let mut take = |name: &str| fact.remove(name);
                if let Some(changes) =
                    take("changes").and_then(|changes| serde_json::from_value(changes).ok())
                {
                    self.changed(line, changes);
                } else if let Some(undo) =
                    take("undo").and_then(|undo| serde_json::from_value::<Undo>(undo).ok())
                {
                    self.done.retain(|turn| turn.line < undo.line);
                    self.undone.push(undo);
                } else if let Some(changes) =
                    take("redo").and_then(|redo| serde_json::from_value(redo).ok())
                {
                    let line = self.undone.pop().map_or(line, |undo| undo.line);
                    self.done.push(Turn {
                        line,
                        text: String::new(),
                        changes,
                    });
                }
            }
            _ => {}
        }
    }

    fn changed(&mut self, line: usize, changes: Vec<Change>) {
        // Whoever goes on after an undo has left what was undone behind.
        self.undone.clear();
        let turn = self.said.last().map_or(line, |turn| turn.line);
        match self.done.last_mut().filter(|last| last.line == turn) {
            Some(last) => last.changes.extend(changes),
            None => self.done.push(Turn {
                line: turn,
                text: String::new(),
                changes,
            }),
        }
    }

    /// All changes that stand, as a unified diff with what is on the disk.
    pub fn diff(&self, session: &Session, root: &Path) -> String {
        let changes: Vec<Change> = self
            .done
            .iter()
            .flat_map(|turn| turn.changes.clone())
            .collect();
        patch::patch(&changes, &Objects::new(session.files()), root)
    }

    /// Puts the files of the last turn back. `None` if there is none that changed any.
    pub fn undo(&self, session: &Session) -> Option<Restored> {
        let line = self.done.last()?.line;
        self.undo_from(line, session)
    }

    /// Puts the files back to where they were before this line of the journal.
    pub fn undo_from(&self, line: usize, session: &Session) -> Option<Restored> {
        let turns = self.done.iter().filter(|turn| turn.line >= line);
        let changes: Vec<Change> = turns.flat_map(|turn| turn.changes.clone()).collect();
        if changes.is_empty() {
            return None;
        }
        let restored = restore(&changes, &Objects::new(session.files()));
        let undo = Undo {
            line,
            changes: restored.done.clone(),
        };
        session.record("", Fact::Extension(json!({"undo": undo})));
        Some(restored)
    }

    /// Takes the last undo back. `None` if there is none, or files were changed since.
    pub fn redo(&self, session: &Session) -> Option<Restored> {
        let undo = self.undone.last()?;
        let restored = restore(&undo.changes, &Objects::new(session.files()));
        session.record("", Fact::Extension(json!({"redo": restored.done})));
        Some(restored)
    }
}
