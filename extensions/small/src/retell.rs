//! A conversation in plain Markdown: calls as the blocks that they were, results as messages of the user.
//!
//! Each result ends in the next step. A call that is made again is not told again: a weak model that sees its own
//! words twice says them a third time.

use corecoder::{Entry, Reply, Round, ToolCall};
use serde_json::Value;

use crate::named::{Named, language};
use crate::prompt;

/// The same conversation without calls.
pub(crate) fn retold(entries: &[Entry], named: &Named) -> Vec<Entry> {
    let (mut told, mut made, mut written) = (Vec::new(), Vec::new(), false);
    for entry in entries {
        match entry {
            Entry::Round(round) => {
                add_round(round, written, &mut made, &mut told);
                written |= has_written(round);
            }
            Entry::User(text) => {
                (written, made) = (false, Vec::new());
                told.push(Entry::User(named.with_files(text)));
            }
            other => told.push(other.clone()),
        }
    }
    told
}

fn add_round<'a>(
    round: &'a Round,
    written: bool,
    made: &mut Vec<&'a ToolCall>,
    told: &mut Vec<Entry>,
) {
    let calls: Vec<&ToolCall> = round.answered().map(|(call, _)| call).collect();
    if calls.is_empty() {
        return told.push(Entry::Round(round.clone()));
    }
    let results: Vec<String> = round
        .answered()
        .map(|(call, result)| answer(call, result, written))
        .collect();
    let results = results.join("\n\n");
    let again = |call: &&ToolCall| made.iter().any(|before| before.is_same(call));
    if calls.iter().all(again)
        && let Some(Entry::User(last)) = told.last_mut()
    {
        if !last.ends_with(&results) {
            *last += &format!("\n{results}");
        }
        return;
    }
    // What was written may change the answer to all that was asked before.
    if calls.iter().any(|call| is_write(call)) {
        made.clear();
    }
    let words = round.reply().text.clone();
    let blocks = calls.iter().map(|call| block(call));
    let said: Vec<String> = std::iter::once(words)
        .chain(blocks)
        .filter(|part| !part.is_empty())
        .collect();
    told.push(Entry::Round(Round::new(
        Reply::text(said.join("\n\n")),
        |_, _| String::new(),
    )));
    told.push(Entry::User(results));
    made.extend(calls);
}

/// The block that a call was, or would have been.
fn block(call: &ToolCall) -> String {
    let args = call.args.as_ref().unwrap_or(&Value::Null);
    let text = |name: &str| args[name].as_str().unwrap_or_default();
    let path = text("file_path");
    let (info, body) = match call.name.as_str() {
        "bash" => ("bash".to_string(), text("command").to_string()),
        "read_file" => ("bash".to_string(), format!("cat {path}")),
        "write_file" => (
            format!("{} {path}", language(path)),
            text("content").to_string(),
        ),
        "edit_file" => {
            let (old, new) = (text("old_string").trim_end(), text("new_string").trim_end());
            let body = format!("<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE");
            (format!("{} {path}", language(path)), body)
        }
        name => (
            "json".to_string(),
            format!("{{\"name\": \"{name}\", \"arguments\": {args}}}"),
        ),
    };
    format!("```{info}\n{}\n```", body.trim_end())
}

/// Whether a round changed a file by a tool for that.
pub(crate) fn has_written(round: &Round) -> bool {
    let mut answered = round.answered();
    answered.any(|(call, result)| is_write(call) && changed(result))
}

fn is_write(call: &ToolCall) -> bool {
    matches!(call.name.as_str(), "write_file" | "edit_file")
}

/// What came of a call, and the next step; `written` says whether the turn has changed a file before.
fn answer(call: &ToolCall, result: &str, written: bool) -> String {
    let result = result.trim_end();
    if result.contains("this exact call was made twice already") {
        return prompt::AGAIN.to_string();
    }
    let failed = failed(result);
    let next = match call.name.as_str() {
        "write_file" if result.contains(SAME_CONTENT) => {
            return if written {
                prompt::SAME
            } else {
                prompt::UNCHANGED
            }
            .to_string();
        }
        _ if is_write(call) && !failed => prompt::WRITTEN,
        "bash" if found_fault(result) => prompt::FAILED,
        "bash" if written && !failed => prompt::WORKED,
        _ => "",
    };
    format!("{result}\n{next}").trim_end().to_string()
}

/// Whether a result of a write says that the file is another now.
fn changed(result: &str) -> bool {
    !failed(result) && !result.contains(SAME_CONTENT)
}

/// How the engine's `write_file` says that nothing changed.
const SAME_CONTENT: &str = "had this content already";

/// Whether a command ran and found something wrong, rather than was wrong itself.
pub(crate) fn found_fault(result: &str) -> bool {
    let slips = ["command not found", "No such file or directory"];
    result.starts_with("Error: [exit code") && !slips.iter().any(|slip| result.contains(slip))
}

/// Whether a result says that something went wrong.
pub(crate) fn failed(result: &str) -> bool {
    result.starts_with("Error: ")
}
