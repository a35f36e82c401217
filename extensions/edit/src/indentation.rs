//! Pass 4: indentation that follows one rule.
//!
//! The rule must explain every line of the passage: some blanks added in front of each, or dropped, or tabs that are
//! two, four or eight spaces, or steps of two that are steps of four. The same rule then indents what is new. Where it
//! says nothing of a new line, or two rules that explain the passage would say different things, there is none.

/// How the model's indentation becomes the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    unit: Option<(&'static str, &'static str)>,
    added: String,
    dropped: String,
}

/// What one step is for the model, and what it is in the file.
const UNITS: [(&str, &str); 8] = [
    ("\t", "    "),
    ("\t", "  "),
    ("\t", "        "),
    ("    ", "\t"),
    ("  ", "\t"),
    ("        ", "\t"),
    ("  ", "    "),
    ("    ", "  "),
];

/// The simplest rule that turns each of the model's indentations into the file's, if it says how to indent `new`.
pub fn rule(told: &[(String, &str)], new: &[String]) -> Option<Rule> {
    let with = |unit| Rule::from(unit, told);
    if let Some(rule) = with(None) {
        return sure(&[rule], told, new);
    }
    let all = UNITS.iter().filter_map(|unit| with(Some(*unit)));
    let (plain, moved): (Vec<_>, Vec<_>) = all.partition(|rule| rule.added == rule.dropped);
    sure(if plain.is_empty() { &moved } else { &plain }, told, new)
}

/// The first of the rules, if all of them say the same, and something, of what is new.
fn sure(rules: &[Rule], told: &[(String, &str)], new: &[String]) -> Option<Rule> {
    let (first, others) = rules.split_first()?;
    let agreed = |indent: &String| {
        let mapped = first.map(indent)?;
        let mixes = mapped.contains('\t') && !indent.contains('\t') && indent.len() > 1;
        // Spaces behind tabs, where the passage has none such, are a step whose width nobody told. One space aligns.
        let odd = mixes && mapped.contains(' ') && !told.iter().any(|(known, _)| known == indent);
        let same = others
            .iter()
            .all(|rule| rule.map(indent).as_ref() == Some(&mapped));
        (same && !odd).then_some(())
    };
    new.iter().try_for_each(agreed)?;
    Some(first.clone())
}

impl Rule {
    /// The rule with this unit that explains all indentations.
    fn from(unit: Option<(&'static str, &'static str)>, told: &[(String, &str)]) -> Option<Rule> {
        let bare = Rule {
            unit,
            added: String::new(),
            dropped: String::new(),
        };
        let (old, file) = told.first()?;
        let steps = bare.map(old)?;
        let rule = match (file.strip_suffix(&*steps), steps.strip_suffix(file)) {
            (Some(added), _) => Rule {
                added: added.to_string(),
                ..bare
            },
            (None, Some(dropped)) => Rule {
                dropped: dropped.to_string(),
                ..bare
            },
            (None, None) => return None,
        };
        let explains = |(old, file): &(String, &str)| rule.map(old).as_deref() == Some(*file);
        told.iter().all(explains).then_some(rule)
    }

    /// The file's indentation for the model's.
    pub fn map(&self, indent: &str) -> Option<String> {
        let steps = match self.unit {
            None => indent.to_string(),
            Some((from, to)) => in_units(indent, from, to)?,
        };
        let rest = steps.strip_prefix(&self.dropped)?;
        Some(format!("{}{rest}", self.added))
    }
}

/// The indentation with each `from` at its beginning replaced; spaces that are left behind tabs align something.
fn in_units(indent: &str, from: &str, to: &str) -> Option<String> {
    let mut rest = indent;
    let mut out = String::new();
    while let Some(shorter) = rest.strip_prefix(from) {
        out += to;
        rest = shorter;
    }
    let aligns = from == "\t" || to == "\t";
    let known = rest.is_empty() || (aligns && !rest.contains('\t'));
    known.then_some(out + rest)
}
