//! `-p`: one task, its answer on standard output, its progress on standard error.

use std::io::{IsTerminal, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::anyhow;
use corecoder::{AgentError, Config, Llm};

use crate::approval::Policy;
use crate::args::Args;
use crate::keep;
use crate::screen::{Screen, Show, plain};
use crate::sessions;
use crate::signals::{Interrupt, Signals};

/// Where the task comes from.
pub enum Prompt {
    Text(String),
    Empty,
    /// Nobody gave one: a person will type it.
    Terminal,
}

/// The prompt of the command line with what was piped in below it.
pub fn prompt(args: &Args) -> anyhow::Result<Prompt> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(match &args.prompt {
            Some(prompt) if prompt.trim().is_empty() => Prompt::Empty,
            Some(prompt) => Prompt::Text(prompt.clone()),
            None => Prompt::Terminal,
        });
    }
    let piped = read_all(stdin)?;
    let piped = String::from_utf8_lossy(&piped).into_owned();
    let parts = [args.prompt.clone().unwrap_or_default(), piped];
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim_end())
        .filter(|part| !part.is_empty())
        .collect();
    Ok(if parts.is_empty() {
        Prompt::Empty
    } else {
        Prompt::Text(parts.join("\n\n"))
    })
}

/// Reads standard input to its end; says so when that takes a while, since it may never come.
fn read_all(mut stdin: std::io::Stdin) -> anyhow::Result<Vec<u8>> {
    let (sender, done) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if done.recv_timeout(Duration::from_secs(2)) == Err(RecvTimeoutError::Timeout) {
            eprintln!(
                "corecoder: waiting for the end of standard input (</dev/null if there is none)"
            );
        }
    });
    let mut piped = Vec::new();
    stdin.read_to_end(&mut piped)?;
    drop(sender);
    Ok(piped)
}

pub async fn run(
    llm: Llm,
    mut config: Config,
    args: &Args,
    prompt: String,
) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let screen = Arc::new(screen(args));
    let mut kept = keep::open(args, &mut config, sessions::pick)?;
    for remark in &kept.remarks {
        eprintln!("corecoder: {}", plain(remark));
    }
    let mut agent = keep::agent(llm, &config, &mut kept, screen.clone());
    let answer = tokio::select! {
        // The work first, so that what was said is noted down before anything stops it.
        biased;
        answer = agent.chat(prompt) => answer,
        why = keep::failed(kept.session.clone()) => {
            screen.clear();
            return Err(anyhow!(why));
        }
        interrupt = signals.next() => {
            screen.clear();
            eprintln!("corecoder: interrupted{}", keep::hint(&kept));
            return Ok(match interrupt {
                Interrupt::Cancel => ExitCode::from(130),
                Interrupt::Leave(code) => code,
            });
        }
    };
    screen.clear();
    if let Err(AgentError::Rounds(_)) = answer {
        eprintln!("corecoder: not done yet{}", keep::hint(&kept));
    }
    let answer = answer?;
    // Whoever reads the answer may have had enough of it.
    let _ = writeln!(std::io::stdout(), "{}", answer.trim_end());
    if answer.trim().is_empty() {
        eprintln!("corecoder: the model ended without an answer");
    }
    Ok(ExitCode::SUCCESS)
}

fn screen(args: &Args) -> Screen {
    let show = Show {
        answer: false,
        details: args.verbose,
    };
    let policy = if args.yes {
        Policy::AllowAll
    } else {
        Policy::ReadsOnly
    };
    Screen::new(show, policy)
}
