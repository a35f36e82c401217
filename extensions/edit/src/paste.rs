//! Pass 5: one slip of copying undone.
//!
//! A slip counts only if it runs through the whole passage: numbers on each line that count up by one, a fence around
//! it, every quote behind a backslash. The same is undone in the new text, where it has it. What is left must then
//! stand in the file by the passes before this one.

/// What the model copied along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slip {
    /// The line numbers of a listing.
    LineNumbers,
    /// A Markdown fence.
    Fence,
    /// `&lt;` for `<`.
    Entities,
    /// `\n` for a line break.
    EscapedBreaks,
    /// `\"` for `"`.
    EscapedQuotes,
}

/// Old and new as they were meant, if the slip was made.
type Undo = fn(&str, &str) -> Option<(String, String)>;

/// Each slip that may have been made, with old and new as they were meant.
pub fn undone(old: &str, new: &str) -> Vec<(Slip, String, String)> {
    let readings: [(Slip, Undo); 6] = [
        (Slip::LineNumbers, numbered),
        (Slip::Fence, fenced),
        (Slip::Entities, entities),
        (Slip::EscapedBreaks, as_json),
        (Slip::EscapedBreaks, escaped_breaks),
        (Slip::EscapedQuotes, escaped_quotes),
    ];
    let undone = readings.into_iter().filter_map(|(slip, undo)| {
        let (meant_old, meant_new) = undo(old, new)?;
        Some((slip, meant_old, meant_new))
    });
    undone
        .filter(|(_, meant_old, meant_new)| !meant_old.trim().is_empty() && meant_old != meant_new)
        .collect()
}

/// A listing's line: its number, what parts it from the text, and the text.
fn listed(line: &str) -> Option<(u64, char, &str)> {
    let line = line.trim_start_matches([' ', '\t']);
    let digits = line.find(|c: char| !c.is_ascii_digit())?;
    let number = line[..digits].parse().ok()?;
    let rest = &line[digits..];
    let spaced = rest.trim_start_matches(' ');
    let (sign, text) = match rest.chars().next()? {
        sign @ ('\t' | '→' | ':') => (sign, &rest[sign.len_utf8()..]),
        _ if spaced.starts_with(['|', '│']) => {
            let sign = spaced.chars().next()?;
            (sign, &spaced[sign.len_utf8()..])
        }
        _ => return None,
    };
    Some((number, sign, text))
}

fn numbered(old: &str, new: &str) -> Option<(String, String)> {
    let lines: Vec<_> = old.lines().map(listed).collect::<Option<_>>()?;
    let (_, sign, _) = *lines.first()?;
    let counts = lines.windows(2).all(|two| two[1].0 == two[0].0 + 1);
    if !counts || lines.iter().any(|line| line.1 != sign) {
        return None;
    }
    // After a colon or a bar most listings put a space; then each line that is not empty has it.
    let padded = matches!(sign, ':' | '|' | '│')
        && lines
            .iter()
            .all(|line| line.2.is_empty() || line.2.starts_with(' '));
    let bare = |text: &str| text[usize::from(padded && text.starts_with(' '))..].to_string();
    let strip = |line: &str| match listed(line) {
        Some((_, other, text)) if other == sign => bare(text),
        _ => line.to_string(),
    };
    // New text has all of its lines numbered, or none, or else only those that it quotes.
    let quoted: Vec<&str> = old.lines().collect();
    let filled = || new.lines().filter(|line| !line.trim().is_empty());
    let all = filled().all(|line| listed(line).is_some_and(|line| line.1 == sign));
    let foreign = filled().any(|line| listed(line).is_some() && !quoted.contains(&line));
    let meant_new = match (all, foreign) {
        (false, true) if filled().any(|line| quoted.contains(&line)) => return None,
        (false, true) => new.to_string(),
        _ => each_line(new, strip),
    };
    Some((each_line(old, strip), meant_new))
}

fn each_line(text: &str, change: impl Fn(&str) -> String) -> String {
    let lines = text.split('\n').map(|line| match line.strip_suffix('\r') {
        Some(line) => change(line) + "\r",
        None => change(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn fenced(old: &str, new: &str) -> Option<(String, String)> {
    let meant_old = inside_fence(old)?;
    let meant_new = inside_fence(new).unwrap_or(new);
    // A fence hides whether the text within ends with a line break; both then do, or neither.
    if meant_new.is_empty() || meant_new.ends_with('\n') {
        return Some((meant_old.to_string(), meant_new.to_string()));
    }
    let without = meant_old.strip_suffix('\n').unwrap_or(meant_old);
    Some((without.to_string(), meant_new.to_string()))
}

fn inside_fence(text: &str) -> Option<&str> {
    let text = text.trim();
    let ticks = text.len() - text.trim_start_matches('`').len();
    let (first, rest) = text.split_once('\n')?;
    let language = |c: char| c.is_alphanumeric() || "+-#._ ".contains(c);
    let opens = ticks >= 3 && first[ticks..].trim().chars().all(language);
    let inside = rest.strip_suffix(&text[..ticks])?;
    (opens && (inside.is_empty() || inside.ends_with('\n'))).then_some(inside)
}

fn entities(old: &str, new: &str) -> Option<(String, String)> {
    let meant = unescape_entities(old);
    (meant != old).then(|| (meant, unescape_entities(new)))
}

fn unescape_entities(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('&') {
        out += &rest[..at];
        rest = &rest[at..];
        let entity = ENTITIES.iter().find(|(name, _)| rest.starts_with(name));
        let (written, meant) = entity.copied().unwrap_or(("&", "&"));
        out += meant;
        rest = &rest[written.len()..];
    }
    out + rest
}

const ENTITIES: [(&str, &str); 11] = [
    ("&amp;", "&"),
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&#039;", "'"),
    ("&#x27;", "'"),
    ("&#34;", "\""),
    ("&#38;", "&"),
    ("&#x2F;", "/"),
];

/// Whether a text of several lines was written in one.
fn is_one_line_with_breaks(text: &str) -> bool {
    !text.trim_matches('\n').contains('\n') && text.contains("\\n")
}

/// A text that was written as JSON twice.
fn as_json(old: &str, new: &str) -> Option<(String, String)> {
    let decode = |text: &str| {
        let text = text.replace('\n', "\\n").replace('\t', "\\t");
        serde_json::from_str::<String>(&format!("\"{text}\"")).ok()
    };
    if !is_one_line_with_breaks(old) {
        return None;
    }
    Some((decode(old)?, decode(new).filter(|_| !is_broken(new))?))
}

/// Line breaks, and nothing else, that were written as `\n`.
fn escaped_breaks(old: &str, new: &str) -> Option<(String, String)> {
    if !is_one_line_with_breaks(old) || is_broken(new) {
        return None;
    }
    let decode = |text: &str| {
        let text = text.replace("\\r\\n", "\n").replace("\\n", "\n");
        text.replace("\\t", "\t")
    };
    let (meant_old, meant_new) = (decode(old), decode(new));
    // A break within a string was meant as it stands, and is not to be told from the others.
    let torn = |text: &str| text.lines().any(|line| line.matches('"').count() % 2 == 1);
    (torn(&meant_old) || !torn(&meant_new)).then_some((meant_old, meant_new))
}

/// A text that has line breaks of both kinds: which of them are meant is not to be told.
fn is_broken(text: &str) -> bool {
    text.trim_matches('\n').contains('\n') && text.contains("\\n")
}

/// Quotes that were all written behind a backslash.
fn escaped_quotes(old: &str, new: &str) -> Option<(String, String)> {
    let (mut meant_old, mut meant_new) = (old.to_string(), new.to_string());
    for quote in ["\"", "'", "`"] {
        let escaped = format!("\\{quote}");
        let all = |text: &str| text.matches(&escaped).count() == text.matches(quote).count();
        if !old.contains(&escaped) || !all(old) {
            continue;
        }
        meant_old = meant_old.replace(&escaped, quote);
        match new.contains(&escaped) {
            true if !all(new) => return None,
            _ => meant_new = meant_new.replace(&escaped, quote),
        }
    }
    (meant_old != old).then_some((meant_old, meant_new))
}
