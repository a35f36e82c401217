//! A model that runs in circles is told so: how often each call was made since something was changed.

use std::collections::HashMap;

use crate::conversation::ToolCall;

/// Counts by call, arguments included.
#[derive(Default)]
pub(crate) struct Repeats(HashMap<String, usize>);

impl Repeats {
    fn key(call: &ToolCall) -> String {
        format!("{} {:?}", call.name, call.args)
    }

    pub fn count(&self, call: &ToolCall) -> usize {
        self.0.get(&Repeats::key(call)).copied().unwrap_or(0)
    }

    pub fn add(&mut self, call: &ToolCall) {
        *self.0.entry(Repeats::key(call)).or_default() += 1;
    }

    pub fn forget(&mut self, call: &ToolCall) {
        self.0
            .entry(Repeats::key(call))
            .and_modify(|count| *count -= 1);
    }

    /// A write succeeded: every other call may now have another result.
    pub fn changed_by(&mut self, call: &ToolCall) {
        let key = Repeats::key(call);
        self.0.retain(|other, _| *other == key);
    }
}
