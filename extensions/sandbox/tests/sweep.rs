//! What sessions left behind is removed by the next, and nothing else is.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use corecoder_sandbox::{Keeper, Mechanism, Policy, Sandbox};
use serde_json::json;

/// A folder like that of a session that was killed long ago, with this in its list.
fn forged(made: &Path) -> tempfile::TempDir {
    let folder = tempfile::Builder::new()
        .prefix("corecoder-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir()
        .unwrap();
    File::create(folder.path().join("lock")).unwrap();
    let metadata = made.symlink_metadata().unwrap();
    let born = metadata.created().unwrap();
    let born = born.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let id = (metadata.dev(), metadata.ino(), born.as_nanos() as u64);
    let line = json!({"path": made.as_os_str(), "id": id}).to_string() + "\n";
    fs::write(folder.path().join("made"), line).unwrap();
    let past = SystemTime::now() - Duration::from_secs(1_000);
    let times = fs::FileTimes::new().set_modified(past);
    File::open(folder.path()).unwrap().set_times(times).unwrap();
    folder
}

#[test]
fn only_what_stands_in_a_shared_folder_is_removed_by_a_list() {
    let elsewhere = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let shared = tempfile::tempdir_in("/tmp").unwrap();
    let folders = [elsewhere.path(), shared.path()].map(forged);
    let keeper = Keeper::at(env!("CARGO_BIN_EXE_corecoder-keeper"));
    let work = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let session = Sandbox::known(Mechanism::Landlock, &keeper, &Policy::new(work.path()));
    session.unwrap();
    assert!(folders.iter().all(|folder| !folder.path().exists()));
    assert!(elsewhere.path().exists());
    assert!(!shared.path().exists());
}
