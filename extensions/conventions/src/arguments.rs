//! What the user typed after `/name`, put where the text of a skill or a command wants it.
//!
//! `$ARGUMENTS` is all of it as typed. `$1` to `$9` are its words, split as a shell splits them; `$ARGUMENTS[0]` counts
//! from zero, and so does `$N` in a text that names `$0`, as skills for Claude Code do (code.claude.com/docs/en/skills).
//! After a backslash, as in `awk "{print \$1}"`, they are left alone. A word that was not given leaves its placeholder standing, as there. What is put in is not looked at again.

/// A place in the text, and what belongs there.
enum Placeholder {
    All,
    /// The word with this index.
    Word(usize),
}

/// The text with `args` in it; after it, if it has no place for them.
pub(crate) fn fill(text: &str, args: &str) -> String {
    let args = args.trim();
    let words = words(args);
    let first = usize::from(!text.match_indices("$0").any(|(at, _)| is_free(text, at, 2)));
    let (mut filled, mut rest_at, mut has_place) = (String::new(), 0, false);
    for (at, _) in text.match_indices('$') {
        let Some((placeholder, length)) = placeholder(text, at, first) else {
            continue;
        };
        has_place = true;
        let value = match placeholder {
            Placeholder::All => Some(args),
            Placeholder::Word(index) => words.get(index).map(String::as_str),
        };
        filled.push_str(&text[rest_at..at]);
        filled.push_str(value.unwrap_or(&text[at..at + length]));
        rest_at = at + length;
    }
    filled.push_str(&text[rest_at..]);
    if !has_place && !args.is_empty() {
        filled.push_str("\n\nArguments: ");
        filled.push_str(args);
    }
    filled
}

/// The words of a command line; quotes that are not closed, as in `don't`, are just letters.
fn words(args: &str) -> Vec<String> {
    shlex::split(args).unwrap_or_else(|| args.split_whitespace().map(str::to_string).collect())
}

/// What the `$` at `at` begins, and its length in bytes.
fn placeholder(text: &str, at: usize, first: usize) -> Option<(Placeholder, usize)> {
    if text[..at].ends_with('\\') {
        return None;
    }
    let rest = &text[at + 1..];
    if let Some(after) = rest.strip_prefix("ARGUMENTS") {
        let index = after
            .strip_prefix('[')
            .and_then(|after| after.split_once(']'));
        if let Some((digits, _)) = index
            && let Ok(index) = digits.parse()
        {
            return Some((
                Placeholder::Word(index),
                "$ARGUMENTS[]".len() + digits.len(),
            ));
        }
        let length = "$ARGUMENTS".len();
        return is_free(text, at, length).then_some((Placeholder::All, length));
    }
    let digit = rest.bytes().next().filter(u8::is_ascii_digit)?;
    let index = usize::from(digit - b'0').checked_sub(first)?;
    is_free(text, at, 2).then_some((Placeholder::Word(index), 2))
}

/// Whether the placeholder ends here: `$10`, `$1.50` and `$ARGUMENTS_FILE` are something else.
fn is_free(text: &str, at: usize, length: usize) -> bool {
    let mut after = text[at + length..].chars();
    let next = after.next().unwrap_or(' ');
    let is_price = matches!(next, '.' | ',') && after.next().is_some_and(|c| c.is_ascii_digit());
    !next.is_alphanumeric() && next != '_' && !is_price
}
