//! Decides whether a script only reads, so that it may run early and without a question.
//!
//! The idea: a command reads when its name is on a list of readers. Those on the first list
//! do nothing else whatever their arguments are; those on the second have arguments that
//! write or run something, so the line must tell each argument to the letter.
//! The invariant: what is not known to read is a writer.
//! Left out: awk, make, package managers and other programs that can do anything.

use crate::arguments;
use crate::git;
use crate::syntax::{Command, Redirect, Word, is_name, lists};
use crate::told::evaluates;
use crate::variables::is_hot;

/// No argument makes these write or run anything.
const PLAIN: &str = "ls cat head tail wc grep egrep fgrep stat du df pwd echo true false which type \
    basename dirname realpath readlink cut tr nl tac rev column comm diff cmp md5sum sha1sum \
    sha224sum sha256sum sha384sum sha512sum cksum uname whoami id ps sleep seq jq";
/// Some arguments make these write or run something.
const READERS: &str = "rg ag find fd tree file sort uniq date hostname sed git";

/// What `[ a = b ]` may have in the middle.
const COMPARISONS: &str = "= == != -eq -ne -lt -le -gt -ge -nt -ot -ef";

/// Whether every command of `script`, also in substitutions, is a known reader.
pub fn only_reads(script: &[Command]) -> bool {
    script.iter().all(|command| {
        let plain =
            command.assignments.is_empty() && !command.background && command.function.is_none();
        plain
            && !command.all_words().any(evaluates)
            && command.redirects.iter().all(redirect_reads)
            && command.scripts().all(|inner| only_reads(inner))
            && reads(&command.words)
    })
}

fn redirect_reads(redirect: &Redirect) -> bool {
    let target = &redirect.target;
    match &*redirect.operator {
        // Bash opens connections by these names.
        "<" => !["/tcp/", "/udp/"]
            .iter()
            .any(|name| target.text.contains(name)),
        "<<" | "<<-" | "<<<" | "<&" => true,
        ">&" if target.source == "-" => true,
        ">&" => {
            !target.source.is_empty() && target.source.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => target.source == "/dev/null",
    }
}

/// Whether a command of these words is a known reader, whatever its redirections do.
pub fn reads(words: &[Word]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return true;
    };
    let name = &*first.text;
    // Only a name written out plainly is known to be that program.
    if first.source != name || name.contains('/') || rest.iter().any(evaluates) {
        return false;
    }
    let args: Vec<&str> = rest.iter().map(|word| &*word.text).collect();
    if let [option] = rest
        && option.is_exact()
        && lists("--version -V --help", &option.text)
    {
        return true;
    }
    match name {
        _ if lists(PLAIN, name) => true,
        "test" => tests(rest),
        "[" => matches!(rest, [inside @ .., end] if end.source == "]" && tests(inside)),
        // `[[` takes its operators as they are written, and evaluates what it compares as numbers.
        "[[" => !args
            .iter()
            .any(|arg| lists("-v -R -eq -ne -lt -le -gt -ge", arg)),
        "printf" => prints(rest),
        // Bash's own variables are evaluated, and others say what the next reader is.
        "for" => rest.first().is_some_and(|name| {
            let lower = !name.source.contains(|c: char| c.is_ascii_uppercase());
            is_name(&name.source) && lower && !is_hot(&name.source)
        }),
        "command" => matches!(rest, [option, ..] if lists("-v -V", &option.source)),
        _ => lists(READERS, name) && are_told(name, rest) && arguments::read(name, &args),
    }
}

/// Whether the line tells what the arguments are, as far as it matters for this reader.
fn are_told(name: &str, words: &[Word]) -> bool {
    // Where operands say what is done, their number does, too.
    if lists("uniq date sed hostname", name) || name == "git" && !git::takes_paths(words) {
        return words.iter().all(Word::is_exact);
    }
    // Behind `--`, unless an option takes that as its value, nothing is an option.
    let ends = |pair: &[Word]| {
        let takes_none = !pair[0].text.starts_with('-') || lists(git::VALUELESS, &pair[0].text);
        pair[1].source == "--" && pair[0].is_exact() && takes_none
    };
    let end = words.windows(2).position(ends).map(|place| place + 1);
    let end = end.filter(|_| lists("rg sort git file", name));
    let (options, _) = words.split_at(end.unwrap_or(words.len()));
    options
        .iter()
        .all(|word| word.is_exact() || word.is_operand())
}

/// Whether `test` reads: `-v` takes a name and evaluates its subscript, and what the line does
/// not tell may be a `-v`, unless another operator stands there.
fn tests(words: &[Word]) -> bool {
    let single =
        |word: &Word| word.is_exact() || word.quoted().is_some() || lists("$? $# $$", &word.source);
    let words = match words {
        [not, rest @ ..] if not.source == "!" => rest,
        _ => words,
    };
    match words {
        [word] => single(word),
        [operator, word] if operator.is_exact() && operator.text != "-v" => single(word),
        [one, operator, two] if lists(COMPARISONS, &operator.source) => single(one) && single(two),
        _ => words
            .iter()
            .all(|word| word.is_exact() && word.text != "-v"),
    }
}

/// Whether `printf` only prints: neither `-v` nor `%n` gives a variable a value.
fn prints(words: &[Word]) -> bool {
    let format = match words {
        [end, format, ..] if end.source == "--" => format,
        [format, ..] if !format.text.starts_with('-') => format,
        _ => return false,
    };
    let counts = |piece: &str| {
        let modifiers = |letter: char| letter.is_ascii_digit() || "-+ #.*'hlLjztq".contains(letter);
        piece.trim_start_matches(modifiers).starts_with('n')
    };
    format.is_exact() && !format.text.split('%').skip(1).any(counts)
}
