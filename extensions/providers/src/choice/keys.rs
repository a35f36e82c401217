//! Which key goes where: a provider's own, the user's general one to the main choice, nobody's to a stranger.

use std::path::{Path, PathBuf};

use corecoder::config::is_loopback;

use super::place::Place;
use super::{Asked, Choice, ChoiceError, Given, spelling};

/// A key and the variable that it came from.
#[derive(Clone)]
pub(super) struct Key {
    pub given: Given,
    pub variable: Option<String>,
}

impl Choice<'_> {
    /// The main model's key. `OPENAI_API_KEY` is OpenAI's, and that of any base URL which the user gives, as with
    /// other programs; a provider that is only named never gets it.
    pub(super) fn main_key(&self, asked: &Asked, place: &Place) -> Option<Key> {
        let flag = asked.key.clone().filter(|key| !key.trim().is_empty());
        let flag = flag.map(|key| Key {
            given: Given::new(key.trim()),
            variable: None,
        });
        let mut names = vec!["CORECODER_API_KEY".to_string()];
        let openai = "OPENAI_API_KEY".to_string();
        if place.is_openai_s {
            names.push(openai.clone());
        }
        names.extend(place.row.keys.iter().cloned());
        if place.is_given {
            names.push(openai);
        }
        if place.is_given && place.row.name == "custom" {
            names.push("DEEPSEEK_API_KEY".to_string());
        }
        flag.or_else(|| self.key(&names))
    }

    /// A fallback's key: its provider's own. The main one's only at the main one's endpoint, which the caller checks.
    pub(super) fn other_key(&self, place: &Place) -> Option<Key> {
        let mut names = place.row.keys.clone();
        if place.row.name == "custom" {
            names.push("OPENAI_API_KEY".to_string());
        }
        self.key(&names)
    }

    fn key(&self, names: &[String]) -> Option<Key> {
        let (variable, given) = self.first(names)?;
        Some(Key {
            given,
            variable: Some(variable),
        })
    }
}

/// Errors where a project's file would have `key` sent to the base URL `url` of its choice: the file must hold the key
/// itself. Files in the folders `own` are the user's, and a server on this machine learns nothing new.
pub fn check_borrowed_key(key: &Given, url: &Given, own: &[PathBuf]) -> Result<(), ChoiceError> {
    let Some(file) = &url.file else {
        return Ok(());
    };
    let is_own = file
        .parent()
        .is_some_and(|folder| own.iter().any(|own| own.as_path() == folder));
    if is_own || is_loopback(&url.text) || key.file.as_deref() == Some(Path::new(file)) {
        return Ok(());
    }
    Err(ChoiceError::BorrowedKey {
        file: file.display().to_string(),
        url: spelling::bare(&url.text),
    })
}
