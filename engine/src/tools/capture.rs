//! Output of any length in bounded memory: its head and its tail, as text for the model.

/// The longest output that is shown, in bytes: half from its beginning, half from its end.
const OUTPUT: usize = 15_000;

/// The head and the tail of an output of any length.
#[derive(Default)]
pub(super) struct Capture {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: usize,
}

impl Capture {
    pub fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let (head, rest) = bytes.split_at(bytes.len().min(OUTPUT / 2 - self.head.len()));
        self.head.extend_from_slice(head);
        self.tail.extend_from_slice(rest);
        // Moved seldom: the tail may grow to several times what is kept of it.
        if self.tail.len() > 4 * OUTPUT {
            self.tail.drain(..self.tail.len() - OUTPUT / 2);
        }
    }

    /// What the model reads: without escape sequences, which are for terminals, and with the gap named.
    pub fn text(&self) -> String {
        let tail = &self.tail[self.tail.len().saturating_sub(OUTPUT / 2)..];
        let gap = self.total - self.head.len() - tail.len();
        let plain = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            anstream::adapter::strip_str(&text).to_string()
        };
        if gap == 0 {
            return plain(&[&self.head[..], tail].concat())
                .trim_end()
                .to_string();
        }
        let note = format!(
            "\n[... {gap} bytes left out; to see them, send the output to a file and read parts of it ...]\n"
        );
        [plain(&self.head), note, plain(tail)].concat()
    }
}
