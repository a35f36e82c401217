//! What a person types while the agent works: a line that grows, messages that wait, keys that mean something.
//!
//! The terminal hands over each key at once and echoes none, but Ctrl+C stays a signal. Bytes are read when there are
//! any, never waited for, so that a question's own reader finds them all.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::attach::Attached;

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

/// Turns bytes into keys. The terminal marks what is pasted, so that a line end in it does not send, and one that was
/// typed does, however fast it came.
#[derive(Default)]
struct Reader {
    pasting: bool,
    /// The beginning of a letter or of a mark whose rest has not come.
    left: Vec<u8>,
}

const PASTE: &str = "\x1b[200~";
const PASTE_END: &str = "\x1b[201~";

impl Reader {
    fn keys(&mut self, bytes: &[u8]) -> Vec<Key> {
        let mut bytes = [std::mem::take(&mut self.left), bytes.to_vec()].concat();
        if let Err(error) = std::str::from_utf8(&bytes)
            && error.error_len().is_none()
        {
            self.left = bytes.split_off(error.valid_up_to());
        }
        let text = String::from_utf8_lossy(&bytes);
        let mut rest = text.as_ref();
        let mut keys = Vec::new();
        while !rest.is_empty() {
            let (key, length) = match self.pasting {
                true => self.pasted(rest),
                false => self.typed(rest),
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

    /// Text up to the end of the paste, or as much of it as has come.
    fn pasted(&mut self, rest: &str) -> (Option<Key>, usize) {
        let end = rest.find(PASTE_END);
        let (inside, length) = match end {
            Some(end) => (&rest[..end], end + PASTE_END.len()),
            None => {
                let mut begun = (1..PASTE_END.len()).rev();
                let begun = begun.find(|length| rest.ends_with(&PASTE_END[..*length]));
                let inside = &rest[..rest.len() - begun.unwrap_or(0)];
                self.left.splice(0..0, rest[inside.len()..].bytes());
                (inside, rest.len())
            }
        };
        self.pasting = end.is_none();
        let text = inside.replace("\r\n", "\n").replace('\r', "\n");
        let shown = text
            .chars()
            .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        (Some(Key::Text(shown.collect())), length)
    }

    fn typed(&mut self, rest: &str) -> (Option<Key>, usize) {
        if rest.starts_with(PASTE) {
            self.pasting = true;
            return (None, PASTE.len());
        }
        let c = rest.chars().next().unwrap_or_default();
        match c {
            '\x1b' => escape(rest),
            '\r' | '\n' => (Some(Key::Enter), 1),
            '\x7f' | '\x08' => (Some(Key::Backspace), 1),
            '\x15' => (Some(Key::Kill), 1),
            '\t' => (Some(Key::Text(" ".to_string())), 1),
            c if c.is_control() => (None, c.len_utf8()),
            c => (Some(Key::Text(c.to_string())), c.len_utf8()),
        }
    }
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

/// What a person says.
#[derive(Debug, Default, PartialEq)]
pub struct Message {
    pub text: String,
    /// What came with it and was not written by the person: nothing in it is attached.
    pub piped: String,
    /// What the hooks added, once they have heard it.
    pub context: Option<String>,
    /// The resources of servers that it names, once they have been asked for.
    pub brought: Option<Attached>,
    pub heard: bool,
}

impl Message {
    /// A message that no hook has heard.
    pub fn new(text: impl Into<String>) -> Message {
        Message {
            text: text.into(),
            ..Message::default()
        }
    }

    /// A message in which nothing is attached.
    pub fn piped(text: impl Into<String>) -> Message {
        Message {
            piped: text.into(),
            ..Message::default()
        }
    }

    /// The hooks have heard it, and added this.
    pub fn heard(self, context: Option<String>) -> Message {
        Message {
            context,
            heard: true,
            ..self
        }
    }

    /// All of it, as the model reads it.
    pub fn whole(&self) -> String {
        let parts = [self.text.trim_end(), self.piped.trim_end()];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n\n")
    }

    /// It is this one, and the hooks have not heard it.
    pub fn is_unheard(&self, text: &str) -> bool {
        !self.heard && self.text == text
    }

    /// It is for the program, or for the shell.
    pub fn is_command(&self) -> bool {
        self.text.starts_with(['/', '!'])
    }
}

/// What was typed so far.
#[derive(Default)]
pub struct Typed {
    pub line: String,
    pub queue: VecDeque<Message>,
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
                if let Some(Message { text, .. }) = self.queue.pop_back() {
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

/// The terminal without echo; put back when this is dropped. What is typed while nobody reads would stand in the middle of
/// what is printed, and again where it is read.
pub struct Quiet(Option<Termios>);

impl Quiet {
    pub fn new() -> Quiet {
        let term = std::env::var("TERM").unwrap_or_default();
        // There the line editor leaves the echo to the terminal.
        if ["dumb", "cons25", "emacs"].contains(&term.as_str()) {
            return Quiet(None);
        }
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut quiet) = before.clone() {
            quiet.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
        Quiet(before)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

/// The terminal while the agent works; put back when this is dropped.
pub struct Keyboard {
    before: Option<Termios>,
    reader: RefCell<Reader>,
    /// The terminal was told to mark what is pasted; a question's own reader ends that.
    marks: Cell<bool>,
}

impl Keyboard {
    pub fn new() -> Keyboard {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(mut quiet) = before.clone() {
            quiet
                .local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &quiet);
        }
        let (reader, marks) = (RefCell::default(), Cell::new(false));
        Keyboard {
            before,
            reader,
            marks,
        }
    }

    /// Tells the terminal whether to mark what is pasted.
    fn mark(&self, on: bool) {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        if self.marks.replace(on) != on && !dumb && io::stdout().is_terminal() {
            let code = if on { "\x1b[?2004h" } else { "\x1b[?2004l" };
            let mut out = io::stdout().lock();
            let _ = out.write_all(code.as_bytes()).and_then(|()| out.flush());
        }
    }

    /// Whether somebody can type.
    pub fn is_there(&self) -> bool {
        self.before.is_some()
    }

    /// The next keys, as long as nobody else reads them. Never comes where there is no terminal.
    pub async fn next(&self, is_free: impl Fn() -> bool) -> Vec<Key> {
        if !self.is_there() {
            return std::future::pending().await;
        }
        loop {
            match is_free() {
                true => self.mark(true),
                false => self.marks.set(false),
            }
            tokio::time::sleep(PACE).await;
            let stdin = io::stdin();
            if is_free() && rustix::io::ioctl_fionread(&stdin).is_ok_and(|waiting| waiting > 0) {
                let mut bytes = [0; 4096];
                if let Ok(length) = rustix::io::read(&stdin, &mut bytes) {
                    return self.reader.borrow_mut().keys(&bytes[..length]);
                }
            }
        }
    }
}

/// Keys are looked for so often: a person does not notice, and nothing is read that nobody waits for.
const PACE: Duration = Duration::from_millis(30);

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.mark(false);
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}
