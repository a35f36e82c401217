//! The calls of one agent: those whose results are still to be printed.
//!
//! A read may be done while its reply still streams. Its result is held back until the reply is printed, so that no
//! line names a call that no line before it has. What has no result when its round ends gets the round's.

use corecoder::{Round, ToolCall, tools};

use crate::line::Block;

#[derive(Default)]
pub(crate) struct Calls {
    open: Vec<ToolCall>,
    /// Results that came before their reply.
    early: Vec<(ToolCall, Block)>,
}

impl Calls {
    /// What was streamed so far is void, or belongs to a reply that is done.
    pub fn forget_early(&mut self) {
        self.early.clear();
    }

    /// A reply was printed; returns the results that waited for it.
    pub fn replied(&mut self, calls: &[ToolCall]) -> Vec<Block> {
        self.open.extend_from_slice(calls);
        let early = std::mem::take(&mut self.early);
        let printable = |(call, block): (ToolCall, Block)| self.answered(&call).then_some(block);
        early.into_iter().filter_map(printable).collect()
    }

    /// A call is done; returns what is to be printed of it now.
    pub fn finished(&mut self, call: &ToolCall, result: &Result<String, String>) -> Option<Block> {
        let block = block(call, tools::worded(result.clone()), result.is_err());
        if self.answered(call) {
            return Some(block);
        }
        self.early.push((call.clone(), block));
        None
    }

    /// The round is over; returns results for its calls that have none, which were interrupted.
    pub fn closed(&mut self, round: &Round) -> Vec<Block> {
        self.early.clear();
        let unanswered = round.answered().filter(|(call, _)| self.answered(call));
        unanswered
            .map(|(call, text)| block(call, text.to_string(), true))
            .collect()
    }

    /// The run is over, and what is still at work will not be heard of.
    pub fn abandoned(self) -> Vec<Block> {
        let cut = |call: &ToolCall| block(call, "[interrupted]".to_string(), true);
        self.open.iter().map(cut).collect()
    }

    /// Whether the call was printed and had no result yet.
    fn answered(&mut self, call: &ToolCall) -> bool {
        let at = self.open.iter().position(|open| open == call);
        at.map(|at| self.open.remove(at)).is_some()
    }
}

fn block(call: &ToolCall, content: String, is_error: bool) -> Block {
    Block::ToolResult {
        tool_use_id: call.id.clone(),
        content,
        is_error,
    }
}
