//! Settings out of the environment, the only place that reads it.
//!
//! A `.env` file in the working directory or above it, up to the home directory, fills in what the environment
//! does not set, or sets to nothing; it never overrides. Of several the nearest wins. Further files, such as a program's settings, fill in
//! what is still not set.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::dotenv;
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
    /// `CORECODER_HOME`, else `.corecoder` in the home directory: where sessions are kept. A project's `.env` has no
    /// say in it.
    pub data: Option<PathBuf>,
    /// The variables that a file filled in, and which.
    pub origins: HashMap<String, PathBuf>,
    /// What these variables say, also those that nothing here reads.
    pub filled: HashMap<String, String>,
}

/// What a file of settings says, by the names of the variables that it fills in for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    pub file: PathBuf,
    pub values: Vec<(String, String)>,
}

/// Settings that can't be used.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ConfigError {
    #[error("{name} must be a number{range}, not {value:?}")]
    NotANumber {
        name: String,
        value: String,
        range: &'static str,
    },
    #[error("{file}: {problem}")]
    Dotenv { file: String, problem: String },
    /// A project could send the user's key to a server of its choice.
    #[error(
        "{file} sets the base URL {url}, but the API key comes from somewhere else; put both in the environment, \
         or both in that file"
    )]
    BorrowedKey { file: String, url: String },
}

/// The first that is set counts.
const KEYS: [&str; 3] = ["CORECODER_API_KEY", "OPENAI_API_KEY", "DEEPSEEK_API_KEY"];
const URLS: [&str; 2] = ["CORECODER_BASE_URL", "OPENAI_BASE_URL"];

impl Config {
    /// Reads the process's environment and working directory.
    pub fn from_env() -> Result<Config, ConfigError> {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        Config::from_vars(Config::vars(), folder, &[])
    }

    /// The process's environment, as far as it is text.
    pub fn vars() -> impl Iterator<Item = (String, String)> {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        std::env::vars_os().filter_map(text)
    }

    /// The same for any variables and any directory. What they don't set comes from the first layer that has it.
    pub fn from_vars(
        vars: impl Iterator<Item = (String, String)>,
        folder: PathBuf,
        layers: &[Layer],
    ) -> Result<Config, ConfigError> {
        let mut vars = Variables::with_dotenv(vars.collect(), &folder)?;
        for Layer { file, values } in layers {
            vars.fill_in(file, values.clone());
        }
        let (key, url) = (vars.first(&KEYS), vars.first(&URLS));
        vars.check_borrowed_key(key, url)?;
        // DeepSeek's key alone says which provider is meant.
        let deepseek = url.is_none() && key == Some("DEEPSEEK_API_KEY");
        let model = if deepseek {
            "deepseek-v4-flash"
        } else {
            "gpt-5.5"
        };
        let default_url = deepseek.then_some("https://api.deepseek.com");
        let mut filled = vars.values.clone();
        filled.retain(|name, _| vars.files.contains_key(name) && vars.get(name).is_some());
        Ok(Config {
            api_key: key
                .and_then(|name| vars.get(name))
                .unwrap_or_default()
                .to_string(),
            base_url: url
                .and_then(|name| vars.get(name))
                .or(default_url)
                .map(str::to_string),
            model: vars.get("CORECODER_MODEL").unwrap_or(model).to_string(),
            max_tokens: vars.number("CORECODER_MAX_TOKENS", " above 0", |n: &u64| *n > 0)?,
            temperature: vars.number("CORECODER_TEMPERATURE", " from 0 to 2", |t: &f64| {
                (0.0..=2.0).contains(t)
            })?,
            max_context: vars.number("CORECODER_MAX_CONTEXT", " above 0", |n: &u64| *n > 0)?,
            data: vars.data(),
            home: vars.home(),
            filled,
            origins: vars.files,
            folder,
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

/// The environment, filled up from `.env` files.
struct Variables {
    values: HashMap<String, String>,
    /// The file that a value came from, if it is not the environment's.
    files: HashMap<String, PathBuf>,
}

impl Variables {
    fn with_dotenv(
        values: HashMap<String, String>,
        folder: &Path,
    ) -> Result<Variables, ConfigError> {
        let mut vars = Variables {
            values,
            files: HashMap::new(),
        };
        for file in dotenv::files(folder, vars.home().as_deref()) {
            let values = dotenv::read(&file)?;
            vars.fill_in(&file, values);
        }
        Ok(vars)
    }

    fn fill_in(&mut self, file: &Path, values: Vec<(String, String)>) {
        for (name, value) in values {
            if self.get(&name).is_none() {
                self.files.insert(name.clone(), file.to_path_buf());
                self.values.insert(name, value);
            }
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    fn data(&self) -> Option<PathBuf> {
        let own = !self.files.contains_key("CORECODER_HOME");
        let set = self.get("CORECODER_HOME").filter(|_| own);
        set.map(PathBuf::from)
            .or(Some(self.home()?.join(".corecoder")))
    }

    /// The first of these names that is set.
    fn first(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.get(name).is_some())
    }

    fn number<T: std::str::FromStr>(
        &self,
        name: &str,
        range: &'static str,
        valid: impl Fn(&T) -> bool,
    ) -> Result<Option<T>, ConfigError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let (name, text) = (name.to_string(), value.to_string());
        let wrong = ConfigError::NotANumber {
            name,
            value: text,
            range,
        };
        value.parse().ok().filter(valid).map(Some).ok_or(wrong)
    }

    /// Files that stand in the home directory, or with the sessions, are the user's, and a server on this machine learns
    /// nothing new.
    fn check_borrowed_key(&self, key: Option<&str>, url: Option<&str>) -> Result<(), ConfigError> {
        let (Some(key), Some(name)) = (key, url) else {
            return Ok(());
        };
        let (Some(file), Some(url)) = (self.files.get(name), self.get(name)) else {
            return Ok(());
        };
        let own = [self.home(), self.data()].contains(&file.parent().map(Path::to_path_buf));
        let trusted = own || is_loopback(url);
        if trusted || self.files.get(key) == Some(file) {
            return Ok(());
        }
        let (file, url) = (file.display().to_string(), url.to_string());
        Err(ConfigError::BorrowedKey { file, url })
    }
}

/// Whether a URL leads to this machine: `localhost`, or an address that can't leave it.
pub fn is_loopback(url: &str) -> bool {
    let url = reqwest::Url::parse(url).ok();
    let host = url
        .as_ref()
        .and_then(|url| url.host_str())
        .unwrap_or_default();
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
