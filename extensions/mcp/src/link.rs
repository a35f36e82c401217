//! What the parts of one connection share: which answers are awaited, how far calls are, and whether it is over.
//!
//! Whatever a server tells without being asked ends here, and memory stays bounded however much it tells: progress keeps
//! the last word only, changes of lists are merged, messages beyond a rate are counted instead of kept.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rmcp::model::RequestId;
use serde_json::Value;
use tokio::sync::watch;

use crate::client::{Client, News};
use crate::errors::start_of;

/// Changes of lists within this time are told once.
const MERGED: Duration = Duration::from_millis(100);
/// Messages that are passed on per second.
const MESSAGES: usize = 20;
/// Characters of a message that are passed on.
const MESSAGE: usize = 2000;
/// Requests of a server that are worked at; whoever has so many open does not read the answers.
pub const REQUESTS: usize = 64;

/// The state of a connection.
pub struct Link {
    pub server: String,
    pub client: Arc<dyn Client>,
    pending: Mutex<HashSet<RequestId>>,
    answering: AtomicUsize,
    progress: Mutex<HashMap<String, watch::Sender<String>>>,
    asking: watch::Sender<usize>,
    closed: watch::Sender<Option<String>>,
    is_closing: AtomicBool,
    has_listed: AtomicBool,
    changes: Mutex<Vec<News>>,
    messages: Mutex<Messages>,
}

/// Messages of the current second.
struct Messages {
    since: Instant,
    passed: usize,
    dropped: usize,
}

impl Link {
    pub fn new(server: &str, client: Arc<dyn Client>) -> Arc<Link> {
        Arc::new(Link {
            server: server.to_string(),
            client,
            pending: Mutex::default(),
            answering: AtomicUsize::new(0),
            progress: Mutex::default(),
            asking: watch::Sender::new(0),
            closed: watch::Sender::new(None),
            is_closing: AtomicBool::new(false),
            has_listed: AtomicBool::new(false),
            changes: Mutex::default(),
            messages: Mutex::new(Messages {
                since: Instant::now(),
                passed: 0,
                dropped: 0,
            }),
        })
    }

    /// An answer to this request is awaited.
    pub fn expect(&self, id: RequestId) {
        self.pending.lock().insert(id);
    }

    /// Whether an answer to this request was awaited; it is no longer.
    pub fn forget(&self, id: &RequestId) -> bool {
        self.pending.lock().remove(id)
    }

    pub fn expects(&self, id: &RequestId) -> bool {
        self.pending.lock().contains(id)
    }

    /// Begins to work at a request of the server's, unless there are too many.
    pub fn admit(&self) -> bool {
        let admits = self.answering.load(Ordering::Relaxed) < REQUESTS;
        if admits {
            self.answering.fetch_add(1, Ordering::Relaxed);
        }
        admits
    }

    /// The answer to a request of the server's has been written.
    pub fn answered(&self) {
        self.answering.fetch_sub(1, Ordering::Relaxed);
    }

    /// What is told of the progress of a request, the last words of it, until the receiver is dropped.
    pub fn progress(&self, token: String) -> watch::Receiver<String> {
        let mut progress = self.progress.lock();
        progress.retain(|_, sender| !sender.is_closed());
        let (sender, receiver) = watch::channel(String::new());
        progress.insert(token, sender);
        receiver
    }

    /// How many questions of the server's the user or the model is thinking about.
    pub fn asking(&self) -> watch::Receiver<usize> {
        self.asking.subscribe()
    }

    /// The user or the model is asked, until the value is dropped.
    pub fn ask(self: &Arc<Link>) -> Asking {
        self.asking.send_modify(|count| *count += 1);
        Asking(self.clone())
    }

    /// It is about to end because we want it to.
    pub fn closing(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }

    /// It is open: its end is news from now on.
    pub fn opened(&self) {
        self.is_closing.store(false, Ordering::Relaxed);
    }

    /// The connection is over, and why.
    pub fn close(&self, why: String) {
        let is_closing = self.is_closing.load(Ordering::Relaxed);
        let first = self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            closed.get_or_insert_with(|| match is_closing {
                true => "the connection was closed".to_string(),
                false => why.clone(),
            });
            first
        });
        if first && !is_closing {
            self.client.told(&self.server, News::Closed(why));
        }
    }

    pub fn is_closed(&self) -> bool {
        self.closed.borrow().is_some()
    }

    /// Waits until the connection is over, and says why.
    pub async fn closed(&self) -> String {
        let mut closed = self.closed.subscribe();
        let why = closed.wait_for(Option::is_some).await;
        why.ok().and_then(|why| why.clone()).unwrap_or_default()
    }

    /// A notification came.
    pub fn told(self: &Arc<Link>, method: &str, params: &Value) {
        match method {
            "notifications/progress" => self.progressed(params),
            "notifications/message" => self.logged(params),
            "notifications/tools/list_changed" => self.changed(News::ToolsChanged),
            "notifications/resources/list_changed" => self.changed(News::ResourcesChanged),
            "notifications/prompts/list_changed" => self.changed(News::PromptsChanged),
            "notifications/subscriptions/acknowledged" => self.tells(&params["notifications"]),
            _ => {}
        }
    }

    /// A list was read.
    pub fn listed(&self) {
        self.has_listed.store(true, Ordering::Relaxed);
    }

    /// From now on the server tells of these changes.
    fn tells(self: &Arc<Link>, granted: &Value) {
        let lists = [
            ("toolsListChanged", News::ToolsChanged),
            ("resourcesListChanged", News::ResourcesChanged),
            ("promptsListChanged", News::PromptsChanged),
        ];
        if self.has_listed.load(Ordering::Relaxed) {
            let granted = lists.into_iter().filter(|(list, _)| granted[*list] == true);
            granted.for_each(|(_, news)| self.changed(news));
        }
    }

    fn progressed(&self, params: &Value) {
        let token = match &params["progressToken"] {
            Value::String(token) => token.clone(),
            other => other.to_string(),
        };
        if let Some(sender) = self.progress.lock().get(&token) {
            sender.send_replace(progress_words(params));
        }
    }

    /// One of the lists is another now: told in a moment, once for all that come until then.
    pub fn changed(self: &Arc<Link>, news: News) {
        let mut changes = self.changes.lock();
        let is_first = changes.is_empty();
        if !changes.contains(&news) {
            changes.push(news);
        }
        if is_first {
            let link = self.clone();
            tokio::spawn(async move {
                tokio::time::sleep(MERGED).await;
                let changes = std::mem::take(&mut *link.changes.lock());
                for news in changes.into_iter().filter(|_| !link.is_closed()) {
                    link.client.told(&link.server, news);
                }
            });
        }
    }

    fn logged(&self, params: &Value) {
        let dropped = {
            let mut messages = self.messages.lock();
            let mut dropped = 0;
            if messages.since.elapsed() >= Duration::from_secs(1) {
                dropped = messages.dropped;
                *messages = Messages {
                    since: Instant::now(),
                    passed: 0,
                    dropped: 0,
                };
            }
            if messages.passed >= MESSAGES {
                messages.dropped += 1;
                return;
            }
            messages.passed += 1;
            dropped
        };
        let log = |level: &str, text: String| News::Log {
            level: level.to_string(),
            text,
        };
        if dropped > 0 {
            let text = format!("({dropped} more messages came at once and were left out)");
            self.client.told(&self.server, log("warning", text));
        }
        let text = match &params["data"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let text = start_of(&text, MESSAGE).to_string();
        let level = params["level"].as_str().unwrap_or("info");
        self.client
            .told(&self.server, log(start_of(level, 20), text));
    }
}

/// Somebody is being asked.
pub struct Asking(Arc<Link>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.asking.send_modify(|count| *count -= 1);
    }
}

/// `3 of 5: indexing`.
fn progress_words(params: &Value) -> String {
    let number = |key: &str| params[key].as_f64();
    let count = match (number("progress"), number("total")) {
        (Some(done), Some(total)) => format!("{done} of {total}"),
        (Some(done), None) => done.to_string(),
        (None, _) => String::new(),
    };
    let message = start_of(params["message"].as_str().unwrap_or_default(), 200);
    match (count.is_empty(), message.is_empty()) {
        (false, false) => format!("{count}: {message}"),
        _ => count + message,
    }
}
