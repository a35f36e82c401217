//! `corecoder doctor`: is everything there that the program needs, and what to do where it is not.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use console::style;
use corecoder::files::shown;
use corecoder::{Config, Entry, ErrorKind, Llm, Model, ModelError, Request};
use futures::StreamExt;

use crate::project::Project;
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
pub async fn run(project: &Project, remarks: &[String]) -> ExitCode {
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
    say_of("key", key(config));
    match config.llm() {
        Err(error) => say_of("endpoint", Finding::Bad(error.message, URL.to_string())),
        Ok(llm) => {
            let listed = llm.models().await;
            let endpoint = endpoint(config, &listed);
            let reached = !matches!(endpoint, Finding::Bad(..));
            say_of("endpoint", endpoint);
            let model = match reached {
                true => model(config, listed.unwrap_or_default()).await,
                false => Finding::Note(format!("{} was not asked", config.model)),
            };
            say_of("model", model);
        }
    }
    say_of("sandbox", Finding::Note(SANDBOX.to_string()));
    say_of("terminal", terminal());
    ExitCode::from(u8::from(wrong))
}

const URL: &str = "set CORECODER_BASE_URL to the part before /chat/completions, such as https://api.openai.com/v1";
const SANDBOX: &str =
    "there is none yet: a command that you allow runs with your rights; slips are refused";

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

fn key(config: &Config) -> Finding {
    match config.api_key.is_empty() {
        false => Finding::Good("is set".to_string()),
        true if crate::is_local(config.base_url.as_deref()) => {
            Finding::Note("none, which a local server seldom wants".to_string())
        }
        true => {
            let cure = "export OPENAI_API_KEY=..., or CORECODER_API_KEY with CORECODER_BASE_URL"
                .to_string();
            Finding::Bad("none is set".to_string(), cure)
        }
    }
}

fn endpoint(config: &Config, listed: &Result<Vec<String>, ModelError>) -> Finding {
    let url = config
        .base_url
        .as_deref()
        .unwrap_or("https://api.openai.com/v1");
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
async fn model(config: &Config, listed: Vec<String>) -> Finding {
    let name = &config.model;
    let asked = async { tokio::time::timeout(Duration::from_secs(60), ask(config)).await };
    let began = Instant::now();
    match asked.await {
        Ok(Ok(())) => {
            let took = began.elapsed().as_secs_f64();
            Finding::Good(format!("{name} answered in {took:.1} s"))
        }
        Ok(Err(error)) => {
            let cure = match nearest(name, &listed) {
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

async fn ask(config: &Config) -> Result<(), ModelError> {
    let llm =
        Llm::new(&config.model, &config.api_key, config.base_url.as_deref())?.max_tokens(Some(16));
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
fn nearest(name: &str, listed: &[String]) -> Option<String> {
    if listed.is_empty() || listed.iter().any(|other| other == name) {
        return None;
    }
    let mut likely = words::likely(name, listed.iter().map(String::as_str));
    if likely.is_empty() {
        likely = listed.iter().map(String::as_str).collect();
    }
    likely.truncate(5);
    Some(likely.join(", "))
}

/// What to try instead of a model that the endpoint does not know; `None` if that is not what the error is about.
pub async fn advice(config: &Config, error: &ModelError) -> Option<String> {
    let about = matches!(error.kind, ErrorKind::BadRequest | ErrorKind::Other);
    if !about || !error.message.to_lowercase().contains("model") {
        return None;
    }
    unlisted(config).await
}

/// What to try instead of a model that the endpoint does not list; `None` if it does, or lists none.
pub async fn unlisted(config: &Config) -> Option<String> {
    let llm = config.llm().ok()?;
    let listed = tokio::time::timeout(Duration::from_secs(5), llm.models()).await;
    let names = nearest(&config.model, &listed.ok()?.ok()?)?;
    Some(format!(
        "{:?} is not among the models that the endpoint lists; near it are: {names}",
        config.model
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
