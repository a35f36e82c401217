//! Puts files back to what they were before a change.
//!
//! A file is touched only if it is now what the change left behind, and if both its states are known; else it stays
//! as it is and a sentence says why. What is replaced or deleted is kept, so that restoring the answer's `done` is the
//! redo.
//! Left out: folders. Those that files need are made, those that are emptied stay.

use std::collections::HashMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use corecoder::files::shown;

use crate::change::{self, Change, LARGEST, State};
use crate::objects::Objects;

/// What came of restoring.
#[derive(Debug, Default)]
pub struct Restored {
    /// The changes that restoring made.
    pub done: Vec<Change>,
    /// What was left alone and why, a sentence each.
    pub problems: Vec<String>,
}

/// Takes `changes`, given in the order of happening, back.
///
/// When someone else changed a file between two of its changes, it goes back to what they made of it, no further.
pub fn restore(changes: &[Change], objects: &Objects) -> Restored {
    let (mut net, problems) = unbroken(changes);
    let mut restored = Restored {
        problems,
        ..Restored::default()
    };
    // What was created is deleted first: a file may stand where a folder has to be again, and the other way round.
    net.sort_by_key(|change| change.before != State::Absent);
    for change in net {
        match undo(&change, objects) {
            Ok(done) => restored.done.push(done),
            Err(why) => {
                let problem = format!("{} was left as it is: {why}", shown(&change.path));
                restored.problems.push(problem);
            }
        }
    }
    restored
}

/// One change for each path, from its first state to its last, in the order of the paths' first changes; what ends as
/// it began is left out.
pub fn net(changes: &[Change]) -> Vec<Change> {
    let mut net: Vec<Change> = Vec::new();
    let mut places: HashMap<&Path, usize> = HashMap::new();
    for change in changes {
        let place = *places.entry(&change.path).or_insert(net.len());
        match net.get_mut(place) {
            Some(known) => known.after = change.after.clone(),
            None => net.push(change.clone()),
        }
    }
    net.retain(|change| change.before != change.after);
    net
}

/// Like [`net`], but a path's changes count only as far back as each begins with what the one before it left.
fn unbroken(changes: &[Change]) -> (Vec<Change>, Vec<String>) {
    let (mut kept, mut problems) = (Vec::new(), Vec::new());
    let mut since: HashMap<&Path, Option<&State>> = HashMap::new();
    for change in changes.iter().rev() {
        match since.get(change.path.as_path()) {
            Some(None) => continue,
            Some(Some(before)) if **before != change.after => {
                since.insert(&change.path, None);
                let path = shown(&change.path);
                problems.push(format!(
                    "{path} was changed by someone else in between: what was done before that stays"
                ));
            }
            _ => {
                since.insert(&change.path, Some(&change.before));
                kept.push(change.clone());
            }
        }
    }
    kept.reverse();
    (net(&kept), problems)
}

/// Takes one change back and answers the change that this was.
fn undo(change: &Change, objects: &Objects) -> Result<Change, String> {
    for state in [&change.before, &change.after] {
        if let State::Unknown { why } = state {
            return Err(format!("its content wasn't kept: {why}"));
        }
    }
    if change::is_behind_link(&change.path) {
        return Err("a folder above it is a link now".to_string());
    }
    let now = change::find(&change.path, LARGEST).keep(objects);
    if now != change.after {
        return Err(difference(&now, &change.after));
    }
    put_back(&change.path, &now, &change.before, objects).map_err(|error| error.to_string())?;
    Ok(Change {
        path: change.path.clone(),
        before: now,
        after: change.before.clone(),
    })
}

/// How what stands there is not what was left there.
fn difference(now: &State, left: &State) -> String {
    let what = match (now, left) {
        (State::Unknown { why }, _) => return why.clone(),
        (State::Absent, _) => "it was deleted since",
        (_, State::Absent) => "it was created anew since",
        (State::Link { .. }, State::File { .. }) => "it was replaced by a link since",
        (State::File { hash, .. }, State::File { hash: old, .. }) if hash == old => {
            "its permissions were changed since"
        }
        _ => "it was changed since",
    };
    what.to_string()
}

fn put_back(path: &Path, now: &State, then: &State, objects: &Objects) -> io::Result<()> {
    match (now, then) {
        (_, State::Unknown { why }) => Err(io::Error::other(why.clone())),
        (_, State::Absent) => fs::remove_file(path),
        (State::File { hash, .. }, State::File { hash: old, mode }) if hash == old => {
            fs::set_permissions(path, Permissions::from_mode(*mode))
        }
        (_, State::File { hash, mode }) => write(path, &objects.get(hash)?, *mode),
        (_, State::Link { target }) => {
            let folder = make_room(path)?;
            let link = builder().make_in(folder, |new| symlink(target, new))?;
            Ok(link.persist(path).map(drop)?)
        }
    }
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut new = builder().tempfile_in(make_room(path)?)?;
    new.write_all(content)?;
    if let Ok(old) = fs::symlink_metadata(path) {
        // Another user's file stays theirs where we may decide that. This comes first, because it clears mode bits.
        let _ = chown(new.path(), Some(old.uid()), Some(old.gid()));
    }
    let file = new.as_file();
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_data()?;
    Ok(new.persist(path).map(drop)?)
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".corecoder-");
    builder
}

/// Makes the folders above `path`, and removes a folder at `path` if no file is in it. Answers the folder above.
fn make_room(path: &Path) -> io::Result<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
        let full = |_| io::Error::other("a folder with files in it stands there now");
        remove_empty(path).map_err(full)?;
    }
    Ok(folder.to_path_buf())
}

/// Removes a folder and the folders in it; fails when there is a file.
fn remove_empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_empty(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}
