//! A tool's result as the model reads it: text, with pictures beside it, and the rest in files that are named.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use corecoder::files::shown;
use corecoder::{Entry, Picture};
use serde_json::Value;

/// What a model is given of one result, in bytes: as much as of a command's output.
const MOST: usize = 15_000;
/// The largest picture, in bytes: what providers take (Anthropic's "vision", 5 MB).
const PICTURE: usize = 5 << 20;

/// What a model is given of a prompt that a person asked for, in bytes: as much as of a file that is attached.
const PROMPT: usize = 100_000;
/// So many pictures of one result are shown, and so many bytes of them.
const SHOWN: usize = 10;
const SHOWN_BYTES: usize = 10 << 20;
/// So many files one result is kept in.
const FILES: usize = 50;

/// A result, rendered.
#[derive(Debug, Default, PartialEq)]
pub struct Rendered {
    pub text: String,
    /// What the model is shown beside it.
    pub pictures: Vec<Entry>,
    pub is_error: bool,
}

/// Renders the result of `tools/call`. What does not fit goes to files in `folder`.
pub fn result(result: &Value, folder: &Path) -> Rendered {
    let mut kept = Kept::new(folder);
    let mut parts = Vec::new();
    for block in result["content"].as_array().into_iter().flatten() {
        parts.push(kept.content(block));
    }
    // The specification has the same stand in the text too, for those who don't know of it.
    if let Some(structured) = result
        .get("structuredContent")
        .filter(|value| !value.is_null())
    {
        let is_told = parts.iter().any(|part| tells(part, structured));
        if !is_told {
            parts.push(structured.to_string());
        }
    }
    parts.retain(|part| !part.is_empty());
    Rendered {
        is_error: result["isError"] == true,
        ..kept.rendered(parts.join("\n"), MOST)
    }
}

/// Renders the contents of a resource.
pub fn resource(result: &Value, folder: &Path) -> Rendered {
    let mut kept = Kept::new(folder);
    let contents = result["contents"].as_array().into_iter().flatten();
    let parts: Vec<String> = contents.map(|contents| kept.embedded(contents)).collect();
    kept.rendered(parts.join("\n"), MOST)
}

/// The messages of a prompt as one text.
pub fn prompt(result: &Value, folder: &Path) -> Rendered {
    let mut kept = Kept::new(folder);
    let messages = result["messages"].as_array().into_iter().flatten();
    let parts = messages.map(|message| {
        let text = kept.content(&message["content"]);
        match message["role"] == "assistant" {
            true => format!("[example of an answer]\n{text}"),
            false => text,
        }
    });
    let text = parts.collect::<Vec<_>>().join("\n\n");
    kept.rendered(text, PROMPT)
}

/// Whether a text says the same. A value that is no object stands in one as its `result`, by habit of the servers' libraries.
fn tells(text: &str, value: &Value) -> bool {
    let only = value.as_object().filter(|fields| fields.len() == 1);
    let inner = only
        .and_then(|fields| fields.get("result"))
        .unwrap_or(value);
    let told = serde_json::from_str::<Value>(text);
    inner.as_str() == Some(text) || told.is_ok_and(|told| told == *value || told == *inner)
}

/// What of a result is no text.
struct Kept<'a> {
    folder: &'a Path,
    files: usize,
    pictures: Vec<Entry>,
    picture_bytes: usize,
}

impl<'a> Kept<'a> {
    fn new(folder: &'a Path) -> Kept<'a> {
        Kept {
            folder,
            files: 0,
            pictures: Vec::new(),
            picture_bytes: 0,
        }
    }

    fn rendered(mut self, text: String, most: usize) -> Rendered {
        Rendered {
            text: self.capped(text, most),
            pictures: self.pictures,
            is_error: false,
        }
    }

    /// One block of content.
    fn content(&mut self, block: &Value) -> String {
        let text = |name: &str| block[name].as_str().unwrap_or_default();
        match text("type") {
            "text" => text("text").to_string(),
            "image" | "audio" => self.data(text("data"), text("mimeType")),
            "resource" => self.embedded(&block["resource"]),
            "resource_link" => {
                let title = block["title"].as_str().unwrap_or(text("name"));
                let about = [text("mimeType"), text("description")];
                let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
                let about = match about.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", about.join(", ")),
                };
                format!("[resource {title}: {}{about}]", text("uri"))
            }
            kind => format!("[content of a kind that is not known here: {kind:?}]\n{block}"),
        }
    }

    fn embedded(&mut self, resource: &Value) -> String {
        let text = |name: &str| resource[name].as_str().unwrap_or_default();
        match resource["blob"].as_str() {
            Some(blob) => {
                let told = self.data(blob, text("mimeType"));
                format!("[resource {}]\n{told}", text("uri"))
            }
            None => format!("[resource {}]\n{}", text("uri"), text("text")),
        }
    }

    /// Bytes in Base64: a picture is shown, anything else is saved and described.
    fn data(&mut self, text: &str, kind: &str) -> String {
        let Ok(bytes) = STANDARD.decode(text) else {
            return format!("[{kind} that is no Base64, so it is left out]");
        };
        let ending = kind.rsplit(['/', '+', ';']).next().unwrap_or("bin");
        let ending: String = ending
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(8)
            .collect();
        let saved = self.saved(&bytes, &format!(".{ending}"));
        let place = match &saved {
            Ok(path) => format!("in {}", shown(path)),
            Err(error) => format!("it could not be saved: {error}"),
        };
        let has_room =
            self.pictures.len() < SHOWN && self.picture_bytes + bytes.len() <= SHOWN_BYTES;
        if has_room && bytes.len() <= PICTURE && is_picture(&bytes, kind) {
            let name = saved.map_or_else(|_| "picture".to_string(), |path| shown(&path));
            self.picture_bytes += bytes.len();
            self.pictures.push(Entry::Picture(Picture {
                name,
                media_type: kind.to_string(),
                data: text.to_string(),
            }));
            return format!("[a picture, which is shown below; {place}]");
        }
        format!("[{kind}, {} bytes; {place}]", bytes.len())
    }

    /// A text with its middle left out, if it is long; then all of it is in a file.
    fn capped(&mut self, text: String, most: usize) -> String {
        if text.len() <= most {
            return text;
        }
        // Whatever else was kept, the whole text is.
        self.files = 0;
        let place = match self.saved(text.as_bytes(), ".txt") {
            Ok(path) => format!(
                "all of it is in {} until the session ends: read_file or grep it there",
                shown(&path)
            ),
            Err(error) => format!("the whole could not be saved: {error}"),
        };
        let head = text.floor_char_boundary(most * 2 / 3);
        let tail = text.ceil_char_boundary(text.len() - most / 3);
        let (lines, bytes) = (text.lines().count(), tail - head);
        format!(
            "{}\n[... {bytes} bytes left out of {lines} lines; {place} ...]\n{}",
            &text[..head],
            &text[tail..]
        )
    }

    /// Keeps something in a file of its own, as long as the session lasts.
    fn saved(&mut self, bytes: &[u8], ending: &str) -> std::io::Result<PathBuf> {
        if self.files == FILES {
            let words = format!("one result is kept in {FILES} files at most");
            return Err(std::io::Error::other(words));
        }
        self.files += 1;
        let mut file = tempfile::Builder::new()
            .prefix("mcp-")
            .suffix(ending)
            .tempfile_in(self.folder)?;
        file.write_all(bytes)?;
        let (_, path) = file.keep()?;
        Ok(path)
    }
}

/// Whether it begins as pictures of this kind do: a provider refuses the whole request for one that is none.
fn is_picture(bytes: &[u8], kind: &str) -> bool {
    match kind {
        "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
        "image/gif" => bytes.starts_with(b"GIF8"),
        "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
        _ => false,
    }
}
