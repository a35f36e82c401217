//! A pattern for a command: words in which `*` stands for any text.
//!
//! `git diff*` is a plain beginning; `git diff *` and `git diff:*` mean `git diff` alone or
//! with arguments, but not `git difftool`. Without a `*` it is exactly this command. `\*` is
//! a star and `\\` a backslash, so that each command can be written as a rule.

/// A pattern that is ready to be compared.
#[derive(Clone, Debug)]
pub struct CommandPattern {
    /// The texts between the stars.
    pieces: Vec<String>,
    /// What follows the last piece is nothing, or more words.
    boundary: bool,
}

impl CommandPattern {
    /// Reads a pattern as it stands in a rule for bash.
    pub fn new(text: &str) -> CommandPattern {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let mut pattern = CommandPattern::plain(&words.join(" "));
        if let [.., last, end] = &mut pattern.pieces[..]
            && end.is_empty()
            && last.ends_with([' ', ':'])
        {
            last.pop();
            pattern.pieces.pop();
            pattern.boundary = true;
        }
        pattern
    }

    /// Reads a pattern in which only `*` means something.
    pub fn plain(text: &str) -> CommandPattern {
        let mut pieces = vec![String::new()];
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            let escaped = (letter == '\\').then(|| letters.next_if(|next| "*\\".contains(*next)));
            match (letter, pieces.last_mut()) {
                ('*', _) => pieces.push(String::new()),
                (_, Some(piece)) => piece.push(escaped.flatten().unwrap_or(letter)),
                _ => {}
            }
        }
        CommandPattern {
            pieces,
            boundary: false,
        }
    }

    /// Whether every command is meant.
    pub fn is_whole(&self) -> bool {
        let open = self.boundary || self.pieces.len() > 1;
        open && self.pieces.iter().all(String::is_empty)
    }

    /// Whether more arguments may follow.
    pub fn is_open(&self) -> bool {
        let ends_open = self.pieces.len() > 1 && self.pieces.last().is_some_and(String::is_empty);
        self.boundary || ends_open
    }

    /// Whether the pattern has `text` in so many letters.
    pub fn mentions(&self, text: &str) -> bool {
        self.pieces.iter().any(|piece| piece.contains(text))
    }

    pub fn matches(&self, text: &str) -> bool {
        let pieces: Vec<&str> = self.pieces.iter().map(String::as_str).collect();
        if !self.boundary {
            return fits(&pieces, text);
        }
        let mut longer = pieces.clone();
        let last = format!("{} ", longer.pop().unwrap_or_default());
        longer.extend([&*last, ""]);
        fits(&pieces, text) || fits(&longer, text)
    }
}

/// Whether `text` is the pieces in their order, with anything between them.
fn fits(pieces: &[&str], text: &str) -> bool {
    let [first, middle @ .., last] = pieces else {
        return pieces.first().is_some_and(|only| *only == text);
    };
    let Some(rest) = text
        .strip_prefix(first)
        .and_then(|rest| rest.strip_suffix(last))
    else {
        return false;
    };
    let mut rest = Some(rest);
    for piece in middle {
        rest = rest.and_then(|rest| Some(rest.split_once(piece)?.1));
    }
    rest.is_some()
}

/// Writes `text` so that a pattern means exactly it.
pub fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('*', "\\*")
}
