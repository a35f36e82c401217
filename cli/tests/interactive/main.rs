//! The interactive program as a person has it: a real terminal, what is typed there, and what then stands where.

mod approvals;
mod commands;
mod ends;
mod input;
mod looks;
mod mcp;
mod modes;
mod provider;
mod sandbox;
mod terminal;
mod trust;
mod working;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A folder with the user's `home` and the `project` in which the program works; a clone is the same.
#[derive(Clone)]
pub struct Home(Arc<TempDir>);

impl Home {
    pub fn made() -> Home {
        let home = Home(Arc::new(tempfile::tempdir().unwrap()));
        fs::create_dir(home.path("home")).unwrap();
        fs::create_dir(home.path("project")).unwrap();
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// What is in a file that somebody else writes, as soon as something is.
    #[track_caller]
    pub fn appears(&self, name: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match self.read(name) {
                Some(text) if !text.is_empty() || name.starts_with("project") => return text,
                _ if Instant::now() > deadline => panic!("no {name}"),
                _ => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// What is in a file; `None` without one.
    pub fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }
}
