//! Arguments with which readers write, or run something.
//!
//! The idea: tables of options and letters, and for some programs what their operands mean.
//! The invariant: the arguments are told to the letter, see [`crate::effect`].
//! Left out: what a configuration file makes a reader do.

use crate::git;
use crate::syntax::lists;

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

const SED_FLAGS: &str = "-n -E -r -e -ne -nE -nr -En -rn --quiet --silent";

/// Whether nothing is written with these arguments of a reader.
pub fn read(name: &str, args: &[&str]) -> bool {
    if has_writing_arg(name, args) {
        return false;
    }
    let operands = args
        .iter()
        .filter(|arg| !arg.starts_with('-') || **arg == "-");
    match name {
        "hostname" => args.is_empty(),
        "uniq" => operands.count() <= 1 && !args.contains(&"--"),
        // A bare number sets the clock.
        "date" => !operands.into_iter().any(|arg| {
            arg.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
        }),
        "sed" => sed_reads(args),
        "git" => git::reads(args),
        _ => true,
    }
}

fn has_writing_arg(name: &str, args: &[&str]) -> bool {
    let of = |table: &[(&str, &'static str)]| {
        let entry = table.iter().find(|(reader, _)| *reader == name);
        entry.map_or("", |(_, list)| *list)
    };
    let (listed, letters) = (of(WRITING_ARGS), of(WRITING_LETTERS));
    args.iter().any(|arg| {
        // What follows the `-I` of `date` is its value.
        let valued = name == "date" && arg.starts_with("-I");
        let grouped = arg.starts_with('-') && !arg.starts_with("--") && !valued;
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

/// Whether there is nothing but addresses and `p`, `q` and `=`. A pattern ends at the first
/// slash without a backslash; outside of patterns, a backslash would name another end.
fn sed_script_reads(script: &str) -> bool {
    let (mut pattern, mut escaped) = (false, false);
    let fits = script.chars().all(|letter| {
        match (pattern, letter) {
            _ if std::mem::take(&mut escaped) => {}
            (_, '/') => pattern = !pattern,
            (true, '\\') => escaped = true,
            (true, _) => {}
            (false, _) => return "0123456789,$pq;!= ".contains(letter),
        }
        true
    });
    fits && !pattern
}
