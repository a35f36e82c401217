//! What a bash line is seen to do, for rules that deny or ask.
//!
//! The idea: every command in a line is written down in each way in which a rule may name
//! it: as it stands, with its values, and with each wrapper taken off.
//! The invariant: it is generous. A command too many costs a question, one too few a file.
//! Left out: what scripts, aliases and programs other than the known readers do with files.

use std::path::Path;

use super::command::CommandPattern;
use super::expand::{expand, spend};
use super::path::{PathPattern, Place};
use super::runs::{after_options, codes, is_run, texts};
use crate::syntax::{self, Command, Script, UNKNOWN, Word, lists};
use crate::wrappers::{base_name, peel};

/// How many wrappers are taken off one by one.
const MAX_WRAPPERS: usize = 16;
/// How many assigned values are known.
const MAX_VALUES: usize = 100;
/// How many values and files are tried for the words of a line.
const MAX_TRIES: usize = 20_000;
/// These show the files that they are given.
const FILE_READERS: &str = "cat head tail less more bat nl tac rev column fold fmt pr paste expand \
    unexpand iconv shuf split join tee sed awk gawk mawk perl grep egrep fgrep rg ag zgrep zcat cut \
    sort uniq wc diff cmp comm od hd xxd hexdump strings base32 base64 gzip openssl jq yq source . cp \
    mv ln install rsync scp tar zip dd date file curl vi vim ed";
/// And these subcommands of git.
const GIT_READERS: &str = "diff grep show blame log cat-file hash-object archive";
/// Between these are the commands of a line that can't be read.
const SEPARATORS: [char; 8] = [';', '&', '|', '\n', '(', ')', '`', '{'];

/// What is seen of a line.
#[derive(Default)]
pub struct Seen {
    home: String,
    commands: Vec<String>,
    reads: Vec<Place>,
    writes: Vec<Place>,
    /// Names and values that are assigned anywhere, since a condition may skip the last.
    values: Vec<(String, String)>,
    /// How many values and files are still tried.
    budget: usize,
}

impl Seen {
    pub fn of(line: &str, cwd: &Path, home: Option<&Path>) -> Seen {
        let home = home.unwrap_or(Path::new("/root")).to_string_lossy();
        let mut seen = Seen {
            home: home.into_owned(),
            budget: MAX_TRIES,
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
        // Of a `case` in a substitution, not all is read.
        let has_case = ["case ", " in ", "esac"]
            .iter()
            .all(|word| line.contains(word));
        if !self.read(line, cwd, depth) || has_case {
            for piece in line.split(SEPARATORS) {
                self.raw(piece);
                self.read(piece, cwd, depth);
            }
        }
    }

    /// False when the line can't be read.
    fn read(&mut self, line: &str, cwd: &Path, depth: usize) -> bool {
        let script = syntax::read(line, Some(cwd), &self.home, depth);
        if let Some(script) = &script {
            self.assigned(script);
            self.script(script, cwd, depth);
        }
        script.is_some()
    }

    fn raw(&mut self, text: &str) {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        self.commands.push(words.join(" "));
    }

    /// Notes what is assigned in a script.
    fn assigned(&mut self, script: &[Command]) {
        for command in script {
            let texts: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
            if let ["for" | "select", name, "in", items @ ..] = &*texts {
                let items = items.iter();
                self.values
                    .extend(items.map(|item| (name.to_string(), item.to_string())));
            }
            let assigned = command.assignments.iter().map(|word| &*word.text);
            let pairs = assigned
                .chain(texts)
                .filter_map(|text| text.split_once('='));
            let named = pairs.filter(|(name, _)| syntax::is_name(name));
            let named = named.map(|(name, value)| (name.to_owned(), value.to_owned()));
            self.values.extend(named.take(MAX_VALUES));
            self.values.truncate(MAX_VALUES);
        }
    }

    fn script(&mut self, script: &Script, cwd: &Path, depth: usize) {
        for command in script {
            for inner in command.scripts() {
                self.assigned(inner);
                self.script(inner, cwd, depth);
            }
            let cwd = command.cwd.as_deref().unwrap_or(cwd);
            for redirect in &command.redirects {
                let texts = self.meanings(&redirect.target, &redirect.target.text, cwd);
                let places = texts.iter().flat_map(|text| Place::all(text, cwd));
                match &*redirect.operator {
                    "<" => self.reads.extend(places),
                    operator if operator.contains('>') => self.writes.extend(places),
                    _ => {}
                }
            }
            let whole = command.assignments.iter().chain(&command.words);
            self.words(&whole.collect::<Vec<_>>());
            self.command(command, script, cwd, depth);
        }
    }

    /// What `text`, which stands in the word, may mean: with each value that the line assigns,
    /// and each file that a glob fits.
    fn meanings(&mut self, word: &Word, text: &str, cwd: &Path) -> Vec<String> {
        let mut texts = vec![text.to_owned()];
        let written = word.source.replace(['"', '\''], "");
        for (name, value) in self.values.iter().filter(|_| written.contains('$')) {
            if spend(&mut self.budget).is_none() {
                break;
            }
            let with = written.replace(&format!("${{{name}}}"), value);
            let with = with.replace(&format!("${name}"), value);
            if with != written {
                texts.push(with);
            }
        }
        if word.is_glob() {
            let found = expand(text, cwd, &mut self.budget);
            texts.extend(found.iter().map(|path| path.to_string_lossy().into_owned()));
        }
        texts
    }

    /// Looks at a command, and at those that it runs.
    fn command(&mut self, command: &Command, script: &Script, cwd: &Path, depth: usize) {
        let mut words = &command.words[..];
        for _ in 0..MAX_WRAPPERS {
            let Some((first, args)) = words.split_first() else {
                return;
            };
            self.words(&words.iter().collect::<Vec<_>>());
            for name in self.meanings(first, &first.text, cwd).iter().skip(1) {
                let name = name.rsplit('/').next().unwrap_or_default();
                self.raw(&format!("{name} {}", texts(args)));
            }
            let name = base_name(first);
            for code in codes(name, words, command, script) {
                self.line(&code, cwd, depth + 1);
            }
            if name == "git" {
                let mut plain = vec![first];
                plain.extend(after_options(args));
                self.words(&plain);
            }
            let run = args.iter().position(|arg| is_run(name, &arg.text));
            let peeled = peel(words);
            match run.filter(|_| name == "find") {
                // What it finds may be shown by what it runs.
                Some(run) => self.files("cat", &args[..run], cwd),
                None => self.files(name, args, cwd),
            }
            if let Some(peeled) = peeled.as_ref().filter(|_| name == "xargs") {
                self.files("cat", &args[..args.len() - peeled.inner.len()], cwd);
            }
            words = match (peeled, run) {
                (Some(peeled), _) => peeled.inner,
                (None, Some(run)) => &args[run + 1..],
                (None, None) => return,
            };
        }
        // Nobody wraps a program as often; the last one is what runs.
        let (words, _) = crate::wrappers::unwrap(words);
        self.words(&words.iter().collect::<Vec<_>>());
    }

    /// Notes the files in the arguments of a program that shows them.
    fn files(&mut self, name: &str, args: &[Word], cwd: &Path) {
        let git = || {
            let subcommand = after_options(args).first();
            name == "git" && subcommand.is_some_and(|word| lists(GIT_READERS, &word.text))
        };
        if !lists(FILE_READERS, name) && !git() {
            return;
        }
        for arg in args {
            // A path may stand behind `--option=`, `-o`, `@`, or a revision.
            let text = &*arg.text;
            let short = text.starts_with('-').then(|| text.get(2..)).flatten();
            let behind = text.rsplit_once(['=', '@', ':']).map(|(_, path)| path);
            for part in [Some(text), short, behind].into_iter().flatten() {
                let texts = self.meanings(arg, part, cwd);
                let places = texts.iter().flat_map(|text| Place::all(text, cwd));
                self.reads.extend(places);
            }
        }
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
        // What the line does not tell may be nothing.
        if known.contains(UNKNOWN) {
            self.raw(&known.replace(UNKNOWN, ""));
        }
        self.commands.extend([known, written, bare]);
    }
}
