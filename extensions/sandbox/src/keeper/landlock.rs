//! The walls of Landlock: what may be written, and what may be read, named folder by folder.
//!
//! There are two, one inside the other. The outer one holds for the keeper too, so that what it does for a command stays within;
//! it bounds writing. The inner one is the command's alone: reading, signals, the network.

use std::fs;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use crate::borders::Borders;
use crate::policy::{Network, Policy};

/// Devices that commands need.
pub const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

/// Writing, as far as Landlock knew of it when it could first be told apart from reading; the keeper sees to the rest.
const WRITING: ABI = ABI::V3;

/// Bounds what this thread, and all that it starts, may write.
pub fn bound_writing(borders: &Borders, scratch: &Path) -> Result<(), String> {
    let access = AccessFs::from_write(WRITING);
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V1))
        .and_then(|ruleset| {
            ruleset
                .set_compatibility(CompatLevel::BestEffort)
                .handle_access(access)
        })
        .and_then(Ruleset::create)
        .map_err(words)?;
    let devices = DEVICES.iter().map(Path::new);
    let open = borders.open().chain([scratch]).chain(devices);
    let ruleset = ruleset
        .add_rules(path_beneath_rules(open, access))
        .map_err(words)?;
    restrict(ruleset)
}

/// Bounds what a command may read, whom it may signal, and whom it may reach.
pub struct Inner {
    ruleset: RulesetCreated,
}

impl Inner {
    /// `partly` are folders in which secrets lie, and which the keeper opens instead.
    pub fn new(policy: &Policy, readable: &Readable) -> Result<Inner, String> {
        let access = AccessFs::from_read(ABI::V1);
        let mut ruleset = Ruleset::default()
            .handle_access(access)
            .map(|ruleset| ruleset.set_compatibility(CompatLevel::BestEffort))
            .and_then(|ruleset| ruleset.scope(Scope::from_all(ABI::V6)))
            .map_err(words)?;
        if policy.network != Network::All {
            ruleset = ruleset
                .handle_access(AccessNet::from_all(ABI::V4))
                .map_err(words)?;
        }
        let ruleset = ruleset.create().map_err(words)?;
        let rules = path_beneath_rules(&readable.whole, access);
        let ruleset = ruleset.add_rules(rules).map_err(words)?;
        Ok(Inner { ruleset })
    }

    pub fn restrict(self) -> Result<(), String> {
        restrict(self.ruleset)
    }
}

fn restrict(ruleset: RulesetCreated) -> Result<(), String> {
    let status = ruleset.restrict_self().map_err(words)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => {
            Err("the kernel has no Landlock, or it is switched off".to_string())
        }
        _ => Ok(()),
    }
}

fn words(error: RulesetError) -> String {
    error.to_string()
}

/// Whether the kernel keeps signals in (Linux 6.12).
pub fn keeps_signals() -> bool {
    let scope: BitFlags<Scope> = Scope::Signal.into();
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .scope(scope)
        .and_then(Ruleset::create)
        .is_ok()
}

/// What can be read, told apart so that no folder holds a secret.
#[derive(Debug, Default)]
pub struct Readable {
    /// With all that is in them.
    pub whole: Vec<PathBuf>,
    /// Folders above a secret: their entries are named, each by itself, and their lists are the keeper's to show.
    pub partly: Vec<PathBuf>,
}

impl Readable {
    /// All but what is hidden and the machine's devices. A folder that may be written counts as a whole, for new files come up in
    /// it that nobody can name beforehand.
    pub fn new(hidden: &[PathBuf], borders: &Borders) -> Readable {
        let mut readable = Readable::default();
        let open: Vec<&Path> = borders.open().collect();
        let devices = Path::new("/dev");
        let sees_into = |path: &Path| {
            hidden.iter().any(|hidden| hidden.starts_with(path)) || devices.starts_with(path)
        };
        let mut ahead = vec![PathBuf::from("/")];
        while let Some(path) = ahead.pop() {
            if open.contains(&path.as_path()) || !sees_into(&path) {
                readable.whole.push(path);
            } else if path == devices {
                // Terminals are opened by the keeper, who knows whose they are.
                let devices = DEVICES.iter().filter(|device| **device != "/dev/pts");
                readable.whole.extend(devices.map(PathBuf::from));
            } else if !hidden.contains(&path) {
                let entries = fs::read_dir(&path).into_iter().flatten().flatten();
                // A link gives nothing to read: what it leads to is named by itself.
                let is_link =
                    |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_symlink());
                ahead.extend(
                    entries
                        .filter(|entry| !is_link(entry))
                        .map(|entry| entry.path()),
                );
                readable.partly.push(path);
            }
        }
        readable
            .whole
            .extend(open.iter().map(|path| path.to_path_buf()));
        readable
    }
}
