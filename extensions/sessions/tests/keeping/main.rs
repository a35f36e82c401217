//! Sessions kept: the journal of a real agent, its files undone and redone, all sessions listed, and those of others.

mod files;
mod listing;
mod order;
mod others;
mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corecoder::host::Silent;
use corecoder::session::{Fact, Header, Loaded};
use corecoder::{Agent, Host, Model};
use corecoder_sessions::list::Sessions;
use corecoder_sessions::record::Recorder;
use corecoder_sessions::session::Session;
use corecoder_sessions::track::Tracker;
use tempfile::TempDir;

const PROGRAM: &str = "test 1.0";

/// A home with sessions, and a folder to work in.
struct Home {
    temp: TempDir,
    work: PathBuf,
}

impl Home {
    fn new() -> Home {
        let temp = tempfile::tempdir().unwrap();
        let work = fs::canonicalize(temp.path()).unwrap().join("work");
        fs::create_dir(&work).unwrap();
        Home { temp, work }
    }

    fn data(&self) -> PathBuf {
        self.temp.path().join("data")
    }

    fn sessions(&self) -> Sessions {
        Sessions::new(&self.data())
    }

    fn header(&self, id: &str) -> Header {
        Header {
            id: id.to_string(),
            folder: self.work.clone(),
            model: "model".to_string(),
            program: PROGRAM.to_string(),
            ..Header::default()
        }
    }

    fn begin(&self, id: &str) -> Arc<Session> {
        let sessions = self.sessions();
        Arc::new(Session::begin(
            sessions.folder(),
            self.header(id),
            Vec::new(),
        ))
    }

    /// A session with these facts, written and left.
    fn kept(&self, id: &str, facts: &[Fact]) {
        let session = self.begin(id);
        facts
            .iter()
            .for_each(|fact| session.record("", fact.clone()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The content of a file; nothing if there is none.
    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }

    /// An agent whose session is kept, and whose changes are followed.
    fn agent(&self, session: &Arc<Session>, model: impl Model + 'static) -> Agent {
        let agent = Agent::new(model)
            .folder(&self.work)
            .host(recorder(session, Silent));
        let tracker = Tracker::new(session.clone(), self.work.clone());
        let tools = tracker.follow(&agent.kit().tools.list());
        agent.tools(tools)
    }
}

fn recorder(session: &Arc<Session>, host: impl Host + 'static) -> Arc<Recorder> {
    Arc::new(Recorder::new(session.clone(), Arc::new(host)))
}

fn loaded(path: &Path) -> Loaded {
    Loaded::read(&fs::read(path).unwrap_or_default())
}

fn user(text: &str) -> Fact {
    Fact::User(text.to_string())
}
