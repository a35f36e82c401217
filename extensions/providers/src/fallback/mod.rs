//! A chain of models that is one model: when one can't answer, the next takes the same request over.
//!
//! The switch happens inside the stream: a `Delta::Restart` that names the next model voids what was said so far, as
//! after any broken connection. So it never stands between a write and its result: the loop runs no call with an
//! effect before the reply is whole, and a whole reply ends the stream here. What the next model gets are the entries
//! of the request, in which each call has its result; nothing of the reply that died is among them.
//!
//! Who answered stays chosen, for all requests, those of sub-agents too; after some minutes the first is tried again.
//!
//! Left out: choosing by price or by speed, and asking several at once.

use std::sync::Arc;
use std::time::Duration;

use corecoder::{Delta, Deltas, ErrorKind, Model, ModelError, Request};
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::time::Instant;

mod verdict;
mod walk;

pub use verdict::is_about_the_model;

use walk::Walk;

/// How long the first model is left alone after it failed.
const AGAIN: Duration = Duration::from_secs(300);

/// Models, the first of which is meant; the others stand in for it.
pub struct Fallback {
    models: Vec<Arc<dyn Model>>,
    again: Duration,
    choice: Mutex<Choice>,
}

/// Which model is asked.
#[derive(Debug, Clone, Copy)]
struct Choice {
    present: usize,
    /// Grows with each choice, so that a request that began before it does not undo it.
    version: u64,
    /// When the first model was last found not to answer.
    left: Instant,
}

impl Fallback {
    /// The models in the order in which they are asked. Without any each request is an error.
    pub fn new(models: Vec<Arc<dyn Model>>) -> Fallback {
        let choice = Mutex::new(Choice {
            present: 0,
            version: 0,
            left: Instant::now(),
        });
        Fallback {
            models,
            again: AGAIN,
            choice,
        }
    }

    /// How long the first model is left alone after it failed; five minutes unless set.
    pub fn again(mut self, again: Duration) -> Fallback {
        self.again = again;
        self
    }

    /// The names of the models, in their order.
    pub fn names(&self) -> Vec<&str> {
        self.models.iter().map(|model| model.name()).collect()
    }

    /// The way of a new request. When it is time to try the first model again, one request does; others that begin
    /// meanwhile stay with the present one.
    fn begin(&self) -> Walk {
        let mut choice = self.choice.lock();
        let is_probe = choice.present != 0 && choice.left.elapsed() >= self.again;
        if is_probe {
            choice.left = Instant::now();
        }
        let names = self.names().into_iter().map(str::to_string).collect();
        Walk::new(names, choice.present, choice.version, is_probe)
    }

    /// Stays with the one that answered, unless another request has chosen since this one began.
    fn answered(&self, walk: &Walk) {
        let mut choice = self.choice.lock();
        if choice.version == walk.version && choice.present != walk.at {
            choice.present = walk.at;
            choice.version += 1;
            if walk.has_failed(0) {
                choice.left = Instant::now();
            }
        }
    }

    fn present(&self) -> Option<&Arc<dyn Model>> {
        self.models.get(self.choice.lock().present)
    }
}

impl Model for Fallback {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        async_stream::try_stream! {
            let mut walk = self.begin();
            loop {
                let mut failure = unfinished();
                let mut deltas = self.models.get(walk.at).ok_or_else(none)?.stream(request);
                while let Some(delta) = deltas.next().await {
                    match delta {
                        Ok(Delta::Restart { error, wait, .. }) if !walk.bears(&error, wait) => {
                            failure = error;
                            break;
                        }
                        Ok(mut delta) => {
                            if let Some(back) = walk.comes_back() {
                                yield back;
                            }
                            walk.has_said(&mut delta);
                            let is_done = matches!(delta, Delta::Done(_));
                            if is_done {
                                self.answered(&walk);
                            }
                            yield delta;
                            if is_done {
                                return;
                            }
                        }
                        Err(error) => {
                            failure = error;
                            break;
                        }
                    }
                }
                // A connection that is given up is closed before the next is opened.
                drop(deltas);
                let present = self.choice.lock().present;
                if let Some(restart) = walk.goes_on(failure, present)? {
                    yield restart;
                }
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        self.present().map_or("no model", |model| model.name())
    }

    fn window(&self) -> Option<u64> {
        self.present()?.window()
    }
}

fn none() -> ModelError {
    ModelError::new(ErrorKind::BadRequest, "there is no model to ask")
}

fn unfinished() -> ModelError {
    ModelError::new(
        ErrorKind::Network,
        "the model's stream ended without a reply",
    )
}
