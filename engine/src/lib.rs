//! CoreCoder's engine: a coding agent small enough to read in an afternoon.
//!
//! Read [`agent`] first, it is the loop; then the modules in the order below. Four sockets, [`Model`], [`Tool`],
//! [`Host`] and [`Shell`], are where everything else plugs in.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use corecoder::{Agent, Llm};
//!
//! let llm = Llm::new("deepseek-v4-flash", "sk-...", Some("https://api.deepseek.com"))?;
//! println!("{}", Agent::new(llm).chat("find every TODO comment in this project and list them").await?);
//! # Ok(())
//! # }
//! ```

// The loop, and the calls of one round.
pub mod agent;
mod batch;

// How an agent is put together.
mod setup;

// What is said, and what an agent works with.
pub mod conversation;
pub mod inbox;
pub mod kit;
pub mod standing;
pub mod toolset;

// Long conversations, and those that are kept.
pub mod context;
pub mod session;

// The sockets.
pub mod host;
pub mod model;
pub mod shell;
pub mod tools;

// The model behind a server.
pub mod http;
pub mod llm;
mod parameters;
pub mod recovery;
pub mod retry;
pub mod windows;
pub mod wire;

pub mod config;
pub mod diff;
mod dotenv;
pub mod files;
pub mod prompt;
mod target;

pub use agent::{Agent, AgentError};
pub use config::Config;
pub use conversation::{Entry, Picture, Reply, Round, Spent, Summary, ToolCall, Usage};
pub use host::{Approval, Event, Host};
pub use kit::Kit;
pub use llm::Llm;
pub use model::{Delta, Deltas, ErrorKind, Model, ModelError, Request, Script};
pub use shell::Shell;
pub use tools::{Effect, Spec, Tool};
pub use toolset::Toolset;
pub use wire::sse;
