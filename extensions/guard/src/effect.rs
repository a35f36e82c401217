//! Decides whether a script only reads, so that it may run early and without a question.
//!
//! The idea: a command reads when its name is on a list of readers and none of its
//! arguments is one of the few that make that reader write or run something.
//! The invariant: what is not known to read is a writer.
//! Left out: awk, make, package managers and other programs that can do anything.

use crate::syntax::{Command, Redirect, Word, lists};
use crate::variables::is_hot;

const READERS: &str = "ls cat head tail wc grep egrep fgrep rg ag find fd tree stat file du df \
    pwd echo printf true false test [ [[ which type basename dirname realpath readlink sort uniq \
    cut tr nl tac rev column comm diff cmp md5sum sha1sum sha224sum sha256sum sha384sum sha512sum \
    cksum date uname hostname whoami id ps sleep seq jq sed git command for";

/// Arguments that make a reader write; one that ends in `*` is a prefix.
const WRITING_ARGS: &[(&str, &str)] = &[
    ("find", "-exec* -ok* -delete -fprint* -fls"),
    ("fd", "--exec*"),
    ("sort", "--o* --compress*"),
    ("date", "--s*"),
    ("rg", "--pre --pre=* --hostname-bin*"),
    ("ag", "--pager*"),
    ("file", "--compile"),
    (
        "git",
        "--output* -O* --ext-diff* -c --exec-path* --open-files* --textconv --filters",
    ),
];

/// Letters that make a reader write wherever they stand in a group such as `-uo`.
const WRITING_LETTERS: &[(&str, &str)] = &[
    ("fd", "xX"),
    ("tree", "oR"),
    ("sort", "o"),
    ("file", "C"),
    ("date", "s"),
];

const GIT_READERS: &str = "log diff show status blame rev-parse ls-files grep shortlog describe \
    cat-file ls-tree";
const BRANCH_LISTING: &str = "-a -v -vv -r --all --remotes --verbose --list --show-current";
const SED_FLAGS: &str = "-n -E -r -e -ne -nE -nr -En -rn --quiet --silent";

/// Whether every command of `script`, also in substitutions, is a known reader.
pub fn only_reads(script: &[Command]) -> bool {
    script.iter().all(|command| {
        let plain =
            command.assignments.is_empty() && !command.background && command.function.is_none();
        plain
            && command.redirects.iter().all(redirect_reads)
            && command.scripts().all(|inner| only_reads(inner))
            && reads(&command.words)
    })
}

fn redirect_reads(redirect: &Redirect) -> bool {
    let target = &*redirect.target.text;
    match &*redirect.operator {
        "<" | "<<" | "<<-" | "<<<" | "<&" => true,
        ">&" if target == "-" || target.bytes().all(|byte| byte.is_ascii_digit()) => true,
        _ => target == "/dev/null",
    }
}

/// Whether a command of these words is a known reader, whatever its redirections do.
pub fn reads(words: &[Word]) -> bool {
    let Some((first, rest)) = words.split_first() else {
        return true;
    };
    let name = &*first.text;
    // Only a name written out plainly is known to be that program.
    if first.source != name || name.contains('/') {
        return false;
    }
    let args: Vec<&str> = rest.iter().map(|word| &*word.text).collect();
    if let ["--version" | "-V" | "--help"] = args.as_slice() {
        return true;
    }
    let evaluates = rest.iter().any(|word| evaluates(&word.source));
    lists(READERS, name) && !evaluates && !has_writing_arg(name, &args) && args_read(name, &args)
}

/// Whether bash may run code while it expands the word: array subscripts, arithmetic and `@P` evaluate their text,
/// commands in it included.
fn evaluates(source: &str) -> bool {
    let expands = source.contains("${") && source.contains(['[', '@', '!']);
    expands || source.contains("$((") || source.contains("$[")
}

fn has_writing_arg(name: &str, args: &[&str]) -> bool {
    let of = |table: &[(&str, &'static str)]| {
        let entry = table.iter().find(|(reader, _)| *reader == name);
        entry.map_or("", |(_, list)| *list)
    };
    let (listed, letters) = (of(WRITING_ARGS), of(WRITING_LETTERS));
    args.iter().any(|arg| {
        let grouped = arg.starts_with('-') && !arg.starts_with("--") && !arg.starts_with("-I");
        // Long options may be shortened as far as they stay unique.
        let option = arg.split('=').next().unwrap_or(arg);
        let shortened = option.len() > 2 && option.starts_with("--");
        let matches = |item: &str| match item.strip_suffix('*') {
            Some(prefix) if arg.starts_with(prefix) => true,
            prefix => {
                let whole = prefix.unwrap_or(item);
                option == whole || shortened && whole.starts_with(option)
            }
        };
        grouped && arg.contains(|letter| letters.contains(letter))
            || listed
                .split(' ')
                .any(|item| !item.is_empty() && matches(item))
    })
}

fn args_read(name: &str, args: &[&str]) -> bool {
    let operands = args
        .iter()
        .filter(|arg| !arg.starts_with('-') || **arg == "-");
    match name {
        "hostname" => args.is_empty(),
        // `-v` takes a name, and evaluates its subscript.
        "test" | "[" => !args.contains(&"-v"),
        "printf" => !args.iter().any(|arg| arg.starts_with("-v")),
        // Whoever sets `PATH` in a loop says what the next reader is.
        "for" => !args.first().is_some_and(|name| is_hot(name)),
        // `[[` evaluates what it compares as numbers, too.
        "[[" => !args
            .iter()
            .any(|arg| lists("-v -R -eq -ne -lt -le -gt -ge", arg)),
        "uniq" => operands.count() <= 1,
        // A bare number sets the clock.
        "date" => !operands
            .into_iter()
            .any(|arg| arg.bytes().all(|byte| byte.is_ascii_digit())),
        "command" => matches!(args.first(), Some(&"-v" | &"-V")),
        "sed" => sed_reads(args),
        "git" => git_reads(args),
        _ => true,
    }
}

/// Only `sed -n` with scripts that pick lines by number or pattern.
fn sed_reads(args: &[&str]) -> bool {
    let (flags, operands): (Vec<&str>, Vec<&str>) =
        args.iter().partition(|arg| arg.starts_with('-'));
    let quiet = |flag: &&str| flag.contains('n') || **flag == *"--quiet" || **flag == *"--silent";
    let takes_script = |flag: &str| flag.starts_with('-') && flag.ends_with('e') && flag.len() < 4;
    let pairs = args.windows(2).filter(|pair| takes_script(pair[0]));
    let mut scripts: Vec<&str> = pairs.map(|pair| pair[1]).collect();
    if scripts.is_empty() {
        scripts.extend(operands.first());
    }
    flags.iter().all(|flag| lists(SED_FLAGS, flag))
        && flags.iter().any(quiet)
        && scripts.iter().all(|script| sed_script_reads(script))
}

fn sed_script_reads(script: &str) -> bool {
    let script = script.replace("\\/", "");
    // Every second piece between slashes is a pattern.
    let mut commands = script.split('/').step_by(2);
    script.matches('/').count().is_multiple_of(2)
        && commands.all(|piece| piece.chars().all(|c| "0123456789,$pq;!= ".contains(c)))
}

fn git_reads(args: &[&str]) -> bool {
    let only = |args: &[&str], list: &str| args.iter().all(|arg| lists(list, arg));
    match args {
        ["--no-pager", rest @ ..] | ["-C", _, rest @ ..] => git_reads(rest),
        ["remote", rest @ ..] => only(rest, "-v"),
        ["branch", rest @ ..] if rest.contains(&"--list") => rest
            .iter()
            .all(|arg| !arg.starts_with('-') || lists(BRANCH_LISTING, arg)),
        ["branch", rest @ ..] => only(rest, BRANCH_LISTING),
        ["tag", rest @ ..] => {
            let listing = |arg: &&str| lists("-l --list", arg);
            rest.is_empty()
                || rest.iter().any(listing)
                    && rest.iter().all(|arg| !arg.starts_with('-') || listing(arg))
        }
        ["stash" | "worktree", "list", ..] | ["config", "--get" | "--list" | "-l", ..] => true,
        [subcommand, ..] => lists(GIT_READERS, subcommand),
        [] => false,
    }
}
