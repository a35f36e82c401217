//! `read_file`: a part of a text file, with line numbers.
//!
//! Reads only as far as asked, so the file's size does not matter; a line ends with LF and nothing else, as for
//! grep and sed. What is no text is described, not dumped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use async_trait::async_trait;
use serde_json::Value;

use super::{Effect, Spec, Tool, count, text};
use crate::files::shown;
use crate::kit::Kit;
use crate::prompt;

/// The longest answer, in bytes.
const ANSWER: usize = 50_000;
/// The longest line, in bytes; the rest of it is left out.
const LINE: u64 = 2_000;
const UTF_16: &str = "a UTF-16 text (not UTF-8; convert it with iconv in bash)";

pub struct ReadFile;

#[async_trait]
impl Tool for ReadFile {
    fn spec(&self) -> Spec {
        prompt::read_file()
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let path = kit.files.resolve(text(&args, "file_path"))?;
        let name = shown(&path);
        let fail = |error: io::Error| {
            format!("{name} can't be read: {error}. Use glob to find the right path.")
        };
        let kind = std::fs::metadata(&path).map_err(fail)?;
        if kind.is_dir() {
            return Err(format!(
                "{name} is a directory; list it with glob or with ls in bash"
            ));
        }
        if !kind.is_file() {
            return Err(format!("{name} is not a regular file, so it is not read"));
        }
        let file = File::open(&path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        let mut reader = BufReader::with_capacity(64 * 1024, file);
        let start = reader.fill_buf().map_err(fail)?;
        if let Some(kind) = not_text(start) {
            return Err(format!(
                "{name} is {kind} of {} bytes and can't be shown as text",
                metadata.len()
            ));
        }
        if start.starts_with(b"\xef\xbb\xbf") {
            reader.consume(3);
        }
        let offset = count(&args, "offset", 1, 1_000_000_000);
        let limit = count(&args, "limit", 2_000, 100_000);
        let lines = numbered(reader, offset, limit).map_err(fail)?;
        kit.files.remember(&path, &metadata);
        Ok(lines)
    }
}

/// What a file is that begins with these bytes, unless it is text.
fn not_text(start: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 7] = [
        (b"\x89PNG", "a binary file (PNG image)"),
        (b"\xff\xd8\xff", "a binary file (JPEG image)"),
        (b"GIF8", "a binary file (GIF image)"),
        (b"%PDF", "a binary file (PDF)"),
        (b"\x7fELF", "a binary file (ELF program)"),
        (b"\xff\xfe", UTF_16),
        (b"\xfe\xff", UTF_16),
    ];
    let known = kinds
        .into_iter()
        .find(|(magic, _)| start.starts_with(magic))
        .map(|(_, kind)| kind);
    known.or(start.contains(&0).then_some("a binary file"))
}

fn numbered(mut reader: impl BufRead, offset: u64, limit: u64) -> io::Result<String> {
    let (mut out, mut above) = (String::new(), 0);
    while above + 1 < offset && reader.skip_until(b'\n')? > 0 {
        above += 1;
    }
    for number in offset.. {
        let mut line = Vec::new();
        reader.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            let past = format!("(the file has {above} lines; nothing at offset {offset})");
            return Ok(if out.is_empty() { past } else { out });
        }
        if number - offset == limit || out.len() + line.len() > ANSWER {
            out += &format!("[the file goes on; read more with offset={number}]\n");
            return Ok(out);
        }
        let text = String::from_utf8_lossy(&line);
        out += &format!("{number:>6}\t{}", text.trim_end_matches(['\r', '\n']));
        if !line.ends_with(b"\n") {
            let rest = reader.skip_until(b'\n')?;
            if rest > 1 {
                out += &format!(" [line cut, {} bytes]", line.len() + rest);
            }
        }
        out += "\n";
    }
    Ok(out)
}
