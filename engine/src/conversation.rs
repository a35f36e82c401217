//! What was said: a conversation is a list of entries, not of provider messages.
//!
//! The invariant is the pairing rule: a [`Round`] asks for one result per call while it is built, so a call
//! without its result, or a result without its call, can't be written down. Compaction may therefore cut
//! between any two entries, and an interrupt fills what is missing in one place.
//!
//! Left out: provider JSON, which exists in [`crate::wire`] alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One step of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// What the user said.
    User(String),
    /// What the program says unasked: the report of a background agent, a changed plan, a tool that came late.
    Note(String),
    /// A picture that the user shows.
    Picture(Picture),
    /// What the model said, and what came of each of its calls.
    Round(Round),
    /// What compaction left of older entries.
    Summary(Summary),
}

/// A picture, as a model that can see is shown it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What it is called where it came from.
    pub name: String,
    /// `image/png`, `image/jpeg`, `image/gif` or `image/webp`: what providers take.
    pub media_type: String,
    /// In base64.
    pub data: String,
}

/// What compaction left of older entries. All but the notes is carried by rule, from one summary to the next; each list
/// is in the order of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The user's own words, oldest first.
    pub said: Vec<String>,
    /// How many of the user's messages behind the first are not among them any more.
    pub missing: usize,
    /// Files that calls changed, in the order of their last change.
    pub changed: Vec<String>,
    /// Files that calls only read, likewise.
    pub read: Vec<String>,
    /// What the model said it decided or left for later, and the errors that were reported.
    pub decided: Vec<String>,
    pub errors: Vec<String>,
    /// The model's notes on all of it.
    pub notes: String,
    /// What it said since those notes were written; empty unless it could not write new ones.
    pub steps: Vec<String>,
}

/// As the model reads it.
impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let notes = std::slice::from_ref(&self.notes);
        let mut said = self.said.clone();
        if self.missing > 0 {
            let gap = format!("[... {} messages are left out here ...]", self.missing);
            said.insert(said.len().min(1), gap);
        }
        let parts = [
            ("The user said", &said[..]),
            ("Files changed", &self.changed),
            ("Files read", &self.read),
            ("Decided, or left for later", &self.decided),
            ("Errors seen", &self.errors),
            (
                "Your notes",
                if self.notes.is_empty() { &[] } else { notes },
            ),
            ("Said since", &self.steps),
        ];
        write!(f, "[The conversation so far, shortened.]")?;
        for (title, lines) in parts.into_iter().filter(|(_, lines)| !lines.is_empty()) {
            write!(f, "\n\n{title}:\n- {}", lines.join("\n- "))?;
        }
        Ok(())
    }
}

/// A reply with exactly one result per call, in the order in which the calls were asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unpaired")]
pub struct Round {
    reply: Reply,
    results: Vec<String>,
}

/// A round as it is read from a file, where anything may stand.
#[derive(Deserialize)]
struct Unpaired {
    reply: Reply,
    results: Vec<String>,
}

impl TryFrom<Unpaired> for Round {
    type Error = &'static str;

    fn try_from(Unpaired { reply, results }: Unpaired) -> Result<Round, Self::Error> {
        match reply.calls.len() == results.len() {
            true => Ok(Round { reply, results }),
            false => Err("a round needs one result per call"),
        }
    }
}

impl Round {
    /// Closes a reply: `result` is asked once for each call, in order, with the call's position.
    pub fn new(reply: Reply, mut result: impl FnMut(usize, &ToolCall) -> String) -> Round {
        let results = reply
            .calls
            .iter()
            .enumerate()
            .map(|(at, call)| result(at, call))
            .collect();
        Round { reply, results }
    }

    /// What the model said.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The calls with their results, in the order asked.
    pub fn answered(&self) -> impl Iterator<Item = (&ToolCall, &str)> {
        self.reply
            .calls
            .iter()
            .zip(self.results.iter().map(String::as_str))
    }
}

/// One complete answer of a model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    pub text: String,
    /// Shown to the user, kept apart from the text, and not sent back but as [`Reply::echo`] demands.
    pub reasoning: String,
    pub calls: Vec<ToolCall>,
    /// Tokens as the provider counted them; `None` if it did not say.
    pub usage: Option<Usage>,
    /// Why the reply ended, in the provider's word: `stop`, `tool_calls`, `length`, `content_filter`.
    pub finish: String,
    /// Fields that the provider wants back with this message: `reasoning_content`, `reasoning_details`.
    pub echo: Map<String, Value>,
    /// Where the reply came from; what is in `echo` goes back there and nowhere else.
    pub origin: String,
    /// The model that wrote it, as the user writes its name.
    pub model: String,
    /// Dollars, where they are known.
    pub cost: Option<f64>,
}

impl Reply {
    /// A reply that is only text: the end of a turn.
    pub fn text(text: impl Into<String>) -> Reply {
        Reply {
            text: text.into(),
            finish: "stop".to_string(),
            ..Reply::default()
        }
    }

    /// Whether it says nothing and asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.calls.is_empty()
    }

    /// A reply that asks for these calls, as (name, arguments).
    pub fn calls<N: Into<String>>(calls: impl IntoIterator<Item = (N, Value)>) -> Reply {
        let calls = calls
            .into_iter()
            .enumerate()
            .map(|(at, (name, args))| ToolCall {
                id: format!("call_{at}"),
                name: name.into(),
                args: Ok(args),
                echo: Map::new(),
            });
        Reply {
            calls: calls.collect(),
            finish: "tool_calls".to_string(),
            ..Reply::default()
        }
    }
}

/// What the model asked a tool to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// A JSON object, or, where the model wrote something else, the text as it came: that is answered and
    /// never turned into `{}`.
    pub args: Result<Value, String>,
    /// Fields of the call that the provider wants back, such as a thought signature.
    #[serde(default)]
    pub echo: Map<String, Value>,
}

impl ToolCall {
    /// Whether both ask for the same thing.
    pub fn is_same(&self, other: &ToolCall) -> bool {
        self.name == other.name && self.args == other.args
    }
}

/// Tokens of one request, or of many added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the request, those from the provider's cache included.
    pub prompt: u64,
    /// Tokens of the reply, reasoning included.
    pub completion: u64,
    /// The part of `prompt` that the provider served from its cache.
    pub cached: u64,
    /// The part of `prompt` that the provider wrote into its cache at a price of its own; 0 where that costs nothing.
    pub written: u64,
    /// The part of `completion` that was reasoning.
    pub reasoning: u64,
}

/// What one reply took.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// The model that wrote it.
    pub model: String,
    /// Tokens as the provider counted them; `None` if it did not say.
    pub usage: Option<Usage>,
    /// `None` where the price is not known.
    pub dollars: Option<f64>,
    /// Whether it was a summary, and no round.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub summary: bool,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.prompt += other.prompt;
        self.completion += other.completion;
        self.cached += other.cached;
        self.written += other.written;
        self.reasoning += other.reasoning;
    }
}
