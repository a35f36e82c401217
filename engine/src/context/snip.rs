//! The first step: old tool outputs to head and tail, oldest first.
//!
//! Lines that report an error and lines that define a value are kept, since neither can be guessed again. What the
//! model wrote is left alone, calls included: a model that sees its own calls shortened writes shortened ones.

use crate::context::tokens;
use crate::conversation::{Entry, Round};
use crate::wire::text;

/// An output of at most this many bytes is not worth cutting.
const SHORT: usize = 1_500;
/// A round that loses fewer tokens than this is left as it is, such as one that was cut before: what is kept of an
/// output may be as long as it was.
const GAIN: u64 = 100;
/// Bytes kept of the beginning, and of the end.
const END: usize = 300;
/// Telling lines kept from between, and the bytes kept of each.
const LINES: usize = 6;
const LINE: usize = 160;

/// The entries with as many old outputs cut, oldest first, as it takes to free `wanted` tokens; and how many
/// outputs that were. `None` if there is nothing to cut.
pub fn snip(entries: &[Entry], wanted: u64) -> Option<(Vec<Entry>, usize)> {
    let (mut freed, mut cut, mut snipped) = (0, 0, Vec::new());
    for entry in entries {
        if freed >= wanted {
            break;
        }
        let (short, count) = match entry {
            Entry::Round(round) => cut_down(round),
            _ => (entry.clone(), 0),
        };
        let gain = tokens::of_entry(entry).saturating_sub(tokens::of_entry(&short));
        let is_worth_it = count > 0 && gain >= GAIN;
        snipped.push(if is_worth_it { short } else { entry.clone() });
        if is_worth_it {
            (freed, cut) = (freed + gain, cut + count);
        }
    }
    (cut > 0).then_some((snipped, cut))
}

/// The round with its long outputs cut, and how many those are.
fn cut_down(round: &Round) -> (Entry, usize) {
    let is_long = |result: &str| result.len() > SHORT;
    let short = with_results(round, |result| match is_long(result) {
        true => shortened(result),
        false => result.to_string(),
    });
    let count = round.answered().filter(|(_, result)| is_long(result));
    (short, count.count())
}

/// The round with its results worded anew.
pub(super) fn with_results(round: &Round, new: impl Fn(&str) -> String) -> Entry {
    let results: Vec<String> = round.answered().map(|(_, result)| new(result)).collect();
    let reply = round.reply().clone();
    Entry::Round(Round::new(reply, |at, _| results[at].clone()))
}

/// Head, telling lines and tail of an output.
fn shortened(output: &str) -> String {
    let (head, tail) = (text::head(output, END), text::tail(output, END));
    // Whole lines where there are any.
    let head = head.rfind('\n').map_or(head, |end| &head[..end]);
    let tail = tail.find('\n').map_or(tail, |start| &tail[start + 1..]);
    let middle = &output[head.len()..output.len() - tail.len()];
    let kept: String = telling(middle, LINES)
        .iter()
        .map(|line| format!("{}\n", text::head(line, LINE)))
        .collect();
    let lines = middle.lines().count();
    format!(
        "{head}\n[... {lines} lines of this old output are left out; ask again for what you need]\n{kept}{tail}"
    )
}

/// The lines that say most, in their order: up to `count` that report an error, and as many that define a value.
fn telling(text: &str, count: usize) -> Vec<&str> {
    let (mut errors, mut values) = (0, 0);
    let mut wanted = |line: &&str| {
        let kind = match () {
            () if reports_error(line) => &mut errors,
            () if defines_value(line) => &mut values,
            () => return false,
        };
        *kind += 1;
        *kind <= count
    };
    text.lines().filter(|line| wanted(line)).collect()
}

/// As compilers, test runners, shells and stack traces word it.
fn reports_error(line: &str) -> bool {
    const SIGNS: &str = "error:|error[|error |errors|failed|failure|panicked|traceback|exception|fatal|not found\
        |no such file|denied|undefined|assert|cannot|can't|[exit code";
    let line = line.to_lowercase();
    SIGNS.split('|').any(|sign| line.contains(sign))
}

/// Whether a line does nothing but report an error.
pub(super) fn is_error(line: &str) -> bool {
    const WORDS: &str =
        "error|fatal|failed|failure|panicked|traceback|assertionerror|exception|thread '|e  ";
    let line = line.trim_start().to_lowercase();
    let behind = |word: &str| line.strip_prefix(word)?.chars().next();
    WORDS
        .split('|')
        .any(|word| behind(word).is_none_or(|next| ":[ '".contains(next)) && line.starts_with(word))
}

/// As most languages word a constant, behind the line numbers that tools put in front.
fn defines_value(line: &str) -> bool {
    let numbers = |c: char| c.is_ascii_digit() || c.is_whitespace() || c == ':';
    let line = line.trim_start_matches(numbers);
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("export ").unwrap_or(line);
    let name = line.split_once(" = ").map_or("", |(name, _)| name);
    let shouted = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    ["const ", "static ", "#define "]
        .iter()
        .any(|word| line.starts_with(word))
        || (!name.is_empty() && name.chars().all(shouted))
}
