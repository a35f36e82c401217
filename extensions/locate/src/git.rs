//! The few questions that git is asked, each with a time limit.
//!
//! A repository's own settings can name programs, so everything that would run one is off: pagers, signature checks,
//! outside diffs, and fetching what a partial clone lacks.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::history::FORMAT;

/// How long git may take for the log, and for a name. What is late counts as no history.
const LOG: Duration = Duration::from_secs(3);
const NAME: Duration = Duration::from_secs(1);

/// The newest commit of the repository that a folder is in; `None` without git, repository or commits.
pub(crate) fn head(folder: &Path) -> Option<String> {
    let name = run(git(folder, &["rev-parse", "--verify", "HEAD"]), NAME)?;
    let name = String::from_utf8(name).ok()?.trim().to_string();
    (!name.is_empty()).then_some(name)
}

/// The newest commits before and with `commit`: times, messages, and the files below the folder that they changed.
pub(crate) fn log(folder: &Path, commit: &str, commits: usize) -> Option<String> {
    let most = format!("-n{commits}");
    let args = [
        "log",
        "--no-merges",
        "--name-only",
        "--relative",
        "--no-ext-diff",
        "--no-textconv",
        "--no-show-signature",
        "--no-color",
        &most,
        FORMAT,
        commit,
    ];
    let log = run(git(folder, &args), LOG)?;
    Some(String::from_utf8_lossy(&log).into_owned())
}

/// A git that runs nothing but itself.
pub(crate) fn git(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .args(["--no-pager", "--no-optional-locks"])
        .args([
            "-c",
            "core.quotePath=false",
            "-c",
            "core.fsmonitor=false",
            "-c",
            "log.follow=false",
        ])
        .args(args)
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// What a command prints; `None` if it fails or takes too long, and then it is killed.
pub(crate) fn run(mut command: Command, limit: Duration) -> Option<Vec<u8>> {
    let mut child = command.stdout(Stdio::piped()).spawn().ok()?;
    let mut pipe = child.stdout.take()?;
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = Vec::new();
        let read = pipe.read_to_end(&mut output);
        // Nobody listens any more when it was too late.
        let _ = send.send(read.map(|_| output));
    });
    let output = receive.recv_timeout(limit);
    if output.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().ok()?;
    output.ok()?.ok().filter(|_| status.success())
}
