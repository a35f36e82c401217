//! Models on the providers' own wires, beside the engine's OpenAI-compatible [`corecoder::Llm`].
//!
//! A [`Wire`] is what a protocol is, as pure functions; [`Remote`] is the `Model` behind any of them. Read `wire.rs`
//! first, then `remote.rs`, then one wire. Which model is asked, with which key, is `choice`'s to say; `fallback` makes
//! one model of several.
//!
//! Left out: signing in with anything but a key, and the clouds that wrap these protocols in their own.

pub mod anthropic;
pub mod azure;
pub mod bill;
pub mod budget;
pub mod chat;
pub mod choice;
mod events;
pub mod fallback;
pub mod gemini;
mod headers;
pub mod local;
mod names;
pub mod ollama;
mod order;
pub mod prices;
mod remote;
pub mod responses;
pub mod table;
mod thoughts;
mod turns;
mod wire;

pub use anthropic::Anthropic;
pub use azure::Azure;
pub use bill::Bill;
pub use budget::{Ledger, Metered};
pub use chat::Chat;
pub use choice::{Asked, Choice, ChoiceError, Chosen, Given};
pub use fallback::Fallback;
pub use gemini::Gemini;
pub use ollama::Ollama;
pub use prices::{Price, Prices};
pub use remote::Remote;
pub use responses::Responses;
pub use table::{Kind, Row, Table};
pub use wire::{Concession, Effort, Listed, Options, Reading, Refused, Sent, Wire};
