//! Turns a command line into its simple commands; the only file that knows brush_parser.
//!
//! The idea: one flat walk over the tokens. Separators end a command, keywords and
//! parentheses open and close groups, and each word is expanded with what the line itself
//! tells: variables, braces, the home directory, the output of a literal `echo`.
//! The invariant: recursion is bounded by [`MAX_DEPTH`], and what is not known becomes the
//! character [`UNKNOWN`] rather than a guess.
//! Left out: function arguments, arrays, arithmetic and patterns in `${name%pattern}`.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use brush_parser::word::{
    self, Parameter, ParameterExpr, SpecialParameter, WordPiece, WordPieceWithSource,
};
use brush_parser::{ParserOptions, SourceSpan, Token, WordParseError, uncached_tokenize_str};

/// Stands in a word for text that the line does not tell.
pub const UNKNOWN: char = '\u{E000}';
/// Stands between the fields of a value until the word is split.
pub const FIELD: char = '\u{E001}';
/// How many substitutions, or shells given a script, may nest.
pub const MAX_DEPTH: usize = 8;
/// The tokenizer recurses at each of these, so their number bounds its stack.
const MAX_EXPANSIONS: usize = 64;
/// The word parser recurses at each bracket of a word.
const MAX_BRACKETS: usize = 200;
/// It takes exponential time when many brackets stay open.
const MAX_OPEN: usize = 6;
/// Braces and variables may not multiply the line beyond these sizes.
const MAX_BRACES: usize = 64;
const MAX_VALUE: usize = 1000;
/// How many commands of a pipeline are looked at together.
pub const MAX_PIPELINE: usize = 16;

const SEPARATORS: &str = "; & && || ;; ;& ;;& \n";
const REDIRECTS: &str = "< > >> >| <> << <<- <<< <& >& &> &>>";
const OPENERS: &str = "{ if while until for case select";
const CLOSERS: &str = "} fi done esac";
const FILLERS: &str = "then else elif do !";
const DECLARERS: &str = "export declare typeset local readonly";

/// The commands of a line, in the order in which they are written.
pub type Script = Vec<Command>;

/// One word of a command after expansion.
#[derive(Debug, Default)]
pub struct Word {
    /// The value, with [`UNKNOWN`] for what the line does not tell. It is a guess where the line
    /// assigns it or gives a default, so only what refuses may rely on it; see [`Word::is_literal`].
    pub text: String,
    /// The word as written.
    pub source: String,
    /// The command and process substitutions inside the word.
    pub scripts: Vec<Script>,
    /// It is the body of a here-document, where quotes mean nothing.
    pub is_body: bool,
}

impl Word {
    /// The value, when the line tells all of it.
    pub fn known(&self) -> Option<&str> {
        (!self.text.contains(UNKNOWN)).then_some(&*self.text)
    }

    /// Whether the word is the same wherever it stands: nothing outside single quotes is
    /// expanded by `$` or a backtick. Values that the line itself assigns do not count as
    /// known here, since a condition may skip the assignment.
    pub fn is_literal(&self) -> bool {
        let expands = unquoted(&self.source, true).contains(['$', '`']);
        !expands && self.known().is_some() && self.scripts.is_empty()
    }

    /// Whether the word is literal and stands for exactly one argument, whatever is in the folder.
    pub fn is_exact(&self) -> bool {
        self.is_literal() && !self.is_glob()
    }

    /// Whether bash makes other words of it: it has a glob, or braces that list something.
    pub fn is_glob(&self) -> bool {
        let bare = unquoted(&self.source, false);
        let lists = bare.contains('{') && (bare.contains(',') || bare.contains(".."));
        lists || bare.contains(['*', '?', '['])
    }

    /// Whether the word is literal and nothing that bash makes of it can be an option.
    pub fn is_operand(&self) -> bool {
        let starts = |letter: char| letter.is_ascii_alphanumeric() || "./_".contains(letter);
        self.is_literal() && self.source.starts_with(starts)
    }
}

/// A redirection such as `> file`; the target of a here-document is its body.
#[derive(Debug)]
pub struct Redirect {
    pub operator: String,
    pub target: Word,
}

/// One simple command and the circumstances in which it runs.
#[derive(Debug, Default)]
pub struct Command {
    pub words: Vec<Word>,
    pub redirects: Vec<Redirect>,
    /// The `NAME=value` before the command, or instead of one.
    pub assignments: Vec<Word>,
    pub background: bool,
    /// The output goes on to another command.
    pub piped: bool,
    /// The function in whose body the command stands.
    pub function: Option<String>,
    /// The commands of the same script whose output this one reads.
    pub upstream: Range<usize>,
    /// The working directory, when the line tells it.
    pub cwd: Option<PathBuf>,
}

impl Command {
    fn is_empty(&self) -> bool {
        self.all_words().next().is_none()
    }

    /// The words, the assignments and the targets of redirections.
    pub fn all_words(&self) -> impl Iterator<Item = &Word> {
        let targets = self.redirects.iter().map(|redirect| &redirect.target);
        self.words.iter().chain(targets).chain(&self.assignments)
    }

    /// The substitutions in all words, assignments and redirections.
    pub fn scripts(&self) -> impl Iterator<Item = &Script> {
        self.all_words().flat_map(|word| &word.scripts)
    }

    /// The text of a here-document or here-string.
    pub fn here_text(&self) -> Option<&str> {
        let mut redirects = self.redirects.iter();
        let here = redirects.rfind(|redirect| redirect.operator.starts_with("<<"))?;
        Some(&here.target.text)
    }

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

/// Reads `line`; `None` when it is not valid or `depth` is beyond [`MAX_DEPTH`].
pub fn read(line: &str, cwd: Option<&Path>, home: &str, depth: usize) -> Option<Script> {
    let mut reader = Reader {
        home: home.to_owned(),
        cwd: cwd.map(Path::to_owned),
        depth,
        ..Reader::default()
    };
    reader.walk(&tokenize(line, depth)?);
    Some(reader.script)
}

/// The letters of a word that no backslash and no single quote takes the meaning from; those
/// between double quotes, too, if `double`.
fn unquoted(source: &str, double: bool) -> String {
    let (mut single, mut inside, mut escaped) = (false, false, false);
    let bare = source.chars().filter(|letter| match letter {
        _ if std::mem::take(&mut escaped) => false,
        '\'' if !inside => {
            single = !single;
            false
        }
        _ if single => false,
        '\\' => {
            escaped = true;
            false
        }
        '"' => {
            inside = !inside;
            false
        }
        _ => double || !inside,
    });
    bare.collect()
}

/// Whether the whitespace-separated `list` has `name`.
pub fn lists(list: &str, name: &str) -> bool {
    list.split(' ').any(|item| item == name)
}

fn tokenize(line: &str, depth: usize) -> Option<Vec<Token>> {
    let openers = ["$(", "${", "$["];
    let expansions: usize = openers
        .map(|opener| line.matches(opener).count())
        .iter()
        .sum();
    // Behind a process substitution, the library takes the rest of a word for a comment.
    let commented = line.contains(")#");
    if depth > MAX_DEPTH || expansions > MAX_EXPANSIONS || commented || line.lines().any(confuses) {
        return None;
    }
    // It still panics on some here-documents that end within a substitution.
    let read = || uncached_tokenize_str(line, &parser_options().tokenizer_options());
    let mut tokens = std::panic::catch_unwind(read).ok()?.ok()?;
    doubt(&mut tokens, line);
    Some(tokens)
}

/// A substitution that follows a here-document's operator in the same row: the library takes
/// the body out of it. Tags with a `$`, or in two rows, it reads in another way than bash.
fn confuses(row: &str) -> bool {
    let mut behind = row.split("<<").skip(1);
    behind.any(|text| {
        let tag = text.split([';', '|', '&', '<', '>']).next();
        let odd = tag.is_some_and(|tag| tag.contains('$') || tag.ends_with('\\'));
        !text.starts_with('<') && (odd || text.contains("$(") || text.contains('`'))
    })
}

/// Near here-documents and in default values the library loses substitutions, or their ends.
/// It then gives words that do not stand in the line, each of which becomes one that cannot
/// be read, as do process substitutions in default values.
fn doubt(tokens: &mut [Token], line: &str) {
    let letters: Vec<char> = line.chars().collect();
    let mut tokens = tokens.iter_mut();
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(source, span) if source.contains(['$', '`']) => {
                let nests =
                    source.contains("${") && ["<(", ">("].iter().any(|sign| source.contains(sign));
                let written = letters.get(span.start.index..span.end.index);
                let stands =
                    written.is_some_and(|written| source.chars().eq(written.iter().copied()));
                if nests || !stands {
                    *source = "`".to_owned();
                }
            }
            // The tag, the body and the tag have places of their own.
            Token::Operator(operator, _) if lists("<< <<-", operator) => _ = tokens.nth(2),
            _ => {}
        }
    }
}

/// Tildes are expanded here, because the library panics on `~99999999999999999999`.
fn parser_options() -> ParserOptions {
    ParserOptions {
        tilde_expansion_at_word_start: false,
        ..ParserOptions::default()
    }
}

/// What to return to when a group closes.
struct Group {
    parenthesis: bool,
    /// Where the pipeline starts that feeds the whole group.
    feed: Option<usize>,
    pipeline: usize,
    cwd: Option<PathBuf>,
    function: Option<String>,
}

#[derive(Default)]
struct Reader {
    home: String,
    cwd: Option<PathBuf>,
    depth: usize,
    variables: HashMap<String, String>,
    script: Script,
    current: Command,
    /// Where the pipeline of the current command starts in the script.
    pipeline: usize,
    groups: Vec<Group>,
    /// Where the last word ends in the line.
    word_end: usize,
    /// The operator whose target is the next word.
    redirect: Option<String>,
    /// The function whose body is the next group.
    function: Option<String>,
}

impl Reader {
    fn walk(&mut self, tokens: &[Token]) {
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

    fn take(&mut self, words: Vec<Word>) {
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
        // In `2>file` the 2 is a word of its own that touches the operator.
        let descriptor = |word: &mut Word| word.source.bytes().all(|byte| byte.is_ascii_digit());
        let variable = |word: &mut Word| {
            let inside = word
                .source
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'));
            inside.is_some_and(is_name)
        };
        if self.word_end == token.location().start.index {
            self.current.words.pop_if(descriptor);
            // The number of the descriptor goes into the variable.
            if let Some(word) = self.current.words.pop_if(variable) {
                let name = word.source.trim_matches(['{', '}']);
                let text = format!("{name}={UNKNOWN}");
                self.current.assignments.push(Word { text, ..word });
            }
        }
        self.redirect = Some(operator.to_owned());
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

    /// Ends the current command, if there is one.
    fn finish(&mut self) {
        let mut command = std::mem::take(&mut self.current);
        self.redirect = None;
        if command.words.is_empty()
            && command.redirects.is_empty()
            && command.assignments.is_empty()
        {
            return;
        }
        let end = self.script.len();
        command.upstream = self.pipeline.max(end.saturating_sub(MAX_PIPELINE))..end;
        command.cwd = self.cwd.clone();
        command.function = self.groups.last().and_then(|group| group.function.clone());
        let texts: Vec<&str> = command.words.iter().map(|word| &*word.text).collect();
        match texts.as_slice() {
            ["for", name, "in", items @ ..] => {
                let items = items.join(&FIELD.to_string());
                self.variables.insert(name.to_string(), items);
            }
            ["cd" | "pushd", args @ ..] => {
                let target = args
                    .iter()
                    .rfind(|arg| **arg == "-" || !arg.starts_with('-'));
                self.change_directory(target.copied());
            }
            [name, args @ ..] if lists(DECLARERS, name) => {
                let pairs = args.iter().filter_map(|arg| arg.split_once('='));
                let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
                self.variables.extend(pairs);
            }
            _ => {}
        }
        self.script.push(command);
    }

    fn change_directory(&mut self, target: Option<&str>) {
        let target = target.unwrap_or(&self.home);
        self.cwd = match &self.cwd {
            _ if target == "-" || target.contains(UNKNOWN) => None,
            None if !target.starts_with('/') => None,
            cwd => Some(cwd.as_deref().unwrap_or(Path::new("/")).join(target)),
        };
    }

    fn separate(&mut self, background: bool) {
        self.finish();
        for command in &mut self.script[self.pipeline..] {
            command.background |= background;
        }
        let feed = self.groups.last().and_then(|group| group.feed);
        self.pipeline = feed.unwrap_or(self.script.len());
    }

    fn pipe(&mut self) {
        self.finish();
        let start = self.script.len().saturating_sub(MAX_PIPELINE);
        for command in &mut self.script[self.pipeline.max(start)..] {
            command.piped = true;
        }
    }

    fn open(&mut self, parenthesis: bool) {
        self.finish();
        let outer = self.groups.last().and_then(|group| group.function.clone());
        self.groups.push(Group {
            parenthesis,
            feed: (self.pipeline < self.script.len()).then_some(self.pipeline),
            pipeline: self.pipeline,
            cwd: self.cwd.clone(),
            function: self.function.take().or(outer),
        });
    }

    fn close(&mut self, parenthesis: bool) {
        self.finish();
        // The `)` of a case pattern closes nothing.
        let closes = |group: &mut Group| group.parenthesis == parenthesis;
        if let Some(group) = self.groups.pop_if(closes) {
            self.pipeline = group.pipeline;
            if parenthesis {
                self.cwd = group.cwd;
            }
        }
    }

    /// Takes `NAME=value`; false when `source` is something else.
    fn assign(&mut self, source: &str) -> bool {
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

    fn expand(&mut self, source: &str) -> Vec<Word> {
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

    fn expand_word(&mut self, source: &str) -> Word {
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
    fn unread(&self, word: &mut Word) {
        word.text.push(UNKNOWN);
        word.scripts.push(unreadable());
    }

    fn pieces(&mut self, pieces: &[WordPieceWithSource], quoted: bool, word: &mut Word) {
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

    fn parameter(&mut self, expression: &ParameterExpr, word: &mut Word) -> Option<String> {
        use ParameterExpr as Expr;
        match expression {
            Expr::Parameter { indirect: true, .. } => None,
            Expr::Parameter { parameter, .. } => self.value(parameter),
            Expr::IndicateErrorIfNullOrUnset {
                parameter,
                error_message,
                ..
            } => {
                let message = self.stand_in(error_message.as_deref().unwrap_or_default());
                word.scripts.extend(message.scripts);
                self.value(parameter)
            }
            Expr::UseDefaultValues {
                parameter,
                default_value: default,
                ..
            }
            | Expr::AssignDefaultValues {
                parameter,
                default_value: default,
                ..
            } => {
                let value = self.value(parameter);
                let default = self.stand_in(default.as_deref().unwrap_or_default());
                word.scripts.extend(default.scripts);
                Some(value.unwrap_or(default.text))
            }
            Expr::UseAlternativeValue {
                alternative_value, ..
            } => {
                let alternative = self.stand_in(alternative_value.as_deref().unwrap_or_default());
                word.scripts.extend(alternative.scripts);
                Some(alternative.text)
            }
            other => {
                // Patterns and replacements can hold substitutions, which are not looked for.
                let source = format!("{other:?}");
                if ["$(", "`", "<(", ">("]
                    .iter()
                    .any(|sign| source.contains(sign))
                {
                    word.scripts.push(unreadable());
                }
                None
            }
        }
    }

    /// Reads the text that stands in for a variable.
    fn stand_in(&mut self, source: &str) -> Word {
        let mut word = self.expand_word(source);
        let has = |signs: &[&str]| signs.iter().any(|sign| source.contains(sign));
        // Process substitutions are operators elsewhere, so words do not look for them; and
        // between double quotes a single one hides nothing.
        if has(&["<(", ">("]) || has(&["'"]) && has(&["$(", "`"]) {
            self.unread(&mut word);
        }
        word
    }

    fn value(&self, parameter: &Parameter) -> Option<String> {
        match parameter {
            Parameter::Named(name) => self.variable(name),
            // Nothing passes arguments to a line, so all of them together are empty.
            Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) => {
                Some(String::new())
            }
            _ => None,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        match (self.variables.get(name), name) {
            (Some(value), _) => Some(value.clone()),
            (None, "HOME") => Some(self.home.clone()),
            (None, "PWD") => Some(self.cwd.as_ref()?.to_string_lossy().into_owned()),
            (None, "IFS") => Some(" ".to_owned()),
            _ => None,
        }
    }

    /// Reads a substitution one level deeper, with the variables known so far.
    fn nested(&self, tokens: impl FnOnce(usize) -> Option<Vec<Token>>) -> Script {
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

fn unreadable() -> Script {
    let word = Word {
        text: UNKNOWN.to_string(),
        ..Word::default()
    };
    vec![Command {
        words: vec![word],
        ..Command::default()
    }]
}

/// Parses a word, unless its brackets would cost the word parser too much.
fn parse_pieces(
    text: &str,
    parser: fn(&str, &ParserOptions) -> Result<Vec<WordPieceWithSource>, WordParseError>,
) -> Option<Vec<WordPieceWithSource>> {
    let count = |brackets: [char; 2]| text.matches(brackets).count();
    let opened = count(['(', '{']);
    if opened > MAX_BRACKETS || opened > count([')', '}']) + MAX_OPEN {
        return None;
    }
    parser(text, &parser_options()).ok()
}

/// Whether a variable can be called so.
pub fn is_name(text: &str) -> bool {
    let plain = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    !text.is_empty() && text.chars().all(plain) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether the parenthesis at the start is the first of `((`.
fn is_arithmetic(tokens: &[Token]) -> bool {
    let starts = |token: &Token| token.location().start.index;
    matches!(tokens, [first, second, ..] if second.to_str() == "("
        && starts(second) == starts(first) + 1)
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

/// Expands `a{b,c}` to `ab` and `ac`; ranges such as `{1..3}` stay as they are.
fn expand_braces(source: &str) -> Vec<String> {
    let mut todo = vec![source.to_owned()];
    let mut done = Vec::new();
    while let Some(word) = todo.pop() {
        let Some(marks) = find_braces(&word) else {
            done.push(word);
            continue;
        };
        if todo.len() + done.len() + marks.len() > MAX_BRACES {
            return vec![source.to_owned()];
        }
        let (prefix, suffix) = (&word[..marks[0]], &word[marks[marks.len() - 1] + 1..]);
        let items = marks
            .windows(2)
            .rev()
            .map(|pair| &word[pair[0] + 1..pair[1]]);
        todo.extend(items.map(|item| format!("{prefix}{item}{suffix}")));
    }
    done
}

/// The places of `{`, of each `,` and of `}` in the first brace list that closes.
fn find_braces(word: &str) -> Option<Vec<usize>> {
    let mut open: Vec<Vec<usize>> = Vec::new();
    let mut quote = None;
    let mut escaped = false;
    for (index, character) in word.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(mark), _) if mark == character => quote = None,
            (Some('"') | None, '\\') => escaped = true,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => open.push(vec![index]),
            (None, ',') => open.last_mut()?.push(index),
            (None, '}') => {
                let mut marks = open.pop().unwrap_or_default();
                if marks.len() > 1 && !word[..marks[0]].ends_with('$') {
                    marks.push(index);
                    return Some(marks);
                }
            }
            _ => {}
        }
    }
    None
}

/// Decodes backslash escapes as `printf` and `$'...'` do.
fn unescape(text: &str) -> String {
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
