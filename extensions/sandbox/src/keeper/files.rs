//! Calls at the door that open files, or change their attributes.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timestamps, Uid, XattrFlags, chmodat, chownat,
    fstat, ftruncate, major, minor, openat, utimensat,
};
use rustix::io::Errno;

use super::door::{Answered, Call, Door};
use super::place::{Found, Place, is_ours, kind, locate, look, path_of, through};
use super::sys::Answer;
use crate::borders::Change;

const DONE: Answered = Ok(Answer::Value(0));

/// Names may come and go between two looks; after so many they are somebody's game.
const LOOKS: usize = 20;

/// So many terminals a command has at most: each takes a descriptor of the keeper's.
const TERMINALS: usize = 256;

/// Something whose attributes are to be changed.
struct Target {
    object: OwnedFd,
    stat: Stat,
}

/// A terminal's file, held without opening it. Once the terminal is closed its number is given to others, but this file has no
/// name any more.
pub struct Terminal(OwnedFd);

impl Terminal {
    /// The one that this opening of /dev/ptmx made.
    fn made_by(maker: &OwnedFd) -> Result<Terminal, Errno> {
        let path = rustix::pty::ptsname(maker, Vec::new())?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(Terminal(openat(CWD, path, flags, Mode::empty())?))
    }

    fn is_there(&self) -> bool {
        fstat(&self.0).is_ok_and(|stat| stat.st_nlink > 0)
    }

    fn is(&self, other: &Stat) -> bool {
        let is_same = |own: Stat| {
            (own.st_dev, own.st_ino) == (other.st_dev, other.st_ino) && own.st_nlink > 0
        };
        fstat(&self.0).is_ok_and(is_same)
    }
}

impl Door {
    /// `None` if it is opened by another thread, since it may have to wait.
    pub fn open(
        &mut self,
        call: &Call,
        dir: i32,
        path: usize,
        flags: i32,
        mode: u64,
    ) -> Result<Option<Answer>, Errno> {
        let flags = OFlags::from_bits_retain(flags as u32);
        // Neither reads nor writes; what it is used for comes here again.
        if flags.contains(OFlags::PATH) {
            return Ok(Some(Answer::Continue));
        }
        let path = call.path(path)?;
        let exclusive = flags.contains(OFlags::CREATE | OFlags::EXCL);
        let follow = !exclusive && !flags.contains(OFlags::NOFOLLOW);
        for _ in 0..LOOKS {
            let found = locate(&call.task, dir, &path, follow)?;
            self.still_waits(call)?;
            if path.ends_with(b"/") {
                must_be_folder(&found, flags)?;
            }
            let place = match found {
                Found::Object(object) => return self.open_object(call, object, flags),
                Found::Name(place) => place,
            };
            match place.there {
                Some(_) if exclusive => return Err(Errno::EXIST),
                Some(FileType::Symlink) => return Err(Errno::LOOP),
                Some(_) => match look(&place.folder, &place.name) {
                    Err(Errno::NOENT) => continue,
                    object => return self.open_object(call, object?, flags),
                },
                None if !flags.contains(OFlags::CREATE) => return Err(Errno::NOENT),
                None => match self.create(call, &place, flags, mode) {
                    Err(Errno::EXIST) if !exclusive => continue,
                    created => return created.map(|file| Some(descriptor(file, flags))),
                },
            }
        }
        Err(Errno::AGAIN)
    }

    fn create(
        &mut self,
        call: &Call,
        place: &Place,
        flags: OFlags,
        mode: u64,
    ) -> Result<OwnedFd, Errno> {
        self.may(&place.path, Change::Make)?;
        let flags = flags | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = openat(
            &place.folder,
            &place.name,
            flags,
            plain(call.task.mode(mode)),
        )?;
        self.borders.note(&place.path);
        Ok(file)
    }

    fn open_object(
        &mut self,
        call: &Call,
        object: OwnedFd,
        flags: OFlags,
    ) -> Result<Option<Answer>, Errno> {
        let stat = fstat(&object)?;
        let path = path_of(&object)?;
        let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR | OFlags::TRUNC);
        match kind(&stat) {
            FileType::BlockDevice => return Err(Errno::ACCESS),
            _ if !writes => self.may_read(&path)?,
            FileType::CharacterDevice => {}
            FileType::Directory if is_temporary(flags) => {
                self.may(&path.join("file"), Change::Make)?;
            }
            FileType::Directory => return Err(Errno::ISDIR),
            _ => self.may_write(&path, &stat)?,
        }
        let through = match kind(&stat) {
            FileType::CharacterDevice if is_maker(&stat) => {
                let file = reopen(through(object.as_fd()), flags)?;
                self.terminals.retain(Terminal::is_there);
                if self.terminals.len() == TERMINALS {
                    return Err(Errno::NOSPC);
                }
                // Without a file there is nothing to open by name.
                self.terminals.extend(Terminal::made_by(&file));
                return Ok(Some(descriptor(file, flags)));
            }
            FileType::CharacterDevice => self.device(call, &object, &stat)?,
            FileType::Fifo if !flags.contains(OFlags::NONBLOCK) => {
                // It opens when somebody opens the other end.
                return self.later(call, move || {
                    let opened = reopen(through(object.as_fd()), flags)?;
                    Ok(descriptor(opened, flags))
                });
            }
            _ => through(object.as_fd()),
        };
        Ok(Some(descriptor(reopen(through, flags)?, flags)))
    }

    /// Where the walls leave reading to the keeper.
    fn may_read(&mut self, path: &Path) -> Result<(), Errno> {
        // Who looks at all processes comes by.
        if is_ours(path) {
            return Err(Errno::ACCESS);
        }
        if !self.hidden.iter().any(|hidden| path.starts_with(hidden)) {
            return Ok(());
        }
        let rule = "keys, passwords and the agent's own files are kept from commands";
        self.note.refuse("reading", path, rule, false);
        Err(Errno::ACCESS)
    }

    /// What has no path, such as a pipe, or none any more, is the command's own.
    fn may_write(&mut self, path: &Path, stat: &Stat) -> Result<(), Errno> {
        match path.is_absolute() && stat.st_nlink > 0 {
            true => self.may(path, Change::Write),
            false => Ok(()),
        }
    }

    /// The path by which a device is opened for a command, if it is one that commands need: Linux's devices.txt.
    fn device(&self, call: &Call, object: &OwnedFd, stat: &Stat) -> Result<String, Errno> {
        match (major(stat.st_rdev), minor(stat.st_rdev)) {
            // null, zero, full, random, urandom.
            (1, 3 | 5 | 7 | 8 | 9) => Ok(through(object.as_fd())),
            (136..=143, _) if self.terminals.iter().any(|own| own.is(stat)) => {
                Ok(through(object.as_fd()))
            }
            // The terminal of whoever opens it, which is not the keeper's.
            (5, 0) => {
                let terminal = call.task.terminal().ok_or(Errno::NXIO)?;
                let number = u64::from(minor(terminal)) | (u64::from(major(terminal) - 136) << 20);
                Ok(format!("/dev/pts/{number}"))
            }
            _ => Err(Errno::ACCESS),
        }
    }

    pub fn truncate(&mut self, call: &Call) -> Answered {
        let target = self.target(call, libc::AT_FDCWD, Some(0), true)?;
        match kind(&target.stat) {
            FileType::RegularFile => {}
            FileType::Directory => return Err(Errno::ISDIR),
            _ => return Err(Errno::INVAL),
        }
        if (call.args[1] as i64) < 0 {
            return Err(Errno::INVAL);
        }
        // The limit would end the keeper, who does it.
        if call.args[1] > self.largest_file {
            return Err(Errno::FBIG);
        }
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(CWD, through(target.object.as_fd()), flags, Mode::empty())?;
        ftruncate(&file, call.args[1])?;
        DONE
    }

    /// What a path leads to, or a descriptor stands for, if its attributes may be changed.
    fn target(
        &mut self,
        call: &Call,
        dir: i32,
        path: Option<usize>,
        follow: bool,
    ) -> Result<Target, Errno> {
        let target = self.named(call, dir, path, follow)?;
        self.may_change(&target)?;
        Ok(target)
    }

    fn may_change(&mut self, target: &Target) -> Result<(), Errno> {
        self.may_write(&path_of(&target.object)?, &target.stat)
    }

    /// The same, for whatever is to be done.
    fn named(
        &self,
        call: &Call,
        dir: i32,
        path: Option<usize>,
        follow: bool,
    ) -> Result<Target, Errno> {
        let path = match path {
            Some(index) if call.args[index] != 0 => call.path(index)?,
            _ => Vec::new(),
        };
        let object = match path.is_empty() {
            true => call.task.object(dir)?,
            false => match locate(&call.task, dir, &path, follow)? {
                Found::Object(object) => object,
                Found::Name(place) => look(&place.folder, &place.name)?,
            },
        };
        self.still_waits(call)?;
        let stat = fstat(&object)?;
        Ok(Target { object, stat })
    }

    pub fn change_mode(&mut self, call: &Call) -> Answered {
        let (target, mode) = match call.number {
            libc::SYS_fchmod => (self.named(call, call.int(0), None, true)?, call.args[1]),
            libc::SYS_fchmodat => (self.named(call, call.int(0), Some(1), true)?, call.args[2]),
            libc::SYS_fchmodat2 => {
                let follow = call.int(3) & libc::AT_SYMLINK_NOFOLLOW == 0;
                (
                    self.named(call, call.int(0), Some(1), follow)?,
                    call.args[2],
                )
            }
            _ => (
                self.named(call, libc::AT_FDCWD, Some(0), true)?,
                call.args[1],
            ),
        };
        let mode = Mode::from_raw_mode(mode as u32 & 0o7777);
        // A whole tree may be gone through for the few that are to be changed.
        if mode == Mode::from_raw_mode(target.stat.st_mode & 0o7777) {
            return DONE;
        }
        self.may_change(&target)?;
        if kind(&target.stat) != FileType::Directory && mode != plain(mode) {
            let line = "a file that runs with its owner's rights was refused: chmod u+s or g+s";
            self.note.refuse_plain(line.to_string(), false);
            return Err(Errno::PERM);
        }
        chmodat(CWD, through(target.object.as_fd()), mode, AtFlags::empty())?;
        DONE
    }

    pub fn change_owner(&mut self, call: &Call) -> Answered {
        let (target, owner, group) = match call.number {
            libc::SYS_fchown => (
                self.named(call, call.int(0), None, true)?,
                call.args[1],
                call.args[2],
            ),
            libc::SYS_fchownat => {
                let follow = call.int(4) & libc::AT_SYMLINK_NOFOLLOW == 0;
                (
                    self.named(call, call.int(0), Some(1), follow)?,
                    call.args[2],
                    call.args[3],
                )
            }
            number => {
                let follow = Some(number) != old_lchown();
                (
                    self.named(call, libc::AT_FDCWD, Some(0), follow)?,
                    call.args[1],
                    call.args[2],
                )
            }
        };
        // -1 leaves it as it is: chown(2).
        let id = |id: u64| (id as u32 != u32::MAX).then_some(id as u32);
        let (owner, group) = (id(owner), id(group));
        let stays = |new: Option<u32>, old: u32| new.is_none_or(|new| new == old);
        if stays(owner, target.stat.st_uid) && stays(group, target.stat.st_gid) {
            return DONE;
        }
        self.may_change(&target)?;
        let (owner, group) = (owner.map(Uid::from_raw), group.map(Gid::from_raw));
        chownat(&target.object, "", owner, group, AtFlags::EMPTY_PATH)?;
        DONE
    }

    pub fn change_times(&mut self, call: &Call) -> Answered {
        let follow = call.int(3) & libc::AT_SYMLINK_NOFOLLOW == 0;
        let target = self.target(call, call.int(0), Some(1), follow)?;
        let time = |at: u64| -> Result<rustix::fs::Timespec, Errno> {
            let bytes = call.task.bytes(at, 16)?;
            let number =
                |at: usize| i64::from_ne_bytes(bytes[at..at + 8].try_into().unwrap_or_default());
            Ok(rustix::fs::Timespec {
                tv_sec: number(0),
                tv_nsec: number(8),
            })
        };
        let now = rustix::fs::Timespec {
            tv_sec: 0,
            tv_nsec: libc::UTIME_NOW,
        };
        let times = match call.args[2] {
            0 => Timestamps {
                last_access: now,
                last_modification: now,
            },
            at => Timestamps {
                last_access: time(at)?,
                last_modification: time(at + 16)?,
            },
        };
        utimensat(&target.object, "", &times, AtFlags::EMPTY_PATH)?;
        DONE
    }

    /// What an attribute is set on, or removed from.
    fn attributed(&mut self, call: &Call) -> Result<Target, Errno> {
        match call.number {
            libc::SYS_fsetxattr | libc::SYS_fremovexattr => {
                self.target(call, call.int(0), None, true)
            }
            libc::SYS_lsetxattr | libc::SYS_lremovexattr => {
                self.target(call, libc::AT_FDCWD, Some(0), false)
            }
            _ => self.target(call, libc::AT_FDCWD, Some(0), true),
        }
    }

    pub fn set_attribute(&mut self, call: &Call) -> Answered {
        /// XATTR_SIZE_MAX of the kernel.
        const LARGEST: u64 = 65_536;
        let target = self.attributed(call)?;
        let name = call.path(1)?;
        if call.args[3] > LARGEST {
            return Err(Errno::TOOBIG);
        }
        let value = call.task.bytes(call.args[2], call.args[3] as usize)?;
        let flags = XattrFlags::from_bits_retain(call.args[4] as u32);
        rustix::fs::setxattr(through(target.object.as_fd()), name, &value, flags)?;
        DONE
    }

    pub fn remove_attribute(&mut self, call: &Call) -> Answered {
        let target = self.attributed(call)?;
        rustix::fs::removexattr(through(target.object.as_fd()), call.path(1)?)?;
        DONE
    }
}

/// A path with a slash at its end means a folder: path_resolution(7).
fn must_be_folder(found: &Found, flags: OFlags) -> Result<(), Errno> {
    let there = match found {
        Found::Object(object) => Some(kind(&fstat(object)?)),
        Found::Name(place) => place.there,
    };
    match there {
        Some(FileType::Directory) => Ok(()),
        _ if flags.contains(OFlags::CREATE) => Err(Errno::ISDIR),
        Some(_) => Err(Errno::NOTDIR),
        None => Err(Errno::NOENT),
    }
}

/// /dev/ptmx, of which each opening makes a terminal.
fn is_maker(stat: &Stat) -> bool {
    (major(stat.st_rdev), minor(stat.st_rdev)) == (5, 2)
}

/// Opens what is open for looks only, as the command wants it.
fn reopen(through: String, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mode = match is_temporary(flags) {
        true => Mode::RUSR | Mode::WUSR,
        false => Mode::empty(),
    };
    let made_or_followed = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
    let flags = (flags - made_or_followed) | OFlags::CLOEXEC | OFlags::NOCTTY;
    openat(CWD, through, flags, mode)
}

fn descriptor(file: OwnedFd, flags: OFlags) -> Answer {
    Answer::Descriptor(file, flags.contains(OFlags::CLOEXEC))
}

/// The flag holds that of folders too, so both must be there: open(2).
fn is_temporary(flags: OFlags) -> bool {
    flags.contains(OFlags::TMPFILE)
}

/// A mode without the rights of others that run the file.
pub fn plain(mode: Mode) -> Mode {
    mode - Mode::SUID - Mode::SGID
}

fn old_lchown() -> Option<i64> {
    #[cfg(target_arch = "x86_64")]
    return Some(libc::SYS_lchown);
    #[cfg(not(target_arch = "x86_64"))]
    None
}
