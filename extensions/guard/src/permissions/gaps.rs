//! What keeps a bash line from running without a question.
//!
//! The idea: the line is taken apart, and each part must be a known reader or a command that
//! a rule allows, as it is written or with harmless wrappers taken off. A part that is
//! neither is a gap: the rule that would close it, or `None` where no rule can.
//! The invariant: nothing counts that the line does not tell. Values that it assigns do not,
//! since a condition may skip the assignment.
//! Left out: what an allowed program does with its arguments.

use std::path::Path;

use super::command::CommandPattern;
use super::{Matcher, Mode, Permissions, Rule, offer};
use crate::syntax::{self, Command, Redirect, Script, UNKNOWN, Word};
use crate::told::{
    Around, canonical, code, evaluates, hot_names, is_named, reads, survey, without_git_options,
};
use crate::wrappers::peel;

/// How many wrappers are taken off.
const MAX_WRAPPERS: usize = 8;
/// The gaps of a line; none if it may run.
pub fn of_line(permissions: &Permissions, line: &str, mode: Mode, cwd: &Path) -> Vec<Option<Rule>> {
    let mut gaps = Gaps {
        permissions,
        mode,
        cwd,
        home: permissions.home.as_deref().unwrap_or(Path::new("/root")),
        found: Vec::new(),
    };
    match gaps.read(line, 0) {
        Some(script) if !gaps.is_exactly(line) => gaps.line(&script, Around::default()),
        Some(_) => {}
        None => gaps.found.push(None),
    }
    gaps.found
}

struct Gaps<'a> {
    permissions: &'a Permissions,
    mode: Mode,
    cwd: &'a Path,
    home: &'a Path,
    found: Vec<Option<Rule>>,
}

/// A command as it is looked at, with some wrappers taken off.
struct Call<'a> {
    assignments: Vec<&'a Word>,
    words: Vec<&'a Word>,
    /// More arguments are added.
    extended: bool,
    /// The assigned variables that change what runs.
    hot: &'a [String],
}

impl Gaps<'_> {
    fn read(&self, line: &str, depth: usize) -> Option<Script> {
        // These letters stand for what is not known, and for the ends of words.
        let clean = !line.contains([UNKNOWN, syntax::FIELD, '\0']);
        let home = self.home.to_string_lossy();
        clean.then(|| syntax::read(line, Some(self.cwd), &home, depth))?
    }

    fn patterns(&self) -> impl Iterator<Item = &CommandPattern> {
        let allow = self.permissions.allow.iter();
        allow.filter_map(|known| match &known.matcher {
            Matcher::Command(pattern) => Some(pattern),
            _ => None,
        })
    }

    /// Whether a rule is this line, letter by letter.
    fn is_exactly(&self, line: &str) -> bool {
        let line = line.trim();
        let mut allow = self.permissions.allow.iter();
        !line.contains('*')
            && allow.any(|known| known.rule.tool() == "bash" && known.rule.pattern() == Some(line))
    }

    fn line(&mut self, script: &Script, mut around: Around) {
        survey(script, &mut around);
        self.script(script, around);
    }

    fn script(&mut self, script: &Script, around: Around) {
        for command in script {
            for inner in command.scripts() {
                self.script(inner, around);
            }
            if command.function.is_some() || command.all_words().any(evaluates) {
                self.found.push(None);
                continue;
            }
            for redirect in &command.redirects {
                self.redirect(redirect, around);
            }
            self.command(command, around);
        }
    }

    fn redirect(&mut self, redirect: &Redirect, around: Around) {
        let target = &redirect.target;
        let text = &*target.text;
        let digits =
            |source: &str| !source.is_empty() && source.bytes().all(|byte| byte.is_ascii_digit());
        let duplicates =
            redirect.operator == ">&" && (target.source == "-" || digits(&target.source));
        if !redirect.operator.contains('>') || duplicates || target.source == "/dev/null" {
            return;
        }
        let home = self.permissions.home.is_some() && target.source.starts_with("~/");
        let plain =
            target.is_exact() && !text.is_empty() && (home || !target.source.starts_with('~'));
        let told = plain && (text.starts_with('/') || !around.moves);
        if told
            && self
                .permissions
                .may_edit("edit_file", text, self.mode, self.cwd)
        {
            return;
        }
        let rule = told.then(|| offer::for_file_in_project(self.permissions, text, self.cwd));
        self.found.push(rule.flatten());
    }

    fn command(&mut self, command: &Command, around: Around) {
        let mut hot = hot_names(&command.assignments, &command.words);
        let mut words = &command.words[..];
        let mut assignments: Vec<&Word> = command.assignments.iter().collect();
        let (mut extended, mut elevated) = (false, false);
        // What is offered never gives the superuser's rights to more than this very command.
        let mut offer = words;
        for _ in 0..MAX_WRAPPERS {
            let call = Call {
                assignments: std::mem::take(&mut assignments),
                words: words.iter().collect(),
                extended,
                hot: &hot,
            };
            if !is_named(words) {
                return self.found.push(None);
            }
            // What only reads may read more as the superuser, so that needs a rule.
            let reads = hot.is_empty() && !elevated && reads(words, extended, around);
            // Only assignments; what a wrapper does without a program, such as `env`, is its own.
            let idle = command.words.is_empty() && hot.is_empty();
            if reads || idle || self.is_allowed(&call) {
                return;
            }
            if hot.is_empty()
                && !extended
                && !elevated
                && let Some(code) = code(words)
            {
                return self.code(&code, around);
            }
            let Some(peeled) = peel(words).filter(|peeled| peeled.harmless) else {
                break;
            };
            extended |= peeled.name == "xargs";
            hot.extend(hot_names(&peeled.assignments, &[]));
            words = peeled.inner;
            elevated |= peeled.elevated;
            if !elevated {
                offer = words;
            }
        }
        let rule = offered(command, offer, hot.is_empty(), extended);
        self.found.push(rule);
    }

    /// Looks into a script that is handed to a shell, which inherits what is around it.
    fn code(&mut self, code: &str, mut around: Around) {
        around.depth += 1;
        match self.read(code, around.depth) {
            Some(script) => self.line(&script, around),
            None => self.found.push(None),
        }
    }

    fn is_allowed(&self, call: &Call) -> bool {
        let git = without_git_options(&call.words);
        let texts: Vec<String> = [canonical as fn(&Word) -> &str, |word| &word.source]
            .iter()
            .flat_map(|text| {
                let whole: Vec<&Word> = [&*call.assignments, &*call.words].concat();
                [whole, call.words.clone(), git.clone()].map(|words| {
                    let texts: Vec<&str> = words.iter().map(|word| text(word)).collect();
                    texts.join(" ")
                })
            })
            .collect();
        let mentions = |pattern: &CommandPattern| {
            call.hot
                .iter()
                .all(|name| pattern.mentions(&format!("{name}=")))
        };
        self.patterns().any(|pattern| {
            (!call.extended || pattern.is_open())
                && mentions(pattern)
                && texts
                    .iter()
                    .any(|text| !text.is_empty() && pattern.matches(text))
        })
    }
}

/// The rule that would close the gap of a command, of which these words are left.
fn offered(command: &Command, words: &[Word], cool: bool, extended: bool) -> Option<Rule> {
    let whole = command.assignments.iter().chain(&command.words);
    let words: Vec<&Word> = match cool {
        true => words.iter().collect(),
        false => whole.collect(),
    };
    let mut redirects = command.redirects.iter();
    let fed = extended
        || !command.upstream.is_empty()
        || redirects.any(|redirect| redirect.operator.starts_with('<'));
    (!command.words.is_empty()).then(|| offer::for_command(&words, fed))?
}
