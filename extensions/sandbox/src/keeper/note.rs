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
        let line = on_one_line(&line);
        if self.refusals.iter().any(|(known, _)| *known == line) {
            return;
        }
        // What matters is not crowded out.
        let alike = self
            .refusals
            .iter()
            .filter(|(_, other)| *other == is_common);
        if alike.count() < TOLD {
            self.refusals.push((line, is_common));
        } else {
            self.more += 1;
        }
    }

    /// To be told however the command ends.
    pub fn say(&mut self, line: String) {
        let line = on_one_line(&line);
        if !self.said.contains(&line) && self.said.len() < TOLD {
            self.said.push(line);
        }
    }

    /// The lines, for a command that failed or did not.
    pub fn text(&self, failed: bool) -> String {
        let mut refusals: Vec<&(String, bool)> = self
            .refusals
            .iter()
            .filter(|(_, is_common)| failed || !is_common)
            .collect();
        refusals.sort_by_key(|(_, is_common)| *is_common);
        let more = self.more + refusals.len().saturating_sub(TOLD);
        let refusals = refusals.iter().take(TOLD).map(|(line, _)| line);
        let lines = refusals.chain(&self.said);
        let mut text: String = lines.map(|line| format!("[sandbox: {line}]\n")).collect();
        if failed && more > 0 {
            text += &format!("[sandbox: {more} more refusals]\n");
        }
        text
    }
}

/// Commands give files and processes their names, by which they could write lines like these.
fn on_one_line(line: &str) -> String {
    let mut text = String::new();
    for letter in line.chars() {
        match letter.is_control() {
            true => text.extend(letter.escape_default()),
            false => text.push(letter),
        }
    }
    text
}
