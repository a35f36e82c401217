//! The lines of `--input-format stream-json`: what the user says, one message a line.
//!
//! What a line asks for and is not understood is an error, never skipped: a script that waits for what was never done
//! hangs. Fields that are not known are skipped, for Claude Code's own messages carry some.
//!
//! Left out: control requests (permissions, interrupts), which are answered by flags and signals here.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

/// What the user says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Said {
    /// The texts, with an empty line between two of them.
    pub text: String,
    pub images: Vec<Image>,
}

/// An image that the user shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// `image/png`, for example.
    pub media_type: String,
    /// Base64, which was checked.
    pub data: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text { text: String },
    Image { source: Source },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source {
    Base64 { media_type: String, data: String },
}

const UNDERSTOOD: &str = r#"a line is {"type":"user","message":{"role":"user","content":"..."}}, where content may also be a list of {"type":"text","text":"..."} and {"type":"image","source":{"type":"base64","media_type":"image/png","data":"..."}}"#;

/// Reads one line; a blank one says nothing. Errors name the line and what is understood.
pub fn input(line: &str) -> Result<Option<Said>, String> {
    let line = line.trim_start_matches('\u{feff}').trim();
    if line.is_empty() {
        return Ok(None);
    }
    let problem = |problem: String| {
        // What is quoted in it may be as long as the line.
        let problem: String = problem.chars().take(300).collect();
        format!("{problem} in {}; {UNDERSTOOD}", opening(line))
    };
    read(line).map(Some).map_err(problem)
}

fn read(line: &str) -> Result<Said, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("no JSON ({error})"))?;
    match value["type"].as_str() {
        Some("user") => {}
        Some("control_request") => {
            return Err("a control request, which is not understood,".to_string());
        }
        Some(other) => return Err(format!("the unknown type {}", opening(other))),
        None => return Err("no type".to_string()),
    }
    let message = &value["message"];
    match message.get("role").map(Value::as_str) {
        None | Some(Some("user")) => {}
        Some(_) => return Err("a role that is not `user`".to_string()),
    }
    let mut said = Said::default();
    match &message["content"] {
        Value::String(text) => said.text = text.clone(),
        Value::Array(blocks) => {
            for (at, block) in blocks.iter().enumerate() {
                let problem = |problem: String| format!("{problem} (content block {})", at + 1);
                said.add(block).map_err(problem)?;
            }
        }
        _ => return Err("no message.content".to_string()),
    }
    match said.text.trim().is_empty() && said.images.is_empty() {
        true => Err("nothing said".to_string()),
        false => Ok(said),
    }
}

impl Said {
    fn add(&mut self, block: &Value) -> Result<(), String> {
        match Block::deserialize(block).map_err(|error| error.to_string())? {
            Block::Text { text } => {
                let gap = if self.text.is_empty() { "" } else { "\n\n" };
                self.text += gap;
                self.text += &text;
            }
            Block::Image {
                source: Source::Base64 { media_type, data },
            } => {
                let image = STANDARD.decode(&data).map_err(|error| error.to_string())?;
                if image.is_empty() || !media_type.starts_with("image/") {
                    return Err("no image".to_string());
                }
                self.images.push(Image { media_type, data });
            }
        }
        Ok(())
    }
}

/// Enough of a text to find it again.
fn opening(text: &str) -> String {
    let opening: String = text.chars().take(80).collect();
    match opening.len() < text.len() {
        true => format!("{opening:?}..."),
        false => format!("{opening:?}"),
    }
}
