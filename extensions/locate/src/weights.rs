//! Everything a score is made of, in one table. `docs/locate.md` says how the parts come together.
//!
//! The weights are few and round. They were chosen on fourteen projects and tried with each of them left out; none knows a
//! language or a project. An identifier needs no row: it counts for its parts, its pairs and its whole.

use serde::{Deserialize, Serialize};

use crate::document::{BODY, COMMENT, SYMBOL};

/// Where in a file a word can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The file's name without its ending.
    Name,
    /// The folders above it.
    Folder,
    /// The names that it defines.
    Symbol,
    /// Comments and documentation.
    Comment,
    /// Everything else in it.
    Body,
}

/// How many fields there are.
pub const FIELDS: usize = 5;

impl Field {
    pub const ALL: [Field; FIELDS] = [
        Field::Name,
        Field::Folder,
        Field::Symbol,
        Field::Comment,
        Field::Body,
    ];

    /// What an explanation calls it.
    pub fn name(self) -> &'static str {
        match self {
            Field::Name => "name",
            Field::Folder => "folder",
            Field::Symbol => "symbol",
            Field::Comment => "comment",
            Field::Body => "body",
        }
    }

    /// Its place in a document, if it is a field of content.
    pub fn content(self) -> Option<usize> {
        match self {
            Field::Name | Field::Folder => None,
            Field::Symbol => Some(SYMBOL),
            Field::Comment => Some(COMMENT),
            Field::Body => Some(BODY),
        }
    }
}

/// What an occurrence counts in a field, and how far a long field is held against it (0 not at all, 1 in full).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Worth {
    pub weight: f32,
    pub length: f32,
}

/// The table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    // Fields of a file.
    pub name: Worth,
    pub folder: Worth,
    pub symbol: Worth,
    pub comment: Worth,
    pub body: Worth,
    /// How many weighted occurrences bring half of what a term can bring.
    pub saturation: f32,

    // Words of the question.
    /// A word in its first line.
    pub title: f32,
    /// A word in quotes or backquotes.
    pub quoted: f32,
    /// Two plain words side by side, against one.
    pub pair: f32,
    /// How often a word can add its weight.
    pub repeats: usize,

    // Kinds of files, unless the title speaks of them.
    pub test: f32,
    pub prose: f32,

    // What else speaks for a file; the best file's text is 1.
    /// Its test's text.
    pub tests: f32,
    /// Being changed under a message that says all of the question.
    pub messages: f32,
    /// Being changed most often of all files.
    pub changes: f32,
    /// Being named by a path.
    pub named: f32,

    // The history.
    /// How many of the newest commits are read.
    pub commits: usize,
    /// A commit counts less for each of its files, by this power of their number.
    pub crowd: f32,
    /// After how many commits a change counts half.
    pub fade: f32,
}

impl Weights {
    /// The row of a field.
    pub fn field(&self, field: Field) -> Worth {
        match field {
            Field::Name => self.name,
            Field::Folder => self.folder,
            Field::Symbol => self.symbol,
            Field::Comment => self.comment,
            Field::Body => self.body,
        }
    }
}

impl Default for Weights {
    fn default() -> Weights {
        let worth = |weight, length| Worth { weight, length };
        Weights {
            name: worth(10.0, 0.0),
            folder: worth(5.0, 0.0),
            symbol: worth(5.0, 0.75),
            comment: worth(1.0, 0.75),
            body: worth(0.5, 0.75),
            saturation: 2.0,
            title: 1.5,
            quoted: 1.5,
            pair: 0.5,
            repeats: 2,
            test: 0.4,
            prose: 0.4,
            tests: 0.4,
            messages: 2.0,
            changes: 0.1,
            named: 1.0,
            commits: 1500,
            crowd: 0.5,
            fade: 500.0,
        }
    }
}
