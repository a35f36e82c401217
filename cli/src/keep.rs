//! The session behind a run: begun, gone on with or copied, and the agent that works in it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use corecoder::files::shown;
use corecoder::session::{Fact, Header, Loaded, SessionError};
use corecoder::{Agent, Config, Entry, Host, Llm, tools};
use corecoder_guard::Guard;
use corecoder_sessions::list::{Info, Sessions};
use corecoder_sessions::python;
use corecoder_sessions::record::Recorder;
use corecoder_sessions::session::Session;
use corecoder_sessions::track::Tracker;

use crate::args::Args;

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
pub fn sessions(config: &Config) -> Option<Sessions> {
    config.data.as_deref().map(Sessions::new)
}

/// A new session in the configuration's folder.
pub fn begin(config: &Config) -> Kept {
    let mut kept = Kept {
        session: None,
        entries: Vec::new(),
        remarks: Vec::new(),
    };
    match sessions(config) {
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

/// The session that the command line asks for; a new one if it asks for none. `pick` lets a person choose. The
/// configuration's folder becomes the session's.
pub fn open(
    args: &Args,
    config: &mut Config,
    pick: impl Fn(&[Info]) -> anyhow::Result<Info>,
) -> anyhow::Result<Kept> {
    if !args.continues && args.resume.is_none() {
        if args.fork {
            bail!("--fork copies a session; say which, with -c or -r ID");
        }
        return Ok(begin(config));
    }
    let sessions = sessions(config).context("there is no home directory, so no session is kept")?;
    sessions
        .prepare()
        .with_context(|| shown(sessions.folder()))?;
    let info = match &args.resume {
        Some(Some(wanted)) => sessions.find(wanted)?,
        Some(None) => pick(&sessions.list())?,
        None => sessions
            .newest(&config.folder)
            .context("no session of this directory is kept")?,
    };
    let mut remarks = enter(&info, config);
    let mut kept = if args.fork {
        copied(&info, &sessions, config)?
    } else if is_foreign(&info) {
        imported(&info, &sessions, config)?
    } else {
        resumed(&info, config)?
    };
    if !info.model.is_empty() && info.model != config.model {
        remarks.push(format!(
            "the session was with {}, now it is {}",
            info.model, config.model
        ));
    }
    remarks.append(&mut kept.remarks);
    Ok(Kept { remarks, ..kept })
}

/// Works where the session worked, if that still exists.
fn enter(info: &Info, config: &mut Config) -> Vec<String> {
    let (there, here) = (&info.folder, &config.folder);
    if there == here || there.as_os_str().is_empty() {
        return Vec::new();
    }
    let (there_shown, here_shown) = (shown(there), shown(here));
    if !there.is_dir() {
        return vec![format!(
            "the session's directory {there_shown} is gone; going on in {here_shown}"
        )];
    }
    config.folder = there.clone();
    vec![format!("working in the session's directory {there_shown}")]
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

/// The agent that works in this session.
pub fn agent(llm: Llm, config: &Config, kept: &mut Kept, host: Arc<impl Host + 'static>) -> Agent {
    let mut agent = Agent::new(llm)
        .folder(&config.folder)
        .shell(Guard::new(corecoder::shell::Bash, config.home.clone()))
        .window(config.max_context);
    agent = match &kept.session {
        None => agent.host(host),
        Some(session) => {
            let tracker = Tracker::new(session.clone(), PathBuf::from(agent.kit().files.root()));
            agent
                .tools(tracker.follow(&tools::seven()))
                .host(Arc::new(Recorder::new(session.clone(), host)))
        }
    };
    agent.resume(std::mem::take(&mut kept.entries));
    agent
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
