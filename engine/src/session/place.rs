//! Where a journal lies: one plain file in the sessions folder, for the user alone.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Only the user may read, and a link is not followed.
pub(super) fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits();
    options
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(no_follow.cast_signed());
    options
}

/// Makes a folder, if it is missing, that only the user may enter.
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// A file name for a session of this name: always one plain file in the sessions folder, and never another name's.
pub fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut stem: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    stem.truncate(80);
    let stem = stem.trim_matches(['.', '-']).to_string();
    if stem == name && !stem.is_empty() && !is_device(name) && !has_hash(name) {
        return format!("{stem}.jsonl");
    }
    // FNV-1a, so that names which look alike afterwards stay apart.
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let stem = match stem.is_empty() || is_device(&stem) {
        true => stem.replace('.', "-") + "session",
        false => stem,
    };
    format!("{stem}-{hash:016x}.jsonl")
}

/// Whether Windows takes the name for a device, whatever stands behind a dot.
fn is_device(name: &str) -> bool {
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let first = name.split('.').next().unwrap_or_default().to_lowercase();
    let is_port = first.len() == 4 && (first.starts_with("com") || first.starts_with("lpt"));
    DEVICES.contains(&first.as_str()) || is_port
}

/// Whether the name ends as one that was made here.
fn has_hash(name: &str) -> bool {
    let hash = name.rsplit_once('-').map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
