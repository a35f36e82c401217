//! A client for servers of the Model Context Protocol: their tools work beside the agent's own.
//!
//! Read [`config`] first, it is what people write; then [`servers`], which starts what is there and keeps it up, and [`offer`],
//! which tells the model. Below them are [`connection`], one server and what it can be asked, and the transports.

// What is configured, and what servers may ask.
pub mod client;
mod clock;
pub mod config;

// The servers of a session, and what the model is told of them.
pub mod found;
pub mod offer;
pub mod render;
pub mod schema;
pub mod servers;
mod shape;
pub mod tools;

// One server.
mod answers;
mod call;
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
pub use config::{Access, Configured, Server};
pub use connection::Connection;
pub use errors::{CallError, OpenError};
pub use offer::Offer;
pub use servers::Servers;
pub use shepherd::Shepherd;
