//! Where a block's path stands if not behind its language: in a comment, alone on a line, or in a sentence.

/// A path that stands alone or in a comment on the first line, and what follows.
pub(crate) fn comment(body: &str) -> Option<(&str, &str)> {
    let (line, rest) = body.split_once('\n')?;
    if is_path(line.trim(), false) {
        return Some((line.trim(), rest));
    }
    let marks = ["#", "//", "--", "/*", "<!--", ";"];
    let inner = marks
        .iter()
        .find_map(|mark| line.trim().strip_prefix(mark))?;
    let path = inner
        .trim()
        .trim_end_matches("-->")
        .trim_end_matches("*/")
        .trim();
    is_path(path, false).then_some((path, rest))
}

/// The one path that the line above names, if that line announces a file.
pub(crate) fn announced(before: &str) -> Option<&str> {
    let line = before.lines().rev().find(|line| !line.trim().is_empty())?;
    // "`a.py` is wrong. The correct code is:" does not say that the code is all of `a.py`.
    let line = line.trim_end().rsplit(". ").next()?;
    let words = line
        .split_whitespace()
        .map(|word| word.trim_matches(AROUND));
    let mut paths: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let alone = paths.len() == 1;
    paths.retain(|word| is_path(word, false));
    paths.dedup();
    let [path] = paths[..] else { return None };
    let lower = line.to_lowercase();
    let has = |list: &[&str]| list.iter().any(|word| lower.contains(word));
    let announces = lower.trim_end().ends_with([':', '`', '*']) && has(&ANNOUNCE) && !has(&TELL);
    (alone || announces).then_some(path)
}

/// What Markdown and sentences put around a path.
const AROUND: [char; 12] = ['`', '*', '"', '\'', '(', ')', '[', ']', ',', ':', '#', ';'];
const ANNOUNCE: [&str; 12] = [
    "correct", "fixed", "updated", "modified", "complete", "full", "new ", "final", "write",
    "create", "change", "content",
];
const TELL: [&str; 6] = ["run", "execut", "output", "usage", "example", "original"];

/// Whether a word can be a path: with an ending, or, where nothing else can stand, without.
pub(crate) fn is_path(word: &str, bare: bool) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "._-/~+@".contains(c);
    let name = word.rsplit('/').next().unwrap_or(word);
    let ending = name.rsplit_once('.').is_some_and(|(_, end)| {
        (1..=10).contains(&end.len())
            && end.chars().all(char::is_alphanumeric)
            && !end.chars().all(|c| c.is_ascii_digit())
    });
    !name.is_empty() && !word.contains("//") && word.chars().all(plain) && (bare || ending)
}
