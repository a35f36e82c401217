//! The host that prints each step, and asks the host inside it for approvals.
//!
//! Every run ends in one result, which whoever started it asks for with [`Printer::result`]; the lines before it come by
//! themselves. Writing waits for the reader, and so does the run; a reader that went away is told by
//! [`Printer::closed`], and the rest of the run is not printed.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::{AgentError, Approval, Effect, ErrorKind, Event, Host, ToolCall, Usage};
use parking_lot::Mutex;
use serde_json::Value;

use crate::line::{Line, Tokens};
use crate::outcome::{Denial, ModelUsage, RunResult, Subtype};
use crate::paper::{Paper, milliseconds, uuid};
use crate::reply::arguments;
use crate::run::Run;
use crate::sandbox::Sandbox;
use crate::stream::Stream;
use crate::system::McpServer;

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The result alone.
    Json,
    /// Every step, and, with `partial`, replies while they come.
    StreamJson { partial: bool },
}

/// What a run works with, for the first line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Setup {
    /// What `--resume` takes.
    pub session_id: String,
    /// The model's name, as the user writes it.
    pub model: String,
    /// The working folder.
    pub cwd: PathBuf,
    /// The names of the tools.
    pub tools: Vec<String>,
    /// MCP servers.
    pub mcp_servers: Vec<McpServer>,
    /// What is allowed without a question.
    pub permission_mode: String,
    /// Commands, without the slash.
    pub slash_commands: Vec<String>,
    /// The names of the skills.
    pub skills: Vec<String>,
    /// The program's version.
    pub version: String,
    /// What keeps commands in their borders.
    pub sandbox: Sandbox,
}

/// A host that prints each step and passes everything on to the host inside, which approves.
pub struct Printer {
    stream: Mutex<Stream>,
    host: Arc<dyn Host>,
}

/// What came of a run, in the words of its last line.
struct Ending {
    subtype: Subtype,
    result: Option<String>,
    errors: Vec<String>,
    structured_output: Option<Value>,
}

impl Printer {
    /// Prints to `out`: with [`Form::StreamJson`] the first line at once, with [`Form::Json`] nothing before the result.
    /// The clock of the first run starts now.
    pub fn new(
        host: Arc<dyn Host>,
        setup: Setup,
        form: Form,
        out: Box<dyn Write + Send>,
    ) -> Printer {
        let mut paper = Paper::new(setup, form, out);
        paper.init();
        let run = Run::begin();
        let stream = Stream { paper, run };
        Printer {
            stream: Mutex::new(stream),
            host,
        }
    }

    /// Prints what came of the run, and returns it. `usage` and `cost` (dollars; `None` if the price is not known) are
    /// those of this run, and `structured` is the answer's JSON, if a schema was asked for.
    ///
    /// May be asked for once a run; the next run begins with the next word of the user.
    pub fn result(
        &self,
        outcome: &Result<String, AgentError>,
        usage: Usage,
        cost: Option<f64>,
        structured: Option<Value>,
    ) -> RunResult {
        let ending = match outcome {
            Ok(answer) => Ending {
                subtype: Subtype::Success,
                result: Some(answer.clone()),
                errors: Vec::new(),
                structured_output: structured,
            },
            Err(error @ AgentError::Rounds(_)) => failed(Subtype::ErrorMaxTurns, error.to_string()),
            Err(AgentError::Model(error)) if error.kind == ErrorKind::Limit => {
                failed(Subtype::ErrorMaxBudgetUsd, error.to_string())
            }
            Err(error) => failed(Subtype::ErrorDuringExecution, error.to_string()),
        };
        self.end(ending, usage, cost)
    }

    /// As [`Printer::result`], for a run that a signal or a time limit stopped; `by` says what, such as `SIGINT`.
    ///
    /// Claude Code has no subtype of its own for this, so it is an error during execution.
    pub fn interrupted(&self, by: &str, usage: Usage, cost: Option<f64>) -> RunResult {
        let error = format!("interrupted by {by}");
        self.end(failed(Subtype::ErrorDuringExecution, error), usage, cost)
    }

    /// As [`Printer::result`], for what was never sent to the model; `why` says why.
    pub fn refused(&self, why: &str, usage: Usage, cost: Option<f64>) -> RunResult {
        let ending = failed(Subtype::ErrorDuringExecution, why.to_string());
        self.end(ending, usage, cost)
    }

    /// As [`Printer::result`], for a run whose answer does not fit the schema even after it was asked for again;
    /// `problem` says why.
    pub fn unfit(&self, problem: &str, usage: Usage, cost: Option<f64>) -> RunResult {
        let subtype = Subtype::ErrorMaxStructuredOutputRetries;
        self.end(failed(subtype, problem.to_string()), usage, cost)
    }

    /// Whether the reader went away, or can't be written to; then nothing more is.
    pub fn closed(&self) -> bool {
        self.stream.lock().paper.closed()
    }

    /// Why lines can't be written; `None` if they can, or if the reader just went away.
    pub fn lost(&self) -> Option<String> {
        self.stream.lock().paper.lost().map(str::to_string)
    }

    fn end(&self, ending: Ending, usage: Usage, cost: Option<f64>) -> RunResult {
        let mut stream = self.stream.lock();
        let run = stream.end();
        let setup = stream.paper.setup();
        let tokens = Tokens::from(usage);
        let spent = run.spent.iter();
        let by_model = spent.map(|(model, (usage, dollars))| {
            (model.clone(), ModelUsage::new((*usage).into(), *dollars))
        });
        let result = RunResult {
            subtype: ending.subtype,
            is_error: ending.subtype != Subtype::Success,
            duration_ms: milliseconds(run.took()),
            duration_api_ms: milliseconds(run.api),
            num_turns: run.turns,
            result: ending.result,
            errors: ending.errors,
            session_id: setup.session_id.clone(),
            total_cost_usd: cost,
            usage: tokens,
            model_usage: by_model.collect(),
            permission_denials: run.denials,
            structured_output: ending.structured_output,
            sandbox: setup.sandbox.clone(),
            uuid: uuid(),
        };
        stream.paper.print(&Line::Result(result.clone()));
        result
    }
}

#[async_trait]
impl Host for Printer {
    fn event(&self, who: &str, event: &Event<'_>) {
        self.stream.lock().note(who, event);
        self.host.event(who, event);
    }

    async fn approve(&self, who: &str, call: &ToolCall, effect: Effect) -> Approval {
        let approval = self.host.approve(who, call, effect).await;
        if approval != Approval::Yes {
            self.stream.lock().run.denials.push(Denial {
                tool_name: call.name.clone(),
                tool_use_id: call.id.clone(),
                tool_input: arguments(call),
            });
        }
        approval
    }
}

fn failed(subtype: Subtype, error: String) -> Ending {
    Ending {
        subtype,
        result: None,
        errors: vec![error],
        structured_output: None,
    }
}
