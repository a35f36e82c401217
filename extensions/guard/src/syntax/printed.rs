//! What commands print, as far as the line tells.
//!
//! The idea: only a literal `echo`, `printf` or `cat`, and `pwd`, are known to print what they do.
//! The invariant: what is told is a guess that only rules that refuse rely on.
//! Left out: widths and numbers in the formats of `printf`.

use std::path::PathBuf;

use super::{Command, Script, Word};

impl Command {
    /// What the command prints, when it is a literal `echo`, `printf` or `cat`.
    pub fn printed(&self) -> Option<String> {
        let words: Option<Vec<&str>> = self.words.iter().map(Word::known).collect();
        match words?.as_slice() {
            ["echo", flags, args @ ..] if ["-e", "-ne", "-en"].contains(flags) => {
                Some(unescape(&args.join(" ")))
            }
            ["echo", "-n" | "-E", args @ ..] | ["echo", args @ ..] => Some(args.join(" ")),
            ["printf", "--", format, args @ ..] | ["printf", format, args @ ..] => {
                Some(format_printf(format, args))
            }
            ["cat"] | ["cat", "-"] => self.here_text().map(str::to_owned),
            _ => None,
        }
    }
}

/// What a substitution yields, when it is a literal `echo` and the like, or `pwd`.
pub fn printed_by(script: &Script, cwd: &Option<PathBuf>) -> Option<String> {
    let [command] = script.as_slice() else {
        return None;
    };
    if command.words.len() == 1 && command.words[0].text == "pwd" {
        return Some(cwd.as_ref()?.to_string_lossy().into_owned());
    }
    Some(command.printed()?.trim_end_matches('\n').to_owned())
}

/// Decodes backslash escapes as `printf` and `$'...'` do.
pub(super) fn unescape(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        result.push_str(before);
        let (start, radix, most) = match escape.chars().next() {
            Some('x') => (1, 16, 2),
            Some('u') => (1, 16, 4),
            Some('0') => (1, 8, 3),
            _ => (0, 8, 3),
        };
        let digits = escape.chars().skip(start).take(most);
        let end = start + digits.take_while(|digit| digit.is_digit(radix)).count();
        let code = u32::from_str_radix(&escape[start..end], radix).ok();
        if let Some(character) = code.and_then(char::from_u32) {
            result.push(character);
            rest = &escape[end..];
            continue;
        }
        let mut chars = escape.chars();
        result.extend(chars.next().map(|letter| match letter {
            'n' => '\n',
            't' => '\t',
            other => other,
        }));
        rest = chars.as_str();
    }
    result + rest
}

fn format_printf(format: &str, args: &[&str]) -> String {
    let mut result = String::new();
    let mut args = args.iter();
    loop {
        let before = args.len();
        let mut chars = format.chars();
        while let Some(character) = chars.next() {
            match (character, chars.as_str().chars().next()) {
                ('%', Some('s' | 'b' | 'd' | 'q')) => {
                    chars.next();
                    result.push_str(args.next().unwrap_or(&""));
                }
                ('%', Some('%')) => {
                    chars.next();
                    result.push('%');
                }
                _ => result.push(character),
            }
        }
        // The format is used again until the arguments are used up.
        if args.len() == 0 || args.len() == before {
            return unescape(&result);
        }
    }
}
