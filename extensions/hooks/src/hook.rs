//! One hook: the step that it wants to hear of, and the command that is told.
//!
//! A matcher is a regular expression that must fit the whole name. It is tried on our name of a tool and on Claude
//! Code's; which of them it fits decides in which spelling the hook is told.

use std::time::Duration;

use regex::{Regex, RegexBuilder};

use crate::names::{self, Spelling};

/// A step of which hooks are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    SessionStart,
    UserPromptSubmit,
    PreToolUse,
    PostToolUse,
    PreCompact,
    Stop,
    SubagentStop,
}

impl Event {
    pub const ALL: [Event; 7] = [
        Event::SessionStart,
        Event::UserPromptSubmit,
        Event::PreToolUse,
        Event::PostToolUse,
        Event::PreCompact,
        Event::Stop,
        Event::SubagentStop,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Event::SessionStart => "SessionStart",
            Event::UserPromptSubmit => "UserPromptSubmit",
            Event::PreToolUse => "PreToolUse",
            Event::PostToolUse => "PostToolUse",
            Event::PreCompact => "PreCompact",
            Event::Stop => "Stop",
            Event::SubagentStop => "SubagentStop",
        }
    }

    pub fn named(name: &str) -> Option<Event> {
        Event::ALL.into_iter().find(|event| event.name() == name)
    }

    /// Whether plain text that a hook prints is meant for the model.
    pub fn takes_text(self) -> bool {
        matches!(self, Event::SessionStart | Event::UserPromptSubmit)
    }

    /// Whether there is something that a hook could block.
    pub fn can_block(self) -> bool {
        self != Event::SessionStart
    }

    /// Whether a matcher means the name of a tool.
    fn is_of_tool(self) -> bool {
        matches!(self, Event::PreToolUse | Event::PostToolUse)
    }
}

/// A program that is told of a step.
#[derive(Debug)]
pub(crate) struct Hook {
    pub event: Event,
    /// `None` takes everything.
    pub matcher: Option<Matcher>,
    pub command: String,
    pub timeout: Duration,
    /// Whether no answer means no.
    pub blocking: bool,
    /// Whether it was written for Claude Code.
    pub foreign: bool,
}

/// A matcher as it was written and as it works.
#[derive(Debug)]
pub(crate) struct Matcher {
    text: String,
    regex: Regex,
}

impl Matcher {
    /// `None` for a matcher that takes everything. Errors in one line if it is no regular expression.
    pub fn new(text: &str) -> Result<Option<Matcher>, String> {
        if matches!(text, "" | "*") {
            return Ok(None);
        }
        let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(1 << 20).build();
        // Tried alone first: `a)|(b` would only fit together with the parentheses around it.
        let regex = build(text)
            .and_then(|_| build(&format!("^(?:{text})$")))
            .map_err(|error| {
                let error = error.to_string();
                error.lines().last().unwrap_or_default().to_string()
            })?;
        let text = text.to_string();
        Ok(Some(Matcher { text, regex }))
    }
}

impl Hook {
    /// In which spelling it wants to hear of this step; `None` if it does not. `subject` is the name of a tool, or what
    /// started or shortened the conversation. Other steps have nothing to match.
    pub fn hears(&self, event: Event, subject: &str) -> Option<Spelling> {
        if event != self.event {
            return None;
        }
        let usual = match self.foreign {
            true => Spelling::Theirs,
            false => Spelling::Ours,
        };
        let Some(Matcher { regex, .. }) = self.matcher.as_ref().filter(|_| !subject.is_empty())
        else {
            return Some(usual);
        };
        let theirs = match event.is_of_tool() {
            true => names::theirs(subject),
            false => &[],
        };
        match regex.is_match(subject) {
            true => Some(usual),
            false => theirs
                .iter()
                .any(|name| regex.is_match(name))
                .then_some(Spelling::Theirs),
        }
    }

    /// How it is called in a message: the event and the beginning of the command.
    pub fn label(&self) -> String {
        let short: String = self.command.chars().take(60).collect();
        let more = if short.len() < self.command.len() {
            "..."
        } else {
            ""
        };
        format!("the {} hook `{}{more}`", self.event.name(), plain(&short))
    }

    /// For a list: event, matcher and command.
    pub fn line(&self) -> String {
        let matcher = self.matcher.as_ref();
        let matcher = matcher.map_or("*", |matcher| matcher.text.as_str());
        let (event, matcher) = (self.event.name(), plain(matcher));
        format!("{event} {matcher}: {}", plain(&self.command))
    }
}

/// A text of a file as one line that can be shown: what a terminal would obey is written as an escape.
pub(crate) fn plain(text: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(shown).collect()
}
