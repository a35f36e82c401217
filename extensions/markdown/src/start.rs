//! How a line of source begins: which open blocks it goes on with, and which it opens (CommonMark 0.31, 4 and 5).
//!
//! The reader sees as much of the line as came in. Where more of it could change the answer it says [`More`], so the text
//! behind the marks can be shown before its line ends.
//! Two rules are wider than the standard's, as models write: what is indented by two columns more than a list's mark
//! belongs to its item, and a code block in an item does not end where its indentation is lost.
//! Left out: link definitions, and HTML blocks but for those that start with a tag of a block.

mod container;
mod leaf;

use container::Reader;

/// The answer needs more of the line.
#[derive(Debug)]
pub(crate) struct More;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Mark {
    Bullet,
    Number(String),
    Task(bool),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Quote,
    /// Columns from which on a line belongs to the item, and where its text stands.
    Item {
        from: usize,
        text: usize,
        mark: Mark,
    },
}

#[derive(Debug, PartialEq)]
pub(crate) enum Leaf {
    Blank,
    Rule,
    Heading(usize),
    Fence(Fence),
    Indented,
    /// The line below a table's head.
    Delimiter,
    /// May be a table's head.
    Row,
    Html,
    Underline,
    Text,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fence {
    pub(crate) mark: char,
    pub(crate) count: usize,
    pub(crate) indent: usize,
    pub(crate) language: String,
}

#[derive(Debug)]
pub(crate) struct Start {
    /// How many of the open blocks go on.
    pub(crate) kept: usize,
    pub(crate) opened: Vec<Kind>,
    pub(crate) leaf: Leaf,
    /// Where the text begins, in bytes.
    pub(crate) at: usize,
}

/// What is open before the line.
pub(crate) struct Before<'a> {
    pub(crate) blocks: &'a [Kind],
    pub(crate) paragraph: bool,
    /// Cells of the line before, if it may be the head of a table.
    pub(crate) cells: Option<usize>,
}

/// Blocks in blocks in blocks; deeper ones are text.
const DEPTH: usize = 12;

pub(crate) fn read(line: &str, ended: bool, before: &Before) -> Result<Start, More> {
    let mut reader = Reader { line, at: 0, ended };
    let kept = reader.keep(before.blocks)?;
    let mut opened = Vec::new();
    let same = kept == before.blocks.len();
    if let (true, Some(cells)) = (same, before.cells)
        && reader.delimiter(cells)?
    {
        let (leaf, at) = (Leaf::Delimiter, reader.at);
        return Ok(Start {
            kept,
            opened,
            leaf,
            at,
        });
    }
    while kept + opened.len() < DEPTH {
        let goes_on = before.paragraph && opened.is_empty();
        let sibling = matches!(before.blocks.get(kept), Some(Kind::Item { .. }));
        match reader.container(goes_on, sibling)? {
            Some(kind) => opened.push(kind),
            None => break,
        }
    }
    let goes_on = before.paragraph && opened.is_empty();
    let leaf = reader.leaf(goes_on)?;
    let at = reader.at;
    Ok(Start {
        kept,
        opened,
        leaf,
        at,
    })
}

/// Takes away the beginning that belongs to the open blocks, for a line inside a code block. None if a quote ended.
pub(crate) fn strip<'a>(line: &'a str, blocks: &[Kind]) -> Option<&'a str> {
    let mut rest = line;
    for kind in blocks {
        rest = match kind {
            Kind::Quote => {
                let inner = rest.trim_start_matches(' ').strip_prefix('>')?;
                inner.strip_prefix(' ').unwrap_or(inner)
            }
            Kind::Item { text, .. } => unindent(rest, *text),
        };
    }
    Some(rest)
}

/// Takes away at most so many spaces.
pub(crate) fn unindent(line: &str, most: usize) -> &str {
    let spaces = line.len() - line.trim_start_matches(' ').len();
    &line[spaces.min(most)..]
}
