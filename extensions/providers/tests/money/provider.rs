//! A provider that bills: it counts tokens in its own way, breaks off as it is told, and keeps the true bill.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use corecoder::{Delta, Deltas, Entry, ErrorKind, Model, ModelError, Reply, Request, Usage};
use corecoder_providers::Price;
use futures::StreamExt;
use parking_lot::Mutex;
use serde_json::json;

/// How an attempt goes. Shares are of what is possible.
#[derive(Debug, Clone)]
pub enum Attempt {
    /// A whole reply of this share of the longest.
    Reply {
        length: f64,
        cached: f64,
        written: f64,
        reasoning: f64,
        tells_usage: bool,
    },
    /// A status instead of a reply; nothing is billed.
    Refused,
    /// Nobody listens there.
    Unreached,
    /// It breaks after the request was made, and after a word if `said`; all of it is billed.
    Broken { said: bool, length: f64 },
    /// It says a word and then nothing; whoever asked gives up.
    Hangs,
}

impl Attempt {
    pub fn reply(length: f64) -> Attempt {
        Attempt::Reply {
            length,
            cached: 0.0,
            written: 0.0,
            reasoning: 0.0,
            tells_usage: true,
        }
    }
}

pub struct Provider {
    pub price: Price,
    /// Tokens for each byte, at most 1.
    pub density: f64,
    /// The longest reply where the request says nothing.
    pub longest: u64,
    attempts: Mutex<VecDeque<Attempt>>,
    bill: Mutex<Bill>,
}

#[derive(Debug, Clone, Default)]
pub struct Bill {
    pub dollars: f64,
    pub tokens: u64,
    /// Of what the replies said.
    pub reported: f64,
    pub requests: Vec<Option<u64>>,
}

impl Provider {
    pub fn new(price: Price, attempts: impl IntoIterator<Item = Attempt>) -> Arc<Provider> {
        Provider::dense(price, 0.3, attempts)
    }

    pub fn dense(
        price: Price,
        density: f64,
        attempts: impl IntoIterator<Item = Attempt>,
    ) -> Arc<Provider> {
        Arc::new(Provider {
            price,
            density,
            longest: 5_000,
            attempts: Mutex::new(attempts.into_iter().collect()),
            bill: Mutex::default(),
        })
    }

    pub fn bill(&self) -> Bill {
        self.bill.lock().clone()
    }

    fn tokens(&self, text: &str) -> u64 {
        (text.len() as f64 * self.density).ceil() as u64
    }

    fn count(&self, request: &Request<'_>) -> u64 {
        let tools = request.tools.iter();
        let tools = tools.map(|tool| {
            let schema = tool.parameters.to_string();
            self.tokens(&tool.name) + self.tokens(&tool.description) + self.tokens(&schema) + 20
        });
        let entries = request.entries.iter().map(|entry| match entry {
            Entry::User(text) | Entry::Note(text) => 6 + self.tokens(text),
            Entry::Picture(_) => 4_000,
            Entry::Summary(summary) => 6 + self.tokens(&summary.to_string()),
            Entry::Round(round) => {
                let answered = round.answered().map(|(call, result)| {
                    let args = call.args.as_ref().map(|args| args.to_string());
                    let args = args.unwrap_or_default();
                    30 + self.tokens(&call.name) + self.tokens(&args) + self.tokens(result)
                });
                6 + self.tokens(&round.reply().text) + answered.sum::<u64>()
            }
        });
        350 + self.tokens(request.system) + tools.sum::<u64>() + entries.sum::<u64>()
    }

    fn charge(&self, usage: &Usage) {
        let mut bill = self.bill.lock();
        bill.dollars += self.price.cost(usage);
        bill.tokens += usage.prompt + usage.completion;
    }
}

fn share(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}

fn error(kind: ErrorKind, message: &str) -> ModelError {
    ModelError::new(kind, message)
}

impl Model for Provider {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let longest = request.max_tokens.unwrap_or(self.longest);
        let prompt = self.count(&request);
        self.bill.lock().requests.push(request.max_tokens);
        async_stream::try_stream! {
            loop {
                tokio::task::yield_now().await;
                let attempt = self.attempts.lock().pop_front();
                let attempt = attempt.unwrap_or(Attempt::reply(0.1));
                let usage = |completion| Usage { prompt, completion, ..Usage::default() };
                let failure = match attempt {
                    Attempt::Reply { length, cached, written, reasoning, tells_usage } => {
                        let completion = share(longest, length);
                        let cached = share(prompt, cached);
                        let usage = Usage {
                            prompt,
                            completion,
                            cached,
                            written: share(prompt - cached, written),
                            reasoning: share(completion, reasoning),
                        };
                        self.charge(&usage);
                        let said = completion.min(20_000) as usize;
                        yield Delta::Text("x".repeat(said / 2));
                        tokio::task::yield_now().await;
                        let mut reply = match said {
                            // Half of it is said, a quarter written to files; the rest was thought.
                            400.. => {
                                let args = json!({"text": "y".repeat(said / 8 - 20)});
                                Reply::calls([("write_file", args.clone()), ("write_file", args)])
                            }
                            _ => Reply::default(),
                        };
                        reply.text = "x".repeat(said / 2);
                        if tells_usage {
                            self.bill.lock().reported += self.price.cost(&usage);
                            reply.usage = Some(usage);
                        }
                        yield Delta::Done(reply);
                        return;
                    }
                    Attempt::Refused => error(ErrorKind::Overloaded, "503: try again"),
                    Attempt::Unreached => {
                        error(ErrorKind::Network, "no reply: (Connect): Connection refused")
                    }
                    Attempt::Broken { said, length } => {
                        self.charge(&usage(share(longest, length)));
                        if said {
                            yield Delta::Text("so".to_string());
                            tokio::task::yield_now().await;
                        }
                        error(ErrorKind::Network, "the connection broke")
                    }
                    Attempt::Hangs => {
                        self.charge(&usage(longest));
                        yield Delta::Text("hm".to_string());
                        futures::future::pending::<()>().await;
                        return;
                    }
                };
                yield Delta::Restart { error: failure, wait: Duration::ZERO, model: None };
            }
        }
        .boxed()
    }

    fn name(&self) -> &str {
        "fake-1"
    }
}
