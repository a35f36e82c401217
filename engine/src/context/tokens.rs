//! How many tokens a text has, near enough and without a tokenizer on board: a weight for each byte.
//!
//! The weights were fitted to OpenAI's o200k on source code, data files, prose in seven languages, logs and listings; the
//! test `the_estimate_is_near_the_tokenizer` holds them to it. Base64 has a third more tokens than it seems. What a
//! provider counted corrects the estimate wherever there is such a count.

use serde_json::{Map, Value};

use crate::conversation::{Entry, Round};
use crate::tools::Spec;

/// Hundredths of a token that a text has for each of its bytes: elsewhere, and behind a digit.
const WEIGHTS: [[u16; 256]; 2] = [weights(170), weights(27)];

/// A number has a token for each three digits, so its first digit weighs most.
const fn weights(digit: u16) -> [u16; 256] {
    let mut weights = [0; 256];
    let mut byte = 0;
    while byte < weights.len() {
        weights[byte] = match byte as u8 {
            b'a'..=b'z' => 20,
            b'A'..=b'Z' => 45,
            b'0'..=b'9' => digit,
            b' ' => 4,
            b'\t' => 30,
            b'\n' => 61,
            // The first byte of a character stands for all of it: Latin with accents, Greek, Cyrillic;
            // Chinese, Japanese, Korean and most other scripts; emoji.
            0xc2..=0xdf => 26,
            0xe0..=0xef => 66,
            0xf0.. => 150,
            0x80..=0xbf | b'\r' => 0,
            _ => 51,
        };
        byte += 1;
    }
    weights
}

/// The tokens of a text, estimated.
pub fn of(text: &str) -> u64 {
    let (mut hundredths, mut behind_digit) = (0, false);
    for byte in text.bytes() {
        hundredths += u64::from(WEIGHTS[usize::from(behind_digit)][usize::from(byte)]);
        behind_digit = byte.is_ascii_digit();
    }
    hundredths.div_ceil(100)
}

/// What a message costs beside its words: its role and its borders.
const MESSAGE: u64 = 5;
/// What a call costs beside its name and arguments: its id, twice, and the names of its fields.
const CALL: u64 = 20;

/// What a picture costs: providers scale it down to about this many at most (OpenAI's "images and vision").
const PICTURE: u64 = 1_500;

/// The tokens of a message with this text.
pub fn of_message(text: &str) -> u64 {
    MESSAGE + of(text)
}

/// The tokens of an entry as it is sent.
pub fn of_entry(entry: &Entry) -> u64 {
    match entry {
        Entry::User(text) | Entry::Note(text) => of_message(text),
        Entry::Picture(_) => PICTURE,
        Entry::Summary(summary) => of_message(&summary.to_string()),
        Entry::Round(round) => of_round(round),
    }
}

fn of_round(round: &Round) -> u64 {
    let of_call = |(call, result)| {
        let (call, result): (&crate::ToolCall, &str) = (call, result);
        let args = match &call.args {
            Ok(args) => of(&args.to_string()),
            Err(raw) => of(raw),
        };
        CALL + of(&call.name) + args + of_echo(&call.echo) + of_message(result)
    };
    let reply = round.reply();
    of_message(&reply.text) + of_echo(&reply.echo) + round.answered().map(of_call).sum::<u64>()
}

fn of_echo(echo: &Map<String, Value>) -> u64 {
    let values = echo.values().map(|value| of(&value.to_string()));
    values.sum()
}

/// The tokens of entries as they are sent.
pub fn of_entries(entries: &[Entry]) -> u64 {
    entries.iter().map(of_entry).sum()
}

/// The tokens of what stands before the first entry: the system prompt and the tools.
pub fn of_prefix(system: &str, tools: &[Spec]) -> u64 {
    let of_tool = |tool: &Spec| {
        CALL + of(&tool.name) + of(&tool.description) + of(&tool.parameters.to_string())
    };
    MESSAGE + of(system) + tools.iter().map(of_tool).sum::<u64>()
}
