//! What one hook's ending means: <https://code.claude.com/docs/en/hooks>, "Hook output".
//!
//! Exit code 0 means that stdout is the answer, 2 that stderr is the reason of a refusal; all else is a hook in trouble,
//! of which the user is told while the step goes on. What does not have the documented form is said and left out.

use serde_json::Value;

use crate::heard::Decision;
use crate::hook::{Event, Hook};
use crate::process::{Ending, Outcome};

/// What is handed on of one text, in characters; the first bound is for the model, the second for a warning.
const TEXT: usize = 10_000;
const SHORT: usize = 500;

/// What one hook says.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub blocked: Option<String>,
    pub decision: Decision,
    pub input: Option<Value>,
    pub context: Option<String>,
    pub stop: Option<String>,
    pub warnings: Vec<String>,
}

impl Answer {
    pub fn of(hook: &Hook, outcome: Outcome) -> Answer {
        let mut answer = Answer::default();
        let stderr = outcome.stderr.trim();
        match &outcome.ending {
            Ending::Exited(0) => answer.said(hook, &outcome),
            Ending::Exited(2) => {
                let silent = || format!("{} gave no reason", hook.label());
                let reason = Some(stderr).filter(|reason| !reason.is_empty());
                answer.block(
                    hook,
                    reason.map_or_else(silent, |reason| kept(reason, TEXT)),
                );
            }
            Ending::Exited(code) => {
                let colon = if stderr.is_empty() { "" } else { ": " };
                let end = kept(stderr, SHORT);
                answer.warn(
                    hook,
                    &format!("exited with {code} and was skipped{colon}{end}"),
                );
            }
            Ending::Signal(signal) => {
                answer.no_answer(hook, &format!("was killed by signal {signal}"));
            }
            Ending::TimedOut => {
                let limit = hook.timeout.as_secs_f64();
                answer.no_answer(hook, &format!("took longer than {limit} s and was killed"));
            }
            Ending::NotStarted(error) => {
                answer.no_answer(hook, &format!("could not be run: {error}"));
            }
        }
        answer
    }

    fn no_answer(&mut self, hook: &Hook, why: &str) {
        self.warn(hook, why);
        if hook.blocking {
            self.block(hook, format!("{} {why}, and it has to agree", hook.label()));
        }
    }

    fn block(&mut self, hook: &Hook, reason: String) {
        match hook.event.can_block() {
            true => self.blocked = Some(reason),
            false => self.warn(hook, &format!("says: {}", kept(&reason, SHORT))),
        }
    }

    fn warn(&mut self, hook: &Hook, what: &str) {
        self.warnings.push(format!("{} {what}", hook.label()));
    }

    /// Exit code 0: an object is obeyed; any other text is for the model where the event says so.
    fn said(&mut self, hook: &Hook, outcome: &Outcome) {
        let text = outcome.stdout.trim();
        if outcome.cut {
            self.warn(hook, "printed more than 1 MB; the rest was left out");
        }
        match serde_json::from_str(text) {
            Ok(json @ Value::Object(_)) => return self.obey(hook, json),
            Err(error) if text.starts_with('{') => {
                self.warn(hook, &format!("printed JSON that can't be read: {error}"));
            }
            _ => {}
        }
        if hook.event.takes_text() && !text.is_empty() {
            self.context = Some(kept(text, TEXT));
        }
    }

    fn obey(&mut self, hook: &Hook, mut json: Value) {
        let text = |value: &Value| value.as_str().map(|text| kept(text, TEXT));
        self.warnings.extend(text(&json["systemMessage"]));
        if json["continue"] == false {
            let reason = text(&json["stopReason"]);
            self.stop = Some(reason.unwrap_or_else(|| format!("{} ends it here", hook.label())));
        }
        let reason = text(&json["reason"]);
        match &json["decision"] {
            Value::Null => {}
            Value::String(word) if word == "block" => {
                let silent = || format!("{} gave no reason", hook.label());
                self.block(hook, reason.unwrap_or_else(silent));
            }
            Value::String(word) if word == "approve" => self.decision = Decision::Allow,
            other => self.odd(hook, "decision", other, "`block` or `approve`"),
        }
        let mut specific = json["hookSpecificOutput"].take();
        self.context = text(&specific["additionalContext"]);
        if hook.event == Event::PreToolUse {
            self.judge(hook, &mut specific);
        }
    }

    /// What only a hook before a call may say.
    fn judge(&mut self, hook: &Hook, specific: &mut Value) {
        let reason = specific["permissionDecisionReason"].as_str();
        let reason = kept(reason.unwrap_or_default(), TEXT);
        match &specific["permissionDecision"] {
            Value::Null => {}
            Value::String(word) if word == "allow" => self.decision = Decision::Allow,
            Value::String(word) if word == "ask" => self.decision = Decision::Ask(reason),
            Value::String(word) if word == "deny" => {
                let silent = || format!("{} gave no reason", hook.label());
                self.blocked = Some(
                    Some(reason)
                        .filter(|reason| !reason.is_empty())
                        .unwrap_or_else(silent),
                );
            }
            other => self.odd(
                hook,
                "permissionDecision",
                other,
                "`allow`, `deny` or `ask`",
            ),
        }
        let input = specific.get_mut("updatedInput").map(Value::take);
        self.input = input.filter(|input| !input.is_null());
    }

    fn odd(&mut self, hook: &Hook, field: &str, found: &Value, wanted: &str) {
        let found = kept(&found.to_string(), 60);
        self.warn(
            hook,
            &format!("answered `{field}` {found}, which is not {wanted}, so it was left out"),
        );
    }
}

/// The beginning of a text, without what would move a terminal's cursor.
fn kept(text: &str, most: usize) -> String {
    let plain = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let short: String = text.chars().filter(plain).take(most).collect();
    match text.chars().nth(most) {
        Some(_) => format!("{short} [... cut at {most} characters]"),
        None => short,
    }
}
