//! What keeps the commands of a run in their borders, and what is said of it.
//!
//! The invariant: without walls nothing is said to be kept, and where walls were wanted and can't be had, whoever
//! started the program decides about that, and not the program.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use corecoder::files::shown;
use corecoder::shell::Bash;
use corecoder::{Shell, Tool, ToolCall};
use corecoder_guard::Guard;
use corecoder_output::sandbox::Borders;
use corecoder_sandbox::{Access, Keeper, Network, Policy, Sandbox, Unavailable, confined};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::known;
use crate::project::Project;

/// What keeps commands; a clone is the same.
#[derive(Clone)]
pub struct Walls {
    /// `None` where nothing does.
    sandbox: Option<Arc<Sandbox>>,
    /// Where the session keeps files until it ends, in the place of the sandbox's own.
    folder: Option<Arc<TempDir>>,
    /// Somebody chose what commands may do, so that it holds where nobody can be asked, too.
    pub is_chosen: bool,
    home: Option<PathBuf>,
}

/// How a command runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// As the sandbox lets it.
    Within,
    /// In the sandbox, and it may only read.
    Reading,
    /// With the rights of the program itself.
    Outside,
}

impl Walls {
    /// Those that the settings want; none if they want none. Errors if they can't be had here.
    pub fn up(keeper: &Keeper, project: &Project) -> Result<Walls, Unavailable> {
        let policy = project.settings.sandbox.policy.as_ref();
        let sandbox = policy.filter(|_| is_for_this_system());
        let data = project.places.data.as_deref();
        let Some(policy) = sandbox else {
            return Ok(Walls::down(project));
        };
        Ok(Walls {
            sandbox: Some(Arc::new(known::sandbox(keeper, policy, data)?)),
            folder: None,
            is_chosen: project.settings.sandbox.is_chosen,
            home: project.places.home.clone(),
        })
    }

    /// None at all.
    pub fn down(project: &Project) -> Walls {
        Walls {
            sandbox: None,
            folder: folder(),
            is_chosen: project.settings.sandbox.is_chosen,
            home: project.places.home.clone(),
        }
    }

    /// The usual ones of this folder, if they can be had here.
    pub fn usual(keeper: &Keeper, folder: &Path) -> Walls {
        let (home, own) = crate::project::own();
        let policy = Policy {
            home: home.clone(),
            own,
            ..Policy::new(folder)
        };
        Walls {
            sandbox: Sandbox::new(keeper, &policy).ok().map(Arc::new),
            folder: None,
            is_chosen: false,
            home,
        }
    }

    pub fn stand(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Whether what this call does is kept by them, however it is written.
    pub fn keep(&self, call: &ToolCall) -> bool {
        self.stand() && call.name == "bash"
    }

    /// What is kept and by what, in a line for a person.
    pub fn summary(&self) -> String {
        match &self.sandbox {
            Some(sandbox) => format!("sandbox: {}", sandbox.summary()),
            None if !is_for_this_system() => NONE_HERE.to_string(),
            None => NONE.to_string(),
        }
    }

    /// The same for programs. `reading` says that commands may only read for now, whatever the settings say.
    pub fn told(&self, reading: bool) -> corecoder_output::Sandbox {
        let Some(sandbox) = &self.sandbox else {
            return corecoder_output::Sandbox::default();
        };
        let policy = sandbox.policy();
        let access = match policy.access {
            Access::WorkspaceWrite if !reading => "workspace-write",
            _ => "read-only",
        };
        let network = match &policy.network {
            Network::None => Vec::new(),
            Network::Hosts(hosts) => hosts.clone(),
            Network::All => vec!["*".to_string()],
        };
        corecoder_output::Sandbox::On(Borders {
            access: access.to_string(),
            network,
            mechanism: sandbox.mechanism().to_string(),
        })
    }

    /// The shell for a command that runs this way. Slips are refused in each.
    pub fn shell(&self, way: Way) -> Guard<Runner> {
        let runner = Runner {
            sandbox: self.sandbox.clone().filter(|_| way != Way::Outside),
            folder: self.folder.clone(),
            way,
        };
        Guard::new(runner, self.home.clone())
    }

    /// Where the session keeps files until it ends; commands can read them.
    pub fn scratch(&self) -> PathBuf {
        let shell = self.shell(Way::Within);
        shell
            .scratch()
            .map_or_else(std::env::temp_dir, PathBuf::from)
    }

    /// The tools, of which those that read files show no more than commands see.
    pub fn confined(&self, tools: Vec<Arc<dyn Tool>>) -> Vec<Arc<dyn Tool>> {
        match &self.sandbox {
            Some(sandbox) => confined(tools, sandbox.policy()),
            None => tools,
        }
    }

    /// What is not read, with links resolved; nothing where there are no walls.
    pub fn hidden(&self) -> Vec<PathBuf> {
        let sandbox = self.sandbox.as_ref();
        sandbox.map_or_else(Vec::new, |sandbox| sandbox.policy().hidden())
    }

    /// What the model is told of the borders; the same for the whole session. `reading` says that commands only write
    /// where the user allowed it.
    pub fn words(&self, reading: bool) -> Option<String> {
        let policy = self.sandbox.as_ref()?.policy();
        let folders = policy
            .add_dirs
            .iter()
            .map(|folder| format!(", in {}", shown(folder)));
        let folders = folders.collect::<String>();
        let write = match policy.access {
            Access::ReadOnly => "they write in $TMPDIR only".to_string(),
            Access::WorkspaceWrite if reading => {
                "they write in $TMPDIR only, unless the user allowed more".to_string()
            }
            Access::WorkspaceWrite => {
                format!("they write in the working directory{folders} and in $TMPDIR only")
            }
        };
        let reach = match &policy.network {
            Network::None => "reach no network".to_string(),
            Network::Hosts(hosts) => format!("reach {} only, by HTTP", hosts.join(", ")),
            Network::All => "reach the network".to_string(),
        };
        Some(format!(
            "Commands run in a sandbox: {write}, {reach}, and all that they start ends with the call. What they make in /tmp goes with the session."
        ))
    }
}

/// What a person reads who decides whether to go on without a sandbox.
pub fn lacking(why: &Unavailable) -> String {
    let mut words = "the sandbox in which commands run can't be had here:".to_string();
    for (mechanism, why) in &why.tried {
        words += &format!("\n    {mechanism}: {why}");
    }
    format!("{words}\n  {}", why.cure())
}

pub const NONE: &str = "no sandbox: commands run with your rights";
const NONE_HERE: &str =
    "no sandbox: there is none for Windows yet, so commands run with your rights";

fn is_for_this_system() -> bool {
    !cfg!(windows)
}

/// `None` where none can be made, which is no reason not to work.
fn folder() -> Option<Arc<TempDir>> {
    let made = tempfile::Builder::new().prefix("corecoder-").tempdir();
    made.ok().map(Arc::new)
}

/// The shell of one way.
pub struct Runner {
    sandbox: Option<Arc<Sandbox>>,
    folder: Option<Arc<TempDir>>,
    way: Way,
}

impl Shell for Runner {
    fn command(&self, line: &str) -> Command {
        match &self.sandbox {
            Some(sandbox) if self.way == Way::Reading => sandbox.reading(line),
            Some(sandbox) => sandbox.command(line),
            None => Bash.command(line),
        }
    }

    fn scratch(&self) -> Option<&Path> {
        match &self.sandbox {
            Some(sandbox) => sandbox.scratch(),
            None => self.folder.as_ref().map(|folder| folder.path()),
        }
    }

    fn may_write(&self, path: &Path) -> Result<(), String> {
        let sandbox = self.sandbox.as_ref();
        sandbox.map_or(Ok(()), |sandbox| sandbox.may_write(path))
    }

    fn hidden(&self) -> Vec<PathBuf> {
        let sandbox = self.sandbox.as_ref();
        sandbox.map_or_else(Vec::new, |sandbox| sandbox.hidden())
    }

    fn patience(&self) -> Duration {
        self.sandbox
            .as_ref()
            .map_or_else(|| Bash.patience(), |sandbox| sandbox.patience())
    }

    fn spawn(&self, command: Command) -> io::Result<Child> {
        match &self.sandbox {
            Some(sandbox) => sandbox.spawn(command),
            None => Bash.spawn(command),
        }
    }
}
