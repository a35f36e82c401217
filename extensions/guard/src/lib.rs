//! Reads what is about to run, before it runs, and answers three questions: is a bash line
//! one of the classic slips (`rm -rf /`), does every part of it only read, and which calls
//! may run without a question?
//!
//! The idea: [`syntax`] turns a line into simple commands with their words expanded as far
//! as the line itself tells; [`danger`] and [`effect`] judge those commands, and
//! [`permissions`] compares them, and the calls of other tools, with the user's rules.
//! The invariant: judging reads no environment, never panics, and calls a line a reader, or
//! allowed, only when every part of it is.
//! Left out: this is a guard against slips, not a sandbox. Programs are judged by their
//! names and arguments; script files, aliases and values set elsewhere are not looked into.

mod arguments;
mod danger;
mod effect;
mod git;
pub mod permissions;
mod syntax;
mod told;
mod variables;
mod wrappers;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use corecoder::{Effect, Shell};
use tokio::process::{Child, Command};

/// The guard's answer about one command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether the line only reads.
    pub effect: Effect,
    /// One sentence for the model when the line is refused: what, and what to do instead.
    pub danger: Option<String>,
}

/// A shell that asks the guard about each line before another shell runs it.
pub struct Guard<S> {
    shell: S,
    home: Option<PathBuf>,
}

impl<S: Shell> Guard<S> {
    /// Guards `shell` for the user whose home directory is `home`.
    pub fn new(shell: S, home: Option<PathBuf>) -> Guard<S> {
        Guard { shell, home }
    }
}

impl<S: Shell> Shell for Guard<S> {
    fn effect(&self, line: &str, cwd: &Path) -> Result<Effect, String> {
        let judgement = judge(line, cwd, self.home.as_deref());
        judgement.danger.map_or(Ok(judgement.effect), Err)
    }

    fn command(&self, line: &str) -> Command {
        self.shell.command(line)
    }

    fn scratch(&self) -> Option<&Path> {
        self.shell.scratch()
    }

    fn may_write(&self, path: &Path) -> Result<(), String> {
        self.shell.may_write(path)
    }

    fn hidden(&self) -> Vec<PathBuf> {
        self.shell.hidden()
    }

    fn patience(&self) -> Duration {
        self.shell.patience()
    }

    fn spawn(&self, command: Command) -> io::Result<Child> {
        self.shell.spawn(command)
    }
}

/// Judges `line` as bash would run it in `cwd` for the user whose home is `home`.
///
/// A line that cannot be read, or that nests too deeply, is a writer without a danger.
pub fn judge(line: &str, cwd: &Path, home: Option<&Path>) -> Judgement {
    let home = home.unwrap_or(Path::new("/root"));
    let mut judgement = Judgement {
        effect: Effect::Write,
        danger: None,
    };
    let scope = danger::Scope::new(cwd, home);
    if let Some(script) = syntax::read(line, Some(cwd), &home.to_string_lossy(), 0) {
        judgement.danger = danger::find(&script, &scope);
        // These letters stand for what is not known, and for the ends of words.
        let clean = !line.contains([syntax::UNKNOWN, syntax::FIELD, '\0']);
        if clean && judgement.danger.is_none() && effect::only_reads(&script) {
            judgement.effect = Effect::Read;
        }
    }
    judgement
}

/// The simple commands of `line` as plain words, wrappers such as `sudo` kept, with the
/// commands inside substitutions listed before the command that uses them.
///
/// A word whose value the line does not tell stays as it is written. `None` means that
/// the syntax cannot be read.
pub fn parts(line: &str) -> Option<Vec<Vec<String>>> {
    let script = syntax::read(line, Some(Path::new(".")), "~", 0)?;
    let mut parts = Vec::new();
    collect_parts(&script, &mut parts);
    Some(parts)
}

fn collect_parts(script: &[syntax::Command], parts: &mut Vec<Vec<String>>) {
    for command in script {
        for inner in command.scripts() {
            collect_parts(inner, parts);
        }
        let words = command.words.iter();
        let part: Vec<String> = words
            .map(|word| word.known().unwrap_or(&word.source).to_owned())
            .collect();
        if !part.is_empty() {
            parts.push(part);
        }
    }
}
