//! CoreCoder for small local models: a short prompt, and calls as blocks in plain Markdown.
//!
//! Models of a few billion parameters write code well in fenced blocks and calls badly in JSON, so [`Small`], a
//! `Model` around yours, asks for blocks and turns them into calls; what came of a call is told as a user's message
//! that ends in the next step. The tools are the engine's own, three of them ([`tools`]), and the loop is the same.
//!
//! The invariant: the same entries are told in the same words each time, so that the server's cache of the prefix
//! holds. Left out: grammars and other means of single servers; native calls, which good models use without this.

pub mod blocks;
mod model;
mod named;
mod noticed;
mod path;
mod prompt;
mod retell;
mod tools;
mod turn;

pub use model::Small;
pub use noticed::Noticed;
pub use prompt::SYSTEM;
pub use tools::{careful, tools};
