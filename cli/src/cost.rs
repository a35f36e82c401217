//! `corecoder cost` and `/tokens`: what a session cost, by model and round.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use console::Term;
use corecoder::files::shown;
use corecoder_providers::Bill;

use crate::backend;
use crate::keep;
use crate::project::Project;
use crate::settings::Settings;
use crate::words::plain;

/// Prints what a session cost, the newest of this directory unless one is named; as JSON, or for a person.
pub fn run(project: &Project, wanted: Option<&str>, json: bool) -> anyhow::Result<ExitCode> {
    let places = &project.places;
    let sessions = keep::sessions(places.data.as_deref());
    let sessions = sessions.context("there is no home directory, so no session is kept")?;
    let info = match wanted {
        Some(wanted) => sessions.find(wanted)?,
        None => sessions
            .newest(&places.cwd)
            .context("no session of this directory is kept; name one: corecoder sessions")?,
    };
    let (bill, problems) = of(&info.path, &project.settings)?;
    for problem in problems {
        eprintln!("corecoder: {}: {}", shown(&info.path), plain(&problem));
    }
    match json {
        true => say!("{}", serde_json::json!(bill.sheet())),
        false => say!("{}\n{}", plain(&info.id), text(&bill)),
    }
    Ok(ExitCode::SUCCESS)
}

/// The bill of a journal, and what of it can't be read.
pub fn of(journal: &Path, settings: &Settings) -> anyhow::Result<(Bill, Vec<String>)> {
    let content = std::fs::read(journal).with_context(|| shown(journal))?;
    let (_, prices, _) = backend::tables(settings);
    let mut bill = Bill::new(prices, None);
    let problems = bill.journal(&content);
    Ok((bill, problems))
}

/// A bill as a person reads it, in the width of the terminal.
pub fn text(bill: &Bill) -> String {
    let width = match Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns),
        None => USUAL,
    };
    plain(bill.text(width).trim_end())
}

/// Columns where there is no terminal.
const USUAL: usize = 100;
