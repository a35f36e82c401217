//! What a path says of a file: source, test, text, or nothing that is searched.

use crate::language;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Source,
    /// Tests, examples, benchmarks, and what they need.
    Test,
    /// Prose, settings and markup.
    Text,
}

/// Folders of other people's code, which no question is about.
const VENDORED: [&str; 11] = [
    "node_modules",
    "vendor",
    "vendored",
    "third_party",
    "thirdparty",
    "third-party",
    "bower_components",
    "pods",
    "site-packages",
    ".git",
    "target",
];
const TESTS: [&str; 22] = [
    "test",
    "tests",
    "testing",
    "testdata",
    "test_data",
    "test-data",
    "spec",
    "specs",
    "__tests__",
    "__mocks__",
    "bench",
    "benches",
    "benchmark",
    "benchmarks",
    "example",
    "examples",
    "fixture",
    "fixtures",
    "e2e",
    "fuzz",
    "samples",
    "snapshots",
];
const TEXTS: [&str; 8] = [
    "doc", "docs", "website", "scripts", "ci", "build", "dist", "man",
];

/// What a file is by its path; `None` if it is not searched.
pub fn kind(path: &str) -> Option<Kind> {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let (stem, ending) = name.rsplit_once('.')?;
    let (_, language) = language::of_ending(ending)?;
    let mut folders = folders.split('/');
    if folders.clone().any(|folder| VENDORED.contains(&folder)) || made(name) {
        return None;
    }
    let words = |stem: &str| {
        stem.starts_with("test_") || stem.ends_with("_test") || stem.ends_with(".test")
    };
    let test = words(stem)
        || stem.ends_with(".spec")
        || stem.ends_with("_tests")
        || ["test", "tests", "conftest"].contains(&stem);
    if test
        || folders.clone().any(|folder| {
            TESTS.contains(&folder) || folder.ends_with("-tests") || folder.ends_with("_tests")
        })
    {
        return Some(Kind::Test);
    }
    let text = language.prose || folders.any(|folder| TEXTS.contains(&folder));
    Some(if text { Kind::Text } else { Kind::Source })
}

/// What a file is about by its name, the same for a source and its test: `create` of `create.go` and `create_test.go`.
pub fn subject(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    let stem = name.split('.').next().unwrap_or(&name);
    let stem = stem.strip_prefix("test_").unwrap_or(stem);
    let ends = ["_tests", "_test"]
        .iter()
        .find_map(|end| stem.strip_suffix(end));
    ends.unwrap_or(stem).to_string()
}

/// Names of files that a program wrote.
fn made(name: &str) -> bool {
    const ENDS: [&str; 8] = [
        ".min.js",
        ".min.css",
        ".pb.go",
        ".pb.cc",
        ".pb.h",
        "_pb2.py",
        ".bundle.js",
        "-lock.json",
    ];
    ENDS.iter().any(|end| name.ends_with(end)) || name == "pnpm-lock.yaml" || name == "changelog.md"
}

/// Whether a file's beginning shows that a program wrote it: it says so, or it has no lines that people could read.
pub fn generated(content: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] = [
        b"@generated",
        b"DO NOT EDIT",
        b"do not edit",
        b"utomatically generated",
    ];
    let head = &content[..content.len().min(600)];
    let said = MARKS
        .iter()
        .any(|mark| memchr::memmem::find(head, mark).is_some());
    let more = &content[..content.len().min(LOOKED_AT)];
    let lines = memchr::memchr_iter(b'\n', more).count() + 1;
    said || more.len() / lines > LINE
}

/// The bytes by which lines are judged, and the average length of a line that only a program writes.
const LOOKED_AT: usize = 20_000;
const LINE: usize = 500;
