//! A call and what came of it, as lines: a headline, the diff of an edit, the to-do list, why it failed.

use std::time::Duration;

use console::style;
use corecoder::ToolCall;
use corecoder_markdown::Look;

use crate::todo;
use crate::words::{gist, plain, topic, visible, wrapped};

/// Lines of a diff, of a reason, and of an output, at most.
const DIFF: usize = 60;
const REASON: usize = 6;
const OUTPUT: usize = 40;

/// What a person is shown of a call that ended; `details` shows what the tool answered, too.
pub fn lines(
    label: &str,
    call: &ToolCall,
    result: &Result<String, String>,
    took: Duration,
    details: bool,
    look: Look,
) -> Vec<String> {
    let (Ok(text) | Err(text)) = result;
    let text = plain(text);
    let width = look.width.min(1_000);
    let mut lines = headline(label, call, result, took, &text, width);
    match (call.name.as_str(), result) {
        ("edit_file" | "write_file", Ok(_)) => lines.extend(diff(&text, look)),
        (todo::NAME, Ok(_)) => lines.extend(checklist(call, width)),
        _ if details => {
            let shown = text.lines().skip(usize::from(result.is_err())).take(OUTPUT);
            lines.extend(shown.map(|line| style(format!("  {line}")).dim().to_string()));
        }
        _ => {}
    }
    lines
}

/// The call and how it ended; a reason that does not fit stands below.
fn headline(
    label: &str,
    call: &ToolCall,
    result: &Result<String, String>,
    took: Duration,
    text: &str,
    width: usize,
) -> Vec<String> {
    let mark = match result {
        Ok(_) => style("✓").green(),
        Err(_) => style("✗").red(),
    };
    let what = format!(
        "{label}{} {}{}",
        visible(&call.name),
        topic(call),
        time(call, took)
    );
    let reason = match result {
        Ok(_) => String::new(),
        Err(_) => gist(text),
    };
    let width = width.saturating_sub(3);
    let line = |text: &str| format!("{mark} {}", console::truncate_str(text, width, "…"));
    let whole = format!("{what}: {reason}");
    if reason.is_empty() {
        return vec![line(&what)];
    }
    if console::measure_text_width(&whole) <= width {
        return vec![line(&whole)];
    }
    let mut lines = vec![line(&what)];
    lines.extend(below(&reason, width.saturating_sub(2)));
    lines
}

/// How long a call took, if that is worth a word.
fn time(call: &ToolCall, took: Duration) -> String {
    let args = call.args.as_ref();
    let in_background = args.is_ok_and(|args| args["background"] == true);
    match took.as_secs_f64() {
        _ if call.name == "agent" && in_background => " (works in the background)".to_string(),
        seconds if seconds < 0.1 => String::new(),
        seconds => format!(" ({seconds:.1} s)"),
    }
}

/// A reason in lines of its own.
fn below(reason: &str, width: usize) -> Vec<String> {
    let reason = wrapped(reason, width);
    let shown = reason.iter().take(REASON);
    let mut lines: Vec<String> = shown
        .map(|line| format!("  {}", console::truncate_str(line, width, "…")))
        .collect();
    lines.extend((reason.len() > REASON).then(|| "  …".to_string()));
    lines
}

fn diff(text: &str, look: Look) -> Vec<String> {
    let start = text.find("@@").unwrap_or(text.len());
    let width = look.width.saturating_sub(2);
    let mut lines = corecoder_markdown::diff(&text[start..], Look { width, ..look });
    let more = lines.len().saturating_sub(DIFF);
    lines.truncate(DIFF);
    if more > 0 {
        lines.push(format!("… {more} more lines"));
    }
    lines.iter().map(|line| format!("  {line}")).collect()
}

/// A patch, as `git apply` reads it.
pub fn patch(patch: &str) -> Vec<String> {
    plain(patch).lines().map(coloured).collect()
}

/// A line of a patch.
fn coloured(line: &str) -> String {
    let line = match line.as_bytes().first() {
        Some(b'+') => style(line).green(),
        Some(b'-') => style(line).red(),
        Some(b'@') => style(line).cyan(),
        _ => style(line).dim(),
    };
    line.to_string()
}

fn checklist(call: &ToolCall, width: usize) -> Vec<String> {
    let tasks = call
        .args
        .as_ref()
        .ok()
        .and_then(|args| todo::tasks(args).ok());
    let lines = |task: &todo::Task| {
        let what = wrapped(&visible(&task.what), width.saturating_sub(5));
        let shown = what.into_iter().enumerate().map(|(at, line)| {
            let (mark, line) = match task.state {
                todo::State::Pending => (style("☐"), style(line)),
                todo::State::InProgress => (style("▸").cyan(), style(line).bold()),
                todo::State::Completed => (style("☑").dim(), style(line).dim()),
            };
            let mark = if at > 0 { style(" ") } else { mark };
            format!("  {mark} {line}")
        });
        shown.collect::<Vec<_>>()
    };
    tasks.iter().flatten().flat_map(lines).collect()
}
