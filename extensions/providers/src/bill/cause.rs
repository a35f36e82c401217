//! Why a request was not served from the provider's cache, as far as that can be known from outside.

use corecoder::Usage;

use crate::budget::count;

/// The last request of the same who.
#[derive(Debug, Clone)]
pub(super) struct Last {
    pub time: u64,
    pub model: String,
    pub prompt: u64,
    pub opened: usize,
    /// What became of its conversation since.
    pub changed: Option<String>,
}

/// What a provider says of its cache.
struct Cache {
    provider: &'static str,
    /// How the bare names of its models begin.
    models: &'static [&'static str],
    /// After so many minutes without use it may be gone; in words. `None`: the provider does not say.
    life: Option<(u64, &'static str)>,
    /// Shorter requests are not cached, in tokens; 0 if the provider does not say.
    least: u64,
}

/// As of November 2026:
/// - Anthropic, platform.claude.com/docs/en/build-with-claude/prompt-caching: 5 min after the last use unless an hour is
///   asked for, which no wire here does; at least 512 to 4,096 tokens by model, mostly 1,024.
/// - OpenAI, developers.openai.com/api/docs/guides/prompt-caching: 5 to 10 min without use and an hour at most in memory,
///   24 h at most where `prompt_cache_retention` is `24h`, the default where data may be kept; at least 1,024 tokens.
/// - Google, ai.google.dev/gemini-api/docs/caching: implicit, "in a short amount of time"; at least 2,048 tokens for 2.5,
///   4,096 since.
/// - DeepSeek, api-docs.deepseek.com/guides/kv_cache: gone within hours to days without use.
const CACHES: [Cache; 4] = [
    Cache {
        provider: "Anthropic",
        models: &["claude"],
        life: Some((5, "5 min")),
        least: 1_024,
    },
    Cache {
        provider: "OpenAI",
        models: &["gpt", "chatgpt", "codex", "o1", "o3", "o4"],
        life: Some((10, "10 min to 24 h")),
        least: 1_024,
    },
    Cache {
        provider: "Google",
        models: &["gemini"],
        life: None,
        least: 2_048,
    },
    Cache {
        provider: "DeepSeek",
        models: &["deepseek"],
        life: Some((120, "some hours to days")),
        least: 0,
    },
];

/// Why much less of a request came from the cache than the one before had; `None` if enough did.
pub(super) fn cause(
    last: Option<&Last>,
    time: u64,
    model: &str,
    usage: &Usage,
    opened: usize,
) -> Option<String> {
    let expected = last.map_or(usage.prompt, |last| last.prompt);
    if usage.cached.saturating_mul(2) >= expected {
        return None;
    }
    let Some(last) = last else {
        return Some("first request".to_string());
    };
    if last.model != model {
        return Some(format!("model changed: {} → {model}", last.model));
    }
    if let Some(changed) = &last.changed {
        return Some(changed.clone());
    }
    if let Some(why) = by_provider(last, time, model) {
        return Some(why);
    }
    if last.opened != opened {
        let why = "the program was started anew: tools or instructions may have changed";
        return Some(why.to_string());
    }
    Some("the provider does not say why".to_string())
}

/// What the provider's own rules explain.
fn by_provider(last: &Last, time: u64, model: &str) -> Option<String> {
    let bare = model.rsplit_once('/').map_or(model, |(_, bare)| bare);
    let is_of = |cache: &&Cache| cache.models.iter().any(|name| bare.starts_with(name));
    let cache = CACHES.iter().find(is_of)?;
    let provider = cache.provider;
    if last.prompt < cache.least {
        let (had, least) = (count(last.prompt), count(cache.least));
        return Some(format!(
            "{had} tokens are too few: {provider} caches from {least}"
        ));
    }
    let (minutes, words) = cache.life?;
    let gap = time.saturating_sub(last.time) / 60_000;
    (gap >= minutes).then(|| format!("{gap} min since the last one; {provider} keeps it {words}"))
}
