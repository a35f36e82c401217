//! What was read of a folder's files, kept between questions in one file of the user's cache folder.
//!
//! A record is used only if the file's size, both times and inode are those it was read under, if its checksum holds,
//! and if this very program wrote it. Everything else is read anew, so a cache can be late but not wrong. It is read
//! from front to back and replaced as a whole: two programs at once cost each other time, never content.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use crate::record::{RECORD, Record};
use crate::source::Stamp;

/// The sources that decide what a record means: when one changes, so does [`Cache::mark`].
const READERS: [&str; 5] = [
    include_str!("cache.rs"),
    include_str!("document.rs"),
    include_str!("language.rs"),
    include_str!("record.rs"),
    include_str!("tokens.rs"),
];
/// Folders whose caches are kept; the one unused for longest goes first.
const KEPT: usize = 50;
/// Files that changed so shortly before they were looked at may change again under the same time.
const UNSETTLED: u64 = 2_000_000_000;
/// The cache of one folder.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    name: String,
}

impl Cache {
    /// The cache of the files below `root`, kept in `folder`, which is made when it is first needed.
    pub fn new(folder: &Path, root: &Path) -> Cache {
        use std::hash::BuildHasher;
        let key = foldhash::quality::FixedState::with_seed(1).hash_one(root);
        Cache {
            folder: folder.to_path_buf(),
            name: format!("{key:016x}"),
        }
    }

    /// Shows each record that is whole.
    pub fn each(&self, mut record: impl FnMut(&Record)) {
        let Ok(file) = File::open(self.path("files")) else {
            return;
        };
        let mut reader = BufReader::with_capacity(1 << 18, file);
        let mut mark = [0; 8];
        if reader.read_exact(&mut mark).is_err() || mark != self.mark() {
            return;
        }
        let mut bytes = Vec::new();
        while next(&mut reader, &mut bytes).is_some() {
            let Some(found) = Record::parse(&bytes) else {
                return;
            };
            record(&found);
        }
    }

    /// Begins a new content, which stands instead of the old one once it is finished.
    pub fn rewrite(&self) -> io::Result<Writer> {
        fs::create_dir_all(&self.folder)?;
        let new = NamedTempFile::new_in(&self.folder)?;
        let mut out = BufWriter::with_capacity(1 << 18, new);
        out.write_all(&self.mark())?;
        Ok(Writer {
            out,
            path: self.path("files"),
        })
    }

    /// The log that was kept for this newest commit.
    pub fn log(&self, head: &str) -> Option<String> {
        let text = fs::read_to_string(self.path("log")).ok()?;
        let (first, log) = text.split_once('\n')?;
        let wanted = format!("{head} {:08x}", crc32fast::hash(log.as_bytes()));
        (first == wanted).then(|| log.to_string())
    }

    /// Keeps a log. What can't be kept is asked for again.
    pub fn keep_log(&self, head: &str, log: &str) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut new = NamedTempFile::new_in(&self.folder)?;
        writeln!(new, "{head} {:08x}", crc32fast::hash(log.as_bytes()))?;
        new.write_all(log.as_bytes())?;
        new.persist(self.path("log"))?;
        Ok(())
    }

    /// Deletes the caches that were written longest ago, all but [`KEPT`].
    pub fn prune(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            files.push((entry.metadata()?.modified()?, entry.path()));
        }
        files.sort();
        let many = files.len().saturating_sub(2 * KEPT);
        files[..many]
            .iter()
            .try_for_each(|(_, path)| fs::remove_file(path))
    }

    fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", self.name))
    }

    /// Stands at the beginning of a file that this program wrote.
    fn mark(&self) -> [u8; 8] {
        let mut sum = crc32fast::Hasher::new();
        for reader in READERS {
            sum.update(reader.as_bytes());
        }
        let mut mark = *b"CLOC\0\0\0\0";
        mark[4..].copy_from_slice(&sum.finalize().to_le_bytes());
        mark
    }
}

/// Whether what was read at this time, in nanoseconds since 1970, can be told from what is written later.
pub fn settled(stamp: &Stamp, now: u64) -> bool {
    let [_, modified, changed, _] = stamp;
    modified.max(changed).saturating_add(UNSETTLED) < now
}

/// A cache that is being written.
pub struct Writer {
    out: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Writer {
    pub fn add(&mut self, record: &[u8]) -> io::Result<()> {
        let length = record.len() as u32;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&crc32fast::hash(record).to_le_bytes())?;
        self.out.write_all(record)
    }

    pub fn finish(self) -> io::Result<()> {
        let file = self.out.into_inner().map_err(|error| error.into_error())?;
        file.persist(self.path)?;
        Ok(())
    }
}

/// Reads the next record; `None` at the end, or where the file is broken.
fn next(reader: &mut impl Read, bytes: &mut Vec<u8>) -> Option<()> {
    let mut number = || {
        let mut number = [0; 4];
        reader.read_exact(&mut number).ok()?;
        Some(u32::from_le_bytes(number))
    };
    let (length, sum) = (number()? as usize, number()?);
    if length > RECORD {
        return None;
    }
    bytes.resize(length, 0);
    reader.read_exact(bytes).ok()?;
    (crc32fast::hash(bytes) == sum).then_some(())
}
