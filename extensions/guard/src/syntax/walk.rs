//! Goes over the tokens of a line once.
//!
//! The idea: separators end a command, keywords and parentheses open and close groups, and all
//! other words belong to the current command.
//! The invariant: each token is taken once, and each command is written down.
//! Left out: the patterns of `case`, arrays and arithmetic, which become unreadable commands.

use std::collections::HashMap;
use std::path::PathBuf;

use brush_parser::word;
use brush_parser::{SourceSpan, Token};

use super::groups::Group;
use super::tokens::{is_arithmetic, parse_pieces};
use super::{Command, Redirect, Script, UNKNOWN, Word, is_name, lists, unreadable};

const SEPARATORS: &str = "; & && || ;; ;& ;;& \n";
const REDIRECTS: &str = "< > >> >| <> << <<- <<< <& >& &> &>>";
const OPENERS: &str = "{ if while until for case select";
const CLOSERS: &str = "} fi done esac";
const FILLERS: &str = "then else elif do !";

#[derive(Default)]
pub(super) struct Reader {
    pub(super) home: String,
    pub(super) cwd: Option<PathBuf>,
    pub(super) depth: usize,
    pub(super) variables: HashMap<String, String>,
    pub(super) script: Script,
    pub(super) current: Command,
    /// Where the pipeline of the current command starts in the script.
    pub(super) pipeline: usize,
    pub(super) groups: Vec<Group>,
    /// Where the last word ends in the line.
    pub(super) word_end: usize,
    /// The operator whose target is the next word.
    pub(super) redirect: Option<String>,
    /// The function whose body is the next group.
    pub(super) function: Option<String>,
}

impl Reader {
    pub(super) fn walk(&mut self, tokens: &[Token]) {
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            index += match token {
                Token::Word(source, span) => self.word(source, span.end.index),
                Token::Operator(operator, _) => self.operator(operator, &tokens[index..]),
            };
        }
        self.finish();
    }

    /// Takes a word, and returns the number of tokens used.
    fn word(&mut self, source: &str, end: usize) -> usize {
        self.word_end = end;
        if self.redirect.is_none() && self.begins_group(source) {
            self.finish();
        }
        let starts = self.current.words.is_empty() && self.redirect.is_none();
        if starts && lists(OPENERS, source) {
            self.open(false);
        }
        if starts && source == "case" {
            // The library ends a substitution at the `)` of a pattern.
            self.script.extend(unreadable());
        }
        if starts && lists(CLOSERS, source) {
            self.close(false);
        } else if starts && self.assign(source) {
        } else if matches!(self.current.words.as_slice(), [first] if first.source == "function") {
            self.current.words.clear();
            self.function = Some(source.to_owned());
        } else if !(starts
            && (lists(FILLERS, source) || lists(OPENERS, source))
            && !lists("for select", source))
        {
            let words = self.expand(source);
            self.take(words);
        }
        1
    }

    /// Whether a command that is only `time`, or `coproc` and a name, or the head of a loop over
    /// the arguments, ends in front of this word.
    fn begins_group(&self, source: &str) -> bool {
        let word = |index: usize| {
            self.current
                .words
                .get(index)
                .map(|word: &Word| &*word.source)
        };
        match (self.current.words.len(), word(0), word(1)) {
            (1, Some("time" | "coproc"), _) => lists(OPENERS, source),
            (2, Some("time"), Some("-p")) | (2, Some("coproc"), _) => lists(OPENERS, source),
            (2, Some("for" | "select"), _) => source == "do",
            _ => false,
        }
    }

    pub(super) fn take(&mut self, words: Vec<Word>) {
        match self.redirect.take() {
            Some(operator) => {
                let mut words = words.into_iter();
                let mut target = words.next().unwrap_or_default();
                // More than one word is an error, but only after all of them were expanded.
                for other in words {
                    target.text.push(UNKNOWN);
                    target.scripts.extend(other.scripts);
                }
                self.current.redirects.push(Redirect { operator, target });
            }
            None => self.current.words.extend(words),
        }
    }

    /// Takes the operator at the start of `tokens`, and returns the number of tokens used.
    fn operator(&mut self, operator: &str, tokens: &[Token]) -> usize {
        let next = tokens.get(1).map(Token::to_str);
        match operator {
            "<" | ">" if next == Some("(") => return self.process_substitution(tokens),
            "<<" | "<<-" if tokens.len() > 3 => return self.here_document(tokens),
            "|" | "|&" => self.pipe(),
            "(" if next == Some(")") && self.current.words.len() == 1 => {
                self.function = self.current.words.pop().map(|word| word.text);
                return 2;
            }
            "(" if next == Some(")") && self.function.is_some() => return 2,
            "(" if is_arithmetic(tokens) || !self.current.is_empty() => {
                // Arithmetic and the subscripts of arrays run the substitutions in values.
                self.finish();
                self.script.extend(unreadable());
                self.open(true);
            }
            "(" => self.open(true),
            ")" => self.close(true),
            _ if lists(REDIRECTS, operator) => self.redirect(operator, &tokens[0]),
            _ if lists(SEPARATORS, operator) => self.separate(operator == "&"),
            _ => self.finish(),
        }
        1
    }

    fn redirect(&mut self, operator: &str, token: &Token) {
        self.take_descriptor(token);
        self.redirect = Some(operator.to_owned());
    }

    /// In `2>file` the 2 is a word of its own that touches the operator.
    fn take_descriptor(&mut self, token: &Token) {
        let descriptor = |word: &mut Word| word.source.bytes().all(|byte| byte.is_ascii_digit());
        let variable = |word: &mut Word| {
            let inside = word.source.strip_prefix('{');
            let inside = inside.and_then(|rest| rest.strip_suffix('}'));
            inside.is_some_and(|inside| inside.split('[').next().is_some_and(is_name))
        };
        if self.word_end == token.location().start.index {
            self.current.words.pop_if(descriptor);
            // The number of the descriptor goes into the variable.
            if let Some(mut word) = self.current.words.pop_if(variable) {
                if word.source.contains('[') {
                    // The subscript is evaluated.
                    word.scripts.push(unreadable());
                }
                let name = word.source.trim_matches(['{', '}']);
                let text = format!("{name}={UNKNOWN}");
                self.current.assignments.push(Word { text, ..word });
            }
        }
    }

    /// Reads `<( ... )` as a word of the command it feeds.
    fn process_substitution(&mut self, tokens: &[Token]) -> usize {
        let mut open = 0;
        let end = tokens.iter().skip(1).position(|token| {
            open += match token {
                Token::Operator(operator, _) if operator == "(" => 1,
                Token::Operator(operator, _) if operator == ")" => -1,
                _ => 0,
            };
            open == 0
        });
        let end = end.map_or(tokens.len(), |offset| offset + 1);
        let script = self.nested(|_| Some(tokens.get(2..end)?.to_vec()));
        let mut word = Word {
            text: UNKNOWN.to_string(),
            source: "<()".to_owned(),
            scripts: vec![script],
            ..Word::default()
        };
        // What touches it is a part of the same word to bash.
        let place = |index: usize| tokens.get(index).map(Token::location);
        let touches = |(one, next): (&SourceSpan, &SourceSpan)| one.end.index == next.start.index;
        let word_follows = matches!(tokens.get(end + 1), Some(Token::Word(..)));
        if word_follows && place(end).zip(place(end + 1)).is_some_and(touches) {
            word.scripts.push(unreadable());
        }
        self.take(vec![word]);
        end + 1
    }

    /// The four tokens of a here-document are the operator, the tag, the body and the tag.
    fn here_document(&mut self, tokens: &[Token]) -> usize {
        self.take_descriptor(&tokens[0]);
        let (tag, body) = (tokens[1].to_str(), tokens[2].to_str());
        let mut word = Word {
            text: body.to_owned(),
            is_body: true,
            ..Word::default()
        };
        if !tag.contains(['\'', '"', '\\']) && body.contains(['$', '`']) {
            word.source = std::mem::take(&mut word.text);
            match parse_pieces(body, word::parse_heredoc) {
                Some(pieces) => self.pieces(&pieces, true, &mut word),
                None => self.unread(&mut word),
            }
        }
        let operator = "<<".to_owned();
        let target = word;
        self.current.redirects.push(Redirect { operator, target });
        4
    }
}
