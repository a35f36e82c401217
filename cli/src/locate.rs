//! `corecoder locate`: the files that a question is about, and how well such questions are answered here.
//!
//! No model is asked, and no setting is read.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use console::Term;
use corecoder::files::shown;
use corecoder_locate::batch::{Batch, Scores};
use corecoder_locate::{Settings, locate_in, prefix};

use crate::args::LocateArgs;
use crate::words::plain;
use crate::{here, project, usage};

/// Files in an answer, and questions of a batch, unless the person says otherwise.
const FILES: usize = 10;
const QUESTIONS: usize = 100;

/// Answers, or says what is wrong with the question.
pub fn run(args: &LocateArgs) -> anyhow::Result<ExitCode> {
    let here = here();
    let path = here.join(args.path.as_deref().unwrap_or(Path::new("")));
    if !path.exists() {
        return Ok(usage(&format!("there is no folder {}", shown(&path))));
    }
    if args.batch {
        return Ok(batch(args, &path));
    }
    let query = args.query.as_deref().unwrap_or_default();
    if query.trim().is_empty() {
        return Ok(usage(
            "the query is empty; give an error message, an issue or a description",
        ));
    }
    let settings = Settings {
        cache: project::cache(),
        limit: limit(args, FILES),
        ..Settings::default()
    };
    let answer = locate_in(query, &path, &settings);
    let prefix = prefix(&path, &here);
    match (args.json, args.explain) {
        (true, _) => say!("{}", answer.json()),
        (false, true) => say!("{}", plain(answer.explain(&prefix).trim_end())),
        (false, false) => say!("{}", plain(answer.text(&prefix).trim_end())),
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks questions from the history, each line of JSON as soon as its answer is there.
fn batch(args: &LocateArgs, repository: &Path) -> ExitCode {
    let batch = match Batch::open(repository, limit(args, QUESTIONS)) {
        Ok(batch) => batch,
        Err(problem) => return usage(&format!("{}: {problem}", shown(repository))),
    };
    let (term, all) = (Term::stderr(), batch.questions.len());
    let mut outcomes = Vec::new();
    for (done, question) in batch.questions.iter().enumerate() {
        if term.is_term() && !args.json {
            // Whether it can be shown changes nothing.
            let _ = write!(&term, "\r{done} of {all}");
        }
        let outcome = batch.ask(question);
        if args.json {
            say!("{}", outcome.json());
        }
        outcomes.push(outcome);
    }
    if term.is_term() && !args.json {
        let _ = term.clear_line();
    }
    if !args.json {
        say!("{}", Scores::of(&outcomes).table().trim_end());
    }
    ExitCode::SUCCESS
}

fn limit(args: &LocateArgs, usual: usize) -> usize {
    args.limit.map_or(usual, |limit| limit as usize)
}
