//! `AGENTS.md` and its kin: the user's own, then one for each folder from the project's root to the working directory.
//!
//! The names and their order are those of <https://agents.md> and of Codex (the global one, overrides, 32 KiB in all), with
//! `CLAUDE.md` and its `@path` imports where there is no `AGENTS.md`. The deepest is served first when room is short, and
//! stands last, so that it wins; what a file imports stands before it for the same reason. Each piece of text is served
//! once. A project that is not trusted shows nothing from outside of itself, whatever its symlinks say: what is read here
//! goes to a model that somebody else runs.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::file::{self, Content, shown};
use crate::front::problem;
use crate::mentions::mentions;
use crate::places::{Places, resolved};

/// How much of all files together is told, in bytes; Codex has the same bound.
pub const LIMIT: usize = 32 * 1024;
/// How many `@` are looked at in all, so that a file made of them costs no time and names no end of files.
pub(crate) const MENTIONS: usize = 500;

const NAMES: [&str; 4] = [
    "AGENTS.override.md",
    "AGENTS.md",
    "CLAUDE.md",
    ".claude/CLAUDE.md",
];

/// What the model is told from the beginning.
#[derive(Debug, Default)]
pub struct Instructions {
    /// The files' text, each under a heading that names its path; empty if there are none.
    pub text: String,
    /// The files that are in it, in the same order.
    pub files: Vec<PathBuf>,
    /// What could not be used, and why.
    pub problems: Vec<String>,
    /// Files outside of the project that it would have shown if it were trusted.
    pub refused: Vec<PathBuf>,
}

/// Reads the instructions. They need no trust, but what they import from outside of the project does.
pub fn instructions(places: &Places) -> Instructions {
    let mut reader = Reader {
        places,
        root: resolved(&places.root),
        room: LIMIT,
        mentions: MENTIONS,
        seen: HashSet::new(),
        told: Instructions::default(),
    };
    let mut sources = Vec::from_iter(reader.global());
    for folder in places.folders() {
        let names = NAMES.map(|name| folder.join(name));
        sources.extend(reader.first(&names, false));
    }
    // One file under two names, such as a symlink, is the deeper one. None of them is imported again.
    sources.reverse();
    sources.retain(|source| reader.seen.insert(source.real.clone()));
    let mut sections: Vec<Vec<Section>> = Vec::new();
    for source in sources {
        sections.push(reader.serve(source));
    }
    for section in sections.into_iter().rev().flatten() {
        reader.told.add(section);
    }
    reader.told
}

/// A file whose text is to be told.
pub(crate) struct Source {
    /// As it was named.
    pub path: PathBuf,
    /// Without symlinks.
    pub real: PathBuf,
    pub content: Content,
    /// The file that imports it.
    pub by: Option<PathBuf>,
    /// How many imports lead to it.
    pub depth: usize,
    /// Whether it may import what is not in the project.
    pub may_leave: bool,
}

struct Section {
    path: PathBuf,
    by: Option<PathBuf>,
    text: String,
    /// How many bytes did not fit.
    left_out: u64,
}

pub(crate) struct Reader<'a> {
    pub places: &'a Places,
    /// The project's root without symlinks.
    pub root: PathBuf,
    /// How many bytes may still be told.
    pub room: usize,
    /// How many mentions may still be looked at.
    pub mentions: usize,
    /// Files that are told, without symlinks.
    pub seen: HashSet<PathBuf>,
    pub told: Instructions,
}

impl Reader<'_> {
    /// The user's own for all projects.
    fn global(&mut self) -> Option<Source> {
        let Places { home, data, .. } = self.places;
        let mut paths = Vec::new();
        if let Some(data) = data {
            paths.extend([data.join(NAMES[0]), data.join(NAMES[1])]);
        }
        paths.extend(home.iter().map(|home| home.join(".claude/CLAUDE.md")));
        self.first(&paths, true)
    }

    /// The first of these files that says something.
    fn first(&mut self, paths: &[PathBuf], is_global: bool) -> Option<Source> {
        let may_leave = is_global || self.places.trusted;
        for path in paths {
            let Some(real) = self.find(path) else {
                continue;
            };
            if !may_leave && self.is_outside(&real) {
                self.refuse(path, real);
                continue;
            }
            match file::read(&real, LIMIT) {
                Ok(content) if content.text.trim().is_empty() => {}
                Ok(content) => {
                    return Some(Source {
                        path: path.clone(),
                        real,
                        content,
                        by: None,
                        depth: 0,
                        may_leave,
                    });
                }
                Err(error) if file::is_missing(&error) => {}
                Err(error) => self.told.problems.push(problem(path, &error)),
            }
        }
        None
    }

    /// Where a path leads, if anywhere; that it can't be followed is a problem.
    fn find(&mut self, path: &Path) -> Option<PathBuf> {
        match fs::canonicalize(path) {
            Ok(real) => Some(real),
            Err(error) => {
                if !file::is_missing(&error) {
                    self.told.problems.push(problem(path, &error));
                }
                None
            }
        }
    }

    /// The sections of a file: what it imports, and itself. Its own text takes the room first.
    fn serve(&mut self, source: Source) -> Vec<Section> {
        let told = beginning(&source.content, self.room);
        self.room -= told.len();
        let left_out = source.content.length().saturating_sub(told.len() as u64);
        if left_out > 0 {
            let reason = format!(
                "its last {left_out} bytes are left out, because only {LIMIT} fit in all; shorten it"
            );
            self.told.problems.push(problem(&source.path, &reason));
        }
        let folder = source.path.parent().unwrap_or(&source.path);
        let mut sections = Vec::new();
        for mention in mentions(told, folder, self.places.home.as_deref()) {
            let imported = self.import(&source, &mention);
            sections.extend(imported.into_iter().flat_map(|it| self.serve(it)));
        }
        sections.push(Section {
            text: told.to_string(),
            left_out,
            path: source.path,
            by: source.by,
        });
        sections
    }
}

impl Instructions {
    fn add(&mut self, section: Section) {
        let Section { path, by, .. } = &section;
        let name = shown(path);
        let by = by.as_ref().map(|by| format!(", imported by {}", shown(by)));
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let by = by.unwrap_or_default();
        self.text += &format!("{gap}# Instructions from {name}{by}\n");
        if !section.text.is_empty() {
            self.text += &format!("\n{}\n", section.text);
            self.files.push(path.clone());
        }
        if section.left_out > 0 {
            let left_out = section.left_out;
            self.text += &format!(
                "\n[{left_out} bytes more are left out here: read {name} if you need them]\n"
            );
        }
    }
}

/// As many whole lines as fit. Only a file with all the room to itself is cut within its first line.
fn beginning(content: &Content, room: usize) -> &str {
    let text = content.text.trim_end();
    if content.is_whole && text.len() <= room {
        return text;
    }
    let fits = &content.text[..content.text.floor_char_boundary(room)];
    match fits.rfind('\n') {
        Some(end) => fits[..end].trim_end(),
        None if room == LIMIT => fits,
        None => "",
    }
}
