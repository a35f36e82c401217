//! How edits with the mistakes that models make are applied: `cargo run --release -p bench --bin edit`.
//!
//! Cases are made from the project's own sources by a fixed seed: a passage, a random change to it, and one mistake in
//! how both are quoted. Each case knows the one right file, or that a refusal is right. The table is printed and
//! written to `bench/tables/edit.md`; it is the same on each run until the sources change.

mod cases;
mod mistakes;

use std::path::Path;

use anyhow::ensure;
use corecoder::{Agent, Reply, Script};
use corecoder_edit::{Edit, edit};
use serde_json::json;

use cases::{Case, Samples};
use mistakes::MISTAKES;

const SEED: u64 = 1;
/// Of each mistake.
const CASES: usize = 100;
const HEAD: &str = "\
| the mistake | cases | right | refused rightly | refused needlessly | wrong | exact: right | refused needlessly | wrong |
|---|--:|--:|--:|--:|--:|--:|--:|--:|
";

/// What became of the cases of one mistake.
#[derive(Default)]
struct Tally {
    right: usize,
    rightly_refused: usize,
    needlessly_refused: usize,
    wrong: usize,
}

impl Tally {
    /// Counts a file after an edit, or `None` for a refusal.
    fn count(&mut self, case: &Case, result: Option<&String>) {
        let count = match (result, &case.wanted) {
            (Some(result), Some(wanted)) if result == wanted => &mut self.right,
            (Some(_), _) => &mut self.wrong,
            (None, Some(_)) => &mut self.needlessly_refused,
            (None, None) => &mut self.rightly_refused,
        };
        *count += 1;
    }

    fn add(&mut self, other: &Tally) {
        self.right += other.right;
        self.rightly_refused += other.rightly_refused;
        self.needlessly_refused += other.needlessly_refused;
        self.wrong += other.wrong;
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    let samples = Samples::below(&bench.join(".."))?;
    let folder = tempfile::tempdir()?;
    let (mut table, mut sum, mut exact_sum) =
        (HEAD.to_string(), Tally::default(), Tally::default());
    for (number, (name, mistake)) in (0..).zip(MISTAKES) {
        let mut random = fastrand::Rng::with_seed(SEED + number);
        let (mut tally, mut exact) = (Tally::default(), Tally::default());
        for case in samples.cases(&mut random, *mistake, CASES) {
            let result = forgiving(&case);
            tally.count(&case, result.as_ref());
            exact.count(&case, exactly(&case, folder.path()).await?.as_ref());
            if result.is_some() && result != case.wanted {
                eprintln!("wrong: {name}\n{}\n--- to\n{}\n---", case.old, case.new);
            }
        }
        table += &row(name, &tally, &exact);
        sum.add(&tally);
        exact_sum.add(&exact);
    }
    table += &row("all", &sum, &exact_sum);
    print!("{table}");
    std::fs::write(bench.join("tables/edit.md"), table)?;
    ensure!(sum.wrong == 0, "{} edits went wrong", sum.wrong);
    Ok(())
}

fn row(name: &str, tally: &Tally, exact: &Tally) -> String {
    let figures = [
        tally.right + tally.rightly_refused + tally.needlessly_refused + tally.wrong,
        tally.right,
        tally.rightly_refused,
        tally.needlessly_refused,
        tally.wrong,
        exact.right + exact.rightly_refused,
        exact.needlessly_refused,
        exact.wrong,
    ];
    let figures = figures.map(|figure| figure.to_string()).join(" | ");
    format!("| {name} | {figures} |\n")
}

fn forgiving(case: &Case) -> Option<String> {
    let edits = [Edit {
        old: case.old.clone(),
        new: case.new.clone(),
        all: false,
    }];
    let edited = edit(&case.content, &edits).ok()?;
    Some(edited.content)
}

/// The same by the engine's own tool, as a call of a scripted model.
async fn exactly(case: &Case, folder: &Path) -> anyhow::Result<Option<String>> {
    let file = folder.join("file");
    std::fs::write(&file, &case.content)?;
    let args = json!({"file_path": "file", "old_string": case.old, "new_string": case.new});
    let script = Script::new([Reply::calls([("edit_file", args)]), Reply::text("Done.")]);
    Agent::new(script).folder(folder).chat("Go.").await?;
    // A refusal leaves the file alone, and no case wants it as it was.
    let after = std::fs::read_to_string(&file)?;
    Ok((after != case.content).then_some(after))
}
