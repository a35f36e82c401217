//! What a call would do, written out for the person who decides about it.

use console::{style, truncate_str};
use corecoder::ToolCall;
use corecoder_markdown::Look;
use serde_json::Value;

use crate::words::{subject, visible};

/// Lines of each kind that are shown unasked.
pub const SHOWN: usize = 12;

/// Of a long line so many characters, unasked.
const LINE: usize = 400;

/// What a call would do, written out so that what is approved is what was seen.
pub struct Change {
    pub title: String,
    /// Text that comes, text that goes, or a command, each with its mark.
    blocks: Vec<(char, Vec<String>)>,
}

impl Change {
    pub fn of(call: &ToolCall) -> Change {
        let Ok(args) = &call.args else {
            return Change {
                title: String::new(),
                blocks: Vec::new(),
            };
        };
        let block = |mark: char, name: &str| {
            let text = args[name].as_str()?;
            Some((mark, text.lines().map(visible).collect::<Vec<String>>()))
        };
        let subject = visible(&subject(call));
        let command = block(' ', "command").filter(|(_, lines)| lines.len() > 1);
        let (title, blocks) = match (call.name.as_str(), command) {
            ("bash", Some((mark, lines))) => (
                format!(" ({} lines)", lines.len()),
                vec![Some((mark, lines))],
            ),
            ("edit_file", _) => {
                let every = if args["replace_all"] == true {
                    " (every occurrence)"
                } else {
                    ""
                };
                let blocks = vec![block('-', "old_string"), block('+', "new_string")];
                (format!(" {subject}{every}"), blocks)
            }
            ("write_file", _) => (
                format!(" {subject} (the whole file)"),
                vec![block('+', "content")],
            ),
            (name, _) if name.starts_with("mcp__") => {
                (String::new(), vec![Some((' ', arguments(args)))])
            }
            _ => (format!(" {subject}"), Vec::new()),
        };
        Change {
            title,
            blocks: blocks.into_iter().flatten().collect(),
        }
    }

    /// Shows at most `most` lines of each block. An edit is shown as a diff, so that the words that differ stand out.
    pub fn show(&self, most: usize, look: Look) {
        if let [('-', old), ('+', new)] = &self.blocks[..]
            && old.len().max(new.len()) <= most
        {
            let marked = |mark: char, lines: &[String]| {
                lines
                    .iter()
                    .map(|line| format!("{mark}{line}\n"))
                    .collect::<String>()
            };
            let patch = format!("{}{}", marked('-', old), marked('+', new));
            let width = look.width.saturating_sub(2);
            let lines = corecoder_markdown::diff(&patch, Look { width, ..look });
            return lines.iter().for_each(|line| tell!("  {line}"));
        }
        for (mark, lines) in &self.blocks {
            for line in lines.iter().take(most) {
                let line = match most {
                    usize::MAX => format!("{mark}{line}"),
                    _ => format!("{mark}{}", truncate_str(line, LINE, "…")),
                };
                let line = match mark {
                    '-' => style(line).red(),
                    '+' => style(line).green(),
                    _ => style(line),
                };
                tell!("  {line}");
            }
            if lines.len() > most {
                tell!("  {mark}… {} more lines", lines.len() - most);
            }
        }
    }
}

/// Each argument of a server's tool, a text with the lines that it has.
fn arguments(args: &Value) -> Vec<String> {
    let lines = args
        .as_object()
        .into_iter()
        .flatten()
        .flat_map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                value => value.to_string(),
            };
            let whole = format!("{name}: {text}");
            whole.lines().map(visible).collect::<Vec<String>>()
        });
    lines.collect()
}
