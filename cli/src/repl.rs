//! The interactive session: a prompt, the agent, and what is typed while it works.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::style;
use corecoder::files::shown;
use corecoder::{Agent, AgentError, Config, Entry, Kit};
use corecoder_guard::permissions::Mode;
use parking_lot::Mutex;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;

use crate::assemble;
use crate::commands;
use crate::complete::{Completions, Models};
use crate::editor::Editor;
use crate::keep::{self, Kept};
use crate::mcp::Mcp;
use crate::person::Person;
use crate::screen::{Screen, Show};
use crate::signals::{HUNG_UP, Interrupt, Signals};
use crate::turn::{self, Turn};
use crate::typing::{Message, Quiet};
use crate::words::plain;
use crate::work::{Ended, until_interrupted};
use crate::{Start, notify, unsure};

pub struct Repl {
    pub agent: Agent,
    pub kept: Kept,
    pub person: Arc<Person>,
    pub start: Start,
    pub signals: Signals,
    /// The kit of the agent, for keys that are pressed while the agent is busy.
    pub kit: Arc<Mutex<Kit>>,
    /// The names that Tab completes.
    pub models: Models,
    editor: Editor,
    /// What was typed and not sent; the prompt begins with it.
    begun: String,
    /// Until when another Ctrl+C leaves the program.
    leave_until: Option<Instant>,
}

/// What the person typed.
enum Line {
    Message(Message),
    Interrupted,
    Leave(ExitCode),
}

pub async fn run(start: Start, first: Option<String>) -> anyhow::Result<ExitCode> {
    Signals::insist(tcgetattr(std::io::stdin()).ok());
    let _quiet = Quiet::new();
    let config = &start.project.settings.config;
    let screen = Arc::new(Screen::new(Show {
        answer: true,
        details: start.project.settings.verbose,
    }));
    let mut kept = keep::open(start.args.session.fork, config, start.info.as_ref())?;
    let person = Person::new(screen.clone(), &start.project, &start.walls, true);
    let person = Arc::new(person);
    person.works_with(Mcp::start(&start, &person));
    let agent = match assemble::agent(&start, &mut kept, &person, person.clone()) {
        Ok(agent) => agent,
        Err(problem) => return Ok(crate::usage(&problem)),
    };
    ask_for_more(&start, &person);
    greet(&start, &kept, agent.history(), &screen);
    let kit = Arc::new(Mutex::new(agent.kit().clone()));
    let models = Models::new(start.backend.main().clone());
    let editor = editor(&start, &person, &kit, models.clone())?;
    turn::begin(&agent, &person, start.source()).await;
    if let Some(first) = first {
        screen.queue(Message::new(first));
    }
    let mut repl = Repl {
        agent,
        kept,
        person,
        start,
        signals: Signals::new()?,
        kit,
        models,
        editor,
        begun: String::new(),
        leave_until: None,
    };
    let code = repl.run().await?;
    repl.person.leave().await;
    unsure::keep(&repl.start, &repl.kept);
    take_leave(&repl.kept);
    Ok(code)
}

/// Says how to go on.
fn take_leave(kept: &Kept) {
    let session = kept.session.as_ref();
    if let Some(session) = session.filter(|session| session.path().exists()) {
        let id = session.id();
        let words = format!("corecoder -c goes on with this, or corecoder -r {id}");
        say!("{}", style(words).dim());
    }
}

/// Where a limit leaves no room, the person is asked.
fn ask_for_more(start: &Start, person: &Arc<Person>) {
    let person = person.clone();
    start.backend.ledger.on_short(Arc::new(move |short| {
        let person = person.clone();
        Box::pin(async move { person.raise(short).await })
    }));
}

fn greet(start: &Start, kept: &Kept, history: &[Entry], screen: &Screen) {
    say!(
        "{} {} · {} · {}\n{}",
        style("CoreCoder").bold(),
        env!("CARGO_PKG_VERSION"),
        plain(&model(&start.project.settings.config)),
        shown(&start.project.places.cwd),
        style("/help for help, Shift+Tab for the mode, Ctrl+D to leave").dim()
    );
    say!("{}", style(plain(&start.walls.summary())).dim());
    recall(history, screen);
    for remark in start.remarks.iter().chain(&kept.remarks) {
        say!("{}", style(plain(remark)).yellow());
    }
}

/// The model, and where it is, unless that is OpenAI.
fn model(config: &Config) -> String {
    let url = config.base_url.as_deref().unwrap_or_default();
    let host = url
        .split("://")
        .last()
        .and_then(|rest| rest.split('/').next()?.rsplit('@').next());
    match host.unwrap_or_default() {
        "" => config.model.clone(),
        host => format!("{} at {host}", config.model),
    }
}

fn editor(
    start: &Start,
    person: &Arc<Person>,
    kit: &Arc<Mutex<Kit>>,
    models: Models,
) -> anyhow::Result<Editor> {
    let completions = Completions {
        commands: commands::names(&start.project),
        folder: start.project.places.cwd.clone(),
        models,
        mcp: person.mcp(),
        runtime: tokio::runtime::Handle::current(),
    };
    let (shown, switched, kit) = (person.clone(), person.clone(), kit.clone());
    let status = Arc::new(move || shown.screen.status_now().line(shown.modes.get()));
    let next_mode = move || {
        switched.next_mode(&kit.lock());
    };
    Editor::new(
        history_file(&start.project.settings.config),
        completions,
        status,
        next_mode,
    )
}

fn history_file(config: &Config) -> Option<PathBuf> {
    Some(config.home.as_ref()?.join(".corecoder_history"))
}

impl Repl {
    async fn run(&mut self) -> anyhow::Result<ExitCode> {
        loop {
            self.tell_status();
            if let Some(mcp) = self.person.mcp() {
                mcp.tell(&self.person);
            }
            match self.read().await? {
                Line::Leave(code) => return Ok(code),
                Line::Interrupted => {
                    if self.leave_until.is_some_and(|until| Instant::now() < until) {
                        return Ok(ExitCode::from(130));
                    }
                    self.leave_until = Some(Instant::now() + Duration::from_secs(2));
                    say!("{}", style("Ctrl+C again, or Ctrl+D, leaves").dim());
                }
                Line::Message(message) => {
                    if let Some(code) = self.obey(message).await {
                        return Ok(code);
                    }
                }
            }
        }
    }

    /// Does what a line says. `Some` means that the program is to end.
    async fn obey(&mut self, message: Message) -> Option<ExitCode> {
        match message.text.trim() {
            "" => None,
            "quit" | "exit" | "/quit" | "/exit" => Some(ExitCode::SUCCESS),
            command if commands::is_command(command) => self.command(command).await,
            command if command.starts_with('!') => self.shell(command).await,
            _ => self.chat(message).await,
        }
    }

    /// One line: what was sent while the agent worked, else from the prompt. A signal that ends the program puts the
    /// terminal back first.
    async fn read(&mut self) -> anyhow::Result<Line> {
        if let Some(message) = self.person.screen.take_first() {
            say!("> {}", plain(&message.text));
            return Ok(Line::Message(message));
        }
        let terminal = tcgetattr(std::io::stdin()).ok();
        let begun = std::mem::take(&mut self.begun) + &self.person.screen.take_typed();
        let editor = self.editor.clone();
        let mut reading = tokio::task::spawn_blocking(move || editor.read(&begun));
        loop {
            tokio::select! {
                line = &mut reading => return Ok(match line? {
                    Ok(line) => Line::Message(Message::new(line)),
                    Err(ReadlineError::Interrupted) => Line::Interrupted,
                    Err(ReadlineError::Eof) => Line::Leave(ExitCode::SUCCESS),
                    Err(_) if tcgetattr(std::io::stdin()).is_err() => Line::Leave(ExitCode::from(HUNG_UP)),
                    Err(error) => return Err(error.into()),
                }),
                interrupt = self.signals.next() => if let Interrupt::Leave(code) = interrupt {
                    if let Some(terminal) = terminal {
                        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &terminal);
                    }
                    self.person.screen.leave_line();
                    return Ok(Line::Leave(code));
                },
            }
        }
    }

    /// Lets the agent work. `Some` means that the program is to end.
    pub async fn chat(&mut self, message: Message) -> Option<ExitCode> {
        let began = Instant::now();
        let limit = self.start.project.settings.limits.time;
        let turn = turn::run(&mut self.agent, &self.person, message);
        let work = turn::within(limit, &self.person.screen, turn);
        let ended =
            until_interrupted(work, &mut self.signals, &self.person, &self.kit, &self.kept).await;
        notify::after(
            began.elapsed(),
            &self.start.project.settings,
            "CoreCoder has answered",
        );
        match ended {
            Ended::Done(outcome) => {
                let failed = outcome.is_err();
                self.tell(outcome).await;
                if failed {
                    self.take_back();
                }
                None
            }
            other => self.interrupted(other),
        }
    }

    /// What was sent and not said goes back to the prompt, also what the agent was given and did not get to.
    fn take_back(&mut self) {
        let inbox = &self.agent.kit().inbox;
        let mut lines = Vec::new();
        for entry in inbox.take() {
            match entry {
                Entry::User(text) => lines.push(text),
                other => inbox.post(other),
            }
        }
        let queued = self.person.screen.take_queue(|_| true);
        lines.extend(queued.into_iter().map(|queued| queued.text));
        lines.push(self.person.screen.take_typed());
        lines.retain(|line| !line.is_empty());
        self.begun = lines.join("\n");
    }

    /// What is left to say of a run; a good answer was streamed.
    async fn tell(&mut self, outcome: Result<Turn, AgentError>) {
        match outcome {
            Ok(Turn::Blocked(why)) => say!("{}", style(plain(&why)).yellow()),
            Ok(Turn::Answered(answer)) if answer.trim().is_empty() => {
                say!("{}", style("(no answer)").dim());
            }
            Ok(Turn::Answered(_)) if self.person.modes.get() == Mode::Plan => {
                let words = "still in plan mode: nothing was changed; Shift+Tab leaves it";
                say!("{}", style(words).dim());
            }
            Ok(Turn::Answered(_)) => {}
            Err(AgentError::Rounds(rounds)) => {
                let words = format!("stopped after {rounds} rounds; say \"continue\" to go on");
                say!("{}", style(words).yellow());
            }
            Err(error) => {
                let label = style("error:").red().bold();
                say!("{label} {}", plain(&error.to_string()));
                if let AgentError::Model(error) = &error
                    && let Some(advice) =
                        crate::doctor::advice(self.start.backend.main(), error).await
                {
                    say!("{}", plain(&advice));
                }
            }
        }
    }

    /// Says why work stopped before its end. `Some` means that the program is to end.
    pub fn interrupted<T>(&mut self, ended: Ended<T>) -> Option<ExitCode> {
        match ended {
            Ended::Interrupted(Interrupt::Leave(code)) => {
                self.person.screen.leave_line();
                return Some(code);
            }
            Ended::Interrupted(Interrupt::Cancel) => {
                // Whoever presses twice at once wants out; whoever waits wants the prompt.
                self.leave_until = Some(Instant::now() + Duration::from_millis(400));
                let words = "stopped; the conversation goes on from here";
                say!("{}", style(words).yellow());
            }
            Ended::Unsaved(why) => {
                let label = style("error:").red().bold();
                say!(
                    "{label} {}; the turn was stopped. Make room and say \"continue\"",
                    plain(&why)
                );
            }
            Ended::Done(_) => {}
        }
        self.take_back();
        None
    }

    /// Brings the status line up to date.
    pub fn tell_status(&mut self) {
        let (used, window) = self.agent.size();
        let kit = self.agent.kit();
        let model = kit.model.name().to_string();
        self.person.screen.status(|status| {
            (status.model, status.used, status.window) = (model, used, window);
        });
    }
}

/// Reminds of what was said last.
fn recall(history: &[Entry], screen: &Screen) {
    let said = history.iter().rev().find_map(|entry| match entry {
        Entry::User(text) => Some(text.as_str()),
        _ => None,
    });
    let answer = history.last().and_then(|entry| match entry {
        Entry::Round(round) => Some(round.reply().text.as_str()),
        _ => None,
    });
    let first = |text: &str| text.lines().take(8).collect::<Vec<_>>().join("\n");
    if let Some(said) = said {
        say!("{}", style(format!("> {}", plain(&first(said)))).dim());
    }
    if let Some(answer) = answer.filter(|answer| !answer.is_empty()) {
        screen.markdown(&first(answer));
    }
}
