//! One rule: a tool, and a pattern for what it is called with.
//!
//! The idea: rules are read in our spelling and in Claude Code's
//! (<https://code.claude.com/docs/en/permissions>), and shown in ours.
//! The invariant: a rule that is shown and read again is the same rule.
//! Left out: patterns for tools other than bash and those that take a path.

use std::fmt;
use std::str::FromStr;

use super::command::CommandPattern;
use super::path::PathPattern;
use crate::syntax::lists;

/// Claude Code's names of our tools.
const NAMES: &[(&str, &str)] = &[
    ("Bash", "bash"),
    ("Read", "read_file"),
    ("Edit", "edit_file"),
    ("MultiEdit", "edit_file"),
    ("Write", "write_file"),
    ("Glob", "glob"),
    ("Grep", "grep"),
    ("Task", "agent"),
    ("Agent", "agent"),
];
const PATH_TOOLS: &str = "read_file write_file edit_file glob grep locate";
const FORM: &str = "a rule is a tool such as bash, read_file, edit_file or mcp__server__tool, or a \
    tool with a pattern, such as bash(cargo test*) or edit_file(src/**)";

/// Which calls are meant: `tool` or `tool(pattern)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Our name of the tool; `*` stands for any text.
    tool: String,
    /// As it was written; `None` means every call.
    pattern: Option<String>,
}

impl Rule {
    /// Every call of a tool.
    pub(super) fn whole(tool: &str) -> Option<Rule> {
        tool.parse().ok()
    }

    /// A rule that is put together here; `None` when it could not be read again.
    pub(super) fn with(tool: &str, pattern: &str) -> Option<Rule> {
        format!("{tool}({pattern})").parse().ok()
    }

    pub(super) fn tool(&self) -> &str {
        &self.tool
    }

    pub(super) fn pattern(&self) -> Option<&str> {
        self.pattern.as_deref()
    }

    /// Whether the pattern has a folder's name in so many letters.
    pub(super) fn names_folder(&self, name: &str) -> bool {
        let mut patterns = self.pattern.iter();
        patterns.any(|pattern| pattern.split('/').any(|part| part == name))
    }

    /// Whether an entry of Claude Code's names a tool that we don't have.
    pub(super) fn is_foreign(entry: &str) -> bool {
        let name = entry.split('(').next().unwrap_or_default();
        let known = NAMES.iter().any(|(theirs, _)| *theirs == name);
        !known && name.starts_with(|letter: char| letter.is_ascii_uppercase())
    }

    /// Whether every call of `tool` is meant, so that a rule which denies leaves nothing of it.
    pub fn is_whole_of(&self, tool: &str) -> bool {
        self.pattern.is_none() && names(&self.tool, tool)
    }

    /// Whether calls of `tool` are meant when the rule allows.
    pub(super) fn allows_tool(&self, tool: &str) -> bool {
        self.tool == "edit_file" && tool == "write_file" || names(&self.tool, tool)
    }

    /// Whether calls of `tool` are meant when the rule denies or asks: to read a file is to
    /// search it, too.
    pub(super) fn refuses_tool(&self, tool: &str) -> bool {
        self.tool == "read_file" && lists("glob grep locate", tool) || self.allows_tool(tool)
    }
}

/// Whether the name in a rule means `tool`. A server's name alone means all of its tools.
fn names(rule: &str, tool: &str) -> bool {
    let server = rule
        .strip_prefix("mcp__")
        .filter(|name| !name.contains("__"));
    let of_server = || {
        tool.strip_prefix(rule)
            .is_some_and(|rest| rest.starts_with("__"))
    };
    server.is_some() && of_server() || CommandPattern::plain(rule).matches(tool)
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match &self.pattern {
            Some(pattern) => write!(formatter, "{}({pattern})", self.tool),
            None => formatter.write_str(&self.tool),
        }
    }
}

impl FromStr for Rule {
    type Err = String;

    /// The error says what a rule looks like.
    fn from_str(text: &str) -> Result<Rule, String> {
        let text = text.trim();
        let (name, pattern) = match text.split_once('(') {
            Some((name, rest)) => (name, Some(rest.strip_suffix(')').ok_or(FORM)?.trim())),
            None => (text, None),
        };
        let is_name = |letter: char| letter.is_alphanumeric() || "_-.:/*".contains(letter);
        if name.is_empty() || !name.chars().all(is_name) || pattern == Some("") {
            return Err(FORM.to_owned());
        }
        let known = NAMES.iter().find(|(theirs, _)| *theirs == name);
        let tool = known.map_or(name, |(_, ours)| ours).to_owned();
        let pattern = match (&*tool, pattern) {
            ("bash", Some(pattern)) if CommandPattern::new(pattern).is_whole() => None,
            ("bash", Some(pattern)) => Some(pattern),
            (tool, Some(pattern)) if lists(PATH_TOOLS, tool) => {
                PathPattern::check(pattern)?;
                Some(pattern)
            }
            (_, None) => None,
            _ => {
                return Err(format!(
                    "only bash and the file tools take a pattern, so write `{tool}` alone; {FORM}"
                ));
            }
        };
        let pattern = pattern.map(str::to_owned);
        Ok(Rule { tool, pattern })
    }
}
