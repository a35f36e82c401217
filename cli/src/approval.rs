//! Who may do what: reads never ask, writes are asked about once, always, or not at all.

use std::collections::HashSet;
use std::sync::Mutex;

use console::style;
use corecoder::{Approval, ToolCall};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use tokio::sync::Notify;

use crate::screen::{plain, subject};

/// What happens to a call that may change something.
pub enum Policy {
    AllowAll,
    /// Nobody is there to ask.
    ReadsOnly,
    Ask(Asking),
}

/// Asks the person at the terminal, one question at a time.
#[derive(Default)]
pub struct Asking {
    always: Mutex<HashSet<String>>,
    turn: tokio::sync::Mutex<()>,
    /// Rung when the person answers with Ctrl+C: the whole run is to stop.
    pub interrupted: Notify,
}

impl Policy {
    /// The word on a call that may change something.
    pub async fn judge(&self, who: &str, call: &ToolCall) -> Approval {
        match self {
            Policy::AllowAll => Approval::Yes,
            Policy::ReadsOnly => Approval::No(
                "this run may only read, since it was started without --yes. Say in your answer what you would change."
                    .to_string(),
            ),
            Policy::Ask(asking) => asking.judge(who, call).await,
        }
    }
}

impl Asking {
    async fn judge(&self, who: &str, call: &ToolCall) -> Approval {
        let _turn = self.turn.lock().await;
        let (rule, rule_words) = rule(call);
        if self
            .always
            .lock()
            .is_ok_and(|always| always.contains(&rule))
        {
            return Approval::Yes;
        }
        let who = if who.is_empty() {
            String::new()
        } else {
            format!("[{}] ", plain(who))
        };
        let question = format!("{who}{} {}", call.name, plain(&subject(call)));
        println!("{} {question}", style("?").yellow().bold());
        preview(call);
        let choices = format!("  y once, a always ({rule_words}), n no, or say why not: ");
        let answer =
            tokio::task::spawn_blocking(move || DefaultEditor::new()?.readline(&choices)).await;
        match answer {
            Ok(Ok(answer)) => self.understood(answer.trim(), rule),
            Ok(Err(ReadlineError::Interrupted)) => {
                self.interrupted.notify_one();
                Approval::No("the user interrupted".to_string())
            }
            _ => Approval::No("the user did not answer".to_string()),
        }
    }

    fn understood(&self, answer: &str, rule: String) -> Approval {
        match answer.to_lowercase().as_str() {
            "y" | "yes" | "o" | "once" => Approval::Yes,
            "a" | "always" => {
                if let Ok(mut always) = self.always.lock() {
                    always.insert(rule);
                }
                Approval::Yes
            }
            "" | "n" | "no" => Approval::No("the user said no; ask what to do instead".to_string()),
            _ => Approval::No(format!("the user said: {answer}")),
        }
    }
}

/// What the call would take away and put in, so that nobody approves blindly.
fn preview(call: &ToolCall) {
    const LINES: usize = 20;
    let Ok(args) = &call.args else { return };
    let marked = |name: &str, mark: char| -> Vec<String> {
        let text = plain(args[name].as_str().unwrap_or_default());
        text.lines().map(|line| format!("{mark}{line}")).collect()
    };
    let lines = [
        marked("old_string", '-'),
        marked("new_string", '+'),
        marked("content", '+'),
    ]
    .concat();
    for line in lines.iter().take(LINES) {
        let colour = if line.starts_with('-') {
            style(line).red()
        } else {
            style(line).green()
        };
        println!("  {colour}");
    }
    if lines.len() > LINES {
        println!("  … {} more lines", lines.len() - LINES);
    }
}

/// What "always" stands for: a command means just that command line, everything else the tool.
fn rule(call: &ToolCall) -> (String, &'static str) {
    match call.name.as_str() {
        "bash" => (format!("bash {}", subject(call)), "this very command"),
        name => (name.to_string(), "this tool"),
    }
}
