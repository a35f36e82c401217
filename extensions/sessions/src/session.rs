//! A session that is being kept: the journal of one conversation, begun with its first fact.
//!
//! What can't be written is not lost while the program runs; [`Session::failed`] tells whoever drives the agent, who
//! then ends the turn, since work that can't be kept should not go on.

use std::path::{Path, PathBuf};

use corecoder::Entry;
use corecoder::session::{Fact, Header, Journal, Loaded, SessionError, file_name};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// A session; facts may come from anywhere.
pub struct Session {
    path: PathBuf,
    state: Mutex<State>,
    bell: Notify,
}

struct State {
    stage: Stage,
    /// Why it can't be kept for the moment.
    failing: Option<String>,
}

enum Stage {
    /// The header, and the facts that no journal holds yet: there is none before the first.
    Planned(Header, Vec<(String, Fact)>),
    Kept(Journal),
}

impl Session {
    /// A session in this folder that begins with these entries. Nothing is written before the first fact.
    pub fn begin(folder: &Path, header: Header, entries: Vec<Entry>) -> Session {
        let path = folder.join(file_name(&header.id));
        let entries = Some(entries).filter(|entries| !entries.is_empty());
        let facts = entries.map(|entries| (String::new(), Fact::Entries(entries)));
        Session::new(path, Stage::Planned(header, Vec::from_iter(facts)))
    }

    /// Goes on with a journal. `program` is this one, with its version.
    pub fn resume(path: &Path, program: &str) -> Result<(Session, Loaded), SessionError> {
        let (journal, loaded) = Journal::open(path, program)?;
        Ok((
            Session::new(path.to_path_buf(), Stage::Kept(journal)),
            loaded,
        ))
    }

    fn new(path: PathBuf, stage: Stage) -> Session {
        let failing = None;
        Session {
            path,
            state: Mutex::new(State { stage, failing }),
            bell: Notify::new(),
        }
    }

    /// What the session is called on a command line.
    pub fn id(&self) -> String {
        self.path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }

    /// Its journal, which is not there before the first fact.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the contents of its files are kept.
    pub fn files(&self) -> PathBuf {
        self.path.with_extension("files")
    }

    /// Writes a fact of `who`: empty for the agent itself.
    pub fn record(&self, who: &str, fact: Fact) {
        let mut state = self.state.lock();
        if let Stage::Planned(header, facts) = &mut state.stage {
            facts.push((who.to_string(), fact));
            match Journal::create(&self.path, header.clone()) {
                Err(error) => self.written(&mut state, Err(error.to_string())),
                Ok(journal) => {
                    let facts = std::mem::take(facts);
                    state.stage = Stage::Kept(journal);
                    let write = |(who, fact): (String, Fact)| self.write(&mut state, &who, fact);
                    facts.into_iter().for_each(write);
                }
            }
        } else {
            self.write(&mut state, who, fact);
        }
    }

    /// From here on the journal holds the fact, on the disk or until there is room.
    fn write(&self, state: &mut State, who: &str, fact: Fact) {
        if let Stage::Kept(journal) = &mut state.stage {
            let written = journal.append(who, fact);
            self.written(state, written.map_err(|error| self.told(error)));
        }
    }

    /// Returns when all facts are on the disk, or can't be brought there.
    pub fn sync(&self) {
        let mut state = self.state.lock();
        if let Stage::Kept(journal) = &mut state.stage {
            let written = journal.sync().map_err(|error| self.told(error));
            self.written(&mut state, written);
        }
    }

    fn written(&self, state: &mut State, written: Result<(), String>) {
        state.failing = written.err();
        if state.failing.is_some() {
            self.bell.notify_one();
        }
    }

    fn told(&self, error: std::io::Error) -> String {
        format!("{}: {error}", self.path.display())
    }

    /// Waits until something can't be written, and says why.
    pub async fn failed(&self) -> String {
        loop {
            if let Some(why) = &self.state.lock().failing {
                return format!("the session can't be saved: {why}");
            }
            self.bell.notified().await;
        }
    }
}
