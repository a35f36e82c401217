//! What a call is seen to do, for rules that deny or ask.
//!
//! The idea: every command in a bash line is written down in each way in which a rule may name
//! it: as it stands, with its values, and with each wrapper taken off.
//! The invariant: it is generous. A command too many costs a question, one too few a file.
//! Left out: what scripts, aliases and programs other than the known readers do with files.

use std::path::Path;

use corecoder::ToolCall;

use super::command::CommandPattern;
use super::path::{PathPattern, Place};
use super::{Known, Matcher, Permissions, argument};
use crate::syntax::{self, Command, Word, lists};
use crate::wrappers::{SHELLS, base_name, peel};

/// How many wrappers are taken off one by one.
const MAX_WRAPPERS: usize = 16;
/// These show the files that they are given.
const FILE_READERS: &str = "cat head tail less more bat nl tac sed awk grep egrep fgrep rg ag cut \
    sort uniq wc diff cmp comm od xxd hexdump strings base64 jq source . cp mv ln tar zip dd";
/// Between these are the commands of a line that can't be read.
const SEPARATORS: [char; 8] = [';', '&', '|', '\n', '(', ')', '`', '{'];

/// What rules that refuse are compared with.
pub struct Subject<'a> {
    tool: &'a str,
    places: Vec<Place>,
    seen: Option<Seen>,
}

impl<'a> Subject<'a> {
    pub fn of(permissions: &Permissions, call: &'a ToolCall, cwd: &Path) -> Subject<'a> {
        let path = match &*call.name {
            "glob" | "grep" => Some(argument(call, "path").unwrap_or(".")),
            "read_file" | "edit_file" | "write_file" => argument(call, "file_path"),
            _ => None,
        };
        let line =
            argument(call, "command").filter(|_| call.name == "bash" && permissions.refuses());
        Subject {
            tool: &call.name,
            places: path.map_or(Vec::new(), |path| Place::all(path, cwd)),
            seen: line.map(|line| Seen::of(line, cwd, permissions.home.as_deref())),
        }
    }

    pub fn is_refused_by(&self, known: &Known) -> bool {
        let Known { rule, matcher } = known;
        match (matcher, &self.seen) {
            (Matcher::Whole, _) => rule.refuses_tool(self.tool),
            (Matcher::Command(pattern), Some(seen)) => seen.is_command(pattern),
            (Matcher::Path(pattern), Some(seen)) => seen.touches(rule.tool(), pattern),
            (Matcher::Path(pattern), None) => {
                rule.refuses_tool(self.tool) && pattern.touches(&self.places)
            }
            _ => false,
        }
    }
}

/// What is seen of a line.
#[derive(Default)]
pub struct Seen {
    home: String,
    commands: Vec<String>,
    reads: Vec<Place>,
    writes: Vec<Place>,
}

impl Seen {
    pub fn of(line: &str, cwd: &Path, home: Option<&Path>) -> Seen {
        let home = home.unwrap_or(Path::new("/root")).to_string_lossy();
        let mut seen = Seen {
            home: home.into_owned(),
            ..Seen::default()
        };
        seen.line(line, cwd, 0);
        seen
    }

    pub fn is_command(&self, pattern: &CommandPattern) -> bool {
        self.commands.iter().any(|command| pattern.matches(command))
    }

    /// Whether files are used as the tool uses them.
    pub fn touches(&self, tool: &str, pattern: &PathPattern) -> bool {
        match tool {
            "read_file" => pattern.touches(&self.reads),
            "edit_file" | "write_file" => pattern.touches(&self.writes),
            _ => false,
        }
    }

    fn line(&mut self, line: &str, cwd: &Path, depth: usize) {
        self.raw(line);
        match syntax::read(line, Some(cwd), &self.home, depth) {
            Some(script) => self.script(&script, cwd, depth),
            None => line.split(SEPARATORS).for_each(|piece| self.raw(piece)),
        }
    }

    fn raw(&mut self, text: &str) {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        self.commands.push(words.join(" "));
    }

    fn script(&mut self, script: &[Command], cwd: &Path, depth: usize) {
        for command in script {
            for inner in command.scripts() {
                self.script(inner, cwd, depth);
            }
            let cwd = command.cwd.as_deref().unwrap_or(cwd);
            for redirect in &command.redirects {
                let places = Place::all(&redirect.target.text, cwd);
                match &*redirect.operator {
                    "<" => self.reads.extend(places),
                    operator if operator.contains('>') => self.writes.extend(places),
                    _ => {}
                }
            }
            let whole = command.assignments.iter().chain(&command.words);
            self.words(&whole.collect::<Vec<_>>());
            self.command(&command.words, cwd, depth);
        }
    }

    /// Looks at a command, and at those that it runs.
    fn command(&mut self, mut words: &[Word], cwd: &Path, depth: usize) {
        for _ in 0..MAX_WRAPPERS {
            let Some((first, args)) = words.split_first() else {
                return;
            };
            self.words(&words.iter().collect::<Vec<_>>());
            let name = base_name(first);
            if let Some(code) = code(name, first, args) {
                self.line(&code, cwd, depth + 1);
            }
            if name == "git" {
                let mut plain = vec![first];
                plain.extend(after_options(args));
                self.words(&plain);
            }
            if lists(FILE_READERS, name) {
                let paths = args.iter().map(|arg| arg.text.trim_start_matches("if="));
                let paths = paths.filter(|path| !path.starts_with('-'));
                self.reads
                    .extend(paths.flat_map(|path| Place::all(path, cwd)));
            }
            let run = args.iter().position(|arg| is_run(name, &arg.text));
            words = match (peel(words), run) {
                (Some(peeled), _) => peeled.inner,
                (None, Some(run)) => &args[run + 1..],
                (None, None) => return,
            };
        }
        // Nobody wraps a program as often; the last one is what runs.
        let (words, _) = crate::wrappers::unwrap(words);
        self.words(&words.iter().collect::<Vec<_>>());
    }

    fn words(&mut self, words: &[&Word]) {
        let Some((first, args)) = words.split_first() else {
            return;
        };
        let join = |name: &str, text: fn(&Word) -> &str| {
            let args = args.iter().map(|word| text(word));
            let texts: Vec<&str> = std::iter::once(name).chain(args).collect();
            texts.join(" ")
        };
        let text: fn(&Word) -> &str = |word| &word.text;
        let known = join(&first.text, text);
        let written = join(&first.source, |word| &word.source);
        let bare = join(base_name(first), text);
        self.commands.extend([known, written, bare]);
    }
}

/// The script that a command hands to a shell.
fn code(name: &str, first: &Word, args: &[Word]) -> Option<String> {
    let text = |words: &[Word]| {
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        texts.join(" ")
    };
    let has_code = |arg: &Word| arg.text.starts_with('-') && arg.text.contains('c');
    match name {
        "eval" => Some(text(args)),
        "trap" => Some(args.first()?.text.clone()),
        "su" | "script" => args_after(args, has_code),
        _ if lists(SHELLS, name) => args_after(args, has_code),
        // `env -S` and the like split one argument into words.
        _ if first.text.contains(' ') => Some(format!("{} {}", first.text, text(args))),
        _ => None,
    }
}

fn args_after(args: &[Word], is_option: impl Fn(&Word) -> bool) -> Option<String> {
    let place = args.iter().position(is_option)?;
    Some(args.get(place + 1)?.text.clone())
}

/// The subcommand of git with its arguments.
fn after_options(args: &[Word]) -> &[Word] {
    let mut rest = args;
    while let Some((option, after)) = rest.split_first() {
        let valued = lists("-C -c --git-dir --work-tree --namespace", &option.text);
        match option.text.starts_with('-') {
            true => rest = after.get(usize::from(valued)..).unwrap_or_default(),
            false => break,
        }
    }
    rest
}

/// Whether the rest of the arguments is a command.
fn is_run(name: &str, arg: &str) -> bool {
    match name {
        "find" => lists("-exec -execdir -ok -okdir", arg),
        "fd" => lists("-x -X --exec --exec-batch", arg),
        _ => false,
    }
}
