//! What a line is, behind the marks of quotes and items (CommonMark 0.31, 4; tables: GFM 0.29, 4.10).
//!
//! Left out: setext headings, whose text was shown before the line that would make it one.

use super::container::Reader;
use super::{Fence, Leaf, More};
use crate::table;

impl Reader<'_> {
    pub(super) fn delimiter(&self, cells: usize) -> Result<bool, More> {
        let text = self.rest();
        if !text.chars().all(|c| "|:- ".contains(c)) {
            return Ok(false);
        }
        self.whole()?;
        let row = table::cells(text);
        let fits = |cell: &String| {
            let dashes = cell.trim().trim_start_matches(':').trim_end_matches(':');
            !dashes.is_empty() && dashes.chars().all(|c| c == '-')
        };
        Ok(text.contains('|')
            && row.len() == cells
            && cells <= table::COLUMNS
            && row.iter().all(fits))
    }

    pub(super) fn leaf(&mut self, goes_on: bool) -> Result<Leaf, More> {
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
