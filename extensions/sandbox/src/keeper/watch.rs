//! What the keeper does while a command runs: it keeps the door, hears the front, and looks after limits; then it ends all.

use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use corecoder::files::shown;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{RecvFlags, recv};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open};

use super::door::Door;
use super::processes::{descendants, end_all, memory, names, reap};
use super::run::{Failure, Started};
use crate::borders::Change;
use crate::repository;

/// How often memory and signals are looked at; more often when memory is getting scarce.
const LOOK: Duration = Duration::from_millis(100);
const CLOSE_LOOK: Duration = Duration::from_millis(5);

/// A keeper at the door.
pub struct Watch<'a> {
    door: Door,
    front: &'a UnixStream,
    /// What the front has told, up to where a line ends.
    heard: Vec<u8>,
    limit: u64,
    /// How the command ended: wait(2).
    status: Option<i32>,
    /// Why the keeper ended it, if it did.
    killed: Option<String>,
}

impl<'a> Watch<'a> {
    /// `limit` is of memory, in bytes.
    pub fn new(door: Door, front: &'a UnixStream, limit: u64) -> Watch<'a> {
        Watch {
            door,
            front,
            heard: Vec::new(),
            limit,
            status: None,
            killed: None,
        }
    }

    /// Keeps the door until the command runs.
    pub fn await_start(&mut self, started: &Started) -> Result<u32, Failure> {
        loop {
            let mut ends = [
                PollFd::new(&*started.listener, PollFlags::IN),
                PollFd::new(&started.done, PollFlags::IN),
            ];
            let _ = poll(&mut ends, None);
            let [held, done] = ends.map(|end| !end.revents().is_empty());
            if held {
                let _ = self.door.serve();
            }
            if done {
                return Ok(started.command.recv()??);
            }
        }
    }

    /// Keeps the door until the command has ended, the agent has gone, or a limit is reached.
    pub fn keep(&mut self, command: u32) {
        let Some(pid) = Pid::from_raw(command as i32) else {
            return;
        };
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            return self.reap(command);
        };
        let mut pause = LOOK;
        let mut looked = Instant::now();
        while self.status.is_none() && self.killed.is_none() {
            let listener = self.door.listener.clone();
            let mut ends = [
                PollFd::new(&*listener, PollFlags::IN),
                PollFd::new(&process, PollFlags::IN),
                PollFd::new(self.front, PollFlags::IN),
            ];
            let limit = Timespec::try_from(pause).ok();
            let _ = poll(&mut ends, limit.as_ref());
            let [held, ended, told] = ends.map(|end| !end.revents().is_empty());
            if held {
                let _ = self.door.serve();
            }
            if ended {
                self.reap(command);
            }
            if told && !self.hear() {
                return;
            }
            if looked.elapsed() >= pause {
                pause = self.look();
                self.reap(command);
                looked = Instant::now();
            }
        }
    }

    /// Takes what the front tells: what the proxy refused, a line each. `false` if it has gone.
    fn hear(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let Ok((read @ 1.., _)) = recv(self.front, &mut bytes, RecvFlags::DONTWAIT) else {
            return false;
        };
        self.heard.extend(&bytes[..read]);
        while let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim().to_string();
            self.door.note.refuse_plain(line, false);
        }
        true
    }

    fn reap(&mut self, command: u32) {
        reap(|pid, status| {
            if pid == command as i32 {
                self.status = Some(status);
            }
        });
    }

    /// Looks at memory and signals, and says when to look again.
    fn look(&mut self) -> Duration {
        let began = Instant::now();
        self.door.hear_signals();
        let used = memory(&descendants(), self.limit);
        if used > self.limit {
            let most = self.limit >> 20;
            self.killed = Some(format!(
                "killed: its processes used more than {most} MB of memory, which is the limit"
            ));
        }
        let pause = if used > self.limit / 2 {
            CLOSE_LOOK
        } else {
            LOOK
        };
        // Where there are many processes, looking at them must not take all the time.
        pause.max(began.elapsed() * 5)
    }

    /// Repositories that the session made are whoever's comes by next.
    fn disarm(&mut self) {
        for repository in self.door.borders.new_repositories() {
            let may_write = |path: &Path| self.door.borders.judge(path, Change::Write).is_ok();
            if let Some(what) = repository::disarm(&repository, may_write) {
                let name = shown(&repository);
                let line =
                    format!("{name} would have git run programs, so this was set aside: {what}");
                self.door.note.say(line);
            }
        }
    }

    /// Ends what is left, writes the note, and says how the command ended.
    pub fn finish(mut self) -> i32 {
        while self.hear() {}
        let mut left = descendants();
        left.retain(|process| !process.is_dead);
        end_all();
        let status = match (self.status, &self.killed) {
            (Some(status), None) => status,
            _ => Signal::KILL.as_raw(),
        };
        self.disarm();
        let note = &mut self.door.note;
        if !left.is_empty() && self.killed.is_none() && self.status.is_some() {
            let names = names(&left);
            note.say(format!(
                "what was still running was ended with the command: {names}"
            ));
        }
        // 128 and the signal's number is how bash says it of its own child.
        let is_too_large = libc::WTERMSIG(status) == libc::SIGXFSZ
            || libc::WEXITSTATUS(status) == 128 + libc::SIGXFSZ;
        if is_too_large {
            note.say("killed: a file grew beyond the limit of file size".to_string());
        }
        if let Some(why) = self.killed.take() {
            note.say(why);
        }
        let mut out = io::stdout();
        // A command may have made it one that does not wait for its reader.
        if let Ok(flags) = fcntl_getfl(&out) {
            let _ = fcntl_setfl(&out, flags - OFlags::NONBLOCK);
        }
        let _ = out.write_all(note.text(status != 0).as_bytes());
        let _ = out.flush();
        status
    }
}
