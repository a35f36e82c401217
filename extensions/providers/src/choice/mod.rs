//! From what the user says to a model: which provider, where, with which key.
//!
//! The first of these that says something settles the provider: its name, a base URL, the model's prefix, a key that
//! is set. Everything comes from what is given here, text by text with the file it stands in; nothing is read. A key
//! goes only where it belongs (`keys.rs`), and nobody's key to a place that a project's file names.
//!
//! Left out: asking servers, which [`Chosen`] does after the choice, and looking for local ones (`local.rs`).

use std::path::PathBuf;
use std::sync::Arc;

use crate::table::{Row, Table};

mod chosen;
mod entry;
mod keys;
mod listing;
mod place;
mod spelling;

pub use chosen::Chosen;
pub use keys::check_borrowed_key;
pub(crate) use listing::{answer, listed};

use keys::Key;
use place::Place;

/// A text that the user gave, and the file it stands in; `None` is a flag or the environment.
#[derive(Clone, PartialEq, Eq)]
pub struct Given {
    pub text: String,
    pub file: Option<PathBuf>,
}

impl Given {
    /// A text from a flag or the environment.
    pub fn new(text: impl Into<String>) -> Given {
        Given {
            text: text.into(),
            file: None,
        }
    }
}

/// What flags say. What they leave open is looked up in `CORECODER_PROVIDER`, `CORECODER_MODEL`,
/// `CORECODER_BASE_URL` and `CORECODER_API_KEY`.
#[derive(Clone, Default)]
pub struct Asked {
    pub provider: Option<String>,
    pub model: Option<String>,
    pub base_url: Option<String>,
    pub key: Option<String>,
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// `known` are all that there are.
    #[error("no provider is called {name:?}{}; `providers` in the settings can add one", suggested(.near, .known))]
    Unknown {
        name: String,
        near: Vec<String>,
        known: Vec<String>,
    },
    #[error("{provider}: {text}")]
    Through { provider: String, text: String },
    /// The model is to be picked from what the server lists: `Chosen::models`, then `Chosen::with_model`.
    #[error("{} has no model that is meant by default; name one with --model or CORECODER_MODEL", .0.provider)]
    NoModel(Box<Chosen>),
    #[error("{provider} has no address of its own; set {variable} to its base URL")]
    NoUrl { provider: String, variable: String },
    #[error("the base URL {url:?} is not valid: {problem}")]
    BadUrl { url: String, problem: String },
    #[error("no API key for {provider} at {url}: set {variable}")]
    NoKey {
        provider: String,
        url: String,
        variable: String,
    },
    /// A project could send the user's key to a server of its choice.
    #[error(
        "{file} sets the base URL {url}, but the API key comes from somewhere else; put both in the environment, \
         or both in that file"
    )]
    BorrowedKey { file: String, url: String },
    /// Nothing was said at all. A local server may be there: see [`crate::local`].
    #[error(
        "no provider is set up: set OPENAI_API_KEY, ANTHROPIC_API_KEY or another provider's key, or start a local \
         server such as Ollama"
    )]
    Nothing,
}

fn suggested(near: &[String], known: &[String]) -> String {
    match near {
        [] => format!("; there are {}", known.join(", ")),
        near => format!("; did you mean {}?", near.join(", ")),
    }
}

/// What choices are made from.
pub struct Choice<'a> {
    pub table: &'a Table,
    /// What a variable says, in the environment or in a file that fills it up. A blank one counts as not set.
    pub vars: &'a dyn Fn(&str) -> Option<Given>,
    /// The user's own folders, whose files may name a base URL for any key: home, and the data folder.
    pub own: &'a [PathBuf],
}

impl Choice<'_> {
    /// The main model.
    pub fn choose(&self, asked: &Asked) -> Result<Chosen, ChoiceError> {
        let typed = asked.model.clone().filter(|model| !model.trim().is_empty());
        let set = || Some(self.var("CORECODER_MODEL")?.text);
        let named = typed.clone().or_else(set);
        let place = self.place(asked, named.as_deref())?;
        // A provider that a flag names is not asked for what was set up for another one.
        let is_meant = |name: &String| {
            typed.is_some() || asked.provider.is_none() || self.suits(&place.row, name)
        };
        let named = named.filter(is_meant);
        let key = self.main_key(asked, &place);
        let default = || match place.row.name == "custom" {
            // What the variables meant before there were providers.
            true => self.table.named("openai").and_then(|row| row.model.clone()),
            false => place.row.model.clone(),
        };
        let name = named.or_else(default);
        let model = match &name {
            Some(name) if place.cuts_prefix() => {
                spelling::without_prefix(&place.row, name).to_string()
            }
            name => name.clone().unwrap_or_default(),
        };
        let chosen = self.checked(place, key, model, name.unwrap_or_default())?;
        match chosen.model.is_empty() {
            true => Err(ChoiceError::NoModel(Box::new(chosen))),
            false => Ok(chosen),
        }
    }

    /// Whether a provider can have a model of that name: not if it is known for names of its own, and this is one
    /// that another provider is known for.
    fn suits(&self, row: &Row, model: &str) -> bool {
        let is_of = |row: &Row| row.families.iter().any(|family| model.starts_with(family));
        let mut others = self.table.rows().iter().map(AsRef::as_ref);
        row.families.is_empty() || is_of(row) || !others.any(is_of)
    }

    fn checked(
        &self,
        place: Place,
        key: Option<Key>,
        model: String,
        name: String,
    ) -> Result<Chosen, ChoiceError> {
        if let Some(key) = &key {
            check_borrowed_key(&key.given, &place.url, self.own)?;
            // A project that has a say in the row settles where its requests go, and which key is sent.
            for file in &place.row.files {
                let url = Given {
                    file: Some(file.clone()),
                    ..place.url.clone()
                };
                check_borrowed_key(&key.given, &url, self.own)?;
            }
        }
        if key.is_none() && place.needs_key() {
            return Err(ChoiceError::NoKey {
                variable: place
                    .row
                    .keys
                    .first()
                    .map_or("CORECODER_API_KEY", String::as_str)
                    .to_string(),
                provider: place.row.name.clone(),
                url: spelling::bare(&place.url.text),
            });
        }
        let version = place.row.versions.iter().find_map(|name| self.var(name));
        Ok(Chosen::new(
            place,
            key,
            [model, name],
            version.map(|given| given.text),
        ))
    }

    /// What a variable says, if it says something.
    fn var(&self, name: &str) -> Option<Given> {
        let Given { text, file } = (self.vars)(name)?;
        let text = text.trim().to_string();
        (!text.is_empty()).then_some(Given { text, file })
    }

    fn first(&self, names: &[String]) -> Option<(String, Given)> {
        names
            .iter()
            .find_map(|name| Some((name.clone(), self.var(name)?)))
    }

    fn row(&self, name: &str) -> Result<Arc<Row>, ChoiceError> {
        let known = || self.table.rows().iter().map(|row| row.name.clone());
        let unknown = || ChoiceError::Unknown {
            name: name.to_string(),
            near: self.table.near(name),
            known: known().collect(),
        };
        self.table.named(name.trim()).cloned().ok_or_else(unknown)
    }
}
