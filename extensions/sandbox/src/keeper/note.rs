//! What the keeper has to say at the end of a command's output: what was refused, by which rule, and what was ended.

use std::path::Path;

use corecoder::files::shown;

/// As many refusals are told; more is noise.
const TOLD: usize = 10;

/// What is to be told, each once.
#[derive(Debug, Default)]
pub struct Note {
    refusals: Vec<(String, bool)>,
    more: usize,
    said: Vec<String>,
}

impl Note {
    /// `what` was refused by `rule`. A refusal that programs commonly shrug off is told only if the command failed.
    pub fn refuse(&mut self, what: &str, path: &Path, rule: &str, is_common: bool) {
        self.refuse_plain(
            format!("{what} {} was refused: {rule}", shown(path)),
            is_common,
        );
    }

    pub fn refuse_plain(&mut self, line: String, is_common: bool) {
        if self.refusals.iter().any(|(known, _)| *known == line) {
            return;
        }
        if self.refusals.len() < TOLD {
            self.refusals.push((line, is_common));
        } else {
            self.more += 1;
        }
    }

    /// To be told however the command ends.
    pub fn say(&mut self, line: String) {
        if !self.said.contains(&line) && self.said.len() < TOLD {
            self.said.push(line);
        }
    }

    /// The lines, for a command that failed or did not.
    pub fn text(&self, failed: bool) -> String {
        let refusals = self
            .refusals
            .iter()
            .filter(|(_, is_common)| failed || !is_common);
        let lines = refusals.map(|(line, _)| line).chain(&self.said);
        let mut text: String = lines.map(|line| format!("[sandbox: {line}]\n")).collect();
        if failed && self.more > 0 {
            text += &format!("[sandbox: {} more refusals]\n", self.more);
        }
        text
    }
}
