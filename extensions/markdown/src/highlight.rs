//! Colours of code, from syntect's grammars.
//!
//! No theme is loaded: a small table maps the names that grammars give to the terminal's own colours. The grammars are
//! unpacked when the first block of code with a known language comes, so a program that shows none pays nothing.
//! Left out: TypeScript, TOML and some others, whose grammars are not in the default set; close relatives stand in.

use std::sync::LazyLock;

use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};

use crate::style::{Ink, Line, Style};

/// Shared, since unpacking takes longer than showing an answer; it never changes.
static GRAMMARS: LazyLock<SyntaxSet> = LazyLock::new(SyntaxSet::load_defaults_newlines);

static COLOURS: LazyLock<Vec<(Scope, Style)>> = LazyLock::new(|| {
    let scope = |(name, style): &(&str, Style)| Some((Scope::new(name).ok()?, *style));
    TABLE.iter().filter_map(scope).collect()
});

/// The first that fits counts.
const TABLE: [(&str, Style); 20] = [
    ("comment", Style::DIM),
    ("constant.character.escape", Style::ink(Ink::Cyan)),
    ("string", Style::ink(Ink::Green)),
    ("constant", Style::ink(Ink::Yellow)),
    ("keyword.operator", Style::PLAIN),
    ("keyword", Style::ink(Ink::Magenta)),
    ("storage.type.numeric", Style::ink(Ink::Yellow)),
    ("storage", Style::ink(Ink::Magenta)),
    ("variable.language", Style::ink(Ink::Magenta)),
    ("entity.name.function", Style::ink(Ink::Blue)),
    ("support.function", Style::ink(Ink::Blue)),
    ("support.macro", Style::ink(Ink::Blue)),
    ("entity.name.tag", Style::ink(Ink::Red)),
    ("entity.other.attribute-name", Style::ink(Ink::Cyan)),
    ("entity", Style::ink(Ink::Cyan)),
    ("support.type", Style::ink(Ink::Cyan)),
    ("support.class", Style::ink(Ink::Cyan)),
    ("markup.inserted", Style::ink(Ink::Green)),
    ("markup.deleted", Style::ink(Ink::Red)),
    ("markup.heading", Style::BOLD),
];

/// Languages without a grammar, and one that reads them well enough.
const RELATIVES: [(&str, &str); 15] = [
    ("ts", "js"),
    ("tsx", "js"),
    ("jsx", "js"),
    ("mjs", "js"),
    ("cjs", "js"),
    ("typescript", "js"),
    ("toml", "py"),
    ("ini", "properties"),
    ("kotlin", "java"),
    ("kt", "java"),
    ("console", "sh"),
    ("shell", "sh"),
    ("jsonc", "json"),
    ("json5", "json"),
    ("golang", "go"),
];

/// Longer lines are not code that anybody reads. Some grammars take time with the square of a line's length.
const LONG: usize = 2000;
/// After so many lines over [`RARE`] characters the rest stays plain: data rather than code.
const PATIENCE: usize = 20;
const RARE: usize = 500;

/// Paints the lines of one piece of code, in their order.
pub(crate) struct Painter {
    state: Option<(ParseState, ScopeStack)>,
    long: usize,
}

impl Painter {
    pub(crate) fn new(language: &str, colour: bool) -> Painter {
        let word = language.rsplit('.').next().unwrap_or(language);
        let grammar = (colour && !word.is_empty()).then(|| grammar(&word.to_lowercase()));
        let state = |grammar| (ParseState::new(grammar), ScopeStack::new());
        Painter {
            state: grammar.flatten().map(state),
            long: 0,
        }
    }

    pub(crate) fn line(&mut self, text: &str) -> Line {
        let plain = || Line::of(text, Style::PLAIN);
        let Some((state, stack)) = &mut self.state else {
            return plain();
        };
        self.long += usize::from(text.chars().nth(RARE).is_some());
        if self.long > PATIENCE || text.chars().nth(LONG).is_some() {
            return plain();
        }
        let whole = format!("{text}\n");
        let Ok(changes) = state.parse_line(&whole, &GRAMMARS) else {
            return plain();
        };
        let (mut line, mut done) = (Line::default(), 0);
        for (at, change) in changes {
            let end = at.min(text.len());
            line.push(&text[done..end], style(stack));
            done = end;
            // A grammar that closes more than it opened: its names go wrong, not the text.
            let _ = stack.apply(&change);
        }
        line.push(&text[done..], style(stack));
        line
    }
}

fn grammar(word: &str) -> Option<&'static SyntaxReference> {
    let relative = RELATIVES.iter().find(|(name, _)| *name == word);
    GRAMMARS.find_syntax_by_token(relative.map_or(word, |(_, relative)| relative))
}

fn style(stack: &ScopeStack) -> Style {
    let named = |scope: &Scope| COLOURS.iter().find(|(name, _)| name.is_prefix_of(*scope));
    let found = stack.as_slice().iter().rev().find_map(named);
    Style {
        code: true,
        ..found.map_or(Style::PLAIN, |(_, style)| *style)
    }
}
