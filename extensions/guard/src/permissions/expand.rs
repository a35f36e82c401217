//! The files that a glob stands for, for rules that refuse.
//!
//! The idea: folder by folder, as bash does it; hidden names fit only what begins with a dot.
//! The invariant: at most [`MAX_ENTRIES`] names are looked at, so that no glob takes long.
//! Left out: classes such as `[[:alpha:]]`, and the options of bash that change globs.

use std::fs;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};

const MAX_ENTRIES: usize = 10_000;
const SIGNS: [char; 3] = ['*', '?', '['];

/// What is there that fits `text`, from `cwd` on; nothing when there is no glob in it.
pub fn expand(text: &str, cwd: &Path) -> Vec<PathBuf> {
    if !text.contains(SIGNS) {
        return Vec::new();
    }
    let mut budget = MAX_ENTRIES;
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
                    .flat_map(|folder| entries(folder, &glob, hidden, &mut budget))
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
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let Some(left) = budget.checked_sub(1) else {
            break;
        };
        *budget = left;
        let name = entry.file_name();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        if (hidden || !is_hidden) && glob.is_match(&name) {
            found.push(folder.join(name));
        }
    }
    found
}
