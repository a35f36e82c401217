//! Recall on questions from a repository's history: `cargo run --release -p bench --bin locate [REPOSITORY]`.
//!
//! The questions are those of `corecoder locate --batch`. Beside `locate` stands what `grep` alone gives: the source files that
//! hold the most of the question's words. The table is printed; that of this repository is written to
//! `bench/tables/locate.md` as well.

mod grep;

use std::path::{Path, PathBuf};
use std::time::Duration;

use corecoder_locate::batch::Batch;
use corecoder_locate::{Settings, locate};

use grep::Grep;

/// Questions at most.
const QUESTIONS: usize = 60;
/// Ranks beyond this one count as not found.
const LIMIT: usize = 50;

/// Sums over all questions.
#[derive(Default)]
struct Score {
    recall: [f64; 3],
    all: f64,
    reciprocal: f64,
}

/// The first so many files for which recall is told.
const FIRST: [usize; 3] = [1, 5, 10];

impl Score {
    fn count(&mut self, ranked: &[String], files: &[String]) {
        let found = |first: usize| {
            let first = &ranked[..first.min(ranked.len())];
            files.iter().filter(|file| first.contains(file)).count()
        };
        for (recall, first) in self.recall.iter_mut().zip(FIRST) {
            *recall += found(first) as f64 / files.len() as f64;
        }
        self.all += f64::from(found(5) == files.len());
        let best = ranked.iter().position(|file| files.contains(file));
        self.reciprocal += best.map_or(0.0, |at| 1.0 / (at + 1) as f64);
    }

    fn row(&self, name: &str, questions: usize) -> String {
        let [one, five, ten] = self.recall;
        let figures = [one, five, ten, self.all, self.reciprocal];
        let figures = figures.map(|sum| format!("{:.3}", sum / questions as f64));
        format!("| {name} | {} |\n", figures.join(" | "))
    }
}

fn main() -> anyhow::Result<()> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::args().nth(1).map(PathBuf::from);
    let repository = given.clone().unwrap_or_else(|| bench.join(".."));
    let batch = Batch::open(&repository, QUESTIONS)?;
    let table = table(&batch);
    print!("{table}");
    if given.is_none() {
        std::fs::write(bench.join("tables/locate.md"), table)?;
    }
    Ok(())
}

fn table(batch: &Batch) -> String {
    let mut grep = Grep::default();
    // Nothing may depend on how quick the machine is.
    let settings = Settings {
        limit: LIMIT,
        time: Duration::from_secs(600),
        ..Settings::default()
    };
    let (mut located, mut grepped) = (Score::default(), Score::default());
    for question in &batch.questions {
        let tree = batch.tree(question);
        let answer = locate(&question.query, &tree, None, &settings);
        let ranked: Vec<String> = answer.files.into_iter().map(|found| found.path).collect();
        located.count(&ranked, &question.gold);
        grepped.count(&grep.ranked(&question.query, &tree, LIMIT), &question.gold);
    }
    let count = batch.questions.len();
    let head = format!(
        "| {count} questions from this project's history | recall@1 | recall@5 | recall@10 | all@5 | MRR |\n\
         |---|--:|--:|--:|--:|--:|\n"
    );
    let rows = [
        located.row("`locate`", count),
        grepped.row("`grep` for the words", count),
    ];
    head + &rows.concat()
}
