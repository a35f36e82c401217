//! A client for servers of the Model Context Protocol: their tools work beside the agent's own.

pub mod client;
pub mod config;

pub use client::{Client, News};
pub use config::{Access, Server};
