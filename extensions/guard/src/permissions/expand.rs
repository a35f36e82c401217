//! The files that a glob stands for, for rules that refuse.
//!
//! The idea: folder by folder, as bash does it; hidden names fit only what begins with a dot.
//! The invariant: each folder and name costs one of `budget`, so that no line takes long.
//! Left out: classes such as `[[:alpha:]]`, and the options of bash that change globs.

use std::fs;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};

const SIGNS: [char; 3] = ['*', '?', '['];

/// What is there that fits `text`, from `cwd` on; nothing when there is no glob in it.
pub fn expand(text: &str, cwd: &Path, budget: &mut usize) -> Vec<PathBuf> {
    if !text.contains(SIGNS) {
        return Vec::new();
    }
    let mut found = vec![cwd.to_owned()];
    for component in Path::new(text).components() {
        let name = component.as_os_str().to_string_lossy();
        match component {
            Component::Normal(_) if name.contains(SIGNS) => {
                let Some(glob) = matcher(&name) else {
                    return Vec::new();
                };
                let hidden = name.starts_with('.');
                let inside = found.iter();
                found = inside
                    .flat_map(|folder| entries(folder, &glob, hidden, budget))
                    .collect();
            }
            _ => found.iter_mut().for_each(|path| path.push(component)),
        }
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    found
}

fn matcher(name: &str) -> Option<GlobMatcher> {
    let text = name.replace('{', "[{]").replace('}', "[}]");
    Glob::new(&text).ok().map(|glob| glob.compile_matcher())
}

fn entries(folder: &Path, glob: &GlobMatcher, hidden: bool, budget: &mut usize) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Some(entries) = spend(budget).and_then(|()| fs::read_dir(folder).ok()) else {
        return found;
    };
    for entry in entries.flatten() {
        if spend(budget).is_none() {
            break;
        }
        let name = entry.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if (hidden || !is_hidden) && glob.is_match(&name) {
            found.push(folder.join(name));
        }
    }
    found
}

/// Takes one off; `None` when nothing is left.
pub fn spend(budget: &mut usize) -> Option<()> {
    *budget = budget.checked_sub(1)?;
    Some(())
}
