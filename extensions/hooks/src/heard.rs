//! What the hooks of one step say together.
//!
//! They run at the same time and do not know of each other, so the strictest word wins: deny beats ask beats allow, and
//! one that blocks is enough. Everything else adds up, in the order in which the hooks were read.

use serde_json::Value;

use crate::answer::Answer;

/// What came of a step that is no tool call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Heard {
    /// Why the step is not to be taken: a prompt is not sent, a conversation not shortened; at `Stop`, what the model
    /// has to do before it may end.
    pub blocked: Option<String>,
    /// What the model is to be told.
    pub context: Option<String>,
    /// What the user is to be told.
    pub warnings: Vec<String>,
    /// Why everything ends here, for the user. It weighs more than `blocked`.
    pub stop: Option<String>,
}

/// What came of asking about a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Before {
    pub decision: Decision,
    /// The input that a hook put in place of the model's, in the tool's own names. It fits the tool's schema.
    pub input: Option<Value>,
    /// What the user is to be told.
    pub warnings: Vec<String>,
    /// What the model is to be told. A followed tool appends it to its result by itself.
    pub context: Option<String>,
    /// Why everything ends here, for the user; the call is then denied.
    pub stop: Option<String>,
}

/// What the hooks think of a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Decision {
    /// They have no opinion: the usual rules hold.
    #[default]
    None,
    /// The user need not be asked.
    Allow,
    /// The user is to be asked, whatever the rules say; the reason may be empty.
    Ask(String),
    /// The call is refused. The reason is read by the model.
    Deny(String),
}

impl Heard {
    pub(crate) fn of(answers: Vec<Answer>) -> Heard {
        let mut heard = Heard::default();
        for answer in answers {
            add(&mut heard.blocked, answer.blocked);
            add(&mut heard.context, answer.context);
            add(&mut heard.stop, answer.stop);
            heard.warnings.extend(answer.warnings);
        }
        heard
    }
}

impl Before {
    pub(crate) fn of(answers: Vec<Answer>) -> Before {
        let mut before = Before::default();
        for answer in answers {
            before.decision = std::mem::take(&mut before.decision).and(answer.decision);
            if let Some(reason) = answer.blocked {
                before.deny(&reason);
            }
            if let Some(reason) = &answer.stop {
                before.deny(reason);
            }
            add(&mut before.context, answer.context);
            add(&mut before.stop, answer.stop);
            before.warnings.extend(answer.warnings);
            before.input = answer.input.or(before.input);
        }
        before.settled()
    }

    pub(crate) fn deny(&mut self, reason: &str) {
        let deny = Decision::Deny(format!("blocked by a hook: {reason}"));
        self.decision = std::mem::take(&mut self.decision).and(deny);
    }

    /// A call that is refused has no input.
    pub(crate) fn settled(mut self) -> Before {
        if self.is_denied() {
            self.input = None;
        }
        self
    }

    pub(crate) fn is_denied(&self) -> bool {
        matches!(self.decision, Decision::Deny(_))
    }
}

impl Decision {
    /// The stricter of both; of two that are as strict, with both reasons.
    fn and(self, other: Decision) -> Decision {
        match (self, other) {
            (Decision::Deny(one), Decision::Deny(two)) => Decision::Deny(both(one, &two)),
            (Decision::Ask(one), Decision::Ask(two)) => Decision::Ask(both(one, &two)),
            (one, two) if one.rank() >= two.rank() => one,
            (_, two) => two,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Decision::None => 0,
            Decision::Allow => 1,
            Decision::Ask(_) => 2,
            Decision::Deny(_) => 3,
        }
    }
}

fn add(all: &mut Option<String>, more: Option<String>) {
    if let Some(more) = more {
        *all = Some(both(all.take().unwrap_or_default(), &more));
    }
}

fn both(one: String, two: &str) -> String {
    match (one.is_empty(), two.is_empty()) {
        (true, _) => two.to_string(),
        (_, true) => one,
        _ => format!("{one}\n{two}"),
    }
}
