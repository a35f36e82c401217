//! Settings out of the environment, the only place that reads it.
//!
//! A `.env` file in the working directory or above it, up to the home directory, fills in what the environment
//! does not set; it never overrides. Of several the nearest wins.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::llm::Llm;
use crate::model::ModelError;

/// What the environment says.
#[derive(Clone, Default)]
pub struct Config {
    /// `CORECODER_API_KEY`, else `OPENAI_API_KEY`, else `DEEPSEEK_API_KEY`; empty if none is set.
    pub api_key: String,
    /// `CORECODER_BASE_URL`, else `OPENAI_BASE_URL`; `None` is OpenAI, or DeepSeek if only its key is set.
    pub base_url: Option<String>,
    /// `CORECODER_MODEL`; `gpt-5.5` unless set.
    pub model: String,
    /// `CORECODER_MAX_TOKENS`: the longest reply.
    pub max_tokens: Option<u64>,
    /// `CORECODER_TEMPERATURE`, 0 to 2.
    pub temperature: Option<f64>,
    /// `CORECODER_MAX_CONTEXT`: the model's window in tokens.
    pub max_context: Option<u64>,
    /// The working directory.
    pub folder: PathBuf,
    /// The user's home directory, if there is one.
    pub home: Option<PathBuf>,
}

/// A variable that can't be understood.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("{name} must be a number{range}, not {value:?}")]
pub struct ConfigError {
    pub name: String,
    pub value: String,
    pub range: &'static str,
}

impl Config {
    /// Reads the process's environment and working directory.
    pub fn from_env() -> Result<Config, ConfigError> {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Config::from_vars(std::env::vars_os().filter_map(text), folder)
    }

    /// The same for any set of variables.
    pub fn from_vars(
        vars: impl Iterator<Item = (String, String)>,
        folder: PathBuf,
    ) -> Result<Config, ConfigError> {
        let mut vars: HashMap<String, String> = vars.collect();
        let home = vars
            .get("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from);
        for file in dotenv_files(&folder, home.as_deref()) {
            let pairs = dotenvy::from_path_iter(&file)
                .into_iter()
                .flatten()
                .flatten();
            for (name, value) in pairs {
                vars.entry(name).or_insert(value);
            }
        }
        let get = |name: &str| {
            vars.get(name)
                .map(|value| value.trim().to_string())
                .filter(|value| !value.is_empty())
        };
        let own_key = get("CORECODER_API_KEY").or_else(|| get("OPENAI_API_KEY"));
        let own_url = get("CORECODER_BASE_URL").or_else(|| get("OPENAI_BASE_URL"));
        let deepseek = own_key.is_none() && own_url.is_none() && get("DEEPSEEK_API_KEY").is_some();
        let default_model = if deepseek { "deepseek-chat" } else { "gpt-5.5" };
        Ok(Config {
            api_key: own_key
                .or_else(|| get("DEEPSEEK_API_KEY"))
                .unwrap_or_default(),
            base_url: own_url.or_else(|| deepseek.then(|| "https://api.deepseek.com".to_string())),
            model: get("CORECODER_MODEL").unwrap_or_else(|| default_model.to_string()),
            max_tokens: number(
                "CORECODER_MAX_TOKENS",
                get("CORECODER_MAX_TOKENS"),
                " above 0",
                |n: &u64| *n > 0,
            )?,
            temperature: number(
                "CORECODER_TEMPERATURE",
                get("CORECODER_TEMPERATURE"),
                " from 0 to 2",
                |t: &f64| (0.0..=2.0).contains(t),
            )?,
            max_context: number(
                "CORECODER_MAX_CONTEXT",
                get("CORECODER_MAX_CONTEXT"),
                " above 0",
                |n: &u64| *n > 0,
            )?,
            folder,
            home,
        })
    }

    /// The model that these settings name.
    pub fn llm(&self) -> Result<Llm, ModelError> {
        let llm = Llm::new(&self.model, &self.api_key, self.base_url.as_deref())?;
        Ok(llm
            .max_tokens(self.max_tokens)
            .temperature(self.temperature))
    }
}

fn number<T: std::str::FromStr>(
    name: &str,
    value: Option<String>,
    range: &'static str,
    valid: impl Fn(&T) -> bool,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = value else { return Ok(None) };
    let parsed = value.parse().ok().filter(valid);
    parsed.map(Some).ok_or(ConfigError {
        name: name.to_string(),
        value,
        range,
    })
}

/// The `.env` files that count, nearest first; above a home directory, or outside of it, nobody's business.
fn dotenv_files(folder: &Path, home: Option<&Path>) -> Vec<PathBuf> {
    let inside = home.is_some_and(|home| folder.starts_with(home));
    let folders = folder.ancestors().take(if inside { usize::MAX } else { 1 });
    let up_to_home =
        folders.take_while(|folder| !inside || home.is_some_and(|home| folder.starts_with(home)));
    up_to_home
        .map(|folder| folder.join(".env"))
        .filter(|file| file.is_file())
        .collect()
}
