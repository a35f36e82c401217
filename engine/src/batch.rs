//! The calls of one round: admitted, approved, run, and answered whatever happens.
//!
//! One rule schedules them: reads run together, a write runs alone after everything that was asked before it. As
//! all of them pass the kit's gate, that holds across sub-agents too. [`OpenRound`] is the round under way; when
//! it falls, finished or cancelled, it closes itself, so a history never holds a call without its result.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use crate::conversation::{Entry, Reply, Round, ToolCall};
use crate::host::{Approval, Event};
use crate::kit::Kit;
use crate::text;
use crate::tools::{self, Effect, Tool};

/// A round under way; dropping it closes it.
pub(crate) struct OpenRound<'a> {
    pub history: &'a mut Vec<Entry>,
    pub reply: Reply,
    pub batch: Batch<'a>,
}

impl<'a> OpenRound<'a> {
    pub fn new(history: &'a mut Vec<Entry>, batch: Batch<'a>) -> OpenRound<'a> {
        OpenRound {
            history,
            reply: Reply::default(),
            batch,
        }
    }
}

impl Drop for OpenRound<'_> {
    fn drop(&mut self) {
        let mut reply = std::mem::take(&mut self.reply);
        if reply.finish.is_empty() && reply.calls.is_empty() {
            reply.text += "[interrupted]";
        }
        let slots = &mut self.batch.slots;
        let round = Round::new(reply, |at, _| {
            slots
                .get_mut(at)
                .map_or(NOT_STARTED.to_string(), Slot::answer)
        });
        self.history.push(Entry::Round(round));
    }
}

const NOT_STARTED: &str = "[interrupted before this call was started]";

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
        let admitted = self.admit(&call);
        self.waits |= !matches!(admitted, Ok((_, _, Effect::Read)) | Err(_));
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
        let names = || {
            self.kit
                .tools
                .iter()
                .map(|tool| tool.spec().name)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let tool = self
            .kit
            .tool(&call.name)
            .ok_or_else(|| format!("there is no tool `{}`; use one of: {}", call.name, names()))?;
        let args = call.args.as_ref().map_err(|raw| {
            let tail = text::tail(raw, 80);
            format!("the arguments are not valid JSON (cut off or malformed; they end in {tail:?}), so nothing was run. Send the whole call again; split long content over several calls.")
        })?;
        let schema = tool.spec().parameters;
        let args = tools::fit(&schema, args).map_err(|problem| {
            format!(
                "{problem}, so nothing was run. The schema of `{}` is {schema}",
                call.name
            )
        })?;
        if self.repeats.count(call) >= 2 {
            return Err("this exact call was made twice already and nothing has changed since, so it was not run again. Use the result you have, or try something different.".to_string());
        }
        let effect = tool.effect(&args, self.kit)?;
        Ok((tool.clone(), args, effect))
    }

    async fn start(&mut self, call: &ToolCall, admitted: Result<Admitted, String>) {
        let approved = match admitted {
            Ok((tool, args, effect)) => {
                match self.kit.host.approve(&self.kit.name, call, effect).await {
                    Approval::Yes => Ok((tool, args, effect)),
                    Approval::No(reason) => Err(format!("not allowed: {reason}")),
                }
            }
            Err(problem) => Err(problem),
        };
        let slot = match approved {
            Ok(admitted) => {
                let effect = admitted.2;
                let task = tokio::spawn(run(self.kit.clone(), call.clone(), admitted));
                Slot::Running(effect, AbortOnDropHandle::new(task))
            }
            Err(problem) => {
                let result = Err(problem);
                let event = Event::Finished {
                    call,
                    result: &result,
                    took: Duration::ZERO,
                };
                self.kit.host.event(&self.kit.name, &event);
                Slot::Answered(for_model(result))
            }
        };
        self.repeats.add(call);
        self.slots.push(slot);
        self.calls.push(call.clone());
    }

    /// Waits until everything started is answered.
    async fn join(&mut self) {
        for (slot, call) in self.slots.iter_mut().zip(&self.calls) {
            let Slot::Running(effect, task) = slot else {
                continue;
            };
            let result = task
                .await
                .unwrap_or_else(|stopped| Err(format!("the call was stopped: {stopped}")));
            if result.is_ok() && *effect != Effect::Read {
                self.repeats.changed_by(call);
            }
            *slot = Slot::Answered(for_model(result));
        }
    }
}

type Admitted = (Arc<dyn Tool>, Value, Effect);

async fn run(kit: Kit, call: ToolCall, (tool, args, effect): Admitted) -> Result<String, String> {
    let started = Instant::now();
    let work = async {
        let (_shared, _alone);
        match effect {
            Effect::Read => _shared = kit.gate.read().await,
            Effect::Write => _alone = kit.gate.write().await,
            Effect::Delegate => {}
        }
        kit.host.event(&kit.name, &Event::Started(&call));
        tool.call(args, &kit).await
    };
    let result = AssertUnwindSafe(work).catch_unwind().await;
    let result = result.unwrap_or_else(|_| {
        Err("the tool crashed, which is its own bug; try another way".to_string())
    });
    kit.host.event(
        &kit.name,
        &Event::Finished {
            call: &call,
            result: &result,
            took: started.elapsed(),
        },
    );
    result
}

fn for_model(result: Result<String, String>) -> String {
    match result {
        Ok(text) if text.is_empty() => "(no output)".to_string(),
        Ok(text) => text,
        Err(problem) => format!("Error: {problem}"),
    }
}

/// How often each call was made since something was changed: a model that runs in circles is told so.
#[derive(Default)]
pub(crate) struct Repeats(HashMap<String, usize>);

impl Repeats {
    fn key(call: &ToolCall) -> String {
        format!("{} {:?}", call.name, call.args)
    }

    fn count(&self, call: &ToolCall) -> usize {
        self.0.get(&Repeats::key(call)).copied().unwrap_or(0)
    }

    fn add(&mut self, call: &ToolCall) {
        *self.0.entry(Repeats::key(call)).or_default() += 1;
    }

    fn forget(&mut self, call: &ToolCall) {
        self.0
            .entry(Repeats::key(call))
            .and_modify(|count| *count -= 1);
    }

    /// A write succeeded: every other call may now have another result.
    fn changed_by(&mut self, call: &ToolCall) {
        let key = Repeats::key(call);
        self.0.retain(|other, _| *other == key);
    }
}
