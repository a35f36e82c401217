//! Sessions: what is done with the journals that the engine writes.
pub mod messages;
