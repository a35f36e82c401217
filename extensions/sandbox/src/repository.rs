//! What in a repository says which programs git runs: gitrepository-layout(5), git-config(1).
//!
//! In a repository that was there before, that is not changed. One that a command makes is its own while it runs, or nobody
//! could clone; what would have git run programs is set aside when the command ends.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::borders::Change;
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
    let text = fs::read_to_string(git).unwrap_or_default();
    let Some(pointed) = text.trim().strip_prefix("gitdir:") else {
        return Vec::new();
    };
    let folder = git.parent().unwrap_or(Path::new("/")).join(pointed.trim());
    let common = fs::read_to_string(folder.join("commondir")).ok();
    let common = common.map(|common| folder.join(common.trim()));
    common.into_iter().chain([folder]).collect()
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
pub fn disarm(git: &Path) -> Option<String> {
    let folders = match git.is_dir() {
        true => vec![git.to_path_buf()],
        false => pointed_at(git),
    };
    let mut found = Vec::new();
    for folder in folders {
        found.extend(disarm_hooks(&folder.join("hooks")));
        for name in ["config", "config.worktree"] {
            found.extend(disarm_config(&folder.join(name)));
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

fn disarm_hooks(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    if folder.is_symlink() {
        let _ = fs::remove_file(folder);
        found.push("hooks".to_string());
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let runs = path
            .metadata()
            .is_ok_and(|file| file.permissions().mode() & 0o111 != 0);
        let is_sample = path
            .extension()
            .is_some_and(|end| end == "sample" || end == ASIDE);
        if runs && !is_sample {
            let _ = fs::rename(&path, with_end(&path));
            found.push(format!("hooks/{}", entry.file_name().to_string_lossy()));
        }
    }
    found
}

/// The end of a name that was set aside.
const ASIDE: &str = "set-aside";

fn with_end(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(".");
    name.push(ASIDE);
    name.into()
}

fn disarm_config(file: &Path) -> Vec<String> {
    if file.is_symlink() {
        let _ = fs::remove_file(file);
        return vec!["config".to_string()];
    }
    let Ok(text) = fs::read(file) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&text);
    let (kept, found) = without_programs(&text);
    if !found.is_empty() {
        // What can't be cleaned is not left where git reads it.
        let moved = fs::rename(file, with_end(file));
        let _ = moved.and_then(|()| fs::write(file, kept));
    }
    found
}

/// A configuration without the lines that name programs, and the names of those.
fn without_programs(text: &str) -> (String, Vec<String>) {
    let (mut kept, mut found) = (String::new(), Vec::new());
    let mut section = String::new();
    let mut goes_on = false;
    for line in text.lines() {
        let drops_more = std::mem::replace(&mut goes_on, false);
        if drops_more {
            goes_on = line.ends_with('\\');
            continue;
        }
        let mut rest = line.trim();
        if let Some(head) = rest.strip_prefix('[') {
            let (name, after) = head.rsplit_once(']').unwrap_or((head, ""));
            section = name
                .split(['"', '.'])
                .next()
                .unwrap_or("")
                .trim()
                .to_lowercase();
            rest = after.trim();
        }
        let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
        let key = key.trim().to_lowercase();
        if runs_programs(&section, &key, value.trim()) {
            found.push(format!("{section}.{key}"));
            goes_on = line.ends_with('\\');
            if line.trim_start().starts_with('[') {
                kept += line.split_inclusive(']').next().unwrap_or("");
                kept.push('\n');
            }
            continue;
        }
        kept += line;
        kept.push('\n');
    }
    (kept, found)
}

/// Settings that name a program, or a file with more settings: git-config(1).
fn runs_programs(section: &str, key: &str, value: &str) -> bool {
    let value = value.trim_matches('"').trim_start();
    match section {
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
        "remote" => {
            matches!(key, "uploadpack" | "receivepack" | "vcs")
                || (key.ends_with("url") && value.starts_with("ext::"))
        }
        "submodule" => key == "update" && value.starts_with('!'),
        "alias" => value.starts_with('!'),
        "filter" => matches!(key, "clean" | "smudge" | "process"),
        "diff" => matches!(key, "external" | "command" | "textconv"),
        "merge" => key == "driver",
        "mergetool" | "difftool" | "browser" | "man" => matches!(key, "cmd" | "path"),
        "gpg" => key == "program",
        "credential" => key == "helper",
        "include" | "includeif" => key == "path",
        "sequence" => key == "editor",
        "interactive" => key == "difffilter",
        "trailer" => matches!(key, "command" | "cmd"),
        "uploadpack" => key == "packobjectshook",
        "protocol" => key == "allow",
        "pager" | "sendemail" => true,
        _ => false,
    }
}
