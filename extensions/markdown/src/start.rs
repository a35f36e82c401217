//! How a line of source begins: which open blocks it goes on with, and which it opens (CommonMark 0.31, 4 and 5).
//!
//! The reader sees as much of the line as came in. Where more of it could change the answer it says [`More`], so the text
//! behind the marks can be shown before its line ends.
//! Two rules are wider than the standard's, as models write: what is indented by two columns more than a list's mark
//! belongs to its item, and a code block in an item does not end where its indentation is lost.
//! Left out: link definitions, and HTML blocks but for those that start with a tag of a block.

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

struct Reader<'a> {
    line: &'a str,
    at: usize,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// The rest without its spaces, and how many they are.
    fn indented(&self) -> (usize, &'a str) {
        let text = self.rest().trim_start_matches(' ');
        (self.rest().len() - text.len(), text)
    }

    /// Not before the line's end.
    fn whole(&self) -> Result<(), More> {
        if self.ended { Ok(()) } else { Err(More) }
    }

    fn keep(&mut self, blocks: &[Kind]) -> Result<usize, More> {
        for (index, kind) in blocks.iter().enumerate() {
            let (indent, text) = self.indented();
            if text.is_empty() {
                self.whole()?;
            }
            match kind {
                Kind::Quote if indent < 4 && text.starts_with('>') => self.quote(indent)?,
                Kind::Item { text: most, .. } if text.is_empty() => self.at += indent.min(*most),
                Kind::Item { from, text, .. } if indent >= *from => self.at += indent.min(*text),
                _ => return Ok(index),
            }
        }
        Ok(blocks.len())
    }

    fn quote(&mut self, indent: usize) -> Result<(), More> {
        self.at += indent + 1;
        if self.rest().is_empty() {
            self.whole()?;
        }
        self.at += usize::from(self.rest().starts_with(' '));
        Ok(())
    }

    fn container(&mut self, goes_on: bool, sibling: bool) -> Result<Option<Kind>, More> {
        let (indent, text) = self.indented();
        if text.is_empty() {
            self.whole()?;
        }
        if indent >= 4 {
            return Ok(None);
        }
        if text.starts_with('>') {
            self.quote(indent)?;
            return Ok(Some(Kind::Quote));
        }
        if self.is_rule(text)? {
            return Ok(None);
        }
        self.item(indent, text, goes_on && !sibling)
    }

    fn item(&mut self, indent: usize, text: &str, joins: bool) -> Result<Option<Kind>, More> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let width = digits + 1;
        let Some(end) = text[digits..].chars().next() else {
            // Up to nine digits: more are no number of a list (5.2).
            return if digits > 9 || self.ended {
                Ok(None)
            } else {
                Err(More)
            };
        };
        let marks = if digits > 0 { ".)" } else { "-*+" };
        let rest = if digits <= 9 && marks.contains(end) {
            &text[width..]
        } else {
            return Ok(None);
        };
        let content = rest.trim_start_matches(' ');
        if content.is_empty() {
            self.whole()?;
        } else if content.len() == rest.len() {
            return Ok(None);
        }
        // Of what may be text that only begins like an item, no paragraph is interrupted (5.2).
        if joins && (content.is_empty() || digits > 0 && &text[..digits] != "1") {
            return Ok(None);
        }
        let spaces = rest.len() - content.len();
        let gap = if content.is_empty() || spaces > 4 {
            1
        } else {
            spaces
        };
        let task = self.task(content)?;
        self.at += indent + width + gap.min(rest.len());
        self.at += if task.is_some() { spaces - gap + 4 } else { 0 };
        let number = || Mark::Number(text[..width].to_string());
        Ok(Some(Kind::Item {
            from: indent + 2,
            text: indent + width + gap,
            mark: match task {
                Some(done) => Mark::Task(done),
                None if digits > 0 => number(),
                None => Mark::Bullet,
            },
        }))
    }

    fn task(&self, content: &str) -> Result<Option<bool>, More> {
        let boxes = [("[ ] ", false), ("[x] ", true), ("[X] ", true)];
        if !self.ended
            && boxes
                .iter()
                .any(|(text, _)| content.len() < 4 && text.starts_with(content))
        {
            return Err(More);
        }
        let found = boxes.iter().find(|(text, _)| content.starts_with(text));
        Ok(found.map(|(_, done)| *done))
    }

    fn is_rule(&self, text: &str) -> Result<bool, More> {
        let Some(mark) = text.chars().next().filter(|c| "-*_".contains(*c)) else {
            return Ok(false);
        };
        if !text.chars().all(|c| c == mark || c == ' ') {
            return Ok(false);
        }
        self.whole()?;
        Ok(text.matches(mark).count() >= 3)
    }

    fn delimiter(&self, cells: usize) -> Result<bool, More> {
        let text = self.rest();
        if !text.chars().all(|c| "|:- ".contains(c)) {
            return Ok(false);
        }
        self.whole()?;
        let row = crate::table::cells(text);
        let fits = |cell: &String| {
            let dashes = cell.trim().trim_start_matches(':').trim_end_matches(':');
            !dashes.is_empty() && dashes.chars().all(|c| c == '-')
        };
        Ok(text.contains('|')
            && row.len() == cells
            && cells <= crate::table::COLUMNS
            && row.iter().all(fits))
    }

    fn leaf(&mut self, goes_on: bool) -> Result<Leaf, More> {
        let (indent, text) = self.indented();
        let Some(first) = text.chars().next() else {
            self.whole()?;
            return Ok(Leaf::Blank);
        };
        if indent >= 4 && !goes_on {
            self.whole()?;
            self.at += 4;
            return Ok(Leaf::Indented);
        }
        self.at += indent;
        if indent >= 4 {
            return Ok(Leaf::Text);
        }
        match first {
            '#' => self.heading(text),
            '`' | '~' => self.fence(text, first, indent),
            '-' | '*' | '_' if self.is_rule(text)? => Ok(Leaf::Rule),
            '=' if goes_on && text.chars().all(|c| c == '=' || c == ' ') => {
                self.whole()?;
                Ok(Leaf::Underline)
            }
            '|' if !goes_on => Ok(Leaf::Row),
            '<' if !goes_on => self.html(text),
            _ => Ok(Leaf::Text),
        }
    }

    fn heading(&mut self, text: &str) -> Result<Leaf, More> {
        let rest = text.trim_start_matches('#');
        let level = text.len() - rest.len();
        if rest.is_empty() && level <= 6 {
            self.whole()?;
        }
        if level > 6 || !rest.is_empty() && !rest.starts_with(' ') {
            return Ok(Leaf::Text);
        }
        self.at += level;
        Ok(Leaf::Heading(level))
    }

    fn fence(&self, text: &str, mark: char, indent: usize) -> Result<Leaf, More> {
        let info = text.trim_start_matches(mark);
        let count = text.len() - info.len();
        if count < 3 && !info.is_empty() || mark == '`' && info.contains('`') {
            return Ok(Leaf::Text);
        }
        self.whole()?;
        if count < 3 {
            return Ok(Leaf::Text);
        }
        let word = info.trim().trim_start_matches(['{', '.']);
        let language = word.split([' ', ',', '{', '}', ':']).next().unwrap_or("");
        Ok(Leaf::Fence(Fence {
            mark,
            count,
            indent,
            language: language.to_string(),
        }))
    }

    fn html(&self, text: &str) -> Result<Leaf, More> {
        let name = text.trim_start_matches('<').trim_start_matches('/');
        let end = name.find(|c: char| !c.is_ascii_alphanumeric());
        if end.is_none() && name.len() <= 10 {
            self.whole()?;
        }
        if name.starts_with("!-") {
            return Ok(Leaf::Html);
        }
        let name = name[..end.unwrap_or(name.len())].to_ascii_lowercase();
        let is_block = BLOCKS.contains(&name.as_str());
        Ok(if is_block { Leaf::Html } else { Leaf::Text })
    }
}

/// The tags that are blocks (4.6), but for those that no model writes.
const BLOCKS: [&str; 30] = [
    "article", "aside", "body", "center", "details", "div", "footer", "form", "h1", "h2", "h3",
    "h4", "h5", "h6", "head", "header", "html", "li", "nav", "ol", "p", "pre", "script", "section",
    "style", "summary", "table", "td", "tr", "ul",
];
