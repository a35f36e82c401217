//! A row in its world: run, and judged from outside.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock, RwLock};
use std::time::{Duration, Instant};

use corecoder_sandbox::Mechanism;
use libtest_mimic::{Completion, Failed};
use regex::Regex;
use serde_json::json;
use tempfile::TempDir;

use crate::case::{Breach, Case};
use crate::probe::Order;
use crate::user::User;
use crate::world::{World, command_line, processes};

/// As long as the agent may take beyond what it gives a command, in seconds.
const GRACE: u64 = 15;

/// As long as a keeper may take to notice, on a busy machine, that the agent was killed.
const NOTICING: Duration = Duration::from_secs(5);

/// A folder that programs share, so that commands may write in it what they made, and one that they don't share.
pub const FOLDERS: &[&str] = &["/var/tmp", env!("CARGO_TARGET_TMPDIR")];

/// Who runs a row, where, and what confines it.
#[derive(Clone)]
pub struct Place {
    pub user: User,
    pub mechanism: Mechanism,
    /// In which worlds are made.
    pub folder: &'static str,
    pub program: Arc<Program>,
}

/// What became of a probe.
struct Run {
    output: String,
    errors: String,
    seconds: f64,
    /// It failed, said nothing, or did not end.
    died: bool,
    /// Somebody could reach it from outside.
    connected: bool,
}

impl Place {
    /// As a test's name says them.
    pub fn words(&self) -> String {
        let user = self.user.words();
        match self.folder == FOLDERS[0] {
            true => format!("_{user}"),
            false => format!("_{user}_away_from_shared_folders"),
        }
    }

    /// Whether this row is worth its time here: only Landlock tells the two folders apart, by what may be read.
    pub fn takes(&self, case: &Case) -> bool {
        let is_about_reading = match case.category.as_deref() {
            Some(category) => category == "secret",
            None => case.is_first,
        };
        self.folder == FOLDERS[0] || (self.mechanism == Mechanism::Landlock && is_about_reading)
    }

    /// Whether a command runs at all.
    pub fn is_to_be_had(&self) -> Result<(), String> {
        let world = World::new(&self.user, self.folder).map_err(|error| error.to_string())?;
        let order = Order {
            mechanism: Some(self.mechanism),
            tty: false,
            terminals: false,
            network: false,
        };
        let run = Run::new(&world, self, &order, &Case::trial(), false);
        match run.output.contains("works") {
            true => Ok(()),
            false => Err(run.output + &run.errors),
        }
    }
}

/// Rows share it; one that runs alone has it to itself.
static MACHINE: RwLock<()> = RwLock::new(());

/// Runs one row in a world of its own.
pub fn check(case: &Case, place: &Place) -> Result<Completion, Failed> {
    let (_shared, _alone);
    match case.alone {
        true => _alone = MACHINE.write(),
        false => _shared = MACHINE.read(),
    }
    let world = World::new(&place.user, place.folder)?;
    let filled = case.map(&|text| world.fill(text));
    let order = Order {
        mechanism: Some(place.mechanism),
        tty: case.tty,
        terminals: case.terminals,
        network: case.network,
    };
    let dials = filled
        .breach
        .as_ref()
        .is_some_and(|breach| breach.connected);
    let mut run = Run::new(&world, place, &order, &filled, dials);
    // A call ends after all that it began; where the agent is killed, its keeper has yet to notice.
    if case.killed_after.is_some() {
        within(NOTICING, || world.processes().is_empty());
    }
    let mut bad = match &filled.breach {
        Some(breach) => breaches(breach, &world, &mut run),
        None => faults(&filled, &run),
    };
    if filled.same {
        bad.extend(differs(case, place, &run));
    }
    if !soon(|| world.processes().is_empty()) {
        let left = world.processes();
        let left: Vec<String> = left.iter().map(|process| command_line(process)).collect();
        bad.push(format!("these run on: {}", left.join(", ")));
    }
    if bad.is_empty() {
        return lacking(case, &run).map_or(Ok(Completion::Completed), |lack| {
            Ok(Completion::ignored_with(lack))
        });
    }
    let why = format!(
        "{}\n{}\n{}{}",
        bad.join("; "),
        filled.commands().join("\n---\n"),
        tail(&run.output),
        tail(&run.errors)
    );
    if case.breach.is_none()
        && let Some(plain) = fails_without(case, place)
    {
        return Ok(Completion::ignored_with(format!(
            "does not work without a sandbox either: {plain}"
        )));
    }
    let is_optional_here = case.optional_under == Some(place.mechanism.to_string());
    match case.optional || is_optional_here {
        true => Ok(Completion::ignored_with(format!("not promised: {why}"))),
        false => Err(why.into()),
    }
}

/// An attack that could not even be tried proves nothing.
fn lacking(case: &Case, run: &Run) -> Option<String> {
    let line = run
        .output
        .lines()
        .find(|line| line.contains("command not found"))?;
    case.breach
        .as_ref()
        .map(|_| format!("could not be tried: {line}"))
}

/// What plain bash says instead, in a world of the same kind.
fn differs(case: &Case, place: &Place, run: &Run) -> Option<String> {
    let plain = without(case, place)?;
    // Nor does plain bash end what still runs.
    let told =
        |line: &&str| !line.starts_with("[sandbox: ") && !line.starts_with("[a process that");
    let lines = |text: &str| {
        text.lines()
            .filter(told)
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let is_same = lines(&plain.output) == lines(&run.output);
    (!is_same).then(|| format!("plain bash says:\n{}", tail(&plain.output)))
}

fn without(case: &Case, place: &Place) -> Option<Run> {
    let world = World::new(&place.user, place.folder).ok()?;
    let filled = case.map(&|text| world.fill(text));
    let order = Order {
        mechanism: None,
        tty: case.tty,
        terminals: case.terminals,
        network: case.network,
    };
    Some(Run::new(&world, place, &order, &filled, false))
}

/// How everyday work fails in plain bash, if it does.
fn fails_without(case: &Case, place: &Place) -> Option<String> {
    let plain = without(case, place)?;
    let fails = plain.died || misses(case, &plain).is_some();
    fails.then(|| tail(&plain.output).replace('\n', " "))
}

/// What is wrong with everyday work.
fn faults(case: &Case, run: &Run) -> Vec<String> {
    let mut bad = Vec::new();
    if run.died {
        bad.push("the agent died".to_string());
    }
    bad.extend(misses(case, run));
    bad
}

fn misses(case: &Case, run: &Run) -> Option<String> {
    let wanted = case.contains.as_deref().unwrap_or_default();
    let is_right = run.output.contains(wanted) && (case.same || !run.output.contains("[exit code"));
    (!is_right).then(|| format!("{wanted:?} is not in the output, or it failed"))
}

/// What an attack brought about.
fn breaches(breach: &Breach, world: &World, run: &mut Run) -> Vec<String> {
    if let Some(line) = &breach.host_cmd {
        let _ = world.host(line).output();
    }
    let mut bad = Vec::new();
    let mut say = |is_so: bool, what: &str| {
        if is_so {
            bad.push(what.to_string());
        }
    };
    let is_there = |path: PathBuf| path.symlink_metadata().is_ok();
    if let Some(path) = &breach.exists {
        say(is_there(world.path(path)), &format!("made {path}"));
    }
    if let Some(path) = &breach.exists_abs {
        say(is_there(PathBuf::from(path)), &format!("made {path}"));
    }
    if let Some(path) = &breach.missing {
        say(!world.path(path).is_dir(), &format!("{path} is gone"));
    }
    if let Some(path) = &breach.changed {
        say(world.is_changed(path), &format!("changed {path}"));
    }
    if let Some(pattern) = &breach.stdout {
        say(
            matches(pattern, &run.output),
            &format!("the output has {pattern}"),
        );
    }
    if let Some(pattern) = &breach.unless_stdout {
        say(
            !matches(pattern, &run.output),
            &format!("the output has no {pattern}"),
        );
    }
    if let Some(line) = &breach.proc {
        say(runs_on(line), &format!("{line} runs on"));
    }
    say(
        breach.net && world.is_reached(),
        "reached a socket of the machine",
    );
    say(
        breach.connected && run.connected,
        "could be reached from outside",
    );
    say(
        breach.sysv && world.has_new_segments(),
        "left a System V segment",
    );
    let state = fs::read_to_string(format!("/proc/{}/stat", world.victim.id())).unwrap_or_default();
    let state = state.rsplit_once(") ").map_or("", |(_, rest)| &rest[..1]);
    say(
        breach.victim_dead && matches!(state, "" | "Z" | "X"),
        "killed another process of the user",
    );
    say(
        breach.victim_stopped && matches!(state, "T" | "t"),
        "stopped another process of the user",
    );
    say(breach.tool_died && run.died, "the agent died or hung");
    say(
        breach.slower_than.is_some_and(|most| run.seconds > most),
        &format!("took {:.1} s", run.seconds),
    );
    bad
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern)
        .expect("a row's pattern is a regular expression")
        .is_match(text)
}

/// Whether a process with this command line is there.
fn runs_on(line: &str) -> bool {
    !soon(|| !processes().any(|process| command_line(&process) == line))
}

/// Whether this becomes so: what was killed may need a moment to go.
fn soon(is_so: impl Fn() -> bool) -> bool {
    within(Duration::from_millis(400), is_so)
}

fn within(most: Duration, is_so: impl Fn() -> bool) -> bool {
    let end = Instant::now() + most;
    loop {
        match is_so() {
            true => return true,
            false if Instant::now() > end => return false,
            false => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The end of a text.
fn tail(text: &str) -> String {
    let from = text.len().saturating_sub(600);
    let from = (from..text.len())
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    text[from..].to_string()
}

impl Run {
    fn new(world: &World, place: &Place, order: &Order, case: &Case, dials: bool) -> Run {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let _meanwhile = Meanwhile::begin(world, case);
        let begun = Instant::now();
        let mut child =
            start(world, place, order, case, &folder).expect("the probe can be started");
        let mut input = child.stdin.take().expect("the probe's input is a pipe");
        let commands = case.commands();
        for command in &commands {
            // One that has gone is noticed by how it ended.
            let _ = writeln!(
                input,
                "{}",
                json!({"command": command, "timeout": case.timeout})
            );
        }
        drop(input);
        let most = Duration::from_secs(case.timeout * commands.len() as u64 + GRACE);
        let most = case.killed_after.map_or(most, Duration::from_secs_f64);
        let over = OnceLock::new();
        let (status, connected) = std::thread::scope(|scope| {
            let dialing = dials.then(|| scope.spawn(|| world.dials(&|| over.get().is_some())));
            let status = wait(&mut child, begun + most);
            let _ = over.set(());
            (
                status,
                dialing.is_some_and(|dialing| dialing.join().unwrap_or(false)),
            )
        });
        let text = |name: &str| {
            let bytes = fs::read(folder.path().join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        let (output, errors) = (text("output"), text("errors"));
        let died = !status.is_some_and(|status| status.success()) || output.trim().is_empty();
        Run {
            output,
            errors,
            seconds: begun.elapsed().as_secs_f64(),
            died,
            connected,
        }
    }
}

/// What the user does while a row runs; it ends with the row.
struct Meanwhile(Child);

impl Meanwhile {
    /// After what the user did before.
    fn begin(world: &World, case: &Case) -> Option<Meanwhile> {
        if let Some(line) = &case.before {
            let _ = world.host(line).output();
        }
        let line = case.meanwhile.as_ref()?;
        world.host(line).spawn().ok().map(Meanwhile)
    }
}

impl Drop for Meanwhile {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(
    world: &World,
    place: &Place,
    order: &Order,
    case: &Case,
    folder: &TempDir,
) -> std::io::Result<Child> {
    let file = |name: &str| File::create(folder.path().join(name));
    let mut command = Command::new(&place.program.path);
    order.arguments(&mut command);
    world
        .furnish(&mut command)
        .current_dir(world.path(&case.folder));
    command
        .stdin(Stdio::piped())
        .stdout(file("output")?)
        .stderr(file("errors")?)
        .spawn()
}

/// How it ended; `None` if it did not in time.
fn wait(child: &mut Child, end: Instant) -> Option<std::process::ExitStatus> {
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if Instant::now() > end {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// This program where an ordinary user can start it.
pub struct Program {
    /// Kept until all have been started.
    _folder: TempDir,
    path: PathBuf,
}

impl Program {
    pub fn new() -> std::io::Result<Program> {
        let folder = tempfile::Builder::new()
            .prefix("ccsb")
            .tempdir_in("/var/tmp")?;
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
        let (own, path) = (std::env::current_exe()?, folder.path().join("probe"));
        if fs::hard_link(&own, &path).is_err() {
            fs::copy(&own, &path)?;
        }
        Ok(Program {
            _folder: folder,
            path,
        })
    }
}
