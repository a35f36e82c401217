//! [`Noticed`]: a model that is talked to like any other until it writes a call as text.
//!
//! A model that is given tools and writes its calls into its answer is a weak one, whatever its name says. Once may be a
//! slip; after the second time it is talked to as [`Small`] does, from the user's last words on: what it tried before it
//! knew how is not told again, unless it changed a file.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use corecoder::{Delta, Deltas, Entry, Model, Reply, Request, recovery};
use futures::StreamExt;

use crate::model::Small;
use crate::retell;

/// A model that becomes a small one when that is noticed.
pub struct Noticed {
    plain: Arc<dyn Model>,
    small: Small,
    /// The system prompt from then on.
    system: String,
    /// How many replies held a call as text.
    seen: AtomicUsize,
    /// What is not told again.
    tried: OnceLock<Vec<Entry>>,
    is_weak: Arc<AtomicBool>,
    /// Told once.
    notice: Box<dyn Fn() + Send + Sync>,
}

impl Noticed {
    /// `small` is the same model as `plain`, and `system` all of its system prompt. `is_weak` becomes true with
    /// the first call as text; [`crate::careful`] tools may share it.
    pub fn new(
        plain: Arc<dyn Model>,
        small: Small,
        system: String,
        is_weak: Arc<AtomicBool>,
        notice: impl Fn() + Send + Sync + 'static,
    ) -> Noticed {
        Noticed {
            plain,
            small,
            system,
            seen: AtomicUsize::new(0),
            tried: OnceLock::new(),
            is_weak,
            notice: Box::new(notice),
        }
    }

    fn as_small<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        let tried = self.tried.get_or_init(|| tried(request.entries));
        let mut entries = request.entries.to_vec();
        entries.retain(|entry| !tried.contains(entry));
        async_stream::stream! {
            let (system, entries) = (&self.system, &entries);
            let mut deltas = self.small.stream(Request { system, entries, ..request });
            while let Some(delta) = deltas.next().await {
                yield delta;
            }
        }
        .boxed()
    }

    fn look_at(&self, reply: &Reply) {
        let is_text = reply.calls.is_empty() && !recovery::in_text(&reply.text).is_empty();
        if !is_text {
            return;
        }
        self.is_weak.store(true, Ordering::Relaxed);
        if self.seen.fetch_add(1, Ordering::Relaxed) + 1 == ENOUGH {
            (self.notice)();
        }
    }
}

/// So many replies with a call as text are no slip any more.
const ENOUGH: usize = 2;

/// The rounds since the user's last words that changed no file.
fn tried(entries: &[Entry]) -> Vec<Entry> {
    let since = entries.iter().rev();
    let since = since.take_while(|entry| !matches!(entry, Entry::User(_)));
    let is_idle = |entry: &&Entry| match entry {
        Entry::Round(round) => !retell::has_written(round),
        _ => false,
    };
    since.filter(is_idle).cloned().collect()
}

impl Model for Noticed {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        if self.seen.load(Ordering::Relaxed) >= ENOUGH {
            return self.as_small(request);
        }
        // Without tools there is nothing to write.
        let has_tools = !request.tools.is_empty();
        let looked_at = move |delta| {
            if let Ok(Delta::Done(reply)) = &delta
                && has_tools
            {
                self.look_at(reply);
            }
            delta
        };
        self.plain.stream(request).map(looked_at).boxed()
    }

    fn name(&self) -> &str {
        self.plain.name()
    }

    fn window(&self) -> Option<u64> {
        self.plain.window()
    }
}
