//! The windows of well-known models: the longest prompt that each can read, in tokens.
//!
//! From LiteLLM's table of models (1.109), models.dev (August 2026) and the providers' pages; where they disagree, the
//! least. A server may have been started with less: `CORECODER_MAX_CONTEXT` says so, or the server's error does.

/// The window of a model by its name, however a gateway spells it: `anthropic/claude-opus-4.6`, `claude-opus-4-6`.
pub fn of(model: &str) -> Option<u64> {
    let name = folded(model.rsplit('/').next().unwrap_or(model));
    let is_of = |family: &str| {
        let rest = name.strip_prefix(&folded(family));
        rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let rows = WINDOWS.iter().filter(|(family, _)| is_of(family));
    rows.max_by_key(|(family, _)| family.len())
        .map(|(_, window)| *window)
}

fn folded(name: &str) -> String {
    name.to_lowercase().replace('.', "-")
}

/// By family; the longest name that fits wins.
const WINDOWS: &[(&str, u64)] = &[
    ("claude", 200_000),
    ("claude-opus-4-6", 1_000_000),
    ("claude-opus-4-7", 1_000_000),
    ("claude-opus-4-8", 1_000_000),
    ("claude-opus-5", 1_000_000),
    ("claude-sonnet-4-6", 1_000_000),
    ("claude-sonnet-5", 1_000_000),
    ("claude-haiku-5", 1_000_000),
    ("gpt-3.5-turbo", 16_385),
    ("gpt-4", 8_192),
    ("gpt-4-turbo", 128_000),
    ("gpt-4o", 128_000),
    ("gpt-4.1", 1_047_576),
    // What follows reads more, or shares it with the reply; a longer prompt than this costs twice as much.
    ("gpt-5", 272_000),
    ("gpt-5-chat", 128_000),
    ("gpt-5.1", 272_000),
    ("gpt-5.1-chat", 128_000),
    ("gpt-5.2", 272_000),
    ("gpt-5.2-chat", 128_000),
    ("gpt-5.3", 272_000),
    ("gpt-5.3-chat", 128_000),
    ("gpt-5.4", 272_000),
    ("gpt-5.5", 272_000),
    ("gpt-5.6", 272_000),
    ("gpt-6", 272_000),
    ("gpt-oss", 131_072),
    ("o1", 200_000),
    ("o3", 200_000),
    ("o4-mini", 200_000),
    ("gemini", 1_048_576),
    ("gemma-3", 131_072),
    ("gemma3", 131_072),
    ("deepseek-chat", 131_072),
    ("deepseek-reasoner", 131_072),
    ("deepseek-coder", 16_384),
    ("deepseek-v3", 65_536),
    ("deepseek-v3.1", 128_000),
    ("deepseek-v3.2", 128_000),
    ("deepseek-v4", 1_000_000),
    ("qwen-max", 30_720),
    ("qwen-plus", 129_024),
    ("qwen2.5", 32_768),
    ("qwen2.5-coder", 32_768),
    ("qwen-2.5-coder", 32_768),
    ("qwen3", 40_960),
    ("qwen3-coder", 262_144),
    ("qwen3-coder-plus", 997_952),
    ("qwen3-coder-flash", 997_952),
    ("qwen3-max", 258_048),
    ("qwen3.5", 262_144),
    ("kimi-k2", 131_072),
    ("kimi-k2-0905", 262_144),
    ("kimi-k2-thinking", 262_144),
    ("kimi-k2.5", 262_144),
    ("kimi-k2.6", 262_144),
    ("kimi-k3", 1_048_576),
    ("glm-4.5", 128_000),
    ("glm-4.6", 200_000),
    ("glm-4.7", 200_000),
    ("glm-5", 200_000),
    ("glm-5.2", 1_000_000),
    ("devstral", 128_000),
    ("devstral-2512", 256_000),
    ("codestral", 128_000),
    ("mistral-large", 128_000),
    ("mistral-medium", 131_072),
    ("mistral-small", 32_000),
    ("grok-3", 131_072),
    ("grok-4", 256_000),
    ("grok-code-fast", 256_000),
    ("llama-3", 8_192),
    ("llama3", 8_192),
    ("llama-3.1", 128_000),
    ("llama-3.2", 128_000),
    ("llama-3.3", 128_000),
    ("llama3.1", 128_000),
    ("llama-4", 128_000),
    ("minimax-m1", 1_000_000),
    ("minimax-m2", 196_608),
    ("minimax-m3", 1_000_000),
    ("phi-4", 16_384),
    ("phi4", 16_384),
    ("phi-4-mini", 128_000),
    ("starcoder2", 16_384),
    ("codellama", 16_384),
    ("granite-3", 8_192),
    ("granite-4", 131_000),
];
