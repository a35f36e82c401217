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
const PICTURES: &[&str] = &["image/png", "image/jpeg", "image/gif", "image/webp"];

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
    let mut rendered = Rendered {
        is_error: result["isError"] == true,
        ..Rendered::default()
    };
    let mut parts = Vec::new();
    for block in result["content"].as_array().into_iter().flatten() {
        parts.push(content(block, folder, &mut rendered.pictures));
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
    rendered.text = capped(parts.join("\n"), folder);
    rendered
}

/// Renders the contents of a resource.
pub fn resource(result: &Value, folder: &Path) -> Rendered {
    let mut rendered = Rendered::default();
    let contents = result["contents"].as_array().into_iter().flatten();
    let parts: Vec<String> = contents
        .map(|contents| embedded(contents, folder, &mut rendered.pictures))
        .collect();
    rendered.text = capped(parts.join("\n"), folder);
    rendered
}

/// The messages of a prompt as one text.
pub fn prompt(result: &Value, folder: &Path) -> Rendered {
    let mut rendered = Rendered::default();
    let messages = result["messages"].as_array().into_iter().flatten();
    let parts = messages.map(|message| {
        let text = content(&message["content"], folder, &mut rendered.pictures);
        match message["role"] == "assistant" {
            true => format!("[example of an answer]\n{text}"),
            false => text,
        }
    });
    rendered.text = parts.collect::<Vec<_>>().join("\n\n");
    rendered
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

/// One block of content.
fn content(block: &Value, folder: &Path, pictures: &mut Vec<Entry>) -> String {
    let text = |name: &str| block[name].as_str().unwrap_or_default();
    match text("type") {
        "text" => text("text").to_string(),
        "image" | "audio" => data(text("data"), text("mimeType"), folder, pictures),
        "resource" => embedded(&block["resource"], folder, pictures),
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

fn embedded(resource: &Value, folder: &Path, pictures: &mut Vec<Entry>) -> String {
    let text = |name: &str| resource[name].as_str().unwrap_or_default();
    match resource["blob"].as_str() {
        Some(blob) => {
            let told = data(blob, text("mimeType"), folder, pictures);
            format!("[resource {}]\n{told}", text("uri"))
        }
        None => format!("[resource {}]\n{}", text("uri"), text("text")),
    }
}

/// Bytes in Base64: a picture is shown, anything else is saved and described.
fn data(text: &str, kind: &str, folder: &Path, pictures: &mut Vec<Entry>) -> String {
    let Ok(bytes) = STANDARD.decode(text) else {
        return format!("[{kind} that is no Base64, so it is left out]");
    };
    let ending = kind.rsplit(['/', '+', ';']).next().unwrap_or("bin");
    let ending: String = ending
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    let saved = saved(&bytes, &format!(".{ending}"), folder);
    let place = match &saved {
        Ok(path) => format!("in {}", shown(path)),
        Err(error) => format!("it could not be saved: {error}"),
    };
    if PICTURES.contains(&kind) && bytes.len() <= PICTURE {
        let name = saved.map_or_else(|_| "picture".to_string(), |path| shown(&path));
        pictures.push(Entry::Picture(Picture {
            name,
            media_type: kind.to_string(),
            data: text.to_string(),
        }));
        return format!("[a picture, which is shown below; {place}]");
    }
    format!("[{kind}, {} bytes; {place}]", bytes.len())
}

/// A text with its middle left out, if it is long; then all of it is in a file.
fn capped(text: String, folder: &Path) -> String {
    if text.len() <= MOST {
        return text;
    }
    let place = match saved(text.as_bytes(), ".txt", folder) {
        Ok(path) => format!(
            "all of it is in {} until the session ends: read_file or grep it there",
            shown(&path)
        ),
        Err(error) => format!("the whole could not be saved: {error}"),
    };
    let head = text.floor_char_boundary(MOST * 2 / 3);
    let tail = text.ceil_char_boundary(text.len() - MOST / 3);
    let (lines, bytes) = (text.lines().count(), tail - head);
    format!(
        "{}\n[... {bytes} bytes left out of {lines} lines; {place} ...]\n{}",
        &text[..head],
        &text[tail..]
    )
}

/// Keeps something in a file of its own, as long as the session lasts.
fn saved(bytes: &[u8], ending: &str, folder: &Path) -> std::io::Result<PathBuf> {
    let mut file = tempfile::Builder::new()
        .prefix("mcp-")
        .suffix(ending)
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    let (_, path) = file.keep()?;
    Ok(path)
}
