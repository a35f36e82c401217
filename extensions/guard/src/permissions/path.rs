//! Paths of calls, and patterns for them.
//!
//! The idea: a pattern is a line of a gitignore file. `src/**` and `/src` stand below the
//! project's root, `~/x` below the home, `//x` below `/`, and `*.md` anywhere in the project.
//! The invariant: a path is looked at as it is written and as the kernel would follow it;
//! what allows must hold for both, what refuses for either.
//! Left out: hard links, and file systems that take `A` for `a`.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use bstr::ByteVec;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::os::unix::ffi::OsStringExt;

/// How many links are followed; Linux stops at as many (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Longer paths can't be opened, in bytes: Linux takes 4096 (PATH_MAX) from a folder that is
/// named with as many.
const MAX_LENGTH: usize = 8192;

/// A path that a call may mean.
pub struct Place {
    /// Absolute, without `.` and `..`.
    pub written: PathBuf,
    /// Where it leads; `None` when its links never end.
    pub real: Option<PathBuf>,
}

impl Place {
    fn new(path: &Path) -> Place {
        Place {
            written: tidy(path),
            real: follow(path),
        }
    }

    /// What `text` may mean to a tool that works in `cwd`: the tools also take a path whose
    /// odd letters are written as escapes, such as `\x2e`. Empty when no such path can be.
    pub fn all(text: &str, cwd: &Path) -> Vec<Place> {
        let mut paths = vec![cwd.join(text)];
        if text.contains('\\') {
            let unescaped = OsString::from_vec(Vec::unescape_bytes(text));
            paths.push(cwd.join(unescaped));
        }
        paths.retain(|path| path.as_os_str().len() <= MAX_LENGTH);
        paths.iter().map(|path| Place::new(path)).collect()
    }
}

/// Takes `.` and `..` out, without a look at the disk.
fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::from("/");
    for component in path.components() {
        match component {
            Component::Normal(name) => tidy.push(name),
            Component::ParentDir => _ = tidy.pop(),
            _ => {}
        }
    }
    tidy
}

/// Where the kernel would arrive. A link to nothing leads to what would be made there.
pub fn follow(path: &Path) -> Option<PathBuf> {
    let part = |component: Component| component.as_os_str().to_owned();
    let mut rest: VecDeque<OsString> = path.components().map(part).collect();
    let mut real = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            real.pop();
        } else if name == "/" {
            real = PathBuf::from("/");
        } else if name != "." {
            real.push(name);
            let Ok(target) = fs::read_link(&real) else {
                continue;
            };
            links += 1;
            if links > MAX_LINKS {
                return None;
            }
            real.pop();
            for component in target.components().rev().map(part) {
                rest.push_front(component);
            }
        }
    }
    Some(real)
}

/// A pattern that is ready to be compared.
#[derive(Clone, Debug)]
pub struct PathPattern {
    /// The folder below which it stands, as given and as it really is.
    bases: [PathBuf; 2],
    lines: Gitignore,
}

impl PathPattern {
    /// Says why a pattern can't be used.
    pub fn check(pattern: &str) -> Result<(), String> {
        let why = |error| format!("the pattern {pattern:?} can't be read: {error}");
        match pattern.starts_with('!') {
            true => Err(why("a pattern can't begin with !".to_owned())),
            false => compile(pattern).map(drop).map_err(why),
        }
    }

    /// `None` when it stands below a home that is not known.
    pub fn new(pattern: &str, root: &Path, home: Option<&Path>) -> Option<PathPattern> {
        let mut base = root.to_owned();
        let below_root = root.to_str().and_then(|root| {
            let rest = pattern.strip_prefix(root)?;
            (rest.is_empty() || rest.starts_with('/') && root != "/").then_some(rest)
        });
        let line = if let Some(rest) = pattern.strip_prefix("//") {
            base = PathBuf::from("/");
            format!("/{rest}")
        } else if let Some(rest) = pattern.strip_prefix("~/") {
            base = home?.to_owned();
            format!("/{rest}")
        } else if let Some(rest) = below_root {
            format!("/{}", rest.trim_start_matches('/'))
        } else {
            let mut rest = pattern;
            while let Some(above) = rest.strip_prefix("../") {
                base.pop();
                rest = above;
            }
            match rest.strip_prefix("./") {
                Some(rest) => format!("/{rest}"),
                None if rest.len() < pattern.len() => format!("/{rest}"),
                None => pattern.to_owned(),
            }
        };
        let line = if line == "/" { "/**" } else { &line };
        let bases = [tidy(&base), follow(&base)?];
        let lines = compile(line).ok()?;
        Some(PathPattern { bases, lines })
    }

    /// Whether each path that may be meant is inside, as written and really.
    pub fn covers(&self, places: &[Place]) -> bool {
        let real = |place: &Place| place.real.as_ref().is_some_and(|real| self.has(real));
        let covered = |place: &Place| self.has(&place.written) && real(place);
        !places.is_empty() && places.iter().all(covered)
    }

    /// Whether any path that may be meant is inside, or is a folder whose whole content is.
    pub fn touches(&self, places: &[Place]) -> bool {
        // No file has this name, so only a pattern that takes every file takes it.
        let any_file = |path: &Path| path.join("\u{1}");
        let touched = |path: &PathBuf| self.has(path) || self.has(&any_file(path));
        places
            .iter()
            .any(|place| touched(&place.written) || place.real.as_ref().is_some_and(touched))
    }

    fn has(&self, path: &Path) -> bool {
        let below = self
            .bases
            .iter()
            .find_map(|base| path.strip_prefix(base).ok());
        below.is_some_and(|below| {
            let found = self.lines.matched_path_or_any_parents(below, false);
            found.is_ignore()
        })
    }
}

fn compile(line: &str) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new("");
    // A pattern is never a comment.
    let line = match line.starts_with('#') {
        true => &format!("\\{line}"),
        false => line,
    };
    let added = builder.add_line(None, line).map(drop);
    let lines = added.and_then(|()| builder.build());
    lines.map_err(|error| error.to_string())
}
