//! Questions from a repository's own history, and how well they are answered: what `corecoder locate --batch` does.
//!
//! A commit's message is the question, the tree before the commit is what is searched, and the files that it changed are
//! the answer. The rules, which take out what would answer itself:
//!
//! - of the newest 3,000 commits those with one parent whose subject is no housekeeping ([`housekeeping`]);
//! - the answer is the 1 to 5 source files that were changed: no tests, prose, vendored or build files, and none that the
//!   commit adds. A commit that moves or deletes sources, or touches more than 15 files, is left out;
//! - from the message go the area before a colon, trailers, links, numbers of issues, names of commits, everything with a
//!   slash, names of files, and what is written like an identifier and is part of a path of the answer. At least five
//!   words and 30 bytes must remain;
//! - which commits are taken depends on their names and [`SEED`] alone, so a repository that grows keeps most questions.
//!
//! Left out: whether a file that was not changed would have been a good answer too.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::git::{self, git};
use crate::kinds::{self, Kind};
use crate::tree::{Store, Tree};
use crate::{Settings, language, locate};

/// How many commits are looked at, the newest first.
const COMMITS: &str = "-n3000";
/// How long git may take for them, and for a name.
const LOG: Duration = Duration::from_secs(120);
const NAME: Duration = Duration::from_secs(5);
/// The most files in a commit, and how many of them may be the answer.
const FILES: usize = 15;
const GOLD: std::ops::RangeInclusive<usize> = 1..=5;
/// What must remain of a message, in words and in bytes.
const WORDS: usize = 5;
const BYTES: usize = 30;
/// Chooses the sample.
const SEED: u32 = 1;
/// The files of an answer that are counted.
const RANKED: usize = 10;

/// Why there is nothing to ask.
#[derive(Debug, Error)]
pub enum Problem {
    #[error("no git repository, or git can't read it")]
    NoRepository,
    #[error("its history has no commit that makes a question")]
    NoQuestions,
    #[error("git can't be asked: {0}")]
    NoGit(#[from] std::io::Error),
}

/// A question whose answer is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    pub commit: String,
    /// The commit before, whose tree is searched.
    pub parent: String,
    pub query: String,
    /// The files that the commit changed.
    pub gold: Vec<String>,
}

/// The questions of a repository, the newest first.
pub struct Batch {
    store: Store,
    pub questions: Vec<Question>,
}

impl Batch {
    /// Takes at most `limit` questions from the history of the repository that `folder` is in, bare or not.
    pub fn open(folder: &Path, limit: usize) -> Result<Batch, Problem> {
        let top = top(folder)?;
        let questions = sample(questions(&log(&top)), limit);
        if questions.is_empty() {
            return Err(Problem::NoQuestions);
        }
        let store = Store::open(&top)?;
        Ok(Batch { store, questions })
    }

    /// What is searched for this question: the repository before the commit.
    pub fn tree<'a>(&'a self, question: &'a Question) -> Tree<'a> {
        self.store.tree(&question.parent)
    }

    /// Answers a question in the past. What other questions have read is remembered, so the first takes longest.
    pub fn ask(&self, question: &Question) -> Outcome {
        let settings = Settings {
            limit: RANKED,
            time: Duration::from_secs(60),
            ..Settings::default()
        };
        let start = Instant::now();
        let tree = self.tree(question);
        let answer = locate(&question.query, &tree, None, &settings);
        Outcome {
            question: question.clone(),
            ranked: answer.files.into_iter().map(|found| found.path).collect(),
            ms: start.elapsed().as_secs_f64() * 1e3,
        }
    }
}

/// The folder from which a repository's paths are counted.
fn top(folder: &Path) -> Result<PathBuf, Problem> {
    let ask = |what: &str| {
        let answer = git::run(git(folder, &["rev-parse", what]), NAME)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        Some(PathBuf::from(answer.trim_end_matches('\n')))
    };
    ask("--git-dir").ok_or(Problem::NoRepository)?;
    // A bare repository has no such folder, and counts from its own.
    Ok(ask("--show-toplevel").unwrap_or_else(|| folder.to_path_buf()))
}

/// The newest commits; none if the repository has none.
fn log(top: &Path) -> String {
    let args = [
        "log",
        COMMITS,
        "--min-parents=1",
        "--max-parents=1",
        "--name-status",
        "--find-renames",
        "--no-relative",
        "--no-ext-diff",
        "--no-textconv",
        "--no-show-signature",
        "--no-color",
        "--format=%x01%H %P%x02%B%x02",
        "HEAD",
    ];
    let log = git::run(git(top, &args), LOG).unwrap_or_default();
    String::from_utf8_lossy(&log).into_owned()
}

/// All questions in what `git log` printed.
fn questions(log: &str) -> Vec<Question> {
    log.split('\x01').skip(1).filter_map(question).collect()
}

fn question(entry: &str) -> Option<Question> {
    let mut parts = entry.split('\x02');
    let (commit, parent) = parts.next()?.split_once(' ')?;
    let (message, changes) = (parts.next()?, parts.next()?);
    let gold = gold(changes)?;
    Some(Question {
        commit: commit.to_string(),
        parent: parent.to_string(),
        query: query(message, &gold)?,
        gold,
    })
}

/// Some of the questions, in their order.
fn sample(questions: Vec<Question>, limit: usize) -> Vec<Question> {
    let lot = |at: &usize| {
        let mut hasher = crc32fast::Hasher::new_with_initial(SEED);
        hasher.update(questions[*at].commit.as_bytes());
        hasher.finalize()
    };
    let mut chosen: Vec<usize> = (0..questions.len()).collect();
    chosen.sort_by_cached_key(lot);
    chosen.truncate(limit);
    chosen.sort_unstable();
    chosen.into_iter().map(|at| questions[at].clone()).collect()
}

/// The source files that a commit changed; `None` if they are no answer.
fn gold(changes: &str) -> Option<Vec<String>> {
    let changes: Vec<(&str, &str)> = changes
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    // A move names two files.
    let moves = |(status, paths): &(&str, &str)| {
        !matches!(*status, "M" | "A") && paths.split('\t').any(is_source)
    };
    if changes.len() > FILES || changes.iter().any(moves) {
        return None;
    }
    let gold: Vec<String> = changes
        .iter()
        .filter(|(status, path)| *status == "M" && is_source(path))
        .map(|(_, path)| path.to_string())
        .collect();
    GOLD.contains(&gold.len()).then_some(gold)
}

/// Files that say how a project is built.
const BUILD: [&str; 5] = [
    "build.rs",
    "setup.py",
    "conf.py",
    "gulpfile.js",
    "build.gradle",
];

fn is_source(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    // Git quotes names with odd characters.
    kinds::kind(path) == Some(Kind::Source) && !BUILD.contains(&name) && !path.starts_with('"')
}

/// What a commit's message asks, without what would lead straight to the answer; `None` if that is too little.
fn query(message: &str, gold: &[String]) -> Option<String> {
    let message = message.trim();
    let (subject, body) = message.split_once('\n').unwrap_or((message, ""));
    if housekeeping(subject) {
        return None;
    }
    let parts = parts(gold);
    let body = body.lines().filter(|line| !is_trailer(line));
    let lines = std::iter::once(subject).chain(body).map(without_area);
    let lines: Vec<String> = lines
        .map(|line| cleaned(line, &parts))
        .filter(|line| !line.is_empty())
        .collect();
    let query = lines.join("\n");
    let is_enough = query.split_whitespace().count() >= WORDS && query.len() >= BYTES;
    is_enough.then_some(query)
}

/// Words of subjects that speak of no fault and no feature.
const HOUSEKEEPING: &str = "backport bench benchmark benchmarks bump bumps changelog chore ci cleanup clippy cosmetic dependencies dependency \
    deps dependabot doc docs documentation flake8 fmt format formatting gofmt lint linter lints merge merges mypy nit nits prettier \
    readme refactor refactoring refactors reformat release releases rename renames renovate reorganize revert reverts rustfmt \
    style test testing tests tidy typo typos version wip";

/// Whether a commit is upkeep by its subject: a release, documentation, tests, a renaming.
pub fn housekeeping(subject: &str) -> bool {
    let lower = subject.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    let first = lower.split_whitespace().next().unwrap_or_default();
    let number = first.strip_prefix('v').unwrap_or(first);
    let is_version = number.starts_with(|c: char| c.is_ascii_digit()) && number.contains('.');
    is_version || words.any(|word| HOUSEKEEPING.split_whitespace().any(|known| known == word))
}

/// A line without the `area:` or `fix(area)!:` that it begins with; where commits were joined, each has its own.
fn without_area(line: &str) -> &str {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '-'));
    match line.split_once(": ") {
        Some((area, rest)) if !area.contains(char::is_whitespace) => rest,
        _ => line,
    }
}

/// `Signed-off-by: ...`, and its like.
fn is_trailer(line: &str) -> bool {
    const ENDS: [&str; 5] = ["-by", "-id", "-to", "-from", "-url"];
    const KEYS: [&str; 6] = ["bug", "cc", "fixes", "closes", "link", "see"];
    let Some((key, _)) = line.split_once(':') else {
        return false;
    };
    let key = key.trim().to_lowercase();
    let is_word = !key.contains(char::is_whitespace);
    is_word && (ENDS.iter().any(|end| key.ends_with(end)) || KEYS.contains(&&*key))
}

/// The names of folders and files in these paths, without their endings and however they are written.
fn parts(paths: &[String]) -> Vec<String> {
    let parts = paths.iter().flat_map(|path| path.split('/'));
    let stem = |part: &str| folded(part.split('.').next().unwrap_or(part));
    parts.map(stem).filter(|part| !part.is_empty()).collect()
}

/// The same for `line_buffer`, `LineBuffer` and `line-buffer`.
fn folded(name: &str) -> String {
    let name = name.replace(['_', '-'], "");
    name.to_lowercase()
}

fn cleaned(line: &str, parts: &[String]) -> String {
    let words = line.split_whitespace().filter(|word| !leads(word));
    let words: Vec<String> = words
        .map(|word| without(word, parts))
        .filter(|word| word.contains(char::is_alphanumeric))
        .collect();
    words.join(" ")
}

/// Whether a word is an address: of a page, a file, an issue or a commit.
fn leads(word: &str) -> bool {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '#' | '/' | '_'));
    let is_number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let lower = core.to_ascii_lowercase();
    let issue = ["#", "gh-"].iter().any(|mark| {
        let number = lower.strip_prefix(mark);
        number.is_some_and(is_number)
    });
    let commit = (7..=40).contains(&core.len())
        && core.chars().all(|c| c.is_ascii_hexdigit())
        && core.contains(|c: char| c.is_ascii_digit());
    let ending = core.rsplit_once('.').map(|(_, ending)| ending);
    // What follows a name is no part of its ending, as in `main.rs:12`.
    let ending = ending.and_then(|ending| ending.split(|c: char| !c.is_alphanumeric()).next());
    let file = ending.is_some_and(|ending| language::of_ending(&ending.to_lowercase()).is_some());
    word.contains('/') || issue || commit || file
}

/// A word without those of its names that are part of a path; plain words stay, whatever files are called.
fn without(word: &str, parts: &[String]) -> String {
    let core = word.trim_matches(|c: char| !c.is_alphanumeric());
    let inner_capital =
        core.chars().skip(1).any(char::is_uppercase) && core.chars().any(char::is_lowercase);
    let is_name = word.contains(['`', '_', '-'])
        || word.contains("()")
        || core.contains(['.', ':'])
        || inner_capital;
    if !is_name {
        return word.to_string();
    }
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let names = word.split(|c: char| !of_name(c));
    let (known, rest): (Vec<&str>, Vec<&str>) =
        names.partition(|name| parts.contains(&folded(name)));
    match known.is_empty() {
        true => word.to_string(),
        false => rest.join(" ").trim().to_string(),
    }
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub question: Question,
    /// The best ten files that were found, the best first.
    pub ranked: Vec<String>,
    pub ms: f64,
}

impl Outcome {
    /// The share of the answer among the first `k`.
    pub fn recall(&self, k: usize) -> f64 {
        let first = &self.ranked[..self.ranked.len().min(k)];
        let gold = &self.question.gold;
        let found = gold.iter().filter(|path| first.contains(path)).count();
        found as f64 / gold.len().max(1) as f64
    }

    /// One by the place of the first file of the answer; 0 if it is not among the ten.
    pub fn reciprocal(&self) -> f64 {
        let is_gold = |path: &String| self.question.gold.contains(path);
        let place = self.ranked.iter().position(is_gold);
        place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
    }

    /// All of it as one JSON object.
    pub fn json(&self) -> Value {
        let Question {
            commit,
            parent,
            query,
            gold,
        } = &self.question;
        json!({
            "commit": commit, "parent": parent, "query": query, "gold": gold, "ranked": self.ranked,
            "recall@1": self.recall(1), "recall@5": self.recall(5), "recall@10": self.recall(10),
            "all@5": self.recall(5) == 1.0, "reciprocal": self.reciprocal(), "ms": self.ms.round(),
        })
    }
}

/// Averages over a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The share of the answer among the first 1, 5 and 10 files.
    pub recall: [f64; 3],
    /// How often all of the answer is among the first 5.
    pub all: f64,
    /// The mean of one by the place of the first file of the answer.
    pub mrr: f64,
    pub count: usize,
    pub median_ms: f64,
}

impl Scores {
    pub fn of(outcomes: &[Outcome]) -> Scores {
        let mean = |value: &dyn Fn(&Outcome) -> f64| {
            outcomes.iter().map(value).sum::<f64>() / outcomes.len().max(1) as f64
        };
        let mut times: Vec<f64> = outcomes.iter().map(|outcome| outcome.ms).collect();
        times.sort_by(f64::total_cmp);
        Scores {
            recall: [1, 5, RANKED].map(|k| mean(&|outcome| outcome.recall(k))),
            all: mean(&|outcome| f64::from(u8::from(outcome.recall(5) == 1.0))),
            mrr: mean(&Outcome::reciprocal),
            count: outcomes.len(),
            median_ms: times.get(times.len() / 2).copied().unwrap_or_default(),
        }
    }

    /// Two lines: names and numbers.
    pub fn table(&self) -> String {
        let [one, five, ten] = self.recall;
        let mut table =
            String::from("recall@1  recall@5  recall@10  all@5    MRR  count  median ms\n");
        let _ = writeln!(
            table,
            "{one:8.3}  {five:8.3}  {ten:9.3}  {:5.3}  {:5.3}  {:5}  {:9.0}",
            self.all, self.mrr, self.count, self.median_ms
        );
        table
    }
}
