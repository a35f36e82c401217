//! What a server wants otherwise than OpenAI, and does not say in a way that a program could learn from.
//!
//! Each change is a pure function of the messages before it, so that equal entries still give equal bytes.

use std::collections::{BTreeSet, HashMap};

use super::Message;

/// The peculiarities of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Ids of calls must be nine letters and digits (Mistral, error 3280).
    pub short_ids: bool,
    /// Calls of another model go back with a blank `reasoning_content`: while it thinks, DeepSeek refuses those
    /// without one.
    pub blank_reasoning: bool,
    /// Reasoning that came as `reasoning` goes back under that name (vLLM since it dropped `reasoning_content`).
    pub echo_reasoning: bool,
}

impl Dialect {
    /// Changes the messages of a request into what this server takes.
    pub(crate) fn fit(self, messages: &mut [Message<'_>]) {
        let mut ids = Short::default();
        for message in messages {
            let is_foreign = !message.tool_calls.is_empty() && message.echo.is_none();
            if self.blank_reasoning && is_foreign {
                message.reasoning_content = Some(" ");
            }
            if self.short_ids {
                let called = message.tool_calls.iter_mut().map(|call| &mut call.id);
                called
                    .chain(&mut message.tool_call_id)
                    .for_each(|id| *id = ids.of(id));
            }
        }
    }
}

/// The short ids of a conversation: the same for a call and its result, different for two calls.
#[derive(Default)]
struct Short {
    known: HashMap<String, String>,
    taken: BTreeSet<String>,
}

impl Short {
    fn of(&mut self, id: &str) -> String {
        if let Some(short) = self.known.get(id) {
            return short.clone();
        }
        let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut short = if fits { id.to_string() } else { hashed(id) };
        while !self.taken.insert(short.clone()) {
            short = hashed(&short);
        }
        self.known.insert(id.to_string(), short.clone());
        short
    }
}

/// Nine letters and digits that follow from the text alone, in any build: FNV-1a, 64 bits.
fn hashed(text: &str) -> String {
    const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut letter = || {
        let letter = LETTERS[(hash % 36) as usize];
        hash /= 36;
        char::from(letter)
    };
    (0..9).map(|_| letter()).collect()
}
