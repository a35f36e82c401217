//! The second and third step: older entries become one summary.
//!
//! The user's words and the files are carried by rule, out of the entries and the summary before, so no model can
//! forget them. The notes are the model's; where it gave none that can be used, an [`extract`] takes their place.

use crate::context::snip::{reports_error, with_results};
use crate::context::tokens;
use crate::conversation::{Entry, Reply, Summary, ToolCall};
use crate::wire::text;

/// Files named in a summary: so many of those that changed, and so many of those only read.
const CHANGED: usize = 100;
const READ: usize = 30;

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

/// The summary of older entries with these notes; the user's words take at most `room` tokens.
pub fn summary(older: &[Entry], notes: String, room: u64) -> Summary {
    let mut summary = Summary {
        notes,
        ..Summary::default()
    };
    for entry in older {
        match entry {
            Entry::User(words) => summary.said.push(words.clone()),
            Entry::Summary(before) => {
                summary.said.extend(before.said.iter().cloned());
                summary.changed.extend(before.changed.iter().cloned());
                summary.read.extend(before.read.iter().cloned());
            }
            Entry::Round(round) => {
                let done = round
                    .answered()
                    .filter(|(_, result)| !result.starts_with("Error: "));
                done.for_each(|(call, _)| add_file(call, &mut summary));
            }
            Entry::Note(_) => {}
        }
    }
    summary.said = bounded(summary.said, room);
    summary.changed = newest(summary.changed, CHANGED);
    summary.read.retain(|file| !summary.changed.contains(file));
    summary.read = newest(summary.read, READ);
    summary
}

/// A call that brings new text for a file changes it, whatever its tool is called.
fn add_file(call: &ToolCall, summary: &mut Summary) {
    let Some((args, file)) = call
        .args
        .as_ref()
        .ok()
        .and_then(|args| Some((args, args["file_path"].as_str()?)))
    else {
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

/// The last `count` different ones, in the order in which they came last.
fn newest(files: Vec<String>, count: usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for file in files.into_iter().rev() {
        if kept.len() < count && !kept.contains(&file) {
            kept.push(file);
        }
    }
    kept.reverse();
    kept
}

/// As many of the user's messages as fit in `room`, the newest first; but the very first, which mostly is the
/// task, has a quarter of the room for itself. What does not fit keeps its beginning and its end.
fn bounded(said: Vec<String>, room: u64) -> Vec<String> {
    let mut left = room;
    let mut kept = Vec::new();
    let take = |words: &str, share: u64, left: &mut u64| {
        let words = shortened(words, share);
        *left = left.saturating_sub(tokens::of(&words));
        words
    };
    let mut said = said.iter();
    let first = said.next().map(|words| take(words, room / 4, &mut left));
    for words in said.rev() {
        // What is not worth a line any more is left out.
        if left < 20 {
            break;
        }
        let share = if tokens::of(words) <= left {
            left
        } else {
            left / 2
        };
        kept.push(take(words, share, &mut left));
    }
    kept.extend(first);
    kept.reverse();
    kept
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

/// What can be said without a model, in about `room` tokens: the notes so far, what the model said it decided and
/// why, what it said last, and the errors it saw.
pub fn extract(older: &[Entry], room: u64) -> String {
    let (mut before, mut decided, mut said, mut errors) = ("", Vec::new(), Vec::new(), Vec::new());
    for entry in older {
        match entry {
            Entry::Summary(summary) => {
                let lists = [&mut errors, &mut said, &mut decided];
                before = take_lists(&summary.notes, lists);
            }
            Entry::Round(round) => {
                sort_lines(round.reply(), &mut decided, &mut said);
                for (_, result) in round.answered() {
                    let lines = result.lines().filter(|line| reports_error(line));
                    errors.extend(lines.take(3).map(str::trim));
                }
            }
            Entry::User(_) | Entry::Note(_) => {}
        }
    }
    let list = |title: &str, lines: &[&str]| -> String {
        let lines: Vec<String> = distinct_newest(lines, room / 4);
        if lines.is_empty() {
            String::new()
        } else {
            format!("\n\n{title}\n- {}", lines.join("\n- "))
        }
    };
    let notes = match before {
        "" => String::new(),
        notes => format!("\n\n{}", shortened(notes, room / 4)),
    };
    format!(
        "{EXTRACT}{notes}{}{}{}",
        list(DECIDED, &decided),
        list(SAID, &said),
        list(ERRORS, &errors)
    )
}

const EXTRACT: &str = "An extract of what was done:";
const DECIDED: &str = "Decided:";
const SAID: &str = "Said:";
const ERRORS: &str = "Errors seen:";

/// Takes an extract apart again, so that its lines last longer than a text that is cut in the middle each time: puts
/// the errors, what was said and what was decided into these lists, and returns the notes before them.
fn take_lists<'a>(notes: &'a str, lists: [&mut Vec<&'a str>; 3]) -> &'a str {
    let Some(mut notes) = notes.strip_prefix(EXTRACT) else {
        return notes;
    };
    for (title, list) in [ERRORS, SAID, DECIDED].into_iter().zip(lists) {
        if let Some((before, lines)) = notes.rsplit_once(&*format!("\n\n{title}\n- ")) {
            list.extend(lines.split("\n- "));
            notes = before;
        }
    }
    notes.trim_start()
}

/// The lines of a reply, those with a decision or a promise apart from the others.
fn sort_lines<'a>(reply: &'a Reply, decided: &mut Vec<&'a str>, said: &mut Vec<&'a str>) {
    const SIGNS: &str =
        "decid|decision|because|instead|chose|must |never |always |todo|open item|later|next step";
    for line in reply
        .text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        let lower = line.to_lowercase();
        let tells = SIGNS.split('|').any(|sign| lower.contains(sign));
        if tells {
            decided.push(line)
        } else {
            said.push(line)
        }
    }
}

/// The newest different lines that fit in `room` tokens, in their order.
fn distinct_newest(lines: &[&str], room: u64) -> Vec<String> {
    let (mut kept, mut left): (Vec<String>, u64) = (Vec::new(), room);
    for line in lines.iter().rev() {
        let line = text::head(line, 400).to_string();
        if kept.contains(&line) {
            continue;
        }
        let Some(rest) = left.checked_sub(tokens::of(&line) + 2) else {
            break;
        };
        left = rest;
        kept.push(line);
    }
    kept.reverse();
    kept
}

/// The third step: a summary without a model, and the last entries in their tightest form, in about `room` tokens.
/// What the model has not seen is cut only if it does not fit by itself.
pub fn collapse(entries: &[Entry], unseen: usize, room: u64) -> Vec<Entry> {
    let start = recent(entries, unseen, room / 10).max(usize::from(entries.len() > 1));
    let (older, last) = entries.split_at(start.min(unseen));
    let mut tight = Vec::new();
    if !older.is_empty() {
        let notes = extract(older, room / 10);
        tight.push(Entry::Summary(summary(older, notes, room / 10)));
    }
    let (seen, unseen) = last.split_at(unseen - older.len());
    tight.extend(seen.iter().map(|entry| capped(entry, 100)));
    let mut cap = room.saturating_sub(tokens::of_entries(&tight));
    let left = cap;
    let mut fresh = unseen.to_vec();
    while tokens::of_entries(&fresh) > left && cap > 20 {
        fresh = unseen.iter().map(|entry| capped(entry, cap)).collect();
        cap = cap * 3 / 4;
    }
    tight.extend(fresh);
    tight
}

/// The entry with no text that came from outside longer than `cap` tokens.
fn capped(entry: &Entry, cap: u64) -> Entry {
    match entry {
        Entry::User(words) => Entry::User(shortened(words, cap)),
        Entry::Note(words) => Entry::Note(shortened(words, cap)),
        Entry::Round(round) => with_results(round, |result| shortened(result, cap)),
        Entry::Summary(_) => entry.clone(),
    }
}
