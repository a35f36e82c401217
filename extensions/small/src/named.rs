//! The files that the user's words name, shown behind them, so that a weak model need not ask for them.
//!
//! Each text is looked at once, and the same is told from then on: a changed file must not change what was said, or
//! the server would read all of the conversation again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::path::is_path;

/// The longest file that is shown, and all of them together, in bytes.
const FILE: u64 = 6_000;
const ALL: usize = 12_000;

/// What was shown behind which words.
pub(crate) struct Named {
    folder: PathBuf,
    /// Whether a file may be shown at all.
    pub may_read: Box<dyn Fn(&Path) -> bool + Send + Sync>,
    shown: Mutex<HashMap<String, String>>,
}

impl Named {
    /// `folder` is where relative paths start.
    pub fn new(folder: PathBuf) -> Named {
        Named {
            folder,
            may_read: Box::new(|_| true),
            shown: Mutex::default(),
        }
    }

    /// The user's words with the files that they name.
    pub fn with_files(&self, words: &str) -> String {
        let mut shown = self.shown.lock();
        let files = shown
            .entry(words.to_string())
            .or_insert_with(|| self.files(words));
        format!("{words}{files}")
    }

    fn files(&self, words: &str) -> String {
        let (mut out, mut seen) = (String::new(), Vec::new());
        for word in paths(words) {
            if seen.contains(&word) {
                continue;
            }
            seen.push(word);
            let Some(text) = self.read(word) else {
                continue;
            };
            let block = format!("\n\n```{} {word}\n{}\n```", language(word), text.trim_end());
            if out.len() + block.len() <= ALL {
                out += &block;
            }
        }
        out
    }

    /// A short text file that is not hidden.
    fn read(&self, word: &str) -> Option<String> {
        let path = self.folder.join(word);
        let is_hidden = path.file_name()?.to_str()?.starts_with('.');
        let metadata = std::fs::metadata(&path).ok()?;
        if is_hidden || !metadata.is_file() || metadata.len() > FILE || !(self.may_read)(&path) {
            return None;
        }
        let text = std::fs::read_to_string(&path).ok()?;
        // A fence inside would end the block.
        (!text.contains("```") && !text.contains('\0')).then_some(text)
    }
}

/// The words that may be paths, as they stand in a sentence.
pub(crate) fn paths(words: &str) -> impl Iterator<Item = &str> {
    let between = |c: char| c.is_whitespace() || "`\"'()[],:;?!*".contains(c);
    let words = words.split(between);
    let words = words.map(|word| word.trim_end_matches('.').trim_start_matches('@'));
    words.filter(|word| is_path(word, false))
}

/// What a block of this file says first: models know languages better than endings.
pub(crate) fn language(path: &str) -> &str {
    let ending = Path::new(path)
        .extension()
        .and_then(|ending| ending.to_str());
    match ending.unwrap_or("text") {
        "py" => "python",
        "js" | "mjs" => "javascript",
        "ts" => "typescript",
        "rs" => "rust",
        "sh" => "bash",
        "md" => "markdown",
        "rb" => "ruby",
        ending => ending,
    }
}
