//! Skills: folders with a `SKILL.md` that tells how one kind of task is done (<https://agentskills.io/specification>).
//!
//! At the start only names and descriptions are read, 16 KiB of each file at most. The model is told of them in a catalogue
//! of bounded size and reads a skill with `read_file` when a task fits it; the user sends one with `/name`. Of one name the
//! deepest wins: a project's over the user's, and `.corecoder` over `.agents` over `.claude` in the same folder.
//!
//! Left out: `allowed-tools`, `model`, `context` and `hooks` of the front matter, which other programs act on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments;
use crate::file::{self, shown};
use crate::front::{self, Head, problem};
use crate::places::Places;

pub(crate) const SKILLS: [&str; 3] = [".claude/skills", ".agents/skills", ".corecoder/skills"];
const FILE: &str = "SKILL.md";
/// How many entries of one folder are looked at.
const ENTRIES: usize = 500;
/// The specification's bound of a name, in characters.
const NAME: usize = 64;
/// The specification's bound of a description, in characters; what is longer is cut.
pub(crate) const DESCRIPTION: usize = 1024;
/// A skill, of which only the front matter was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Skill {
    /// One word of at most 64 characters, as it is typed after `/`.
    pub name: String,
    /// What it is for, on one line of at most 1024 characters; empty if the file does not say.
    pub description: String,
    /// What the user may type after the name (`argument-hint`), or empty.
    pub hint: String,
    /// Its `SKILL.md`.
    pub file: PathBuf,
    /// Whether the model is told of it; `disable-model-invocation: true` denies it.
    pub is_for_model: bool,
    /// Whether the user may call it; `user-invocable: false` denies it.
    pub is_for_user: bool,
}

/// All skills that count here.
#[derive(Debug, Default)]
pub struct Skills {
    /// Sorted by name.
    pub list: Vec<Skill>,
    /// What could not be used, and why.
    pub problems: Vec<String>,
}

/// Finds the skills of the user and, if it is trusted, of the project.
pub fn skills(places: &Places) -> Skills {
    let (mut found, mut problems) = (BTreeMap::new(), Vec::new());
    for source in places.sources(&SKILLS, "skills") {
        for folder in folders(&source, &mut problems) {
            let read = read(&folder, &mut problems);
            found.extend(read.map(|skill| (skill.name.clone(), skill)));
        }
    }
    Skills {
        list: found.into_values().collect(),
        problems,
    }
}

/// What is in a folder of skills, sorted, so that of two with one name it is always the same that wins.
fn folders(source: &Path, problems: &mut Vec<String>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(source) {
        Ok(entries) => entries,
        Err(error) => {
            if source.exists() || !file::is_missing(&error) {
                problems.push(problem(source, &error));
            }
            return Vec::new();
        }
    };
    let entries = entries.flatten().take(ENTRIES + 1);
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    if folders.len() > ENTRIES {
        let reason = format!("only {ENTRIES} entries of it are looked at");
        problems.push(problem(source, &reason));
        folders.truncate(ENTRIES);
    }
    folders.sort();
    folders
}

fn read(folder: &Path, problems: &mut Vec<String>) -> Option<Skill> {
    let file = folder.join(FILE);
    if fs::symlink_metadata(&file).is_err() {
        return None;
    }
    let head = Head::read(&file).map_err(|problem| problems.push(problem));
    let head = head.ok()?;
    let names = [head.get("name"), folder_name(folder)];
    let mut names = names.into_iter().flatten();
    let name = names.find(|name| {
        let fits = is_word(name);
        if !fits {
            let reason = format!(
                "the name {name:?} can't be typed as one word; a name has up to {NAME} lowercase letters, digits and hyphens"
            );
            problems.push(problem(&file, &reason));
        }
        fits
    })?;
    let description = head.get("description").or_else(|| paragraph(&head.opening));
    Some(Skill {
        name,
        description: shortened(&description.unwrap_or_default(), DESCRIPTION),
        hint: head.get("argument-hint").unwrap_or_default(),
        is_for_model: !head.says("disable-model-invocation", "true"),
        is_for_user: !head.says("user-invocable", "false"),
        file,
    })
}

fn folder_name(folder: &Path) -> Option<String> {
    let name = folder.file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// Whether a name can be typed after `/`. Capitals and underscores are common, though the specification has neither.
pub(crate) fn is_word(name: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
    !name.is_empty() && name.chars().count() <= NAME && name.chars().all(is_letter)
}

/// The first paragraph of Markdown that is not a heading.
fn paragraph(markdown: &str) -> Option<String> {
    let is_text = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let lines = markdown.lines().skip_while(|line| !is_text(line));
    let lines: Vec<&str> = lines.take_while(is_text).collect();
    let text = front::one_line(&lines.join(" "));
    (!text.is_empty()).then_some(text)
}

/// At most `length` characters.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        None => text.to_string(),
        Some(_) => {
            let kept: String = text.chars().take(length.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

impl Skill {
    /// The message that the user's `/name args` sends: the body with `args` in it, and where its relative paths start.
    /// Reads the file now; the error names it and says what is wrong.
    pub fn invoke(&self, args: &str) -> Result<String, String> {
        let folder = shown(self.file.parent().unwrap_or(&self.file));
        let body = front::body(&self.file)?;
        let name = &self.name;
        let text = arguments::fill(&body, args).replace("${CLAUDE_SKILL_DIR}", &folder);
        Ok(format!(
            "Follow the skill {name}. Relative paths in it start at {folder}.\n\n{text}"
        ))
    }
}

impl Skills {
    /// The skill that the user calls by this name.
    pub fn find(&self, name: &str) -> Option<&Skill> {
        let mut callable = self.list.iter().filter(|skill| skill.is_for_user);
        callable.find(|skill| skill.name == name)
    }
}
