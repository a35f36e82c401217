//! Who may do what: reads never ask, writes are asked about once, always, or not at all.

use std::collections::HashSet;
use std::sync::Mutex;

use console::style;
use corecoder::{Approval, ToolCall};
use rustix::termios::{QueueSelector, tcflush};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;
use tokio::sync::Notify;

use crate::screen::{subject, visible};

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
            format!("[{}] ", visible(who))
        };
        let change = Change::of(call);
        say!(
            "{} {who}{}{}",
            style("?").yellow().bold(),
            call.name,
            change.title
        );
        change.show(SHOWN);
        let choices =
            format!("  [y]es once, [a]lways ({rule_words}), [n]o, [v]iew all, or say why not: ");
        loop {
            match ask(choices.clone()).await {
                Ok(answer) if matches!(answer.trim(), "v" | "view") => change.show(usize::MAX),
                Ok(answer) => return self.understood(answer.trim(), rule),
                Err(ReadlineError::Interrupted) => {
                    self.interrupted.notify_one();
                    return Approval::No("the user interrupted".to_string());
                }
                Err(_) => return Approval::No("the user did not answer".to_string()),
            }
        }
    }

    fn understood(&self, answer: &str, rule: String) -> Approval {
        match answer.to_lowercase().as_str() {
            "y" | "yes" | "ok" | "once" => Approval::Yes,
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

/// One line from the person. What was typed before the question was asked is no answer to it.
async fn ask(choices: String) -> Result<String, ReadlineError> {
    // Without a terminal there is nothing to forget.
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    let reading = tokio::task::spawn_blocking(move || DefaultEditor::new()?.readline(&choices));
    reading.await.unwrap_or(Err(ReadlineError::Eof))
}

/// Lines of each kind that are shown unasked.
const SHOWN: usize = 12;

/// What a call would do, written out so that what is approved is what was seen.
struct Change {
    title: String,
    /// Text that comes, text that goes, or a command, each with its mark.
    blocks: Vec<(char, Vec<String>)>,
}

impl Change {
    fn of(call: &ToolCall) -> Change {
        let Ok(args) = &call.args else {
            return Change {
                title: String::new(),
                blocks: Vec::new(),
            };
        };
        let block = |mark: char, name: &str| {
            let text = args[name].as_str()?;
            Some((mark, text.lines().map(visible).collect::<Vec<String>>()))
        };
        let subject = visible(&subject(call));
        let command = block(' ', "command").filter(|(_, lines)| lines.len() > 1);
        let title = match &command {
            Some((_, lines)) => format!(" ({} lines)", lines.len()),
            None if args["replace_all"] == true => format!(" {subject} (every occurrence)"),
            None if args["content"].is_string() => format!(" {subject} (the whole file)"),
            None => format!(" {subject}"),
        };
        let blocks = [
            command,
            block('-', "old_string"),
            block('+', "new_string"),
            block('+', "content"),
        ];
        Change {
            title,
            blocks: blocks.into_iter().flatten().collect(),
        }
    }

    /// Shows at most `most` lines of each block.
    fn show(&self, most: usize) {
        for (mark, lines) in &self.blocks {
            for line in lines.iter().take(most) {
                let line = format!("{mark}{line}");
                let line = match mark {
                    '-' => style(line).red(),
                    '+' => style(line).green(),
                    _ => style(line),
                };
                say!("  {line}");
            }
            if lines.len() > most {
                say!("  {mark}… {} more lines", lines.len() - most);
            }
        }
    }
}

/// What "always" stands for: a command means just that command line, everything else the tool.
fn rule(call: &ToolCall) -> (String, &'static str) {
    match call.name.as_str() {
        "bash" => (format!("bash {}", subject(call)), "this very command"),
        name => (name.to_string(), "this tool"),
    }
}
