//! What a file says about hooks, in any of the shapes that people have.
//!
//! Claude Code's `{"hooks": {EVENT: [{"matcher", "hooks": [{"type", "command", "timeout"}]}]}}`, the same without the
//! outer `hooks`, the flat `{EVENT: [{"matcher", "command"}]}` of the Python CoreCoder, and a list of flat entries that
//! name their `event`. The shapes may be mixed. An entry that can't be used is left out and named with its place; the
//! others are taken.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::hook::{Event, Hook, Matcher, plain};

/// Seconds that a hook has, unless it says otherwise, and that it may have.
const TIMEOUT: f64 = 10.0;
const LONGEST: f64 = 600.0;

/// Keys beside the events that are no mistake.
const OTHER_KEYS: [&str; 4] = ["hooks", "description", "version", "disableAllHooks"];

/// Fields of Claude Code that change what an entry means, so that it must not run without them.
const UNKNOWN_FIELDS: [&str; 2] = ["if", "args"];

/// The hooks of a file, and what is wrong with the rest.
#[derive(Default)]
pub(crate) struct Reading {
    pub hooks: Vec<Hook>,
    pub problems: Vec<String>,
    foreign: bool,
}

impl Reading {
    /// `foreign`: a settings file of Claude Code, where most keys are none of ours.
    pub fn of(json: &Value, foreign: bool) -> Reading {
        let mut reading = Reading {
            foreign,
            ..Reading::default()
        };
        match json {
            Value::Object(map) if map.get("disableAllHooks") == Some(&Value::Bool(true)) => {}
            Value::Object(map) => reading.file(map),
            other => reading.whole("", other),
        }
        reading
    }

    fn file(&mut self, map: &Map<String, Value>) {
        let inner = map.get("hooks");
        if let Some(inner) = inner {
            self.whole("hooks", inner);
        }
        // Beside `hooks`, and in somebody else's file, an unknown key is a setting; alone it is a slip.
        let settings = self.foreign || inner.is_some();
        for (key, value) in map {
            let known = Event::named(key).is_some();
            let other = OTHER_KEYS.contains(&key.as_str()) || key.starts_with('$');
            if known || !(settings || other) {
                self.event("", key, value);
            }
        }
    }

    /// All hooks of a file: a map by event, or a list.
    fn whole(&mut self, place: &str, json: &Value) {
        match json {
            Value::Object(map) => {
                for (key, value) in map {
                    self.event(place, key, value);
                }
            }
            Value::Array(list) => {
                for (at, entry) in list.iter().enumerate() {
                    self.listed(&format!("{place}[{at}]"), entry);
                }
            }
            other => {
                let place = if place.is_empty() { "the file" } else { place };
                self.problem(
                    place,
                    &format!("must map events to lists, not be {}", shown(other)),
                );
            }
        }
    }

    fn event(&mut self, place: &str, key: &str, json: &Value) {
        let dot = if place.is_empty() { "" } else { "." };
        let place = format!("{place}{dot}{}", cut(key));
        let Some(event) = self.known(&place, key) else {
            return;
        };
        let Value::Array(list) = json else {
            let problem = format!("must be a list of entries, not {}", shown(json));
            return self.problem(&place, &problem);
        };
        for (at, entry) in list.iter().enumerate() {
            self.entry(&format!("{place}[{at}]"), event, entry);
        }
    }

    fn known(&mut self, place: &str, name: &str) -> Option<Event> {
        let event = Event::named(name);
        if event.is_none() {
            let names = Event::ALL.map(Event::name).join(", ");
            let problem = format!("`{}` is no event here; there are {names}", cut(name));
            self.problem(place, &problem);
        }
        event
    }

    fn listed(&mut self, place: &str, entry: &Value) {
        match entry["event"].as_str() {
            Some(name) => {
                if let Some(event) = self.known(place, name) {
                    self.entry(place, event, entry);
                }
            }
            None => self.problem(
                place,
                "must be an object with `event`, `matcher` and `command`",
            ),
        }
    }

    /// A flat entry, or a matcher with its hooks.
    fn entry(&mut self, place: &str, event: Event, entry: &Value) {
        if !entry.is_object() {
            let problem = format!("must be an object with a `command`, not {}", shown(entry));
            return self.problem(place, &problem);
        }
        match &entry["hooks"] {
            Value::Null => self.command(place, event, &entry["matcher"], entry),
            Value::Array(inner) => {
                for (at, inner) in inner.iter().enumerate() {
                    let place = format!("{place}.hooks[{at}]");
                    self.command(&place, event, &entry["matcher"], inner);
                }
            }
            other => {
                let problem = format!("`hooks` must be a list, not {}", shown(other));
                self.problem(place, &problem);
            }
        }
    }

    fn command(&mut self, place: &str, event: Event, matcher: &Value, entry: &Value) {
        let read = matched(matcher).and_then(|matcher| Ok((matcher, runnable(entry)?)));
        let (matcher, command) = match read {
            Ok(read) => read,
            Err(problem) => return self.problem(place, &problem),
        };
        let (timeout, doubt) = seconds(&entry["timeout"]);
        if let Some(doubt) = doubt {
            self.problem(place, &doubt);
        }
        self.hooks.push(Hook {
            event,
            matcher,
            command: command.to_string(),
            timeout,
            blocking: entry["on_timeout"] == "block" || entry["blocking"] == true,
            foreign: self.foreign,
        });
    }

    fn problem(&mut self, place: &str, problem: &str) {
        self.problems.push(format!("{place}: {problem}"));
    }
}

fn matched(matcher: &Value) -> Result<Option<Matcher>, String> {
    match matcher {
        Value::Null => Ok(None),
        Value::String(text) => Matcher::new(text)
            .map_err(|why| format!("the matcher `{}` can't be used: {why}", cut(text))),
        other => Err(format!("`matcher` must be a text, not {}", shown(other))),
    }
}

/// The command of an entry that only needs a shell.
fn runnable(entry: &Value) -> Result<&str, String> {
    let kind = &entry["type"];
    if !kind.is_null() && kind != "command" {
        return Err(format!("`type` must be `command`, not {}", shown(kind)));
    }
    if let Some(field) = UNKNOWN_FIELDS.iter().find(|name| !entry[**name].is_null()) {
        return Err(format!(
            "`{field}` is not supported; put it into the command"
        ));
    }
    match &entry["command"] {
        Value::Null => Err("has no `command`".to_string()),
        Value::String(command) if command.trim().is_empty() => Err("its `command` is empty".into()),
        Value::String(command) if command.contains('\0') => {
            Err("its `command` holds a NUL character".to_string())
        }
        Value::String(command) => Ok(command),
        other => Err(format!("`command` must be a text, not {}", shown(other))),
    }
}

/// How long a hook may take, and what is odd about what was written. A guard with a slip in its time still guards.
fn seconds(timeout: &Value) -> (Duration, Option<String>) {
    let (seconds, doubt) = match (timeout, timeout.as_f64()) {
        (Value::Null, _) => (TIMEOUT, None),
        (_, Some(seconds)) if seconds > LONGEST => {
            let doubt = format!("`timeout` is {seconds} s, and {LONGEST} s are the most");
            (LONGEST, Some(doubt))
        }
        (_, Some(seconds)) if seconds > 0.0 => (seconds, None),
        _ => {
            let found = shown(timeout);
            let doubt =
                format!("`timeout` must be seconds above 0, not {found}; {TIMEOUT} s are taken");
            (TIMEOUT, Some(doubt))
        }
    };
    (Duration::from_secs_f64(seconds), doubt)
}

fn shown(json: &Value) -> String {
    match json {
        Value::Array(_) => "a list".to_string(),
        Value::Object(_) => "an object".to_string(),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "..." } else { "" };
    plain(&short) + more
}
