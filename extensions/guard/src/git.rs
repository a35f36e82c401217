//! Which commands of git only read.
//!
//! The idea: the subcommand says it, and for some of them the options.
//! The invariant: git must work where the line runs. Another folder, as with `-C`, brings its
//! own configuration, which may name programs that git runs even for `status`.
//! Left out: what the configuration of the project itself makes git run.

use crate::syntax::{Word, lists};

/// These take revisions and paths, however many.
const READERS: &str = "log diff show status blame rev-parse ls-files grep shortlog describe \
    cat-file ls-tree";
/// Options of theirs that take no value.
pub const VALUELESS: &str =
    "--oneline --stat -p --name-only --name-status --cached --staged --follow";
const BRANCH_LISTING: &str = "-a -v -vv -r --all --remotes --verbose --list --show-current";
const CONFIG_READING: &str = "--get --get-all --list -l --local --global --system --worktree \
    --show-origin --show-scope --name-only --null -z";

/// Whether the arguments behind the subcommand are only looked at, so that they may be globs.
pub fn takes_paths(words: &[Word]) -> bool {
    let mut plain = words.iter().skip_while(|word| word.source == "--no-pager");
    plain
        .next()
        .is_some_and(|word| lists(READERS, &word.source))
}

/// Whether `git` with these arguments reads. No argument writes a file by itself.
pub fn reads(args: &[&str]) -> bool {
    let only = |args: &[&str], list: &str| args.iter().all(|arg| lists(list, arg));
    let is_option = |arg: &&str| arg.starts_with('-');
    match args {
        ["--no-pager", rest @ ..] => reads(rest),
        ["remote", rest @ ..] => only(rest, "-v"),
        ["branch", rest @ ..] if rest.contains(&"--list") => rest
            .iter()
            .all(|arg| !is_option(arg) || lists(BRANCH_LISTING, arg)),
        ["branch", rest @ ..] => only(rest, BRANCH_LISTING),
        ["tag", rest @ ..] => {
            let listing = |arg: &&str| lists("-l --list", arg);
            rest.is_empty()
                || rest.iter().any(listing)
                    && rest.iter().all(|arg| !is_option(arg) || listing(arg))
        }
        ["stash" | "worktree", "list", ..] => true,
        ["config", rest @ ..] => {
            let reading = rest
                .iter()
                .any(|arg| lists("--get --get-all --list -l", arg));
            let mut options = rest.iter().filter(|arg| is_option(arg));
            reading && options.all(|arg| lists(CONFIG_READING, arg))
        }
        // `-O` and its program may stand anywhere in a group of letters.
        ["grep", rest @ ..] => !rest
            .iter()
            .any(|arg| is_option(arg) && !arg.starts_with("--") && arg.contains('O')),
        [subcommand, ..] => lists(READERS, subcommand),
        [] => false,
    }
}
