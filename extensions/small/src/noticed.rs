//! [`Noticed`]: a model that is talked to like any other until it writes a call as text.
//!
//! A model that is given tools and writes its calls into its answer is a weak one, whatever its name says. Once may be a
//! slip; after the second time it is talked to as [`Small`] does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use corecoder::{Delta, Deltas, Model, Reply, Request, recovery};
use futures::StreamExt;

use crate::model::Small;

/// A model that becomes a small one when that is noticed.
pub struct Noticed {
    plain: Arc<dyn Model>,
    small: Small,
    /// The system prompt from then on.
    system: String,
    /// How many replies held a call as text.
    seen: AtomicUsize,
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
            is_weak,
            notice: Box::new(notice),
        }
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

impl Model for Noticed {
    fn stream<'a>(&'a self, request: Request<'a>) -> Deltas<'a> {
        if self.seen.load(Ordering::Relaxed) >= ENOUGH {
            let system = &self.system;
            return self.small.stream(Request { system, ..request });
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
