//! The `Host` socket: events out, approvals in.
//!
//! A host is whoever watches a run and answers for the user: a terminal, a line printer, an editor, a journal.
//! Sub-agents report to the same host under their own names.

use std::time::Duration;

use async_trait::async_trait;

use crate::agent::AgentError;
use crate::context::Compaction;
use crate::conversation::{Picture, Reply, Round, Spent, ToolCall};
use crate::model::ModelError;
use crate::tools::Effect;

/// What happens in a run, in the order in which it becomes true.
#[derive(Debug)]
pub enum Event<'a> {
    /// The user said this, at the beginning of a run or while it goes on.
    User(&'a str),
    /// The program tells the model this: a report, a plan that changed, a tool that came late.
    Note(&'a str),
    /// The user shows this.
    Picture(&'a Picture),
    /// The conversation is too long, and the model is asked for a summary.
    Compacting,
    /// The conversation was shortened.
    Compacted(&'a Compaction),
    /// A request goes out; `round` counts from 1.
    Request {
        round: usize,
    },
    Text(&'a str),
    Reasoning(&'a str),
    /// The request failed and is repeated after `wait`: what was streamed so far is void.
    Retry {
        error: &'a ModelError,
        wait: Duration,
        /// The model that is asked now, if it is another one.
        model: Option<&'a str>,
    },
    /// The reply is complete.
    Replied(&'a Reply),
    /// What a reply took, also that of one which is no part of the conversation.
    Spent(&'a Spent),
    /// A call was approved and starts now.
    Started {
        call: &'a ToolCall,
        effect: Effect,
    },
    /// A call has its answer for the model; `Err` if the tool failed, was refused or was never run.
    Finished {
        call: &'a ToolCall,
        result: &'a Result<String, String>,
        took: Duration,
    },
    /// The model has answered, but background work has not reported yet.
    Waiting,
    /// A round joined the conversation, finished or cut off.
    Closed(&'a Round),
    /// The run ended; a run that is dropped does not say so.
    Ended(&'a Result<String, AgentError>),
}

/// The user's word on a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Approval {
    Yes,
    /// The reason is read by the model.
    No(String),
}

/// Who watches a run. `who` is empty for the agent itself and the name of the sub-agent otherwise.
#[async_trait]
pub trait Host: Send + Sync {
    fn event(&self, _who: &str, _event: &Event<'_>) {}

    /// Asked about each call before it runs, in the order asked, once its tool is known and its arguments fit.
    async fn approve(&self, _who: &str, _call: &ToolCall, _effect: Effect) -> Approval {
        Approval::Yes
    }
}

/// A host that shows nothing and approves everything.
pub struct Silent;

impl Host for Silent {}
