//! Answers the questions of a benchmark from the history of its repositories.
//!
//! `probe MIRRORS QUESTIONS [LIMIT]` reads lines of `{"id", "repo", "parent", "query"}`, looks into the tree of the
//! commit `parent` of `MIRRORS/owner+name/repo`, and prints `{"id", "method", "ranked", "ms"}` for each.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use corecoder_locate::tree::Store;
use corecoder_locate::{Settings, locate};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [mirrors, questions, rest @ ..] = args.as_slice() else {
        return Err("usage: probe MIRRORS QUESTIONS [LIMIT]".into());
    };
    let settings = Settings {
        limit: rest.first().map_or(Ok(50), |limit| limit.parse())?,
        time: std::time::Duration::from_secs(60),
        ..Settings::default()
    };
    let mut open: Option<(String, Store)> = None;
    for line in std::fs::read_to_string(questions)?.lines() {
        let question: Value = serde_json::from_str(line)?;
        let text = |name: &str| question[name].as_str().unwrap_or_default();
        let repository = text("repo").replace('/', "+");
        if open.as_ref().is_none_or(|(name, _)| *name != repository) {
            let folder = Path::new(mirrors).join(&repository).join("repo");
            open = Some((repository.clone(), Store::open(&folder)?));
        }
        let Some((_, store)) = &open else { continue };
        let start = Instant::now();
        let answer = locate(text("query"), &store.tree(text("parent")), None, &settings);
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let ranked: Vec<&str> = answer
            .files
            .iter()
            .map(|found| found.path.as_str())
            .collect();
        let row = json!({"id": text("id"), "method": "locate", "ranked": ranked, "ms": ms.round()});
        println!("{row}");
    }
    Ok(())
}
