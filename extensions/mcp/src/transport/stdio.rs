//! A server that is a process: a line each is a message.
//!
//! A line that is too long is not kept, and the call that it answers fails as soon as that call is known.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::Mutex;

use super::LONGEST;
use super::message::{self, TOO_LARGE, awaited_in, failure};
use crate::link::Link;
use crate::process::Process;

/// How long what a process has written may take to arrive after its end.
const REST: Duration = Duration::from_millis(200);

/// Bytes that are read at once.
const READ: usize = 16 << 10;
/// Bytes that are kept of a line that is too long.
const KEPT: usize = 1 << 10;

pub struct Stdio {
    process: Arc<Process>,
    stdin: Arc<Mutex<Option<ChildStdin>>>,
    lines: Lines<ChildStdout>,
    read: VecDeque<ServerJsonRpcMessage>,
    link: Arc<Link>,
    has_exited: bool,
}

impl Stdio {
    pub fn new(
        process: Arc<Process>,
        stdin: ChildStdin,
        stdout: ChildStdout,
        link: Arc<Link>,
    ) -> Stdio {
        Stdio {
            process,
            stdin: Arc::new(Mutex::new(Some(stdin))),
            lines: Lines::new(stdout),
            read: VecDeque::new(),
            link,
            has_exited: false,
        }
    }

    /// The next line; `None` at the end. What a process leaves behind may hold its output open, so its end counts too.
    async fn line(&mut self) -> Option<Line> {
        if self.has_exited {
            return tokio::time::timeout(REST, self.lines.next())
                .await
                .ok()
                .flatten();
        }
        tokio::select! {
            line = self.lines.next() => line,
            _ = self.process.exited() => {
                self.has_exited = true;
                tokio::time::timeout(REST, self.lines.next()).await.ok().flatten()
            }
        }
    }

    fn take(&mut self, line: Line) {
        let id = match &line {
            Line::Whole(line) => {
                if let Some(text) = message::read(line, &self.link, &mut self.read) {
                    self.process.note(&text);
                }
                return;
            }
            Line::TooLong(part) | Line::EndOfTooLong(part) => awaited_in(part, &self.link),
        };
        if let Some(id) = id {
            let words = format!(
                "the server's answer is larger than {} MB, which is the limit",
                LONGEST >> 20
            );
            self.read.push_back(failure(id, TOO_LARGE, words));
        }
    }
}

impl Transport<RoleClient> for Stdio {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ClientJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let line = serde_json::to_vec(&message);
        let stdin = self.stdin.clone();
        async move {
            let mut line = line?;
            line.push(b'\n');
            let mut stdin = stdin.lock().await;
            let stdin = stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            stdin.write_all(&line).await?;
            stdin.flush().await
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            if let Some(message) = self.read.pop_front() {
                return Some(message);
            }
            match self.line().await {
                Some(line) => self.take(line),
                None => {
                    self.link.close(self.process.obituary().await);
                    return None;
                }
            }
        }
    }

    /// Closes its standard input, which asks it to end. Whoever holds the process sees to it that it does.
    async fn close(&mut self) -> io::Result<()> {
        if let Ok(mut stdin) = self.stdin.try_lock() {
            stdin.take();
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
enum Line {
    Whole(Vec<u8>),
    /// How a line begins that is longer than is taken.
    TooLong(Vec<u8>),
    /// And how it ended.
    EndOfTooLong(Vec<u8>),
}

/// Output, cut into lines. May be dropped while it waits: nothing is lost.
struct Lines<R> {
    output: R,
    bytes: Vec<u8>,
    /// So many of the bytes hold no end of a line.
    searched: usize,
    is_skipping: bool,
    has_ended: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(output: R) -> Lines<R> {
        Lines {
            output,
            bytes: Vec::new(),
            searched: 0,
            is_skipping: false,
            has_ended: false,
        }
    }

    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.cut() {
                return Some(line);
            }
            if self.has_ended {
                return None;
            }
            self.bytes.reserve(READ);
            if !matches!(self.output.read_buf(&mut self.bytes).await, Ok(1..)) {
                self.has_ended = true;
                // The last line may lack its end.
                self.bytes.push(b'\n');
            }
        }
    }

    fn cut(&mut self) -> Option<Line> {
        let end = self.bytes[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        if let Some(end) = end {
            let end = self.searched + end;
            let rest = self.bytes.split_off(end + 1);
            let line = std::mem::replace(&mut self.bytes, rest);
            self.searched = 0;
            return Some(match std::mem::take(&mut self.is_skipping) {
                false => Line::Whole(line),
                true => Line::EndOfTooLong(line),
            });
        }
        self.searched = self.bytes.len();
        if self.is_skipping {
            let surplus = self.bytes.len().saturating_sub(KEPT);
            self.bytes.drain(..surplus);
            self.searched = self.bytes.len();
            return None;
        }
        (self.bytes.len() > LONGEST).then(|| {
            self.is_skipping = true;
            let start = self.bytes[..KEPT].to_vec();
            self.bytes = self.bytes.split_off(self.bytes.len() - KEPT);
            self.searched = self.bytes.len();
            Line::TooLong(start)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads pieces that are written one after the other.
    fn lines(pieces: Vec<Vec<u8>>) -> Vec<Line> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut writer, reader) = tokio::io::duplex(64);
            let writing = async {
                for piece in pieces {
                    writer.write_all(&piece).await.unwrap();
                }
                drop(writer);
            };
            let reading = async {
                let mut lines = Lines::new(reader);
                let mut read = Vec::new();
                while let Some(line) = lines.next().await {
                    read.push(line);
                }
                read
            };
            tokio::join!(writing, reading).1
        })
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_they_arrive(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200), 0..10)
        ) {
            let whole = pieces.concat();
            let expected: Vec<Line> = whole
                .split(|byte| *byte == b'\n')
                .map(|line| Line::Whole([line, b"\n"].concat()))
                .collect();
            prop_assert_eq!(lines(pieces), expected);
        }
    }
}
