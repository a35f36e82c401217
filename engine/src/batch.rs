//! The calls of one round: admitted, approved, run, and answered whatever happens.
//!
//! One rule schedules them: reads run together, a write runs alone after everything that was asked before it. As
//! all of them pass the kit's gate, that holds across sub-agents too. [`OpenRound`] is the round under way; when
//! it falls, finished or cancelled, it closes itself, so a history never holds a call without its result.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{MaybeDone, join_all, maybe_done};
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use crate::conversation::{Entry, Reply, Round, ToolCall};
use crate::host::{Approval, Event};
use crate::kit::Kit;
use crate::tools::{self, Effect, Tool};
use crate::wire::text;

/// A round under way; dropping it closes it.
pub(crate) struct OpenRound<'a> {
    pub history: &'a mut Vec<Entry>,
    pub batch: Batch<'a>,
    /// What is said behind a reply that never came to its end; without it the round leaves no trace.
    pub cut: Option<&'static str>,
}

impl Drop for OpenRound<'_> {
    fn drop(&mut self) {
        let Some(cut) = self.cut else { return };
        let mut reply = std::mem::take(&mut self.batch.reply);
        if !self.batch.whole {
            reply = Reply::text(reply.text + cut);
        }
        let slots = &mut self.batch.slots;
        let round = Round::new(reply, |at, _| match slots.get_mut(at) {
            Some(slot) => answer_now(slot),
            None => "[interrupted before this call was started]".to_string(),
        });
        let kit = self.batch.kit;
        kit.tell(Event::Closed(&round));
        self.history.push(Entry::Round(round));
    }
}

/// A call that was started, and its answer once it is there.
type Slot = MaybeDone<AbortOnDropHandle<String>>;

fn answer_now(slot: &mut Slot) -> String {
    let mut slot = Pin::new(slot);
    let _ = slot.as_mut().now_or_never();
    match slot.take_output() {
        Some(Ok(answer)) => answer,
        _ => "[interrupted: this call may have taken effect in part]".to_string(),
    }
}

/// The calls of the round under way.
pub(crate) struct Batch<'a> {
    kit: &'a Kit,
    /// The calls made since something was written: a model that runs in circles is told so.
    made: &'a mut Vec<ToolCall>,
    /// The reply as far as it has come, with the calls that were started early.
    pub reply: Reply,
    pub whole: bool,
    slots: Vec<Slot>,
    /// A call that must wait for the reply's end was met; so must all after it.
    waits: bool,
}

impl<'a> Batch<'a> {
    pub fn new(kit: &'a Kit, made: &'a mut Vec<ToolCall>) -> Batch<'a> {
        Batch {
            kit,
            made,
            reply: Reply::default(),
            whole: false,
            slots: Vec::new(),
            waits: false,
        }
    }

    /// A call is complete while its reply still streams: a read starts, everything else waits.
    pub async fn start_early(&mut self, call: ToolCall) {
        if self.waits {
            return;
        }
        let admitted = self.admit(&call);
        self.waits = !matches!(admitted, Ok((_, _, Effect::Read)) | Err(_));
        if !self.waits {
            self.start(&call, admitted).await;
            self.reply.calls.push(call);
        }
    }

    /// The reply was void: what it started is stopped and forgotten.
    pub fn restart(&mut self) {
        self.made.truncate(self.made.len() - self.slots.len());
        self.slots.clear();
        self.reply = Reply::default();
        self.waits = false;
    }

    /// The reply is whole: runs what has not run, and returns when every call is answered.
    pub async fn run(&mut self, whole: Reply) {
        if !whole.calls.starts_with(&self.reply.calls) {
            self.restart();
        }
        (self.reply, self.whole) = (whole, true);
        for call in self.reply.calls.clone().iter().skip(self.slots.len()) {
            let admitted = self.admit(call);
            let alone = matches!(admitted, Ok((_, _, Effect::Write)));
            if alone {
                join_all(&mut self.slots).await;
            }
            self.start(call, admitted).await;
            if alone {
                join_all(&mut self.slots).await;
            }
        }
        join_all(&mut self.slots).await;
    }

    /// The tool, its arguments as the schema wants them, and the effect; or why the call can't be run.
    fn admit(&self, call: &ToolCall) -> Result<Admitted, String> {
        let Some(tool) = self.kit.tools.get(&call.name) else {
            let names = self.kit.tools.names().join(", ");
            return Err(format!(
                "there is no tool `{}`; use one of: {names}",
                call.name
            ));
        };
        let args = call.args.as_ref().map_err(|raw| {
            let end = text::tail(raw, 80);
            format!("{NOT_JSON} They end in {end:?}.")
        })?;
        let schema = tool.spec().parameters;
        let args = tools::fit(&schema, args)
            .map_err(|problem| format!("{problem}, so nothing was run. The schema is {schema}"))?;
        let same = |made: &&ToolCall| made.is_same(call);
        if self.made.iter().filter(same).count() >= 2 {
            return Err(IN_CIRCLES.to_string());
        }
        let effect = tool.effect(&args, self.kit)?;
        Ok((tool, args, effect))
    }

    async fn start(&mut self, call: &ToolCall, admitted: Result<Admitted, String>) {
        let kit = self.kit;
        let approved = match admitted {
            Ok(admitted) => match kit.host.approve(&kit.name, call, admitted.2).await {
                Approval::Yes => Ok(admitted),
                Approval::No(reason) => Err(format!("not allowed: {reason}")),
            },
            Err(problem) => Err(problem),
        };
        self.slots.push(match approved {
            Ok(admitted) => {
                // Whatever is not a read may change the result of every other call.
                if admitted.2 != Effect::Read {
                    self.made.retain(|made| made.is_same(call));
                }
                let task = tokio::spawn(run(kit.clone(), call.clone(), admitted));
                maybe_done(AbortOnDropHandle::new(task))
            }
            Err(problem) => MaybeDone::Done(Ok(answered(kit, call, Err(problem), Duration::ZERO))),
        });
        self.made.push(call.clone());
    }
}

const NOT_JSON: &str = "the arguments are not a JSON object (cut off or malformed), so nothing was run. \
    Send the whole call again; split long content over several calls.";
const IN_CIRCLES: &str = "this exact call was made twice already and nothing was written since, so it was not run \
    again. Use the result you have, or try something different. To wait for something, wait inside one command.";

type Admitted = (Arc<dyn Tool>, Value, Effect);

async fn run(kit: Kit, call: ToolCall, (tool, args, effect): Admitted) -> String {
    let started = Instant::now();
    let work = async {
        // Whichever is taken is held until the tool is done.
        let (_shared, _alone);
        match effect {
            Effect::Read => _shared = kit.gate.read().await,
            Effect::Write => _alone = kit.gate.write().await,
            Effect::Delegate => {}
        }
        kit.tell(Event::Started {
            call: &call,
            effect,
        });
        tool.call(args, &kit).await
    };
    let crash = |_| Err("the tool crashed, which is its own bug; try another way".to_string());
    let result = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(crash);
    answered(&kit, &call, result, started.elapsed())
}

/// Tells the host what came of a call, and words it for the model.
fn answered(kit: &Kit, call: &ToolCall, result: Result<String, String>, took: Duration) -> String {
    kit.tell(Event::Finished {
        call,
        result: &result,
        took,
    });
    tools::worded(result)
}
