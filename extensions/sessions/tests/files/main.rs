//! Changes of files, seen, taken back and shown, through the crate's public API and on a real file system.

mod objects;
mod patch;
mod restore;
mod trees;
mod watch;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use corecoder_sessions::change::{Change, State};
use corecoder_sessions::objects::Objects;
use corecoder_sessions::restore::{Restored, restore};
use corecoder_sessions::watch::{Limits, Watch};
use tempfile::TempDir;

/// A watched folder, and objects outside of it.
struct Place {
    temp: TempDir,
    folder: PathBuf,
    objects: Arc<Objects>,
    watch: Watch,
}

impl Place {
    fn new() -> Place {
        Place::with(Limits::default())
    }

    fn with(limits: Limits) -> Place {
        let temp = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(temp.path()).unwrap().join("tree");
        fs::create_dir(&folder).unwrap();
        let objects = Arc::new(Objects::new(temp.path().join("objects")));
        Place {
            watch: Watch::new(folder.clone(), objects.clone(), limits),
            temp,
            folder,
            objects,
        }
    }

    /// What the watch says that `tool` changed.
    fn changes(&mut self, tool: impl FnOnce(&Path)) -> Vec<Change> {
        self.watch.before();
        tool(&self.folder);
        self.watch.after()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn restore(&self, changes: &[Change]) -> Restored {
        restore(changes, &self.objects)
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The changes as words: a name and what happened to it.
fn words(place: &Place, changes: &[Change]) -> Vec<String> {
    let word = |state: &State| match state {
        State::Absent => "absent",
        State::File { .. } => "file",
        State::Link { .. } => "link",
        State::Unknown { .. } => "unknown",
    };
    let name = |change: &Change| {
        let name = change.path.strip_prefix(&place.folder).unwrap();
        name.display().to_string()
    };
    changes
        .iter()
        .map(|it| format!("{}: {} > {}", name(it), word(&it.before), word(&it.after)))
        .collect()
}
