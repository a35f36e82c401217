//! Which mechanism keeps a sandbox on this machine: tried once, and remembered as long as nothing that matters changes.
//!
//! Trying starts a process, which the first request must not wait for each time. What is remembered is never trusted
//! beyond that: each command fails where its borders can't be kept.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use corecoder_sandbox::{Keeper, Mechanism, Network, Policy, Sandbox, Unavailable};
use serde::{Deserialize, Serialize};

/// The file in the program's own folder.
const FILE: &str = "sandbox.json";

/// A mechanism that worked, and where it did.
#[derive(Serialize, Deserialize)]
struct Known {
    mechanism: Mechanism,
    place: Place,
}

/// All on which it depends whether a mechanism works.
#[derive(Serialize, Deserialize, PartialEq)]
struct Place {
    boot: String,
    user: u32,
    /// Mounts and users as this process sees them.
    namespaces: Vec<PathBuf>,
    program: PathBuf,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
    size: u64,
    /// What else the kernel forbids this process.
    kernel: Vec<String>,
    network: String,
}

/// The sandbox of this policy, with the mechanism that is known to work here, or else the strongest that does.
pub fn sandbox(
    keeper: &Keeper,
    policy: &Policy,
    data: Option<&Path>,
) -> Result<Sandbox, Unavailable> {
    let file = data.map(|data| data.join(FILE));
    let place = Place::here(policy);
    if let (Some(file), Some(place)) = (&file, &place)
        && let Some(mechanism) = recalled(file, place)
        && let Ok(sandbox) = Sandbox::known(mechanism, keeper, policy)
    {
        return Ok(sandbox);
    }
    let sandbox = Sandbox::new(keeper, policy)?;
    if let (Some(file), Some(place)) = (file, place) {
        let mechanism = sandbox.mechanism();
        // What can't be remembered is tried again.
        let _ = remember(&file, &Known { mechanism, place });
    }
    Ok(sandbox)
}

fn recalled(file: &Path, place: &Place) -> Option<Mechanism> {
    let known: Known = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    (known.place == *place).then_some(known.mechanism)
}

/// Two that start at once must not read half of it.
fn remember(file: &Path, known: &Known) -> std::io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(serde_json::to_string(known)?.as_bytes())?;
    written.persist(file)?;
    Ok(())
}

impl Place {
    /// `None` where it can't be told, so that each start tries.
    fn here(policy: &Policy) -> Option<Place> {
        let program = std::env::current_exe().ok()?;
        let file = fs::metadata(&program).ok()?;
        Some(Place {
            boot: text("/proc/sys/kernel/random/boot_id")?,
            user: fs::metadata("/proc/self").ok()?.uid(),
            namespaces: vec![
                fs::read_link("/proc/self/ns/mnt").ok()?,
                fs::read_link("/proc/self/ns/user").ok()?,
            ],
            program,
            changed: (file.mtime(), file.mtime_nsec()),
            size: file.size(),
            kernel: forbidden(),
            network: match policy.network {
                Network::None => "none".to_string(),
                Network::Hosts(_) => "hosts".to_string(),
                Network::All => "all".to_string(),
            },
        })
    }
}

/// The switches of the whole machine, and the bonds of this process.
fn forbidden() -> Vec<String> {
    const SWITCHES: [&str; 4] = [
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "/proc/sys/kernel/unprivileged_userns_clone",
        "/proc/sys/user/max_user_namespaces",
        "/proc/self/attr/current",
    ];
    // proc(5).
    const BONDS: [&str; 4] = ["CapEff:", "NoNewPrivs:", "Seccomp:", "Seccomp_filters:"];
    let switches = SWITCHES.iter().map(|file| text(file).unwrap_or_default());
    let status = text("/proc/self/status").unwrap_or_default();
    let bonds = status
        .lines()
        .filter(|line| BONDS.iter().any(|bond| line.starts_with(bond)));
    switches.chain(bonds.map(str::to_string)).collect()
}

fn text(file: &str) -> Option<String> {
    Some(
        fs::read_to_string(file)
            .ok()?
            .trim_end_matches(['\n', '\0'])
            .to_string(),
    )
}
