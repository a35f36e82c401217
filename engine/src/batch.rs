//! The calls of one round: admitted, approved, run, and answered whatever happens.
//!
//! One rule schedules them: reads run together, a write runs alone after everything that was asked before it. As
//! all of them pass the kit's gate, that holds across sub-agents too. [`OpenRound`] is the round under way; when
//! it falls, finished or cancelled, it closes itself, so a history never holds a call without its result.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use crate::conversation::{Entry, Reply, Round, ToolCall};
use crate::host::{Approval, Event};
use crate::kit::Kit;
use crate::repeats::Repeats;
use crate::tools::{self, Effect, Tool};
use crate::wire::text;

/// A round under way; dropping it closes it.
pub(crate) struct OpenRound<'a> {
    pub history: &'a mut Vec<Entry>,
    /// What was streamed so far, and why it is no more.
    pub partial: String,
    pub cut: &'static str,
    pub reply: Option<Reply>,
    pub batch: Batch<'a>,
}

impl<'a> OpenRound<'a> {
    pub fn new(history: &'a mut Vec<Entry>, batch: Batch<'a>) -> OpenRound<'a> {
        OpenRound {
            history,
            partial: String::new(),
            cut: "[interrupted]",
            reply: None,
            batch,
        }
    }
}

impl Drop for OpenRound<'_> {
    fn drop(&mut self) {
        let cut = || Reply::text(format!("{}{}", self.partial, self.cut));
        let reply = self.reply.take().unwrap_or_else(cut);
        let slots = &mut self.batch.slots;
        let round = Round::new(reply, |at, _| match slots.get_mut(at) {
            Some(slot) => slot.answer(),
            None => "[interrupted before this call was started]".to_string(),
        });
        self.history.push(Entry::Round(round));
    }
}

/// A call's place among the answers.
enum Slot {
    Answered(String),
    Running(Effect, AbortOnDropHandle<Result<String, String>>),
}

impl Slot {
    /// The answer as it stands now.
    fn answer(&mut self) -> String {
        match self {
            Slot::Answered(answer) => std::mem::take(answer),
            Slot::Running(_, task) => match task.now_or_never() {
                Some(Ok(result)) => for_model(result),
                _ => "[interrupted: this call may have taken effect in part]".to_string(),
            },
        }
    }
}

/// The calls of the round under way.
pub(crate) struct Batch<'a> {
    kit: &'a Kit,
    repeats: &'a mut Repeats,
    /// What was started or answered so far, with its place.
    calls: Vec<ToolCall>,
    slots: Vec<Slot>,
    /// A call that must wait for the reply's end was met; so must all after it.
    waits: bool,
}

impl<'a> Batch<'a> {
    pub fn new(kit: &'a Kit, repeats: &'a mut Repeats) -> Batch<'a> {
        Batch {
            kit,
            repeats,
            calls: Vec::new(),
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
        }
    }

    /// The reply was void: what it started is stopped and forgotten.
    pub fn restart(&mut self) {
        self.slots.clear();
        self.waits = false;
        self.calls
            .drain(..)
            .for_each(|call| self.repeats.forget(&call));
    }

    /// The reply is whole: runs what has not run, and returns when every call is answered.
    pub async fn run(&mut self, calls: &[ToolCall]) {
        if !calls.starts_with(&self.calls) {
            self.restart();
        }
        for call in &calls[self.calls.len()..] {
            let admitted = self.admit(call);
            let alone = matches!(admitted, Ok((_, _, Effect::Write)));
            if alone {
                self.join().await;
            }
            self.start(call, admitted).await;
            if alone {
                self.join().await;
            }
        }
        self.join().await;
    }

    /// The tool, its arguments as the schema wants them, and the effect; or why the call can't be run.
    fn admit(&self, call: &ToolCall) -> Result<Admitted, String> {
        let Some(tool) = self.kit.tool(&call.name) else {
            let names: Vec<String> = self.kit.tools.iter().map(|tool| tool.spec().name).collect();
            let names = names.join(", ");
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
        if self.repeats.count(call) >= 2 {
            return Err(IN_CIRCLES.to_string());
        }
        let effect = tool.effect(&args, self.kit)?;
        Ok((tool.clone(), args, effect))
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
                let effect = admitted.2;
                let task = tokio::spawn(run(kit.clone(), call.clone(), admitted));
                Slot::Running(effect, AbortOnDropHandle::new(task))
            }
            Err(problem) => {
                let result = Err(problem);
                kit.finished(call, &result, Duration::ZERO);
                Slot::Answered(for_model(result))
            }
        });
        self.repeats.add(call);
        self.calls.push(call.clone());
    }

    /// Waits until everything started is answered.
    async fn join(&mut self) {
        for (slot, call) in self.slots.iter_mut().zip(&self.calls) {
            if let Slot::Running(effect, task) = slot {
                let result = task
                    .await
                    .unwrap_or_else(|stopped| Err(stopped.to_string()));
                if *effect != Effect::Read {
                    self.repeats.changed_by(call);
                }
                *slot = Slot::Answered(for_model(result));
            }
        }
    }
}

const NOT_JSON: &str = "the arguments are not a JSON object (cut off or malformed), so nothing was run. \
    Send the whole call again; split long content over several calls.";
const IN_CIRCLES: &str = "this exact call was made twice already and nothing was written since, so it was not run \
    again. Use the result you have, or try something different. To wait for something, wait inside one command.";

type Admitted = (Arc<dyn Tool>, Value, Effect);

async fn run(kit: Kit, call: ToolCall, (tool, args, effect): Admitted) -> Result<String, String> {
    let started = Instant::now();
    let work = async {
        // Whichever is taken is held until the tool is done.
        let (_shared, _alone);
        match effect {
            Effect::Read => _shared = kit.gate.read().await,
            Effect::Write => _alone = kit.gate.write().await,
            Effect::Delegate => {}
        }
        kit.host.event(&kit.name, &Event::Started(&call));
        tool.call(args, &kit).await
    };
    let crash = |_| Err("the tool crashed, which is its own bug; try another way".to_string());
    let result = AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(crash);
    kit.finished(&call, &result, started.elapsed());
    result
}

fn for_model(result: Result<String, String>) -> String {
    match result {
        Ok(text) if text.is_empty() => "(no output)".to_string(),
        Ok(text) => text,
        Err(problem) => format!("Error: {problem}"),
    }
}
