//! `glob`: files by name, the newest first.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use async_trait::async_trait;
use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;
use serde_json::Value;

use super::{Effect, Spec, Tool, text};
use crate::files::shown;
use crate::kit::Kit;
use crate::prompt;

/// The most files in an answer.
const FILES: usize = 100;

pub struct Glob;

#[async_trait]
impl Tool for Glob {
    fn spec(&self) -> Spec {
        prompt::glob()
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let (root, walk) = folder(args["path"].as_str(), kit)?;
        let matcher = pattern(text(&args, "pattern"), &root)?;
        let cwd = kit.files.cwd();
        let found = move || newest_first(&walk, &root, &matcher, &cwd);
        tokio::task::spawn_blocking(found)
            .await
            .map_err(|error| format!("the search broke off: {error}"))
    }
}

fn newest_first(walk: &WalkBuilder, root: &Path, matcher: &GlobMatcher, cwd: &Path) -> String {
    let mut unreadable = 0;
    let mut files: Vec<(Reverse<Option<SystemTime>>, PathBuf)> = Vec::new();
    for entry in walk.build() {
        let Ok(entry) = entry else {
            unreadable += 1;
            continue;
        };
        let inside = inside(entry.path(), root);
        if entry.file_type().is_some_and(|kind| !kind.is_dir()) && matcher.is_match(inside) {
            let found = entry.metadata().ok();
            let time = found.and_then(|found| found.modified().ok());
            files.push((Reverse(time), entry.into_path()));
        }
    }
    files.sort();
    let mut out: String = files
        .iter()
        .take(FILES)
        .map(|(_, path)| shown(inside(path, cwd)) + "\n")
        .collect();
    if files.is_empty() {
        out += "No files match. Hidden and .gitignored files are not searched; a pattern without / matches in every folder.\n";
    }
    if files.len() > FILES {
        out += &format!(
            "[the newest {FILES} of {} files; narrow the pattern to see others]\n",
            files.len()
        );
    }
    out + &skipped(unreadable)
}

/// The folder or file to search in, and the walk that `glob` and `grep` share: `.gitignore` respected (in a repository
/// or not), nothing hidden, no links followed, and nothing that the shell hides.
pub(super) fn folder(path: Option<&str>, kit: &Kit) -> Result<(PathBuf, WalkBuilder), String> {
    let root = match path {
        None | Some("" | ".") => kit.files.cwd(),
        Some(path) => kit.files.resolve(path)?,
    };
    let name = shown(&root);
    let root = root
        .canonicalize()
        .map_err(|_| format!("the path {name} does not exist"))?;
    let hidden = kit.shell.hidden();
    if hidden.iter().any(|path| root.starts_with(path)) {
        return Err(format!("{name} is kept from you"));
    }
    let mut walk = WalkBuilder::new(&root);
    walk.require_git(false);
    walk.filter_entry(move |entry| !hidden.iter().any(|path| entry.path() == path));
    Ok((root, walk))
}

/// Matches paths relative to `root`: without a slash in every folder, as in `.gitignore`.
pub(super) fn pattern(pattern: &str, root: &Path) -> Result<GlobMatcher, String> {
    let inside = Path::new(pattern)
        .strip_prefix(root)
        .ok()
        .and_then(Path::to_str);
    let inside = inside.unwrap_or(pattern).trim_start_matches("./");
    if inside.starts_with(['/', '~']) || inside.split('/').any(|part| part == "..") {
        return Err(format!(
            "the pattern {pattern:?} leaves the folder: give the folder as `path`, and a pattern inside it"
        ));
    }
    let anywhere = if inside.contains('/') {
        inside.to_string()
    } else {
        format!("**/{inside}")
    };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| format!("the pattern is not valid: {error}"))
}

/// A path relative to the folder; a file that is itself searched keeps its name, which patterns look at.
pub(super) fn inside<'a>(path: &'a Path, folder: &Path) -> &'a Path {
    let inside = path.strip_prefix(folder).ok();
    inside
        .filter(|inside| *inside != Path::new(""))
        .unwrap_or(path)
}

pub(super) fn skipped(unreadable: usize) -> String {
    match unreadable {
        0 => String::new(),
        _ => format!("[{unreadable} places could not be read and were skipped]\n"),
    }
}
