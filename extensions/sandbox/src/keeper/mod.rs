//! The process below which a command runs. It has two halves, and each is a process.
//!
//! The front is what the agent started: it waits, and ends as the command ended. The keeper puts the walls up, stands at the door
//! ([`door`]), and ends all that the command started. They are joined by a socket: the end of either is seen by the other, so
//! nothing outlives the agent, even where it is killed.

mod door;
mod files;
mod filter;
mod landlock;
mod loopback;
mod names;
mod namespaces;
mod net;
mod note;
mod offer;
mod place;
mod processes;
mod run;
mod sys;
mod task;
mod walls;
mod watch;

use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::process::exit;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Signal, getpid, kill_process};

use crate::mechanism::{ENTER, Job, Mechanism};
use crate::policy::Network;

/// The keeper could not do its work; the command did not run.
const FAILED: i32 = 125;

/// Becomes a keeper if that is what this process was started for; then it never returns.
pub fn enter_if_asked() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_none_or(|first| first != ENTER) {
        return;
    }
    let job = args.next().unwrap_or_default();
    let line = args.next().unwrap_or_default();
    let Ok(job) = serde_json::from_slice::<Job>(job.as_encoded_bytes()) else {
        fail(
            "the keeper was told nothing that it understands; it is started by the sandbox, not by hand",
        );
    };
    let (front, back) = UnixStream::pair().unwrap_or_else(|error| fail(&error.to_string()));
    let namespaces = match job.mechanism {
        Mechanism::Namespaces => namespaces::wanted(&job.policy),
        _ => 0,
    };
    let user = namespaces::user();
    match sys::fork_into(namespaces) {
        Err(error) => fail(&format!("namespaces are not to be had: {error}")),
        Ok(None) => {
            drop(front);
            if let Err(why) = run::keep(&job, line, user, back) {
                fail(&why.to_string());
            }
            exit(0);
        }
        Ok(Some(_)) => {
            drop(back);
            wait(&job, front);
        }
    }
}

fn fail(why: &str) -> ! {
    eprintln!("[sandbox: {why}]");
    exit(FAILED)
}

/// The front: waits until the command has ended, and ends like it.
fn wait(job: &Job, mut keeper: UnixStream) -> ! {
    if let Network::Hosts(hosts) = &job.policy.network
        && let Err(why) = offer::serve(&keeper, hosts)
    {
        fail(&why.to_string());
    }
    let stdin = std::io::stdin();
    loop {
        let mut ends = [
            PollFd::new(&keeper, PollFlags::IN),
            // The agent has gone.
            PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::empty()),
        ];
        if poll(&mut ends, None).is_err() {
            continue;
        }
        if !ends[1].revents().is_empty() {
            exit(FAILED);
        }
        let mut status = [0; 4];
        match keeper.read_exact(&mut status) {
            Ok(()) => end_like(i32::from_ne_bytes(status)),
            // It has said why.
            Err(_) => exit(FAILED),
        }
    }
}

/// Ends as a process with this status ended: wait(2).
fn end_like(status: i32) -> ! {
    // The command has left its traces, if any.
    let _ = walls::leave_no_core();
    if libc::WIFSIGNALED(status)
        && let Some(signal) = Signal::from_named_raw(libc::WTERMSIG(status))
    {
        sys::act_by_default(signal.as_raw());
        let _ = kill_process(getpid(), signal);
    }
    exit(match libc::WIFEXITED(status) {
        true => libc::WEXITSTATUS(status),
        false => 128 + libc::WTERMSIG(status),
    })
}
