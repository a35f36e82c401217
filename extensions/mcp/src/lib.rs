//! A client for servers of the Model Context Protocol: their tools work beside the agent's own.

mod answers;
mod call;
pub mod client;
mod clock;
pub mod config;
pub mod connection;
mod errors;
mod handshake;
mod link;
mod listening;
mod opening;
mod process;
pub mod shepherd;
mod transport;

pub use client::{Client, News};
pub use config::{Access, Server};
pub use connection::Connection;
pub use errors::{CallError, OpenError};
pub use shepherd::Shepherd;
