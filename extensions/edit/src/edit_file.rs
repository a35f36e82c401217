//! `edit_file`: one passage of a file replaced by another, or several at once.

use std::path::PathBuf;

use async_trait::async_trait;
use corecoder::tools::schema;
use corecoder::{Effect, Kit, Spec, Tool};
use serde_json::{Value, json};

use crate::disk::{difference, read, target, text, write};
use crate::paste::Slip;
use crate::{Edit, Edited, Pass, edit};

/// Takes the place of the engine's tool of this name.
pub struct EditFile;

#[async_trait]
impl Tool for EditFile {
    fn spec(&self) -> Spec {
        let passage = json!({
            "type": "object",
            "properties": {
                "old_string": {"type": "string"},
                "new_string": {"type": "string"},
                "replace_all": {"type": "boolean"},
            },
            "required": ["old_string", "new_string"],
        });
        let properties = json!({
            "file_path": {"type": "string", "description": "Path, absolute or from the working directory"},
            "old_string": {"type": "string", "description": "The text to replace, copied from the file without line numbers"},
            "new_string": {"type": "string", "description": "The text to put there"},
            "replace_all": {"type": "boolean", "description": "Replace every occurrence (default false)"},
            "edits": {"type": "array", "items": passage, "description": "Instead of old_string and new_string: several edits of this file, made in order, all or none"},
        });
        Spec {
            name: "edit_file".to_string(),
            description: "Replace one passage of a file, or several with edits. old_string must stand in the file \
exactly once, with the same spaces and line breaks; add neighbouring lines until it does."
                .to_string(),
            parameters: schema(properties, &["file_path"]),
        }
    }

    /// What can't be applied is refused before anyone is asked about it.
    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        edited(args, kit).map(|_| Effect::Write)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let (path, before, edited) = edited(&args, kit)?;
        let note = write(&path, &edited.content, kit)?;
        Ok(format!(
            "Edited {}{note}.{}\n{}",
            corecoder::files::shown(&path),
            forgiven(&edited.passes),
            difference(&before, &edited.content)
        ))
    }
}

/// The file, its text, and its text after the edits.
fn edited(args: &Value, kit: &Kit) -> Result<(PathBuf, String, Edited), String> {
    let edits = edits(args)?;
    let path = kit.files.resolve(text(args, "file_path"))?;
    if !path.exists() {
        let name = corecoder::files::shown(&path);
        return Err(format!(
            "{name} does not exist; find the file with glob, or make it with write_file"
        ));
    }
    let path = target(args, kit)?;
    let before = read(&path, kit)?;
    let edited = edit(&before, &edits).map_err(|refusal| refusal.to_string())?;
    Ok((path, before, edited))
}

/// The edits that a call asks for.
fn edits(args: &Value) -> Result<Vec<Edit>, String> {
    let several = args["edits"].as_array().filter(|edits| !edits.is_empty());
    let single = ["old_string", "new_string"].map(|name| args[name].as_str());
    match (several, single) {
        (Some(edits), [None | Some(""), None | Some("")]) => {
            let each = edits.iter().enumerate();
            each.map(|(at, edit)| one(edit, args["replace_all"] == true, &format!("edits[{at}].")))
                .collect()
        }
        (Some(_), _) => Err("give old_string and new_string, or edits, not both".to_string()),
        (None, _) => Ok(vec![one(args, false, "")?]),
    }
}

fn one(edit: &Value, all: bool, place: &str) -> Result<Edit, String> {
    let text = |name: &str| {
        let text = edit[name].as_str().map(str::to_string);
        text.ok_or_else(|| format!("the argument `{place}{name}` is missing"))
    };
    Ok(Edit {
        old: text("old_string")?,
        new: text("new_string")?,
        all: all || edit["replace_all"] == true,
    })
}

/// What was forgiven, so that the model sees what it got wrong.
fn forgiven(passes: &[Pass]) -> String {
    let mut words: Vec<&str> = passes.iter().filter_map(|pass| words(*pass)).collect();
    words.dedup();
    match words.is_empty() {
        true => String::new(),
        false => format!(
            " old_string was not quite what the file has: {}.",
            words.join("; ")
        ),
    }
}

fn words(pass: Pass) -> Option<&'static str> {
    Some(match pass {
        Pass::Exact | Pass::LineEnds => return None,
        Pass::Blanks => "blanks at line ends or blank lines around it differed",
        Pass::Marks => "quotes, dashes or spaces differed",
        Pass::Indentation => "its indentation differed; new lines were indented as the file is",
        Pass::Paste(Slip::LineNumbers) => "line numbers were taken off",
        Pass::Paste(Slip::Fence) => "its code fence was taken off",
        Pass::Paste(Slip::Entities) => "HTML entities were read as characters",
        Pass::Paste(Slip::EscapedBreaks) => "\\n was read as a line break",
        Pass::Paste(Slip::EscapedQuotes) => "backslashes before quotes were taken off",
        Pass::Elision => "`...` stood for the lines between",
        Pass::Typo => "one line that stays was misspelt",
    })
}
