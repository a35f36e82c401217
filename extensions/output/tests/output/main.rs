//! The lines of runs, the lines that are read, and schemas.

mod documentation;
mod input;
mod interrupts;
mod kept;
mod lines;
mod partial;
mod property;
mod runs;
mod schema;
mod shapes;
mod subagents;
