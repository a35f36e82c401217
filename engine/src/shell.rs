//! The `Shell` socket: how a command line becomes a process.
//!
//! The engine's own runs `bash -c` and takes every command for a write. What knows more plugs in here: a guard
//! that tells readers from writers and refuses slips, a sandbox that the kernel keeps.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::tools::Effect;

/// How a command line becomes a process.
pub trait Shell: Send + Sync {
    /// What `line` would do when run in `cwd`, or, as text for the model, why it will not be run.
    fn effect(&self, _line: &str, _cwd: &Path) -> Result<Effect, String> {
        Ok(Effect::Write)
    }

    /// The process for `line`, not yet started; the caller sets folder, environment and pipes.
    fn command(&self, line: &str) -> Command;

    /// A folder for what a command is to tell the agent: commands can write there. `None` is the system's.
    fn scratch(&self) -> Option<&Path> {
        None
    }

    /// Whether files may be written there too, or, as text for the model, why not. `path` is absolute, and free of links.
    fn may_write(&self, _path: &Path) -> Result<(), String> {
        Ok(())
    }

    /// What commands can't read, and searches leave out. The paths are absolute, and free of links.
    fn hidden(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// How long what was killed at its timeout may hold its output open. A shell that ends all that a command started, and holds
    /// the output until it has, asks for the time that this takes.
    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Starts what [`Shell::command`] made.
    fn spawn(&self, mut command: Command) -> io::Result<Child> {
        command.spawn()
    }
}

/// Plain `bash -c`, with the rights of the agent's own process.
pub struct Bash;

impl Shell for Bash {
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        command.arg("-c").arg(line);
        command
    }
}
