//! `locate` as a tool: from a question in words to places, before `grep` has a word to look for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corecoder::files::shown;
use corecoder::tools::schema;
use corecoder::{Effect, Kit, Spec, Tool};
use serde_json::{Value, json};

use crate::{Settings, locate_in};

/// The most files that are asked for at once.
const FILES: u64 = 50;

/// The tool. It keeps nothing itself; what it read lies in the folder for caches, if there is one.
#[derive(Clone, Default)]
pub struct Locate {
    cache: Option<PathBuf>,
    hidden: Option<Arc<Hidden>>,
}

type Hidden = dyn Fn() -> Vec<PathBuf> + Send + Sync;

impl Locate {
    /// `cache` is the user's folder for this program's caches, such as `~/.cache/corecoder`; without one each question
    /// reads the files anew.
    pub fn new(cache: Option<PathBuf>) -> Locate {
        Locate {
            cache,
            hidden: None,
        }
    }

    /// What is not looked at: files and folders without links, asked for at each question.
    pub fn without(self, hidden: impl Fn() -> Vec<PathBuf> + Send + Sync + 'static) -> Locate {
        Locate {
            hidden: Some(Arc::new(hidden)),
            ..self
        }
    }
}

const DESCRIPTION: &str = "Find the files, and the lines in them, that an error message, an issue or a description is most likely about. \
The query is best the whole message or \
a sentence in the issue's own words, with its identifiers, quoted strings and stack trace.";

#[async_trait]
impl Tool for Locate {
    fn spec(&self) -> Spec {
        let properties = json!({
            "query": {"type": "string", "description": "The error message, issue text or description"},
            "path": {"type": "string", "description": "The folder to search; the working folder by default"},
            "limit": {"type": "integer", "description": "How many files to name, 10 by default"},
        });
        Spec {
            name: "locate".to_string(),
            description: DESCRIPTION.to_string(),
            parameters: schema(properties, &["query"]),
        }
    }

    fn effect(&self, _args: &Value, _kit: &Kit) -> Result<Effect, String> {
        Ok(Effect::Read)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        let cwd = kit.files.cwd();
        let root = match args["path"].as_str() {
            None | Some("" | ".") => cwd.clone(),
            Some(path) => kit.files.resolve(path)?,
        };
        if !root.exists() {
            return Err(format!("the path {} does not exist", shown(&root)));
        }
        let query = args["query"].as_str().unwrap_or_default().to_string();
        if query.trim().is_empty() {
            return Err(
                "the query is empty: give the error message, the issue or a description"
                    .to_string(),
            );
        }
        let limit = args["limit"]
            .as_f64()
            .map_or(10, |limit| limit as u64)
            .clamp(1, FILES);
        let settings = Settings {
            cache: self.cache.clone(),
            hidden: self
                .hidden
                .as_ref()
                .map_or_else(Vec::new, |hidden| hidden()),
            limit: limit as usize,
            ..Settings::default()
        };
        let search = move || locate_in(&query, &root, &settings).text(&prefix(&root, &cwd));
        tokio::task::spawn_blocking(search)
            .await
            .map_err(|error| format!("the search broke off: {error}"))
    }
}

/// What leads from the folder `cwd` to the paths of an answer about `root`: nothing, or a path that ends in a slash.
pub fn prefix(root: &Path, cwd: &Path) -> String {
    let folder = if root.is_file() {
        root.parent().unwrap_or(root)
    } else {
        root
    };
    let inside = folder.strip_prefix(cwd).unwrap_or(folder);
    match inside.as_os_str().is_empty() {
        true => String::new(),
        false => format!("{}/", shown(inside).trim_end_matches('/')),
    }
}
