//! The file behind a session: one writer, and one write a fact.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::place::{options, private_folder};
use super::{FORMAT, Fact, Header, Line, Loaded, UNKNOWN};

/// A journal that is open for writing; no other process can write it meanwhile.
pub struct Journal {
    path: PathBuf,
    file: File,
    /// The bytes that are safely whole lines.
    length: u64,
    /// Lines that could not be written yet, because the disk is full or gone.
    unsaved: Vec<u8>,
}

/// How often a lock is tried again, ten milliseconds apart.
const PATIENCE: usize = 20;

/// Why a session can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(
        "the session is open in another program (process {0}); leave that one, or go on in a copy with --fork"
    )]
    Held(u32),
    #[error("{} is not a session", .0.display())]
    NotASession(PathBuf),
    #[error(
        "the session was written by a newer program (format {0}); this one reads up to {FORMAT}"
    )]
    Newer(u32),
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl SessionError {
    fn io(path: &Path, error: io::Error) -> SessionError {
        SessionError::Io {
            path: path.to_path_buf(),
            error,
        }
    }
}

impl Journal {
    /// Begins a journal. The folder is made if it is missing; errors if the file exists, and leaves none behind if it
    /// can't be written.
    pub fn create(path: &Path, header: Header) -> Result<Journal, SessionError> {
        let failed = |error| SessionError::io(path, error);
        if let Some(folder) = path.parent() {
            private_folder(folder).map_err(failed)?;
        }
        let file = options().create_new(true).open(path).map_err(failed)?;
        let mut journal = Journal::new(path, file);
        journal.lock().map_err(|error| failed(error.into()))?;
        if let Err(error) = journal.note_beginning(header).and_then(|()| journal.save()) {
            let _ = fs::remove_file(path);
            return Err(failed(error));
        }
        Ok(journal)
    }

    /// Goes on with a journal: repairs it, and says what it holds. `program` is this one, with its version.
    pub fn open(path: &Path, program: &str) -> Result<(Journal, Loaded), SessionError> {
        let failed = |error| SessionError::io(path, error);
        let file = options().open(path).map_err(failed)?;
        let mut journal = Journal::new(path, file);
        let locked = journal.lock();
        let mut bytes = Vec::new();
        journal.file.read_to_end(&mut bytes).map_err(failed)?;
        let mut loaded = Loaded::read(&bytes);
        let unread = loaded.lines == loaded.problems.len();
        if unread && (loaded.lines > 0 || !may_begin(&bytes)) {
            return Err(SessionError::NotASession(path.to_path_buf()));
        }
        if loaded.header.format > FORMAT {
            return Err(SessionError::Newer(loaded.header.format));
        }
        locked.map_err(|error| match error {
            TryLockError::WouldBlock => SessionError::Held(loaded.pid),
            TryLockError::Error(error) => failed(error),
        })?;
        journal
            .repair(&bytes, &mut loaded, program)
            .map_err(failed)?;
        Ok((journal, loaded))
    }

    fn new(path: &Path, file: File) -> Journal {
        Journal {
            path: path.to_path_buf(),
            file,
            length: 0,
            unsaved: Vec::new(),
        }
    }

    /// A process that was killed while it started a command leaves its lock to that child, for the moment until the
    /// child has become the command.
    fn lock(&self) -> Result<(), TryLockError> {
        for _ in 0..PATIENCE {
            match self.file.try_lock() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
                locked => return locked,
            }
        }
        self.file.try_lock()
    }

    fn note_beginning(&mut self, header: Header) -> io::Result<()> {
        let (pid, program) = (std::process::id(), header.program.clone());
        let header = Header {
            format: FORMAT,
            ..header
        };
        self.note("", Fact::Session(header))?;
        self.note("", Fact::Opened { pid, program })
    }

    fn repair(&mut self, bytes: &[u8], loaded: &mut Loaded, program: &str) -> io::Result<()> {
        self.length = loaded.whole as u64;
        self.set_aside(&bytes[loaded.whole..], loaded)?;
        if bytes[..loaded.whole]
            .last()
            .is_some_and(|byte| *byte != b'\n')
        {
            self.unsaved.push(b'\n');
        }
        let program = program.to_string();
        if loaded.header.format == 0 {
            let id = self.path.file_stem().unwrap_or_default().to_string_lossy();
            loaded.header = Header {
                id: id.into_owned(),
                program,
                ..Header::default()
            };
            self.note_beginning(loaded.header.clone())?;
        } else {
            let pid = std::process::id();
            self.note("", Fact::Opened { pid, program })?;
        }
        for at in loaded.unanswered.iter().copied() {
            let text = UNKNOWN.to_string();
            self.note("", Fact::Result { at, text })?;
        }
        // On a full disk a session can still be read; the next fact says that it can't be written.
        let _ = self.save();
        Ok(())
    }

    /// Moves what is left of a torn line to a file of its own.
    fn set_aside(&mut self, torn: &[u8], loaded: &mut Loaded) -> io::Result<()> {
        if torn.is_empty() {
            return Ok(());
        }
        let aside = self.path.with_extension("torn");
        let kept = options()
            .create(true)
            .append(true)
            .open(&aside)
            .and_then(|mut file| file.write_all(torn));
        let place = match kept {
            Ok(()) => format!("set aside in {}", aside.display()),
            Err(error) => format!("lost, since {} can't be written: {error}", aside.display()),
        };
        let bytes = torn.len();
        loaded.problems.push(format!(
            "the last line was torn; its {bytes} bytes were {place}"
        ));
        self.file.set_len(self.length)
    }

    /// Writes a fact. What can't be written is kept, and goes out before the next one.
    pub fn append(&mut self, who: &str, fact: Fact) -> io::Result<()> {
        self.note(who, fact)?;
        self.save()
    }

    fn note(&mut self, who: &str, fact: Fact) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
        let who = who.to_string();
        self.unsaved.extend(Line { time, who, fact }.written()?);
        Ok(())
    }

    fn save(&mut self) -> io::Result<()> {
        let written = self.file.write_all_at(&self.unsaved, self.length);
        match written {
            Ok(()) => {
                self.length += self.unsaved.len() as u64;
                self.unsaved.clear();
            }
            // Half a line is worse than none.
            Err(_) => self.file.set_len(self.length)?,
        }
        written
    }

    /// Returns when everything is on the disk.
    pub fn sync(&mut self) -> io::Result<()> {
        self.save()?;
        self.file.sync_data()
    }

    /// The lines that it holds are read from here.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The lock goes with the journal, even if a process that is being started holds a copy of the file for a moment.
impl Drop for Journal {
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

/// Whether a journal of which not one line is whole may begin like this.
fn may_begin(bytes: &[u8]) -> bool {
    let start = br#"{"time":"#;
    let length = bytes.len().min(start.len());
    bytes[..length] == start[..length]
}
