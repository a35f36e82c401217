//! The door in the walls: calls that change something by name wait here until the keeper has made them itself, or refused them.
//!
//! The idea: the keeper stands within the same walls and has no more rights than the command. It looks up what a call names,
//! asks the [`Borders`], and makes the call itself with what it has looked up; what the command swaps meanwhile changes nothing.
//! The invariant: a call that points at memory is never sent on to the kernel, which would read that memory again.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::files::Terminal;
use super::filter::Held;
use super::loopback::Loopback;
use super::note::Note;
use super::place::{Found, Place, locate};
use super::sys::{self, Answer, Notification};
use super::task::Task;
use crate::borders::{Borders, Change, Refused};
use crate::policy::Network;

pub type Answered = Result<Answer, Errno>;

/// What the keeper knows while a command runs.
pub struct Door {
    pub listener: Arc<OwnedFd>,
    pub borders: Borders,
    pub note: Note,
    pub held: Held,
    /// What can't be read, where the walls leave that to the keeper.
    pub hidden: Vec<PathBuf>,
    /// Those that the command made; all others are other people's.
    pub terminals: Vec<Terminal>,
    /// Where the proxy listens, if there is one.
    pub proxy: Option<u16>,
    pub loopback: Loopback,
    /// Unix sockets that were bound at the door in shared folders. They are held, or their numbers might be given to others.
    pub bound: Vec<OwnedFd>,
    pub network: Network,
    /// In bytes.
    pub largest_file: u64,
    pub processes: super::processes::Count,
    /// Those who wait to open a named pipe, or to be accepted.
    pub waiters: Vec<Waiter>,
}

/// A thread of the command's that waits at the door, and the thread of the keeper that makes its call.
pub struct Waiter {
    call: u64,
    thread: i32,
    maker: JoinHandle<()>,
}

/// So many wait at a time: each takes three descriptors of the keeper's at most.
const WAITERS: usize = 1_000;

/// A call that is held up.
pub struct Call {
    pub id: u64,
    pub number: i64,
    pub args: [u64; 6],
    pub task: Task,
}

impl Call {
    fn new(notification: &Notification) -> Call {
        Call {
            id: notification.id,
            number: i64::from(notification.data.nr),
            args: notification.data.args,
            task: Task::new(notification.pid as i32),
        }
    }

    /// An argument that is a descriptor, `AT_FDCWD`, or another C int.
    pub fn int(&self, index: usize) -> i32 {
        self.args[index] as i32
    }

    /// An argument that points at a path.
    pub fn path(&self, index: usize) -> Result<Vec<u8>, Errno> {
        self.task.path(self.args[index])
    }
}

impl Door {
    /// Takes the next call and sees to it. `Err` if there is none, for whoever made it has gone.
    pub fn serve(&mut self) -> Result<(), Errno> {
        let notification = sys::receive(self.listener.as_fd())?;
        let call = Call::new(&notification);
        // What is answered later is answered from another thread.
        if let Some(answered) = self.answered(&call).transpose() {
            sys::answer(self.listener.as_fd(), call.id, answered);
        }
        Ok(())
    }

    /// Has a thread make a call that may wait for others, who may be at the door right now.
    pub fn later(
        &mut self,
        call: &Call,
        make: impl FnOnce() -> Answered + Send + 'static,
    ) -> Result<Option<Answer>, Errno> {
        self.waiters.retain(|waiter| !waiter.maker.is_finished());
        if self.waiters.len() == WAITERS {
            return Err(Errno::NFILE);
        }
        let (listener, id) = (self.listener.clone(), call.id);
        let maker = std::thread::spawn(move || {
            // With a signal on its way, the kernel decides whether the call begins anew or fails with EINTR: signal(7).
            let made = make().map_err(|error| match error {
                Errno::INTR => sys::RESTART,
                error => error,
            });
            sys::answer(listener.as_fd(), id, made);
        });
        self.waiters.push(Waiter {
            call: id,
            thread: call.task.thread,
            maker,
        });
        Ok(None)
    }

    /// Lets go of those for whom a signal has come: at the door they would not hear it. Who was killed does not wait any more.
    pub fn hear_signals(&mut self) {
        self.waiters.retain(|waiter| !waiter.maker.is_finished());
        for waiter in &self.waiters {
            let is_gone = !sys::still_waits(self.listener.as_fd(), waiter.call);
            if is_gone || Task::new(waiter.thread).is_signalled() {
                sys::interrupt(&waiter.maker);
            }
        }
    }

    /// After what the call names has been looked up: whether it was its own names that were looked up.
    pub fn still_waits(&self, call: &Call) -> Result<(), Errno> {
        match sys::still_waits(self.listener.as_fd(), call.id) {
            true => Ok(()),
            false => Err(Errno::SRCH),
        }
    }

    /// A name that is to be changed itself, not what a link of this name leads to. With a slash at its end it is a folder's.
    pub fn name(&self, call: &Call, dir: i32, path: usize) -> Result<Place, Errno> {
        let path = call.path(path)?;
        let bare = path.len() - path.iter().rev().take_while(|byte| **byte == b'/').count();
        let (bare, is_folder) = (&path[..bare], bare < path.len());
        match locate(
            &call.task,
            dir,
            if bare.is_empty() { &path } else { bare },
            false,
        )? {
            Found::Name(place) => {
                self.still_waits(call)?;
                let is_other = place
                    .there
                    .is_some_and(|there| there != FileType::Directory);
                match is_folder && is_other {
                    true => Err(Errno::NOTDIR),
                    false => Ok(Place { is_folder, ..place }),
                }
            }
            // `.`, `..` and the root can't be made, removed or renamed.
            Found::Object(_) => Err(Errno::BUSY),
        }
    }

    /// Whether this change may be made; if not, that is noted.
    pub fn may(&mut self, path: &Path, change: Change) -> Result<(), Errno> {
        match self.borders.judge(path, change) {
            Ok(()) => {
                if self.borders.instructs(path) {
                    let name = corecoder::files::shown(path);
                    self.note.say(format!(
                        "{name} was changed, which instructs agents: tell the user"
                    ));
                }
                Ok(())
            }
            Err(refused) => {
                // Runtimes try to set up their own processes there.
                if path.starts_with("/proc") {
                    return Err(Errno::ACCESS);
                }
                let what = match change {
                    Change::Make => "making",
                    Change::Write => "writing",
                    Change::Remove | Change::Move => "removing or renaming",
                };
                // Programs try their caches and histories, and do without.
                let is_common = matches!(
                    refused,
                    Refused::Outside | Refused::ReadOnly | Refused::NotOurs
                );
                self.note.refuse(what, path, refused.rule(), is_common);
                Err(match refused {
                    Refused::Outside | Refused::ReadOnly => Errno::ROFS,
                    _ => Errno::ACCESS,
                })
            }
        }
    }

    /// `None` if the call is answered later.
    fn answered(&mut self, call: &Call) -> Result<Option<Answer>, Errno> {
        let cwd = libc::AT_FDCWD;
        let answered = match call.number {
            libc::SYS_openat => return self.open(call, call.int(0), 1, call.int(2), call.args[3]),
            libc::SYS_mkdirat => self.make_folder(call, call.int(0), 1, call.args[2]),
            libc::SYS_mknodat => self.make_node(call, call.int(0), 1, [call.args[2], call.args[3]]),
            libc::SYS_unlinkat => self.remove(call, call.int(0), 1, call.int(2)),
            libc::SYS_renameat => self.rename(call, (call.int(0), 1), (call.int(2), 3), 0),
            libc::SYS_renameat2 => self.rename(
                call,
                (call.int(0), 1),
                (call.int(2), 3),
                call.args[4] as u32,
            ),
            libc::SYS_linkat => self.link(call, (call.int(0), 1), (call.int(2), 3), call.int(4)),
            libc::SYS_symlinkat => self.make_link(call, 0, call.int(1), 2),
            libc::SYS_truncate => self.truncate(call),
            libc::SYS_fchmod | libc::SYS_fchmodat | libc::SYS_fchmodat2 => self.change_mode(call),
            libc::SYS_fchown | libc::SYS_fchownat => self.change_owner(call),
            libc::SYS_utimensat => self.change_times(call),
            libc::SYS_setxattr | libc::SYS_lsetxattr | libc::SYS_fsetxattr => {
                self.set_attribute(call)
            }
            libc::SYS_removexattr | libc::SYS_lremovexattr | libc::SYS_fremovexattr => {
                self.remove_attribute(call)
            }
            libc::SYS_socket => self.socket(call),
            libc::SYS_connect => return self.connect(call),
            libc::SYS_bind => self.bind(call),
            libc::SYS_listen => self.listen(call),
            libc::SYS_setsockopt => self.take_ipv6_alone(call),
            libc::SYS_clone => self.start(),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open => return self.open(call, cwd, 0, call.int(1), call.args[2]),
            #[cfg(target_arch = "x86_64")]
            libc::SYS_creat => {
                let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
                return self.open(call, cwd, 0, flags, call.args[1]);
            }
            #[cfg(target_arch = "x86_64")]
            _ if let Some(answered) = self.answered_old(call) => answered,
            _ => self.touch(call),
        };
        answered.map(Some)
    }

    /// The forms of calls that newer machines don't have.
    #[cfg(target_arch = "x86_64")]
    fn answered_old(&mut self, call: &Call) -> Option<Answered> {
        let cwd = libc::AT_FDCWD;
        Some(match call.number {
            libc::SYS_mkdir => self.make_folder(call, cwd, 0, call.args[1]),
            libc::SYS_mknod => self.make_node(call, cwd, 0, [call.args[1], call.args[2]]),
            libc::SYS_rmdir => self.remove(call, cwd, 0, libc::AT_REMOVEDIR),
            libc::SYS_unlink => self.remove(call, cwd, 0, 0),
            libc::SYS_rename => self.rename(call, (cwd, 0), (cwd, 1), 0),
            libc::SYS_link => self.link(call, (cwd, 0), (cwd, 1), 0),
            libc::SYS_symlink => self.make_link(call, 0, cwd, 1),
            libc::SYS_chmod => self.change_mode(call),
            libc::SYS_chown | libc::SYS_lchown => self.change_owner(call),
            libc::SYS_fork | libc::SYS_vfork => self.start(),
            _ => return None,
        })
    }
}
