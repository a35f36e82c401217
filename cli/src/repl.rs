//! The interactive session: a line editor, a few commands, and the agent.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use console::style;
use corecoder::{Agent, AgentError, Config, Llm};
use corecoder_guard::Guard;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Cmd, DefaultEditor, KeyCode, KeyEvent, Modifiers};

use crate::approval::{Asking, Policy};
use crate::args::Args;
use crate::screen::{Screen, Show, plain};
use crate::signals::{Interrupt, Signals};

const HELP: &str = concat!(
    "  /help            this text\n",
    "  /model [NAME]    show or change the model\n",
    "  /tokens          what this session has used\n",
    "  /reset           forget the conversation\n",
    "  /compact         make room in it (not yet)\n",
    "  /diff            what was changed (not yet)\n",
    "  /save            keep this conversation (not yet)\n",
    "  /sessions        list those kept (not yet)\n",
    "  quit             leave (Ctrl+D too)\n",
    "\n",
    "  Esc, then Enter: a new line\n",
    "  Ctrl+C: stop what the agent does",
);

/// `/etc/passwd` at the beginning of a question is none.
fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    word.strip_prefix('/')
        .is_some_and(|name| name.chars().all(char::is_alphabetic))
}

struct Repl {
    agent: Agent,
    screen: Arc<Screen>,
    config: Config,
    signals: Signals,
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

pub async fn run(llm: Llm, config: Config, args: &Args) -> anyhow::Result<ExitCode> {
    let policy = if args.yes {
        Policy::AllowAll
    } else {
        Policy::Ask(Asking::default())
    };
    let screen = Arc::new(Screen::new(
        Show {
            answer: true,
            details: args.verbose,
        },
        policy,
    ));
    let agent = Agent::new(llm)
        .folder(&config.folder)
        .shell(Guard::new(corecoder::shell::Bash, config.home.clone()))
        .host(screen.clone());
    say!(
        "{} {} · {} · {}\n{}",
        style("CoreCoder").bold(),
        env!("CARGO_PKG_VERSION"),
        config.model,
        corecoder::files::shown(&config.folder),
        style("/help for help, Ctrl+D to leave").dim()
    );
    let editor = Arc::new(Mutex::new(editor(history_file(&config))?));
    let mut repl = Repl {
        agent,
        screen,
        config,
        signals: Signals::new()?,
        editor,
        leave_until: None,
    };
    repl.run().await
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
                    command if is_command(command) => self.command(command),
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
        let _quiet = Quiet::new();
        let screen = self.screen.clone();
        let asked = async {
            match &screen.policy {
                Policy::Ask(asking) => asking.interrupted.notified().await,
                _ => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            answer = self.agent.chat(text) => Ok(answer),
            interrupt = self.signals.next() => Err(interrupt),
            () = asked => Err(Interrupt::Cancel),
        };
        self.screen.clear();
        match ended {
            Ok(answer) => tell(answer),
            Err(Interrupt::Leave(code)) => return Some(code),
            Err(Interrupt::Cancel) => {
                // Whoever presses twice at once wants out; whoever waits wants the prompt.
                self.leave_until = Some(Instant::now() + Duration::from_millis(400));
                let words = "stopped; the conversation goes on from here";
                say!("{}", style(words).yellow());
            }
        }
        None
    }

    fn command(&mut self, line: &str) {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (name, rest.trim()) {
            ("/help", _) => say!("{HELP}"),
            ("/model", "") => say!("{}", self.config.model),
            ("/model", model) => self.change_model(model),
            ("/tokens", _) => self.tokens(),
            ("/reset", _) => {
                self.agent.resume(Vec::new());
                say!("the conversation is forgotten");
            }
            ("/compact" | "/diff" | "/save" | "/sessions", _) => say!("{name}: not yet"),
            _ => say!("there is no command {name}; /help lists them"),
        }
    }

    fn change_model(&mut self, model: &str) {
        let old = std::mem::replace(&mut self.config.model, model.to_string());
        match self.config.llm() {
            Ok(llm) => {
                self.agent.set_model(llm);
                say!("{old} → {model}");
            }
            Err(error) => {
                self.config.model = old;
                say!("{}", error.message);
            }
        }
    }

    fn tokens(&self) {
        let spent = self.agent.kit().spent();
        let window = self
            .config
            .max_context
            .map(|window| format!("; window {window}"))
            .unwrap_or_default();
        say!(
            "{} in ({} of them cached), {} out{window}",
            spent.prompt,
            spent.cached,
            spent.completion
        );
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
