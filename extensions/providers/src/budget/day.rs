//! What all programs of a user spend in a day: one file a day, a line before each request and one after it.
//!
//! `{"id": "..", "hold": 12}` stands there before a request goes out, `{"id": "..", "paid": 7}` once it is known what it
//! cost, in billionths of a dollar. What a crashed program held stays counted, since nobody knows what it was billed.
//! Lines are added under the file's lock; one that can't be read is skipped.
//!
//! Left out: tidying up old files; one is a few kilobytes.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, MutexGuard};

use super::money::Nano;

/// No day's requests fill more bytes than this.
const LONGEST: u64 = 64 << 20;
/// How long to wait for the lock before each further try, in milliseconds.
const WAITS: [u64; 12] = [1, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 3_000];

/// What is spent in a day, in a folder that all programs of the user share.
pub struct Day {
    folder: PathBuf,
    today: Box<dyn Fn() -> String + Send + Sync>,
    /// What begins the ids of this value's lines.
    run: String,
    next: AtomicU64,
    seen: Mutex<Seen>,
}

/// What was read of a day's file so far.
#[derive(Default)]
struct Seen {
    name: String,
    /// How many bytes were read.
    read: u64,
    /// Whether the last line has no end: its writer crashed.
    is_torn: bool,
    paid: Nano,
    held: HashMap<String, Nano>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hold: Option<Nano>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paid: Option<Nano>,
}

/// What is held in a day's file.
pub(super) struct Receipt {
    name: String,
    id: String,
}

impl Day {
    /// Days are told apart by what `today` says, such as `2026-11-23`: the date where the user is, or that of UTC. The
    /// folder is made when the first line is written.
    pub fn new(folder: &Path, today: impl Fn() -> String + Send + Sync + 'static) -> Day {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = now.unwrap_or_default().as_nanos();
        Day {
            folder: folder.to_path_buf(),
            today: Box::new(today),
            run: format!("{}-{nanoseconds:x}", process::id()),
            next: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// The dollars' worth that all programs spent today or hold, in billionths.
    pub(super) async fn total(&self) -> io::Result<Nano> {
        Ok(self.open().await?.total())
    }

    /// Today's file, locked.
    pub(super) async fn open(&self) -> io::Result<Open<'_>> {
        let name = format!("{}.jsonl", (self.today)().replace(['/', '\0'], "-"));
        self.lock(name).await
    }

    async fn lock(&self, name: String) -> io::Result<Open<'_>> {
        let seen = self.seen.lock().await;
        let file = self.file(&name)?;
        for wait in WAITS {
            match file.try_lock() {
                Ok(()) => return Open::read(file, seen, name),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
        Err(io::Error::other("another program keeps it locked"))
    }

    fn file(&self, name: &str) -> io::Result<File> {
        let path = self.folder.join(name);
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        let file = options.open(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                options.open(&path)
            }
            _ => Err(error),
        })?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other(format!("{name} is no file")));
        }
        if metadata.len() > LONGEST {
            return Err(io::Error::other(format!("{name} is too long; delete it")));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }

    /// A request that was held cost this. What can't be written stays held.
    pub(super) async fn pay(&self, receipt: &Receipt, paid: Nano) -> io::Result<()> {
        self.lock(receipt.name.clone()).await?.pay(receipt, paid)
    }

    /// A request was never made. Does not wait: what is locked just now stays held.
    pub(super) fn release(&self, receipt: &Receipt) {
        let release = || -> io::Result<()> {
            let seen = self.seen.try_lock().map_err(io::Error::other)?;
            let file = self.file(&receipt.name)?;
            file.try_lock().map_err(io::Error::other)?;
            Open::read(file, seen, receipt.name.clone())?.pay(receipt, 0)
        };
        let _ = release();
    }

    /// What a new line is called; no other program's is called so.
    pub(super) fn id(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.run)
    }
}

/// A day's file, locked and read to its end.
pub(super) struct Open<'a> {
    file: File,
    seen: MutexGuard<'a, Seen>,
}

impl<'a> Open<'a> {
    fn read(file: File, mut seen: MutexGuard<'a, Seen>, name: String) -> io::Result<Open<'a>> {
        let length = file.metadata()?.len();
        if seen.name != name || seen.read > length {
            *seen = Seen {
                name,
                ..Seen::default()
            };
        }
        let mut news = Vec::new();
        (&file).seek(SeekFrom::Start(seen.read))?;
        (&file).take(LONGEST).read_to_end(&mut news)?;
        seen.read += news.len() as u64;
        seen.is_torn = news.last().map_or(seen.is_torn, |last| *last != b'\n');
        let lines = news.split(|byte| *byte == b'\n');
        for line in lines.filter_map(|line| serde_json::from_slice(line).ok()) {
            seen.add(line);
        }
        Ok(Open { file, seen })
    }

    pub fn total(&self) -> Nano {
        let held = self.seen.held.values();
        held.fold(self.seen.paid, |sum, held| sum.saturating_add(*held))
    }

    /// Holds an amount for a request that is to be made.
    pub fn hold(mut self, id: String, amount: Nano) -> io::Result<Receipt> {
        let receipt = Receipt {
            name: self.seen.name.clone(),
            id: id.clone(),
        };
        self.append(Line {
            id,
            hold: Some(amount),
            paid: None,
        })?;
        Ok(receipt)
    }

    fn pay(mut self, receipt: &Receipt, paid: Nano) -> io::Result<()> {
        self.append(Line {
            id: receipt.id.clone(),
            hold: None,
            paid: Some(paid),
        })
    }

    fn append(&mut self, line: Line) -> io::Result<()> {
        let mut text = if self.seen.is_torn {
            vec![b'\n']
        } else {
            Vec::new()
        };
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
        self.file.write_all(&text)?;
        self.seen.is_torn = false;
        self.seen.read += text.len() as u64;
        self.seen.add(line);
        Ok(())
    }
}

impl Seen {
    fn add(&mut self, line: Line) {
        if let Some(hold) = line.hold {
            let held = self.held.entry(line.id.clone()).or_default();
            *held = held.saturating_add(hold);
        }
        if let Some(paid) = line.paid {
            self.held.remove(&line.id);
            self.paid = self.paid.saturating_add(paid);
        }
    }
}
