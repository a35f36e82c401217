//! Which of several models is likely to work as a coding agent, by its name alone.
//!
//! A guess, made once and told: calling tools and writing code are what counts, then size. Names are read as the
//! servers write them: `qwen2.5-coder:7b-instruct-q4_K_M`, `lmstudio-community/Devstral-Small-2507-GGUF`.

/// Parts of names of models that hold no conversation, or none about files, in lower case.
const NEVER: [(&str, &str); 27] = [
    ("embed", "makes vectors"),
    ("bge", "makes vectors"),
    ("minilm", "makes vectors"),
    ("gte-", "makes vectors"),
    ("e5-", "makes vectors"),
    ("rerank", "sorts texts"),
    ("reward", "judges texts"),
    ("guard", "judges texts"),
    ("shieldgemma", "judges texts"),
    ("whisper", "hears"),
    ("parakeet", "hears"),
    ("tts", "speaks"),
    ("orpheus", "speaks"),
    ("kokoro", "speaks"),
    ("bark", "speaks"),
    ("vision", "looks at pictures, and calls tools seldom"),
    ("llava", "looks at pictures"),
    ("moondream", "looks at pictures"),
    ("vl", "looks at pictures, and calls tools seldom"),
    ("clip", "looks at pictures"),
    ("ocr", "reads pictures"),
    ("diffusion", "paints"),
    ("flux", "paints"),
    ("sdxl", "paints"),
    ("translate", "translates"),
    (":cloud", "runs elsewhere"),
    ("-cloud", "runs elsewhere"),
];

/// Parts of names by likeliness, the best first, and why.
const TIERS: [(&str, &str); 31] = [
    ("qwen3-coder", "made for code and for calling tools"),
    ("qwen3-next-coder", "made for code and for calling tools"),
    ("devstral", "made for coding agents"),
    ("gpt-oss", "made for calling tools"),
    ("glm", "made for calling tools"),
    ("kimi", "made for calling tools"),
    ("minimax", "made for calling tools"),
    ("deepseek-v3", "made for calling tools"),
    ("deepseek-v4", "made for calling tools"),
    ("qwen3", "good at calling tools"),
    ("seed-oss", "good at calling tools"),
    ("qwen2.5-coder", "made for code"),
    ("qwen2-5-coder", "made for code"),
    ("seed-coder", "made for code"),
    ("codestral", "made for code"),
    ("deepseek-coder", "made for code"),
    ("granite-code", "made for code"),
    ("codegemma", "made for code"),
    ("codellama", "made for code"),
    ("starcoder", "made for code"),
    ("coder", "made for code"),
    ("code", "made for code"),
    ("nemotron", "can call tools"),
    ("mistral", "can call tools"),
    ("magistral", "can call tools"),
    ("llama3", "can call tools"),
    ("llama-3", "can call tools"),
    ("llama-4", "can call tools"),
    ("granite", "can call tools"),
    ("hermes", "can call tools"),
    ("qwen", "can call tools"),
];

/// Smaller models, in billions of parameters, lose the thread of an agent's turn: they come after all others.
const SMALL: f64 = 3.0;
/// What a name without a size is taken for.
const UNSAID: f64 = 7.0;

/// The place of the likeliest coder among these names, and why; the first of equals. `None` if none of them holds a
/// conversation.
pub fn likeliest<N: AsRef<str>>(names: &[N]) -> Option<(usize, &'static str)> {
    let ranked = names
        .iter()
        .enumerate()
        .filter_map(|(at, name)| Some((rank(name.as_ref())?, at)));
    let best = ranked
        .max_by(|(one, at), (other, other_at)| one.0.total_cmp(&other.0).then(other_at.cmp(at)));
    best.map(|(rank, at)| (at, rank.1))
}

/// How likely a name is, higher is better; `None` for what is never taken.
fn rank(name: &str) -> Option<(f64, &'static str)> {
    let name = name.to_lowercase().replace('_', "-");
    if NEVER.iter().any(|(part, _)| has(&name, part)) {
        return None;
    }
    let tier = TIERS.iter().position(|(part, _)| name.contains(part));
    let reason = tier.map_or("the one that is there", |at| TIERS[at].1);
    // Neighbours that are good for the same reason differ by size alone.
    let same = |at: usize| TIERS.iter().position(|(_, other)| *other == TIERS[at].1);
    let height = TIERS.len() - tier.and_then(same).unwrap_or(TIERS.len());
    let size = size(&name).unwrap_or(UNSAID);
    let is_base = words(&name).any(|word| word == "base" || word == "fim" || word == "text");
    let rank = height as f64 * 10_000.0 + size.min(9_999.0);
    let rank = if is_base { rank - 1_000_000.0 } else { rank };
    Some((
        if size < SMALL {
            rank - 2_000_000.0
        } else {
            rank
        },
        reason,
    ))
}

/// Whether the part stands in the name: short ones only as the end of a word, so that no other word holds them.
fn has(name: &str, part: &str) -> bool {
    match part.len() {
        0..=3 if !part.ends_with('-') => {
            words(name).any(|word| word.trim_start_matches(|c: char| c.is_ascii_digit()) == part)
        }
        _ => name.contains(part),
    }
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric())
}

/// The parameters in billions, as a model's name says them: `7b`, `1.5b`, `8x7b`, the first of `30b-a3b`.
pub fn billions(name: &str) -> Option<f64> {
    size(&name.to_lowercase())
}

fn size(name: &str) -> Option<f64> {
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    words.find_map(|word| {
        let number = word.strip_suffix('b')?;
        match number.split_once('x') {
            Some((experts, each)) => Some(experts.parse::<f64>().ok()? * each.parse::<f64>().ok()?),
            None => number.parse().ok().filter(|size: &f64| size.is_finite()),
        }
    })
}
