//! The catalogue: what the model is told of the skills before it needs one.
//!
//! It is part of every request, so it has a bound. With many skills the descriptions get shorter, then go, and at last the
//! skills that do not fit are only counted; the path stays as long as it can, for without it a skill can't be read.

use crate::file::shown;
use crate::skills::{DESCRIPTION, Skill, Skills, shortened};

/// How long the catalogue may be, in bytes: some 2,000 tokens of every request.
const CATALOGUE: usize = 8 * 1024;

const INTRODUCTION: &str = "# Skills\n\n\
    A skill is a file that tells how one kind of task is done here. Before you work on a task that one of these fits, \
    read its file with read_file and follow it. Relative paths in it start at the file's folder.\n\n";

impl Skills {
    /// What the system prompt says of the skills; empty without any. At most 8 KiB: with many, descriptions are shortened,
    /// then left out, and at last the skills that do not fit are only counted.
    pub fn catalogue(&self) -> String {
        let told = self.list.iter().filter(|skill| skill.is_for_model);
        let told: Vec<&Skill> = told.collect();
        if told.is_empty() {
            return String::new();
        }
        let all = |length| -> String {
            let lines = told.iter().map(|skill| skill.line(length));
            INTRODUCTION.to_string() + &lines.collect::<String>()
        };
        let fits = |text: &String| text.len() <= CATALOGUE;
        let mut lengths = [DESCRIPTION, 400, 200, 100, 0].into_iter().map(all);
        lengths.find(fits).unwrap_or_else(|| beginning(&told))
    }
}

/// As many names as fit, and how many do not.
fn beginning(told: &[&Skill]) -> String {
    let rest = |count: usize| format!("- and {count} more in such folders\n");
    let mut text = INTRODUCTION.to_string();
    for (index, skill) in told.iter().enumerate() {
        let line = skill.line(0);
        let rest = rest(told.len() - index);
        if text.len() + line.len() + rest.len() > CATALOGUE {
            return text + &rest;
        }
        text += &line;
    }
    text
}

impl Skill {
    /// Its line in the catalogue, with at most `length` characters of its description.
    fn line(&self, length: usize) -> String {
        let (name, path) = (&self.name, shown(&self.file));
        match shortened(&self.description, length).as_str() {
            "" | "…" => format!("- {name} ({path})\n"),
            description => format!("- {name}: {description} ({path})\n"),
        }
    }
}
