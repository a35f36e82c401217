//! What "always" remembers: a rule for a call, as broad as is useful and no broader.
//!
//! The invariant: only what is listed here becomes a pattern; everything else is remembered
//! as the exact command. What a program is fed is no part of its command, so programs that
//! run what they are fed are not remembered while they are.
//! Left out: subcommands that publish, delete, or run any code or program that an option may name.

use std::path::{Component, Path};

use super::command::escape;
use super::path::{Place, follow};
use super::{Permissions, Rule};
use crate::syntax::{Word, lists};
use crate::told::canonical;
use crate::wrappers::base_name;

/// Programs that only check, build or test what is in the project.
const HARMLESS: &str = "pytest ruff mypy eslint tsc prettier jest vitest mkdir touch \
    ninja black flake8 isort pyright pylint rustfmt gofmt shellcheck stylelint rspec phpunit";
/// Programs and those of their subcommands that may be remembered with any arguments.
const SUBCOMMANDS: &[(&str, &str)] = &[
    ("git", "add commit switch mv cherry-pick"),
    (
        "cargo",
        "build check test clippy fmt doc bench run nextest tree metadata update add remove fetch",
    ),
    ("npm", "ci ls outdated audit view"),
    ("pnpm", "test list outdated audit"),
    ("yarn", "test build lint"),
    ("bun", "test"),
    ("deno", "test check lint fmt"),
    ("docker", "ps images logs inspect build version info"),
    ("go", "build test vet fmt list doc mod"),
    ("kubectl", "get describe logs explain version top"),
    ("pip", "list show freeze check"),
    ("uv", "sync lock tree"),
    ("poetry", "check lock show"),
    ("dotnet", "build test format restore"),
    ("mvn", "compile test verify package"),
    ("gradle", "build test check"),
    ("rustup", "show"),
    ("terraform", "plan validate fmt show"),
    ("systemctl", "status show list-units is-active"),
    ("apt", "list show search policy"),
];
/// Subcommands whose next word says what is done, and is kept.
const TWO_WORDS: &[(&str, &str)] = &[
    ("pnpm run", "*"),
    ("yarn run", "*"),
    ("bun run", "*"),
    ("deno task", "*"),
    ("gh pr", "view list diff checks status"),
    ("gh issue", "view list status"),
    ("gh run", "view list watch"),
    ("docker compose", "ps logs config"),
];
/// These mean nothing without what is around them.
const BUILTINS: &str = "exit return break continue shift true false : for select [ [[ test";
/// What they are given after these letters is code, which is another one each time.
const CODED: &[(&str, &str)] = &[
    ("sh bash zsh dash ksh fish ash python pypy", "c"),
    ("perl ruby lua node nodejs bun deno php", "eEpr"),
];
/// These run what they are fed.
const FED: &str = "sh bash zsh dash ksh fish ash python python3 pypy perl ruby lua node nodejs bun \
    deno php xargs parallel ssh psql mysql sqlite3 at batch su sudo doas env gdb bc dc ed ex vi vim";

/// The rule for a command that stands in a line; `fed` when something is piped into it.
pub fn for_command(words: &[&Word], fed: bool) -> Option<Rule> {
    let texts: Vec<&str> = words.iter().map(|word| canonical(word)).collect();
    let told = |count: usize| words.iter().take(count).all(|word| word.is_literal());
    let (name, args) = texts.split_first()?;
    let simple = |text: &str| {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.:/+@".contains(letter);
        !text.starts_with('-') && text.chars().all(plain)
    };
    let pattern = match args {
        _ if lists(HARMLESS, name) && told(1) => format!("{name}*"),
        _ if *name == "cd" => "cd *".to_owned(),
        [toolchain, subcommand, ..]
            if toolchain.starts_with('+')
                && simple(toolchain)
                && told(3)
                && has(SUBCOMMANDS, name, subcommand) =>
        {
            format!("{name} {toolchain} {subcommand}*")
        }
        [subcommand, ..] if told(2) && has(SUBCOMMANDS, name, subcommand) => {
            format!("{name} {subcommand}*")
        }
        [first, second, ..]
            if told(3) && simple(second) && has(TWO_WORDS, &format!("{name} {first}"), second) =>
        {
            format!("{name} {first} {second} *")
        }
        _ => return exact(words, fed),
    };
    Rule::with("bash", &pattern)
}

fn has(table: &[(&str, &str)], name: &str, subcommand: &str) -> bool {
    let row = table.iter().find(|row| row.0 == name);
    row.is_some_and(|row| row.1 == "*" || lists(row.1, subcommand))
}

/// The rule for this command alone.
fn exact(words: &[&Word], fed: bool) -> Option<Rule> {
    let first = words.iter().find(|word| !word.source.contains('='))?;
    let name = without_version(first);
    if lists(BUILTINS, name) || has_code(words) {
        return None;
    }
    let runs_input = lists(FED, name) || lists(FED, base_name(first));
    let reads_input = |word: &&&Word| lists("- -s /dev/stdin /dev/fd/0", &word.text);
    let operands = words.iter().filter(|word| !word.text.starts_with('-'));
    let open = fed || operands.count() < 2 || words.iter().any(|word| reads_input(&word));
    if runs_input && open || !words.iter().all(|word| word.is_literal()) {
        return None;
    }
    let texts: Vec<String> = words.iter().map(|word| escape(canonical(word))).collect();
    Rule::with("bash", &texts.join(" "))
}

fn without_version(word: &Word) -> &str {
    base_name(word).trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.')
}

/// Whether an interpreter is given code as an argument.
fn has_code(words: &[&Word]) -> bool {
    let mut letters = "";
    words.iter().any(|word| {
        let row = CODED.iter().find(|row| lists(row.0, without_version(word)));
        letters = row
            .filter(|_| letters.is_empty())
            .map_or(letters, |row| row.1);
        let group = word.text.strip_prefix('-').unwrap_or_default();
        let coded = !group.starts_with('-') && group.contains(|c| letters.contains(c));
        coded || !letters.is_empty() && lists("--eval --print --command", &word.text)
    })
}

/// The rule for a file that is to be written: its folder; the file itself in the root, and outside of the project, where
/// a folder may be all that the user has.
pub fn for_path(permissions: &Permissions, path: &str, cwd: &Path) -> Option<Rule> {
    let place = Place::all(path, cwd).into_iter().next()?;
    let written = place.written;
    if !permissions.protected(&written).is_empty() {
        return None;
    }
    let Some(below) = permissions.below_root(&written) else {
        return Rule::with("edit_file", &format!("/{}", pattern(&written)?));
    };
    if below == Path::new("") {
        return None;
    }
    match below.parent().filter(|folder| *folder != Path::new("")) {
        Some(folder) => Rule::with("edit_file", &format!("{}/**", pattern(folder)?)),
        None => Rule::with("edit_file", &pattern(below)?),
    }
}

/// The same for a file to which output goes, which must be in the project.
pub fn for_file_in_project(permissions: &Permissions, path: &str, cwd: &Path) -> Option<Rule> {
    let written = follow(&cwd.join(path))?;
    permissions.below_root(&written)?;
    for_path(permissions, path, cwd)
}

/// A path as a pattern that means exactly it; `None` when it is no text.
fn pattern(path: &Path) -> Option<String> {
    let mut pattern = String::new();
    for component in path.components() {
        match component {
            Component::RootDir => pattern.push('/'),
            part => {
                if !pattern.is_empty() && !pattern.ends_with('/') {
                    pattern.push('/');
                }
                for letter in part.as_os_str().to_str()?.chars() {
                    if "*?[]{}\\!#~".contains(letter) {
                        pattern.push('\\');
                    }
                    pattern.push(letter);
                }
            }
        }
    }
    Some(pattern)
}
