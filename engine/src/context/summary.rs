//! The second step: older entries become one summary.
//!
//! All of it but the notes is carried by rule, out of the entries and the summary before, so no model can forget it.
//! The notes are the model's; where it gave none that can be used, the notes before stay, and what the model said
//! since stands beside them.

use crate::context::snip::is_error;
use crate::context::tokens;
use crate::conversation::{Entry, Reply, Round, Summary, ToolCall};
use crate::wire::text;

/// Percent of the window for the user's own words, for notes, and for each list of lines.
const WORDS: u64 = 20;
pub(super) const NOTES: u64 = 15;
const LINES: u64 = 3;
/// Files named: so many of those that changed, and so many of those only read.
const CHANGED: usize = 100;
const READ: usize = 30;
/// Bytes kept of a line.
const LINE: usize = 400;

/// Where the recent entries begin: as many of the newest as fit in `room` tokens, and all from `unseen` on.
pub fn recent(entries: &[Entry], unseen: usize, room: u64) -> usize {
    let (mut start, mut taken) = (entries.len(), 0);
    while start > 0 {
        taken += tokens::of_entry(&entries[start - 1]);
        if taken > room && start <= unseen {
            break;
        }
        start -= 1;
    }
    start
}

/// The summary of older entries, with the model's notes if there are any, for a window of so many tokens.
pub fn summary(older: &[Entry], notes: Option<String>, window: u64) -> Summary {
    let mut summary = Summary::default();
    for entry in older {
        match entry {
            Entry::User(words) => summary.said.push(words.clone()),
            Entry::Summary(before) => take_over(before, &mut summary),
            Entry::Round(round) => add_round(round, &mut summary),
            Entry::Picture(picture) => {
                summary
                    .steps
                    .push(format!("[the user showed the picture {}]", picture.name));
            }
            // A report that nobody summed up is not to be lost; what stands is told again anyway.
            Entry::Note(text) => summary.steps.push(text::head(text, LINE).to_string()),
        }
    }
    let part = |percent: u64| window * percent / 100;
    let (said, missing) = bounded(&summary.said, part(WORDS));
    (summary.said, summary.missing) = (said, summary.missing + missing);
    summary.changed = newest(summary.changed, CHANGED as u64, |_| 1);
    summary.read.retain(|file| !summary.changed.contains(file));
    summary.read = newest(summary.read, READ as u64, |_| 1);
    let lines = |lines| newest(lines, part(LINES), |line| tokens::of(line) + 2);
    summary.decided = lines(summary.decided);
    summary.errors = lines(summary.errors);
    match notes {
        Some(notes) => (summary.notes, summary.steps) = (notes, Vec::new()),
        None => {
            summary.notes = shortened(&summary.notes, part(NOTES));
            summary.steps = lines(summary.steps);
        }
    }
    summary
}

fn take_over(before: &Summary, summary: &mut Summary) {
    summary.said.extend_from_slice(&before.said);
    summary.changed.extend_from_slice(&before.changed);
    summary.read.extend_from_slice(&before.read);
    summary.decided.extend_from_slice(&before.decided);
    summary.errors.extend_from_slice(&before.errors);
    summary.steps.extend_from_slice(&before.steps);
    summary.missing += before.missing;
    summary.notes.clone_from(&before.notes);
}

fn add_round(round: &Round, summary: &mut Summary) {
    add_lines(round.reply(), summary);
    for (call, result) in round.answered() {
        if !result.starts_with("Error: ") {
            add_file(call, summary);
        }
        let errors = result.lines().filter(|line| is_error(line)).take(3);
        summary
            .errors
            .extend(errors.map(|line| text::head(line.trim(), LINE).to_string()));
    }
}

/// Decisions and promises apart from what else was said.
fn add_lines(reply: &Reply, summary: &mut Summary) {
    const SIGNS: &str =
        "decid|decision|because|instead|chose|must |never |always |todo|open item|later|next step";
    for line in reply
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let lower = line.to_lowercase();
        let decides = SIGNS.split('|').any(|sign| lower.contains(sign));
        let list = if decides {
            &mut summary.decided
        } else {
            &mut summary.steps
        };
        list.push(text::head(line, LINE).to_string());
    }
}

/// A call that brings new text for a file changes it, whatever its tool is called.
fn add_file(call: &ToolCall, summary: &mut Summary) {
    let args = call.args.as_ref().unwrap_or(&serde_json::Value::Null);
    let Some(file) = args["file_path"].as_str() else {
        return;
    };
    let changes = ["content", "new_string", "edits"]
        .iter()
        .any(|field| args.get(field).is_some());
    let files = if changes {
        &mut summary.changed
    } else {
        &mut summary.read
    };
    files.push(file.to_string());
}

/// The last different lines whose costs add up to at most `room`, in the order in which they came last.
fn newest(lines: Vec<String>, room: u64, cost: impl Fn(&str) -> u64) -> Vec<String> {
    let (mut kept, mut left): (Vec<String>, u64) = (Vec::new(), room);
    for line in lines.into_iter().rev() {
        if kept.contains(&line) {
            continue;
        }
        match left.checked_sub(cost(&line)) {
            Some(rest) => left = rest,
            None => break,
        }
        kept.push(line);
    }
    kept.reverse();
    kept
}

/// As many of the user's messages as fit in `room`, and how many do not: the newest have half of it, and the very first,
/// which mostly is the task, has what they leave. What does not fit whole keeps its beginning and its end.
fn bounded(said: &[String], room: u64) -> (Vec<String>, usize) {
    let Some((first, others)) = said.split_first() else {
        return (Vec::new(), 0);
    };
    let (mut left, mut kept) = (room / 2, Vec::new());
    for words in others.iter().rev() {
        // What is not worth a line any more is left out.
        if left < MARK {
            break;
        }
        let fits = tokens::of(words) <= left;
        let words = shortened(words, if fits { left } else { left / 2 });
        left = left.saturating_sub(tokens::of(&words));
        kept.push(words);
    }
    kept.push(shortened(first, room / 2 + left));
    kept.reverse();
    let missing = said.len() - kept.len();
    (kept, missing)
}

/// A text of at most `room` tokens, if that is enough to say that something is missing: all of it, or its beginning
/// and its end. The bound is exact: a text a little above it would be cut by each further compaction.
pub fn shortened(words: &str, room: u64) -> String {
    let size = tokens::of(words);
    if size <= room {
        return words.to_string();
    }
    let kept = room.saturating_sub(MARK);
    let mut bytes = usize::try_from(words.len() as u64 * kept / size).unwrap_or(0);
    loop {
        let (head, tail) = (text::head(words, bytes / 2), text::tail(words, bytes / 2));
        let missing = words.len() - head.len() - tail.len();
        let cut = format!("{head}\n[... {missing} bytes left out ...]\n{tail}");
        if tokens::of(&cut) <= room || bytes == 0 {
            return cut;
        }
        bytes = bytes * 3 / 4;
    }
}

/// Tokens of the line that says what is missing.
const MARK: u64 = 20;
