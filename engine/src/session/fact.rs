//! One line of a journal: what became true, when, and whose it is.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use crate::context::Compaction;
use crate::conversation::{Entry, Reply, Spent};

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since 1970.
    pub time: u64,
    /// Whose fact it is: empty for the agent itself, else a sub-agent's name. Only the agent's own make the
    /// conversation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
    pub fact: Fact,
}

/// What stands before the checksum of a line, which is the last of its fields.
const CHECKSUM: &[u8] = br#","crc":""#;

impl Line {
    /// As it is written: JSON, with the CRC-32 of all before it, so that a flipped bit is no changed word.
    pub(super) fn written(&self) -> serde_json::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.pop();
        let checksum = format!("{:08x}\"}}\n", crc32fast::hash(&line));
        line.extend([CHECKSUM, checksum.as_bytes()].concat());
        Ok(line)
    }

    /// A line without a checksum, such as one that was made by hand, is taken as it is.
    fn read(line: &[u8]) -> Result<Line, String> {
        let line = line.trim_ascii_end();
        let end = memchr::memmem::rfind(line, CHECKSUM).unwrap_or(line.len());
        let (before, checksum) = line.split_at(end);
        let checksum = checksum.strip_prefix(CHECKSUM).unwrap_or_default();
        let right = format!("{:08x}\"}}", crc32fast::hash(before));
        if checksum.len() == right.len() && checksum != right.as_bytes() {
            return Err("it is not what was written".to_string());
        }
        serde_json::from_slice(line).map_err(|error| error.to_string())
    }
}

/// What became true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The first line.
    Session(Header),
    /// A process goes on with the session.
    Opened {
        pid: u32,
        program: String,
    },
    /// From here on this model is asked.
    Model(String),
    User(String),
    Note(String),
    /// A reply with its usage; the results of its calls follow.
    Reply(Reply),
    /// The user's word on a call, by its id; `denied` holds the reason.
    Approval {
        call: String,
        denied: Option<String>,
    },
    /// A call starts, by its id.
    Started(String),
    /// What a reply took, also one that is no part of the conversation.
    Spent(Spent),
    /// The answer to the call at this position of the reply before.
    Result {
        at: usize,
        text: String,
    },
    Compaction(Compaction),
    /// Entries that were made elsewhere: an import, a copy, a sub-agent's round.
    Entries(Vec<Entry>),
    /// The conversation is again what the first so many lines say.
    Rewind(usize),
    /// The run ended without an answer.
    Error(String),
    /// The run ended with an answer.
    End,
    /// What an extension keeps; the conversation does not depend on it.
    Extension(Value),
}

/// Whose journal it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Header {
    pub format: u32,
    pub id: String,
    /// The working directory. What of its name is not UTF-8 is written as `\u{fffd}`.
    #[serde(serialize_with = "lossy")]
    pub folder: PathBuf,
    pub model: String,
    /// The program that began it, with its version.
    pub program: String,
    /// The session that it is a copy of.
    pub parent: Option<String>,
}

fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

/// The lines of a journal with the place in bytes where each begins, or why it can't be read; one that is empty is none.
pub fn lines(journal: &[u8]) -> impl Iterator<Item = (usize, Result<Line, String>)> {
    let mut start = 0;
    let split = journal.split(|byte| *byte == b'\n');
    let places = split.map(move |line| {
        let place = start;
        start += line.len() + 1;
        (place, line)
    });
    let read = |(place, line)| (place, Line::read(line));
    places.filter(|(_, line)| !line.is_empty()).map(read)
}
