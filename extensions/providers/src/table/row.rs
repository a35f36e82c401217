//! One provider: a row of the table.

use std::path::PathBuf;

use reqwest::Url;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire::Effort;

/// Which protocol a provider speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Chat completions: the engine's own `Llm`, or [`crate::Chat`] where the row has a dialect.
    #[default]
    OpenAi,
    Anthropic,
    Gemini,
    Responses,
    Azure,
    Ollama,
}

/// One provider.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Row {
    #[serde(skip)]
    pub name: String,
    /// The files that wrote or changed this row.
    #[serde(skip)]
    pub files: Vec<PathBuf>,
    pub aliases: Vec<String>,
    pub wire: Kind,
    /// What stands before the wire's own path; none where each customer has one of their own.
    pub base_url: Option<String>,
    /// Hosts that are this provider's, `*.` for any part before; without the field that of the base URL.
    pub hosts: Option<Vec<String>>,
    /// The port by which it is known on this machine.
    pub port: Option<u16>,
    /// Variables that hold a key, the first that is set counts.
    pub keys: Vec<String>,
    /// Those of them that hold a token, sent as `Authorization: Bearer` on a wire that sends keys otherwise.
    pub bearer: Vec<String>,
    /// Variables that hold a base URL.
    pub urls: Vec<String>,
    /// Variables that hold a version of the API (Azure).
    pub versions: Vec<String>,
    /// Needs no key.
    pub local: bool,
    /// Its models' names are `maker/model`, so that a first segment names no provider.
    pub maker_prefix: bool,
    /// The model where the user names none.
    pub model: Option<String>,
    /// How the names of its own models begin: of several providers with keys it is meant by these.
    pub families: Vec<String>,
    /// What a request says more for `low`, `medium`, `high`, `max`; nothing for a level that is not there.
    pub effort: Map<String, Value>,
    /// What each request says more.
    pub extra: Map<String, Value>,
    /// The field by which a conversation's requests find their cache, with the session's name in it.
    pub session: Option<String>,
    /// Ids of calls must be nine letters and digits (Mistral, error 3280).
    pub short_ids: bool,
    /// Each reply with calls that goes back needs a `reasoning_content`, be it blank (DeepSeek while thinking).
    pub blank_reasoning: bool,
    /// Reasoning that did not come as `reasoning_content` goes back as `reasoning` (vLLM since it dropped the former).
    pub echo_reasoning: bool,
    /// It can't be spoken to from here: what to do instead.
    pub through: Option<String>,
}

impl Row {
    /// An endpoint that no row knows: OpenAI's dialect without anything special.
    pub fn custom() -> Row {
        Row {
            name: "custom".to_string(),
            ..Row::default()
        }
    }

    /// The fields that a request says more, in the order of the table.
    pub fn fields(&self, effort: Option<Effort>) -> Map<String, Value> {
        let mut fields = self.extra.clone();
        let asked = effort.and_then(|effort| self.effort.get(effort.word())?.as_object());
        fields.extend(
            asked
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        fields
    }

    /// Whether it wants chat completions otherwise than the engine's `Llm` speaks them: then [`crate::Chat`] does.
    pub fn has_dialect(&self) -> bool {
        self.short_ids || self.blank_reasoning || self.echo_reasoning
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    }

    pub(super) fn is_at(&self, host: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_prefix('*') {
            Some(end) => host.len() > end.len() && host.ends_with(end),
            None => host == pattern,
        };
        match &self.hosts {
            Some(hosts) => hosts.iter().any(fits),
            None => self.base_url.as_deref().and_then(host_of).as_deref() == Some(host),
        }
    }
}

pub(super) fn read(name: &str, said: &Value, files: Vec<PathBuf>) -> Result<Row, String> {
    let row = Row::deserialize(said).map_err(|error| error.to_string())?;
    let name = name.to_string();
    Ok(Row { name, files, ..row })
}

/// What the types can't say.
pub(super) fn check(row: &Row) -> Result<(), String> {
    let levels = ["low", "medium", "high", "max"];
    if let Some((level, _)) = row
        .effort
        .iter()
        .find(|(level, fields)| !levels.contains(&level.as_str()) || !fields.is_object())
    {
        return Err(format!(
            "effort.{level}: levels are low, medium, high and max, each with an object of fields"
        ));
    }
    match &row.base_url {
        Some(url)
            if !url.starts_with("http://") && !url.starts_with("https://")
                || host_of(url).is_none() =>
        {
            Err(format!(
                "base_url: {url:?} must be a URL that begins with https:// or http://"
            ))
        }
        None if row.urls.is_empty() && row.through.is_none() => {
            Err("it needs a base_url, such as \"https://llm.example.com/v1\"".to_string())
        }
        _ => Ok(()),
    }
}

pub(super) fn host_of(url: &str) -> Option<String> {
    Some(Url::parse(url).ok()?.host_str()?.to_lowercase())
}
