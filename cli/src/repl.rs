//! The interactive session: a line editor and the agent.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::style;
use corecoder::files::shown;
use corecoder::{Agent, AgentError, Config, Entry, Llm};
use corecoder_sessions::session::Session;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Cmd, DefaultEditor, KeyCode, KeyEvent, Modifiers};

use crate::approval::{Asking, Policy};
use crate::args::Args;
use crate::commands;
use crate::keep::{self, Kept};
use crate::screen::{Screen, Show, plain};
use crate::sessions;
use crate::signals::{Interrupt, Signals};

pub struct Repl {
    pub agent: Agent,
    pub kept: Kept,
    pub screen: Arc<Screen>,
    pub config: Config,
    pub signals: Signals,
    editor: Arc<Mutex<DefaultEditor>>,
    /// Until when another Ctrl+C leaves the program.
    leave_until: Option<Instant>,
}

/// What the person typed.
enum Line {
    Text(String),
    Interrupted,
    Leave(ExitCode),
}

pub async fn run(llm: Llm, mut config: Config, args: &Args) -> anyhow::Result<ExitCode> {
    let screen = Arc::new(screen(args));
    let mut kept = keep::open(args, &mut config, sessions::pick)?;
    let agent = keep::agent(llm, &config, &mut kept, screen.clone());
    say!(
        "{} {} · {} · {}\n{}",
        style("CoreCoder").bold(),
        env!("CARGO_PKG_VERSION"),
        config.model,
        shown(&config.folder),
        style("/help for help, Ctrl+D to leave").dim()
    );
    recall(agent.history());
    for remark in &kept.remarks {
        say!("{}", style(plain(remark)).yellow());
    }
    let editor = Arc::new(Mutex::new(editor(history_file(&config))?));
    let mut repl = Repl {
        agent,
        kept,
        screen,
        config,
        signals: Signals::new()?,
        editor,
        leave_until: None,
    };
    let code = repl.run().await?;
    if let Some(session) = repl.kept.session.filter(|session| session.path().exists()) {
        let words = format!(
            "corecoder -c goes on with this, or corecoder -r {}",
            session.id()
        );
        say!("{}", style(words).dim());
    }
    Ok(code)
}

fn screen(args: &Args) -> Screen {
    let show = Show {
        answer: true,
        details: args.verbose,
    };
    let policy = if args.yes {
        Policy::AllowAll
    } else {
        Policy::Ask(Asking::default())
    };
    Screen::new(show, policy)
}

fn history_file(config: &Config) -> Option<PathBuf> {
    Some(config.home.as_ref()?.join(".corecoder_history"))
}

fn editor(history: Option<PathBuf>) -> anyhow::Result<DefaultEditor> {
    let settings = rustyline::Config::builder()
        .max_history_size(1_000)?
        .build();
    let mut editor = DefaultEditor::with_config(settings)?;
    editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
    if let Some(history) = history {
        // There is none at the first start.
        let _ = editor.load_history(&history);
    }
    Ok(editor)
}

impl Repl {
    async fn run(&mut self) -> anyhow::Result<ExitCode> {
        loop {
            match self.read().await? {
                Line::Leave(code) => return Ok(code),
                Line::Interrupted => {
                    if self.leave_until.is_some_and(|until| Instant::now() < until) {
                        return Ok(ExitCode::from(130));
                    }
                    self.leave_until = Some(Instant::now() + Duration::from_secs(2));
                    say!("{}", style("Ctrl+C again, or Ctrl+D, leaves").dim());
                }
                Line::Text(text) => match text.trim() {
                    "" => {}
                    "quit" | "exit" | "/quit" | "/exit" => return Ok(ExitCode::SUCCESS),
                    command if commands::is_command(command) => {
                        if let Some(code) = self.command(command).await {
                            return Ok(code);
                        }
                    }
                    text => {
                        if let Some(code) = self.chat(text.to_string()).await {
                            return Ok(code);
                        }
                    }
                },
            }
        }
    }

    /// One line from the person. A signal that ends the program puts the terminal back first.
    async fn read(&mut self) -> anyhow::Result<Line> {
        let terminal = tcgetattr(std::io::stdin()).ok();
        let (editor, history) = (self.editor.clone(), history_file(&self.config));
        let mut reading = tokio::task::spawn_blocking(move || {
            let mut editor = editor
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            let line = editor.readline("> ")?;
            if !line.trim().is_empty() && editor.add_history_entry(&line)? {
                // A history that can't be written is no reason to stop.
                let _ = history.map(|history| editor.append_history(&history));
            }
            Ok(line)
        });
        loop {
            tokio::select! {
                line = &mut reading => return Ok(match line? {
                    Ok(line) => Line::Text(line),
                    Err(ReadlineError::Interrupted) => Line::Interrupted,
                    Err(ReadlineError::Eof) => Line::Leave(ExitCode::SUCCESS),
                    Err(error) => return Err(error.into()),
                }),
                interrupt = self.signals.next() => if let Interrupt::Leave(code) = interrupt {
                    if let Some(terminal) = terminal {
                        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &terminal);
                    }
                    return Ok(Line::Leave(code));
                },
            }
        }
    }

    /// Lets the agent work. `Some` means that the program is to end.
    async fn chat(&mut self, text: String) -> Option<ExitCode> {
        let screen = self.screen.clone();
        let asked = async move {
            match &screen.policy {
                Policy::Ask(asking) => asking.interrupted.notified().await,
                _ => std::future::pending().await,
            }
        };
        let (signals, session) = (&mut self.signals, self.kept.session.clone());
        let ended = until_interrupted(self.agent.chat(text), signals, asked, session).await;
        self.screen.clear();
        match ended {
            Ended::Done(answer) => tell(answer),
            other => return self.interrupted(other),
        }
        None
    }

    /// Says why work stopped before its end. `Some` means that the program is to end.
    pub fn interrupted<T>(&mut self, ended: Ended<T>) -> Option<ExitCode> {
        match ended {
            Ended::Interrupted(Interrupt::Leave(code)) => return Some(code),
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
        None
    }
}

/// How a piece of work ended.
pub enum Ended<T> {
    Done(T),
    Interrupted(Interrupt),
    /// The session can't be kept any more.
    Unsaved(String),
}

/// Works until it is done, or a person or a full disk wants it stopped.
pub async fn until_interrupted<T>(
    work: impl Future<Output = T>,
    signals: &mut Signals,
    asked: impl Future<Output = ()>,
    session: Option<Arc<Session>>,
) -> Ended<T> {
    let _quiet = Quiet::new();
    tokio::select! {
        // The work first, so that what was said is noted down before anything stops it.
        biased;
        done = work => Ended::Done(done),
        why = keep::failed(session) => Ended::Unsaved(why),
        interrupt = signals.next() => Ended::Interrupted(interrupt),
        () = asked => Ended::Interrupted(Interrupt::Cancel),
    }
}

/// Reminds of what was said last.
fn recall(history: &[Entry]) {
    let said = history.iter().rev().find_map(|entry| match entry {
        Entry::User(text) => Some(text.as_str()),
        _ => None,
    });
    let answer = history.last().and_then(|entry| match entry {
        Entry::Round(round) => Some(round.reply().text.as_str()),
        _ => None,
    });
    for (mark, text) in [("> ", said), ("", answer)] {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let lines: Vec<&str> = text.lines().take(6).collect();
            say!(
                "{}",
                style(format!("{mark}{}", plain(&lines.join("\n")))).dim()
            );
        }
    }
}

/// What is left to say of a run; a good answer was streamed.
fn tell(answer: Result<String, AgentError>) {
    match answer {
        Ok(answer) if answer.trim().is_empty() => say!("{}", style("(no answer)").dim()),
        Ok(_) => {}
        Err(AgentError::Rounds(rounds)) => {
            let words = format!("stopped after {rounds} rounds; say \"continue\" to go on");
            say!("{}", style(words).yellow());
        }
        Err(error) => {
            let label = style("error:").red().bold();
            say!("{label} {}", plain(&error.to_string()));
        }
    }
}

/// The terminal does not echo keys while the agent works, so that they don't end up among its words; they wait for
/// the prompt.
struct Quiet(Option<Termios>);

impl Quiet {
    fn new() -> Quiet {
        let loud = tcgetattr(std::io::stdin()).ok();
        if let Some(mut quiet) = loud.clone() {
            quiet.local_modes.remove(LocalModes::ECHO);
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &quiet);
        }
        Quiet(loud)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if let Some(loud) = &self.0 {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, loud);
        }
    }
}
