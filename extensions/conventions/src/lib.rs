//! The files in which people already tell coding agents what they want, read so that they work here unchanged.
//!
//! [`instructions`] are `AGENTS.md` and `CLAUDE.md`, [`skills`] are folders with a `SKILL.md`, [`commands`] are prompts
//! that the user calls by name, and [`trust`] remembers which folders may bring the last two. Everything here is text for
//! the model: nothing is run. A file that can't be used never stops the program; it is a problem that says which and why.
//!
//! Left out: `CLAUDE.local.md`, `.claude/rules`, agents, and commands whose text runs a shell (`` !`…` ``).

// What the model is told.
pub mod commands;
pub mod instructions;
pub mod skills;

// Where it is found, and whether a project may bring it.
pub mod places;
pub mod trust;

// How its files are read.
mod arguments;
mod catalogue;
mod file;
mod front;
mod imports;
mod mentions;

pub use commands::{Command, Commands, commands};
pub use instructions::{Instructions, instructions};
pub use places::Places;
pub use skills::{Skill, Skills, skills};
pub use trust::{Trust, needs_trust};
