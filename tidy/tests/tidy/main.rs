//! The promises of the README and ARCHITECTURE that a machine can check, each as a test with a sentence for a name.
//!
//! A failure says what to do. Numbers that are ours to choose, such as line budgets, stand in [`budgets`] alone.

mod budgets;
mod code;
mod docs;
mod source;
