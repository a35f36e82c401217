//! The `Shell` that runs each command below a keeper, and says where files may be written.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use corecoder::Shell;
use corecoder::files::shown;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::borders::{Borders, Change, PREFIX, Refused, sweep, temporary};
use crate::mechanism::{Job, Keeper, Mechanism, Unavailable};
use crate::policy::{Access, Network, Policy};
use crate::repository;

/// Runs commands within a policy that is kept. Dropping it removes what its commands left in shared folders.
pub struct Sandbox {
    keeper: Keeper,
    policy: Policy,
    mechanism: Mechanism,
    scratch: TempDir,
    /// In it, where commands keep their temporary files.
    temporary: PathBuf,
    /// Held as long as the session lives, so that others see that it does.
    _lock: File,
    /// Keepers hold the one end, and learn from the closing of the other that nobody waits for them any more.
    lifeline: (PipeReader, PipeWriter),
}

impl Sandbox {
    /// With the strongest mechanism that keeps the policy on this machine.
    pub fn new(keeper: &Keeper, policy: &Policy) -> Result<Sandbox, Unavailable> {
        let mut tried = Vec::new();
        for mechanism in Mechanism::all() {
            match Sandbox::under(*mechanism, keeper, policy) {
                Ok(sandbox) => return Ok(sandbox),
                Err(why) => tried.push((*mechanism, why)),
            }
        }
        Err(Unavailable { tried })
    }

    /// With this mechanism, which is tried; `Err` says why it can't keep the policy here.
    pub fn under(
        mechanism: Mechanism,
        keeper: &Keeper,
        policy: &Policy,
    ) -> Result<Sandbox, String> {
        let sandbox = Sandbox::known(mechanism, keeper, policy)?;
        keeper.tries(&sandbox.job())?;
        Ok(sandbox)
    }

    /// With a mechanism that was tried before with such a policy: each command still fails where it can't be kept.
    pub fn known(
        mechanism: Mechanism,
        keeper: &Keeper,
        policy: &Policy,
    ) -> Result<Sandbox, String> {
        if mechanism == Mechanism::Namespaces
            && policy.roots().iter().any(|root| root == Path::new("/"))
        {
            return Err(
                "the root of the file system can't be mounted anew over itself".to_string(),
            );
        }
        let fail = |error: io::Error| format!("no temporary folder can be made: {error}");
        let scratch = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir()
            .map_err(fail)?;
        sweep_others(scratch.path().parent().unwrap_or(Path::new("/tmp")));
        let lock = File::create(scratch.path().join(LOCK)).map_err(fail)?;
        lock.lock().map_err(fail)?;
        let temporary = temporary(scratch.path());
        fs::create_dir(&temporary).map_err(fail)?;
        let sandbox = Sandbox {
            keeper: keeper.clone(),
            policy: policy.clone(),
            mechanism,
            scratch,
            temporary,
            _lock: lock,
            lifeline: io::pipe().map_err(fail)?,
        };
        sandbox.job().text()?;
        Ok(sandbox)
    }

    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// What commands may do.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What is kept and by what, in a line for a person.
    pub fn summary(&self) -> String {
        let policy = &self.policy;
        let access = match policy.access {
            Access::ReadOnly => "commands only read",
            Access::WorkspaceWrite => "commands write in this folder alone",
        };
        let added = match policy.add_dirs.len() {
            0 => String::new(),
            _ => {
                let names: Vec<String> = policy.add_dirs.iter().map(|path| shown(path)).collect();
                format!(" (and {})", names.join(", "))
            }
        };
        let network = match &policy.network {
            Network::None => "no network".to_string(),
            Network::Hosts(hosts) => format!("network: {}", hosts.join(", ")),
            Network::All => "the whole network".to_string(),
        };
        format!("{access}{added}, {network} ({})", self.mechanism)
    }

    /// As [`Shell::command`], for a command that may only read, whatever the policy says.
    pub fn reading(&self, line: &str) -> Command {
        let mut job = self.job();
        job.policy.access = Access::ReadOnly;
        self.process(&job, line)
    }

    fn job(&self) -> Job {
        Job {
            policy: self.policy.clone(),
            mechanism: self.mechanism,
            scratch: self.scratch.path().to_path_buf(),
        }
    }

    /// The process for a line that is to do this job.
    fn process(&self, job: &Job, line: &str) -> Command {
        // That the job can be written down was seen when the sandbox was made.
        let command = self.keeper.command(job, line);
        let mut command =
            Command::from(command.unwrap_or_else(|_| std::process::Command::new("false")));
        command.env_clear().envs(self.environment());
        command
    }

    /// The environment of a command: the agent's own, less what looks like a key, with a temporary folder of its own.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let temporary = self.temporary.clone();
        let kept = std::env::vars_os()
            .filter(|(name, _)| !self.policy.hides_variable(&name.to_string_lossy()));
        let mut kept: Vec<(OsString, OsString)> = kept.collect();
        let mut or_else = |name: &str, value: OsString| {
            if !kept.iter().any(|(known, _)| known == name) {
                kept.push((name.into(), value));
            }
        };
        // Go builds nothing without a cache that it can write.
        or_else("GOCACHE", temporary.join("go-build").into());
        // npm packs nothing without one either.
        or_else("npm_config_cache", temporary.join("npm").into());
        // The search for leaks traces its own process, which is refused; without it the sanitizer works.
        or_else("ASAN_OPTIONS", "detect_leaks=0".into());
        // Where others' servers listen, this one's could not; it ends with the command anyway.
        or_else("TMUX_TMPDIR", temporary.clone().into());
        // What tidies up a repository in the background would be ended in the middle of it: git-maintenance(1).
        or_else("GIT_CONFIG_COUNT", "2".into());
        or_else("GIT_CONFIG_KEY_0", "maintenance.autoDetach".into());
        or_else("GIT_CONFIG_VALUE_0", "false".into());
        or_else("GIT_CONFIG_KEY_1", "gc.autoDetach".into());
        or_else("GIT_CONFIG_VALUE_1", "false".into());
        if self.policy.network == Network::None {
            // Trying again would take them a minute.
            or_else("npm_config_fetch_retries", "0".into());
            or_else("PIP_RETRIES", "0".into());
            or_else("CARGO_NET_RETRY", "0".into());
        }
        kept.push(("TMPDIR".into(), temporary.into()));
        kept
    }
}

impl Shell for Sandbox {
    fn command(&self, line: &str) -> Command {
        self.process(&self.job(), line)
    }

    fn scratch(&self) -> Option<&Path> {
        Some(&self.temporary)
    }

    fn may_write(&self, path: &Path) -> Result<(), String> {
        let mut borders = Borders::new(&self.policy, self.scratch.path());
        let change = match path.symlink_metadata() {
            Ok(_) => Change::Write,
            Err(_) => Change::Make,
        };
        let refused = |refused: Refused| {
            let open: Vec<String> = borders_shown(&self.policy);
            format!(
                "{} can't be written: {}. The sandbox lets files be written in: {}. Say what you need if it must be there.",
                shown(path),
                refused.rule(),
                open.join(", ")
            )
        };
        // What a command did there is looked at when it ends, after which no command may follow.
        if !path.starts_with(&self.temporary) && repository::holds(path) {
            return Err(refused(Refused::Repository));
        }
        borders.judge(path, change).map_err(refused)?;
        borders.note(path);
        Ok(())
    }

    fn hidden(&self) -> Vec<PathBuf> {
        self.policy.hidden()
    }

    fn patience(&self) -> Duration {
        ENDING
    }

    fn spawn(&self, mut command: Command) -> io::Result<Child> {
        if self.mechanism != Mechanism::Seatbelt {
            command.stdin(self.lifeline.0.try_clone()?);
        }
        command.spawn()
    }
}

fn borders_shown(policy: &Policy) -> Vec<String> {
    let mut open: Vec<String> = policy.roots().iter().map(|path| shown(path)).collect();
    open.push("$TMPDIR".to_string());
    open
}

const LOCK: &str = "lock";
/// A session has locked its folder by then.
const SETTLED: Duration = Duration::from_secs(60);

/// The keeper holds the output until all is dead. Thousands of processes take seconds on a busy machine.
const ENDING: Duration = Duration::from_secs(60);

/// Removes what sessions left that were killed.
fn sweep_others(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_ours = |entry: &fs::DirEntry| {
        entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
    };
    for entry in entries.filter(is_ours) {
        let scratch = entry.path();
        // Somebody else could have any file of ours removed by a list of theirs.
        let is_own = entry.metadata().is_ok_and(|folder| {
            let (user, mode) = (rustix::process::geteuid().as_raw(), folder.mode());
            folder.is_dir() && folder.uid() == user && mode & 0o077 == 0
        });
        if !is_own {
            continue;
        }
        // One that was just made may not be locked yet.
        let age = entry.metadata().and_then(|folder| folder.modified()).ok();
        if age
            .and_then(|made| made.elapsed().ok())
            .is_none_or(|age| age < SETTLED)
        {
            continue;
        }
        let lock = File::options().write(true).open(scratch.join(LOCK));
        // Another user's can't be opened, and a session that lives holds its own.
        if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
            sweep(&scratch);
            let _ = fs::remove_dir_all(&scratch);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        sweep(self.scratch.path());
    }
}
