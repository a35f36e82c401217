//! How names and addresses are written, and what they mean.

use reqwest::Url;

use super::ChoiceError;
use crate::table::Row;

/// The model's name without the provider's before it. OpenRouter has models of its own, `openrouter/auto`, which are
/// called by it.
pub(super) fn without_prefix<'a>(row: &Row, model: &'a str) -> &'a str {
    let Some((prefix, rest)) = model.split_once('/') else {
        return model;
    };
    let mut names = std::iter::once(&row.name).chain(&row.aliases);
    let is_own = row.maker_prefix && !row.local && !rest.contains('/');
    match names.any(|name| name.eq_ignore_ascii_case(prefix)) {
        true if !is_own && !rest.is_empty() => rest,
        _ => model,
    }
}

pub(super) fn valid(url: &str) -> Result<Url, ChoiceError> {
    let problem = match Url::parse(url) {
        Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) => return Ok(parsed),
        Err(error) if url.contains("://") => error.to_string(),
        _ => "it must begin with https:// or http://".to_string(),
    };
    let url = url.to_string();
    Err(ChoiceError::BadUrl { url, problem })
}

/// The URL without a name, a password and a query, which may hold keys.
pub(super) fn bare(url: &str) -> String {
    let Ok(mut parsed) = Url::parse(url) else {
        return "that is none".to_string();
    };
    let has_more =
        parsed.query().is_some() || !parsed.username().is_empty() || parsed.password().is_some();
    if !has_more {
        return url.to_string();
    }
    parsed.set_query(None);
    // Both fail only for URLs that have no host.
    let _ = parsed
        .set_username("")
        .and_then(|()| parsed.set_password(None));
    parsed.to_string()
}

pub(super) fn has_segment(url: &Url, segment: &str) -> bool {
    url.path_segments()
        .into_iter()
        .flatten()
        .any(|part| part == segment)
}

/// `OLLAMA_HOST` as Ollama reads it: scheme and port may be missing, and a server that listens everywhere is here.
pub(super) fn ollama_host(text: &str) -> String {
    if text.contains("://") {
        return text.to_string();
    }
    let (host, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    let bare = host
        .rsplit_once(':')
        .filter(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    // An address of version 6 has colons of its own, and brackets when a port follows.
    let (name, port) = match bare {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, port),
        _ => (host, "11434"),
    };
    let name = match name {
        "" | "0.0.0.0" | "[::]" | "::" => "127.0.0.1".to_string(),
        name if name.contains(':') && !name.starts_with('[') => format!("[{name}]"),
        name => name.to_string(),
    };
    format!("http://{name}:{port}{path}")
}
