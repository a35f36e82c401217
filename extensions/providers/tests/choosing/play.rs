//! Models that do what a list says, one part for each request.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use corecoder::{Delta, Deltas, ErrorKind, Model, ModelError, Reply, Request};
use futures::StreamExt;
use parking_lot::Mutex;

/// What a model does in a request.
#[derive(Debug, Clone)]
pub enum Act {
    Say(&'static str),
    /// Announces another try after so many seconds, and waits for them.
    Retry(ErrorKind, u64),
    /// Takes so many seconds.
    Take(u64),
    Fail(ErrorKind, &'static str),
    /// Ends the stream without a word.
    Vanish,
    Done,
}

/// A model that plays parts. When there is none left it says its name and is done.
pub struct Play {
    name: &'static str,
    parts: Mutex<VecDeque<Vec<Act>>>,
    asked: Mutex<u32>,
}

impl Play {
    pub fn new(name: &'static str, parts: impl IntoIterator<Item = Vec<Act>>) -> Arc<Play> {
        Arc::new(Play {
            name,
            parts: Mutex::new(parts.into_iter().collect()),
            asked: Mutex::new(0),
        })
    }

    /// How many requests came.
    pub fn asked(&self) -> u32 {
        *self.asked.lock()
    }
}

pub fn error(kind: ErrorKind, message: &str) -> ModelError {
    ModelError::new(kind, message)
}

impl Model for Play {
    fn stream<'a>(&'a self, _request: Request<'a>) -> Deltas<'a> {
        *self.asked.lock() += 1;
        let part = self.parts.lock().pop_front();
        let part = part.unwrap_or_else(|| vec![Act::Say(self.name), Act::Done]);
        async_stream::try_stream! {
            let mut text = String::new();
            for act in part {
                match act {
                    Act::Say(words) => {
                        text += words;
                        yield Delta::Text(words.to_string());
                    }
                    Act::Retry(kind, seconds) => {
                        text.clear();
                        let wait = Duration::from_secs(seconds);
                        yield Delta::Restart { error: error(kind, "try again"), wait, model: None };
                        tokio::time::sleep(wait).await;
                    }
                    Act::Take(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    Act::Fail(kind, message) => Err(error(kind, message))?,
                    Act::Vanish => return,
                    Act::Done => {
                        yield Delta::Done(Reply { text, ..Reply::default() });
                        return;
                    }
                }
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        self.name
    }

    fn window(&self) -> Option<u64> {
        Some(self.name.len() as u64)
    }
}
