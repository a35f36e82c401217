//! The session behind a run: begun, gone on with or copied, and the agent that works in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use corecoder::files::shown;
use corecoder::session::{Fact, Header, Loaded, SessionError};
use corecoder::{Config, Entry};
use corecoder_sessions::list::{Info, Sessions};
use corecoder_sessions::python;
use corecoder_sessions::session::Session;

use crate::args::SessionArgs;

/// This program, as journals name it.
pub const PROGRAM: &str = concat!("corecoder ", env!("CARGO_PKG_VERSION"));

/// A conversation and where it is kept.
pub struct Kept {
    /// `None` if it can't be kept.
    pub session: Option<Arc<Session>>,
    pub entries: Vec<Entry>,
    /// What a person should know before going on.
    pub remarks: Vec<String>,
}

/// All sessions of the user; `None` without a home.
pub fn sessions(data: Option<&Path>) -> Option<Sessions> {
    data.map(Sessions::new)
}

/// The session that the command line asks for, if it asks for one. `pick` lets a person choose.
pub fn wanted(
    args: &SessionArgs,
    data: Option<&Path>,
    here: &Path,
    pick: impl Fn(&[Info]) -> anyhow::Result<Info>,
) -> anyhow::Result<Option<Info>> {
    if !args.continues && args.resume.is_none() {
        if args.fork {
            bail!("--fork copies a session; say which, with -c or -r ID");
        }
        return Ok(None);
    }
    let sessions = sessions(data).context("there is no home directory, so no session is kept")?;
    sessions
        .prepare()
        .with_context(|| shown(sessions.folder()))?;
    Ok(Some(match &args.resume {
        Some(Some(wanted)) => sessions.find(wanted)?,
        Some(None) => pick(&sessions.list())?,
        None => sessions
            .newest(here)
            .context("no session of this directory is kept")?,
    }))
}

/// Where to work: where the session worked, if that still exists. And what to say of it.
pub fn place(info: Option<&Info>, here: PathBuf) -> (PathBuf, Vec<String>) {
    let there = match info.map(|info| &info.folder) {
        Some(there) if *there != here && !there.as_os_str().is_empty() => there.clone(),
        _ => return (here, Vec::new()),
    };
    let (there_shown, here_shown) = (shown(&there), shown(&here));
    if !there.is_dir() {
        let words =
            format!("the session's directory {there_shown} is gone; going on in {here_shown}");
        return (here, vec![words]);
    }
    let words = format!("working in the session's directory {there_shown}");
    (there, vec![words])
}

/// A new session in the configuration's folder.
pub fn begin(config: &Config) -> Kept {
    let mut kept = Kept {
        session: None,
        entries: Vec::new(),
        remarks: Vec::new(),
    };
    match sessions(config.data.as_deref()) {
        None => kept
            .remarks
            .push("there is no home directory, so this session is not kept".to_string()),
        Some(sessions) => match sessions.prepare() {
            Ok(()) => {
                let header = header(config, None);
                kept.session = Some(Arc::new(Session::begin(
                    sessions.folder(),
                    header,
                    Vec::new(),
                )));
            }
            Err(error) => {
                let folder = shown(sessions.folder());
                kept.remarks
                    .push(format!("this session is not kept: {folder}: {error}"));
            }
        },
    }
    kept
}

/// The session `info`, or a copy of it; a new one without it.
pub fn open(fork: bool, config: &Config, info: Option<&Info>) -> anyhow::Result<Kept> {
    let Some(info) = info else {
        return Ok(begin(config));
    };
    let sessions = sessions(config.data.as_deref());
    let sessions = sessions.context("there is no home directory, so no session is kept")?;
    let mut kept = if fork {
        copied(info, &sessions, config)?
    } else if is_foreign(info) {
        imported(info, &sessions, config)?
    } else {
        resumed(info, config)?
    };
    if !info.model.is_empty() && info.model != config.model {
        kept.remarks.push(format!(
            "the session was with {}, now it is {}",
            info.model, config.model
        ));
    }
    Ok(kept)
}

fn resumed(info: &Info, config: &Config) -> anyhow::Result<Kept> {
    let (
        session,
        Loaded {
            entries,
            problems,
            unanswered,
            ..
        },
    ) = Session::resume(&info.path, PROGRAM)?;
    if info.model != config.model {
        session.record("", Fact::Model(config.model.clone()));
    }
    let mut remarks = problems;
    if !unanswered.is_empty() {
        let calls = unanswered.len();
        remarks.push(format!(
            "calls that were cut off: {calls}; the model is told that they may or may not have run. What they changed \
             was not seen, and a command may run on"
        ));
    }
    Ok(Kept {
        session: Some(Arc::new(session)),
        entries,
        remarks,
    })
}

fn copied(info: &Info, sessions: &Sessions, config: &Config) -> anyhow::Result<Kept> {
    let (entries, mut remarks) = stored(info)?;
    remarks.push(format!("a copy of {}", info.id));
    let header = header(config, Some(info.id.clone()));
    Ok(begun(header, entries, remarks, sessions))
}

/// A session of the Python program keeps its name; its own file stays as it is.
fn imported(info: &Info, sessions: &Sessions, config: &Config) -> anyhow::Result<Kept> {
    let (entries, _) = stored(info)?;
    let remark = "saved by the Python program; what follows is kept in a journal beside it";
    let header = Header {
        id: info.id.clone(),
        ..header(config, None)
    };
    Ok(begun(header, entries, vec![remark.to_string()], sessions))
}

fn is_foreign(info: &Info) -> bool {
    info.path.extension().is_some_and(|kind| kind == "json")
}

/// What a session holds, and what of it could not be read.
fn stored(info: &Info) -> anyhow::Result<(Vec<Entry>, Vec<String>)> {
    let file = std::fs::read(&info.path).with_context(|| shown(&info.path))?;
    if is_foreign(info) {
        let saved = python::read(&file);
        let saved = saved.ok_or_else(|| SessionError::NotASession(info.path.clone()))?;
        return Ok((saved.entries, Vec::new()));
    }
    let loaded = Loaded::read(&file);
    Ok((loaded.entries, loaded.problems))
}

fn begun(header: Header, entries: Vec<Entry>, remarks: Vec<String>, sessions: &Sessions) -> Kept {
    let session = Session::begin(sessions.folder(), header, entries.clone());
    Kept {
        session: Some(Arc::new(session)),
        entries,
        remarks,
    }
}

fn header(config: &Config, parent: Option<String>) -> Header {
    Header {
        id: new_id(),
        folder: config.folder.clone(),
        model: config.model.clone(),
        program: PROGRAM.to_string(),
        parent,
        ..Header::default()
    }
}

/// The date and the time in UTC, so that ids sort by age, and some letters, so that two never meet.
fn new_id() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let time = time::OffsetDateTime::from_unix_timestamp(now.as_secs() as i64)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (time.year(), time.month() as u8, time.day());
    let (hour, minute, second) = time.to_hms();
    let letters: String = std::iter::repeat_with(fastrand::lowercase)
        .take(4)
        .collect();
    format!("{year}{month:02}{day:02}-{hour:02}{minute:02}{second:02}-{letters}")
}

/// The date in UTC, as in `2026-11-23`.
pub fn today() -> String {
    time::OffsetDateTime::now_utc().date().to_string()
}

/// How to go on with it, as the end of a sentence; nothing if it is not kept.
pub fn hint(kept: &Kept) -> String {
    let command = |session: &Arc<Session>| format!("; go on with: corecoder -r {}", session.id());
    kept.session.as_ref().map(command).unwrap_or_default()
}

/// Waits until the session can't be kept any more, and says why.
pub async fn failed(session: Option<Arc<Session>>) -> String {
    match session {
        Some(session) => session.failed().await,
        None => std::future::pending().await,
    }
}
