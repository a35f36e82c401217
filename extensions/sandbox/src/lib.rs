//! Borders for what a model runs, kept by the kernel: a command can't write outside the work, reach the network, or outlive its
//! call, whatever it does.
//!
//! The idea: a command runs below a keeper, a process that puts up the walls and then answers for what walls can't tell apart.
//! Walls are namespaces with read-only mounts, or Landlock, and seccomp with both. What changes something by name (a file opened
//! for writing, a rename, a socket's address) the kernel holds up until the keeper has done it, or refused it and noted why.
//! The invariant: a [`Sandbox`] exists only where all of its [`Policy`] is kept; there is no weaker one in silence.
//! Left out: side channels, a kernel with holes, what anyone may read, and network protocols beside HTTP where hosts are chosen.

mod borders;
mod gitconfig;
#[cfg(target_os = "linux")]
mod keeper;
mod made;
mod mechanism;
mod policy;
#[doc(hidden)]
pub mod proxy;
mod repository;
mod sandbox;
mod seatbelt;
mod tools;

pub use mechanism::{Keeper, Mechanism, Unavailable};
pub use policy::{Access, INSTRUCTIONS, Limits, Network, Policy, REPOSITORY, SECRETS, SETTINGS};
pub use sandbox::Sandbox;
pub use tools::confined;
