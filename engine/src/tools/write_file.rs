//! `write_file`: a whole file, new or instead of an old one.

use async_trait::async_trait;
use serde_json::Value;

use super::{Effect, Spec, Tool, text};
use crate::diff::diff;
use crate::files::shown;
use crate::kit::Kit;
use crate::prompt;

pub struct WriteFile;

#[async_trait]
impl Tool for WriteFile {
    fn spec(&self) -> Spec {
        prompt::write_file()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        let path = kit.files.resolve(text(args, "file_path"))?;
        kit.files
            .may_write(&path, &*kit.shell)
            .map(|()| Effect::Write)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let path = kit.files.resolve(text(&args, "file_path"))?;
        let content = text(&args, "content");
        let old = kit.files.before(&path, &*kit.shell).ok();
        let old = old.and_then(|bytes| String::from_utf8(bytes).ok());
        let note = kit.files.write(&path, content.as_bytes(), &*kit.shell)?;
        // Who wrote all of a file knows all of it.
        if let Ok(metadata) = std::fs::metadata(&path) {
            kit.files.remember(&path, &metadata);
        }
        let (name, lines) = (shown(&path), content.lines().count());
        Ok(match old {
            None => format!("Wrote {name}: {lines} lines{note}."),
            Some(old) if old == content => format!("{name} had this content already{note}."),
            Some(old) => format!(
                "Wrote {name}: {lines} lines{note}.\n{}",
                diff(&old, content, 4_000)
            ),
        })
    }
}
