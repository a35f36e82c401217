//! The calls on their way: what is known of each from the question for its effect to its run.
//!
//! A call has no identity on this way, so it is found by who makes it, its tool and its arguments. Of calls that are the
//! same the newest counts: an older one that never ran, since the user said no, must not answer for it.

use std::path::PathBuf;
use std::sync::Arc;

use corecoder::{Effect, Tool, ToolCall};
use serde_json::Value;

/// Calls that are remembered, at most. One that never runs stays until others push it out.
const MOST: usize = 1024;

/// A call that was asked for.
#[derive(Clone)]
pub(crate) struct Asked {
    pub who: String,
    pub name: String,
    pub tool: Arc<dyn Tool>,
    /// As the engine fitted them to the schema.
    pub args: Value,
    /// What the tool itself says of it.
    pub effect: Effect,
    /// The folder that relative paths of the arguments start from.
    pub cwd: PathBuf,
    pub verdict: Option<Verdict>,
}

/// What the hooks said of a call that may run.
#[derive(Clone, Default)]
pub(crate) struct Verdict {
    pub id: String,
    pub input: Option<Value>,
    pub context: Option<String>,
}

/// All calls on their way, oldest first.
#[derive(Default)]
pub(crate) struct Calls(Vec<Asked>);

impl Calls {
    pub fn asked(&mut self, asked: Asked) {
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(asked);
    }

    /// What is known of this call, if its tool is followed.
    pub fn find(&self, who: &str, call: &ToolCall) -> Option<Asked> {
        self.waiting(who, call).map(|at| self.0[at].clone())
    }

    /// The call may run like this.
    pub fn settle(&mut self, who: &str, call: &ToolCall, verdict: Verdict) {
        if let Some(at) = self.waiting(who, call) {
            self.0[at].verdict = Some(verdict);
        }
    }

    /// The call will not run.
    pub fn forget(&mut self, who: &str, call: &ToolCall) {
        if let Some(at) = self.waiting(who, call) {
            self.0.remove(at);
        }
    }

    /// The call runs now; what the hooks said of it.
    pub fn take(&mut self, who: &str, name: &str, args: &Value) -> Option<Verdict> {
        let same = |asked: &Asked| asked.who == who && asked.name == name && asked.args == *args;
        let judged = |asked: &Asked| same(asked) && asked.verdict.is_some();
        let at = self.0.iter().rposition(judged);
        let at = at.or_else(|| self.0.iter().rposition(same))?;
        self.0.remove(at).verdict
    }

    /// What the tools themselves say of such a call; the strictest, should they differ. `None` if nothing is known.
    pub fn effect(&self, call: &ToolCall) -> Option<Effect> {
        let mut effects = self.0.iter().filter(|asked| asked.is(call)).map(|asked| {
            let replaced = asked
                .verdict
                .as_ref()
                .is_some_and(|verdict| verdict.input.is_some());
            if replaced {
                Effect::Write
            } else {
                asked.effect
            }
        });
        let first = effects.next()?;
        Some(effects.fold(
            first,
            |one, two| if one == two { one } else { Effect::Write },
        ))
    }

    fn waiting(&self, who: &str, call: &ToolCall) -> Option<usize> {
        let waits = |asked: &Asked| asked.verdict.is_none() && asked.who == who && asked.is(call);
        self.0.iter().rposition(waits)
    }
}

impl Asked {
    /// Whether this is the call, as the model wrote it: the engine leaves out what is null, and reads `"5"` as a number
    /// where one is wanted.
    fn is(&self, call: &ToolCall) -> bool {
        let (Ok(Value::Object(raw)), Value::Object(fitted)) = (&call.args, &self.args) else {
            return false;
        };
        let mut given = raw.iter().filter(|(_, value)| !value.is_null());
        let count = given.clone().count();
        self.name == call.name
            && count == fitted.len()
            && given
                .all(|(name, value)| fitted.get(name).is_some_and(|fitted| reads(value, fitted)))
    }
}

fn reads(raw: &Value, fitted: &Value) -> bool {
    let parsed = || {
        raw.as_str()
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
    };
    raw == fitted || parsed().is_some_and(|parsed| parsed == *fitted)
}
