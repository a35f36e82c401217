//! The model's own notes on what is to be summarized, asked for behind the unchanged prefix, so that the provider's
//! cache serves the question.

use futures::StreamExt;

use crate::context::{Prefix, collapse, summary, tokens};
use crate::conversation::Entry;
use crate::kit::Kit;
use crate::model::{Delta, Request};
use crate::prompt;

/// Notes on these entries that keep `focus` in mind, or why there are none that can be used.
pub(super) async fn ask(
    older: &[Entry],
    window: u64,
    focus: &str,
    prefix: &Prefix,
    kit: &Kit,
) -> Result<String, String> {
    let question = Entry::Note(prompt::summarize(focus));
    let longest = tokens::of_entries(older).min(window * summary::NOTES / 100);
    let taken = prefix.size + tokens::of_entry(&question) + longest;
    // What does not fit even now is better summarized with its texts cut than not at all.
    let mut asked = collapse::fitted(older, window.saturating_sub(taken));
    asked.push(question);
    let mut deltas = kit.model.stream(Request {
        system: &prefix.system,
        tools: &prefix.tools,
        entries: &asked,
        ..Request::default()
    });
    let mut notes = String::new();
    while let Some(delta) = deltas.next().await {
        if let Delta::Done(reply) = delta.map_err(|error| error.to_string())? {
            kit.spend(&reply, true);
            notes = reply.text.trim().to_string();
        }
    }
    match tokens::of(&notes) {
        0 => Err("it wrote none".to_string()),
        length if length >= longest => Err("it wrote too much".to_string()),
        _ => Ok(notes),
    }
}
