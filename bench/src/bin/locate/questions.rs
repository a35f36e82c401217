//! Questions from a repository's history.

use std::path::Path;
use std::process::Command;

use anyhow::ensure;
use corecoder_locate::kinds::{Kind, kind};

const SEED: u64 = 1;
/// How many questions at most, and how many files their commits changed at most.
const MOST: usize = 60;
const FILES: usize = 5;

/// A commit's message, and the source files that it changed, as its parent has them.
pub struct Question {
    pub parent: String,
    pub text: String,
    pub files: Vec<String>,
}

pub struct Asked {
    pub questions: Vec<Question>,
    /// How many commits there are, merges left out.
    pub commits: usize,
    /// The newest of them, in short.
    pub head: String,
}

/// A sample by a fixed seed of the commits that changed one to five source files.
pub fn questions(repository: &Path) -> anyhow::Result<Asked> {
    let log = [
        "log",
        "--no-merges",
        "--no-renames",
        "--name-status",
        "--format=%x01%P%x02%B%x02",
    ];
    let log = git(repository, &log)?;
    let entries: Vec<&str> = log.split('\x01').skip(1).collect();
    let mut questions: Vec<Question> = entries.iter().filter_map(|entry| question(entry)).collect();
    fastrand::Rng::with_seed(SEED).shuffle(&mut questions);
    questions.truncate(MOST);
    let head = git(repository, &["rev-parse", "--short=7", "HEAD"])?;
    Ok(Asked {
        questions,
        commits: entries.len(),
        head: head.trim().to_string(),
    })
}

fn git(repository: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["-c", "core.quotePath=false", "--no-pager"])
        .args(args)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git: {said}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// An entry of the log as a question, if its commit changed few files and one that was there.
fn question(entry: &str) -> Option<Question> {
    let mut parts = entry.split('\x02');
    let (parent, text, changes) = (parts.next()?, parts.next()?, parts.next()?);
    let changes = changes.lines().filter_map(|line| line.split_once('\t'));
    let sources: Vec<(&str, &str)> = changes
        .filter(|(_, path)| kind(path) == Some(Kind::Source))
        .collect();
    // A file that the commit added can't be found in its parent.
    let there = sources.iter().filter(|(status, _)| *status != "A");
    let files: Vec<String> = there.map(|(_, path)| path.to_string()).collect();
    let few = sources.len() <= FILES && !files.is_empty() && !parent.is_empty();
    few.then(|| Question {
        parent: parent.to_string(),
        text: text.trim().to_string(),
        files,
    })
}
