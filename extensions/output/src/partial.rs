//! A reply while it comes: pieces become the events of a message that is built block by block.
//!
//! Every message that is begun is ended, and so is every block; only the next try of a request that failed begins again
//! without an end, as the line about the failure says.

use uuid::Uuid;

use crate::event::{Delta, Ending, Event};
use crate::line::{Block, Message};

/// What has been streamed of one reply.
#[derive(Default)]
pub(crate) struct Partial {
    id: Option<String>,
    begun: bool,
    /// The position of the next block.
    next: usize,
    /// The block that is being written.
    open: Option<Kind>,
    /// Those that were written.
    seen: Vec<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Thinking,
    Text,
}

impl Partial {
    /// The message's id, the same for all its pieces and the whole.
    pub fn id(&mut self) -> String {
        let new = || format!("msg_{}", Uuid::new_v4().simple());
        self.id.get_or_insert_with(new).clone()
    }

    /// More of the reply; `empty` is the message without content.
    pub fn piece(&mut self, kind: Kind, text: &str, empty: Message) -> Vec<Event> {
        let mut events: Vec<Event> = self.begin(empty).into_iter().collect();
        if self.open != Some(kind) {
            events.extend(self.stop());
            events.push(Event::ContentBlockStart {
                index: self.next,
                content_block: kind.block(),
            });
            self.open = Some(kind);
            self.seen.push(kind);
        }
        events.push(Event::ContentBlockDelta {
            index: self.next,
            delta: kind.delta(text),
        });
        events
    }

    /// The reply is whole: what of it was not streamed, and its end.
    pub fn whole(&mut self, message: &Message) -> Vec<Event> {
        let empty = Message {
            content: Vec::new(),
            stop_reason: None,
            ..message.clone()
        };
        let mut events: Vec<Event> = self.begin(empty.clone()).into_iter().collect();
        for block in &message.content {
            match block {
                Block::Thinking { thinking, .. } if !self.seen.contains(&Kind::Thinking) => {
                    events.extend(self.piece(Kind::Thinking, thinking, empty.clone()));
                }
                Block::Text { text } if !self.seen.contains(&Kind::Text) => {
                    events.extend(self.piece(Kind::Text, text, empty.clone()));
                }
                Block::ToolUse { id, name, input } => {
                    events.extend(self.stop());
                    events.extend(self.call(id, name, &input.to_string()));
                }
                _ => {}
            }
        }
        events.extend(self.stop());
        let delta = Ending {
            stop_reason: message.stop_reason.clone(),
            stop_sequence: None,
        };
        let usage = message.usage;
        events.push(Event::MessageDelta { delta, usage });
        events.push(Event::MessageStop);
        events
    }

    fn begin(&mut self, message: Message) -> Option<Event> {
        let begun = std::mem::replace(&mut self.begun, true);
        (!begun).then_some(Event::MessageStart { message })
    }

    fn stop(&mut self) -> Option<Event> {
        self.open.take()?;
        self.next += 1;
        Some(Event::ContentBlockStop {
            index: self.next - 1,
        })
    }

    fn call(&mut self, id: &str, name: &str, input: &str) -> [Event; 3] {
        let index = self.next;
        self.next += 1;
        let content_block = Block::ToolUse {
            id: id.to_string(),
            name: name.to_string(),
            input: serde_json::json!({}),
        };
        let delta = Delta::InputJsonDelta {
            partial_json: input.to_string(),
        };
        [
            Event::ContentBlockStart {
                index,
                content_block,
            },
            Event::ContentBlockDelta { index, delta },
            Event::ContentBlockStop { index },
        ]
    }
}

impl Kind {
    fn block(self) -> Block {
        match self {
            Kind::Thinking => Block::Thinking {
                thinking: String::new(),
                signature: String::new(),
            },
            Kind::Text => Block::Text {
                text: String::new(),
            },
        }
    }

    fn delta(self, text: &str) -> Delta {
        let text = text.to_string();
        match self {
            Kind::Thinking => Delta::ThinkingDelta { thinking: text },
            Kind::Text => Delta::TextDelta { text },
        }
    }
}
