//! Takes a line, and each word, apart with brush_parser.
//!
//! The idea: the library does it, within bounds that keep its stack and its time small.
//! The invariant: where it reads on in another way than bash does, the line or the word counts
//! as one that cannot be read.
//! Left out: substitutions behind a here-document's operator, and tags that hold a `$`.

use brush_parser::word::WordPieceWithSource;
use brush_parser::{ParserOptions, Token, WordParseError, uncached_tokenize_str};

use super::{MAX_DEPTH, lists};

/// The tokenizer recurses at each of these, so their number bounds its stack.
const MAX_EXPANSIONS: usize = 64;
/// The word parser recurses at each bracket of a word.
const MAX_BRACKETS: usize = 200;
/// It takes exponential time when many brackets stay open.
const MAX_OPEN: usize = 6;

pub(super) fn tokenize(line: &str, depth: usize) -> Option<Vec<Token>> {
    let openers = ["$(", "${", "$["];
    let expansions: usize = openers
        .map(|opener| line.matches(opener).count())
        .iter()
        .sum();
    // Behind process substitutions and arrays, the library takes the rest of a word for a comment.
    let words = ["<(", ">(", "=(", "@(", "?(", "*(", "+(", "!("];
    let commented = line.contains(")#") && words.iter().any(|sign| line.contains(sign));
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

/// Parses a word, unless its brackets would cost the word parser too much.
pub(super) fn parse_pieces(
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

/// Whether the parenthesis at the start is the first of `((`.
pub(super) fn is_arithmetic(tokens: &[Token]) -> bool {
    let starts = |token: &Token| token.location().start.index;
    matches!(tokens, [first, second, ..] if second.to_str() == "("
        && starts(second) == starts(first) + 1)
}
