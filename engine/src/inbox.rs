//! The inbox: what waits to be told to the model before the next request.
//!
//! One mechanism for everything that is not asked for: what the user types while the agent works, and the reports of
//! what runs in the background.

use std::sync::Arc;

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use crate::conversation::Entry;

/// Words of the user and reports of background work, in the order in which they came.
#[derive(Clone, Default)]
pub struct Inbox {
    post: Arc<Mutex<Post>>,
    bell: Arc<Notify>,
}

#[derive(Default)]
struct Post {
    mail: Vec<Entry>,
    outstanding: usize,
    tasks: Vec<AbortOnDropHandle<()>>,
}

impl Inbox {
    /// Leaves a message of the user.
    pub fn send(&self, text: impl Into<String>) {
        self.post(Entry::User(text.into()));
    }

    /// Leaves what the program has to tell, or a picture: it joins the conversation behind what was said last.
    pub fn post(&self, entry: Entry) {
        self.post.lock().mail.push(entry);
        self.bell.notify_one();
    }

    /// Runs `work` in the background; its report arrives as a message, even if it panics.
    pub fn run(&self, work: impl Future<Output = String> + Send + 'static) {
        let inbox = self.clone();
        let guarded = std::panic::AssertUnwindSafe(work).catch_unwind();
        // Held until the task is counted; its own report waits for that.
        let mut post = self.post.lock();
        post.outstanding += 1;
        let task = tokio::spawn(async move {
            let crash = |_| "[a background task crashed]".to_string();
            let report = guarded.await.unwrap_or_else(crash);
            let mut post = inbox.post.lock();
            // A run that was stopped meanwhile does not count it any more.
            post.outstanding = post.outstanding.saturating_sub(1);
            post.mail.push(Entry::Note(report));
            inbox.bell.notify_one();
        });
        post.tasks.push(AbortOnDropHandle::new(task));
    }

    /// Whether something in the background has not reported yet.
    pub(crate) fn awaits(&self) -> bool {
        self.post.lock().outstanding > 0
    }

    /// Takes out what waits: it will not be said.
    pub fn take(&self) -> Vec<Entry> {
        std::mem::take(&mut self.post.lock().mail)
    }

    /// Waits for mail; false if there is none and nothing is left that could send any.
    pub(crate) async fn wait(&self) -> bool {
        loop {
            let (mail, outstanding) = {
                let post = self.post.lock();
                (post.mail.len(), post.outstanding)
            };
            if mail > 0 || outstanding == 0 {
                return mail > 0;
            }
            self.bell.notified().await;
        }
    }

    /// Stops what runs in the background.
    pub(crate) fn stop(&self) {
        let mut post = self.post.lock();
        post.outstanding = 0;
        post.tasks.clear();
    }
}
