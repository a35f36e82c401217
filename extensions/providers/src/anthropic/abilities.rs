//! What each family of Claude takes: how thinking is asked for, how long a reply may be, whether there is a temperature.
//!
//! From platform.claude.com/docs (adaptive thinking, effort, models overview), November 2026. An unknown name is taken
//! for a server that imitates the API of 2025; a new Claude for the newest that is known. What a server still refuses
//! is conceded one by one.

use corecoder::Entry;
use serde_json::{Map, Value, json};

use crate::names::version;
use crate::wire::{Effort, Options};

/// How thinking is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thinking {
    None,
    /// `enabled`, with a number of tokens.
    Budget,
    /// `adaptive`, with an effort.
    Adaptive,
}

pub(super) struct Abilities {
    pub is_claude: bool,
    thinking: Thinking,
    /// The longest reply in tokens; more is a 400.
    cap: Option<u64>,
    temperature: bool,
}

/// Sent where nobody says how long a reply may be: long enough for a big file, short of every newer model's cap.
const USUAL: u64 = 32_000;
/// The least that a budget may be.
const LEAST_BUDGET: u64 = 1_024;

impl Abilities {
    pub fn of(model: &str) -> Abilities {
        let name = model.to_lowercase();
        let Some(at) = name.find("claude") else {
            return Abilities {
                is_claude: false,
                thinking: Thinking::Budget,
                cap: None,
                temperature: true,
            };
        };
        let opus = name.contains("opus");
        let (thinking, cap, temperature) = match version(&name[at..]) {
            (..=2, _) | (3, 0) => (Thinking::None, 4_096, true),
            (3, ..7) => (Thinking::None, 8_192, true),
            (4, ..5) if opus => (Thinking::Budget, 32_000, true),
            (3, _) | (4, ..=5) => (Thinking::Budget, 64_000, true),
            (4, 6) => (Thinking::Adaptive, 128_000, true),
            _ => (Thinking::Adaptive, 128_000, false),
        };
        Abilities {
            is_claude: true,
            thinking,
            cap: Some(cap),
            temperature,
        }
    }

    /// The body but for system, tools and messages.
    pub fn parameters(&self, entries: &[Entry], options: &Options) -> Map<String, Value> {
        let effort = options.effort;
        let long = effort.is_some_and(|effort| effort >= Effort::High);
        let usual = if long { 2 * USUAL } else { USUAL };
        let wanted = options.max_tokens.or(self.cap.map(|cap| cap.min(usual)));
        let limits = [self.cap, options.refused.max_tokens()];
        let limit = limits.into_iter().flatten().min().unwrap_or(u64::MAX);
        let max_tokens = wanted.unwrap_or(USUAL).min(limit).max(1);
        let mut body = Map::new();
        body.insert("model".into(), json!(options.model));
        body.insert("max_tokens".into(), json!(max_tokens));
        body.insert("stream".into(), json!(true));
        self.think(&mut body, max_tokens, entries, options);
        let takes = self.temperature && !options.refused.has("temperature");
        let temperature = options.temperature.filter(|_| takes);
        // A model that thinks takes only its default.
        if let Some(temperature) = temperature.filter(|_| !body.contains_key("thinking")) {
            body.insert("temperature".into(), json!(temperature.clamp(0.0, 1.0)));
        }
        body
    }

    fn think(
        &self,
        body: &mut Map<String, Value>,
        max_tokens: u64,
        entries: &[Entry],
        options: &Options,
    ) {
        let refused = |name: &str| options.refused.has(name);
        let Some(effort) = options.effort.filter(|_| !refused("thinking")) else {
            return;
        };
        let budget = match effort {
            Effort::Low => 2_048,
            Effort::Medium => 8_192,
            Effort::High => 16_384,
            Effort::Max => 32_768,
        };
        let thinking = match self.thinking {
            Thinking::Budget if refused("budget") => Thinking::Adaptive,
            thinking => thinking,
        };
        match thinking {
            Thinking::None => {}
            Thinking::Adaptive => {
                let thinking = json!({"type": "adaptive", "display": "summarized"});
                body.insert("thinking".into(), thinking);
                if !refused("effort") {
                    body.insert("output_config".into(), json!({"effort": word(effort)}));
                }
            }
            // The budget is part of `max_tokens`, and a reply needs some of them for itself.
            Thinking::Budget if max_tokens > 2 * LEAST_BUDGET => {
                let budget = budget.min(max_tokens - LEAST_BUDGET);
                if !is_thoughtless(entries, options) {
                    let thinking = json!({"type": "enabled", "budget_tokens": budget});
                    body.insert("thinking".into(), thinking);
                }
            }
            Thinking::Budget => {}
        }
    }
}

fn word(effort: Effort) -> &'static str {
    match effort {
        Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Max => "max",
    }
}

/// Whether calls of the running turn were made without any thoughts that could be sent back, as after a change of
/// models. A model with a budget then refuses the request: its thinking starts again with the next turn.
fn is_thoughtless(entries: &[Entry], options: &Options) -> bool {
    let turn = entries.iter().rev();
    let rounds = turn.map_while(|entry| match entry {
        Entry::Round(round) => Some(Some(round.reply())),
        Entry::Note(_) => Some(None),
        Entry::User(_) | Entry::Picture(_) | Entry::Summary(_) => None,
    });
    let mut calling = rounds
        .flatten()
        .filter(|reply| !reply.calls.is_empty())
        .peekable();
    calling.peek().is_some()
        && !calling.any(|reply| super::messages::thoughts(reply, options).is_some())
}
