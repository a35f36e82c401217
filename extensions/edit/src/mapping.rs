//! How a new line follows from what the model wrote.
//!
//! A pass that forgave something knows how the model's text differs from the file's: which marks it wrote for which,
//! that it put blanks at line ends, by which rule it indented. New lines get the same done to them, and nothing else.

use std::collections::HashMap;

use crate::form::{Form, clusters, fold, indentation, without_trailing};
use crate::indentation::{self, Rule};
use crate::lines::{Passage, is_blank};

/// What is done to each new line.
#[derive(Debug)]
pub struct Mapping {
    form: Form,
    marks: Marks,
    /// The model's trailing blanks are not the file's.
    trims: bool,
    rule: Option<Rule>,
}

impl Mapping {
    /// What turns `old` into `file`, line by line; `None` if no rule explains the indentation of every line of old, or
    /// several do and differ in `new`.
    pub fn learn(
        form: Form,
        old: &Passage<'_>,
        file: &[&str],
        new: &Passage<'_>,
    ) -> Option<Mapping> {
        let pairs = || old.lines.iter().copied().zip(file.iter().copied());
        let trailing = |line: &str| line.len() - without_trailing(line).len();
        let trims = pairs().any(|(old, file)| trailing(old) > 0 && trailing(file) == 0);
        let mut mapping = Mapping {
            form,
            marks: Marks::default(),
            trims: trims && form >= Form::Blanks,
            rule: None,
        };
        if form >= Form::Marks {
            mapping.marks = Marks::learn(pairs());
        }
        if form == Form::Trimmed {
            let marked = |line: &str| mapping.marks.line(line).unwrap_or_else(|| line.to_string());
            let told = pairs().filter(|(old, _)| !is_blank(old));
            let told: Vec<_> = told
                .map(|(old, file)| {
                    let old = marked(old);
                    (indentation(&old).to_string(), indentation(file))
                })
                .collect();
            let changed = new.lines.iter().filter(|line| !is_blank(line));
            let changed: Vec<_> = changed
                .filter(|line| !old.lines.contains(line))
                .map(|line| indentation(&marked(line)).to_string())
                .collect();
            mapping.rule = Some(indentation::rule(&told, &changed)?);
        }
        Some(mapping)
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// A new line as it is to stand in the file; `None` where what was learnt does not say how.
    pub fn line(&self, line: &str) -> Option<String> {
        let line = self.marks.line(line)?;
        let line = match self.trims {
            true => without_trailing(&line),
            false => &line,
        };
        let Some(rule) = &self.rule else {
            return Some(line.to_string());
        };
        if is_blank(line) {
            return Some(String::new());
        }
        let indent = indentation(line);
        Some(rule.map(indent)? + &line[indent.len()..])
    }
}

/// What the file has where the model wrote characters that no keyboard has. A plain character is never replaced: it may
/// be meant.
#[derive(Debug, Default)]
struct Marks {
    /// What stands in the file for each; `None` if several things do.
    known: HashMap<String, Option<String>>,
    /// Whether the model writes typography where the file has none.
    dresses: bool,
}

impl Marks {
    fn learn<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Marks {
        let mut marks = Marks::default();
        for (old, file) in pairs.filter(|(old, _)| !old.is_ascii()) {
            // Indentation is the rule's business, and would put the two out of step.
            let clusters = clusters(old.trim()).zip(clusters(file.trim()));
            let alike = clusters.take_while(|(old, file)| fold(old) == fold(file));
            for (old, file) in alike.filter(|(old, _)| !old.is_ascii()) {
                marks.dresses |= file.is_ascii();
                let known = marks.known.entry(old.to_string());
                let known = known.or_insert_with(|| Some(file.to_string()));
                if known.as_deref().is_some_and(|known| known != file) {
                    *known = None;
                }
            }
        }
        marks
    }

    /// The line with the file's marks; `None` if it is not to be told what the file would have.
    fn line(&self, line: &str) -> Option<String> {
        if self.known.is_empty() || line.is_ascii() {
            return Some(line.to_string());
        }
        let mark = |cluster: &str| match self.known.get(cluster) {
            Some(known) => known.clone(),
            // A model that dresses up quotes may have dressed up this dash, or meant it.
            None if self.dresses && fold(cluster).is_ascii() && !cluster.is_ascii() => None,
            None => Some(cluster.to_string()),
        };
        clusters(line).map(mark).collect()
    }
}
