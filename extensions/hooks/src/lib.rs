//! Hooks: programs of the user that are told of the agent's steps, and may have a say in them.
//!
//! [`Hooks`] reads who wants to hear what, runs them, and merges what they answer. A hook assists the loop and never
//! gets to end it: whatever it prints, however long it takes, the answer is a decision or a warning. Only a hook that
//! was told to block may refuse something without having said so.
//!
//! Left out: hooks that ask a model or a server, and the events of Claude Code that have no step here.

pub mod heard;
pub mod hooks;
mod steps;

// What the files say.
mod hook;
mod names;
mod read;

// What a program is told, and what it answers.
mod answer;
mod process;

// The calls on their way from the question to the tool.
mod calls;
mod follow;

pub use heard::{Before, Decision, Heard};
pub use hooks::Hooks;
