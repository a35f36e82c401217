//! What `${name}` and its kin mean, as far as the line tells.
//!
//! The idea: a value that the line assigns, else the default, else nothing is known.
//! The invariant: each substitution inside is found, or the word counts as unreadable.
//! Left out: patterns, offsets and everything else that changes a value.

use brush_parser::word::{Parameter, ParameterExpr, SpecialParameter};

use super::walk::Reader;
use super::{Word, unreadable};

impl Reader {
    pub(super) fn parameter(
        &mut self,
        expression: &ParameterExpr,
        word: &mut Word,
    ) -> Option<String> {
        use ParameterExpr as Expr;
        match expression {
            Expr::Parameter { indirect: true, .. } => None,
            Expr::Parameter { parameter, .. } => self.value(parameter),
            Expr::IndicateErrorIfNullOrUnset {
                parameter,
                error_message,
                ..
            } => {
                self.hold(error_message, word);
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
                let default = self.hold(default, word);
                Some(self.value(parameter).unwrap_or(default))
            }
            Expr::UseAlternativeValue {
                alternative_value, ..
            } => Some(self.hold(alternative_value, word)),
            other => {
                hold_what_is_hidden(other, word);
                None
            }
        }
    }

    /// The value of a text inside the braces, whose substitutions the word gets.
    fn hold(&mut self, text: &Option<String>, word: &mut Word) -> String {
        let inner = self.stand_in(text.as_deref().unwrap_or_default());
        word.scripts.extend(inner.scripts);
        inner.text
    }

    /// Reads the text that stands in for a variable.
    pub(super) fn stand_in(&mut self, source: &str) -> Word {
        let mut word = self.expand_word(source);
        let has = |signs: &[&str]| signs.iter().any(|sign| source.contains(sign));
        // Process substitutions are operators elsewhere, so words do not look for them; and
        // between double quotes a single one hides nothing.
        if has(&["<(", ">("]) || has(&["'"]) && has(&["$(", "`"]) {
            self.unread(&mut word);
        }
        word
    }

    pub(super) fn value(&self, parameter: &Parameter) -> Option<String> {
        match parameter {
            Parameter::Named(name) => self.variable(name),
            // Nothing passes arguments to a line, so all of them together are empty.
            Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) => {
                Some(String::new())
            }
            _ => None,
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<String> {
        match (self.variables.get(name), name) {
            (Some(value), _) => Some(value.clone()),
            (None, "HOME") => Some(self.home.clone()),
            (None, "PWD") => Some(self.cwd.as_ref()?.to_string_lossy().into_owned()),
            (None, "IFS") => Some(" ".to_owned()),
            _ => None,
        }
    }
}

/// Patterns and replacements can hold substitutions, which are not looked for.
fn hold_what_is_hidden(expression: &ParameterExpr, word: &mut Word) {
    let source = format!("{expression:?}");
    let signs = ["$(", "`", "<(", ">("];
    if signs.iter().any(|sign| source.contains(sign)) {
        word.scripts.push(unreadable());
    }
}
