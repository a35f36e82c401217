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
            for (name, value) in dotenvy::from_path_iter(&file)
                .into_iter()
                .flatten()
                .flatten()
            {
                vars.entry(name).or_insert(value);
            }
        }
        let get = |name: &str| {
            vars.get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty())
        };
        let first = |names: [&str; 2]| names.into_iter().find_map(get).map(str::to_string);
        let (key, url) = (
            first(["CORECODER_API_KEY", "OPENAI_API_KEY"]),
            first(["CORECODER_BASE_URL", "OPENAI_BASE_URL"]),
        );
        let mut config = Config {
            api_key: key.unwrap_or_default(),
            base_url: url,
            model: get("CORECODER_MODEL").unwrap_or("gpt-5.5").to_string(),
            max_tokens: number("CORECODER_MAX_TOKENS", get, " above 0", |n: &u64| *n > 0)?,
            temperature: number("CORECODER_TEMPERATURE", get, " from 0 to 2", |t: &f64| {
                (0.0..=2.0).contains(t)
            })?,
            max_context: number("CORECODER_MAX_CONTEXT", get, " above 0", |n: &u64| *n > 0)?,
            folder,
            home,
        };
        if let Some(key) = get("DEEPSEEK_API_KEY").filter(|_| config.api_key.is_empty()) {
            config.use_deepseek(key, get("CORECODER_MODEL").is_none());
        }
        Ok(config)
    }

    /// DeepSeek's key alone says which provider is meant, unless a URL says otherwise.
    fn use_deepseek(&mut self, key: &str, any_model: bool) {
        self.api_key = key.to_string();
        if self.base_url.is_none() {
            self.base_url = Some("https://api.deepseek.com".to_string());
            if any_model {
                self.model = "deepseek-chat".to_string();
            }
        }
    }

    /// The model that these settings name.
    pub fn llm(&self) -> Result<Llm, ModelError> {
        let llm = Llm::new(&self.model, &self.api_key, self.base_url.as_deref())?;
        Ok(llm
            .max_tokens(self.max_tokens)
            .temperature(self.temperature))
    }
}

fn number<'a, T: std::str::FromStr>(
    name: &str,
    get: impl Fn(&str) -> Option<&'a str>,
    range: &'static str,
    valid: impl Fn(&T) -> bool,
) -> Result<Option<T>, ConfigError> {
    let Some(value) = get(name) else {
        return Ok(None);
    };
    let wrong = || ConfigError {
        name: name.to_string(),
        value: value.to_string(),
        range,
    };
    value.parse().ok().filter(valid).map(Some).ok_or_else(wrong)
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
