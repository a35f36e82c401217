//! `bash`: one command line in a process group of its own.
//!
//! The shell itself is asked where it ended up, so `cd`, `pushd` and friends move the agent as they would move a
//! user. Output is bounded while it runs; the answer keeps its head and its tail. A timeout or a cancelled run
//! leaves no process of the session behind; a command that ends normally may leave one, and that is said.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process_group};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

use super::capture::Capture;
use super::whereabouts::Whereabouts;
use super::{Effect, Spec, Tool, count, text};
use crate::kit::Kit;
use crate::prompt;

pub struct Bash;

#[async_trait]
impl Tool for Bash {
    fn spec(&self) -> Spec {
        prompt::bash()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let line = text(args, "command");
        // Nobody could see on a terminal what such a command does.
        if line.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r')) {
            return Err("a command can't hold NUL or other control characters; write them as escapes, as in $'\\x1b'".to_string());
        }
        kit.shell.effect(line, &kit.files.cwd())
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let limit = count(&args, "timeout", 120, 3600);
        let fail = |error: io::Error| format!("the command could not be started: {error}");
        let whereabouts = Whereabouts::new(kit.shell.scratch()).map_err(fail)?;
        let line = whereabouts.follow(text(&args, "command"));
        let (reader, writer) = io::pipe().map_err(fail)?;
        let mut command = kit.shell.command(&line);
        prepare(&mut command, writer).map_err(fail)?;
        command.current_dir(kit.files.cwd());
        let child = kit.shell.spawn(command).map_err(|error| match error.kind() {
            io::ErrorKind::ArgumentListTooLong => {
                "the command is too long for one line; write it to a file with write_file and run that".to_string()
            }
            _ => fail(error),
        })?;
        let mut running = Running::new(child, reader).map_err(fail)?;
        let ending = match timeout(Duration::from_secs(limit), running.wait()).await {
            Ok(status) => running.ending(status),
            Err(_) => {
                running.kill();
                let _ = running.rest(kit.shell.patience()).await;
                Err(format!(
                    "[timed out after {limit} s and was killed; give it a longer timeout, or less to do]"
                ))
            }
        };
        if let Some(folder) = whereabouts.told() {
            kit.files.enter(folder);
        }
        let output = running.output.text();
        match ending {
            Ok(note) => Ok(output + &note),
            Err(note) => Err(format!("{note}\n{output}")),
        }
    }
}

/// No stdin, no terminal, one pipe for both outputs, and nothing that waits for a person.
#[expect(
    unsafe_code,
    reason = "only a hook between fork and exec can start a session"
)]
fn prepare(command: &mut Command, output: io::PipeWriter) -> io::Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .kill_on_drop(true);
    command.envs([
        ("PAGER", "cat"),
        ("GIT_PAGER", "cat"),
        ("MANPAGER", "cat"),
        ("TERM", "dumb"),
        ("EDITOR", "true"),
        ("VISUAL", "true"),
        ("GIT_EDITOR", "true"),
        ("GIT_TERMINAL_PROMPT", "0"),
    ]);
    // SAFETY: setsid is async-signal-safe and touches no memory of ours.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
    Ok(())
}

/// A command under way; dropping it kills its session.
struct Running {
    child: Child,
    session: Option<Pid>,
    pipe: Receiver,
    output: Capture,
    output_ended: bool,
}

impl Running {
    fn new(child: Child, reader: io::PipeReader) -> io::Result<Running> {
        let session = child.id().and_then(|id| Pid::from_raw(id as i32));
        let pipe = Receiver::from_owned_fd(reader.into())?;
        Ok(Running {
            child,
            session,
            pipe,
            output: Capture::default(),
            output_ended: false,
        })
    }

    /// Reads until the shell exits, then what is left in the pipe. Whoever else holds the pipe is not waited for.
    async fn wait(&mut self) -> io::Result<ExitStatus> {
        let mut buffer = vec![0; 64 * 1024];
        let status = loop {
            tokio::select! {
                status = self.child.wait() => break status?,
                read = self.pipe.read(&mut buffer), if !self.output_ended => self.take(&buffer, read?),
            }
        };
        self.rest(Duration::from_millis(100)).await?;
        Ok(status)
    }

    /// Reads what is left in the pipe, until its end if that comes soon enough.
    async fn rest(&mut self, limit: Duration) -> io::Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let end = Instant::now() + limit;
        while !self.output_ended {
            let Ok(read) = timeout_at(end, self.pipe.read(&mut buffer)).await else {
                break;
            };
            self.take(&buffer, read?);
        }
        Ok(())
    }

    fn take(&mut self, buffer: &[u8], read: usize) {
        self.output_ended = read == 0;
        self.output.push(&buffer[..read]);
    }

    /// What is to be said of how it ended: `Ok` after exit code 0.
    fn ending(&mut self, status: io::Result<ExitStatus>) -> Result<String, String> {
        let status = status.map_err(|error| format!("[its end could not be observed: {error}]"))?;
        let alive = self
            .session
            .is_some_and(|session| test_kill_process_group(session).is_ok());
        let left = match (alive, self.output_ended) {
            // Nobody reads its output any more, so its next word would kill it, at a moment that nobody expects.
            (true, false) => {
                self.kill();
                "\n[a background process still held the output and was killed; start such a process with its output in a file: command >log 2>&1 &]"
            }
            (true, true) => "\n[a process that it started is still running in the background]",
            (false, _) => "",
        };
        // What it left running on purpose, such as a server, stays.
        self.session = None;
        match (status.code(), status.signal()) {
            (Some(0), _) => Ok(left.to_string()),
            (Some(code), _) => Err(format!("[exit code: {code}]{left}")),
            (None, signal) => Err(format!(
                "[killed by signal {}]{left}",
                signal.unwrap_or_default()
            )),
        }
    }

    /// Kills the session: the shell's own group, and those that programs such as `timeout` made in it.
    fn kill(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let _ = kill_process_group(session, Signal::KILL);
        let id = session.as_raw_nonzero().to_string();
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            // proc(5): the session is the fourth field behind the name, which stands in parentheses. The call for it
            // has no answer for processes of an outer namespace.
            let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
            let name = process.file_name().into_string().unwrap_or_default();
            let pid = Pid::from_raw(name.parse().unwrap_or(0));
            if let Some(pid) = pid.filter(|_| fields.split_whitespace().nth(3) == Some(&id)) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
