//! Commands: prompts that the user keeps as Markdown files and sends with `/name args`.
//!
//! `commands/frontend/test.md` is `/frontend:test`. Of one name the deepest wins: a project's over the user's, and
//! `.corecoder` over `.claude` in the same folder.
//!
//! Left out: `` !`command` `` in the text, which other programs run before the model sees it; here the model reads it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::arguments;
use crate::file;
use crate::front::{self, Head, problem};
use crate::places::Places;
use crate::skills::{is_word, shortened};

pub(crate) const COMMANDS: [&str; 2] = [".claude/commands", ".corecoder/commands"];
/// How many folders deep commands are looked for.
const DEPTH: usize = 8;
/// How many entries of one folder, with those in it, are looked at.
const ENTRIES: usize = 1000;
/// How long a description is shown, in characters.
const DESCRIPTION: usize = 200;

/// A command, of which only the front matter was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// One word, as it is typed after `/`; folders stand before it with a colon.
    pub name: String,
    /// What it does, on one line of at most 200 characters; the first line of the text if the front matter does not say.
    pub description: String,
    /// What the user may type after the name (`argument-hint`), or empty.
    pub hint: String,
    pub file: PathBuf,
}

/// All commands that count here.
#[derive(Debug, Default)]
pub struct Commands {
    /// Sorted by name.
    pub list: Vec<Command>,
    /// What could not be used, and why.
    pub problems: Vec<String>,
}

/// Finds the commands of the user and, if it is trusted, of the project.
pub fn commands(places: &Places) -> Commands {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    for source in places.sources(&COMMANDS, "commands") {
        for file in files(&source, &mut problems) {
            match read(&source, file) {
                Ok(command) => drop(found.insert(command.name.clone(), command)),
                Err(problem) => problems.push(problem),
            }
        }
    }
    Commands {
        list: found.into_values().collect(),
        problems,
    }
}

/// The Markdown files in a folder, sorted. A symlink that leads back is one problem, not an endless walk.
fn files(source: &Path, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let walk = WalkDir::new(source).follow_links(true).max_depth(DEPTH);
    let mut files = Vec::new();
    for (count, entry) in walk.sort_by_file_name().into_iter().enumerate() {
        if count > ENTRIES {
            let reason = format!("only {ENTRIES} entries of it are looked at");
            problems.push(problem(source, &reason));
            break;
        }
        match entry {
            Ok(entry) => {
                let is_command = entry.path().extension().is_some_and(|end| end == "md");
                if is_command && entry.depth() > 0 && !entry.file_type().is_dir() {
                    files.push(entry.into_path());
                }
            }
            Err(error) if error.io_error().is_some_and(file::is_missing) => {}
            Err(error) => {
                let path = error.path().unwrap_or(source).to_path_buf();
                problems.push(problem(&path, &front::one_line(&error.to_string())));
            }
        }
    }
    files
}

fn read(source: &Path, file: PathBuf) -> Result<Command, String> {
    let within = file.strip_prefix(source).unwrap_or(&file);
    let parts = within.with_extension("");
    let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy()).collect();
    if let Some(part) = parts.iter().find(|part| !is_word(part)) {
        let reason = format!("{part:?} can't be typed in one word; rename it");
        return Err(problem(&file, &reason));
    }
    let head = Head::read(&file)?;
    let first = head.opening.lines().find(|line| !line.trim().is_empty());
    let first = first.map(|line| front::one_line(line.trim_start_matches('#')));
    let description = head.get("description").or(first).unwrap_or_default();
    Ok(Command {
        name: parts.join(":"),
        description: shortened(&description, DESCRIPTION),
        hint: head.get("argument-hint").unwrap_or_default(),
        file,
    })
}

impl Command {
    /// The message that the user's `/name args` sends: the text with `args` in it, or after it if it has no place for
    /// them. Reads the file now; the error names it and says what is wrong.
    pub fn invoke(&self, args: &str) -> Result<String, String> {
        Ok(arguments::fill(&front::body(&self.file)?, args))
    }
}

impl Commands {
    /// The command with this name.
    pub fn find(&self, name: &str) -> Option<&Command> {
        self.list.iter().find(|command| command.name == name)
    }
}
