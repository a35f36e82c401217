//! Random trees and random changes: whatever a command does, nothing outside of the work is other than before, and nothing in it
//! that is kept.
//!
//! It is run by the small keeper program, as embedders would.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use corecoder::Shell;
use corecoder_sandbox::{Keeper, Mechanism, Policy, Sandbox};
use proptest::prelude::*;

/// What a place holds: kind and rights, time, content or where it leads.
type Tree = BTreeMap<PathBuf, (u32, i64, Vec<u8>)>;

fn tree(folder: &Path) -> Tree {
    let mut found = Tree::new();
    let mut ahead = vec![folder.to_path_buf()];
    while let Some(path) = ahead.pop() {
        let metadata = path.symlink_metadata().expect("it was just listed");
        let content = match (metadata.is_symlink(), metadata.is_file()) {
            (true, _) => fs::read_link(&path).map(|to| to.into_os_string().into_encoded_bytes()),
            (_, true) => fs::read(&path),
            _ => Ok(Vec::new()),
        };
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder of ours");
            ahead.extend(entries.flatten().map(|entry| entry.path()));
        }
        let content = content.expect("a file of ours");
        found.insert(path, (metadata.mode(), metadata.mtime(), content));
    }
    found
}

/// A work folder and one beside it, alike, with links between them.
fn grow(base: &Path) -> (PathBuf, PathBuf) {
    let (work, outside) = (base.join("work"), base.join("outside"));
    for root in [&work, &outside] {
        for folder in ["a/b", "c/d", ".git/hooks", "kept", "mount"] {
            fs::create_dir_all(root.join(folder)).expect("a fresh folder");
        }
        for file in [
            "f",
            "a/g",
            "a/b/f",
            "c/f",
            ".git/config",
            ".git/hooks/f",
            ".env",
            "kept/f",
        ] {
            fs::write(root.join(file), "before\n").expect("a fresh folder");
        }
        symlink("..", root.join("a/up")).expect("a fresh name");
    }
    symlink(&outside, work.join("out")).expect("a fresh name");
    symlink(outside.join("a"), work.join("a/link")).expect("a fresh name");
    symlink("../../outside/f", work.join("c/link")).expect("a fresh name");
    (work, outside)
}

/// What is kept in the work, whatever happens around it.
fn kept(work: &Path) -> Vec<Vec<u8>> {
    let files = [".git/config", ".git/hooks/f", ".env"];
    files
        .iter()
        .map(|file| fs::read(work.join(file)).unwrap_or_default())
        .collect()
}

fn unchanged(mechanism: Mechanism, seed: u64, binds: bool) -> Result<(), TestCaseError> {
    let base = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder of cargo's");
    let base = base.path().canonicalize().expect("it is there");
    let (work, outside) = grow(&base);
    let keeper = Keeper::at(env!("CARGO_BIN_EXE_corecoder-keeper"));
    let Ok(sandbox) = Sandbox::under(mechanism, &keeper, &Policy::new(&work)) else {
        println!("not to be had here: {mechanism}");
        return Ok(());
    };
    let (before, kept_before) = (tree(&outside), kept(&work));
    let work_before = tree(&work);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz.py");
    let quoted = |path: &Path| format!("'{}'", path.display());
    let line = format!(
        "python3 {} {seed} {} {}",
        quoted(&script),
        quoted(&work),
        quoted(&outside)
    );
    let shell = sandbox.command(&line);
    let mut command = Command::new("unshare");
    if binds {
        // What somebody mounted into the work is the work, so it is a folder that nobody looks at afterwards.
        let mount = format!(
            "mount --bind {} {} && exec \"$@\"",
            quoted(&base.join("bound")),
            quoted(&work.join("mount"))
        );
        fs::create_dir(base.join("bound")).expect("a fresh name");
        command.args(["-m", "--propagation", "private", "sh", "-c", &mount, "sh"]);
    } else {
        command = Command::new("env");
    }
    command
        .arg(shell.as_std().get_program())
        .args(shell.as_std().get_args());
    for (name, value) in shell.as_std().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let (lifeline, _held) = std::io::pipe().expect("a pipe");
    let output = command
        .current_dir(&work)
        .stdin(Stdio::from(lifeline))
        .output()
        .expect("it can be started");
    let said = String::from_utf8_lossy(&output.stdout);
    prop_assert!(
        said.contains("done"),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Else it had changed nothing at all.
    prop_assert_ne!(tree(&work), work_before);
    prop_assert_eq!(tree(&outside), before);
    prop_assert_eq!(kept(&work), kept_before);
    Ok(())
}

/// Python makes the changes; without it nothing is shown.
fn has_python() -> bool {
    let found = Command::new("python3").arg("--version").output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: there is no python3");
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_is_changed_in_namespaces(seed in 0..u64::from(u32::MAX)) {
        if has_python() {
            unchanged(Mechanism::Namespaces, seed, false)?;
        }
    }

    #[test]
    fn nothing_outside_is_changed_under_landlock(seed in 0..u64::from(u32::MAX)) {
        if has_python() {
            unchanged(Mechanism::Landlock, seed, false)?;
        }
    }

    #[test]
    fn nothing_outside_is_changed_around_a_bind_mount(seed in 0..u64::from(u32::MAX)) {
        // Only root may mount.
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if has_python() && is_root {
            unchanged(Mechanism::Namespaces, seed, true)?;
            unchanged(Mechanism::Landlock, seed, true)?;
        }
    }
}
