//! The turns of a run for scripts: what is said, what comes of it, and how that is told.

use std::io::{BufRead, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use corecoder::{Agent, AgentError, Entry, Picture, Usage};
use corecoder_output::{Printer, Said, Schema};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::keep::{self, Kept};
use crate::one_shot::Task;
use crate::person::Person;
use crate::signals::Interrupt;
use crate::status::Bill;
use crate::turn::{self, Turn};
use crate::typing::Message;
use crate::words::plain;
use crate::{Start, commands, exit_code};

/// A run for a script.
pub struct Run {
    pub agent: Agent,
    pub start: Start,
    pub person: Arc<Person>,
    /// Prints lines of JSON; `None` prints the answer alone.
    pub printer: Option<Arc<Printer>>,
    pub schema: Option<Schema>,
    /// What was spent before this turn.
    pub before: Bill,
}

/// Why a run was stopped before its end.
pub enum Stopped {
    /// The session can't be kept any more.
    Unsaved(String),
    Interrupted(Interrupt),
    /// Whoever read the lines of JSON went away.
    Unread,
}

/// What came of a turn.
enum Answered {
    /// The answer, and its JSON if that was asked for.
    Fits(String, Option<Value>),
    /// It does not fit the schema, and why.
    Unfit(String, String),
    Blocked(String),
}

/// How often an answer that does not fit the schema is asked for again.
const AGAIN: usize = 2;
/// 128 and SIGPIPE, as a program ends that nobody reads any more.
const UNREAD: u8 = 141;

impl Run {
    /// Does the task, or all tasks that come in on standard input.
    pub async fn work(&mut self, task: Task) -> anyhow::Result<ExitCode> {
        turn::begin(&self.agent, &self.person, self.start.source()).await;
        match task {
            Task::Message(message) => self.turn(message).await,
            _ => self.lines().await,
        }
    }

    /// One turn after the other, as they come in on standard input.
    async fn lines(&mut self) -> anyhow::Result<ExitCode> {
        let mut lines = input();
        let (mut code, mut number, mut said) = (ExitCode::SUCCESS, 0, false);
        while let Some(line) = lines.recv().await {
            number += 1;
            let line = String::from_utf8(line).map_err(|_| "it is not UTF-8".to_string());
            match line.and_then(|line| corecoder_output::input(&line)) {
                Ok(None) => continue,
                Ok(Some(Said { text, images })) => {
                    for (at, image) in images.into_iter().enumerate() {
                        self.agent.kit().inbox.post(Entry::Picture(Picture {
                            name: format!("image {}", at + 1),
                            media_type: image.media_type,
                            data: image.data,
                        }));
                    }
                    let ended = self.turn(Message::piped(text)).await?;
                    // A good end hides no bad one.
                    code = if code == ExitCode::SUCCESS {
                        ended
                    } else {
                        code
                    };
                }
                Err(problem) => {
                    self.before = self.bill();
                    self.refuse(&format!("line {number} of standard input: {problem}"));
                    code = ExitCode::from(crate::USAGE);
                }
            }
            said = true;
        }
        if !said {
            self.refuse("there is no message on standard input");
            code = ExitCode::from(crate::USAGE);
        }
        Ok(code)
    }

    async fn turn(&mut self, mut message: Message) -> anyhow::Result<ExitCode> {
        self.before = self.bill();
        let asks_server = message.text.trim_start().starts_with("/mcp__");
        for text in [&mut message.text, &mut message.piped] {
            match self.invoked(text).await {
                Some(Err(error)) => {
                    self.refuse(&error);
                    return Ok(ExitCode::from(crate::USAGE));
                }
                Some(Ok(invoked)) => *text = invoked,
                None => {}
            }
        }
        if asks_server {
            // The words are the server's now: a file that they name is not brought along.
            message = Message::piped(message.whole());
        }
        let limit = self.start.project.settings.limits.time;
        let screen = self.person.screen.clone();
        let answered = turn::within(limit, &screen, self.answer(message)).await;
        // What is drawn below must be gone before the answer comes, or it takes a line of it along.
        self.person.screen.clear();
        match answered {
            Ok(Answered::Fits(answer, value)) => self.done(answer, value),
            Ok(Answered::Unfit(answer, problem)) => {
                let words = "the answer does not fit the schema, though it was asked for again";
                eprintln!("corecoder: {words}: {}", plain(&problem));
                match &self.printer {
                    Some(printer) => drop(printer.unfit(&problem, self.usage(), self.cost())),
                    // Standard output is for what fits.
                    None => eprintln!("{}", plain(answer.trim_end())),
                }
                Ok(ExitCode::FAILURE)
            }
            Ok(Answered::Blocked(why)) => {
                self.refuse(&why);
                Ok(ExitCode::FAILURE)
            }
            Err(error) => Ok(self.failed(error).await),
        }
    }

    /// Says why something was not even sent to the model.
    fn refuse(&self, why: &str) {
        eprintln!("corecoder: {}", plain(why));
        if let Some(printer) = &self.printer {
            printer.refused(why, self.usage(), self.cost());
        }
    }

    fn done(&self, answer: String, value: Option<Value>) -> anyhow::Result<ExitCode> {
        let file = self.start.args.output.output.as_ref();
        let written = file.map(|file| {
            let written = std::fs::write(file, format!("{}\n", answer.trim_end()));
            written.with_context(|| format!("the answer can't be written to {}", file.display()))
        });
        if answer.trim().is_empty() {
            eprintln!("corecoder: the model ended without an answer");
        }
        match &self.printer {
            Some(printer) => drop(printer.result(&Ok(answer), self.usage(), self.cost(), value)),
            None => show(&answer)?,
        }
        written.transpose()?;
        Ok(ExitCode::SUCCESS)
    }

    /// Says what went wrong, and what may help.
    async fn failed(&self, error: AgentError) -> ExitCode {
        eprintln!("corecoder: {}", plain(&error.to_string()));
        if let AgentError::Model(error) = &error
            && let Some(advice) = crate::doctor::advice(self.start.backend.main(), error).await
        {
            eprintln!("corecoder: {}", plain(&advice));
        }
        let code = exit_code(&error);
        if let Some(printer) = &self.printer {
            printer.result(&Err(error), self.usage(), self.cost(), None);
        }
        code
    }

    /// The run was stopped before its end.
    pub fn stopped(&self, stopped: Stopped, kept: &Kept) -> anyhow::Result<ExitCode> {
        let (why, code) = match stopped {
            Stopped::Unsaved(why) => return Err(anyhow!(why)),
            Stopped::Unread => {
                return match self.printer.as_ref().and_then(|printer| printer.lost()) {
                    Some(why) => Err(anyhow!("the lines can't be printed: {why}")),
                    None => Ok(ExitCode::from(UNREAD)),
                };
            }
            Stopped::Interrupted(Interrupt::Cancel) => ("SIGINT", ExitCode::from(130)),
            Stopped::Interrupted(Interrupt::Leave(code)) => ("a signal", code),
        };
        if let Some(printer) = &self.printer {
            printer.interrupted(why, self.usage(), self.cost());
        }
        eprintln!("corecoder: interrupted{}", keep::hint(kept));
        Ok(code)
    }

    /// Whether the reader of the lines went away.
    pub fn is_unread(&self) -> bool {
        self.printer
            .as_ref()
            .is_some_and(|printer| printer.closed())
    }

    /// What was spent so far.
    fn bill(&self) -> Bill {
        self.person.screen.status_now().bill
    }

    /// What this turn used.
    fn usage(&self) -> Usage {
        self.bill().since(&self.before).usage
    }

    /// Dollars; `None` without a price.
    fn cost(&self) -> Option<f64> {
        self.bill().since(&self.before).dollars
    }

    /// A custom command or a skill, if that is what the text begins with.
    async fn invoked(&self, text: &str) -> Option<Result<String, String>> {
        let text = text.trim();
        let (name, args) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let name = name
            .strip_prefix('/')
            .filter(|_| commands::is_command(text))?;
        let invoked = self.start.project.invoked(name, args.trim());
        let mcp = self.person.mcp().filter(|_| name.starts_with("mcp__"));
        match (invoked, mcp) {
            (None, Some(mcp)) => {
                let missing = || Err(format!("no MCP server that is ready has a prompt /{name}"));
                Some(mcp.prompt(name, args.trim()).await.unwrap_or_else(missing))
            }
            (invoked, _) => invoked,
        }
    }

    /// The answer, asked for again while it does not fit the schema.
    async fn answer(&mut self, mut message: Message) -> Result<Answered, AgentError> {
        if let Some(schema) = &self.schema {
            message.piped = format!("{}\n\n{}", message.piped.trim_end(), schema.ask());
        }
        let mut last = (String::new(), String::new());
        for _ in 0..=AGAIN {
            let turn = turn::run(&mut self.agent, &self.person, message).await?;
            let answer = match turn {
                Turn::Blocked(why) => return Ok(Answered::Blocked(why)),
                Turn::Answered(answer) => answer,
            };
            let Some(schema) = &self.schema else {
                return Ok(Answered::Fits(answer, None));
            };
            match schema.check(&answer) {
                Ok(value) => return Ok(Answered::Fits(value.to_string(), Some(value))),
                Err(problem) => {
                    message = Message::piped(Schema::again(&problem));
                    last = (answer, problem);
                }
            }
        }
        Ok(Answered::Unfit(last.0, last.1))
    }
}

/// The lines of standard input, as they come.
fn input() -> UnboundedReceiver<Vec<u8>> {
    let (sender, lines) = unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().split(b'\n');
        // Whoever stopped listening needs no more.
        lines
            .map_while(|line| line.ok())
            .all(|line| sender.send(line).is_ok())
    });
    lines
}

/// The answer on standard output. Whoever reads it may have had enough of it. A terminal would obey what is in it.
fn show(answer: &str) -> anyhow::Result<()> {
    let answer = match std::io::stdout().is_terminal() {
        true => &plain(answer),
        false => answer,
    };
    match writeln!(std::io::stdout(), "{}", answer.trim_end()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("the answer can't be printed")
        }
        _ => Ok(()),
    }
}
