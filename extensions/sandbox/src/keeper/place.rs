//! Where a path leads, walked as the kernel walks it for the process that named it, without ever opening what is there.
//!
//! The invariant: a [`Place`] is a folder that is open and a name in it that is no link; whoever changes the name goes through
//! the folder's descriptor, so nothing that is swapped on the way can lead them elsewhere.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, PROC_SUPER_MAGIC, Stat, fstat, fstatfs, openat,
    readlinkat, statat,
};
use rustix::io::Errno;

use super::task::Task;

/// As many links as the kernel follows: path_resolution(7).
const LINKS: usize = 40;

/// A name in a folder.
pub struct Place {
    pub folder: OwnedFd,
    pub name: OsString,
    /// The folder's path with the name.
    pub path: PathBuf,
    /// What has this name, if anything has.
    pub there: Option<FileType>,
    /// It was named with a slash at its end, which only folders are.
    pub is_folder: bool,
}

/// What a path leads to.
pub enum Found {
    Name(Place),
    /// Something that has been opened already: the root, a folder named by `..`, a descriptor of a process.
    Object(OwnedFd),
}

/// The kind of file.
pub fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// The path of what is open; for what has none, such as a pipe, a text that begins with no slash.
pub fn path_of(fd: impl AsFd) -> Result<PathBuf, Errno> {
    let link = readlinkat(
        CWD,
        format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()),
        Vec::new(),
    )?;
    Ok(OsString::from_vec(link.into_bytes()).into())
}

/// A path that stands for what is open, and for nothing else.
pub fn through(fd: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

/// Opens without reading: a name that is a link as the link.
pub fn look(folder: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    openat(
        folder,
        name,
        OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Where `path` leads for this task, relative to its descriptor `dir`. `follow` says whether a link at the end is followed.
pub fn locate(task: &Task, dir: i32, path: &[u8], follow: bool) -> Result<Found, Errno> {
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    let start = match path.starts_with(b"/") {
        true => root()?,
        false => task.folder(dir)?,
    };
    let walk = Walk {
        task,
        at: start,
        ahead: parts(path),
        links: 0,
    };
    // With a slash at its end the path means the folder behind a link.
    walk.finish(follow || path.ends_with(b"/"))
}

fn root() -> Result<OwnedFd, Errno> {
    openat(
        CWD,
        "/",
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

fn parts(path: &[u8]) -> VecDeque<OsString> {
    let parts = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".");
    parts
        .map(|part| OsStr::from_bytes(part).to_os_string())
        .collect()
}

struct Walk<'a> {
    task: &'a Task,
    /// A folder.
    at: OwnedFd,
    ahead: VecDeque<OsString>,
    links: usize,
}

impl Walk<'_> {
    fn finish(mut self, follow: bool) -> Result<Found, Errno> {
        while let Some(name) = self.ahead.pop_front() {
            if name == ".." {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                self.at = openat(&self.at, "..", flags, Mode::empty())?;
                continue;
            }
            let is_last = self.ahead.is_empty();
            let there = match statat(&self.at, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(there) => Some(kind(&there)),
                Err(Errno::NOENT) if is_last => None,
                Err(error) => return Err(error),
            };
            let is_link = there == Some(FileType::Symlink);
            if is_link && (follow || !is_last) {
                if let Some(found) = self.follow(&name)? {
                    return Ok(found);
                }
            } else if is_last {
                let path = path_of(&self.at)?.join(&name);
                let folder = self.at;
                return Ok(Found::Name(Place {
                    folder,
                    name,
                    path,
                    there,
                    is_folder: false,
                }));
            } else {
                self.at = folder(look(&self.at, &name)?)?;
            }
        }
        Ok(Found::Object(self.at))
    }

    /// Goes on behind a link: `Some` where it leads to something without a name.
    fn follow(&mut self, name: &OsStr) -> Result<Option<Found>, Errno> {
        self.links += 1;
        if self.links > LINKS {
            return Err(Errno::LOOP);
        }
        let is_proc = fstatfs(&self.at)?.f_type == PROC_SUPER_MAGIC;
        let text = match name.as_bytes() {
            b"self" if is_proc => self.task.process()?.to_string().into_bytes(),
            b"thread-self" if is_proc => {
                format!("{}/task/{}", self.task.process()?, self.task.thread).into_bytes()
            }
            b"mounts" | b"net" if is_proc => readlinkat(&self.at, name, Vec::new())?.into_bytes(),
            _ if is_proc => return self.enter(name),
            _ => readlinkat(&self.at, name, Vec::new())?.into_bytes(),
        };
        if text.starts_with(b"/") {
            self.at = root()?;
        }
        for part in parts(&text).into_iter().rev() {
            self.ahead.push_front(part);
        }
        Ok(None)
    }

    /// Behind a link of proc(5) that leads to something open rather than to a path.
    fn enter(&mut self, name: &OsStr) -> Result<Option<Found>, Errno> {
        if is_ours(&path_of(&self.at)?) {
            return Err(Errno::ACCESS);
        }
        let object = openat(
            &self.at,
            name,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        if self.ahead.is_empty() {
            return Ok(Some(Found::Object(object)));
        }
        self.at = folder(object)?;
        Ok(None)
    }
}

fn folder(fd: OwnedFd) -> Result<OwnedFd, Errno> {
    match kind(&fstat(&fd)?) {
        FileType::Directory => Ok(fd),
        _ => Err(Errno::NOTDIR),
    }
}

/// Whether this is the keeper's own place in proc(5), which nobody is led to. Each thread has one, by its number.
pub fn is_ours(path: &Path) -> bool {
    let Some(Component::Normal(thread)) = path
        .strip_prefix("/proc")
        .ok()
        .and_then(|rest| rest.components().next())
    else {
        return false;
    };
    Path::new("/proc/self/task").join(thread).exists()
}
