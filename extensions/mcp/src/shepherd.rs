//! A process of our own program between us and a server, so that nothing the server started outlives us.
//!
//! It is the subreaper of all below it, so orphans come to it whatever they do (setsid, double fork). Its lifeline is a pipe
//! whose other end only we hold: when that closes, because we let go or were killed, it kills all of them. When the server
//! ends, it kills what the server left and ends in the same way.
//!
//! Left out: other systems than Linux, which have no subreapers; there a server is the leader of a process group.

use std::io::{self, PipeReader, PipeWriter};
use std::path::{Path, PathBuf};

use tokio::process::Command;

#[cfg(target_os = "linux")]
mod flock;

/// What is written to the lifeline to have the server end by SIGTERM.
pub(crate) const TERMINATE: u8 = b'T';

/// The first argument of a shepherd.
#[cfg(target_os = "linux")]
const ENTER: &str = "__mcp-shepherd";

/// The program that watches over servers: one whose `main` begins with [`Shepherd::enter`].
#[derive(Debug, Clone)]
pub struct Shepherd {
    program: Option<PathBuf>,
}

impl Shepherd {
    /// The first thing in `main`. If this process was started as a shepherd, it is one, and never returns.
    pub fn enter() -> Shepherd {
        #[cfg(target_os = "linux")]
        flock::enter_if_asked();
        // The running program, even where its file was replaced meanwhile.
        Shepherd::at("/proc/self/exe")
    }

    /// Another program that begins with [`Shepherd::enter`].
    pub fn at(program: impl Into<PathBuf>) -> Shepherd {
        Shepherd {
            program: Some(program.into()).filter(|_| cfg!(target_os = "linux")),
        }
    }

    /// None: a server is killed with its process group, and when the thread that started it ends. What has left the group
    /// is not found.
    pub fn none() -> Shepherd {
        Shepherd { program: None }
    }

    /// What starts a server, in a session of its own. Arguments can be added.
    pub(crate) fn command(&self, server: &Path) -> io::Result<Start> {
        #[cfg(target_os = "linux")]
        if let Some(program) = &self.program {
            let (end, lifeline) = io::pipe()?;
            return Ok(Start {
                command: flock::command(program, server, &end)?,
                lifeline: Some(lifeline),
                end: Some(end),
            });
        }
        let mut command = Command::new(server);
        own_session(&mut command);
        Ok(Start {
            command,
            lifeline: None,
            end: None,
        })
    }
}

/// What is needed to start a server.
pub(crate) struct Start {
    pub command: Command,
    pub lifeline: Option<PipeWriter>,
    /// Of the lifeline; inherited when the command is started, and of no use to us afterwards.
    pub end: Option<PipeReader>,
}

/// Makes a process the first of a session, and has it killed when the thread that starts it ends.
#[expect(unsafe_code, reason = "what happens between fork and exec is unsafe")]
fn own_session(command: &mut Command) {
    // SAFETY: setsid and prctl are async-signal-safe and touch no memory of ours.
    unsafe {
        command.pre_exec(|| {
            #[cfg(target_os = "linux")]
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            rustix::process::setsid()?;
            Ok(())
        });
    }
}
