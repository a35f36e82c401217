//! The lists in a settings file: `permissions.allow`, `permissions.ask`, `permissions.deny`.

use serde_json::Value;

use super::{Permissions, Rule};

impl Permissions {
    /// Takes over the rules of a settings file's JSON. What can't be read is answered as text
    /// that names the entry, and skipped alone.
    ///
    /// `foreign`: the file is Claude Code's own, where rules that we have no tool or no form
    /// for are passed over in silence.
    pub fn read(&mut self, settings: &Value, foreign: bool) -> Vec<String> {
        let mut problems = Vec::new();
        let lists = match settings.get("permissions") {
            None | Some(Value::Null) => return problems,
            Some(Value::Object(lists)) => lists,
            Some(_) => {
                problems.push("permissions is no object with allow, ask and deny".to_owned());
                return problems;
            }
        };
        for name in ["allow", "ask", "deny"] {
            let entries = match lists.get(name) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(entries)) => entries,
                Some(_) => {
                    problems.push(format!("permissions.{name} is no list of rules"));
                    continue;
                }
            };
            for (index, entry) in entries.iter().enumerate() {
                match (read_entry(entry, foreign), name) {
                    (Ok(Some(rule)), "allow") => self.allow(rule),
                    (Ok(Some(rule)), "ask") => self.ask(rule),
                    (Ok(Some(rule)), _) => self.deny(rule),
                    (Ok(None), _) => {}
                    (Err(why), _) => {
                        problems.push(format!("permissions.{name}[{index}] {entry}: {why}"));
                    }
                }
            }
        }
        problems
    }
}

/// `None` for an entry that is passed over.
fn read_entry(entry: &Value, foreign: bool) -> Result<Option<Rule>, String> {
    let text = entry.as_str().ok_or("a rule is a text".to_owned());
    match text.and_then(|text| Ok((Rule::is_foreign(text), text.parse()?))) {
        Ok((true, _)) | Err(_) if foreign => Ok(None),
        Ok((_, rule)) => Ok(Some(rule)),
        Err(why) => Err(why),
    }
}
