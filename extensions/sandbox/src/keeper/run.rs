//! The keeper's life: walls up, command started, door kept, all ended.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, set_child_subreaper, setsid};

use super::door::Door;
use super::filter::{Held, holding, refusing};
use super::landlock::{self, Inner, Readable};
use super::loopback::Loopback;
use super::note::Note;
use super::processes::{Count, end_all};
use super::watch::Watch;
use super::{namespaces, offer, sys, walls};
use crate::borders::Borders;
use crate::mechanism::{Job, Mechanism};
use crate::policy::{Network, Policy};

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs a line to its end and tells the front how it ended.
pub fn keep(
    job: &Job,
    line: OsString,
    user: (u32, u32),
    mut front: UnixStream,
) -> Result<(), Failure> {
    // Whatever becomes of the keeper's work, what it started ends. The output stays open until then, for the keeper holds it.
    let _end = End;
    let (door, walls) = prepare(job, user, &front)?;
    let started = start(line, walls)?;
    let door = door(started.listener.clone());
    let mut watch = Watch::new(door, &front, job.policy.limits.memory);
    let command = watch.await_start(&started)?;
    watch.keep(command);
    let status = watch.finish();
    // Nobody may be there any more to hear it.
    let _ = front.write_all(&status.to_ne_bytes());
    Ok(())
}

/// Ends all that was started when it is dropped.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        end_all();
    }
}

/// What stands between the keeper and the command only.
struct Walls {
    inner: Option<Inner>,
    held: Held,
    proxy: Option<u16>,
    network: Network,
}

type MakeDoor = Box<dyn FnOnce(Arc<OwnedFd>) -> Door>;

/// Puts up the walls that hold for the keeper too.
fn prepare(job: &Job, user: (u32, u32), front: &UnixStream) -> Result<(MakeDoor, Walls), Failure> {
    setsid()?;
    let policy = &job.policy;
    let mut borders = Borders::new(policy, &job.scratch);
    let mut hidden = policy.hidden();
    let mut held = Held::default();
    let mut inner = None;
    if job.mechanism == Mechanism::Namespaces {
        namespaces::map_user(user.0, user.1)?;
        namespaces::build(policy, &borders, &job.scratch)?;
        borders.own("/dev/shm");
        hidden.clear();
    }
    let proxy = match policy.network {
        Network::Hosts(_) => Some(offer::listen(front)?),
        _ => None,
    };
    if job.mechanism == Mechanism::Landlock {
        set_child_subreaper(Pid::from_raw(1))?;
        held = held_without_namespaces(policy, &borders, &hidden);
        inner = Some(Inner::new(policy, &Readable::new(&hidden, &borders))?);
    }
    walls::drop_privileges()?;
    walls::limit(&policy.limits)?;
    if job.mechanism == Mechanism::Landlock {
        landlock::bound_writing(&borders, &job.scratch)?;
    }
    let walls = Walls {
        inner,
        held,
        proxy,
        network: policy.network.clone(),
    };
    Ok((door(policy, borders, hidden, &walls), walls))
}

/// The door in these walls, once its listener is there.
fn door(policy: &Policy, borders: Borders, hidden: Vec<PathBuf>, walls: &Walls) -> MakeDoor {
    let (held, proxy) = (walls.held, walls.proxy);
    let (network, limits) = (policy.network.clone(), policy.limits.clone());
    Box::new(move |listener| Door {
        listener,
        borders,
        note: Note::default(),
        held,
        hidden,
        terminals: Vec::new(),
        proxy,
        loopback: Loopback::default(),
        bound: Vec::new(),
        network,
        largest_file: limits.file_size,
        processes: Count::new(limits.processes),
        waiters: Vec::new(),
    })
}

/// What no wall but the door keeps there.
fn held_without_namespaces(policy: &Policy, borders: &Borders, hidden: &[PathBuf]) -> Held {
    let within = |path: &PathBuf| borders.open().any(|open| path.starts_with(open));
    Held {
        folders: true,
        reads: hidden.iter().any(within),
        signals: !landlock::keeps_signals(),
        memory: true,
        internet: policy.network != Network::All,
    }
}

/// A command that is being started.
pub struct Started {
    pub listener: Arc<OwnedFd>,
    /// Closed when the command has been started, or could not be.
    pub done: io::PipeReader,
    pub command: Receiver<Result<u32, String>>,
}

/// Starts the line from a thread that goes behind the last walls first, so that the keeper itself stays before them.
fn start(line: OsString, walls: Walls) -> Result<Started, Failure> {
    let (refusing, holding) = (refusing(walls.held)?, holding(walls.held)?);
    // Opened now, for afterwards this too would have to wait at the door.
    let null = std::fs::File::open("/dev/null")?;
    let (done, signal) = io::pipe()?;
    let (send_listener, listener) = channel();
    let (send_command, command) = channel();
    std::thread::spawn(move || {
        let begin = || -> Result<u32, Failure> {
            if let Some(inner) = walls.inner {
                inner.restrict()?;
            }
            for program in &refusing {
                seccompiler::apply_filter(program)?;
            }
            send_listener.send(sys::filter_with_listener(&holding)?)?;
            let mut command = Command::new("bash");
            command.arg("-c").arg(line).stdin(Stdio::from(null));
            if let Some(port) = walls.proxy {
                command.envs(offer::variables(port, &walls.network));
            }
            Ok(command.spawn()?.id())
        };
        let _ = send_command
            .send(begin().map_err(|error| format!("bash could not be started: {error}")));
        drop(signal);
    });
    match listener.recv() {
        Ok(listener) => Ok(Started {
            listener: Arc::new(listener),
            done,
            command,
        }),
        Err(_) => Err(command.recv()?.err().unwrap_or_default().into()),
    }
}
