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

enum State {
    /// Nothing happened yet: the header, and what the conversation begins with.
    Planned(Header, Vec<Entry>),
    Kept(Journal),
    /// Why it can't be kept any more, or not for the moment.
    Failing(Option<Journal>, String),
}

impl Session {
    /// A session in this folder that begins with these entries. Nothing is written before the first fact.
    pub fn begin(folder: &Path, header: Header, entries: Vec<Entry>) -> Session {
        let path = folder.join(file_name(&header.id));
        Session::new(path, State::Planned(header, entries))
    }

    /// Goes on with a journal. `program` is this one, with its version.
    pub fn resume(path: &Path, program: &str) -> Result<(Session, Loaded), SessionError> {
        let (journal, loaded) = Journal::open(path, program)?;
        Ok((
            Session::new(path.to_path_buf(), State::Kept(journal)),
            loaded,
        ))
    }

    fn new(path: PathBuf, state: State) -> Session {
        Session {
            path,
            state: Mutex::new(state),
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
        self.with_journal(|journal| journal.append(who, fact));
    }

    /// Returns when all facts are on the disk, or can't be brought there.
    pub fn sync(&self) {
        self.with_journal(Journal::sync);
    }

    fn with_journal(&self, act: impl FnOnce(&mut Journal) -> std::io::Result<()>) {
        let mut state = self.state.lock();
        let begun = match std::mem::replace(&mut *state, State::Failing(None, String::new())) {
            State::Planned(header, entries) => begin(&self.path, header, entries),
            State::Kept(journal) | State::Failing(Some(journal), _) => Ok(journal),
            State::Failing(None, why) => Err(why),
        };
        *state = match begun {
            Err(why) => State::Failing(None, why),
            Ok(mut journal) => match act(&mut journal) {
                Ok(()) => State::Kept(journal),
                Err(error) => State::Failing(Some(journal), error.to_string()),
            },
        };
        if let State::Failing(..) = *state {
            self.bell.notify_one();
        }
    }

    /// Waits until something can't be written, and says why.
    pub async fn failed(&self) -> String {
        loop {
            if let State::Failing(_, why) = &*self.state.lock() {
                return format!(
                    "the session can't be saved to {}: {why}",
                    self.path.display()
                );
            }
            self.bell.notified().await;
        }
    }
}

fn begin(path: &Path, header: Header, entries: Vec<Entry>) -> Result<Journal, String> {
    let mut journal = Journal::create(path, header).map_err(|error| error.to_string())?;
    if !entries.is_empty() {
        journal
            .append("", Fact::Entries(entries))
            .map_err(|error| error.to_string())?;
    }
    Ok(journal)
}
