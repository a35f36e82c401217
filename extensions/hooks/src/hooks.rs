//! The hooks of a session, and the steps that they are told of.
//!
//! All hooks of a step run at the same time, each told in its own spelling; the step waits for the slowest. A clone is
//! the same hooks. Nothing here fails: a hook in trouble is a warning.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use corecoder::{Effect, Tool, ToolCall, tools};
use futures::future::join_all;
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::calls::{Calls, Verdict};
use crate::follow::{Followed, READERS};
use crate::heard::Before;
use crate::hook::{Event, Hook};
use crate::names::{self, Spelling};
use crate::process;
use crate::read::Reading;

/// Programs of the user that are told of steps and may have a say.
#[derive(Clone)]
pub struct Hooks(Arc<Inner>);

struct Inner {
    cwd: PathBuf,
    root: PathBuf,
    hooks: Mutex<Vec<Arc<Hook>>>,
    session: Mutex<Session>,
    calls: Mutex<Calls>,
    on_warning: Mutex<Option<OnWarning>>,
}

type OnWarning = Arc<dyn Fn(&str) + Send + Sync>;

#[derive(Clone)]
struct Session {
    id: String,
    transcript: String,
    mode: String,
}

impl Hooks {
    /// No hooks yet. Their commands run in `cwd` and find `root`, the project's top folder, in their environment.
    pub fn new(cwd: &Path, root: &Path) -> Hooks {
        let session = Session {
            id: String::new(),
            transcript: String::new(),
            mode: "default".to_string(),
        };
        Hooks(Arc::new(Inner {
            cwd: cwd.to_path_buf(),
            root: root.to_path_buf(),
            hooks: Mutex::default(),
            session: Mutex::new(session),
            calls: Mutex::default(),
            on_warning: Mutex::default(),
        }))
    }

    /// Takes over the hooks of one file's JSON, behind those that were read before. Returns what could not be used, each
    /// with its place in the file. `foreign`: the file is Claude Code's own, so its hooks are told Claude Code's names.
    pub fn read(&mut self, json: &Value, foreign: bool) -> Vec<String> {
        let reading = Reading::of(json, foreign);
        let hooks = reading.hooks.into_iter().map(Arc::new);
        self.0.hooks.lock().extend(hooks);
        reading.problems
    }

    /// Whether there is no hook at all.
    pub fn is_empty(&self) -> bool {
        self.0.hooks.lock().is_empty()
    }

    /// Each hook in one line, `EVENT MATCHER: COMMAND`, in the order in which they were read.
    pub fn lines(&self) -> Vec<String> {
        let hooks = self.0.hooks.lock();
        hooks.iter().map(|hook| hook.line()).collect()
    }

    /// Who hears of warnings that come up inside a tool call, where no result carries them to the user.
    pub fn on_warning(&mut self, f: impl Fn(&str) + Send + Sync + 'static) {
        *self.0.on_warning.lock() = Some(Arc::new(f));
    }

    /// From now on hooks are told this session, and the file that it is kept in.
    pub fn session(&self, id: &str, transcript: Option<&Path>) {
        let mut session = self.0.session.lock();
        session.id = id.to_string();
        let transcript = transcript.map(|path| path.to_string_lossy().into_owned());
        session.transcript = transcript.unwrap_or_default();
    }

    /// From now on hooks are told this `permission_mode`; it is `default` at first.
    pub fn mode(&self, mode: &str) {
        self.0.session.lock().mode = mode.to_string();
    }

    /// A call is about to be made by `who` (empty for the agent itself). Asked in [`corecoder::Host::approve`], once for
    /// each call, before the user is. What it says about the input takes effect in a followed tool.
    pub async fn before(&self, who: &str, call: &ToolCall) -> Before {
        let Ok(raw) = &call.args else {
            return Before::default();
        };
        if !self.concern(Event::PreToolUse, &call.name) {
            return Before::default();
        }
        let asked = self.calls().find(who, call);
        let known = asked.as_ref();
        let (args, cwd) = known.map_or((raw, &self.0.cwd), |asked| (&asked.args, &asked.cwd));
        let tell = |spelling| {
            let (name, input) = names::told(spelling, &call.name, args, cwd);
            json!({"tool_name": name, "tool_input": input, "tool_use_id": call.id})
        };
        let mut before = Before::of(
            self.run(Event::PreToolUse, &call.name, Some(cwd), tell)
                .await,
        );
        if let Some(input) = before.input.take() {
            match fitted(known.map(|asked| &*asked.tool), input) {
                Ok(input) => before.input = Some(input),
                Err(why) => before.deny(&why),
            }
        }
        let mut calls = self.calls();
        if before.is_denied() {
            calls.forget(who, call);
        } else {
            let verdict = Verdict {
                id: call.id.clone(),
                input: before.input.clone(),
                context: before.context.clone(),
            };
            calls.settle(who, call, verdict);
        }
        before
    }

    /// What a call does for the question whether the user is to be asked. `told` is what the followed tool said, which
    /// is [`Effect::Write`] as soon as a hook might replace the input. Asked after [`Hooks::before`].
    pub fn effect_of(&self, call: &ToolCall, told: Effect) -> Effect {
        if told != Effect::Write || READERS.contains(&call.name.as_str()) {
            return told;
        }
        self.calls().effect(call).unwrap_or(told)
    }

    /// The same tools, with hooks around them. They go around all other followers, which then see the replaced input.
    pub fn follow(&self, tools: &[Arc<dyn Tool>]) -> Vec<Arc<dyn Tool>> {
        let follow = |tool: &Arc<dyn Tool>| -> Arc<dyn Tool> {
            Arc::new(Followed {
                name: tool.spec().name,
                tool: tool.clone(),
                hooks: self.clone(),
            })
        };
        tools.iter().map(follow).collect()
    }

    pub(crate) fn concern(&self, event: Event, subject: &str) -> bool {
        let hooks = self.0.hooks.lock();
        hooks
            .iter()
            .any(|hook| hook.hears(event, subject).is_some())
    }

    pub(crate) fn calls(&self) -> MutexGuard<'_, Calls> {
        self.0.calls.lock()
    }

    pub(crate) fn warn(&self, text: &str) {
        let tell = self.0.on_warning.lock().clone();
        if let Some(tell) = tell {
            tell(text);
        }
    }

    /// Runs the hooks of a step together and returns what they say, in the order in which they were read.
    pub(crate) async fn run(
        &self,
        event: Event,
        subject: &str,
        cwd: Option<&Path>,
        tell: impl Fn(Spelling) -> Value,
    ) -> Vec<Answer> {
        let hooks = self.0.hooks.lock().clone();
        let Session {
            id,
            transcript,
            mode,
        } = self.0.session.lock().clone();
        let cwd = cwd.unwrap_or(&self.0.cwd).to_string_lossy();
        let runs = hooks.into_iter().filter_map(|hook| {
            let spelling = hook.hears(event, subject)?;
            let mut told = json!({
                "session_id": id, "transcript_path": transcript, "cwd": cwd, "permission_mode": mode,
                "hook_event_name": event.name(),
            });
            if let (Value::Object(told), Value::Object(fields)) = (&mut told, tell(spelling)) {
                told.extend(fields);
            }
            let input = told.to_string() + "\n";
            Some(async move {
                let (cwd, root) = (&self.0.cwd, &self.0.root);
                let outcome = process::run(&hook.command, cwd, root, input.as_bytes(), hook.timeout).await;
                let mut answer = Answer::of(&hook, outcome);
                let input = answer.input.take();
                answer.input = input.map(|input| names::back(spelling, subject, input));
                answer
            })
        });
        join_all(runs).await
    }
}

/// The input that a hook wrote for a call, if its tool can be given it; else whose fault it is.
fn fitted(tool: Option<&dyn Tool>, input: Value) -> Result<Value, String> {
    let tool = tool.ok_or("it wants to replace the input of a tool that it can't follow")?;
    let blame = |why| {
        format!(
            "it replaced the input by one that does not fit: {why}. That is the hook's fault, not the model's; tell the user"
        )
    };
    tools::fit(&tool.spec().parameters, &input).map_err(blame)
}
