//! The sources: who depends on whom, how long a function is, what the engine may not touch.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::source::{code_lines, crate_sources, functions, read, root, rust_files};

/// From the line of `fn` to the closing brace: 40, and a signature that was wrapped.
const FUNCTION: usize = 45;

/// A workspace crate: its folder, and the workspace crates that it needs, with the kind of need.
struct Package {
    name: String,
    folder: String,
    needs: Vec<(String, String)>,
}

fn workspace() -> Vec<Package> {
    let output = Command::new(env!("CARGO"))
        .args("metadata --format-version 1 --no-deps --locked --offline".split(' '))
        .current_dir(root())
        .output()
        .expect("cargo runs, for it runs this test");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "cargo metadata failed: {errors}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let text = |value: &Value| value.as_str().unwrap_or("normal").to_string();
    let base = text(&metadata["workspace_root"]) + "/";
    let package = |package: &Value| {
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        // What comes from a registry has a source; what lies in the workspace has none. No kind means normal.
        let inside = dependencies.filter(|dependency| dependency["source"].is_null());
        let manifest = text(&package["manifest_path"]);
        Package {
            name: text(&package["name"]),
            folder: manifest
                .trim_start_matches(&base)
                .trim_end_matches("/Cargo.toml")
                .to_string(),
            needs: inside
                .map(|dependency| (text(&dependency["name"]), text(&dependency["kind"])))
                .collect(),
        }
    };
    packages.iter().map(package).collect()
}

#[test]
fn arrows_point_from_the_cli_over_extensions_to_the_engine() {
    let mut wrong = Vec::new();
    for package in workspace() {
        for (name, kind) in &package.needs {
            let shipped = kind != "dev";
            let engine = package.folder == "engine" && shipped;
            let extension =
                package.folder.starts_with("extensions/") && shipped && name != "corecoder";
            if engine || extension || name == "corecoder-cli" {
                wrong.push(format!("  {} needs {name} ({kind})", package.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "the engine needs no crate of the workspace, an extension needs the engine alone, and nobody needs the cli; \
         remove these, or make them dev-dependencies:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn functions_are_short_enough_to_read_at_once() {
    let files = ["engine", "extensions", "cli"]
        .into_iter()
        .flat_map(crate_sources);
    let mut long = Vec::new();
    for file in files {
        let functions = functions(&file).unwrap_or_else(|error| panic!("{error}"));
        for function in functions {
            let lines = function.last - function.first + 1;
            if lines > FUNCTION {
                let (name, first) = (function.name, function.first);
                long.push(format!("  {file}:{first} `{name}` has {lines}"));
            }
        }
    }
    assert!(
        long.is_empty(),
        "a function has at most {FUNCTION} lines; split these:\n{}",
        long.join("\n")
    );
}

/// What makes this line a global or a look at the environment, if it is one.
fn outside_state(line: &str) -> Option<&'static str> {
    let globals = ["static mut", "thread_local!", "lazy_static"];
    let reads = ["env::var", "env::current_dir"];
    let shared = ["Lock<", "Cell<", "Mutex<", "Atomic"];
    let is_static = line.trim_start_matches("pub ").starts_with("static ");
    // A method `.current_dir(` sets a command's folder; the function asks for the process's.
    let asks_folder = line
        .match_indices("current_dir(")
        .any(|(at, _)| !line[..at].ends_with('.'));
    globals
        .into_iter()
        .chain(reads)
        .find(|needle| line.contains(needle))
        .or(asks_folder.then_some("current_dir("))
        .or(shared
            .into_iter()
            .find(|kind| is_static && line.contains(kind)))
}

#[test]
fn the_engine_has_no_globals_and_reads_no_environment_outside_of_config() {
    let mut found = Vec::new();
    for file in crate_sources("engine") {
        if file == "engine/src/config.rs" {
            continue;
        }
        let text = read(&file).unwrap_or_else(|error| panic!("{error}"));
        for (number, line) in code_lines(&text) {
            if let Some(what) = outside_state(line.trim()) {
                found.push(format!("  {file}:{number} has {what}"));
            }
        }
    }
    assert!(
        found.is_empty(),
        "state belongs in Kit and settings in config.rs, so that two agents in one process share nothing:\n{}",
        found.join("\n")
    );
}

#[test]
fn every_source_opens_with_a_module_doc() {
    let folders = ["engine", "extensions", "cli", "tidy", "bench"];
    let files = folders.into_iter().flat_map(rust_files);
    let bare: Vec<String> = files
        .filter(|file| !read(file).is_ok_and(|text| text.starts_with("//!")))
        .collect();
    assert!(
        bare.is_empty(),
        "begin these with a `//!` comment: the idea, what always holds, what is left out:\n  {}",
        bare.join("\n  ")
    );
}

fn git(args: &str) -> Vec<u8> {
    let output = Command::new("git")
        .args(args.split(' '))
        .current_dir(root())
        .output()
        .expect("git is installed, for this is a clone");
    output.stdout
}

#[test]
fn commits_and_files_speak_of_the_project_alone() {
    // Outside of a clone, as in a downloaded archive, nothing is tracked.
    if !root().join(".git").exists() {
        return;
    }
    // Put together, so that this file does not hold them.
    let needles = [
        concat!("/wo", "rk/"),
        concat!("../sha", "red"),
        concat!("fa", "rm-"),
    ];
    let mut found = BTreeSet::new();
    let mut search = |place: &str, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        for needle in needles.iter().filter(|needle| text.contains(**needle)) {
            found.insert(format!("  {place} holds {needle:?}"));
        }
    };
    search("a commit message", &git("log --format=%B"));
    for name in git("ls-files -z").split(|byte| *byte == 0) {
        let name = String::from_utf8_lossy(name);
        // A file that is tracked but deleted says nothing.
        if let Ok(bytes) = std::fs::read(root().join(&*name)) {
            search(&name, &bytes);
        }
    }
    let found: Vec<String> = found.into_iter().collect();
    assert!(
        found.is_empty(),
        "these are of the place where the project was made, not of the project; take them out:\n{}",
        found.join("\n")
    );
}
