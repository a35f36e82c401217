//! Why an edit was not made, in words that say what to do next.

use std::fmt;

use crate::nearest::Nearest;

/// Why nothing was changed. Its text is for the model; lines count from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing to look for.
    Empty,
    /// Old and new are the same.
    Identical,
    /// The new text holds this line instead of what it stands for.
    Placeholder(String),
    /// The edit was made before; the new text stands at this line.
    Already(usize),
    /// The old text stands in several places; `lines` holds the first of them.
    Many { count: usize, lines: Vec<usize> },
    /// The old text leaves lines out, and what is left does not tell which.
    Elided(Nearest),
    /// The old text is not there.
    Absent {
        /// Where the new text stands, if it does.
        already: Option<usize>,
        /// Where the old text stands but for indentation that follows no rule.
        indentation: Option<usize>,
        nearest: Nearest,
    },
    /// One of several edits was refused, so none was made.
    Edit {
        number: usize,
        count: usize,
        refusal: Box<Refusal>,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Empty => f.write_str(
                "old_string is empty; copy it from the file, or use write_file for a whole file",
            ),
            Refusal::Identical => f.write_str(
                "old_string and new_string are identical, so there is nothing to change",
            ),
            Refusal::Placeholder(line) => write!(
                f,
                "new_string holds the placeholder {line:?}; write out the whole text instead"
            ),
            Refusal::Already(line) => write!(
                f,
                "new_string already stands there (line {line}); nothing was changed"
            ),
            Refusal::Many { count, lines } => many(f, *count, lines),
            Refusal::Elided(nearest) => write!(
                f,
                "old_string leaves lines out with `...`, and what is left of it does not stand in the file in \
one place only. Quote the lines in full. The nearest lines are:\n{nearest}"
            ),
            Refusal::Absent {
                already,
                indentation,
                nearest,
            } => absent(f, *already, *indentation, nearest),
            Refusal::Edit {
                number,
                count,
                refusal,
            } => one_of(f, *number, *count, refusal),
        }
    }
}

impl std::error::Error for Refusal {}

fn many(f: &mut fmt::Formatter<'_>, count: usize, lines: &[usize]) -> fmt::Result {
    let numbers: Vec<String> = lines.iter().map(usize::to_string).collect();
    let most = match count > lines.len() {
        true => ", ...",
        false => "",
    };
    write!(
        f,
        "old_string stands in {count} places (lines {}{most}). Add lines before or after it until it is unique, or \
set replace_all.",
        numbers.join(", ")
    )
}

fn absent(
    f: &mut fmt::Formatter<'_>,
    already: Option<usize>,
    indentation: Option<usize>,
    nearest: &Nearest,
) -> fmt::Result {
    f.write_str("old_string is not in the file")?;
    match (already, indentation) {
        (Some(line), _) => write!(f, ", but new_string already stands at line {line}")?,
        (None, Some(line)) => write!(
            f,
            " as it is indented: its lines stand at line {line}, and their indentation differs in more than one way"
        )?,
        (None, None) => {}
    }
    write!(
        f,
        ". Copy it from the file, without line numbers. The nearest lines are:\n{nearest}"
    )
}

fn one_of(
    f: &mut fmt::Formatter<'_>,
    number: usize,
    count: usize,
    refusal: &Refusal,
) -> fmt::Result {
    let counted = match number {
        1 => "",
        _ => " (lines are counted after the edits before it)",
    };
    write!(
        f,
        "edit {number} of {count} can't be made, so none was made{counted}: {refusal}"
    )
}
