//! What instructions import with `@path`: the rules of whether they may.
//!
//! A file is told once, at most five files deep, and a file of the project may name what is outside of it only if the
//! project is trusted. Most mentions of what is not there are people and packages, so only those that end in `.md`, or that
//! do name a file which then can't be read, are worth a word to the user.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::file::{self, Content, shown};
use crate::front::problem;
use crate::instructions::{LIMIT, MENTIONS, Reader, Source};
use crate::mentions::Mention;

/// How far imports are followed from the file that is not imported itself; the same as Claude Code's.
const DEPTH: usize = 5;

impl Reader<'_> {
    /// The file that a mention means, unless it is told anyway or must not be.
    pub(crate) fn import(&mut self, source: &Source, mention: &Mention) -> Option<Source> {
        self.mentions = self.mentions.checked_sub(1)?;
        if self.mentions == 0 {
            let reason = format!("after {MENTIONS} `@` in all, no more are looked at");
            self.told.problems.push(problem(&source.path, &reason));
        }
        let mut reason = "there is no such file".to_string();
        for path in &mention.paths {
            // Most mentions lead nowhere: one look is cheaper than resolving each folder on the way.
            match fs::metadata(path).and_then(|_| fs::canonicalize(path)) {
                Ok(real) => return self.imported(source, mention, path, real),
                Err(error) if file::is_missing(&error) => {}
                Err(error) => reason = error.to_string(),
            }
        }
        if mention.is_document() {
            self.complain(source, mention, &reason);
        }
        None
    }

    fn imported(
        &mut self,
        source: &Source,
        mention: &Mention,
        path: &Path,
        real: PathBuf,
    ) -> Option<Source> {
        if real.is_dir() || self.seen.contains(&real) {
            return None;
        }
        if !source.may_leave && self.is_outside(&real) {
            self.refuse(&source.path, real);
            return None;
        }
        if source.depth == DEPTH {
            let reason = format!("imports are followed {DEPTH} files deep, and this is the last");
            self.complain(source, mention, &reason);
            return None;
        }
        let content = self.content(source, mention, &real)?;
        self.seen.insert(real.clone());
        // A file of the project that the user's own one imports is still the project's.
        let may_leave = self.places.trusted || source.may_leave && self.is_outside(&real);
        Some(Source {
            path: path.to_path_buf(),
            real,
            content,
            by: Some(source.path.clone()),
            depth: source.depth + 1,
            may_leave,
        })
    }

    fn content(&mut self, source: &Source, mention: &Mention, real: &Path) -> Option<Content> {
        let error = match file::read(real, LIMIT) {
            Ok(content) => return Some(content),
            Err(error) => error,
        };
        // A picture or a program is named, not meant to be told.
        let is_text = error.kind() != io::ErrorKind::InvalidData;
        if is_text || mention.is_document() {
            self.complain(source, mention, &error.to_string());
        }
        None
    }

    fn complain(&mut self, source: &Source, mention: &Mention, reason: &str) {
        let reason = format!("@{} is not imported: {reason}", file::plain(&mention.text));
        self.told.problems.push(problem(&source.path, &reason));
    }

    pub(crate) fn is_outside(&self, real: &Path) -> bool {
        !real.starts_with(&self.root)
    }

    pub(crate) fn refuse(&mut self, by: &Path, real: PathBuf) {
        let (target, root) = (shown(&real), shown(&self.root));
        let reason = format!("{target} is outside of {root}; it is read once you trust the folder");
        self.told.problems.push(problem(by, &reason));
        self.told.refused.push(real);
    }
}
