//! Turns a command line into its simple commands; the only module that knows brush_parser.
//!
//! The idea: [`tokens`] takes a line apart, [`walk`] goes over the tokens once, [`groups`] says
//! what runs together, [`expand`] and [`value`] tell what each word means, as far as the line
//! itself tells it: variables, braces, the home directory, the output of a literal `echo`.
//! The invariant: recursion is bounded by [`MAX_DEPTH`], and what is not known becomes the
//! character [`UNKNOWN`] rather than a guess.
//! Left out: function arguments, arrays, arithmetic and patterns in `${name%pattern}`.

mod braces;
mod expand;
mod groups;
mod printed;
mod tokens;
mod value;
mod walk;

use std::ops::Range;
use std::path::{Path, PathBuf};

pub use printed::printed_by;
use walk::Reader;

/// Stands in a word for text that the line does not tell.
pub const UNKNOWN: char = '\u{E000}';
/// Stands between the fields of a value until the word is split.
pub const FIELD: char = '\u{E001}';
/// How many substitutions, or shells given a script, may nest.
pub const MAX_DEPTH: usize = 8;
/// How many commands of a pipeline are looked at together.
pub const MAX_PIPELINE: usize = 16;

const DECLARERS: &str = "export declare typeset local readonly";

/// The commands of a line, in the order in which they are written.
pub type Script = Vec<Command>;

/// One word of a command after expansion.
#[derive(Debug, Default)]
pub struct Word {
    /// The value, with [`UNKNOWN`] for what the line does not tell. It is a guess where the line
    /// assigns it or gives a default, so only what refuses may rely on it; see [`Word::is_literal`].
    pub text: String,
    /// The word as written.
    pub source: String,
    /// The command and process substitutions inside the word.
    pub scripts: Vec<Script>,
    /// It is the body of a here-document, where quotes mean nothing.
    pub is_body: bool,
}

impl Word {
    /// The value, when the line tells all of it.
    pub fn known(&self) -> Option<&str> {
        (!self.text.contains(UNKNOWN)).then_some(&*self.text)
    }

    /// Whether the word is the same wherever it stands: nothing outside single quotes is
    /// expanded by `$` or a backtick. Values that the line itself assigns do not count as
    /// known here, since a condition may skip the assignment.
    pub fn is_literal(&self) -> bool {
        let expands = unquoted(&self.source, true).contains(['$', '`']);
        !expands && self.known().is_some() && self.scripts.is_empty()
    }

    /// Whether the word is literal and stands for exactly one argument, whatever is in the folder.
    pub fn is_exact(&self) -> bool {
        self.is_literal() && !self.is_glob()
    }

    /// Whether bash makes other words of it: it has a glob, or braces that list something.
    pub fn is_glob(&self) -> bool {
        let bare = unquoted(&self.source, false);
        // In `@{u}..HEAD` the braces list nothing; nested ones are not looked into.
        let inside = match bare.split_once('{') {
            Some((_, rest)) if !rest.contains('{') => rest.split('}').next().unwrap_or(rest),
            _ => &bare,
        };
        let lists = bare.contains('{') && (inside.contains(',') || inside.contains(".."));
        lists || bare.contains(['*', '?', '['])
    }

    /// Whether nothing that bash makes of the word can be an option: its start is told, and it
    /// is one word between double quotes, or literal.
    pub fn is_operand(&self) -> bool {
        let starts = |letter: char| letter.is_ascii_alphanumeric() || "./_".contains(letter);
        let open = |letter: char| "-$`\\".contains(letter);
        match self.quoted() {
            Some(inside) => !inside.is_empty() && !inside.starts_with(open),
            None => self.is_literal() && self.source.starts_with(starts),
        }
    }

    /// What stands between the double quotes of a word that becomes exactly one.
    pub fn quoted(&self) -> Option<&str> {
        let inside = self.source.strip_prefix('"')?.strip_suffix('"')?;
        let plain = !inside.contains('"') && !inside.contains("$@") && !inside.contains("${@");
        plain.then_some(inside)
    }
}

/// A redirection such as `> file`; the target of a here-document is its body.
#[derive(Debug)]
pub struct Redirect {
    pub operator: String,
    pub target: Word,
}

/// One simple command and the circumstances in which it runs.
#[derive(Debug, Default)]
pub struct Command {
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
    /// The `NAME=value` before the command, or instead of one.
    pub assignments: Vec<Word>,
    pub background: bool,
    /// The output goes on to another command.
    pub piped: bool,
    /// The function in whose body the command stands.
    pub function: Option<String>,
    /// The commands of the same script whose output this one reads.
    pub upstream: Range<usize>,
    /// The working directory, when the line tells it.
    pub cwd: Option<PathBuf>,
}

impl Command {
    pub(super) fn is_empty(&self) -> bool {
        self.all_words().next().is_none()
    }

    /// The words, the assignments and the targets of redirections.
    pub fn all_words(&self) -> impl Iterator<Item = &Word> {
        let targets = self.redirects.iter().map(|redirect| &redirect.target);
        self.words.iter().chain(targets).chain(&self.assignments)
    }

    /// The substitutions in all words, assignments and redirections.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        self.all_words().flat_map(|word| &word.scripts)
    }

    /// The text of a here-document or here-string.
    pub fn here_text(&self) -> Option<&str> {
        let mut redirects = self.redirects.iter();
        let here = redirects.rfind(|redirect| redirect.operator.starts_with("<<"))?;
        Some(&here.target.text)
    }
}

/// Reads `line`; `None` when it is not valid or `depth` is beyond [`MAX_DEPTH`].
pub fn read(line: &str, cwd: Option<&Path>, home: &str, depth: usize) -> Option<Script> {
    let mut reader = Reader {
        home: home.to_owned(),
        cwd: cwd.map(Path::to_owned),
        depth,
        ..Reader::default()
    };
    reader.walk(&tokens::tokenize(line, depth)?);
    Some(reader.script)
}

/// The letters of a word that no backslash and no single quote takes the meaning from; those
/// between double quotes, too, if `double`.
fn unquoted(source: &str, double: bool) -> String {
    let (mut single, mut inside, mut escaped) = (false, false, false);
    let bare = source.chars().filter(|letter| match letter {
        _ if std::mem::take(&mut escaped) => false,
        '\'' if !inside => {
            single = !single;
            false
        }
        _ if single => false,
        '\\' => {
            escaped = true;
            false
        }
        '"' => {
            inside = !inside;
            false
        }
        _ => double || !inside,
    });
    bare.collect()
}

/// Whether the whitespace-separated `list` has `name`.
pub fn lists(list: &str, name: &str) -> bool {
    list.split(' ').any(|item| item == name)
}

/// Whether a variable can be called so.
pub fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    !text.is_empty() && text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit())
}

fn unreadable() -> Script {
    let word = Word {
        text: UNKNOWN.to_string(),
        ..Word::default()
    };
    vec![Command {
        words: vec![word],
        ..Command::default()
    }]
}
