//! What a person types while the agent works: a line that grows, messages that wait, keys that mean something.
//!
//! The terminal hands over each key at once and echoes none, but Ctrl+C stays a signal. Bytes are read when there are
//! any, never waited for, so that a question's own reader finds them all.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// A key, or a paste.
#[derive(Debug, PartialEq)]
pub enum Key {
    Text(String),
    Enter,
    Backspace,
    /// Takes away the line.
    Kill,
    Escape,
    BackTab,
    NewLine,
}

/// The keys in the bytes that came together. A line end in the middle is part of a paste, one at the end sends.
pub fn keys(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest = text.as_ref();
    let mut keys = Vec::new();
    while let Some(c) = rest.chars().next() {
        let (key, length) = match c {
            '\x1b' => escape(rest),
            '\r' | '\n' if rest.len() == 1 => (Some(Key::Enter), 1),
            '\r' | '\n' => (Some(Key::NewLine), 1),
            '\x7f' | '\x08' => (Some(Key::Backspace), 1),
            '\x15' => (Some(Key::Kill), 1),
            '\t' => (Some(Key::Text(" ".to_string())), 1),
            c if c.is_control() => (None, c.len_utf8()),
            c => (Some(Key::Text(c.to_string())), c.len_utf8()),
        };
        rest = &rest[length..];
        match (keys.last_mut(), key) {
            (Some(Key::Text(text)), Some(Key::Text(more))) => *text += &more,
            (_, Some(key)) => keys.push(key),
            (_, None) => {}
        }
    }
    keys
}

/// The key that an escape sequence stands for, if it is one of ours, and the length of the sequence.
fn escape(text: &str) -> (Option<Key>, usize) {
    if text.starts_with("\x1b[Z") {
        return (Some(Key::BackTab), 3);
    }
    if text.starts_with("\x1b\r") || text.starts_with("\x1b\n") {
        return (Some(Key::NewLine), 2);
    }
    let is_sequence = text[1..].starts_with(['[', 'O']);
    if !is_sequence {
        return (Some(Key::Escape), 1);
    }
    // CSI and SS3: parameters, then one letter or tilde.
    let end = text[2..].find(|c: char| c.is_ascii_alphabetic() || c == '~');
    (None, end.map_or(text.len(), |end| end + 3))
}

/// A message that waits.
#[derive(Debug, Default, PartialEq)]
pub struct Queued {
    pub text: String,
    /// What a hook adds to it.
    pub context: Option<String>,
}

/// What was typed so far.
#[derive(Default)]
pub struct Typed {
    pub line: String,
    pub queue: VecDeque<Queued>,
}

impl Typed {
    /// Takes a key; returns a message that was sent with it.
    pub fn take(&mut self, key: Key) -> Option<String> {
        match key {
            Key::Text(text) => self.line += &text,
            Key::NewLine => self.line.push('\n'),
            Key::Backspace => {
                self.line.pop();
            }
            Key::Kill => self.line.clear(),
            Key::Enter if self.line.trim().is_empty() => self.line.clear(),
            Key::Enter => return Some(std::mem::take(&mut self.line).trim().to_string()),
            // The newest that waits goes back to the line, where it can be changed.
            Key::Escape => {
                if let Some(Queued { text, .. }) = self.queue.pop_back() {
                    self.line = match self.line.trim() {
                        "" => text,
                        typed => format!("{text}\n{typed}"),
                    };
                }
            }
            Key::BackTab => {}
        }
        None
    }
}

/// The terminal while the agent works; put back when this is dropped.
pub struct Keyboard(Option<Termios>);

impl Keyboard {
    pub fn new() -> Keyboard {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut quiet) = before.clone() {
            quiet
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
        Keyboard(before)
    }

    /// Whether somebody can type.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    /// The next keys, as long as nobody else reads them. Never comes where there is no terminal.
    pub async fn next(&self, is_free: impl Fn() -> bool) -> Vec<Key> {
        if !self.is_there() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(PACE).await;
            let stdin = io::stdin();
            if is_free() && rustix::io::ioctl_fionread(&stdin).is_ok_and(|waiting| waiting > 0) {
                let mut bytes = [0; 4096];
                if let Ok(length) = rustix::io::read(&stdin, &mut bytes) {
                    return keys(&bytes[..length]);
                }
            }
        }
    }
}

/// Keys are looked for so often: a person does not notice, and nothing is read that nobody waits for.
const PACE: Duration = Duration::from_millis(30);

impl Drop for Keyboard {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
