//! Edits that forgive what models get wrong, without guessing.
//!
//! Seven passes look for the old text, strict to loose; each is tried only when those before it found nothing, and one
//! that finds two places refuses. What a pass forgives is an equality between lines (trailing blanks, look-alikes, one
//! rule for all indentation), never a similarity: only a line that the edit keeps may hold a slip of the pen. The
//! result is made by comparing old with new: what the edit keeps comes from the file, byte for byte, and bytes outside
//! of the passage never change.
//!
//! [`edit`] is pure. [`EditFile`] and [`WriteFile`] are tools around it that take the place of the engine's own.
//!
//! Left out: files that are no UTF-8, and edits that name lines by their numbers.

use std::borrow::Cow;

// What a text is made of, and what counts as the same.
mod form;
mod lines;

// Where a passage stands, and what comes in its place.
mod indentation;
mod mapping;
mod places;
mod rebuild;
mod splice;

// The passes in their order; those that do more than compare lines.
mod elision;
mod exact;
mod passes;
mod paste;
mod typo;

// What is refused, and how that is said.
mod nearest;
mod placeholder;
mod refusal;

// The tools.
mod disk;
mod edit_file;
mod write_file;

pub use edit_file::EditFile;
pub use passes::Pass;
pub use paste::Slip;
pub use refusal::Refusal;
pub use write_file::WriteFile;

/// One passage to replace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The text as the model saw it.
    pub old: String,
    /// What is to stand there.
    pub new: String,
    /// Replace each place where it stands, rather than refuse when there is more than one.
    pub all: bool,
}

/// A text after its edits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The whole text.
    pub content: String,
    /// For each edit, the pass that found it.
    pub passes: Vec<Pass>,
}

/// Applies all edits or none, each to what the ones before it left.
pub fn edit(content: &str, edits: &[Edit]) -> Result<Edited, Refusal> {
    // A byte order mark is no part of the first line: no model writes it, and none may lose it.
    let body = content.strip_prefix('\u{feff}').unwrap_or(content);
    let mark = &content[..content.len() - body.len()];
    let (mut body, mut passes) = (Cow::Borrowed(body), Vec::new());
    for (at, edit) in edits.iter().enumerate() {
        let (after, pass) = passes::apply(&body, edit).map_err(|refusal| match edits.len() {
            1 => refusal,
            count => Refusal::Edit {
                number: at + 1,
                count,
                refusal: Box::new(refusal),
            },
        })?;
        body = Cow::Owned(after);
        passes.push(pass);
    }
    let mut content = body.into_owned();
    content.insert_str(0, mark);
    Ok(Edited { content, passes })
}
