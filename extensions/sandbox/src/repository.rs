//! What in a repository says which programs git runs: gitrepository-layout(5), git-config(1).
//!
//! In a repository that was there before, that is not changed. One that a command makes is its own while it runs, or nobody
//! could clone; what would have git run programs is set aside when the command ends.

use std::ffi::{OsStr, OsString};
use std::fs::{self, DirEntry, File};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::borders::Change;
use crate::gitconfig::{self, Entry};
use crate::policy::REPOSITORY;

/// Git's own folder, or what points at it.
pub fn is_git(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new(".git"))
}

/// Whether this may be a repository's own folder: `.git`, or one that lies in it for a submodule or a worktree.
pub fn may_be(path: &Path) -> bool {
    let is_within = |folder: &Path| {
        let holds = |name: &str| folder.file_name() == Some(OsStr::new(name));
        (holds("modules") || holds("worktrees")) && folder.parent().is_some_and(is_git)
    };
    // What lies beside a configuration is a part of that repository.
    let is_part = || path.with_file_name("config").is_file();
    is_git(path) || (path.ancestors().skip(1).take(3).any(is_within) && !is_part())
}

/// Whether this would make the folder around it a bare repository, with what may lie beside it.
pub fn is_head(path: &Path) -> bool {
    path.file_name() == Some(OsStr::new("HEAD")) && !path.ancestors().any(is_git)
}

/// Whether this lies in a repository's own folder, would make one, or says what git runs in one that is bare. Worktrees may lie
/// in those.
pub fn holds(path: &Path) -> bool {
    let says = |folder: &Path| {
        let rest = path.strip_prefix(folder).unwrap_or(path);
        let is_kept = REPOSITORY.iter().any(|name| rest.starts_with(name));
        is_kept && folder.join("HEAD").exists()
    };
    path.ancestors().any(is_git) || is_head(path) || path.ancestors().skip(1).any(says)
}

/// Whether this change at `path` is kept from commands in the repository whose folder is `git`.
pub fn keeps(git: &Path, path: &Path, change: Change) -> bool {
    if change == Change::Move && git.starts_with(path) {
        return true;
    }
    let Ok(rest) = path.strip_prefix(git) else {
        return false;
    };
    let names: Vec<&OsStr> = rest.components().map(Component::as_os_str).collect();
    let is = |name: &OsStr, others: &[&str]| others.iter().any(|other| name == *other);
    let (Some(first), Some(last)) = (names.first(), names.last()) else {
        return false;
    };
    // Takes the place of all else. Git makes it in worktrees only, and removes it there.
    if is(last, &["commondir"]) && !is_branch(git, &names) {
        return change != Change::Remove;
    }
    match is(first, &["modules", "worktrees"]) {
        true if change == Change::Move => true,
        true => {
            let is_kept = is(last, &["config", "config.worktree"])
                || names.iter().skip(2).any(|name| is(name, &["hooks"]))
                || rest.ends_with("info/attributes");
            is_kept && !is_branch(git, &names)
        }
        false => REPOSITORY.iter().any(|name| {
            let holds = change == Change::Move && Path::new(name).starts_with(rest);
            rest.starts_with(name) || holds
        }),
    }
}

/// Whether these names lead to a branch or its log, which may be called anything; but so may a submodule be called `refs`.
fn is_branch(git: &Path, names: &[&OsStr]) -> bool {
    let is_data = |name: &OsStr| name == "refs" || name == "logs";
    let mut folder = git.to_path_buf();
    names.iter().enumerate().any(|(index, name)| {
        let is_worktree = index == 2 && names[0] == "worktrees";
        // What has a configuration is a submodule: no command could have made that.
        let is_repository = index == 0 || is_worktree || folder.join("config").is_file();
        folder.push(name);
        is_data(name) && is_repository
    })
}

/// Repositories that a folder's `.git` points at, and the folder itself if it is one.
pub fn behind(folder: &Path) -> Vec<PathBuf> {
    let git = folder.join(".git");
    let mut found = pointed_at(&git);
    if git.is_symlink() {
        found.push(git);
    }
    let has = |name: &str| folder.join(name).exists();
    if is_git(folder) || (has("HEAD") && has("objects") && has("config")) {
        found.push(folder.to_path_buf());
    }
    found
        .iter()
        .filter_map(|folder| folder.canonicalize().ok())
        .collect()
}

/// The folders that a `.git` file names: the worktree's own, and the one that all worktrees share.
fn pointed_at(git: &Path) -> Vec<PathBuf> {
    let text = text_of(git).unwrap_or_default();
    let Some(pointed) = text.as_bytes().strip_prefix(b"gitdir: ") else {
        return Vec::new();
    };
    let above = git.parent().unwrap_or(Path::new("/"));
    let folder = above.join(OsStr::from_bytes(pointed));
    common(&folder).into_iter().chain([folder]).collect()
}

/// Files with more settings that a repository's own settings name: git-config(1), "Includes".
pub fn included(git: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    /// As deep as git goes, and as many as anyone has.
    const MOST: usize = 100;
    let mut found: Vec<PathBuf> = Vec::new();
    let mut ahead = vec![git.join("config"), git.join("config.worktree")];
    while let Some(file) = ahead.pop() {
        let entries = bytes_of(&file).and_then(|text| gitconfig::entries(&text));
        let names = entries.into_iter().flatten().filter(includes);
        let paths = names.filter_map(|entry| match entry.value.strip_prefix("~/") {
            Some(rest) => Some(home?.join(rest)),
            None => Some(file.parent()?.join(&entry.value)),
        });
        for path in paths {
            if found.len() < MOST && !found.contains(&path) {
                ahead.push(path.clone());
                found.push(path);
            }
        }
    }
    found
}

fn includes(entry: &Entry) -> bool {
    matches!(entry.section.as_str(), "include" | "includeif") && entry.key == "path"
}

/// The folder that a worktree's own names.
fn common(folder: &Path) -> Option<PathBuf> {
    Some(folder.join(text_of(&folder.join("commondir"))?))
}

/// A small file's text without the end of its line. A name may end with a space, and hold any byte.
fn text_of(file: &Path) -> Option<OsString> {
    let mut text = bytes_of(file)?;
    let ends = text.iter().rev();
    let ends = ends.take_while(|byte| matches!(byte, b'\n' | b'\r'));
    text.truncate(text.len() - ends.count());
    Some(OsString::from_vec(text))
}

/// A command may have put a pipe there, or something without end.
fn bytes_of(file: &Path) -> Option<Vec<u8>> {
    const LARGEST: u64 = 1 << 20;
    let metadata = file.metadata().ok()?;
    let is_small = metadata.is_file() && metadata.len() <= LARGEST;
    is_small.then(|| fs::read(file).ok()).flatten()
}

/// The repository in which a folder lies, if it is not in the folder itself: its `.git` above, below `home` or anywhere if the
/// folder is not there; or the one that a worktree belongs to, if it knows of the worktree. Commits need to write there.
pub fn around(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let git = folder.join(".git");
    if let [common, own] = &pointed_at(&git)[..] {
        let back = fs::read_to_string(own.join("gitdir")).ok()?;
        let knows = Path::new(back.trim()).canonicalize().ok()? == git.canonicalize().ok()?;
        return knows.then(|| common.canonicalize().ok()).flatten();
    }
    if git.exists() {
        return None;
    }
    let above = folder
        .ancestors()
        .skip(1)
        .take_while(|above| Some(*above) != home);
    let mut found = above
        .map(|above| above.join(".git"))
        .filter(|git| git.join("HEAD").exists());
    let git = found.next()?;
    // Somebody else may have put it there: git asks the same of whom it belongs to.
    let is_ours = git.metadata().ok()?.uid() == folder.metadata().ok()?.uid();
    (is_ours && !git.is_symlink())
        .then(|| git.canonicalize().ok())
        .flatten()
}

/// Sets aside what would have git run programs in a repository that a command made. Says what that was, if there was anything.
/// `may_write` tells what commands can't have written, so that it is left alone: a new worktree may share an old repository.
pub fn disarm(git: &Path, mut may_write: impl FnMut(&Path) -> bool) -> Option<String> {
    let folders = match git.ancestors().any(is_git) {
        true if git.is_dir() => all_of(git),
        true => pointed_at(git),
        false => bare(git).into_iter().collect(),
    };
    let mut found = Vec::new();
    for folder in folders.iter().filter_map(|path| path.canonicalize().ok()) {
        if may_write(&folder) {
            allow(&folder);
        }
        let mut may = |name| may_write(&folder.join(name));
        if may("hooks") {
            found.extend(disarm_hooks(&folder.join("hooks")));
        }
        for name in ["config", "config.worktree"]
            .into_iter()
            .filter(|name| may(name))
        {
            found.extend(disarm_config(&folder.join(name)));
        }
        if may("commondir") {
            found.extend(disarm_common(&folder));
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

/// A folder with a HEAD, if git takes it for a repository.
fn bare(folder: &Path) -> Option<PathBuf> {
    let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
    let is_repository = has("commondir") || (has("objects") && has("refs"));
    is_repository.then(|| folder.to_path_buf())
}

/// A repository's folder, and those in it that are one for a submodule or a worktree.
fn all_of(git: &Path) -> Vec<PathBuf> {
    let (mut found, mut ahead) = match is_git(git) {
        true => {
            let within = ["modules", "worktrees"].map(|name| git.join(name));
            (vec![git.to_path_buf()], within.to_vec())
        }
        false => (Vec::new(), vec![git.to_path_buf()]),
    };
    while let Some(folder) = ahead.pop() {
        let has = |name: &str| folder.join(name).symlink_metadata().is_ok();
        let is_repository = has("config") || has("HEAD");
        let folders =
            entries(&folder).filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        // Branches may have any name.
        let is_data = |name: &OsStr| name == "refs" || name == "logs" || name == "objects";
        ahead.extend(
            folders
                .filter(|entry| !(is_repository && is_data(&entry.file_name())))
                .map(|entry| entry.path()),
        );
        found.push(folder);
    }
    found
}

fn disarm_hooks(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    if folder.is_symlink() {
        set_aside(folder);
        return vec!["hooks".to_string()];
    }
    for entry in entries(folder) {
        let path = entry.path();
        let runs = path
            .metadata()
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
        let is_sample = path
            .extension()
            .is_some_and(|end| end == "sample" || end == ASIDE);
        if runs && !is_sample {
            set_aside(&path);
            found.push(format!("hooks/{}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

/// What lies in a folder, from which a command may have taken the right to be read.
fn entries(folder: &Path) -> impl Iterator<Item = DirEntry> {
    let read = fs::read_dir(folder).or_else(|_| {
        allow(folder);
        fs::read_dir(folder)
    });
    read.into_iter().flatten().flatten()
}

/// Gives all rights to a folder's owner.
fn allow(folder: &Path) {
    // A link leads anywhere.
    if let Ok(metadata) = folder.symlink_metadata()
        && metadata.is_dir()
    {
        let mode = metadata.permissions().mode() | 0o700;
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(mode));
    }
}

/// The end of a name that was set aside.
const ASIDE: &str = "set-aside";

/// Gives it another name; what can't have one is removed.
fn set_aside(path: &Path) {
    let mut name = path.as_os_str().to_os_string();
    name.push(".");
    name.push(ASIDE);
    // A command may have taken the rights away.
    if let Some(folder) = path.parent() {
        allow(folder);
    }
    if path.is_symlink() || fs::rename(path, PathBuf::from(name)).is_err() {
        let _ = fs::remove_file(path);
    }
}

/// Only a worktree's own folder has it, where it names the repository that it lies in: gitrepository-layout(5).
fn disarm_common(folder: &Path) -> Option<String> {
    let file = folder.join("commondir");
    file.symlink_metadata().ok()?;
    let around = folder.parent().filter(|above| above.ends_with("worktrees"));
    let around = around.and_then(Path::parent);
    let named = common(folder).and_then(|common| common.canonicalize().ok());
    if around.is_some() && named.as_deref() == around && !file.is_symlink() {
        return None;
    }
    set_aside(&file);
    Some("commondir".to_string())
}

fn disarm_config(file: &Path) -> Vec<String> {
    if file.symlink_metadata().is_err() {
        return Vec::new();
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let text = bytes_of(file).filter(|_| !file.is_symlink());
    let cleaned = text.and_then(|text| without_programs(&text));
    let (kept, found) = cleaned.unwrap_or_else(|| (Vec::new(), vec![name.to_string()]));
    if !found.is_empty() {
        set_aside(file);
        // What could not be set aside is not written over: it may lead elsewhere.
        let _ = File::create_new(file).and_then(|mut new| new.write_all(&kept));
    }
    found
}

/// A configuration without the settings that name programs, and the names of those; `None` if it can't be read.
fn without_programs(text: &[u8]) -> Option<(Vec<u8>, Vec<String>)> {
    let (mut kept, mut found) = (Vec::new(), Vec::new());
    let mut at = 0;
    for entry in gitconfig::entries(text)? {
        if runs_programs(&entry) {
            kept.extend(&text[at..entry.span.start]);
            at = entry.span.end;
            found.push(format!("{}.{}", entry.section, entry.key));
        }
    }
    kept.extend(&text[at..]);
    Some((kept, found))
}

/// Settings that name a program, or a file with more settings: git-config(1).
fn runs_programs(entry: &Entry) -> bool {
    let key = entry.key.as_str();
    // What git-remote-ext(1) runs may stand wherever an address does.
    if entry.value.starts_with("ext::") || entry.subsection.starts_with("ext::") {
        return true;
    }
    match entry.section.as_str() {
        "core" => matches!(
            key,
            "fsmonitor"
                | "hookspath"
                | "sshcommand"
                | "pager"
                | "editor"
                | "gitproxy"
                | "askpass"
                | "alternaterefscommand"
        ),
        "remote" => matches!(key, "uploadpack" | "receivepack" | "vcs"),
        "submodule" => key == "update" && entry.value.starts_with('!'),
        "filter" | "lfs" => matches!(key, "clean" | "smudge" | "process" | "path"),
        "diff" => matches!(key, "external" | "command" | "textconv"),
        "merge" => key == "driver",
        "mergetool" | "difftool" | "guitool" | "browser" | "man" => matches!(key, "cmd" | "path"),
        "gpg" => matches!(key, "program" | "defaultkeycommand"),
        "credential" => key == "helper",
        _ if includes(entry) => true,
        "sequence" => key == "editor",
        "interactive" => key == "difffilter",
        "delta" => key == "pager",
        "trailer" => matches!(key, "command" | "cmd"),
        "uploadpack" => key == "packobjectshook",
        "gc" => key == "recentobjectshook",
        "tar" => key == "command",
        "instaweb" => key == "httpd",
        "imap" => key == "tunnel",
        "svn" => key == "authorsprog",
        "init" => key == "templatedir",
        "protocol" => key == "allow",
        // An alias may bring settings of its own.
        "alias" | "hook" | "pager" | "sendemail" => true,
        _ => false,
    }
}
