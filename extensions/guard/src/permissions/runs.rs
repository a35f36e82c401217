//! What a command runs, for rules that refuse.
//!
//! The idea: scripts that it hands to a shell, and programs that its arguments name.
//! The invariant: it is generous; what may be run counts as run.
//! Left out: scripts on disk.

use crate::danger::fed_text;
use crate::syntax::{self, Command, Script, Word, lists};
use crate::wrappers::SHELLS;

/// The scripts that a command hands to a shell: as an argument, as a file or as input.
pub fn codes(name: &str, words: &[Word], command: &Command, script: &Script) -> Vec<String> {
    let (first, args) = (&words[0], &words[1..]);
    let has_code = |arg: &Word| {
        let long = arg.text.starts_with("--") && arg.text != "--command";
        arg.text.starts_with('-') && !long && arg.text.contains('c')
    };
    let shell = lists(SHELLS, name);
    let argument = match name {
        "eval" => Some(texts(args)),
        "trap" => args
            .iter()
            .find(|arg| arg.text != "--")
            .map(|arg| arg.text.clone()),
        "su" | "script" | "flock" | "runuser" => args_after(args, has_code),
        _ if shell => args_after(args, has_code),
        // `env -S` and the like split one argument into words.
        _ if first.text.contains(' ') => Some(format!("{} {}", first.text, texts(args))),
        _ => None,
    };
    let mut codes = Vec::from_iter(argument);
    if shell || lists("source .", name) {
        codes.extend(fed_text(command, script));
        let files = args.iter().flat_map(|arg| &arg.scripts);
        codes.extend(files.filter_map(|file| syntax::printed_by(file, &command.cwd)));
    }
    codes
}

pub fn texts(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
    texts.join(" ")
}

/// The first argument behind the option that is none.
fn args_after(args: &[Word], is_option: impl Fn(&Word) -> bool) -> Option<String> {
    let place = args.iter().position(is_option)?;
    let mut behind = args[place + 1..].iter();
    let code = behind.find(|arg| !arg.text.starts_with(['-', '+']))?;
    Some(code.text.clone())
}

/// The subcommand of git with its arguments.
pub fn after_options(args: &[Word]) -> &[Word] {
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
pub fn is_run(name: &str, arg: &str) -> bool {
    match name {
        "find" => lists("-exec -execdir -ok -okdir", arg),
        "fd" => lists("-x -X --exec --exec-batch", arg),
        _ => false,
    }
}
