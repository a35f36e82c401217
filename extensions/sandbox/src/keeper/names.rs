//! Calls at the door that make, remove, rename and link names.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, DirEntry, FileType, Mode, OFlags, RenameFlags, linkat, mkdirat, mknodat,
    openat, renameat_with, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::door::{Answered, Call, Door};
use super::files::plain;
use super::place::{Found, Place, kind, locate, look, path_of, through};
use super::sys::Answer;
use crate::borders::{Change, Refused};

/// A descriptor for a folder, and the argument that points at a path.
type Named = (i32, usize);

const DONE: Answered = Ok(Answer::Value(0));

impl Door {
    /// A name that nothing has yet, in a place where something may be made.
    fn unused(&mut self, call: &Call, named: Named, makes_folder: bool) -> Result<Place, Errno> {
        let place = self
            .name(call, named.0, named.1)
            .map_err(|error| match error {
                Errno::BUSY => Errno::EXIST,
                error => error,
            })?;
        if place.there.is_some() {
            return Err(Errno::EXIST);
        }
        if place.is_folder && !makes_folder {
            return Err(Errno::NOENT);
        }
        self.may(&place.path, Change::Make)?;
        Ok(place)
    }

    pub fn make_folder(&mut self, call: &Call, dir: i32, path: usize, mode: u64) -> Answered {
        let place = self.unused(call, (dir, path), true)?;
        mkdirat(&place.folder, &place.name, call.task.mode(mode))?;
        self.borders.note(&place.path);
        DONE
    }

    /// Files, pipes and sockets; devices are not for commands.
    pub fn make_node(
        &mut self,
        call: &Call,
        dir: i32,
        path: usize,
        [mode, device]: [u64; 2],
    ) -> Answered {
        let kind = match FileType::from_raw_mode(mode as u32) {
            FileType::CharacterDevice | FileType::BlockDevice => return Err(Errno::PERM),
            // Zero is a file too: mknod(2).
            FileType::Unknown => FileType::RegularFile,
            kind => kind,
        };
        let place = self.unused(call, (dir, path), false)?;
        mknodat(
            &place.folder,
            &place.name,
            kind,
            plain(call.task.mode(mode)),
            device,
        )?;
        self.borders.note(&place.path);
        DONE
    }

    pub fn make_link(&mut self, call: &Call, target: usize, dir: i32, path: usize) -> Answered {
        let target = call.path(target)?;
        let place = self.unused(call, (dir, path), false)?;
        self.may(&place.path, Change::Move)?;
        symlinkat(OsStr::from_bytes(&target), &place.folder, &place.name)?;
        self.borders.note(&place.path);
        DONE
    }

    pub fn remove(&mut self, call: &Call, dir: i32, path: usize, flags: i32) -> Answered {
        let place = self.name(call, dir, path)?;
        place.there.ok_or(Errno::NOENT)?;
        let flags = AtFlags::from_bits_retain(flags as u32);
        // Git and others try this on any folder that might be empty now, which is no attempt to be told of.
        if flags.contains(AtFlags::REMOVEDIR) && is_filled(&place) {
            return Err(Errno::NOTEMPTY);
        }
        self.may(&place.path, Change::Remove)?;
        unlinkat(&place.folder, &place.name, flags)?;
        DONE
    }

    pub fn rename(&mut self, call: &Call, from: Named, to: Named, flags: u32) -> Answered {
        let mut flags = RenameFlags::from_bits_retain(flags);
        let old = self.name(call, from.0, from.1)?;
        old.there.ok_or(Errno::NOENT)?;
        let new = self.name(call, to.0, to.1)?;
        self.may(&old.path, Change::Remove)?;
        if flags.is_empty() && self.is_settled(&old, &new)? {
            return DONE;
        }
        match new.there {
            Some(_) => self.may(&new.path, Change::Remove)?,
            None if new.is_folder && old.there != Some(FileType::Directory) => {
                return Err(Errno::NOTDIR);
            }
            None => {
                self.may(&new.path, Change::Make)?;
                // What came up meanwhile was not judged.
                if !flags.contains(RenameFlags::EXCHANGE) {
                    flags |= RenameFlags::NOREPLACE;
                }
            }
        }
        // What a folder holds was not judged under its new name, nor what a link leads to.
        let holds = |there| matches!(there, Some(FileType::Directory | FileType::Symlink));
        if holds(old.there) || holds(new.there) {
            self.may(&old.path, Change::Move)?;
            self.may(&new.path, Change::Move)?;
        }
        self.stays(&old.path, old.there, &new.path)?;
        self.stays(&new.path, new.there, &old.path)?;
        match renameat_with(&old.folder, &old.name, &new.folder, &new.name, flags) {
            // Some file systems know no flags: rename(2).
            Err(Errno::INVAL) if flags == RenameFlags::NOREPLACE => {
                rustix::fs::renameat(&old.folder, &old.name, &new.folder, &new.name)?;
            }
            renamed => renamed?,
        }
        let there = (old.path.as_path(), new.path.as_path());
        let back = (there.1, there.0);
        let is_exchange = flags.contains(RenameFlags::EXCHANGE);
        let moves = &[there, back][..if is_exchange { 2 } else { 1 }];
        self.borders.renamed(moves, new.there.is_some());
        DONE
    }

    /// Git writes its settings anew where nothing in them changes. They stay, and what was to take their place goes: whoever has
    /// that open still could write it.
    fn is_settled(&mut self, old: &Place, new: &Place) -> Result<bool, Errno> {
        let is_kept = self.borders.judge(&new.path, Change::Remove) == Err(Refused::Repository);
        let are_files = [old, new].map(|place| place.there) == [Some(FileType::RegularFile); 2];
        if !is_kept || !are_files || content(old)? != content(new)? {
            return Ok(false);
        }
        unlinkat(&old.folder, &old.name, AtFlags::empty())?;
        Ok(true)
    }

    /// A socket in a shared folder may be another program's. Out of there it does not come, nor does a folder that may hold one:
    /// as if that were another file system, which programs know how to do with.
    fn stays(&self, from: &Path, there: Option<FileType>, to: &Path) -> Result<(), Errno> {
        let may_be_others = matches!(there, Some(FileType::Directory | FileType::Socket));
        let leaves = self.borders.is_shared(from) && !self.borders.is_shared(to);
        match may_be_others && leaves {
            true => Err(Errno::XDEV),
            false => Ok(()),
        }
    }

    /// A file gets a second name, by which it can be written: so it must be one that may be.
    pub fn link(&mut self, call: &Call, from: Named, to: Named, flags: i32) -> Answered {
        let path = call.path(from.1)?;
        let old = match path.is_empty() && flags & libc::AT_EMPTY_PATH != 0 {
            true => call.task.object(from.0)?,
            false => match locate(
                &call.task,
                from.0,
                &path,
                flags & libc::AT_SYMLINK_FOLLOW != 0,
            )? {
                Found::Object(object) => object,
                Found::Name(place) => look(&place.folder, &place.name)?,
            },
        };
        let new = self.unused(call, to, false)?;
        // What has no name any more, or never had one, is the command's own if the command can name it.
        let stat = rustix::fs::fstat(&old)?;
        if stat.st_nlink > 0 {
            let path = path_of(&old)?;
            self.may(&path, Change::Write)?;
            self.stays(&path, Some(kind(&stat)), &new.path)?;
        }
        match kind(&stat) {
            FileType::Symlink => return Err(Errno::PERM),
            _ => linkat(
                CWD,
                through(old.as_fd()),
                &new.folder,
                &new.name,
                AtFlags::SYMLINK_FOLLOW,
            )?,
        }
        self.borders.note(&new.path);
        DONE
    }
}

/// Whether a folder holds something.
fn is_filled(place: &Place) -> bool {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = openat(&place.folder, &place.name, flags, Mode::empty());
    let mut entries = folder.and_then(Dir::new).into_iter().flatten().flatten();
    let is_other = |entry: DirEntry| !matches!(entry.file_name().to_bytes(), b"." | b"..");
    entries.any(is_other)
}

/// What stands in a small file.
fn content(place: &Place) -> Result<Vec<u8>, Errno> {
    const MOST: u64 = 1 << 20;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(&place.folder, &place.name, flags, Mode::empty())?);
    let mut content = Vec::new();
    let read = file.take(MOST).read_to_end(&mut content);
    match read {
        Ok(read) if (read as u64) < MOST => Ok(content),
        _ => Err(Errno::ACCESS),
    }
}
