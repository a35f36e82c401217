//! Where a write may go, judged by a path that is absolute and free of links.
//!
//! The idea: the walls keep what lies outside; here is told apart what lies inside. The keeper asks before each change that a
//! command makes, and the file tools ask before each write.
//! The invariant: what is judged has been opened already, or is a name in a folder that has been, so no link can be swapped
//! between the judgement and the change.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::made::Made;
use crate::policy::{Access, INSTRUCTIONS, Policy, REPOSITORY, SETTINGS};
use crate::repository;

/// How the folders of sessions are called, which lie in a shared one.
pub const PREFIX: &str = "corecoder-";

/// Folders that all programs share: what a session makes there is its own, and goes with it.
const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

/// As many links as the kernel follows: path_resolution(7).
const LINKS: usize = 40;

/// What is to be done at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something new gets this name.
    Make,
    /// What has this name gets another content, or other attributes.
    Write,
    /// The name goes: by removing, renaming, or putting something else in its place.
    Remove,
    /// A folder or a link comes here or goes from here, and with it all that it holds or leads to.
    Move,
}

/// Why a change is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    Outside,
    ReadOnly,
    /// In a shared folder, made by somebody else.
    NotOurs,
    Settings,
    Repository,
}

impl Refused {
    /// The rule, as the model reads it behind the path.
    pub fn rule(&self) -> &'static str {
        match self {
            Refused::Outside => {
                "it is outside of the working directory (the user can add folders: --add-dir)"
            }
            Refused::ReadOnly => "commands may only read now, and write in $TMPDIR",
            Refused::NotOurs => {
                "it was there before, and in this folder only what this session made may change; take another name, or $TMPDIR"
            }
            Refused::Settings => "it holds keys, or says what agents, editors, shells or git run",
            Refused::Repository => "it says what git runs",
        }
    }
}

/// The borders of one policy, as the folders are now.
#[derive(Debug)]
pub struct Borders {
    access: Access,
    roots: Vec<PathBuf>,
    shared: Vec<PathBuf>,
    /// The folder for commands' temporary files.
    temporary: PathBuf,
    /// Repositories that `.git` only points at, and bare ones.
    repositories: Vec<PathBuf>,
    /// What is never written, and what kept names lead to.
    kept: Vec<PathBuf>,
    /// Files that instruct agents, there or not, and what they lead to.
    instructions: Vec<PathBuf>,
    made: Made,
    /// Repositories that the session made.
    new: Made,
}

impl Borders {
    /// `scratch` is the folder that the session made for its commands.
    pub fn new(policy: &Policy, scratch: &Path) -> Borders {
        let roots = policy.roots();
        let shared = match policy.access {
            Access::ReadOnly => Vec::new(),
            Access::WorkspaceWrite => SHARED
                .iter()
                .filter_map(|path| fs::canonicalize(path).ok())
                .collect(),
        };
        let scratch = scratch.canonicalize().unwrap_or(scratch.to_path_buf());
        let behind = roots.iter().flat_map(|root| repository::behind(root));
        let repositories: Vec<PathBuf> = behind.collect();
        let mut kept = policy.kept();
        // The session's own lists lie there, and it may lie in the work.
        kept.push(scratch.clone());
        kept.extend(led_to(&roots, &repositories, policy.home.as_deref()));
        let instructions = roots
            .iter()
            .flat_map(|root| INSTRUCTIONS.iter().map(|name| way(&root.join(name))));
        Borders {
            instructions: instructions.flatten().collect(),
            access: policy.access,
            repositories,
            roots,
            shared,
            temporary: temporary(&scratch),
            kept,
            made: Made::new(scratch.join("made")),
            new: Made::new(scratch.join("repositories")),
        }
    }

    /// This folder is the command's alone, and goes with it.
    pub fn own(&mut self, folder: &str) {
        self.shared.retain(|shared| shared != Path::new(folder));
        self.roots.push(PathBuf::from(folder));
    }

    /// The folders that walls must leave open.
    pub fn open(&self) -> impl Iterator<Item = &Path> {
        let open = self.roots.iter().chain(&self.shared);
        open.chain([&self.temporary]).map(PathBuf::as_path)
    }

    /// Whether this change may be made at this path.
    pub fn judge(&mut self, path: &Path, change: Change) -> Result<(), Refused> {
        if path.starts_with(&self.temporary) && path != self.temporary {
            return Ok(());
        }
        let inside = self.roots.iter().filter(|root| path.starts_with(root));
        let root = inside.max_by_key(|root| root.as_os_str().len()).cloned();
        if let Some(root) = root {
            let goes = matches!(change, Change::Remove | Change::Move);
            let holds = |kept: &PathBuf| goes && kept.starts_with(path);
            if self
                .kept
                .iter()
                .any(|kept| path.starts_with(kept) || holds(kept))
            {
                return Err(Refused::Settings);
            }
            // One folder of the work may lie in another.
            let holds_root = self.roots.iter().any(|root| root.starts_with(path));
            if holds_root && change != Change::Write {
                return Err(Refused::Outside);
            }
            return self.inside(&root, path, change);
        }
        let Some(zone) = self.shared.iter().find(|zone| path.starts_with(zone)) else {
            return Err(match self.access {
                Access::ReadOnly => Refused::ReadOnly,
                Access::WorkspaceWrite => Refused::Outside,
            });
        };
        let Some(Component::Normal(first)) = below(zone, path).next() else {
            return Err(Refused::NotOurs);
        };
        let top = zone.join(first);
        // What looks like a session's folder would be believed to be one, once nobody holds it.
        if first.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            return Err(Refused::NotOurs);
        }
        match fs::symlink_metadata(&top) {
            Err(_) => Ok(()),
            Ok(_) if self.made.has(&top) => Ok(()),
            Ok(_) => Err(Refused::NotOurs),
        }
    }

    fn inside(&mut self, root: &Path, path: &Path, change: Change) -> Result<(), Refused> {
        let first = below(root, path).next().map(Component::as_os_str);
        if first.is_some_and(|first| SETTINGS.iter().any(|name| first == *name)) {
            return Err(Refused::Settings);
        }
        let mut repositories = self.repositories.iter();
        if repositories.any(|folder| repository::keeps(folder, path, change)) {
            return Err(Refused::Repository);
        }
        let above: Vec<&Path> = path
            .ancestors()
            .take_while(|folder| *folder != root)
            .collect();
        let is_kept_in = |git: &&Path| match *git == path {
            // A repository may be made, and its folder's time may change; it is not put aside, nor pointed elsewhere.
            true => match fs::symlink_metadata(path) {
                Err(_) => false,
                Ok(there) => change != Change::Write || !there.is_dir(),
            },
            false => repository::keeps(git, path, change),
        };
        // A folder of this name may lie in another.
        let mut repositories = above.iter().filter(|folder| repository::is_git(folder));
        let is_kept = repositories.any(is_kept_in);
        match is_kept && !above.iter().any(|folder| self.new.has(folder)) {
            true => Err(Refused::Repository),
            false => Ok(()),
        }
    }

    /// Whether agents that start where the work is done take this file for instructions.
    pub fn instructs(&self, path: &Path) -> bool {
        self.instructions.iter().any(|file| file == path)
    }

    /// Whether other people's programs make things in this place, too.
    pub fn is_shared(&self, path: &Path) -> bool {
        let is_inside = |folder: &PathBuf| path.starts_with(folder);
        let is_own = is_inside(&self.temporary) || self.roots.iter().any(is_inside);
        !is_own && self.shared.iter().any(is_inside)
    }

    /// Notes that the session made this, if it stands in a shared folder, or is a repository.
    pub fn note(&mut self, path: &Path) {
        if repository::may_be(path) || repository::is_head(path) {
            self.new.add(path.to_path_buf());
        }
        if !self.is_shared(path) {
            return;
        }
        let Some(zone) = self.shared.iter().find(|zone| path.starts_with(zone)) else {
            return;
        };
        if let Some(first) = below(zone, path).next() {
            let top = zone.join(first);
            if !self.made.has(&top) {
                self.made.add(top);
            }
        }
    }

    /// Notes that these have other names now: from which to which. `replaces` says that something had the new name before.
    pub fn renamed(&mut self, moves: &[(&Path, &Path)], replaces: bool) {
        self.new.renamed(moves);
        for (_, to) in moves {
            // Git puts a new HEAD in place of the old one in any repository.
            let is_old = replaces && repository::is_head(to) && !self.new.names(to);
            if !is_old {
                self.note(to);
            }
        }
    }

    /// The repositories that the session made, so far as they are still there.
    pub fn new_repositories(&mut self) -> Vec<PathBuf> {
        let folder = |path: PathBuf| match repository::is_head(&path) {
            true => path.parent().map(Path::to_path_buf),
            false => Some(path),
        };
        self.new.all().into_iter().filter_map(folder).collect()
    }
}

/// What kept names lead to, by links and as git's settings include each other, as they are now, with the links on the way. What
/// holds the work is left out.
fn led_to(roots: &[PathBuf], repositories: &[PathBuf], home: Option<&Path>) -> Vec<PathBuf> {
    let settings = roots
        .iter()
        .flat_map(|root| SETTINGS.iter().map(|name| way(&root.join(name))));
    let gits = roots.iter().map(|root| root.join(".git"));
    let in_git = gits
        .clone()
        .filter(|git| !git.is_symlink())
        .chain(repositories.iter().cloned())
        .flat_map(|git| REPOSITORY.iter().map(move |name| way(&git.join(name))));
    let all_gits = gits.clone().chain(repositories.iter().cloned());
    let included = all_gits.flat_map(|git| repository::included(&git, home));
    let included = included.flat_map(|file| way(&file));
    // Commits are made where this leads.
    let to_git = gits.map(|git| {
        let mut way = way(&git);
        way.pop();
        way
    });
    let ways = settings.chain(in_git).filter(|way| way.len() > 1);
    let found = ways.chain(to_git).flatten().chain(included);
    found
        .filter(|path| !roots.iter().any(|root| root.starts_with(path)))
        .collect()
}

/// The links on the way to where a path leads, and the end of the way, there or not; each without links in its own path.
fn way(path: &Path) -> Vec<PathBuf> {
    let parts = |path: &Path| -> Vec<OsString> {
        let parts = path.components().filter(|part| *part != Component::CurDir);
        parts.map(|part| part.as_os_str().to_os_string()).collect()
    };
    let mut found = Vec::new();
    let mut at = PathBuf::new();
    let mut ahead = VecDeque::from(parts(path));
    while let Some(name) = ahead.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(name);
        match fs::read_link(&next) {
            Ok(target) if found.len() < LINKS => {
                for part in parts(&target).into_iter().rev() {
                    ahead.push_front(part);
                }
                found.push(next);
            }
            _ => at = next,
        }
    }
    found.push(at);
    found
}

/// The folder in which commands keep their temporary files.
pub fn temporary(scratch: &Path) -> PathBuf {
    scratch.join("tmp")
}

fn below<'a>(root: &Path, path: &'a Path) -> std::path::Components<'a> {
    path.strip_prefix(root)
        .unwrap_or(Path::new(""))
        .components()
}

/// Removes what a session left in shared folders, so far as it is still what the session made.
pub fn sweep(scratch: &Path) {
    let is_shared = |path: &Path| {
        let shared = SHARED
            .iter()
            .filter_map(|shared| fs::canonicalize(shared).ok());
        shared
            .into_iter()
            .any(|shared| path.parent() == Some(&shared))
    };
    let known = Made::new(scratch.join("made")).all_known();
    for path in known.into_iter().filter(|path| is_shared(path)) {
        let _ = match path.is_dir() && !path.is_symlink() {
            true => fs::remove_dir_all(&path).or_else(|_| {
                open_up(&path);
                fs::remove_dir_all(&path)
            }),
            false => fs::remove_file(&path),
        };
    }
}

/// Lets folders be listed and emptied that were shut.
fn open_up(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_a_folder_of_the_work_is_not_moved_where_it_lies_in_another() {
        let top = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let top = top.path().canonicalize().unwrap();
        let work = top.join("a/work");
        fs::create_dir_all(&work).unwrap();
        let mut policy = Policy::new(&work);
        policy.add_dirs.push(top.clone());
        let mut borders = Borders::new(&policy, Path::new("/nowhere"));
        for folder in [&work, &top.join("a"), &top] {
            for change in [Change::Remove, Change::Move] {
                assert_eq!(borders.judge(folder, change), Err(Refused::Outside));
            }
            assert_eq!(borders.judge(folder, Change::Write), Ok(()));
        }
        assert_eq!(borders.judge(&top.join("b"), Change::Move), Ok(()));
    }

    #[test]
    fn the_sessions_own_lists_are_not_written_where_they_lie_in_the_work() {
        let work = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let scratch = work.path().canonicalize().unwrap().join("scratch");
        fs::create_dir_all(temporary(&scratch)).unwrap();
        let mut borders = Borders::new(&Policy::new(work.path()), &scratch);
        let made = borders.judge(&scratch.join("made"), Change::Write);
        assert_eq!(made, Err(Refused::Settings));
        let own = borders.judge(&temporary(&scratch).join("x"), Change::Make);
        assert_eq!(own, Ok(()));
    }
}
