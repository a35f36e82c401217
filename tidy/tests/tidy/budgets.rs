//! How long the engine may be: in all, in each part, and in each file.

use crate::source::{count_lines, crate_sources};

/// The engine without what stands [`OUTSIDE`], in lines that are neither blank nor comment nor unit test. It was meant
/// to be 1,200; ARCHITECTURE.md says why it is not, and what could leave.
const TOTAL: usize = 4_950;
/// A file of the engine.
const FILE: usize = 200;
/// Files that are words, settings and tables rather than program; they count for [`FILE`] but not for [`TOTAL`].
const OUTSIDE: [&str; 4] = ["prompt.rs", "config.rs", "dotenv.rs", "windows.rs"];
/// The parts of the engine with their files and folders, named from `engine/src`, and what each may measure. Each file
/// that is not [`OUTSIDE`] stands in one part.
const PARTS: [(&str, &[&str], usize); 6] = [
    ("loop", LOOP, 1_020),
    ("recovery", &["recovery.rs", "recovery/"], 225),
    ("context", &["context/"], 755),
    ("session", &["session/"], 470),
    (
        "wire",
        &["llm.rs", "http.rs", "retry.rs", "parameters.rs", "wire/"],
        1_215,
    ),
    (
        "tools",
        &["tools/", "files.rs", "target.rs", "diff.rs"],
        1_295,
    ),
];
const LOOP: &[&str] = &[
    "lib.rs",
    "agent.rs",
    "setup.rs",
    "batch.rs",
    "conversation.rs",
    "model.rs",
    "host.rs",
    "shell.rs",
    "kit.rs",
    "inbox.rs",
    "standing.rs",
    "toolset.rs",
];

/// Whether a list of files and folders names this file.
fn names(list: &[&str], file: &str) -> bool {
    let is = |item: &&str| *item == file || (item.ends_with('/') && file.starts_with(*item));
    list.iter().any(is)
}

/// Each file of the engine, named from `engine/src`, with its lines.
fn measured() -> Vec<(String, usize)> {
    let name = |file: &String| file.trim_start_matches("engine/src/").to_string();
    let lines = |file: &String| count_lines(file).expect("a file that was just listed can be read");
    crate_sources("engine")
        .iter()
        .map(|file| (name(file), lines(file)))
        .collect()
}

#[test]
fn every_file_of_the_engine_fits_its_budget() {
    let long: Vec<String> = measured()
        .iter()
        .filter(|(_, lines)| *lines > FILE)
        .map(|(name, lines)| format!("  {name} has {lines}"))
        .collect();
    assert!(
        long.is_empty(),
        "a file of the engine has at most {FILE} lines of code; shorten or split:\n{}",
        long.join("\n")
    );
}

#[test]
fn every_file_of_the_engine_stands_in_one_part() {
    let homes = |name: &str| {
        let parts = PARTS.iter().filter(|(_, files, _)| names(files, name));
        parts.count() + usize::from(names(&OUTSIDE, name))
    };
    let lost: Vec<String> = measured()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| homes(name) != 1)
        .collect();
    assert!(
        lost.is_empty(),
        "name each of these in exactly one part in tidy/tests/tidy/budgets.rs: {}",
        lost.join(", ")
    );
}

#[test]
fn the_engine_and_its_parts_fit_their_budgets() {
    let measured = measured();
    let sum = |wanted: &dyn Fn(&str) -> bool| -> usize {
        let counted = measured.iter().filter(|(name, _)| wanted(name));
        counted.map(|(_, lines)| lines).sum()
    };
    let mut table = String::new();
    let mut fits = true;
    let mut row = |name: &str, lines: usize, budget: usize| {
        fits &= lines <= budget;
        let mark = if lines <= budget { "" } else { "  too long" };
        table += &format!("  {name:<10} {lines:>5} of {budget:>5}{mark}\n");
    };
    for (part, files, budget) in PARTS {
        row(part, sum(&|name| names(files, name)), budget);
    }
    row("in all", sum(&|name| !names(&OUTSIDE, name)), TOTAL);
    for (name, lines) in &measured {
        table += &format!("    {name:<20} {lines:>5}\n");
    }
    assert!(
        fits,
        "the engine has outgrown a budget; shorten it, or move something out:\n{table}"
    );
}
