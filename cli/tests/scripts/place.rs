//! A home and a project beside each other, of which nothing is the machine's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::ended;
use crate::provider::Provider;

pub struct Place(TempDir);

impl Place {
    pub fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::create_dir_all(place.home("")).unwrap();
        fs::create_dir_all(place.project(".git")).unwrap();
        place
    }

    pub fn home(&self, name: &str) -> PathBuf {
        self.0.path().join("home").join(name)
    }

    pub fn project(&self, name: &str) -> PathBuf {
        self.0.path().join("project").join(name)
    }

    /// Writes a file of the user's, and the folders above it.
    pub fn own(&self, name: &str, text: &str) -> &Place {
        write(&self.home(name), text);
        self
    }

    /// Writes a file of the project, and the folders above it.
    pub fn brings(&self, name: &str, text: &str) -> &Place {
        write(&self.project(name), text);
        self
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project(name)).unwrap_or_default()
    }

    /// The program in the project, with nothing of this machine's environment but the path.
    pub fn bare(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corecoder"));
        command
            .args(args)
            .current_dir(self.project(""))
            .env_clear()
            .env("HOME", self.home(""))
            // What is tested here are questions and rules, which commands in a sandbox don't need.
            .env("CORECODER_SANDBOX", "off")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// The same, with this provider.
    pub fn corecoder(&self, provider: &Provider, args: &[&str]) -> Command {
        let mut command = self.bare(args);
        command.env("CORECODER_BASE_URL", &provider.url);
        command
    }

    /// Runs it to its end: exit code, standard output and standard error.
    pub fn run(&self, provider: &Provider, args: &[&str]) -> (i32, String, String) {
        ended(&mut self.corecoder(provider, args))
    }

    /// Runs it to its good end, and returns what it said on both streams.
    pub fn done(&self, provider: &Provider, args: &[&str]) -> (String, String) {
        let (code, stdout, stderr) = self.run(provider, args);
        assert_eq!(code, 0, "{args:?}: {stdout}{stderr}");
        (stdout, stderr)
    }
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(fs::copy(entry.path(), to).unwrap()),
        }
    }
}
