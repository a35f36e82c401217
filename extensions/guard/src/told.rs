//! What a bash line tells about its commands, for readers and for rules that allow.
//!
//! The idea: small questions about words, each answered from the line alone.
//! The invariant: when in doubt, the answer is the one that leads to a question.
//! Left out: what a program does with its arguments.

use crate::effect;
use crate::syntax::{Script, Word, is_name, lists};
use crate::variables::{is_hot, name};
use crate::wrappers::{base_name, shell_code, unwrap};

/// These read what they are given, whatever it is, so that `xargs` may give it.
const PLAIN_READERS: &str = "cat head tail wc grep egrep fgrep ls stat du basename dirname \
    realpath md5sum sha1sum sha256sum cksum";
/// These change what the words after them mean.
const REDEFINERS: &str = "alias unalias enable hash";
const DECLARERS: &str = "export declare typeset local readonly";

/// What bash makes something of, unless it is quoted.
const SPECIAL: &str = "*?[]{}~$`'\"\\;&|<>()#!^";

/// What the other commands of a line do to each of them.
#[derive(Clone, Copy, Default)]
pub struct Around {
    /// The working directory is changed somewhere.
    pub moves: bool,
    pub depth: usize,
}

/// Notes what the commands of a script do to each other.
pub fn survey(script: &Script, around: &mut Around) {
    for command in script {
        let name = unwrap(&command.words).0.first().map_or("", base_name);
        let any = lists("eval . source trap", name);
        around.moves |= any || lists("cd pushd popd", name);
        for inner in command.scripts() {
            survey(inner, around);
        }
    }
}

/// Whether the line tells which program is meant, and that it is that program.
pub fn is_named(words: &[Word]) -> bool {
    words.first().is_none_or(|first| {
        first.is_literal() && !first.text.is_empty() && !lists(REDEFINERS, &first.text)
    })
}

pub fn reads(words: &[Word], extended: bool, around: Around) -> bool {
    let plain = !extended
        || words
            .first()
            .is_some_and(|word| lists(PLAIN_READERS, &word.text));
    // Another folder may make git run what its configuration says.
    let here = !around.moves || words.first().is_none_or(|word| word.text != "git");
    !words.is_empty() && plain && here && effect::reads(words)
}

/// The variables assigned by a command that change what runs.
pub fn hot_names<'a>(
    assignments: impl IntoIterator<Item = &'a (impl std::borrow::Borrow<Word> + 'a)>,
    words: &[Word],
) -> Vec<String> {
    let texts = assignments.into_iter().map(|word| &*word.borrow().text);
    let declared = words
        .first()
        .is_some_and(|first| lists(DECLARERS, &first.text));
    let looped = words.first().is_some_and(|first| first.text == "for");
    let args = words.iter().skip(1).map(|word| &*word.text);
    let args = args.take(if declared {
        usize::MAX
    } else {
        usize::from(looped)
    });
    let hot = texts.chain(args).filter(|text| is_hot(text));
    hot.map(|text| name(text).to_owned()).collect()
}

/// The script that a command hands to a shell, when it is told to the letter.
pub fn code(words: &[Word]) -> Option<String> {
    let (first, args) = words.split_first()?;
    if first.source == "eval" && args.iter().all(Word::is_literal) {
        let texts: Vec<&str> = args.iter().map(|word| &*word.text).collect();
        return Some(texts.join(" "));
    }
    let code = shell_code(words).filter(|code| first.source == first.text && code.is_literal())?;
    Some(code.text.clone())
}

/// A command of git without the option that only says how it prints. Where it works decides
/// what else runs, so `-C` stays.
pub fn without_git_options<'a>(words: &[&'a Word]) -> Vec<&'a Word> {
    let Some((first, rest)) = words.split_first().filter(|(first, _)| first.text == "git") else {
        return Vec::new();
    };
    let rest = rest.iter().skip_while(|word| word.text == "--no-pager");
    std::iter::once(first).chain(rest).copied().collect()
}

/// A word as rules see it: its value, if that is one word and the same everywhere. Letters
/// that mean something unless they are quoted keep their quotes: `rm '*'` is not `rm *`.
pub fn canonical(word: &Word) -> &str {
    let special = |letter: char| letter.is_whitespace() || SPECIAL.contains(letter);
    let assigns = word
        .text
        .split_once('=')
        .is_some_and(|(name, _)| is_name(name));
    let plain = !word.text.is_empty() && !word.text.contains(special) && !assigns;
    match plain && word.is_literal() {
        true => &word.text,
        false => &word.source,
    }
}

/// Whether bash may run code that stands in a value while it expands the word: arithmetic,
/// subscripts and `@P` do. Plain values, defaults and patterns are known not to.
pub fn evaluates(word: &Word) -> bool {
    let source = &*word.source;
    let in_name = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    let odd = |rest: &str| {
        let behind = rest.trim_start_matches(in_name);
        let ends = [
            "}", "-", "+", "?", ":-", ":+", ":?", "#", "%", "/", "^", ",",
        ];
        let named = behind.len() < rest.len() && ends.iter().any(|end| behind.starts_with(end));
        let special = rest.starts_with(['?', '#', '@', '*', '$', '!', '-']);
        let counted = rest
            .strip_prefix('#')
            .map(|rest| rest.trim_start_matches(in_name));
        let whole = special && rest[1..].starts_with('}');
        !named && !whole && !counted.is_some_and(|rest| rest.starts_with('}'))
    };
    // A row that goes on in the next one may part the signs.
    let parted = source.contains('$') && source.contains("\\\n");
    let signs = ["$((", "$["].iter().any(|sign| source.contains(sign));
    let may = parted || signs || source.split("${").skip(1).any(odd);
    may && (word.is_body || !word.is_literal())
}
