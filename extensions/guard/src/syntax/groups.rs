//! Which commands of a line run together: pipelines, groups, and the folder they run in.
//!
//! The idea: a command is finished at each separator, and a stack of groups says what feeds it.
//! The invariant: a group closes only what the same kind of sign opened.
//! Left out: conditions, so that each command counts as one that runs.

use std::path::{Path, PathBuf};

use super::walk::Reader;
use super::{DECLARERS, FIELD, MAX_PIPELINE, UNKNOWN, lists};

/// What to return to when a group closes.
pub(super) struct Group {
    pub(super) parenthesis: bool,
    /// Where the pipeline starts that feeds the whole group.
    pub(super) feed: Option<usize>,
    pub(super) pipeline: usize,
    pub(super) cwd: Option<PathBuf>,
    pub(super) function: Option<String>,
}

impl Reader {
    /// Ends the current command, if there is one.
    pub(super) fn finish(&mut self) {
        let mut command = std::mem::take(&mut self.current);
        self.redirect = None;
        if command.words.is_empty()
            && command.redirects.is_empty()
            && command.assignments.is_empty()
        {
            return;
        }
        let end = self.script.len();
        command.upstream = self.pipeline.max(end.saturating_sub(MAX_PIPELINE))..end;
        command.cwd = self.cwd.clone();
        command.function = self.groups.last().and_then(|group| group.function.clone());
        let texts: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        match texts.as_slice() {
            ["for", name, "in", items @ ..] => {
                let items = items.join(&FIELD.to_string());
                self.variables.insert(name.to_string(), items);
            }
            ["cd" | "pushd", args @ ..] => {
                let target = args
                    .iter()
                    .rfind(|arg| **arg == "-" || !arg.starts_with('-'));
                self.change_directory(target.copied());
            }
            [name, args @ ..] if lists(DECLARERS, name) => {
                let pairs = args.iter().filter_map(|arg| arg.split_once('='));
                let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
                self.variables.extend(pairs);
            }
            _ => {}
        }
        self.script.push(command);
    }

    pub(super) fn change_directory(&mut self, target: Option<&str>) {
        let target = target.unwrap_or(&self.home);
        self.cwd = match &self.cwd {
            _ if target == "-" || target.contains(UNKNOWN) => None,
            None if !target.starts_with('/') => None,
            cwd => Some(cwd.as_deref().unwrap_or(Path::new("/")).join(target)),
        };
    }

    pub(super) fn separate(&mut self, background: bool) {
        self.finish();
        for command in &mut self.script[self.pipeline..] {
            command.background |= background;
        }
        let feed = self.groups.last().and_then(|group| group.feed);
        self.pipeline = feed.unwrap_or(self.script.len());
    }

    pub(super) fn pipe(&mut self) {
        self.finish();
        let start = self.script.len().saturating_sub(MAX_PIPELINE);
        for command in &mut self.script[self.pipeline.max(start)..] {
            command.piped = true;
        }
    }

    pub(super) fn open(&mut self, parenthesis: bool) {
        self.finish();
        let outer = self.groups.last().and_then(|group| group.function.clone());
        self.groups.push(Group {
            parenthesis,
            feed: (self.pipeline < self.script.len()).then_some(self.pipeline),
            pipeline: self.pipeline,
            cwd: self.cwd.clone(),
            function: self.function.take().or(outer),
        });
    }

    pub(super) fn close(&mut self, parenthesis: bool) {
        self.finish();
        // The `)` of a case pattern closes nothing.
        let closes = |group: &mut Group| group.parenthesis == parenthesis;
        if let Some(group) = self.groups.pop_if(closes) {
            self.pipeline = group.pipeline;
            if parenthesis {
                self.cwd = group.cwd;
            }
        }
    }
}
