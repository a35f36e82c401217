//! Compares calls with rules that deny or ask.
//!
//! The idea: a call names a file, or it is a bash line, of which [`Seen`] tells what it does.
//! The invariant: a path is compared as it is written and as it is followed; either is enough.
//! Left out: arguments of other tools.

use std::path::Path;

use corecoder::ToolCall;

use super::path::Place;
use super::seen::Seen;
use super::{Known, Matcher, Permissions, argument};

/// What rules that refuse are compared with.
pub struct Subject<'a> {
    tool: &'a str,
    places: Vec<Place>,
    seen: Option<Seen>,
}

impl<'a> Subject<'a> {
    pub fn of(permissions: &Permissions, call: &'a ToolCall, cwd: &Path) -> Subject<'a> {
        let path = match &*call.name {
            "glob" | "grep" | "locate" => Some(argument(call, "path").unwrap_or(".")),
            "read_file" | "edit_file" | "write_file" => argument(call, "file_path"),
            _ => None,
        };
        let line =
            argument(call, "command").filter(|_| call.name == "bash" && permissions.refuses());
        Subject {
            tool: &call.name,
            places: path.map_or(Vec::new(), |path| Place::all(path, cwd)),
            seen: line.map(|line| Seen::of(line, cwd, permissions.home.as_deref())),
        }
    }

    pub fn is_refused_by(&self, known: &Known) -> bool {
        let Known { rule, matcher } = known;
        match (matcher, &self.seen) {
            (Matcher::Whole, _) => rule.refuses_tool(self.tool),
            (Matcher::Command(pattern), Some(seen)) => seen.is_command(pattern),
            (Matcher::Path(pattern), Some(seen)) => seen.touches(rule.tool(), pattern),
            (Matcher::Path(pattern), None) => {
                rule.refuses_tool(self.tool) && pattern.touches(&self.places)
            }
            _ => false,
        }
    }
}
