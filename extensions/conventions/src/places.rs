//! Where to look: the user's home, CoreCoder's own folder, and the project from its root down to the working directory.
//!
//! What stands deeper is more particular and wins, so every list here goes from the outermost to the innermost. The home
//! folder is never a project, however deep in it one works: otherwise a `.git` in it would make all of it one.

use std::fs;
use std::path::{Path, PathBuf};

/// Where to look.
#[derive(Debug, Clone, PartialEq)]
pub struct Places {
    /// The user's home.
    pub home: Option<PathBuf>,
    /// CoreCoder's own folder: `~/.corecoder`, or where it was moved.
    pub data: Option<PathBuf>,
    /// The project's outermost folder.
    pub root: PathBuf,
    /// The working directory, in `root` or equal to it.
    pub cwd: PathBuf,
    /// Whether the user said that this project may bring skills and commands, and import files from outside of itself.
    pub trusted: bool,
    /// Files of the project that are the user's own, see [`crate::Trust::owns`]: they count anyway.
    pub own: Vec<PathBuf>,
}

impl Places {
    /// Finds the root: the nearest folder above `cwd`, or `cwd` itself, that holds `.git`; else `cwd`. Neither the home
    /// folder nor one above it is taken, unless it is `cwd`. Symlinks in `cwd` are resolved; nothing is trusted yet.
    pub fn new(cwd: PathBuf, home: Option<PathBuf>, data: Option<PathBuf>) -> Places {
        let cwd = resolved(&cwd);
        let real_home = home.as_deref().map(resolved);
        let holds_home = |folder: &Path| {
            real_home
                .as_deref()
                .is_some_and(|home| home.starts_with(folder))
        };
        let root = cwd
            .ancestors()
            .take_while(|folder| *folder == cwd || !holds_home(folder))
            .find(|folder| folder.join(".git").exists());
        Places {
            root: root.unwrap_or(&cwd).to_path_buf(),
            home,
            data,
            cwd,
            trusted: false,
            own: Vec::new(),
        }
    }

    /// The folders from `root` to `cwd`, the outermost first.
    pub fn folders(&self) -> Vec<PathBuf> {
        let inside = self
            .cwd
            .ancestors()
            .take_while(|folder| folder.starts_with(&self.root));
        let mut folders: Vec<PathBuf> = inside.map(Path::to_path_buf).collect();
        if folders.is_empty() {
            folders.push(self.cwd.clone());
        }
        folders.reverse();
        folders
    }

    /// The same without the home folder, whose files are the user's own and need no trust.
    pub(crate) fn project(&self) -> Vec<PathBuf> {
        let home = self.home.as_deref().map(resolved);
        let mut folders = self.folders();
        folders.retain(|folder| Some(resolved(folder)) != home);
        folders
    }

    /// The folders of one kind, such as `.claude/skills`, those that win last: the user's, then `name` in CoreCoder's own
    /// folder, then the project's if it is trusted. `kinds` is in the same order.
    pub(crate) fn sources(&self, kinds: &[&str], name: &str) -> Vec<PathBuf> {
        let of = |folder: PathBuf| kinds.iter().map(move |kind| folder.join(kind));
        let mut sources: Vec<PathBuf> = self.home.iter().cloned().flat_map(of).collect();
        let own = self.data.iter().map(|data| data.join(name));
        sources.extend(own.filter(|own| !sources.contains(own)).collect::<Vec<_>>());
        if self.trusted {
            sources.extend(self.project().into_iter().flat_map(of));
        }
        sources
    }
}

/// A path without symlinks; as it is if that can't be found out.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}
