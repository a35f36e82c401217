//! A server that is a process: how it is started, what it leaves behind, and its end.

use std::collections::{BTreeMap, VecDeque};
use std::env;
use std::io::{self, PipeWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;

use crate::errors::{OpenError, last_words};
use crate::shepherd::{Shepherd, Start, TERMINATE};

/// Bytes that are kept of what a server writes to its standard error.
const ERRORS: usize = 64 << 10;
/// How long a server may take to end by itself, and then how long when it is told to by a signal.
const GRACE: Duration = Duration::from_millis(400);

/// What to start.
pub struct Program<'a> {
    pub command: &'a str,
    pub args: &'a [String],
    pub env: &'a BTreeMap<String, String>,
    pub cwd: Option<&'a Path>,
}

/// A running server. Dropping it kills it, and all that it started.
pub struct Process {
    exit: watch::Receiver<Option<ExitStatus>>,
    errors: Arc<Mutex<VecDeque<u8>>>,
    /// Closed at the end of its standard error.
    errors_ended: watch::Receiver<()>,
    /// Held by us alone: the shepherd kills when it closes, and terminates when a byte comes.
    lifeline: Mutex<Option<PipeWriter>>,
    /// Without a shepherd.
    group: Option<Pid>,
}

impl Process {
    /// Starts it with the environment of this program, less what looks like a key.
    pub async fn start(
        program: &Program<'_>,
        shepherd: &Shepherd,
    ) -> Result<(Process, ChildStdin, ChildStdout), OpenError> {
        let path = find(program)?;
        // The server's folder is another one than ours.
        let path = std::path::absolute(&path).unwrap_or(path);
        let not_started = |error: io::Error| OpenError::NotStarted {
            command: program.command.to_string(),
            why: error.to_string(),
        };
        if let Some(cwd) = program.cwd.filter(|cwd| !cwd.is_dir()) {
            let words = format!("the server's cwd is not a folder: {}", cwd.display());
            return Err(OpenError::Setting(words));
        }
        let mut start = shepherd.command(&path).map_err(not_started)?;
        prepare(&mut start.command, program);
        let (child, lifeline) = spawn(start).await;
        let mut child = child.map_err(not_started)?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(not_started(io::ErrorKind::BrokenPipe.into()));
        };
        let group = child.id().and_then(|id| Pid::from_raw(id as i32));
        let errors = Arc::new(Mutex::new(VecDeque::new()));
        let process = Process {
            exit: await_exit(child),
            errors_ended: keep_errors(stderr, errors.clone()),
            errors,
            group: group.filter(|_| lifeline.is_none()),
            lifeline: Mutex::new(lifeline),
        };
        Ok((process, stdin, stdout))
    }

    /// Waits until it has ended.
    pub async fn exited(&self) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let status = exit.wait_for(Option::is_some).await;
        status.ok().and_then(|status| *status)
    }

    /// The last that it wrote to its standard error.
    pub fn errors(&self) -> String {
        let mut errors = self.errors.lock();
        String::from_utf8_lossy(errors.make_contiguous()).into_owned()
    }

    /// Text on its standard output that is no message is for people too.
    pub fn note(&self, text: &str) {
        let mut errors = self.errors.lock();
        keep(&mut errors, text.as_bytes());
        keep(&mut errors, b"\n");
    }

    /// How it ended, once its output has.
    pub async fn obituary(&self) -> String {
        let how = self.end_in_words().await;
        format!("the server {how}{}", last_words(&self.errors()))
    }

    /// How it ended: the words after "the server".
    pub async fn end_in_words(&self) -> String {
        let exit = tokio::time::timeout(Duration::from_millis(500), self.exited()).await;
        let mut ended = self.errors_ended.clone();
        let _ = tokio::time::timeout(Duration::from_millis(100), ended.changed()).await;
        match exit {
            Ok(Some(status)) => words(status),
            _ => "closed its output".to_string(),
        }
    }

    /// Waits for it to end by itself, for its standard input is closed; tells it to; then kills it.
    pub async fn end(&self) {
        if tokio::time::timeout(GRACE, self.exited()).await.is_ok() {
            return self.kill();
        }
        self.terminate();
        let _ = tokio::time::timeout(GRACE, self.exited()).await;
        self.kill();
        let _ = tokio::time::timeout(GRACE, self.exited()).await;
    }

    fn terminate(&self) {
        if let Some(lifeline) = &mut *self.lifeline.lock() {
            let _ = lifeline.write_all(&[TERMINATE]);
        }
        self.signal(Signal::TERM);
    }

    fn kill(&self) {
        self.lifeline.lock().take();
        self.signal(Signal::KILL);
    }

    /// To its process group. Of a group whose first process was waited for, nothing is known any more.
    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group.filter(|_| self.exit.borrow().is_none()) {
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts it where nothing else waits meanwhile: it takes a millisecond, or more where others want the processor.
async fn spawn(mut start: Start) -> (io::Result<Child>, Option<PipeWriter>) {
    if start.lifeline.is_none() {
        // It is to end with the thread that starts it.
        return (start.command.spawn(), None);
    }
    let started = tokio::task::spawn_blocking(move || {
        let child = start.command.spawn();
        drop(start.end);
        (child, start.lifeline)
    });
    let failed = |error| (Err(io::Error::other(error)), None);
    started.await.unwrap_or_else(failed)
}

fn prepare(command: &mut Command, program: &Program) {
    command
        .args(program.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, _) in env::vars_os().filter(|(name, _)| is_secret(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    command.envs(program.env);
    if let Some(cwd) = program.cwd {
        command.current_dir(cwd);
    }
}

/// Whether a variable of this name likely holds a key.
pub fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.contains("PASSWORD")
        || ["_KEY", "_TOKEN", "_SECRET"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// The file of a command, as a shell would find it: a name in the PATH that the server will have, anything else from its folder.
fn find(program: &Program) -> Result<PathBuf, OpenError> {
    let command = program.command;
    let not_found = |hint: &str| OpenError::NotFound {
        command: command.to_string(),
        hint: hint.to_string(),
    };
    if command.is_empty() {
        return Err(OpenError::Setting("the server's command is empty".into()));
    }
    let is_line = command.contains(char::is_whitespace);
    let not_found = |hint: &str| match is_line {
        true => not_found("its arguments belong in \"args\", each by itself"),
        false => not_found(hint),
    };
    if command.contains('/') {
        let path = program.cwd.unwrap_or(Path::new("")).join(command);
        return match path.is_file() {
            true => Ok(path),
            false => Err(not_found("there is no such file")),
        };
    }
    let path = program.env.get("PATH").map(Into::into);
    let path = path.or_else(|| env::var_os("PATH")).unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| {
            program
                .cwd
                .unwrap_or(Path::new(""))
                .join(folder)
                .join(command)
        })
        .find(|path| is_program(path));
    found.ok_or_else(|| {
        not_found("it is in no folder of PATH; install it, or write its full path as the command")
    })
}

fn is_program(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// How a process ended: the words after its name.
pub fn words(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_string(),
    }
}

fn await_exit(mut child: Child) -> watch::Receiver<Option<ExitStatus>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        // Without a status there is no process of ours.
        let status = child.wait().await.unwrap_or_default();
        sender.send_replace(Some(status));
    });
    receiver
}

fn keep_errors(mut stderr: ChildStderr, errors: Arc<Mutex<VecDeque<u8>>>) -> watch::Receiver<()> {
    let (sender, receiver) = watch::channel(());
    tokio::spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = stderr.read(&mut bytes).await {
            keep(&mut errors.lock(), &bytes[..read]);
        }
        drop(sender);
    });
    receiver
}

fn keep(errors: &mut VecDeque<u8>, bytes: &[u8]) {
    let bytes = &bytes[bytes.len().saturating_sub(ERRORS)..];
    let surplus = (errors.len() + bytes.len()).saturating_sub(ERRORS);
    errors.drain(..surplus);
    errors.extend(bytes);
}
