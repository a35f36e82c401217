//! The thread whose call is held up: its memory, its folders, its descriptors.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open, umask};

use super::sys;

/// PATH_MAX of the kernel.
const LONGEST: usize = 4096;

/// A thread that waits for its call to be answered.
pub struct Task {
    pub thread: i32,
    status: OnceLock<String>,
}

impl Task {
    pub fn new(thread: i32) -> Task {
        Task {
            thread,
            status: OnceLock::new(),
        }
    }

    /// proc_pid_status(5): the number behind this name.
    fn status(&self, name: &str) -> Option<&str> {
        // A process may have any name.
        let read = || {
            let status = fs::read(format!("/proc/{}/status", self.thread)).unwrap_or_default();
            String::from_utf8_lossy(&status).into_owned()
        };
        let status = self.status.get_or_init(read);
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::trim)
    }

    /// Whether a signal waits for this thread that it would take now.
    pub fn is_signalled(&self) -> bool {
        let set = |name| {
            let text = self.status(name);
            text.and_then(|text| u64::from_str_radix(text, 16).ok())
                .unwrap_or(0)
        };
        // What is sent to the process goes to its first thread, if that takes it.
        let is_first = self.process() == Ok(self.thread);
        let shared = if is_first { set("ShdPnd") } else { 0 };
        (set("SigPnd") | shared) & !set("SigBlk") != 0
    }

    /// The process that the thread is of.
    pub fn process(&self) -> Result<i32, Errno> {
        let group = self.status("Tgid").and_then(|text| text.parse().ok());
        group.ok_or(Errno::SRCH)
    }

    /// A mode for something that is made for it: the keeper takes over its mask, which the kernel applies where no default
    /// access list stands instead.
    pub fn mode(&self, mode: u64) -> Mode {
        let mask = self
            .status("Umask")
            .and_then(|text| u32::from_str_radix(text, 8).ok());
        umask(Mode::from_raw_mode(mask.unwrap_or(0o022)));
        Mode::from_raw_mode(mode as u32 & 0o7777)
    }

    /// The number of its terminal's device, if it has one: proc_pid_stat(5), field 7.
    pub fn terminal(&self) -> Option<u64> {
        let stat = fs::read(format!("/proc/{}/stat", self.thread)).ok()?;
        let stat = String::from_utf8_lossy(&stat);
        let (_, fields) = stat.rsplit_once(')')?;
        let number: u64 = fields.split_whitespace().nth(4)?.parse().ok()?;
        (number != 0).then_some(number)
    }

    /// Bytes of its memory, as many as asked for.
    pub fn bytes(&self, address: u64, length: usize) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; length];
        match sys::read_memory(self.thread, address, &mut bytes)? {
            read if read == length => Ok(bytes),
            _ => Err(Errno::FAULT),
        }
    }

    /// A path in its memory, without the zero byte.
    pub fn path(&self, address: u64) -> Result<Vec<u8>, Errno> {
        let mut path = Vec::new();
        while path.len() < LONGEST {
            // A page at a time, for the next may not be there.
            let at = address + path.len() as u64;
            let mut page = vec![0; (LONGEST - at as usize % LONGEST).min(256)];
            let read = sys::read_memory(self.thread, at, &mut page)?;
            match page[..read].iter().position(|byte| *byte == 0) {
                Some(end) => {
                    path.extend(&page[..end]);
                    return Ok(path);
                }
                None if read == 0 => return Err(Errno::FAULT),
                None => path.extend(&page[..read]),
            }
        }
        Err(Errno::NAMETOOLONG)
    }

    /// The folder that relative paths begin in.
    pub fn folder(&self, dir: i32) -> Result<OwnedFd, Errno> {
        match dir {
            libc::AT_FDCWD => open_path(&format!("/proc/{}/cwd", self.thread)),
            _ => self.object(dir),
        }
    }

    /// What a descriptor of its stands for.
    pub fn object(&self, fd: i32) -> Result<OwnedFd, Errno> {
        open_path(&format!("/proc/{}/fd/{fd}", self.thread)).map_err(|error| match error {
            Errno::NOENT => Errno::BADF,
            error => error,
        })
    }

    /// The same open socket or file, as a descriptor of ours.
    pub fn same(&self, fd: i32) -> Result<OwnedFd, Errno> {
        let process = Pid::from_raw(self.process()?).ok_or(Errno::SRCH)?;
        let process = pidfd_open(process, PidfdFlags::empty())?;
        pidfd_getfd(process.as_fd(), fd, PidfdGetfdFlags::empty())
    }
}

fn open_path(path: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
}
