//! Where the lines are written.
//!
//! Each line is one write of one JSON object, flushed, so that lines of several programs may share a pipe. When the
//! reader goes away, that is noted once, and nothing more is written.

use std::io::Write;
use std::time::Duration;

use corecoder::ErrorKind;
use uuid::Uuid;

use crate::event::{Event, StreamEvent};
use crate::line::{Assistant, Block, Line, Message, User, UserMessage};
use crate::printer::{Form, Setup};
use crate::system::{ApiRetry, CompactBoundary, CompactMetadata, Init, System, Trouble};

pub(crate) struct Paper {
    setup: Setup,
    form: Form,
    out: Box<dyn Write + Send>,
    closed: bool,
    lost: Option<String>,
}

/// Whose line it is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The sub-agent; `None` is the agent itself.
    pub agent: Option<String>,
    /// The call that started it, if that can be told.
    pub parent: Option<String>,
}

impl Paper {
    pub fn new(setup: Setup, form: Form, out: Box<dyn Write + Send>) -> Paper {
        Paper {
            setup,
            form,
            out,
            closed: false,
            lost: None,
        }
    }

    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    pub fn partial(&self) -> bool {
        self.form == (Form::StreamJson { partial: true })
    }

    pub fn closed(&self) -> bool {
        self.closed
    }

    pub fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    pub fn init(&mut self) {
        let setup = self.setup.clone();
        let init = Init {
            cwd: setup.cwd.to_string_lossy().into_owned(),
            session_id: setup.session_id,
            tools: setup.tools,
            mcp_servers: setup.mcp_servers,
            model: setup.model,
            permission_mode: setup.permission_mode,
            slash_commands: setup.slash_commands,
            skills: setup.skills,
            api_key_source: "none".to_string(),
            output_style: "default".to_string(),
            corecoder_version: setup.version,
            sandbox: setup.sandbox,
            uuid: uuid(),
        };
        self.step(Line::System(System::Init(Box::new(init))));
    }

    pub fn assistant(&mut self, origin: Origin, message: Message) {
        let assistant = Assistant {
            message,
            parent_tool_use_id: origin.parent,
            agent: origin.agent,
            session_id: self.setup.session_id.clone(),
            uuid: uuid(),
        };
        self.step(Line::Assistant(assistant));
    }

    pub fn user(&mut self, origin: Origin, block: Block, is_synthetic: bool) {
        let user = User {
            message: UserMessage {
                role: "user".to_string(),
                content: vec![block],
            },
            parent_tool_use_id: origin.parent,
            is_synthetic,
            agent: origin.agent,
            session_id: self.setup.session_id.clone(),
            uuid: uuid(),
        };
        self.step(Line::User(user));
    }

    /// What came of calls: one line each, since each is printed as soon as it is there, as Claude Code does it.
    pub fn results(&mut self, origin: &Origin, blocks: impl IntoIterator<Item = Block>) {
        for block in blocks {
            self.user(origin.clone(), block, false);
        }
    }

    pub fn events(&mut self, origin: &Origin, events: Vec<Event>) {
        for event in events {
            let event = StreamEvent {
                event,
                parent_tool_use_id: origin.parent.clone(),
                agent: origin.agent.clone(),
                session_id: self.setup.session_id.clone(),
                uuid: uuid(),
            };
            self.step(Line::StreamEvent(event));
        }
    }

    pub fn retry(
        &mut self,
        origin: Origin,
        attempt: u32,
        error: &corecoder::ModelError,
        wait: Duration,
        model: Option<&str>,
    ) {
        let retry = ApiRetry {
            attempt,
            max_retries: RETRIES,
            retry_delay_ms: milliseconds(wait),
            error_status: None,
            error: trouble(error.kind),
            message: error.message.clone(),
            model: model.map(str::to_string),
            agent: origin.agent,
            session_id: self.setup.session_id.clone(),
            uuid: uuid(),
        };
        self.step(Line::System(System::ApiRetry(retry)));
    }

    pub fn compacted(&mut self, origin: Origin, compact_metadata: CompactMetadata) {
        let boundary = CompactBoundary {
            compact_metadata,
            agent: origin.agent,
            session_id: self.setup.session_id.clone(),
            uuid: uuid(),
        };
        self.step(Line::System(System::CompactBoundary(boundary)));
    }

    /// A line that is no result: printed as it comes, or not at all.
    fn step(&mut self, line: Line) {
        if self.form != Form::Json {
            self.print(&line);
        }
    }

    pub fn print(&mut self, line: &Line) {
        if self.closed {
            return;
        }
        let written = serde_json::to_string(line).map_err(std::io::Error::from);
        let written = written.and_then(|json| {
            self.out.write_all(one_line(json).as_bytes())?;
            self.out.flush()
        });
        if let Err(error) = written {
            self.closed = true;
            let went_away = error.kind() == std::io::ErrorKind::BrokenPipe;
            self.lost = (!went_away).then(|| error.to_string());
        }
    }
}

/// How often the engine makes a failed request again, at most (`engine/src/retry.rs`).
const RETRIES: u32 = 5;

/// Characters at which some readers, Python's `splitlines` among them, end a line; in JSON they only stand in strings.
const ENDS: [(char, &str); 3] = [
    ('\u{85}', "\\u0085"),
    ('\u{2028}', "\\u2028"),
    ('\u{2029}', "\\u2029"),
];

fn one_line(json: String) -> String {
    let mut line = json;
    for (end, escaped) in ENDS {
        if line.contains(end) {
            line = line.replace(end, escaped);
        }
    }
    line.push('\n');
    line
}

fn trouble(kind: ErrorKind) -> Trouble {
    match kind {
        ErrorKind::RateLimit => Trouble::RateLimit,
        ErrorKind::Overloaded => Trouble::ServerError,
        ErrorKind::Quota | ErrorKind::Limit => Trouble::BillingError,
        ErrorKind::Authentication => Trouble::AuthenticationFailed,
        ErrorKind::ContextTooLong | ErrorKind::BadRequest => Trouble::InvalidRequest,
        ErrorKind::Network | ErrorKind::Other => Trouble::Unknown,
    }
}

pub(crate) fn uuid() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
