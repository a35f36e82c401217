//! Sessions: what is done with the journals that the engine can write.
//!
//! [`session`] and [`record`] keep one while it runs, [`track`] follows what its tools change; [`list`] finds those that
//! were kept, and [`ledger`] knows what can be undone. A journal is the only truth: everything here is read out of it.

// One session, kept.
pub mod record;
pub mod session;
pub mod track;

// What it did to files.
pub mod change;
pub mod ledger;
pub mod objects;
pub mod patch;
pub mod restore;
pub mod watch;

// All of them, and those of others.
pub mod list;
pub mod messages;
pub mod python;
