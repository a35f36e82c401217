//! Forms: what a pass takes for the same line.
//!
//! Two lines are the same in a form when their cleaned texts are equal. Each form forgives all that those before it
//! do. Cleaning never reorders and never drops anything but blanks at the ends, so a place in a cleaned line is a
//! place in the line.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What counts as the same line, strict to loose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// The same characters; only line ends may differ.
    Ends,
    /// But for blanks at the end of the line.
    Blanks,
    /// But for quotes, dashes and spaces that look alike, and Unicode's normal forms.
    Marks,
    /// But for the indentation, which must then follow one rule.
    Trimmed,
}

impl Form {
    /// Strict to loose.
    pub const ALL: [Form; 4] = [Form::Ends, Form::Blanks, Form::Marks, Form::Trimmed];

    /// The line as this form sees it.
    pub fn clean<'a>(self, line: &'a str) -> Cow<'a, str> {
        let trim = |line: &'a str| match self {
            Form::Ends => line,
            Form::Blanks | Form::Marks => line.trim_end_matches(BLANKS),
            Form::Trimmed => line.trim_matches(BLANKS),
        };
        if self < Form::Marks || line.is_ascii() {
            return Cow::Borrowed(trim(line));
        }
        let folded: String = clusters(line).map(fold).collect();
        let start = match self {
            Form::Trimmed => folded.len() - folded.trim_start_matches(BLANKS).len(),
            _ => 0,
        };
        let end = folded.trim_end_matches(BLANKS).len().max(start);
        Cow::Owned(folded[start..end].to_string())
    }

    /// The byte of `line` that stands at this byte of its cleaned text, if they meet there. For forms that keep the
    /// indentation.
    pub fn offset(self, line: &str, cleaned: usize) -> Option<usize> {
        if self < Form::Marks || line.is_ascii() {
            return Some(cleaned);
        }
        let (mut at, mut folded) = (0, 0);
        for cluster in clusters(line) {
            if folded >= cleaned {
                break;
            }
            at += cluster.len();
            folded += fold(cluster).len();
        }
        (folded == cleaned).then_some(at)
    }
}

/// What stands for nothing at the ends of a line.
const BLANKS: [char; 2] = [' ', '\t'];

/// The blanks that a line begins with.
pub fn indentation(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches(BLANKS).len()]
}

/// A line without blanks at its end.
pub fn without_trailing(line: &str) -> &str {
    line.trim_end_matches(BLANKS)
}

/// A line's characters, each with the marks that combine with it, so that each piece can be normalized by itself.
pub fn clusters(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices();
        characters.next()?;
        let joins = |(_, character): &(usize, char)| !joins_the_one_before(*character);
        let end = characters.find(joins).map_or(rest.len(), |(at, _)| at);
        let (cluster, after) = rest.split_at(end);
        rest = after;
        Some(cluster)
    })
}

/// Marks, and the vowels and finals of Hangul, which combine without being marks.
fn joins_the_one_before(character: char) -> bool {
    !character.is_ascii()
        && (is_combining_mark(character) || ('\u{1160}'..='\u{11ff}').contains(&character))
}

/// A cluster as all that look like it are written.
pub fn fold(cluster: &str) -> Cow<'_, str> {
    if cluster.is_ascii() {
        return Cow::Borrowed(cluster);
    }
    let mut characters = cluster.chars();
    if let (Some(character), None) = (characters.next(), characters.next())
        && let Some(plain) = look_alike(character)
    {
        return Cow::Borrowed(plain);
    }
    Cow::Owned(cluster.nfc().collect())
}

/// What models write for a character of typography.
fn look_alike(character: char) -> Option<&'static str> {
    Some(match character {
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2035}' => "'",
        '\u{201c}'..='\u{201f}' | '\u{2033}' | '\u{2036}' => "\"",
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => "-",
        '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => " ",
        _ => return None,
    })
}
