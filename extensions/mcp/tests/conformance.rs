//! The client scenarios of `@modelcontextprotocol/conformance`, each at each revision that it has.
//!
//! This program is also the client that the suite starts: the example of the same name.
//!
//! Those of authorization are left out, for OAuth is; and those of the extension for skills.

#[path = "../examples/conformance.rs"]
mod client;
mod common;

use std::path::Path;
use std::process::Command;

use common::*;
use libtest_mimic::{Arguments, Failed, Trial};

/// The first argument of this program when it is the client under test.
const CLIENT: &str = "--client";

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

fn check(npm: &Path, scenario: &str, revision: &str) -> Result<(), String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = suite(npm)
        .args(["client", "--scenario", scenario, "--spec-version", revision])
        .args(["--timeout", "60000", "--command"])
        .arg(format!("{} {CLIENT}", this.display()))
        .output()
        .map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    let passed = said.contains("OVERALL: PASSED") && !said.contains("Passed: 0/");
    match output.status.success() && passed {
        true => Ok(()),
        false => Err(said.into_owned()),
    }
}

/// That the list above is whole: lines such as `  - initialize [2025-06-18,2025-11-25]`.
fn check_list(npm: &Path) -> Result<(), String> {
    let output = suite(npm).args(["list", "--client"]).output();
    let output = output.map_err(|error| error.to_string())?;
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = list.lines().filter_map(|line| line.strip_prefix("  - "));
    let applies = |line: &&str| !line.starts_with("auth/") && !line.contains("[extension]");
    let mut listed: Vec<&str> = lines.filter(applies).collect();
    let ours = SCENARIOS
        .iter()
        .map(|(name, revisions)| format!("{name} [{}]", revisions.join(",")));
    let mut ours: Vec<String> = ours.collect();
    listed.sort();
    ours.sort();
    match listed == ours {
        true => Ok(()),
        false => Err(format!("the suite has {listed:?}, and we {ours:?}")),
    }
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some(CLIENT) {
        return client::main();
    }
    let args = Arguments::from_args();
    let mut trials = Vec::new();
    for (scenario, revisions) in SCENARIOS {
        for revision in *revisions {
            trials.push(Trial::test(
                format!("{scenario}_passes_at_{revision}"),
                || {
                    let checked = npm().map(|npm| check(&npm, scenario, revision));
                    checked.unwrap_or(Ok(())).map_err(Failed::from)
                },
            ));
        }
    }
    let name = "no_scenario_is_left_out_but_those_of_authorization_and_extensions";
    trials.push(Trial::test(name, || {
        let checked = npm().map(|npm| check_list(&npm));
        checked.unwrap_or(Ok(())).map_err(Failed::from)
    }));
    libtest_mimic::run(&args, trials).exit()
}
