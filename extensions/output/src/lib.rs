//! CoreCoder in scripts: what happens in a run as JSON, one object a line, in the shape of Claude Code's.
//!
//! [`Printer`] is a host around yours that prints each step ([`line`] says what the lines look like); [`input`] reads
//! the lines that say what to do; [`Schema`] holds an answer against a JSON Schema. The shapes are those that
//! <https://docs.claude.com/en/api/agent-sdk/typescript> describes, so that a script reads both programs' lines.
//!
//! Left out: control requests, hooks and permission prompts over the stream, and lines that say nothing of a run
//! (`status`, `rate_limit_event`, ...).

// What is printed.
pub mod event;
pub mod line;
pub mod outcome;
pub mod sandbox;
pub mod system;

// Who prints it.
mod calls;
mod paper;
mod parents;
mod partial;
pub mod printer;
mod reply;
mod run;
mod stream;

// What is read.
mod answer;
pub mod input;
pub mod schema;

pub mod documentation;

pub use documentation::documentation;
pub use input::{Image, Said, input};
pub use line::Line;
pub use outcome::RunResult;
pub use printer::{Form, Printer, Setup};
pub use sandbox::Sandbox;
pub use schema::Schema;
pub use system::McpServer;
