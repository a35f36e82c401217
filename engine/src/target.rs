//! Where a write goes: a path that is followed once, and then held by its folder.
//!
//! Between a look at a path and a write through it, somebody may put a link on the way. So links are followed here,
//! at the start, and never again: what comes out has none, and each folder of it is opened in the one before.
//! What was judged is what is written, or nothing is. A folder that is moved meanwhile is still the one that was
//! judged.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::fchown;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, fchmod, fstat, mkdirat, openat, readlinkat,
    renameat, statat, unlinkat,
};
use rustix::io::Errno;

/// Enough to find what is in a folder. To list it is a right that a folder on the way need not give.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::DIRECTORY;
const SAFE: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

/// The place of a file, which may not exist yet.
pub(crate) struct Target {
    /// Absolute and free of links. (Its last name may be that of a link that leads nowhere.)
    pub real: PathBuf,
    /// The folder that it is in, if that exists.
    folder: Option<OwnedFd>,
}

impl Target {
    /// Follows a path; nothing is made.
    pub fn find(path: &Path) -> io::Result<Target> {
        let real = follow(path)?;
        let folder = match walk(&real, false) {
            Ok(folder) => Some(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Target { real, folder })
    }

    fn name(&self) -> &OsStr {
        self.real.file_name().unwrap_or_default()
    }

    /// What stands there now. A link that leads nowhere is nothing: it is replaced.
    pub fn old(&self) -> io::Result<Option<Stat>> {
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let old = match statat(folder, self.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            old => old?,
        };
        if FileType::from_raw_mode(old.st_mode) != FileType::Symlink {
            return Ok(Some(old));
        }
        match fs::canonicalize(&self.real) {
            Ok(_) => Err(io::Error::other("a link was put in its place just now")),
            Err(_) => Ok(None),
        }
    }

    /// The content of the file.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let folder = self.folder.as_ref().ok_or(Errno::NOENT)?;
        // Should a FIFO have come in the file's place, its writer is not waited for.
        let flags = SAFE | OFlags::RDONLY | OFlags::NONBLOCK;
        let file = openat(folder, self.name(), flags, Mode::empty())?;
        let mut content = Vec::new();
        File::from(file).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Replaces the file in one step, and makes folders that are missing. The old file lends its mode and owner.
    pub fn replace(&self, content: &[u8], old: Option<&Stat>) -> io::Result<Stat> {
        let made;
        let folder = match &self.folder {
            Some(folder) => folder,
            None => {
                made = walk(&self.real, true)?;
                &made
            }
        };
        let name = format!(".corecoder-{:016x}", fastrand::u64(..));
        let mode = Mode::from_raw_mode(if old.is_some() { 0o600 } else { 0o666 });
        let flags = SAFE | OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let new = File::from(openat(folder, &name, flags, mode)?);
        let replaced = fill(&new, content, old)
            .and_then(|()| Ok(renameat(folder, &name, folder, self.name())?));
        if replaced.is_err() {
            let _ = unlinkat(folder, &name, AtFlags::empty());
        }
        replaced?;
        Ok(fstat(&new)?)
    }
}

fn fill(mut new: &File, content: &[u8], old: Option<&Stat>) -> io::Result<()> {
    new.write_all(content)?;
    if let Some(old) = old {
        // Another user's file stays theirs where we may decide that; else it becomes ours, as with any editor.
        let _ = fchown(new, Some(old.st_uid), Some(old.st_gid));
        fchmod(new, Mode::from_raw_mode(old.st_mode))?;
    }
    new.sync_data()
}

/// The same place without links. What does not exist yet is taken as it is named.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.ends_with(b"/") || bytes.ends_with(b"/.") {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut real = PathBuf::new();
    for part in std::path::absolute(path)?.components() {
        if part == Component::ParentDir {
            // There is no way back out of what is no folder, such as a link that leads nowhere.
            match fs::symlink_metadata(&real) {
                Ok(kind) if !kind.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
                _ => real.pop(),
            };
            continue;
        }
        real.push(part);
        real = fs::canonicalize(&real).unwrap_or(real);
    }
    match real.file_name() {
        Some(_) => Ok(real),
        None => Err(io::ErrorKind::IsADirectory.into()),
    }
}

/// The folder of a path that is free of links; those that are missing are made, if that is asked.
fn walk(real: &Path, make: bool) -> io::Result<OwnedFd> {
    let names = real.parent().into_iter().flat_map(Path::iter);
    let mut folder = openat(CWD, "/", FOLDER | SAFE, Mode::empty())?;
    for name in names.skip(1) {
        let entered = enter(&folder, name);
        let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        folder = match entered {
            Err(error) if make && missing(&error) => {
                match mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => enter(&folder, name)?,
                    Err(error) => return Err(error.into()),
                }
            }
            entered => entered?,
        };
    }
    Ok(folder)
}

fn enter(folder: &OwnedFd, name: &OsStr) -> io::Result<OwnedFd> {
    let entered = openat(folder, name, FOLDER | SAFE, Mode::empty());
    entered.map_err(|error| match readlinkat(folder, name, Vec::new()) {
        Ok(_) => io::Error::other("a link on the way leads nowhere, or was put there just now"),
        Err(_) => error.into(),
    })
}
