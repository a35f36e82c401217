//! What keeps a policy, found by trying.

use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::borders::temporary;
use crate::policy::Policy;

/// What keeps a policy, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mechanism {
    /// Linux: user, mount, process, network and IPC namespaces; seccomp.
    Namespaces,
    /// Linux, where namespaces are not to be had, as in most containers: Landlock; seccomp.
    Landlock,
    /// macOS: a profile for `sandbox-exec`.
    Seatbelt,
}

impl Mechanism {
    /// Those of this system.
    pub fn all() -> &'static [Mechanism] {
        match std::env::consts::OS {
            "linux" => &[Mechanism::Namespaces, Mechanism::Landlock],
            "macos" => &[Mechanism::Seatbelt],
            _ => &[],
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Mechanism::Namespaces => "namespaces",
            Mechanism::Landlock => "landlock",
            Mechanism::Seatbelt => "seatbelt",
        })
    }
}

/// No mechanism keeps the policy here: why not, for each that was tried.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no sandbox can be had here: {}", self.listed())]
pub struct Unavailable {
    pub tried: Vec<(Mechanism, String)>,
}

impl Unavailable {
    fn listed(&self) -> String {
        if self.tried.is_empty() {
            return format!("there is none for {}", std::env::consts::OS);
        }
        let tried = self
            .tried
            .iter()
            .map(|(mechanism, why)| format!("{mechanism}: {why}"));
        tried.collect::<Vec<_>>().join("; ")
    }

    /// What a person can do about it.
    pub fn cure(&self) -> &'static str {
        match std::env::consts::OS {
            "linux" => {
                "use a kernel of 5.14 or newer with Landlock (`lsm=landlock,...`), or allow user namespaces \
                 (sysctl kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces), \
                 in a container with seccomp=unconfined"
            }
            _ => "there is none for this system yet",
        }
    }
}

/// The word that makes a program a keeper.
pub(crate) const ENTER: &str = "--corecoder-sandbox-keeper";

/// The program that keeps commands in their borders: one whose `main` begins with [`Keeper::enter`].
#[derive(Debug, Clone)]
pub struct Keeper {
    pub(crate) program: PathBuf,
}

impl Keeper {
    /// The first thing in `main`. If this process was started as a keeper, it keeps, and never returns.
    pub fn enter() -> Keeper {
        #[cfg(target_os = "linux")]
        crate::keeper::enter_if_asked();
        Keeper {
            // The running program, even where its file was replaced meanwhile.
            program: PathBuf::from("/proc/self/exe"),
        }
    }

    /// Another program that begins with [`Keeper::enter`], such as `corecoder-keeper`.
    pub fn at(program: impl Into<PathBuf>) -> Keeper {
        Keeper {
            program: program.into(),
        }
    }

    /// Puts up the walls of this policy and takes them down again: `Err` says what was not to be had.
    pub(crate) fn tries(&self, job: &Job) -> Result<(), String> {
        // It takes the door to do this.
        let line = "cd \"$TMPDIR\" && : >try && rm try";
        let output = self
            .command(job, line)?
            .env("TMPDIR", temporary(&job.scratch))
            .stdin(Stdio::null())
            .output();
        let output = output.map_err(|error| format!("the keeper did not start: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_string()),
        }
    }

    /// The process that does this job with a line.
    pub(crate) fn command(&self, job: &Job, line: &str) -> Result<Command, String> {
        if job.mechanism == Mechanism::Seatbelt {
            return Ok(crate::seatbelt::command(job, line));
        }
        let mut command = Command::new(&self.program);
        command.arg(ENTER).arg(job.text()?).arg(line);
        Ok(command)
    }
}

/// What a keeper is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub policy: Policy,
    pub mechanism: Mechanism,
    /// The session's folder for its commands.
    pub scratch: PathBuf,
}

impl Job {
    pub fn text(&self) -> Result<String, String> {
        serde_json::to_string(self)
            .map_err(|_| "the name of a folder is no text, which the sandbox needs".to_string())
    }
}
