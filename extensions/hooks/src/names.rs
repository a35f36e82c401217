//! Two spellings of the same tools: ours, and Claude Code's.
//!
//! Most arguments have the same name in both; the few that differ stand in [`ARGS`]. Paths are absolute there, and
//! `timeout` is in milliseconds: <https://code.claude.com/docs/en/hooks>.

use std::path::Path;

use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    Ours,
    Theirs,
}

/// Our name, and the names under which a matcher may mean it; a hook is told the first.
const NAMES: [(&str, &[&str]); 7] = [
    ("bash", &["Bash"]),
    ("read_file", &["Read"]),
    ("edit_file", &["Edit", "MultiEdit"]),
    ("write_file", &["Write"]),
    ("glob", &["Glob"]),
    ("grep", &["Grep"]),
    ("agent", &["Task", "Agent"]),
];

/// Tool, our name of an argument, theirs.
const ARGS: [(&str, &str, &str); 3] = [
    ("grep", "include", "glob"),
    ("agent", "task", "prompt"),
    ("agent", "background", "run_in_background"),
];

/// The names that this tool has in Claude Code; none for one that it does not have.
pub(crate) fn theirs(tool: &str) -> &'static [&'static str] {
    let row = NAMES.iter().find(|(ours, _)| *ours == tool);
    row.map_or(&[], |(_, theirs)| theirs)
}

/// Name and arguments of a call as a hook is told them.
pub(crate) fn told(spelling: Spelling, tool: &str, args: &Value, cwd: &Path) -> (String, Value) {
    let Some(name) = theirs(tool)
        .first()
        .filter(|_| spelling == Spelling::Theirs)
    else {
        return (tool.to_string(), args.clone());
    };
    let mut args = args.as_object().cloned().unwrap_or_default();
    for (_, ours, theirs) in ARGS.iter().filter(|row| row.0 == tool) {
        rename(&mut args, ours, theirs);
    }
    match tool {
        "bash" => scale(&mut args, |seconds| seconds.saturating_mul(1000)),
        "agent" => {
            let task = args.get("prompt").and_then(Value::as_str);
            let title: String = task.unwrap_or_default().chars().take(40).collect();
            args.insert("description".into(), title.into());
            args.insert("subagent_type".into(), "general-purpose".into());
        }
        _ => {}
    }
    for path in ["file_path", "path"] {
        if let Some(Value::String(path)) = args.get_mut(path) {
            *path = cwd.join(&path).to_string_lossy().into_owned();
        }
    }
    (name.to_string(), Value::Object(args))
}

/// The arguments that a hook answered, in our spelling.
pub(crate) fn back(spelling: Spelling, tool: &str, args: Value) -> Value {
    let mut args = match args {
        Value::Object(args) if spelling == Spelling::Theirs => args,
        other => return other,
    };
    for (_, ours, theirs) in ARGS.iter().filter(|row| row.0 == tool) {
        rename(&mut args, theirs, ours);
    }
    match tool {
        "bash" => scale(&mut args, |milliseconds| milliseconds.div_ceil(1000)),
        "agent" => args.retain(|name, _| name != "description" && name != "subagent_type"),
        _ => {}
    }
    Value::Object(args)
}

/// What came of a call as a hook is told it: our text, or for some of theirs an object like the one there.
pub(crate) fn response(
    spelling: Spelling,
    tool: &str,
    args: &Value,
    text: &str,
    ok: bool,
) -> Value {
    match tool {
        _ if spelling == Spelling::Ours => text.into(),
        "bash" => json!({"stdout": text, "stderr": "", "interrupted": false, "isImage": false}),
        "edit_file" | "write_file" => json!({"filePath": args["file_path"], "success": ok}),
        _ => text.into(),
    }
}

fn rename(args: &mut Map<String, Value>, from: &str, to: &str) {
    if let Some(value) = args.remove(from) {
        args.insert(to.to_string(), value);
    }
}

fn scale(args: &mut Map<String, Value>, to: fn(u64) -> u64) {
    let number = args.get("timeout").and_then(Value::as_u64);
    if let Some(number) = number {
        args.insert("timeout".to_string(), to(number).into());
    }
}
