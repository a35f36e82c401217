//! Where a command ended: a file in which the shell itself says so.
//!
//! The file lies where commands can write, so a command can put anything else in its place. It is read as the file
//! that was opened here, and a FIFO of its name keeps nobody waiting.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// The longest answer that is believed, in bytes.
const ANSWER: u64 = 64 * 1024;

/// A file for one command; it goes when this is dropped.
pub struct Whereabouts {
    file: NamedTempFile,
}

impl Whereabouts {
    /// In this folder; `None` is the system's for such files.
    pub fn new(scratch: Option<&Path>) -> io::Result<Whereabouts> {
        let file = match scratch {
            Some(folder) => NamedTempFile::new_in(folder)?,
            None => NamedTempFile::new()?,
        };
        Ok(Whereabouts { file })
    }

    /// The line with what tells the folder that it ends in. The file's name stands there quoted twice, since a variable
    /// could be set by the command; opening a FIFO for both needs no reader.
    pub fn follow(&self, line: &str) -> String {
        let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
        let file = quoted(&self.file.path().to_string_lossy());
        let tell = quoted(&format!("pwd -P 1<>{file}"));
        format!("trap {tell} EXIT; {line}")
    }

    /// The folder, if it was told.
    pub fn told(&self) -> Option<PathBuf> {
        let mut folder = Vec::new();
        let mut start = self.file.as_file().take(ANSWER);
        start.read_to_end(&mut folder).ok()?;
        let folder = PathBuf::from(OsStr::from_bytes(folder.strip_suffix(b"\n")?));
        folder.is_absolute().then_some(folder)
    }
}
