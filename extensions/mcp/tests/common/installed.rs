//! Real servers, installed once per version of the lists that name them.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const PACKAGE: &str = include_str!("../servers/package.json");
const LOCK: &str = include_str!("../servers/package-lock.json");
const REQUIREMENTS: &str = include_str!("../servers/requirements.txt");

/// Where npm has put its servers; `None`, after saying so, where there is no npm or no network.
pub fn npm() -> Option<PathBuf> {
    installed("npm", &[PACKAGE, LOCK], |folder| {
        fs::write(folder.join("package.json"), PACKAGE).map_err(|error| error.to_string())?;
        fs::write(folder.join("package-lock.json"), LOCK).map_err(|error| error.to_string())?;
        run(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(folder))
    })
}

/// The folder of programs of a Python with the servers of PyPI.
pub fn python() -> Option<PathBuf> {
    let folder = installed("python", &[REQUIREMENTS], |folder| {
        let list = folder.join("requirements.txt");
        fs::write(&list, REQUIREMENTS).map_err(|error| error.to_string())?;
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        run(Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--no-deps", "-r"])
            .arg(&list))
    })?;
    Some(folder.join("bin"))
}

#[allow(dead_code, reason = "the program's own tests need more")]
/// Whether there is a Python, for servers that need nothing else.
pub fn has_python() -> bool {
    let found = run(Command::new("python3").arg("--version"));
    assert!(
        found.is_ok() || std::env::var_os("CI").is_none(),
        "no python3"
    );
    if found.is_err() {
        eprintln!("skipped: there is no python3");
    }
    found.is_ok()
}

/// A folder that is filled once, by whichever test comes first.
fn installed(
    kind: &str,
    lists: &[&str],
    fill: impl Fn(&Path) -> Result<(), String>,
) -> Option<PathBuf> {
    let mut hasher = DefaultHasher::new();
    lists.hash(&mut hasher);
    let name = format!("mcp-servers-{kind}-{:016x}", hasher.finish());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let lock = File::create(folder.with_extension("lock")).expect("a file in target/tmp");
    lock.lock().expect("a lock on it");
    let done = folder.join(".done");
    if !done.exists() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder in target/tmp");
        if let Err(why) = fill(&folder) {
            assert!(std::env::var_os("CI").is_none(), "{kind}: {why}");
            eprintln!("skipped: the servers of {kind} can't be installed: {why}");
            return None;
        }
        File::create(done).expect("a file in it");
    }
    Some(folder)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// `node_modules/.bin/NAME`.
pub fn program(npm: &Path, name: &str) -> PathBuf {
    npm.join("node_modules/.bin").join(name)
}
