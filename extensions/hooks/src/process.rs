//! One program: started in a session of its own, told on stdin, listened to, and killed with all it started when its
//! time is up.
//!
//! It returns when the shell exits, whoever still holds the pipes. Output is drained to its end and kept to a bound, so
//! a program neither blocks on a full pipe nor fills the memory. Dropping the future kills the session.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What is kept of each output, in bytes.
const OUTPUT: usize = 1 << 20;

/// How long the pipes are read on after the program ended, when something that it started still holds them.
const GRACE: Duration = Duration::from_millis(100);

/// How a program ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Exited(i32),
    Signal(i32),
    TimedOut,
    NotStarted(io::Error),
}

/// What a program said.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub ending: Ending,
    pub stdout: String,
    pub stderr: String,
    /// Whether stdout was longer than what is kept.
    pub cut: bool,
}

/// Runs `sh -c line` in `cwd`, tells it `input`, and gives it the time `limit`.
pub(crate) async fn run(
    line: &str,
    cwd: &Path,
    root: &Path,
    input: &[u8],
    limit: Duration,
) -> Outcome {
    let (mut stdout, mut stderr) = (Kept::default(), Kept::default());
    let ending = match start(line, cwd, root) {
        Err(error) => Ending::NotStarted(error),
        Ok(mut running) => running.talk(input, &mut stdout, &mut stderr, limit).await,
    };
    Outcome {
        ending,
        cut: stdout.cut,
        stdout: stdout.text(),
        stderr: stderr.text(),
    }
}

fn ended(status: ExitStatus) -> Ending {
    match status.code() {
        Some(code) => Ending::Exited(code),
        None => Ending::Signal(status.signal().unwrap_or_default()),
    }
}

/// Without a terminal: what a hook wrote there would land between the lines of the agent.
#[expect(
    unsafe_code,
    reason = "only a step between fork and exec can start a session"
)]
fn start(line: &str, cwd: &Path, root: &Path) -> io::Result<Running> {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(line)
        .current_dir(cwd)
        .env("CORECODER_PROJECT_DIR", root)
        .env("CLAUDE_PROJECT_DIR", root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // SAFETY: setsid is async-signal-safe and touches no memory of ours.
    unsafe {
        command.pre_exec(|| rustix::process::setsid().map(drop).map_err(io::Error::from));
    }
    let child = command.spawn()?;
    let session = child.id().and_then(|id| Pid::from_raw(id as i32));
    Ok(Running { child, session })
}

/// A program under way; dropping it kills its session.
struct Running {
    child: Child,
    session: Option<Pid>,
}

impl Running {
    async fn talk(
        &mut self,
        input: &[u8],
        out: &mut Kept,
        err: &mut Kept,
        limit: Duration,
    ) -> Ending {
        let child = &mut self.child;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A program need not read what it is told, so a closed pipe is no error.
                let _ = stdin.write_all(input).await;
            }
        };
        let mut pipes = pin!(async { tokio::join!(feed, out.drain(stdout), err.drain(stderr)) });
        let mut closed = false;
        let end = async {
            loop {
                tokio::select! {
                    status = child.wait() => break status,
                    _ = &mut pipes, if !closed => closed = true,
                }
            }
        };
        let status = match timeout(limit, end).await {
            Ok(Ok(status)) => status,
            Ok(Err(error)) => return Ending::NotStarted(error),
            Err(_) => return Ending::TimedOut,
        };
        // Its number may be another's from now on, and what it left running on purpose stays.
        self.session = None;
        if !closed {
            let _ = timeout(GRACE, pipes).await;
        }
        ended(status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let _ = kill_process_group(session, Signal::KILL);
        // `timeout` and shells with job control make groups of their own, still in this session: proc(5), the fourth
        // field behind the name, which stands in parentheses.
        let id = session.as_raw_nonzero().to_string();
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let stat = std::fs::read(process.path().join("stat")).unwrap_or_default();
            let stat = String::from_utf8_lossy(&stat);
            let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
            let name = process.file_name().into_string().unwrap_or_default();
            let pid = Pid::from_raw(name.parse().unwrap_or(0));
            if let Some(pid) = pid.filter(|_| fields.split_whitespace().nth(3) == Some(&id)) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// The beginning of an output.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    cut: bool,
}

impl Kept {
    async fn drain(&mut self, pipe: Option<impl AsyncRead + Unpin>) {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
            let room = (OUTPUT - self.bytes.len()).min(read);
            self.bytes.extend_from_slice(&buffer[..room]);
            self.cut |= room < read;
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}
