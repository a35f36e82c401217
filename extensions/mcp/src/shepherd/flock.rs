//! The shepherd's own process. It has one thread that waits for the ends of processes, and one that waits at the lifeline.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, PipeReader, Read};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, exit};
use std::thread;
use std::time::Duration;

use rustix::io::{Errno, FdFlags};
use rustix::process::{
    Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group, set_child_subreaper,
    wait,
};

use super::{ENTER, TERMINATE};

/// The server could not be started.
const FAILED: i32 = 127;

/// What starts a shepherd that starts a server. The other end of its lifeline, which it inherits, is to be kept until then.
///
/// Nothing is done between fork and exec, so that a large program is not copied for it, which takes 1.6 ms with 60 MB in use. Another process
/// that is started just then inherits that end too, which is no harm: it can't keep the lifeline open.
pub fn command(
    program: &Path,
    server: &Path,
    lifeline: &PipeReader,
) -> io::Result<tokio::process::Command> {
    rustix::io::fcntl_setfd(lifeline, FdFlags::empty())?;
    let mut command = tokio::process::Command::new(program);
    command
        .arg(ENTER)
        .arg(lifeline.as_raw_fd().to_string())
        .arg(server);
    Ok(command)
}

/// Becomes a shepherd if that is what this process was started for; then it never returns.
pub fn enter_if_asked() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_none_or(|first| first != ENTER) {
        return;
    }
    let lifeline = args.next().and_then(|fd| fd.to_str()?.parse().ok());
    let (Some(lifeline), Some(server)) = (lifeline, args.next()) else {
        fail("a shepherd is started by the MCP client, not by hand");
    };
    if let Err(error) = keep(lifeline, server, args.collect()) {
        fail(&error.to_string());
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    exit(FAILED)
}

/// Starts the server and watches over it.
fn keep(lifeline: i32, server: OsString, args: Vec<OsString>) -> io::Result<()> {
    let mut lifeline = lifeline_at(lifeline)?;
    // Signals of our terminal are not for it.
    rustix::process::setsid()?;
    set_child_subreaper(Some(rustix::process::getpid()))?;
    let mut command = process::Command::new(&server);
    command.args(args);
    as_server(&mut command);
    let started = command.spawn().map_err(|error| {
        let server = server.to_string_lossy();
        io::Error::other(format!("{server} can't be started: {error}"))
    })?;
    let server = Pid::from_child(&started);
    leave_streams()?;
    thread::Builder::new()
        .stack_size(64 << 10)
        .spawn(move || reap(server))?;
    let mut told = [0];
    while matches!(lifeline.read(&mut told), Ok(1)) {
        if told[0] == TERMINATE {
            let _ = kill_process_group(server, Signal::TERM);
        }
    }
    // The other thread ends us when nobody is left.
    loop {
        kill_all();
        thread::sleep(Duration::from_millis(10));
    }
}

/// The descriptor that was inherited for it, which nobody below is to inherit.
#[expect(unsafe_code, reason = "the descriptor comes as a number")]
fn lifeline_at(number: i32) -> io::Result<File> {
    if number <= 2 {
        return Err(Errno::BADF.into());
    }
    // SAFETY: it is open if fcntl says so; nothing else in this process, which has only begun, has opened or closed it.
    unsafe {
        let borrowed = BorrowedFd::borrow_raw(number);
        rustix::io::fcntl_setfd(borrowed, FdFlags::CLOEXEC)?;
        Ok(File::from_raw_fd(number))
    }
}

/// The server is a session of its own, and is killed if the shepherd is.
#[expect(unsafe_code, reason = "what happens between fork and exec is unsafe")]
fn as_server(command: &mut process::Command) {
    // SAFETY: setsid and prctl are async-signal-safe and touch no memory of ours.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
            rustix::process::setsid()?;
            Ok(())
        });
    }
}

/// The streams are the server's alone: their end is its end.
fn leave_streams() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    Ok(())
}

/// Waits for all processes below this one to end, the server first; then ends like it.
fn reap(server: Pid) {
    let mut status = None;
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, ended))) if pid == server => {
                status = Some(ended);
                kill_all();
            }
            // What it starts while it is being killed is seen when its parent has gone.
            Ok(_) if status.is_some() => kill_all(),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => end_like(status),
        }
    }
}

fn end_like(status: Option<WaitStatus>) -> ! {
    let Some(status) = status else { exit(FAILED) };
    if let Some(signal) = status.terminating_signal().and_then(Signal::from_named_raw) {
        let _ = kill_process(rustix::process::getpid(), signal);
        thread::sleep(Duration::from_millis(100));
    }
    exit(status.exit_status().unwrap_or(FAILED))
}

/// Kills all processes below this one.
fn kill_all() {
    let mut ahead = vec![process::id() as i32];
    while let Some(parent) = ahead.pop() {
        for child in children(parent) {
            if let Some(pid) = Pid::from_raw(child) {
                let _ = kill_process(pid, Signal::KILL);
            }
            ahead.push(child);
        }
    }
}

/// proc_tid_children(5); on a kernel without it, found by asking each process for its parent.
fn children(parent: i32) -> Vec<i32> {
    let pids = |text: String| text.split_whitespace().flat_map(str::parse).collect();
    let tasks = fs::read_dir(format!("/proc/{parent}/task"));
    let tasks: Vec<_> = tasks.into_iter().flatten().flatten().collect();
    let listed = tasks
        .iter()
        .map(|task| fs::read_to_string(task.path().join("children")));
    let listed: Vec<Vec<i32>> = listed.flatten().map(pids).collect();
    if !listed.is_empty() || tasks.is_empty() {
        return listed.concat();
    }
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    all.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// proc_pid_stat(5): the second field after the name, which may hold anything.
fn parent_of(pid: i32) -> Option<i32> {
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}
