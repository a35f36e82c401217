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
use crate::effect;
use crate::syntax::{self, Command, Redirect, Script, UNKNOWN, Word, lists};
use crate::variables::{is_hot, name};
use crate::wrappers::{base_name, peel, shell_code, unwrap};

/// How many wrappers are taken off.
const MAX_WRAPPERS: usize = 8;
/// These read what they are given, whatever it is, so that `xargs` may give it.
const PLAIN_READERS: &str = "cat head tail wc grep egrep fgrep ls stat du basename dirname \
    realpath md5sum sha1sum sha256sum cksum";
/// These change what the words after them mean.
const REDEFINERS: &str = "alias unalias enable hash";
const DECLARERS: &str = "export declare typeset local readonly";

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

/// What the other commands of a line do to each of them.
#[derive(Clone, Copy, Default)]
struct Around {
    /// The working directory is changed somewhere.
    moves: bool,
    /// A variable is assigned somewhere.
    assigns: bool,
    depth: usize,
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
            let opaque = |word: &Word| evaluates(&word.source);
            if command.function.is_some() || command.all_words().any(opaque) {
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
        let duplicates = redirect.operator == ">&"
            && (text == "-" || !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
        if !redirect.operator.contains('>') || duplicates || target.source == "/dev/null" {
            return;
        }
        let home = self.permissions.home.is_some() && target.source.starts_with("~/");
        let plain = target.is_literal()
            && !text.is_empty()
            && !target.source.contains(['*', '?', '[', '{'])
            && (home || !target.source.starts_with('~'));
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
        let mut extended = false;
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
            let reads = hot.is_empty() && reads(words, extended, around);
            let idle = words.is_empty() && hot.is_empty() && !extended;
            if reads || idle || self.is_allowed(&call) {
                return;
            }
            if hot.is_empty()
                && !extended
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
        }
        let whole = command.assignments.iter().chain(&command.words);
        let whole: Vec<&Word> = match hot.is_empty() {
            true => words.iter().collect(),
            false => whole.collect(),
        };
        let fed = extended
            || !command.upstream.is_empty()
            || command
                .redirects
                .iter()
                .any(|redirect| redirect.operator.starts_with('<'));
        let rule = (!command.words.is_empty()).then(|| offer::for_command(&whole, fed));
        self.found.push(rule.flatten());
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

/// Notes what the commands of a script do to each other.
fn survey(script: &Script, around: &mut Around) {
    for command in script {
        let name = unwrap(&command.words).0.first().map_or("", base_name);
        let any = lists("eval . source trap", name);
        around.moves |= any || lists("cd pushd popd", name);
        around.assigns |= any || !command.assignments.is_empty() || lists(DECLARERS, name);
        around.assigns |= lists("read mapfile readarray getopts let", name);
        for inner in command.scripts() {
            survey(inner, around);
        }
    }
}

/// Whether the line tells which program is meant, and that it is that program.
fn is_named(words: &[Word]) -> bool {
    words.first().is_none_or(|first| {
        first.is_literal() && !first.text.is_empty() && !lists(REDEFINERS, &first.text)
    })
}

fn reads(words: &[Word], extended: bool, around: Around) -> bool {
    let plain = !extended
        || words
            .first()
            .is_some_and(|word| lists(PLAIN_READERS, &word.text));
    let told = !around.assigns || words.iter().all(Word::is_literal);
    !words.is_empty() && plain && told && effect::reads(words)
}

/// The variables assigned by a command that change what runs.
fn hot_names<'a>(
    assignments: impl IntoIterator<Item = &'a (impl std::borrow::Borrow<Word> + 'a)>,
    words: &[Word],
) -> Vec<String> {
    let texts = assignments.into_iter().map(|word| &*word.borrow().text);
    let declared = words
        .first()
        .is_some_and(|first| lists(DECLARERS, &first.text));
    let looped = words.first().is_some_and(|first| first.text == "for");
    let args = words.iter().skip(1).map(|word| &*word.text);
    let args = args.take(if declared {
        usize::MAX
    } else {
        usize::from(looped)
    });
    let hot = texts.chain(args).filter(|text| is_hot(text));
    hot.map(|text| name(text).to_owned()).collect()
}

/// The script that a command hands to a shell, when it is told to the letter.
fn code(words: &[Word]) -> Option<String> {
    let (first, args) = words.split_first()?;
    if first.source == "eval" && args.iter().all(Word::is_literal) {
        let texts: Vec<&str> = args.iter().map(|word| &*word.text).collect();
        return Some(texts.join(" "));
    }
    let code = shell_code(words).filter(|code| first.source == first.text && code.is_literal())?;
    Some(code.text.clone())
}

/// A command of git without options that only say where it works and how it prints.
fn without_git_options<'a>(words: &[&'a Word]) -> Vec<&'a Word> {
    let plain = |word: &Word| word.is_literal() && !word.source.contains(['*', '?', '[', '{']);
    let Some((first, mut rest)) = words.split_first().filter(|(first, _)| first.text == "git")
    else {
        return Vec::new();
    };
    loop {
        rest = match rest {
            [option, after @ ..] if option.text == "--no-pager" => after,
            [option, folder, after @ ..] if option.text == "-C" && plain(folder) => after,
            _ => break,
        };
    }
    std::iter::once(*first)
        .chain(rest.iter().copied())
        .collect()
}

/// A word as rules see it: its value, if that is one word and the same everywhere. Letters
/// that mean something unless they are quoted keep their quotes: `rm '*'` is not `rm *`.
pub fn canonical(word: &Word) -> &str {
    let special = |letter: char| letter.is_whitespace() || "*?[{~$`'\"\\".contains(letter);
    let plain = !word.text.is_empty() && !word.text.contains(special);
    match plain && word.is_literal() {
        true => &word.text,
        false => &word.source,
    }
}

/// Whether bash may run code that stands in a value while it expands the word. Plain values
/// and their defaults are known not to; arithmetic, subscripts and `@P` do.
fn evaluates(source: &str) -> bool {
    let is_name = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let odd = |rest: &str| {
        let rest = rest
            .strip_prefix('#')
            .unwrap_or(rest)
            .trim_start_matches(is_name);
        !["}", "-", "+", ":-", ":+"]
            .iter()
            .any(|end| rest.starts_with(end))
    };
    source.contains("$((") || source.contains("$[") || source.split("${").skip(1).any(odd)
}
