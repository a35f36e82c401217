//! Git's configuration, read letter by letter as git reads it: git-config(1), "Syntax".
//!
//! The invariant: what git would not take, or might take for something else, is not read at all.

use std::ops::Range;

/// A setting.
pub struct Entry {
    /// In lower case.
    pub section: String,
    pub subsection: String,
    /// In lower case.
    pub key: String,
    pub value: String,
    /// From its key to the end of its line, or of the last one if it goes on.
    pub span: Range<usize>,
}

/// All settings; `None` if that can't be said.
pub fn entries(text: &[u8]) -> Option<Vec<Entry>> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    if text.contains(&0) {
        return None;
    }
    let mut reader = Reader { text, at: 0 };
    if text.starts_with(MARK) {
        reader.at = MARK.len();
    }
    let mut found = Vec::new();
    let mut section = (String::new(), String::new());
    while let Some(byte) = reader.peek() {
        match byte {
            b'[' => section = reader.section()?,
            b'#' | b';' => reader.skip_line(),
            b' ' | b'\t' | b'\r' | b'\n' => reader.at += 1,
            b'a'..=b'z' | b'A'..=b'Z' => {
                let start = reader.at;
                let key = reader.word().to_ascii_lowercase();
                let value = reader.value()?;
                found.push(Entry {
                    section: section.0.clone(),
                    subsection: section.1.clone(),
                    key,
                    value,
                    span: start..reader.at,
                });
            }
            _ => return None,
        }
    }
    Some(found)
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte; a line may end as on DOS.
    fn peek(&self) -> Option<u8> {
        match self.text.get(self.at..)? {
            [b'\r', b'\n', ..] => Some(b'\n'),
            [byte, ..] => Some(*byte),
            [] => None,
        }
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        let is_dos = byte == b'\n' && self.text[self.at] == b'\r';
        self.at += if is_dos { 2 } else { 1 };
        Some(byte)
    }

    /// Up to the end of the line.
    fn skip_line(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(byte) = self.peek()
            && (byte.is_ascii_alphanumeric() || byte == b'-')
        {
            word.push(char::from(byte));
            self.at += 1;
        }
        word
    }

    /// `[section]`, `[section.subsection]` or `[section "subsection"]`.
    fn section(&mut self) -> Option<(String, String)> {
        self.next();
        let name = self.word().to_ascii_lowercase();
        let mut below = Vec::new();
        while self.peek() == Some(b'.') {
            self.at += 1;
            below.push(self.word());
        }
        let mut below = below.join(".").into_bytes();
        if matches!(self.peek(), Some(b' ' | b'\t')) {
            self.skip_blanks();
            (self.next()? == b'"').then_some(())?;
            loop {
                match self.next()? {
                    b'\n' => return None,
                    b'"' => break,
                    b'\\' => below.push(self.next().filter(|byte| *byte != b'\n')?),
                    byte => below.push(byte),
                }
            }
        }
        let below = String::from_utf8_lossy(&below).into_owned();
        (self.next()? == b']').then_some((name, below))
    }

    /// What follows a key, up to the end of the line.
    fn value(&mut self) -> Option<String> {
        self.skip_blanks();
        match self.peek() {
            None | Some(b'\n') => return Some(String::new()),
            Some(b'=') => self.at += 1,
            Some(_) => return None,
        }
        let (mut value, mut is_quoted) = (Vec::new(), false);
        loop {
            match self.peek() {
                None | Some(b'\n') if is_quoted => return None,
                None | Some(b'\n') => break,
                Some(b'#' | b';') if !is_quoted => {
                    self.skip_line();
                    break;
                }
                Some(b'"') => is_quoted = !is_quoted,
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek()? {
                        b'\n' => {}
                        b't' => value.push(b'\t'),
                        b'b' => value.push(8),
                        b'n' => value.push(b'\n'),
                        byte @ (b'\\' | b'"') => value.push(byte),
                        _ => return None,
                    }
                }
                Some(byte) => value.push(byte),
            }
            self.next();
        }
        Some(String::from_utf8_lossy(&value).trim().to_string())
    }
}
