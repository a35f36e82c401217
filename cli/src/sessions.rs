//! `corecoder sessions`: what was kept, and what may go.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use console::{style, truncate_str};
use corecoder::files::shown;
use corecoder_sessions::list::{Info, Sessions};

use crate::args::SessionsCommand;
use crate::keep;
use crate::words::{plain, visible};

pub fn run(
    data: Option<&Path>,
    action: Option<SessionsCommand>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let sessions =
        keep::sessions(data).context("there is no home directory, so no session is kept")?;
    match action {
        Some(SessionsCommand::Prune { older_than, yes }) => {
            return prune(&sessions, older_than, yes);
        }
        None if json => say!("{}", serde_json::to_string_pretty(&sessions.list())?),
        None => {
            let infos = sessions.list();
            if infos.is_empty() {
                say!("no session is kept yet in {}", shown(sessions.folder()));
            }
            infos.iter().for_each(|info| say!("{}", line(info, None)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One session in one line: id, age, what it is about, and where, unless that is `here`.
pub fn line(info: &Info, here: Option<&Path>) -> String {
    let what = info.name.as_deref().unwrap_or(&info.title);
    let mut line = format!(
        "{}  {:>4}  {}",
        info.id,
        age(info.time),
        visible(&plain(what))
    );
    if here != Some(&*info.folder) {
        line += &format!("  {}", style(shown(&info.folder)).dim());
    }
    let width = match std::io::stdout().is_terminal() {
        true => console::Term::stdout().size().1 as usize,
        false => return line,
    };
    truncate_str(&line, width, "…").into_owned()
}

/// How long ago, in the largest unit that makes sense.
fn age(time: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let minutes = now.as_secs().saturating_sub(time / 1_000) / 60;
    match minutes {
        0..60 => format!("{minutes}m"),
        60..2_880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1_440),
    }
}

fn prune(sessions: &Sessions, older_than: Duration, yes: bool) -> anyhow::Result<ExitCode> {
    let old = sessions.older_than(older_than);
    if old.is_empty() {
        say!("no session is that old");
        return Ok(ExitCode::SUCCESS);
    }
    old.iter().for_each(|info| say!("{}", line(info, None)));
    if !yes
        && !confirmed(&format!(
            "delete these {} sessions for good? [y/N] ",
            old.len()
        ))?
    {
        say!("nothing was deleted");
        return Ok(ExitCode::SUCCESS);
    }
    let mut failures = 0;
    for info in &old {
        if let Err(error) = sessions.delete(info) {
            eprintln!("corecoder: {} stays: {error}", info.id);
            failures += 1;
        }
    }
    say!("{} sessions deleted", old.len() - failures);
    Ok(if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here; --yes deletes without asking");
    }
    Ok(matches!(asked(question)?.trim(), "y" | "Y" | "yes"))
}

fn asked(question: &str) -> anyhow::Result<String> {
    print!("{question}");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer)
}

/// Lets a person choose a session.
pub fn pick(infos: &[Info]) -> anyhow::Result<Info> {
    const SHOWN: usize = 20;
    if infos.is_empty() {
        bail!("no session is kept yet");
    }
    if !std::io::stdin().is_terminal() {
        bail!("-r needs an ID here; `corecoder sessions` lists them");
    }
    for (number, info) in infos.iter().take(SHOWN).enumerate() {
        say!("{:>3}  {}", number + 1, line(info, None));
    }
    if infos.len() > SHOWN {
        say!("     {} more: corecoder sessions", infos.len() - SHOWN);
    }
    loop {
        let answer = asked("number (Enter: none) ")?;
        match answer.trim().parse::<usize>() {
            _ if answer.trim().is_empty() => bail!("no session chosen"),
            Ok(number) if (1..=infos.len().min(SHOWN)).contains(&number) => {
                return Ok(infos[number - 1].clone());
            }
            _ => say!("a number from 1 to {}", infos.len().min(SHOWN)),
        }
    }
}
