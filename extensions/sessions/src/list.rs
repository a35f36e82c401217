//! All sessions of a user: listed, found by what a person types, and deleted when they are old.
//!
//! The folder is the truth. An index beside the journals spares reading those that have not changed; it is a cache,
//! thrown away whenever it is missing, damaged or of another format.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use corecoder::session::{Fact, Line, file_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::python;

/// The sessions folder.
pub struct Sessions {
    folder: PathBuf,
}

/// A session as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Info {
    pub id: String,
    pub path: PathBuf,
    /// The working directory; empty if that is not known.
    pub folder: PathBuf,
    pub model: String,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// The beginning of what the user said first.
    pub title: String,
    /// When it was written last, in milliseconds since 1970.
    pub time: u64,
    pub bytes: u64,
}

/// Why no session is meant.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum FindError {
    #[error("there is no session {0:?}; `corecoder sessions` lists them")]
    None(String),
    #[error("{wanted:?} may be any of {}; say more of it", candidates.join(", "))]
    Several {
        wanted: String,
        candidates: Vec<String>,
    },
}

/// What tells a journal from a changed one without reading it: size, and nanoseconds of its last change.
type Stamp = (u64, u128);

#[derive(Default, Serialize, Deserialize)]
struct Index {
    format: u32,
    sessions: HashMap<String, (Stamp, Info)>,
}

const INDEX: u32 = 2;
const INDEX_FILE: &str = "index.json";

impl Sessions {
    /// The sessions below CoreCoder's own folder, such as `~/.corecoder`.
    pub fn new(data: &Path) -> Sessions {
        Sessions {
            folder: data.join("sessions"),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes the folder ready to be written, for the user alone; an older program may have made it for everyone to read.
    pub fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::set_permissions(&self.folder, PermissionsExt::from_mode(0o700))?;
        tempfile::tempfile_in(&self.folder).map(drop)
    }

    /// All of them, the newest first.
    pub fn list(&self) -> Vec<Info> {
        let mut index = self.index();
        let (mut fresh, mut changed) = (HashMap::new(), false);
        for (file, stamp) in self.journals() {
            let known = index
                .sessions
                .remove(&file)
                .filter(|(known, _)| *known == stamp);
            changed |= known.is_none();
            let info = known
                .map(|(_, info)| info)
                .or_else(|| self.info(&file, stamp));
            if let Some(info) = info {
                fresh.insert(file, (stamp, info));
            }
        }
        // Saved by the Python program and gone on with since: the journal holds all of it.
        let carried = |file: &str| file.strip_suffix(".json").map(file_name);
        let mut infos: Vec<Info> = fresh
            .iter()
            .filter(|(file, _)| !carried(file).is_some_and(|journal| fresh.contains_key(&journal)))
            .map(|(_, (_, info))| info.clone())
            .collect();
        infos.sort_by(|a, b| (b.time, &b.id).cmp(&(a.time, &a.id)));
        if changed || !index.sessions.is_empty() {
            self.write_index(Index {
                format: INDEX,
                sessions: fresh,
            });
        }
        infos
    }

    fn index(&self) -> Index {
        let index: Option<Index> = fs::read(self.folder.join(INDEX_FILE))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        index
            .filter(|index| index.format == INDEX)
            .unwrap_or_default()
    }

    /// A cache that can't be written is no reason to stop.
    fn write_index(&self, index: Index) {
        let write = || -> io::Result<()> {
            let file = tempfile::NamedTempFile::new_in(&self.folder)?;
            serde_json::to_writer(io::BufWriter::new(&file), &index)?;
            file.persist(self.folder.join(INDEX_FILE))?;
            Ok(())
        };
        let _ = write();
    }

    /// The files that are sessions, with their stamps.
    fn journals(&self) -> Vec<(String, Stamp)> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let stamped = files.filter_map(|file| {
            let name = file.file_name().into_string().ok()?;
            let is_session =
                name.ends_with(".jsonl") || name.ends_with(".json") && name != INDEX_FILE;
            let metadata = is_session.then(|| file.metadata().ok())??;
            let since = metadata
                .modified()
                .ok()?
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            let stamp = (metadata.len(), since.as_nanos());
            metadata.is_file().then_some((name, stamp))
        });
        stamped.collect()
    }

    fn info(&self, file: &str, (bytes, nanoseconds): Stamp) -> Option<Info> {
        let path = self.folder.join(file);
        let content = fs::read(&path).ok()?;
        let mut info = Info {
            id: path.file_stem()?.to_string_lossy().into_owned(),
            path,
            folder: PathBuf::new(),
            model: String::new(),
            name: None,
            title: String::new(),
            time: u64::try_from(nanoseconds / 1_000_000).unwrap_or_default(),
            bytes,
        };
        if file.ends_with(".json") {
            let saved = python::read(&content)?;
            (info.model, info.title) = (saved.model, title(&saved.entries));
        } else {
            describe(&content, &mut info);
        }
        Some(info)
    }

    /// The session that a person means: its id or name, or a beginning of the id that no other has.
    pub fn find(&self, wanted: &str) -> Result<Info, FindError> {
        let infos = self.list();
        let exact = |info: &&Info| info.id == wanted || info.name.as_deref() == Some(wanted);
        if let Some(info) = infos.iter().find(exact) {
            return Ok(info.clone());
        }
        let starts = |info: &&Info| !wanted.is_empty() && info.id.starts_with(wanted);
        let found: Vec<&Info> = infos.iter().filter(starts).collect();
        match found[..] {
            [] => Err(FindError::None(wanted.to_string())),
            [one] => Ok(one.clone()),
            _ => Err(FindError::Several {
                wanted: wanted.to_string(),
                candidates: found.iter().take(5).map(|info| info.id.clone()).collect(),
            }),
        }
    }

    /// The newest session of a working directory.
    pub fn newest(&self, folder: &Path) -> Option<Info> {
        let folder = folder.to_string_lossy();
        self.list()
            .into_iter()
            .find(|info| info.folder.to_string_lossy() == folder)
    }

    /// The sessions that were written last longer ago than this.
    pub fn older_than(&self, age: Duration) -> Vec<Info> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let oldest = now.saturating_sub(age).as_millis();
        self.list()
            .into_iter()
            .filter(|info| u128::from(info.time) < oldest)
            .collect()
    }

    /// Deletes a session with all that belongs to it. Errors if a program has it open.
    pub fn delete(&self, info: &Info) -> io::Result<()> {
        let file = fs::File::open(&info.path)?;
        let held = || io::Error::other("it is open in another program");
        file.try_lock().map_err(|_| held())?;
        fs::remove_file(&info.path)?;
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        gone(fs::remove_file(info.path.with_extension("torn")))?;
        gone(fs::remove_dir_all(info.path.with_extension("files")))
    }
}

/// The fact that gives a session a name.
pub fn name(name: &str) -> Fact {
    Fact::Extension(json!({"name": name}))
}

/// Fills in what the lines of a journal say. Only those are read that can matter.
fn describe(journal: &[u8], info: &mut Info) {
    let matters = |line: &&[u8]| {
        let has = |words: &str| memchr::memmem::find(line, words.as_bytes()).is_some();
        [
            "\"fact\":{\"session\":",
            "\"fact\":{\"user\":",
            "\"fact\":{\"model\":",
            "\"fact\":{\"entries\":",
            "{\"name\":",
        ]
        .iter()
        .any(|words| has(words))
    };
    for line in journal.split(|byte| *byte == b'\n').filter(matters) {
        let Ok(Line { who, fact, .. }) = serde_json::from_slice(line) else {
            continue;
        };
        match fact {
            Fact::Session(header) => (info.folder, info.model) = (header.folder, header.model),
            Fact::Model(model) => info.model = model,
            Fact::Extension(Value::Object(fact)) => {
                let name = fact.get("name").and_then(Value::as_str);
                info.name = name.map(str::to_string).or(info.name.take());
            }
            Fact::User(text) if who.is_empty() && info.title.is_empty() => {
                info.title = opening(&text)
            }
            Fact::Entries(entries) if who.is_empty() && info.title.is_empty() => {
                info.title = title(&entries)
            }
            _ => {}
        }
    }
}

fn title(entries: &[corecoder::Entry]) -> String {
    let said = entries.iter().find_map(|entry| match entry {
        corecoder::Entry::User(text) => Some(opening(text)),
        corecoder::Entry::Summary(summary) => summary.said.first().map(|text| opening(text)),
        _ => None,
    });
    said.unwrap_or_default()
}

fn opening(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    line.chars().take(80).collect()
}
