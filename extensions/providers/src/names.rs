//! What a model's name tells of its version.

/// `claude-opus-4-5-20251101` is (4, 5), `claude-3-7-sonnet` (3, 7); a name without numbers is newer than all.
pub(crate) fn version(name: &str) -> (u32, u32) {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    // What has more digits is a date.
    let number = |word: &str| word.parse().ok().filter(|_| word.len() <= 2);
    let mut numbers = words
        .map(number)
        .skip_while(Option::is_none)
        .map_while(|number| number);
    match numbers.next() {
        Some(major) => (major, numbers.next().unwrap_or(0)),
        None => (u32::MAX, 0),
    }
}
