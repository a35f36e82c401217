//! One file that somebody else wrote, read without trusting it.
//!
//! It may be a FIFO that never says anything, a folder, a symlink to itself, 100 MB, or not text at all. So it is opened
//! without waiting, must be a regular file, and no more of it is read than is asked for.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The beginning of a file, or all of it.
pub(crate) struct Content {
    /// UTF-8, without a byte order mark.
    pub text: String,
    /// How long the file is, in bytes.
    pub bytes: u64,
    pub is_whole: bool,
}

impl Content {
    /// How many bytes of text there are in all; white space at the end does not count if the end is known.
    pub fn length(&self) -> u64 {
        match self.is_whole {
            true => self.text.trim_end().len() as u64,
            false => self.bytes,
        }
    }
}

/// Reads at most `limit` bytes. An error's text says what is wrong with the file, but not its name.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Content> {
    let file = open(OpenOptions::new().read(true), path)?;
    let mut bytes = Vec::new();
    // One more than the limit, to see whether there is more.
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    (&file).take(one_more).read_to_end(&mut bytes)?;
    let is_whole = bytes.len() <= limit;
    bytes.truncate(limit);
    let length = file.metadata()?.len().max(bytes.len() as u64);
    Ok(Content {
        text: text(bytes, is_whole)?,
        bytes: length,
        is_whole,
    })
}

/// Opens a regular file, never waiting for whoever is at the other end of a FIFO.
pub(crate) fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = options.custom_flags(flags.cast_signed()).open(path)?;
    let kind = file.metadata()?.file_type();
    match () {
        () if kind.is_file() => Ok(file),
        () if kind.is_dir() => Err(io::Error::new(
            io::ErrorKind::IsADirectory,
            "it is a folder, not a file",
        )),
        () => Err(io::Error::other("it is not a regular file")),
    }
}

fn text(mut bytes: Vec<u8>, is_whole: bool) -> io::Result<String> {
    if let Err(error) = std::str::from_utf8(&bytes) {
        let is_cut = !is_whole && error.error_len().is_none();
        if !is_cut {
            let reason = format!("it is not UTF-8 (byte {})", error.valid_up_to() + 1);
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        bytes.truncate(error.valid_up_to());
    }
    // It is valid UTF-8, but no text has it, and no model takes it.
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        let reason = format!("it is not text (byte {} is NUL)", at + 1);
        return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
    }
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_string(),
        None => text,
    })
}

/// Whether there simply is no such file.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    use io::ErrorKind::{NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory)
}

/// A path as text on one line; a name may hold line breaks and terminal sequences.
pub(crate) fn shown(path: &Path) -> String {
    plain(&path.to_string_lossy())
}

/// Text without control characters.
pub(crate) fn plain(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}
