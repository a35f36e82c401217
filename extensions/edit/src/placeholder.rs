//! Words that stand for text which the model did not write out.
//!
//! `// ... existing code ...` is one; so is `# rest of the file unchanged`. Dots in the midst of a program's own text
//! are none: a line counts only if it is nothing but a comment, or begins with the dots.

/// A line that says what should stand there instead of being it.
pub fn is_placeholder(line: &str) -> bool {
    let (words, commented) = uncommented(behind_code(line));
    let bracketed = words.starts_with(['(', '[', '<']);
    let words = words.trim_start_matches(['(', '[', '<']).trim_start();
    let after_dots = words.trim_start_matches(DOTS);
    // A spread, `...existing`, is program text; the dots of a placeholder stand by themselves.
    let leads = after_dots.len() < words.len() && (commented || after_dots.starts_with(' '));
    let lower = words.to_lowercase();
    let says = PHRASES.iter().any(|phrase| lower.contains(phrase));
    let enclosed = commented && words.ends_with(DOTS);
    (leads && (says || enclosed)) || ((leads || commented || bracketed) && is_whole_phrase(&lower))
}

/// A line of nothing but dots, or a placeholder with dots: it stands for the lines between its neighbours.
pub fn is_elision(line: &str) -> bool {
    let (words, _) = uncommented(line.trim());
    let only_dots = words.chars().all(DOTS) && (words.len() >= 3);
    only_dots || ((words.contains("...") || words.contains('…')) && is_placeholder(line))
}

const DOTS: fn(char) -> bool = |character| matches!(character, '.' | '…');

/// What such words hold, in lower case.
const PHRASES: [&str; 16] = [
    "existing",
    "rest of",
    "unchanged",
    "remaining",
    "remains",
    "same as",
    "the same",
    "previous",
    "omitted",
    " code",
    "as before",
    "as is",
    "methods",
    "functions",
    "implementation",
    "elided",
];

/// The comment behind a line's code, if there is one that begins with dots; else the line.
fn behind_code(line: &str) -> &str {
    let line = line.trim();
    let openers = [" // ", " # ", " /* ", " -- "].into_iter();
    let mut comments = openers.filter_map(|opener| line.find(opener).map(|at| line[at..].trim()));
    let dotted = |comment: &&str| uncommented(comment).0.starts_with(DOTS);
    comments.rfind(dotted).unwrap_or(line)
}

/// A line without the signs of a comment, and whether it had any.
fn uncommented(line: &str) -> (&str, bool) {
    let open: [&str; 12] = [
        "{/*", "/*", "///", "//", "<!--", "#", "--", ";", "%", "(*", "\"\"\"", "*",
    ];
    let close = ["*/}", "*/", "-->", "*)", "\"\"\""];
    let mut words = line.trim();
    let opener = open.iter().find(|sign| words.starts_with(**sign));
    if let Some(sign) = opener {
        words = words[sign.len()..].trim_start_matches(['#', '/', '*']);
    }
    let closer = close.iter().find(|sign| words.ends_with(**sign));
    if let Some(sign) = closer {
        words = &words[..words.len() - sign.len()];
    }
    (words.trim(), opener.is_some())
}

/// Whether these words say it without dots: "rest of the code", "existing methods unchanged".
fn is_whole_phrase(lower: &str) -> bool {
    let bare = |c: char| !c.is_alphanumeric();
    let mut words = lower
        .split(bare)
        .filter(|word| !word.is_empty() && *word != "the");
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let of = second == "of";
    let noun = if of {
        words.next().unwrap_or_default()
    } else {
        second
    };
    let begins = match first {
        "rest" | "remainder" => of,
        "remaining" | "existing" | "unchanged" => !of,
        _ => false,
    };
    let tail: Vec<&str> = words.collect();
    begins
        && NOUNS.contains(&noun)
        && tail.len() <= 5
        && tail.iter().all(|word| TAIL.contains(word))
}

const NOUNS: [&str; 14] = [
    "code",
    "file",
    "method",
    "methods",
    "function",
    "functions",
    "class",
    "implementation",
    "body",
    "content",
    "contents",
    "logic",
    "imports",
    "module",
];
const TAIL: [&str; 14] = [
    "here",
    "unchanged",
    "remains",
    "remain",
    "stays",
    "same",
    "as",
    "before",
    "is",
    "are",
    "goes",
    "below",
    "above",
    "follows",
];
