//! Streamed words that may turn out to be a call which the model wrote as text are kept back until that is clear.

/// The words that are kept back.
#[derive(Default)]
pub struct Held(String);

impl Held {
    /// Takes a piece, and returns what is surely no call.
    pub fn sure(&mut self, piece: &str) -> String {
        self.0 += piece;
        let mut starts = self.0.match_indices(['`', '<', '{']).map(|(at, _)| at);
        let sure = starts.find(|at| begins_like_a_call(&self.0[*at..]));
        let sure = sure.unwrap_or(self.0.len());
        self.0.drain(..sure).collect()
    }

    /// The reply is over: what is still kept back.
    pub fn rest(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

/// Whether text so far could still become `{"name": ...` in a fence, in a tag, or bare.
fn begins_like_a_call(text: &str) -> bool {
    let openings = ["```json", "```", "<tool_call>", "<tools>"];
    if openings.iter().any(|opening| opening.starts_with(text)) {
        return true;
    }
    let inner = openings
        .iter()
        .find_map(|opening| text.strip_prefix(opening))
        .unwrap_or(text);
    let inner: String = inner
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(8)
        .collect();
    r#"{"name":"#.starts_with(&inner)
}
