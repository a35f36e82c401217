//! What a word means, as far as the line tells.
//!
//! The idea: braces first, then the home directory, then the pieces between quotes.
//! The invariant: a piece that is not understood is [`UNKNOWN`], or a command without a name.
//! Left out: globs, which stay as they are written.

use brush_parser::Token;
use brush_parser::word::{self, WordPiece, WordPieceWithSource};

use super::braces::expand_braces;
use super::printed::{printed_by, unescape};
use super::tokens::{parse_pieces, tokenize};
use super::walk::Reader;
use super::{FIELD, MAX_DEPTH, Script, UNKNOWN, Word, is_name, unreadable};

/// Variables may not make a word longer than this, in bytes.
const MAX_VALUE: usize = 1000;

impl Reader {
    /// Takes `NAME=value`; false when `source` is something else.
    pub(super) fn assign(&mut self, source: &str) -> bool {
        let Some((name, value)) = source.split_once('=') else {
            return false;
        };
        let plain_name = name.strip_suffix('+').unwrap_or(name);
        let appends = plain_name != name;
        if !is_name(plain_name) {
            return false;
        }
        let word = self.expand_word(value);
        self.variables.insert(
            plain_name.to_owned(),
            match appends {
                true => self.variable(plain_name).unwrap_or_default() + &word.text,
                false => word.text.clone(),
            },
        );
        self.current.assignments.push(Word {
            text: format!("{name}={}", word.text),
            source: source.to_owned(),
            ..word
        });
        true
    }

    pub(super) fn expand(&mut self, source: &str) -> Vec<Word> {
        let mut fields = Vec::new();
        for alternative in expand_braces(source) {
            let mut word = self.expand_word(&alternative);
            let text = std::mem::take(&mut word.text);
            let quoted = source.contains(['\'', '"']);
            let texts = text.split(FIELD).filter(|text| quoted || !text.is_empty());
            let mut scripts = std::mem::take(&mut word.scripts);
            fields.extend(texts.map(|text| Word {
                text: text.to_owned(),
                source: source.to_owned(),
                scripts: std::mem::take(&mut scripts),
                is_body: false,
            }));
            if !scripts.is_empty() {
                fields.push(Word {
                    scripts,
                    source: source.to_owned(),
                    ..Word::default()
                });
            }
        }
        fields
    }

    pub(super) fn expand_word(&mut self, source: &str) -> Word {
        let mut word = Word {
            source: source.to_owned(),
            ..Word::default()
        };
        let mut rest = source;
        if let Some(tail) = source.strip_prefix('~') {
            let (user, _) = tail.split_once('/').unwrap_or((tail, ""));
            let plain = |letter: char| letter.is_ascii_alphanumeric() || "._+-".contains(letter);
            if user.chars().all(plain) {
                word.text = match user {
                    "" => self.home.clone(),
                    "+" => self.variable("PWD").unwrap_or(UNKNOWN.to_string()),
                    _ => format!("/home/{user}"),
                };
                rest = &tail[user.len()..];
            }
        }
        if !rest.contains(['\\', '\'', '"', '$', '`']) {
            word.text.push_str(rest);
            return word;
        }
        let inside = rest
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''));
        if let Some(literal) = inside.filter(|literal| !literal.contains('\'')) {
            word.text.push_str(literal);
            return word;
        }
        match parse_pieces(rest, word::parse) {
            Some(pieces) => self.pieces(&pieces, false, &mut word),
            None => self.unread(&mut word),
        }
        word
    }

    /// What cannot be read may do anything: it counts as a command without a known name.
    pub(super) fn unread(&self, word: &mut Word) {
        word.text.push(UNKNOWN);
        word.scripts.push(unreadable());
    }

    pub(super) fn pieces(&mut self, pieces: &[WordPieceWithSource], quoted: bool, word: &mut Word) {
        for piece in pieces {
            match &piece.piece {
                WordPiece::Text(text) | WordPiece::SingleQuotedText(text) => {
                    word.text.push_str(text);
                }
                WordPiece::AnsiCQuotedText(text) => word.text.push_str(&unescape(text)),
                WordPiece::DoubleQuotedSequence(inner)
                | WordPiece::GettextDoubleQuotedSequence(inner) => self.pieces(inner, true, word),
                WordPiece::EscapeSequence(text) => word.text.extend(text.chars().skip(1)),
                WordPiece::CommandSubstitution(line)
                | WordPiece::BackquotedCommandSubstitution(line) => {
                    let script = self.nested(|depth| tokenize(line, depth));
                    push_value(word, printed_by(&script, &self.cwd), quoted);
                    word.scripts.push(script);
                    // What a backslash does between backticks depends on the quotes around.
                    if word.source.contains('`') && word.source.contains('\\') {
                        word.scripts.push(unreadable());
                    }
                }
                WordPiece::ParameterExpansion(expression) => {
                    let value = self.parameter(expression, word);
                    push_value(word, value, quoted);
                }
                WordPiece::ArithmeticExpression(expression) => {
                    word.text.push(UNKNOWN);
                    if expression.value.contains(['$', '`']) {
                        word.scripts.push(unreadable());
                    }
                }
                WordPiece::TildeExpansion(_) => word.text.push(UNKNOWN),
            }
        }
    }

    /// Reads a substitution one level deeper, with the variables known so far.
    pub(super) fn nested(&self, tokens: impl FnOnce(usize) -> Option<Vec<Token>>) -> Script {
        let mut reader = Reader {
            home: self.home.clone(),
            cwd: self.cwd.clone(),
            variables: self.variables.clone(),
            depth: self.depth + 1,
            ..Reader::default()
        };
        match tokens(reader.depth) {
            Some(tokens) if reader.depth <= MAX_DEPTH => reader.walk(&tokens),
            _ => return unreadable(),
        }
        reader.script
    }
}

fn push_value(word: &mut Word, value: Option<String>, quoted: bool) {
    match value {
        Some(value) if word.text.len() + value.len() <= MAX_VALUE && quoted => {
            word.text.push_str(&value);
        }
        Some(value) if word.text.len() + value.len() <= MAX_VALUE => {
            word.text
                .push_str(&value.replace([' ', '\t', '\n'], &FIELD.to_string()));
        }
        _ => word.text.push(UNKNOWN),
    }
}
