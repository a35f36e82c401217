//! Everything the model is told before the first request: who it is, and what its tools do.
//!
//! These words are as much of the program as its code. They are the same in every request of a conversation, so
//! nothing that changes belongs here.

use std::env::consts::OS;

use serde_json::json;

use crate::kit::Kit;
use crate::tools::{Spec, schema};

/// The system prompt for an agent with this kit.
pub fn system(kit: &Kit) -> String {
    let cwd = crate::files::shown(kit.files.root());
    let role = if kit.name.is_empty() { "" } else { SUB_AGENT };
    let instructions = match kit.instructions.trim() {
        "" => String::new(),
        instructions => format!("\n\n{instructions}"),
    };
    if let Some(own) = &kit.system {
        return format!(
            "{own}{role}\n\nWorking directory: {cwd}\nOperating system: {OS}{instructions}"
        );
    }
    format!(
        "You are CoreCoder, a coding agent. You work in the user's project with tools: look before you change, \
change what was asked, check that it works, and say briefly what you did.{role}

Working directory: {cwd}
Operating system: {OS}

How to work:
- Do the task with your tools; don't tell the user to run what you can run.
- Find code with grep and glob, and read a file before you edit it.
- Make small edits with edit_file; use write_file for new files and complete rewrites.
- After a change run the tests, or the program, and fix what fails.
- Calls that don't depend on each other belong in one reply: they run side by side.
- When a tool reports an error, read it and try something else; don't repeat the same call.
- When the task is done, answer in a few plain sentences without calling a tool.{instructions}"
    )
}

const SUB_AGENT: &str = " You were given one part of a larger task by another agent, which sees nothing of your \
work but your final answer: begin it with the result.";

/// Asks for a summary of the conversation so far, behind its unchanged prefix.
pub(crate) fn summarize(focus: &str) -> String {
    let focus = match focus {
        "" => String::new(),
        focus => format!("\nThe user wants this kept in mind above all: {focus}"),
    };
    format!("{SUMMARIZE}{focus}")
}

const SUMMARIZE: &str = "\
The conversation is getting too long. Everything above will be replaced by the notes that you write now, so write down \
what you need to go on without it. The user's messages and the names of the files are kept besides; what is in them is not. \
Call no tools. Write briefly, under these headings:

Task: what the user wants, with every constraint, as it stands now.
Files: each file that matters, what was changed in it and how, names and lines to find it again.
Decisions: what was decided, and why.
Facts: values, commands, names and open questions that were found and will be needed.
Errors: what went wrong, and its cure if one was found.
Next: what is being done right now, and the next steps.";

/// Announces a tool that was not there when the conversation began.
pub(crate) fn late_tool(tool: &Spec) -> String {
    let Spec {
        name,
        description,
        parameters,
    } = tool;
    format!("[A tool is available from now on] {name}: {description}\nIts parameters: {parameters}")
}

fn spec(name: &str, description: &str, parameters: serde_json::Value) -> Spec {
    Spec {
        name: name.to_string(),
        description: description.to_string(),
        parameters,
    }
}

pub(crate) fn agent() -> Spec {
    spec(
        "agent",
        "Start a sub-agent with a fresh context for one self-contained part of the task, such as a search through \
many files. It has your other tools, sees nothing of this conversation, and answers with a report. Several in one \
reply work in parallel.",
        schema(
            json!({
                "task": {"type": "string", "description": "Everything the sub-agent needs to know, and what to report"},
                "background": {"type": "boolean", "description": "true: go on at once, the report arrives later as a message (default false)"},
            }),
            &["task"],
        ),
    )
}

pub(crate) fn bash() -> Spec {
    spec(
        "bash",
        "Run a command with bash. It has no standard input and no terminal. The working directory carries over to \
later calls. Long output keeps its beginning and end. To search or read files, prefer grep, glob and read_file.",
        schema(
            json!({
                "command": {"type": "string", "description": "The command line"},
                "timeout": {"type": "integer", "description": "Seconds until it is killed (default 120, at most 3600)"},
            }),
            &["command"],
        ),
    )
}

pub(crate) fn read_file() -> Spec {
    spec(
        "read_file",
        "Read a text file. Lines come as number, tab, text; the number and tab are not part of the file.",
        schema(
            json!({
                "file_path": {"type": "string", "description": "Path, absolute or from the working directory"},
                "offset": {"type": "integer", "description": "First line, counted from 1 (default 1)"},
                "limit": {"type": "integer", "description": "How many lines (default 2000)"},
            }),
            &["file_path"],
        ),
    )
}

pub(crate) fn write_file() -> Spec {
    spec(
        "write_file",
        "Write a whole file: a new one, or instead of an old one. Folders are made as needed. To change part of a \
file, use edit_file.",
        schema(
            json!({
                "file_path": {"type": "string", "description": "Path, absolute or from the working directory"},
                "content": {"type": "string", "description": "The complete new content"},
            }),
            &["file_path", "content"],
        ),
    )
}

pub(crate) fn edit_file() -> Spec {
    spec(
        "edit_file",
        "Replace one passage of a file. old_string must stand in the file exactly once, with the same spaces and \
line breaks; add neighbouring lines until it does.",
        schema(
            json!({
                "file_path": {"type": "string", "description": "Path, absolute or from the working directory"},
                "old_string": {"type": "string", "description": "The text to replace, copied from the file without line numbers"},
                "new_string": {"type": "string", "description": "The text to put there"},
                "replace_all": {"type": "boolean", "description": "Replace every occurrence (default false)"},
            }),
            &["file_path", "old_string", "new_string"],
        ),
    )
}

pub(crate) fn glob() -> Spec {
    spec(
        "glob",
        "Find files by name, newest first. A pattern without a slash matches in every folder: *.py, src/**/*.rs, \
**/test_*.{js,ts}. Hidden and .gitignored files are left out.",
        schema(
            json!({
                "pattern": {"type": "string", "description": "Glob pattern, relative to path"},
                "path": {"type": "string", "description": "Folder to search (default: the working directory)"},
            }),
            &["pattern"],
        ),
    )
}

pub(crate) fn grep() -> Spec {
    spec(
        "grep",
        "Search file contents for a regular expression; answers with file:line:text. Hidden, binary and \
.gitignored files are left out.",
        schema(
            json!({
                "pattern": {"type": "string", "description": "Regular expression (Rust syntax, case-sensitive; (?i) ignores case)"},
                "path": {"type": "string", "description": "File or folder to search (default: the working directory)"},
                "include": {"type": "string", "description": "Only files that match this glob, such as *.py"},
            }),
            &["pattern"],
        ),
    )
}
