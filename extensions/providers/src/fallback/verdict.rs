//! Which failures another model could help with.

use corecoder::{ErrorKind, ModelError};

/// How providers say that they don't have the model, or not for this key, in lower case, with what stands between
/// the parts left out at `*`.
const WORDS: [&str; 27] = [
    // OpenAI, Groq, xAI, vLLM, DashScope; LiteLLM passes it on.
    "model*does not exist",
    "model*not exist",
    "does not have access to model",
    "have access to the model",
    "model_not_found",
    "model not found",
    // Gemini; Ollama; Cohere.
    "model*is not found",
    "models/*not found",
    "model '*' not found",
    // Anthropic.
    "not_found_error",
    ": model: ",
    // OpenRouter.
    "is not a valid model id",
    "no endpoints found",
    "no allowed providers are available",
    // Mistral, Perplexity, LiteLLM, Z.ai.
    "invalid model",
    "unknown model",
    "no healthy deployments",
    // Moonshot; Together; Fireworks.
    "not found the model",
    "unable to access*model",
    "inaccessible, and/or not deployed",
    // Groq, OpenAI.
    "decommissioned",
    "model*has been deprecated",
    "model*has been retired",
    // Azure; Bedrock behind a gateway; LM Studio; Hugging Face.
    "deploymentnotfound",
    "model identifier is invalid",
    "no models loaded",
    "not supported by any provider",
];

/// Whether a refusal says that the model is not to be had, which says nothing about the request. A path that leads
/// nowhere (404, 410) is counted as one: providers answer so to an unknown model.
pub fn is_about_the_model(message: &str) -> bool {
    let message = message.to_lowercase();
    let is_gone = ["http 404", "http 410", "404: ", "410: "]
        .iter()
        .any(|status| message.starts_with(status));
    is_gone || WORDS.iter().any(|words| says(&message, words))
}

/// Whether the parts stand in the message, one after the other within a short stretch.
fn says(message: &str, words: &str) -> bool {
    let Some((first, second)) = words.split_once('*') else {
        return message.contains(words);
    };
    message.match_indices(first).any(|(at, _)| {
        let rest = &message[at + first.len()..];
        rest[..rest.ceil_char_boundary(120)].contains(second)
    })
}

/// Whether another model takes over from the one that the request was meant for.
pub(super) fn switches(error: &ModelError, is_first: bool) -> bool {
    match error.kind {
        ErrorKind::RateLimit | ErrorKind::Overloaded | ErrorKind::Network | ErrorKind::Quota => {
            true
        }
        // A certificate that is not trusted, a reply that is none: not the request's doing.
        ErrorKind::Other => true,
        ErrorKind::BadRequest => is_about_the_model(&error.message),
        // A wrong key of the model that was meant is to be seen, not worked around.
        ErrorKind::Authentication => !is_first || is_about_the_model(&error.message),
        ErrorKind::ContextTooLong | ErrorKind::Limit => false,
    }
}
