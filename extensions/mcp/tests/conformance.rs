//! The client scenarios of `@modelcontextprotocol/conformance`, each at each revision that it has.
//!
//! Those of authorization are left out, for OAuth is; and those of the extension for skills.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::*;

const OLD: &[&str] = &["2025-11-25"];
const NEW: &[&str] = &["2026-07-28"];
const BOTH: &[&str] = &["2025-11-25", "2026-07-28"];

/// A scenario, and the revisions at which it is run.
const SCENARIOS: &[(&str, &[&str])] = &[
    ("initialize", &["2025-06-18", "2025-11-25"]),
    ("tools_call", &["2025-06-18", "2025-11-25", "2026-07-28"]),
    ("elicitation-sep1034-client-defaults", OLD),
    ("sse-retry", OLD),
    ("request-metadata", NEW),
    ("sep-2322-client-request-state", NEW),
    ("http-standard-headers", NEW),
    ("http-custom-headers", NEW),
    ("http-invalid-tool-headers", NEW),
    ("json-schema-ref-no-deref", NEW),
    ("json-schema-2020-12-preservation", BOTH),
];

/// The client, which cargo has built beside this test.
fn client() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let client = test
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/conformance");
    // Cargo builds examples for a run of all tests, but not for one of this file.
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--locked", "-p", "corecoder-mcp"]);
    let built = build.args(["--example", "conformance"]).status();
    assert!(built.unwrap().success());
    client
}

/// The suite's own program.
fn suite(npm: &Path) -> Command {
    let mut command = Command::new("node");
    // It needs Node 22 for something that no scenario uses; this stands in for it on Node 20.
    let shim = format!("file://{}", beside("shim/register.mjs"));
    command
        .args(["--import", &shim])
        .arg(npm.join("node_modules/@modelcontextprotocol/conformance/dist/index.js"))
        .current_dir(npm);
    command
}

fn check(npm: &Path, client: &Path, scenario: &str, revision: &str) -> Result<(), String> {
    let output = suite(npm)
        .args(["client", "--scenario", scenario, "--spec-version", revision])
        .args(["--timeout", "60000", "--command"])
        .arg(client)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let passed = said.contains("OVERALL: PASSED") && !said.contains("Passed: 0/");
    match output.status.success() && passed {
        true => Ok(()),
        false => Err(format!("{scenario} at {revision}:\n{said}")),
    }
}

#[test]
fn each_scenario_passes_at_each_revision() {
    let Some(npm) = npm() else { return };
    let client = client();
    let runs = SCENARIOS.iter().flat_map(|(scenario, revisions)| {
        let revisions = revisions.iter();
        revisions.map(move |revision| (*scenario, *revision))
    });
    let runs: Vec<(&str, &str)> = runs.collect();
    let mut failures = Vec::new();
    // Most of the time the suite's own program is starting.
    for some in runs.chunks(4) {
        let check = &|(scenario, revision): &(&str, &str)| check(&npm, &client, scenario, revision);
        std::thread::scope(|scope| {
            let threads: Vec<_> = some
                .iter()
                .map(|run| scope.spawn(move || check(run)))
                .collect();
            let results = threads.into_iter().map(|thread| thread.join().unwrap());
            failures.extend(results.filter_map(Result::err));
        });
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// `  - initialize [2025-06-18,2025-11-25]`
#[test]
fn no_scenario_is_left_out_but_for_authorization_and_extensions() {
    let Some(npm) = npm() else { return };
    let output = suite(&npm).args(["list", "--client"]).output().unwrap();
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = list.lines().filter_map(|line| line.strip_prefix("  - "));
    let known = |line: &&str| !line.starts_with("auth/") && !line.contains("[extension]");
    let mut listed: Vec<&str> = lines.filter(known).collect();
    let ours = SCENARIOS
        .iter()
        .map(|(name, revisions)| format!("{name} [{}]", revisions.join(",")));
    let mut ours: Vec<String> = ours.collect();
    listed.sort();
    ours.sort();
    assert_eq!(listed, ours);
}
