//! Tools that leave a trace: what a writing call changed is written to the session, with what was there before.
//!
//! A call that names its file is followed there, any other in the working folder, as far as [`Watch`] sees. A call
//! that is cancelled in the middle is followed to the point where it was cut.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use corecoder::{Effect, Kit, Spec, Tool};
use parking_lot::Mutex;
use serde_json::Value;

use crate::change::{Change, State, place};
use crate::ledger;
use crate::objects::Objects;
use crate::session::Session;
use crate::watch::{Limits, Watch};

/// Follows the changes of one session.
pub struct Tracker {
    session: Arc<Session>,
    objects: Arc<Objects>,
    watch: Mutex<Watch>,
    /// Whether it was written down that the folder is too large.
    blind: AtomicBool,
}

impl Tracker {
    /// Looks at this folder.
    pub fn new(session: Arc<Session>, folder: PathBuf) -> Arc<Tracker> {
        let objects = Arc::new(Objects::new(session.files()));
        let watch = Mutex::new(Watch::new(folder, objects.clone(), Limits::default()));
        Arc::new(Tracker {
            session,
            objects,
            watch,
            blind: AtomicBool::new(false),
        })
    }

    /// The same tools, followed.
    pub fn follow(self: &Arc<Tracker>, tools: &[Arc<dyn Tool>]) -> Vec<Arc<dyn Tool>> {
        let follow = |tool: &Arc<dyn Tool>| -> Arc<dyn Tool> {
            Arc::new(Followed {
                tool: tool.clone(),
                tracker: self.clone(),
            })
        };
        tools.iter().map(follow).collect()
    }

    fn begin(self: Arc<Tracker>, file: Option<PathBuf>) -> Trace {
        let mut watch = self.watch.lock();
        let file = file
            .map(|path| place(&path))
            .map(|path| (watch.one(&path), path));
        if file.is_none() {
            watch.before();
            if !watch.complete() && !self.blind.swap(true, Ordering::Relaxed) {
                self.session.record("", ledger::blind());
            }
        }
        drop(watch);
        Trace {
            tracker: self,
            file,
        }
    }
}

/// Pictures of the folder hold far more than what was changed; what no fact names goes when the session ends. After a
/// crash it goes at the end of the next one.
impl Drop for Tracker {
    fn drop(&mut self) {
        let journal = std::fs::read(self.session.path()).unwrap_or_default();
        let named = ledger::contents(&journal);
        // What can't be deleted is in nobody's way.
        let _ = self.objects.retain(&|hash| named.contains(hash));
    }
}

/// A call under way; when it falls, what changed since it began is written down.
struct Trace {
    tracker: Arc<Tracker>,
    /// The one file that the call is about, as it was.
    file: Option<(State, PathBuf)>,
}

impl Drop for Trace {
    fn drop(&mut self) {
        let mut watch = self.tracker.watch.lock();
        let changes = match self.file.take() {
            None => watch.after(),
            Some((before, path)) => {
                let after = watch.one(&path);
                Vec::from_iter((before != after).then_some(Change {
                    path,
                    before,
                    after,
                }))
            }
        };
        if !changes.is_empty() {
            self.tracker.session.record("", ledger::changes(changes));
        }
    }
}

struct Followed {
    tool: Arc<dyn Tool>,
    tracker: Arc<Tracker>,
}

#[async_trait]
impl Tool for Followed {
    fn spec(&self) -> Spec {
        self.tool.spec()
    }

    fn effect(&self, args: &Value, kit: &Kit) -> Result<Effect, String> {
        self.tool.effect(args, kit)
    }

    async fn call(&self, args: Value, kit: &Kit) -> Result<String, String> {
        if self.tool.effect(&args, kit) != Ok(Effect::Write) {
            return self.tool.call(args, kit).await;
        }
        let file = args["file_path"]
            .as_str()
            .and_then(|path| kit.files.resolve(path).ok());
        let tracker = self.tracker.clone();
        // A large folder takes a while to look at, and the screen should not stand still.
        let begin = tokio::task::spawn_blocking(move || tracker.begin(file));
        let _trace = begin
            .await
            .map_err(|error| format!("the files can't be looked at: {error}"))?;
        if let Some(why) = self.tracker.objects.take_failure() {
            return Err(format!(
                "nothing was done, since what the files hold now can't be kept for /undo: {why}. Tell the user"
            ));
        }
        self.tool.call(args, kit).await
    }
}
