//! CoreCoder's engine: a coding agent small enough to read in an afternoon.
//!
//! Read [`agent`] first, it is the loop; then the modules in the order below. Four sockets, [`Model`], [`Tool`],
//! [`Host`] and [`Shell`], are where everything else plugs in.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use corecoder::{Agent, Llm};
//!
//! let llm = Llm::new("deepseek-chat", "sk-...", Some("https://api.deepseek.com"))?;
//! println!("{}", Agent::new(llm).chat("find every TODO comment in this project and list them").await?);
//! # Ok(())
//! # }
//! ```

pub mod agent;
mod batch;
pub mod config;
pub mod conversation;
pub mod files;
mod fragments;
pub mod host;
pub mod kit;
pub mod llm;
pub mod model;
pub mod prompt;
mod recovery;
pub mod refusal;
pub mod shell;
pub mod sse;
pub mod text;
pub mod tools;
pub mod wire;

pub use agent::{Agent, AgentError};
pub use config::Config;
pub use conversation::{Entry, Reply, Round, ToolCall, Usage};
pub use host::{Approval, Event, Host};
pub use kit::Kit;
pub use llm::Llm;
pub use model::{Delta, Deltas, ErrorKind, Model, ModelError, Request, Script};
pub use shell::Shell;
pub use tools::{Effect, Spec, Tool};
