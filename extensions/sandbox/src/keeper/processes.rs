//! The processes of a command: how many, how much memory, and the end of all of them.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

/// Counts processes and threads without looking each time.
#[derive(Debug)]
pub struct Count {
    pub most: u64,
    /// At least as many as there are.
    bound: u64,
    counted: Instant,
}

/// Counting takes a while where there are many, and whoever was refused may ask again at once.
const RECOUNT: Duration = Duration::from_millis(200);

impl Count {
    pub fn new(most: u64) -> Count {
        Count {
            most,
            bound: 1,
            counted: Instant::now(),
        }
    }

    /// Whether one more process or thread may be started.
    pub fn admits(&mut self) -> bool {
        if self.bound >= self.most && self.counted.elapsed() >= RECOUNT {
            self.bound = descendants().iter().map(|process| process.threads).sum();
            self.counted = Instant::now();
        }
        let admits = self.bound < self.most;
        self.bound += u64::from(admits);
        admits
    }

    /// Whether a process, or one of a group, is the command's.
    pub fn owns(&self, target: i32) -> bool {
        let own = descendants();
        match target {
            group if group < 0 => own
                .iter()
                .any(|process| Some(process.group) == group.checked_neg()),
            pid => own.iter().any(|process| process.pid == pid),
        }
    }
}

/// A process below this one.
#[derive(Debug)]
pub struct Process {
    pub pid: i32,
    pub group: i32,
    pub threads: u64,
    pub name: String,
    pub is_dead: bool,
}

/// proc_pid_stat(5): name, state, group, number of threads; with it the parent.
fn stat(pid: i32) -> Option<(i32, Process)> {
    // A process may have any name.
    let text = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let text = String::from_utf8_lossy(&text);
    let (head, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<i32>().ok();
    let process = Process {
        pid,
        group: number(2)?,
        threads: number(17)? as u64,
        name: head.split_once('(')?.1.to_string(),
        is_dead: matches!(fields[0], "Z" | "X"),
    };
    Some((number(1)?, process))
}

/// All processes that this one started, and that those started. None escapes: orphans come to this one.
pub fn descendants() -> Vec<Process> {
    let own = std::process::id() as i32;
    match children(own) {
        None => descendants_of_all(own),
        Some(mut ahead) => {
            let mut found = Vec::new();
            while let Some(pid) = ahead.pop() {
                found.extend(stat(pid).map(|(_, process)| process));
                ahead.extend(children(pid).unwrap_or_default());
            }
            found
        }
    }
}

/// proc_tid_children(5), which not every kernel has.
fn children(pid: i32) -> Option<Vec<i32>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let mut found = Vec::new();
    for task in tasks {
        let text = match fs::read_to_string(task.path().join("children")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && task.path().exists() => {
                return None;
            }
            Err(_) => continue,
        };
        found.extend(
            text.split_whitespace()
                .filter_map(|pid| pid.parse::<i32>().ok()),
        );
    }
    Some(found)
}

/// The same by looking at every process there is.
fn descendants_of_all(own: i32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for (parent, process) in pids.filter_map(stat) {
        children.entry(parent).or_default().push(process);
    }
    let mut ahead = vec![own];
    let mut found = Vec::new();
    while let Some(parent) = ahead.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            ahead.push(process.pid);
            found.push(process);
        }
    }
    found
}

/// The names of these, each once, with how many there are of it.
pub fn names(processes: &[Process]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for process in processes {
        match counts.iter_mut().find(|(name, _)| *name == process.name) {
            Some((_, count)) => *count += 1,
            None => counts.push((&process.name, 1)),
        }
    }
    let named = counts.iter().take(5).map(|(name, count)| match count {
        1 => (*name).to_string(),
        _ => format!("{name} ({count} times)"),
    });
    let more = if counts.len() > 5 { ", ..." } else { "" };
    named.collect::<Vec<_>>().join(", ") + more
}

/// Bytes of memory that these processes have for themselves, the tables that map it, and what they share, once. Files are left
/// out, for the kernel takes their memory back.
pub fn memory(processes: &[Process], limit: u64) -> u64 {
    let (mut own, mut shared, mut most) = (0, 0, 0);
    for process in processes {
        let [anonymous, tables, memory] =
            sizes(process.pid, "status", ["RssAnon:", "VmPTE:", "RssShmem:"]);
        own += anonymous + tables;
        shared += memory;
        most = most.max(memory);
    }
    // How much of it is the same takes the kernel a walk through all of it.
    if own + most <= limit && own + shared > limit {
        let parts = processes
            .iter()
            .map(|process| sizes(process.pid, "smaps_rollup", ["Pss_Shmem:"]));
        return own + most.max(parts.map(|[part]| part).sum());
    }
    own + most
}

/// Bytes by their names in a file of a process: proc_pid_status(5), proc_pid_smaps_rollup(5).
fn sizes<const N: usize>(pid: i32, file: &str, names: [&str; N]) -> [u64; N] {
    let text = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    names.map(|name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number.unwrap_or(0) << 10
    })
}

/// Ends what is left. Nothing new comes up meanwhile, for whoever starts a process waits at the door.
pub fn end_all() {
    while reap(|_, _| {}) {
        for process in descendants().iter().filter(|process| !process.is_dead) {
            if let Some(pid) = Pid::from_raw(process.pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        // Thousands take a while to end, and looking at them all again would take the processor from them.
        let mut ended = Instant::now();
        while ended.elapsed() < SETTLED {
            let left = reap(|_, _| ended = Instant::now());
            if !left {
                return;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

/// When so long none has ended, some may not have been seen.
const SETTLED: Duration = Duration::from_millis(20);

/// Takes the ends of processes that have ended, and says whether there are others left.
pub fn reap(mut ended: impl FnMut(i32, i32)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => ended(pid.as_raw_nonzero().get(), status.as_raw()),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}
