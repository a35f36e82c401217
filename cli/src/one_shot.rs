//! `-p`: one task, its answer on standard output, its progress on standard error; or, for scripts, lines of JSON.

use std::io::{IsTerminal, Read};
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use corecoder::Host;
use corecoder_output::{Form, Printer, Schema, Setup};

use crate::args::{Args, InputFormat, OutputArgs, OutputFormat};
use crate::keep::{self, Kept};
use crate::mcp::Mcp;
use crate::person::Person;
use crate::project::claude;
use crate::screen::{Screen, Show};
use crate::scripted::{Run, Stopped};
use crate::signals::{Interrupt, Signals};
use crate::status::Bill;
use crate::typing::Message;
use crate::words::plain;
use crate::{Start, assemble, commands, unsure};

/// Where the task comes from.
pub enum Task {
    Message(Message),
    Empty,
    /// Lines of JSON on standard input.
    Lines,
    /// A person will type, and may have begun on the command line.
    Terminal(Option<String>),
}

/// The task of the command line with what was piped in below it.
pub fn task(args: &Args) -> anyhow::Result<Task> {
    let stdin = std::io::stdin();
    if args.output.input_format == InputFormat::StreamJson {
        return Ok(Task::Lines);
    }
    let given = [args.prompt.clone(), args.task.clone()];
    let given: Vec<String> = given
        .into_iter()
        .flatten()
        .filter(|text| !text.trim().is_empty())
        .collect();
    let mut message = Message::new(given.join("\n\n"));
    if stdin.is_terminal() {
        return Ok(match (&args.prompt, message.text.is_empty()) {
            (None, true) => Task::Terminal(None),
            (None, false) => Task::Terminal(Some(message.text)),
            (Some(_), true) => Task::Empty,
            (Some(_), false) => Task::Message(message),
        });
    }
    message.piped = String::from_utf8_lossy(&read_all(stdin)?).into_owned();
    Ok(match message.whole().is_empty() {
        true => Task::Empty,
        false => Task::Message(message),
    })
}

/// Reads standard input to its end; says so when that takes a while, since it may never come.
fn read_all(mut stdin: std::io::Stdin) -> anyhow::Result<Vec<u8>> {
    let (sender, done) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if done.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
            eprintln!(
                "corecoder: waiting for the end of standard input (</dev/null if there is none)"
            );
        }
    });
    let mut piped = Vec::new();
    stdin.read_to_end(&mut piped)?;
    drop(sender);
    Ok(piped)
}

/// Does the task, or all that come in on standard input.
pub async fn run(start: Start, task: Task) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    Signals::insist(None);
    let schema = match prepared(&start.args.output) {
        Ok(schema) => schema,
        Err(problem) => return Ok(crate::usage(&problem)),
    };
    let screen = Arc::new(Screen::new(Show {
        answer: false,
        details: start.project.settings.verbose,
    }));
    let config = &start.project.settings.config;
    let mut kept = keep::open(start.args.session.fork, config, start.info.as_ref())?;
    remark(&start, &kept);
    let person = Person::new(screen.clone(), &start.project, &start.walls, false);
    let person = Arc::new(person);
    if let Some(code) = start_servers(&start, &person, &mut signals).await {
        return Ok(code);
    }
    let printer = printer(&start, &kept, &person);
    let host: Arc<dyn Host> = match &printer {
        Some(printer) => printer.clone(),
        None => person.clone(),
    };
    let agent = match assemble::agent(&start, &mut kept, &person, host) {
        Ok(agent) => agent,
        Err(problem) => return Ok(crate::usage(&problem)),
    };
    let mut run = Run {
        agent,
        start,
        person,
        printer,
        schema,
        before: Bill::default(),
    };
    screen.begin(String::new(), false);
    let ended = until_stopped(&mut run, task, signals, &kept).await;
    screen.end();
    run.person.leave().await;
    unsure::keep(&run.start, &kept);
    told(run, ended, &kept)
}

/// Starts what servers there are, and waits for them as long as is wanted. `Some` is how the program ends by a signal.
async fn start_servers(
    start: &Start,
    person: &Arc<Person>,
    signals: &mut Signals,
) -> Option<ExitCode> {
    person.works_with(Mcp::start(start, person));
    let mcp = person.mcp()?;
    tokio::select! {
        () = mcp.settled() => None,
        interrupt = signals.next() => Some(match interrupt {
            Interrupt::Leave(code) => code,
            Interrupt::Cancel => ExitCode::from(130),
        }),
    }
}

/// Says what a person should know before.
fn remark(start: &Start, kept: &Kept) {
    let summary = start.walls.summary();
    let details = start.project.settings.verbose.then_some(&summary);
    let remarks = start.remarks.iter().chain(&kept.remarks).chain(details);
    remarks.for_each(|remark| eprintln!("corecoder: {}", plain(remark)));
}

/// Says how a run ended that did not end well, and with which code.
fn told(
    run: Run,
    ended: Result<anyhow::Result<ExitCode>, Stopped>,
    kept: &Kept,
) -> anyhow::Result<ExitCode> {
    let code = match ended {
        Ok(code) => code?,
        Err(stopped) => return run.stopped(stopped, kept),
    };
    if run.is_unread() {
        return run.stopped(Stopped::Unread, kept);
    }
    if code != ExitCode::SUCCESS {
        eprintln!(
            "corecoder: not done{}{}",
            keep::hint(kept),
            again(&run.start, code)
        );
    }
    Ok(code)
}

/// The limits of this run as flags, which the next one needs too: twice as high where they ended this one.
fn again(start: &Start, code: ExitCode) -> String {
    let limits = start.backend.ledger.limits();
    let factor: u32 = match code == ExitCode::from(crate::LIMIT) {
        true => 2,
        false => 1,
    };
    let dollars = limits
        .session
        .map(|dollars| format!(" --max-cost {}", dollars * f64::from(factor)));
    let tokens = limits.tokens.map(|tokens| {
        format!(
            " --max-tokens-total {}",
            tokens.saturating_mul(factor.into())
        )
    });
    [dollars, tokens].into_iter().flatten().collect()
}

async fn until_stopped(
    run: &mut Run,
    task: Task,
    mut signals: Signals,
    kept: &Kept,
) -> Result<anyhow::Result<ExitCode>, Stopped> {
    let (screen, printer) = (run.person.screen.clone(), run.printer.clone());
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let mut failed = pin!(keep::failed(kept.session.clone()));
    let mut work = pin!(run.work(task));
    loop {
        tokio::select! {
            // The work first, so that what was said is noted down before anything stops it.
            biased;
            code = &mut work => return Ok(code),
            why = &mut failed => return Err(Stopped::Unsaved(why)),
            interrupt = signals.next() => return Err(Stopped::Interrupted(interrupt)),
            _ = tick.tick() => {
                screen.refresh();
                if printer.as_ref().is_some_and(|printer| printer.closed()) {
                    return Err(Stopped::Unread);
                }
            }
        }
    }
}

/// What a run writes and what its answer must fit, looked at before anything is done. `Err` is what is wrong with them.
fn prepared(output: &OutputArgs) -> Result<Option<Schema>, String> {
    let schema = output.output_schema.as_deref().map(Schema::read);
    if let Some(file) = &output.output {
        let failed = |error| format!("the answer can't be written to {}: {error}", file.display());
        writable(file).map_err(failed)?;
    }
    schema.transpose()
}

/// Errors if a file can't be written; leaves none behind that was not there.
fn writable(file: &Path) -> std::io::Result<()> {
    let is_new = std::fs::symlink_metadata(file).is_err();
    // A pipe is opened once, for its reader takes the closing for the end.
    if std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return Ok(());
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true).open(file)?;
    match is_new {
        true => std::fs::remove_file(file),
        false => Ok(()),
    }
}

fn printer(start: &Start, kept: &Kept, person: &Arc<Person>) -> Option<Arc<Printer>> {
    let output = &start.args.output;
    let form = match output.output_format {
        OutputFormat::Text => return None,
        OutputFormat::Json => Form::Json,
        OutputFormat::StreamJson => Form::StreamJson {
            partial: output.include_partial_messages,
        },
    };
    let project = &start.project;
    let setup = Setup {
        session_id: kept
            .session
            .as_ref()
            .map(|session| session.id().to_string())
            .unwrap_or_default(),
        model: project.settings.config.model.clone(),
        cwd: project.places.cwd.clone(),
        tools: assemble::names(start, person),
        mcp_servers: person.mcp().map(|mcp| mcp.statuses()).unwrap_or_default(),
        permission_mode: claude(project.mode).to_string(),
        slash_commands: commands::names(project)
            .iter()
            .map(|name| name[1..].to_string())
            .collect(),
        skills: project
            .skills
            .list
            .iter()
            .map(|skill| skill.name.clone())
            .collect(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        sandbox: start.walls.told(person.only_reads()),
    };
    let out = Box::new(std::io::stdout());
    Some(Arc::new(Printer::new(person.clone(), setup, form, out)))
}
