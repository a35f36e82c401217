//! `corecoder doctor`: is everything there that the program needs, and what to do where it is not.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use console::style;
use corecoder::files::shown;
use corecoder::{Config, Entry, ErrorKind, Model, ModelError, Request};
use corecoder_providers::choice::Chosen;
use corecoder_providers::{Listed, Options};
use corecoder_sandbox::{Keeper, Mechanism, Policy, Sandbox, Unavailable};
use futures::StreamExt;

use crate::args::Args;
use crate::backend::Backend;
use crate::project::Project;
use crate::walls;
use crate::words::{self, plain};

/// What was found in one respect.
enum Finding {
    Good(String),
    /// Nothing is wrong, but something is worth knowing.
    Note(String),
    /// What is wrong, and what to do.
    Bad(String, String),
}

/// Checks everything, and says it. The exit code is 1 if something is wrong.
pub async fn run(
    args: &Args,
    keeper: &Keeper,
    project: &mut Project,
    remarks: &[String],
) -> ExitCode {
    let backend = Backend::new(args, &project.places, &mut project.settings).await;
    let config = &project.settings.config;
    let mut wrong = false;
    let mut say_of = |what: &str, finding: Finding| match finding {
        Finding::Good(words) => say!("{} {what}: {}", style("✓").green(), plain(&words)),
        Finding::Note(words) => say!("{} {what}: {}", style("·").dim(), plain(&words)),
        Finding::Bad(words, cure) => {
            wrong = true;
            say!(
                "{} {what}: {}\n    {}",
                style("✗").red(),
                plain(&words),
                plain(&cure)
            );
        }
    };
    for problem in &project.problems {
        say_of(
            "settings",
            Finding::Bad(problem.clone(), "put that file right".to_string()),
        );
    }
    for remark in remarks {
        say_of("folder", Finding::Note(remark.clone()));
    }
    say_of("sessions", sessions(config));
    match &backend {
        Err(why) => say_of("model", Finding::Bad(why.clone(), SET.to_string())),
        Ok(backend) => models(backend, &mut say_of).await,
    }
    for finding in sandbox(keeper, project) {
        say_of("sandbox", finding);
    }
    for finding in servers(project) {
        say_of("mcp", finding);
    }
    say_of("terminal", terminal());
    ExitCode::from(u8::from(wrong))
}

/// Each model of a run, with its key and endpoint.
async fn models(backend: &Backend, say_of: &mut impl FnMut(&str, Finding)) {
    for remark in &backend.remarks {
        say_of("model", Finding::Note(remark.clone()));
    }
    for chosen in backend.all() {
        say_of("key", key(chosen));
        let listed = chosen.models().await;
        let endpoint = endpoint(chosen, &listed);
        let reached = !matches!(endpoint, Finding::Bad(..));
        say_of("endpoint", endpoint);
        let model = match reached {
            true => model(chosen, &listed.unwrap_or_default()).await,
            false => Finding::Note(format!("{} was not asked", chosen.name())),
        };
        say_of("model", model);
    }
}

const URL: &str = "set CORECODER_BASE_URL to the part before /chat/completions, such as https://api.openai.com/v1";
const SET: &str = "`corecoder config` shows what is set and where, docs/providers.md what can be";

fn sessions(config: &Config) -> Finding {
    let Some(sessions) = crate::keep::sessions(config.data.as_deref()) else {
        let cure = "set HOME or CORECODER_HOME".to_string();
        return Finding::Bad(
            "there is no home directory, so nothing is kept".to_string(),
            cure,
        );
    };
    let folder = shown(sessions.folder());
    match sessions.prepare() {
        Ok(()) => Finding::Good(folder),
        Err(error) => {
            let cure = "make it writable, or move it with CORECODER_HOME".to_string();
            Finding::Bad(format!("{folder}: {error}"), cure)
        }
    }
}

/// Which mechanisms keep commands in their borders here, and what is kept.
fn sandbox(keeper: &Keeper, project: &Project) -> Vec<Finding> {
    let wanted = project.settings.sandbox.policy.as_ref();
    let policy = wanted.cloned().unwrap_or(Policy::new(&project.places.cwd));
    let tried: Vec<_> = Mechanism::all()
        .iter()
        .map(|mechanism| (*mechanism, Sandbox::under(*mechanism, keeper, &policy)))
        .collect();
    let strongest = tried.iter().find_map(|(_, tried)| tried.as_ref().ok());
    let found = tried.iter().map(|(mechanism, tried)| match tried {
        Ok(_) => Finding::Good(format!("{mechanism} works here")),
        Err(why) => Finding::Note(format!("{mechanism} does not work here: {why}")),
    });
    let kept = match (wanted, strongest) {
        (None, _) => Finding::Note(walls::NONE.to_string()),
        (Some(_), Some(sandbox)) => Finding::Good(sandbox.summary()),
        (Some(_), None) => {
            let tried = Vec::new();
            let cure = Unavailable { tried }.cure();
            let cure = format!("{cure}; or go on without it: --sandbox off");
            Finding::Bad(
                "there is none here, so nothing is run before you say so".to_string(),
                cure,
            )
        }
    };
    found.chain([kept]).collect()
}

/// The MCP servers, which are not started for this.
fn servers(project: &Project) -> Vec<Finding> {
    let (configured, problems) = crate::mcp::configured(&project.places);
    let cure = || "put that file right; docs/mcp.md says what may stand in it".to_string();
    let bad = problems
        .into_iter()
        .map(|problem| Finding::Bad(problem, cure()));
    let wrong = configured.iter().filter_map(|one| {
        let why = one.server.as_ref().err()?;
        let words = format!("{} in {}: {why}", one.name, shown(&one.file));
        Some(Finding::Bad(words, cure()))
    });
    let count = match configured.len() {
        0 => None,
        count => Some(Finding::Note(format!(
            "{count} configured; corecoder mcp list tries them"
        ))),
    };
    bad.chain(wrong).chain(count).collect()
}

fn key(chosen: &Chosen) -> Finding {
    match (chosen.has_key(), &chosen.key_from) {
        (true, Some(variable)) => Finding::Good(format!("is set, in {variable}")),
        (true, None) => Finding::Good("is set".to_string()),
        (false, _) => Finding::Note("none, which a local server seldom wants".to_string()),
    }
}

fn endpoint(chosen: &Chosen, listed: &Result<Vec<Listed>, ModelError>) -> Finding {
    let url = &chosen.base_url;
    match listed {
        Ok(models) => Finding::Good(format!("{url} lists {} models", models.len())),
        Err(error) => match error.kind {
            ErrorKind::Authentication => Finding::Bad(
                format!("{url}: {error}"),
                "the key is wrong, or not for this provider".to_string(),
            ),
            ErrorKind::Network => Finding::Bad(
                error.message.clone(),
                format!("is the server running, and the network there? {URL}"),
            ),
            // Not every server lists its models.
            _ => Finding::Note(format!("{url} lists no models: {error}")),
        },
    }
}

/// One cheap request.
async fn model(chosen: &Chosen, listed: &[Listed]) -> Finding {
    let name = chosen.name();
    let asked = async { tokio::time::timeout(Duration::from_secs(60), ask(chosen)).await };
    let began = Instant::now();
    match asked.await {
        Ok(Ok(())) => {
            let took = began.elapsed().as_secs_f64();
            Finding::Good(format!("{name} answered in {took:.1} s"))
        }
        Ok(Err(error)) => {
            let cure = match nearest(&chosen.model, listed) {
                Some(names) => {
                    format!("the endpoint lists {names}; choose with -m or CORECODER_MODEL")
                }
                None => "see what the provider says; choose another with -m or CORECODER_MODEL"
                    .to_string(),
            };
            Finding::Bad(format!("{name}: {error}"), cure)
        }
        Err(_) => Finding::Bad(
            format!("{name} did not answer within a minute"),
            "try again, or another model".to_string(),
        ),
    }
}

async fn ask(chosen: &Chosen) -> Result<(), ModelError> {
    let llm = chosen.model(&Options {
        max_tokens: Some(16),
        ..Options::default()
    })?;
    let entries = [Entry::User("Say OK.".to_string())];
    let mut deltas = llm.stream(Request {
        system: "Answer with OK.",
        tools: &[],
        entries: &entries,
        ..Request::default()
    });
    while let Some(delta) = deltas.next().await {
        match delta? {
            // What fails now is to be said now.
            corecoder::Delta::Restart { error, .. } => return Err(error),
            corecoder::Delta::Done(_) => break,
            _ => {}
        }
    }
    Ok(())
}

/// The listed names that are like this one, unless it is listed itself.
fn nearest(name: &str, listed: &[Listed]) -> Option<String> {
    let names = || listed.iter().map(|listed| listed.name.as_str());
    if listed.is_empty() || names().any(|other| other == name) {
        return None;
    }
    let mut likely = words::likely(name, names());
    if likely.is_empty() {
        likely = names().collect();
    }
    likely.truncate(5);
    Some(likely.join(", "))
}

/// What to try instead of a model that the endpoint does not know; `None` if that is not what the error is about.
pub async fn advice(chosen: &Chosen, error: &ModelError) -> Option<String> {
    if error.kind == ErrorKind::Authentication {
        let key = chosen.key_from.as_deref().unwrap_or("the flag --api-key");
        let url = &chosen.base_url;
        return Some(format!(
            "the key is from {key} and went to {url}; `corecoder doctor` checks both"
        ));
    }
    if error.kind == ErrorKind::Quota {
        let words = "another provider may go on: --fallback or -m, and `corecoder models` lists what there is";
        return Some(words.to_string());
    }
    let about = matches!(error.kind, ErrorKind::BadRequest | ErrorKind::Other);
    if !about || !error.message.to_lowercase().contains("model") {
        return None;
    }
    unlisted(chosen).await
}

/// What to try instead of a model that the endpoint does not list; `None` if it does, or lists none.
pub async fn unlisted(chosen: &Chosen) -> Option<String> {
    let listed = tokio::time::timeout(Duration::from_secs(5), chosen.models()).await;
    let names = nearest(&chosen.model, &listed.ok()?.ok()?)?;
    Some(format!(
        "{:?} is not among the models that the endpoint lists; near it are: {names}; -m or /model names another",
        chosen.model
    ))
}

fn terminal() -> Finding {
    let name = std::env::var("TERM").unwrap_or_default();
    if !std::io::stdout().is_terminal() {
        return Finding::Note("standard output is none".to_string());
    }
    let (rows, columns) = console::Term::stdout().size();
    let size = format!("{name}, {columns} by {rows}");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| crate::settings::variable(name));
    let is_unicode =
        locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
    match (name.as_str(), is_unicode) {
        ("dumb" | "", _) => Finding::Note(format!(
            "{size}: nothing is drawn below the lines; set TERM if it can do more"
        )),
        (_, false) => Finding::Note(format!(
            "{size}: its locale is not UTF-8, so signs may look wrong; export LANG=C.UTF-8"
        )),
        _ if !console::colors_enabled() => Finding::Good(format!("{size}, no colours (NO_COLOR)")),
        _ => Finding::Good(size),
    }
}
