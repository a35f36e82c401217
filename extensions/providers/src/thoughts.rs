//! Thoughts that a model writes into its text, between `<think>` and `</think>` at the beginning, told apart as they
//! come: templates that do not know a model's tags let them through.

use corecoder::{Delta, Reply};

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Where in the text the stream stands.
#[derive(Default, Clone, Copy, PartialEq)]
enum Place {
    #[default]
    Start,
    Inside,
    /// Between the closing tag and the answer's first letter.
    Behind,
    Answer,
}

/// Sorts pieces of text into thoughts and answer.
#[derive(Default)]
pub(crate) struct Thoughts {
    place: Place,
    /// What may still turn out to be a tag.
    held: String,
    /// Whether a thought has begun: the blanks before it are no part of it.
    begun: bool,
}

impl Thoughts {
    /// Takes the next piece; what is certain goes to the reply and is a delta.
    pub fn push(&mut self, piece: &str, reply: &mut Reply, deltas: &mut Vec<Delta>) {
        self.held += piece;
        if self.place == Place::Start {
            let begun = self.held.trim_start();
            if let Some(inside) = begun.strip_prefix(OPEN) {
                (self.held, self.place) = (inside.to_string(), Place::Inside);
            } else if !OPEN.starts_with(begun) {
                self.place = Place::Answer;
            }
        }
        if self.place == Place::Inside {
            self.inside(reply, deltas);
        }
        if self.place == Place::Behind {
            self.held = self.held.trim_start().to_string();
            if !self.held.is_empty() {
                self.place = Place::Answer;
            }
        }
        if self.place == Place::Answer {
            say(false, &std::mem::take(&mut self.held), reply, deltas);
        }
    }

    /// Says what is certainly a thought, and looks for its end.
    fn inside(&mut self, reply: &mut Reply, deltas: &mut Vec<Delta>) {
        if !self.begun {
            self.held = self.held.trim_start().to_string();
            self.begun = !self.held.is_empty();
        }
        match self.held.split_once(CLOSE) {
            Some((thought, rest)) => {
                say(true, thought.trim_end(), reply, deltas);
                (self.held, self.place) = (rest.to_string(), Place::Behind);
            }
            None => {
                let certain = self.held.len() - uncertain(&self.held);
                let rest = self.held.split_off(certain);
                say(
                    true,
                    &std::mem::replace(&mut self.held, rest),
                    reply,
                    deltas,
                );
            }
        }
    }

    /// The text is over: what was held is what it seems.
    pub fn end(&mut self, reply: &mut Reply, deltas: &mut Vec<Delta>) {
        let held = std::mem::take(&mut self.held);
        say(self.place == Place::Inside, &held, reply, deltas);
    }
}

fn say(is_thought: bool, said: &str, reply: &mut Reply, deltas: &mut Vec<Delta>) {
    if said.is_empty() {
        return;
    }
    if is_thought {
        reply.reasoning += said;
        deltas.push(Delta::Reasoning(said.to_string()));
    } else {
        reply.text += said;
        deltas.push(Delta::Text(said.to_string()));
    }
}

/// How many bytes at the end may belong to a closing tag, or to the blanks before it.
fn uncertain(text: &str) -> usize {
    let begun = (1..CLOSE.len())
        .rev()
        .find(|length| text.ends_with(&CLOSE[..*length]));
    let begun = begun.unwrap_or(0);
    let before = &text[..text.len() - begun];
    begun + before.len() - before.trim_end().len()
}
