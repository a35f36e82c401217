//! A client for servers of the Model Context Protocol: their tools work beside the agent's own.
//!
//! Read [`config`] first, it is what people write; then [`servers`], which starts what is there and keeps it up, and [`offer`],
//! which tells the model. Below them are [`connection`], one server and what it can be asked, and the transports.

pub mod client;
pub mod config;
pub mod connection;
pub mod found;
pub mod offer;
pub mod render;
pub mod schema;
pub mod servers;
pub mod shepherd;
pub mod tools;

pub use client::{Client, News};
pub use config::{Access, Configured, Server};
pub use connection::Connection;
pub use offer::Offer;
pub use servers::Servers;
pub use shepherd::Shepherd;
