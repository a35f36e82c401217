//! The program `corecoder`: flags and environment in, an exit code out.
//!
//! Everything that works is in the engine and its extensions; here they are put together and shown to a person.

/// Prints a line; a reader that went away is no reason to stop working.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// Prints a line where the person looks: what they decide about must not go to a file unseen.
macro_rules! tell {
    ($($words:tt)*) => {{
        use std::io::{IsTerminal as _, Write as _};
        let _ = match std::io::stdout().is_terminal() {
            true => writeln!(std::io::stdout(), $($words)*),
            false => writeln!(std::io::stderr(), $($words)*),
        };
    }};
}

// What is given: flags, settings, and what the folder says.
mod args;
mod project;
mod settings;

// The agent, its models, its session, its own tools, and who watches it.
mod assemble;
mod backend;
mod keep;
mod known;
mod mcp;
mod outside;
mod person;
mod placed;
mod plan;
mod todo;
mod turn;
mod unsure;
mod walls;

// What a person sees and types.
mod attach;
mod change;
mod commands;
mod complete;
mod drawn;
mod editor;
mod held;
mod live;
mod notify;
mod outcome;
mod question;
mod repl;
mod screen;
mod status;
mod typing;
mod undo;
mod words;
mod work;

// One task, and the other commands.
mod cost;
mod demo;
mod doctor;
mod generate;
mod locate;
mod offers;
mod one_shot;
mod scripted;
mod sessions;
mod signals;
mod small;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use corecoder::{AgentError, ErrorKind};
use corecoder_sessions::list::Info;

use args::{Args, Command};
use backend::Backend;
use corecoder_mcp::Shepherd;
use corecoder_sandbox::Keeper;
use project::Project;
use walls::Walls;

/// The command line or the configuration is wrong; nothing was done.
const USAGE: u8 = 2;
/// A limit ended the run before it was done.
const LIMIT: u8 = 3;
/// The provider is unavailable after all tries (EX_TEMPFAIL in sysexits.h).
const UNAVAILABLE: u8 = 75;

/// What this program does under other names: it starts itself anew for that.
struct Own {
    keeper: Keeper,
    shepherd: Shepherd,
}

/// What a run begins with.
pub struct Start {
    pub args: Args,
    pub project: Project,
    pub backend: Backend,
    /// What keeps commands.
    pub walls: Walls,
    /// What looks after servers that are started.
    pub shepherd: Shepherd,
    /// The session to go on with.
    pub info: Option<Info>,
    /// What a person should know before.
    pub remarks: Vec<String>,
}

impl Start {
    /// What begins the session, as hooks call it.
    pub fn source(&self) -> &'static str {
        match self.info {
            Some(_) => "resume",
            None => "startup",
        }
    }
}

/// How the program ends by an error.
fn exit_code(error: &AgentError) -> ExitCode {
    match error {
        AgentError::Rounds(_) => ExitCode::from(LIMIT),
        AgentError::Model(error) if error.kind == ErrorKind::Limit => ExitCode::from(LIMIT),
        AgentError::Model(error) if error.kind.passes() => ExitCode::from(UNAVAILABLE),
        _ => ExitCode::FAILURE,
    }
}

/// Shows an error to a person, and says how the program ends by it.
fn report(error: &anyhow::Error) -> ExitCode {
    let words = words::plain(&format!("{error:#}"));
    // A terminal that has gone is no reason to crash.
    let _ = writeln!(std::io::stderr(), "corecoder: {words}");
    match error.downcast_ref::<AgentError>() {
        Some(error) => exit_code(error),
        None => ExitCode::FAILURE,
    }
}

fn main() -> ExitCode {
    let own = Own {
        keeper: Keeper::enter(),
        shepherd: Shepherd::enter(),
    };
    let args = Args::read();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return report(&error.into()),
    };
    let outcome = runtime.block_on(run(args, &own));
    // A search on another thread, or a line editor that waits for a key, must not hold up the end.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| report(&error))
}

async fn run(mut args: Args, own: &Own) -> anyhow::Result<ExitCode> {
    match args.command.take() {
        None => work(args, own).await,
        Some(Command::Demo) => demo::run(&own.keeper).await,
        Some(Command::Sessions { action, json }) => {
            let (_, data) = project::own();
            sessions::run(data.as_deref(), action, json)
        }
        Some(Command::Locate(args)) => locate::run(&args),
        Some(Command::Completions { shell }) => {
            Ok(generate::completions(shell).map(|()| ExitCode::SUCCESS)?)
        }
        Some(Command::Man) => generate::man().map(|()| ExitCode::SUCCESS),
        Some(command) => of_place(command, &args, own).await,
    }
}

/// The commands for which it matters where they are given.
async fn of_place(command: Command, args: &Args, own: &Own) -> anyhow::Result<ExitCode> {
    let project::Found {
        places, remarks, ..
    } = project::places(args, &here(), None);
    let mut project = match Project::read(args, places) {
        Ok(project) => project,
        Err(problem) => return Ok(usage(&problem)),
    };
    match command {
        Command::Doctor => Ok(doctor::run(args, &own.keeper, &mut project, &remarks).await),
        Command::Models { of, json } => Ok(offers::run(args, &project, of.as_deref(), json).await),
        Command::Mcp { action } => {
            let ended = mcp::command::run(&project.places, action, &own.shepherd);
            Ok(ended.await.unwrap_or_else(|problem| usage(&problem)))
        }
        Command::Cost { session, json } => cost::run(&project, session.as_deref(), json),
        _ => {
            show(args, own, &project, &remarks);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Every setting, and what is kept of it.
fn show(args: &Args, own: &Own, project: &Project, remarks: &[String]) {
    let meant = backend::meant(args, &project.places, &project.settings);
    settings::show::run(args, &project.settings, meant.as_ref());
    match Walls::up(&own.keeper, project) {
        Ok(walls) => say!("\n{}", walls.summary()),
        Err(why) => say!("\n{}", words::plain(&walls::lacking(&why))),
    }
    let remarks = remarks.iter().chain(&project.problems);
    remarks.for_each(|remark| eprintln!("corecoder: {}", words::plain(remark)));
}

/// A task, or a conversation.
async fn work(args: Args, own: &Own) -> anyhow::Result<ExitCode> {
    if let Some(problem) = args.unfit() {
        return Ok(usage(problem));
    }
    let task = match one_shot::task(&args)? {
        one_shot::Task::Empty => {
            return Ok(usage(
                "the prompt is empty; give one with -p, or start corecoder in a terminal",
            ));
        }
        task => task,
    };
    let is_terminal = matches!(task, one_shot::Task::Terminal(_));
    let start = match begin(args, own, is_terminal).await? {
        Ok(start) => start,
        Err(code) => return Ok(code),
    };
    match task {
        one_shot::Task::Terminal(first) => repl::run(start, first).await,
        task => one_shot::run(start, task).await,
    }
}

/// Finds session, folder and settings; `Err` is how the program ends without them.
async fn begin(
    args: Args,
    own: &Own,
    is_terminal: bool,
) -> anyhow::Result<Result<Start, ExitCode>> {
    let here = here();
    let (_, data) = project::own();
    let info = keep::wanted(&args.session, data.as_deref(), &here, sessions::pick)?;
    let (cwd, mut remarks) = keep::place(info.as_ref(), here);
    let mut found = project::places(&args, &cwd, None);
    if is_terminal && !found.undecided.is_empty() {
        match question::trust(&found.places.root, &found.undecided).await {
            Ok(None) => {}
            Ok(said) => found = project::places(&args, &cwd, said),
            Err(code) => return Ok(Err(code)),
        }
    }
    remarks.extend(found.remarks);
    let mut project = match Project::read(&args, found.places) {
        Ok(project) => project,
        Err(problem) => return Ok(Err(usage(&problem))),
    };
    remarks.extend(project.problems.iter().cloned());
    let walls = match walled(&own.keeper, &project, is_terminal).await {
        Ok(walls) => walls,
        Err(code) => return Ok(Err(code)),
    };
    let backend = Backend::new(&args, &project.places, &mut project.settings).await;
    let backend = match backend {
        Ok(backend) => backend,
        Err(problem) => return Ok(Err(usage(&problem))),
    };
    remarks.extend(backend.remarks.iter().cloned());
    Ok(Ok(Start {
        args,
        project,
        backend,
        walls,
        shepherd: own.shepherd.clone(),
        info,
        remarks,
    }))
}

/// The walls that the settings want. Where they can't be had, a person may go on without; `Err` is how the program ends
/// else.
async fn walled(keeper: &Keeper, project: &Project, is_terminal: bool) -> Result<Walls, ExitCode> {
    let why = match Walls::up(keeper, project) {
        Ok(walls) => return Ok(walls),
        Err(unavailable) => walls::lacking(&unavailable),
    };
    if is_terminal {
        return match question::without_sandbox(&why).await? {
            Some(true) => Ok(Walls::down(project)),
            _ => Err(ExitCode::from(USAGE)),
        };
    }
    Err(usage(&format!(
        "{why}\n  or go on without it: --sandbox off"
    )))
}

fn here() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."))
}

fn usage(message: &str) -> ExitCode {
    eprintln!("corecoder: {}", words::plain(message));
    ExitCode::from(USAGE)
}

const NO_KEY: &str = "no API key, and no model server on this machine. Set a key:

  export OPENAI_API_KEY=sk-...             # or ANTHROPIC_API_KEY, GEMINI_API_KEY, OPENROUTER_API_KEY, DEEPSEEK_API_KEY
  export CORECODER_API_KEY=... CORECODER_BASE_URL=https://llm.example.org/v1 CORECODER_MODEL=...     # any other

or start a local server, which needs none: Ollama, LM Studio, llama.cpp or vLLM on its usual port, or

  export CORECODER_BASE_URL=http://localhost:8080/v1 CORECODER_MODEL=qwen2.5-coder

A .env file in the project works too. To see the program at work without any key: corecoder demo";
