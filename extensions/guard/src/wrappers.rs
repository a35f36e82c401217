//! Programs that run the program named in their arguments, such as `sudo` and `timeout`.
//!
//! The idea: one table says how each wrapper's own arguments end, and [`peel`] takes one
//! wrapper off a command. It also says whether the wrapper is harmless: the program runs
//! just as it would without, so that what may run alone may run wrapped, too.
//! The invariant: an option that the table does not name is never harmless.
//! Left out: wrappers that run a script, see [`shell_code`], or run on another machine.

use crate::syntax::{Word, lists};

pub const SHELLS: &str = "sh bash zsh dash ksh fish ash";

/// How a wrapper's arguments are read.
struct Wrapper {
    name: &'static str,
    /// How many operands stand before the program.
    operands: usize,
    /// The short options that take a value.
    valued: &'static str,
    /// The options after which it is harmless still; `None` if it never is.
    harmless: Option<&'static str>,
}

const fn wrapper(
    name: &'static str,
    operands: usize,
    valued: &'static str,
    harmless: Option<&'static str>,
) -> Wrapper {
    Wrapper {
        name,
        operands,
        valued,
        harmless,
    }
}

const TIMEOUT: &str = "-s -k -v --signal --kill-after --preserve-status --foreground --verbose";
const WRAPPERS: &[Wrapper] = &[
    wrapper("sudo", 0, "ugphCDrtTUR", Some("-n -H -k -S")),
    wrapper("doas", 0, "uC", Some("-n")),
    wrapper("env", 0, "uC", Some("-u")),
    wrapper("timeout", 1, "sk", Some(TIMEOUT)),
    wrapper("nice", 0, "n", Some("-n")),
    wrapper("ionice", 0, "cn", Some("-c -n -t")),
    wrapper("xargs", 0, "nIPLdEsa", Some("-n -P -L -0 -r -t -x")),
    wrapper("time", 0, "fo", Some("-p")),
    wrapper("exec", 0, "a", Some("")),
    wrapper("stdbuf", 0, "ioe", Some("-i -o -e")),
    wrapper("command", 0, "", Some("")),
    wrapper("builtin", 0, "", Some("")),
    wrapper("busybox", 0, "", None),
    wrapper("nohup", 0, "", Some("")),
    wrapper("setsid", 0, "", Some("-f -w")),
    wrapper("coproc", 0, "", None),
    wrapper("watch", 0, "n", None),
    wrapper("flock", 1, "wE", None),
    wrapper("chroot", 1, "", None),
    wrapper("unshare", 0, "SGRw", None),
    wrapper("nsenter", 0, "tSG", None),
    wrapper("setpriv", 0, "", None),
    wrapper("taskset", 1, "", None),
    wrapper("chrt", 1, "", None),
    wrapper("runuser", 0, "ugG", None),
    wrapper("strace", 0, "eoEpu", None),
];
/// The long options of all of them whose value may be the next argument.
const VALUED: &str = "--signal --kill-after --unset --chdir --adjustment --input --output --error \
    --format --max-args --max-procs --max-chars --arg-file --delimiter --process-slot-var --user \
    --group --host --prompt --close-from --command-timeout --class --classdata --timeout --wait \
    --conflict-exit-code --interval --reuid --regid --groups";

/// A command with one wrapper taken off.
pub struct Peeled<'a> {
    /// The wrapper's name without its folder.
    pub name: &'a str,
    /// The words of the program that it runs.
    pub inner: &'a [Word],
    /// The `NAME=value` that it sets for the program.
    pub assignments: Vec<&'a Word>,
    /// The program runs as it would without the wrapper and its options, but for whose rights it has.
    pub harmless: bool,
    /// It has the rights of the superuser.
    pub elevated: bool,
}

/// Takes the outermost wrapper off; `None` when the command is no wrapper.
pub fn peel(words: &[Word]) -> Option<Peeled<'_>> {
    let (first, rest) = words.split_first()?;
    let name = base_name(first);
    let wrapper = WRAPPERS.iter().find(|wrapper| wrapper.name == name)?;
    let asks = rest.first().is_some_and(|word| lists("-v -V", &word.text));
    if name == "command" && asks {
        return None;
    }
    let mut harmless = wrapper.harmless.is_some() && first.source == name;
    let mut assignments = Vec::new();
    let mut words = rest;
    while let Some((option, rest)) = words.split_first() {
        let text = &*option.text;
        let takes_value = |letter: char| wrapper.valued.contains(letter);
        let detached =
            text.len() == 2 && text.ends_with(takes_value) || text.len() > 2 && lists(VALUED, text);
        if text.starts_with('-') {
            harmless &= wrapper.is_harmless(option);
            words = rest.get(usize::from(detached)..).unwrap_or_default();
            harmless &= !detached || rest.first().is_some_and(is_plain);
        } else if text.contains('=') && lists("env sudo", name) {
            harmless &= is_plain(option);
            assignments.push(option);
            words = rest;
        } else {
            break;
        }
    }
    let (operands, inner) = words.split_at(wrapper.operands.min(words.len()));
    Some(Peeled {
        name,
        inner,
        assignments,
        elevated: lists("sudo doas", name),
        harmless: harmless && operands.iter().all(is_plain),
    })
}

impl Wrapper {
    /// Whether the option is named in the table; a value may be attached to it.
    fn is_harmless(&self, option: &Word) -> bool {
        let listed = self.harmless.unwrap_or_default();
        let text = option.text.split('=').next().unwrap_or_default();
        let short = text.get(..2).filter(|_| !text.starts_with("--"));
        let attached = short.is_some_and(|short| {
            short.ends_with(|letter: char| self.valued.contains(letter)) && lists(listed, short)
        });
        is_plain(option) && !text.is_empty() && (attached || lists(listed, text))
    }
}

/// A word that is exactly one argument, whatever the line and the folder hold.
fn is_plain(word: &Word) -> bool {
    word.is_exact() && !word.source.contains('{')
}

/// Takes off all wrappers; true when one of them adds its input to the arguments.
pub fn unwrap(mut words: &[Word]) -> (&[Word], bool) {
    let mut takes_input = false;
    while let Some(peeled) = peel(words) {
        takes_input |= peeled.name == "xargs";
        words = peeled.inner;
    }
    (words, takes_input)
}

/// The script in `sh -c 'script'`, when nothing but `-c` and harmless letters stand before,
/// and no arguments behind, which the script could use.
pub fn shell_code(words: &[Word]) -> Option<&Word> {
    let [shell, option, code] = words else {
        return None;
    };
    let group = option.text.strip_prefix('-')?;
    let plain = is_plain(shell) && is_plain(option);
    let known = group.contains('c') && group.chars().all(|letter| "celux".contains(letter));
    (plain && known && lists(SHELLS, base_name(shell))).then_some(code)
}

/// The name of a program without its folder.
pub fn base_name(word: &Word) -> &str {
    word.text.rsplit('/').next().unwrap_or_default()
}
