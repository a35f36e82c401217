//! Questions to the person at the terminal: may this be done, and is this the plan?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use console::style;
use corecoder::ToolCall;
use corecoder::files::shown;
use corecoder_guard::permissions::{Mode, Rule};
use corecoder_markdown::{Look, Markdown};
use rustix::termios::{OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::{Cmd, DefaultEditor, KeyCode, KeyEvent, Modifiers};

use crate::change::{Change, SHOWN};
use crate::editor::behavior;
use crate::plan::Approved;
use crate::screen::{Screen, Show};
use crate::signals::{Interrupt, Signals};
use crate::words::{plain, visible};

/// What the person says.
pub enum Answer {
    Yes,
    Always,
    /// The reason is read by the model.
    No(String),
    /// Ctrl+C.
    Interrupted,
}

/// Asks whether a call may be made. `always` are the rules that "always" would keep; without any it is not offered.
pub async fn ask(
    who: &str,
    call: &ToolCall,
    always: &[Rule],
    reason: Option<&str>,
    look: Look,
) -> Answer {
    let change = Change::of(call);
    announce(who, call, &change, reason);
    change.show(SHOWN, look);
    let rules = always.iter().map(|rule| visible(&rule.to_string()));
    let rules = rules.collect::<Vec<_>>().join(", ");
    let offer = match rules.is_empty() {
        true => String::new(),
        false => format!("[a]lways ({rules}), "),
    };
    let choices = format!("  [y]es once, {offer}[n]o, [v]iew all, or say why not: ");
    loop {
        let line = match line(choices.clone(), String::new()).await {
            Ok(line) => line,
            Err(answer) => return answer,
        };
        match line.trim().to_lowercase().as_str() {
            "v" | "view" => change.show(usize::MAX, look),
            "a" | "always" if always.is_empty() => {
                tell!("  this can't be remembered as a rule; answer y or n")
            }
            "y" | "yes" | "ok" | "once" => return Answer::Yes,
            "a" | "always" => return Answer::Always,
            "" | "n" | "no" => {
                return Answer::No("the user said no; ask what to do instead".to_string());
            }
            _ => return Answer::No(format!("the user said: {}", line.trim())),
        }
    }
}

/// Who wants to do what.
fn announce(who: &str, call: &ToolCall, change: &Change, reason: Option<&str>) {
    let who = match who {
        "" => String::new(),
        who => format!("[{}] ", visible(who)),
    };
    let (mark, name) = (style("?").yellow().bold(), visible(&call.name));
    tell!("{mark} {who}{name}{}", change.title);
    if let Some(reason) = reason {
        let words = format!("a hook asks: {}", plain(reason));
        tell!("  {}", style(words).yellow());
    }
}

/// Asks whether a command that failed by these refusals of the sandbox may run outside of it.
pub async fn outside(who: &str, call: &ToolCall, refusals: &[String], look: Look) -> Answer {
    let change = Change::of(call);
    announce(who, call, &change, None);
    change.show(usize::MAX, look);
    for refusal in refusals {
        tell!("  {}", style(visible(refusal)).yellow());
    }
    let choices = "  Run it again, outside of the sandbox? [y]es once, [n]o, or say why not: ";
    let line = match line(choices.to_string(), String::new()).await {
        Ok(line) => line,
        Err(answer) => return answer,
    };
    match line.trim().to_lowercase().as_str() {
        "y" | "yes" | "ok" | "once" => Answer::Yes,
        "" | "n" | "no" => Answer::No("the user said no".to_string()),
        _ => Answer::No(format!("the user said: {}", line.trim())),
    }
}

/// Asks whether a limit is to be raised, from `allowed`, to `offered` or another; `show` writes such a sum. `None` leaves
/// it.
pub async fn raise(
    words: &str,
    allowed: f64,
    offered: f64,
    show: impl Fn(f64) -> String,
) -> Result<Option<f64>, Answer> {
    tell!("{} {}", style("?").yellow().bold(), plain(words));
    let choices = format!(
        "  Go on? [y]es, up to {}; another limit; [n]o: ",
        show(offered)
    );
    loop {
        let line = line(choices.clone(), String::new()).await?;
        let said = line.trim().to_lowercase();
        match said.trim_start_matches('$').parse::<f64>() {
            Ok(limit) if limit.is_finite() && limit > allowed => return Ok(Some(limit)),
            Ok(_) => tell!("  it is {} now; name a higher one", show(allowed)),
            Err(_) if ["y", "yes", "ok"].contains(&said.as_str()) => return Ok(Some(offered)),
            Err(_) if ["", "n", "no"].contains(&said.as_str()) => return Ok(None),
            Err(_) => tell!("  answer y or n, or write a number"),
        }
    }
}

/// Asks whether what a folder brings is to count. `None` if nobody says; `Err` if a signal ends the program, which leaves
/// the terminal as it was.
pub async fn trust(root: &Path, brought: &[PathBuf]) -> Result<Option<bool>, ExitCode> {
    let words = "brings files that can run commands here, or lead the conversation elsewhere:";
    tell!("{} {} {words}", style("?").yellow().bold(), shown(root));
    for path in brought.iter().take(SHOWN) {
        tell!("    {}", shown(path.strip_prefix(root).unwrap_or(path)));
    }
    if brought.len() > SHOWN {
        tell!("    … {} more", brought.len() - SHOWN);
    }
    settled("  Do you trust this folder? [y]es, [n]o: ").await
}

/// Asks whether to go on without the sandbox that can't be had here. As [`trust`].
pub async fn without_sandbox(why: &str) -> Result<Option<bool>, ExitCode> {
    tell!("{} {}", style("?").yellow().bold(), plain(why));
    settled("  Go on without it, this once? Commands then run with your rights. [y]es, [n]o: ")
        .await
}

/// A question before anything is begun, until it is answered.
async fn settled(choices: &str) -> Result<Option<bool>, ExitCode> {
    let terminal = tcgetattr(std::io::stdin()).ok();
    let Ok(mut signals) = Signals::new() else {
        return Ok(None);
    };
    loop {
        let answer = tokio::select! {
            answer = line(choices.to_string(), String::new()) => answer,
            Interrupt::Leave(code) = signals.next() => {
                if let Some(terminal) = terminal {
                    let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &terminal);
                    Screen::new(Show { answer: true, details: false }).leave_line();
                }
                return Err(code);
            }
        };
        match answer
            .as_deref()
            .map(|answer| answer.trim().to_lowercase())
            .as_deref()
        {
            Ok("y" | "yes") => return Ok(Some(true)),
            Ok("n" | "no") => return Ok(Some(false)),
            Ok(_) => {}
            Err(_) => return Ok(None),
        }
    }
}

/// Shows a plan, and asks what is to become of it.
pub async fn plan(plan: String, look: Look) -> Result<Approved, Answer> {
    let mut markdown = Markdown::new(look);
    let mut lines = markdown.push(&plan);
    lines.extend(markdown.finish());
    tell!("\n{}", lines.join("\n"));
    let choices = "  Carry it out? [y]es, [a]ccept edits, [e]dit it, [n]o, or what to change: ";
    let mut edited = None;
    loop {
        let line = line(choices.to_string(), String::new()).await?;
        let mode = match line.trim().to_lowercase().as_str() {
            "y" | "yes" | "ok" => Mode::Ask,
            "a" | "accept" => Mode::AcceptEdits,
            "e" | "edit" => {
                edited = changed(edited.unwrap_or_else(|| plan.clone())).await?;
                continue;
            }
            "" | "n" | "no" => {
                let words =
                    "the user rejects this plan; plan mode stays on. Ask what they want instead";
                return Err(Answer::No(words.to_string()));
            }
            _ => {
                let words = "the user wants the plan changed; plan mode stays on. Present it again when it is:";
                return Err(Answer::No(format!("{words} {}", line.trim())));
            }
        };
        let edited = edited.filter(|edited| *edited != plan);
        return Ok(Approved { mode, edited });
    }
}

/// The text as the person changed it, in their editor if they have one.
async fn changed(text: String) -> Result<Option<String>, Answer> {
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .find_map(|name| crate::settings::variable(name));
    let Some(editor) = editor else {
        tell!(
            "  {}",
            style("Alt+Enter begins a new line; $EDITOR would be used if it were set").dim()
        );
        return line("  ".to_string(), text).await.map(Some);
    };
    let edit = move || -> std::io::Result<String> {
        let file = tempfile::Builder::new().suffix(".md").tempfile()?;
        std::fs::write(file.path(), &text)?;
        let status = std::process::Command::new("sh")
            .args(["-c", &format!("{editor} \"$1\""), "sh"])
            .arg(file.path())
            .status()?;
        match status.success() {
            true => std::fs::read_to_string(file.path()),
            false => Err(std::io::Error::other(format!(
                "{editor} ended with {status}"
            ))),
        }
    };
    match tokio::task::spawn_blocking(edit).await {
        Ok(Ok(text)) => {
            tell!("{}", visible_lines(&text));
            Ok(Some(text))
        }
        Ok(Err(error)) => {
            tell!("  the plan stays as it is: {error}");
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}

fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// One line from the person. What was typed before the question was asked is no answer to it.
pub async fn line(choices: String, begun: String) -> Result<String, Answer> {
    // Without a terminal there is nothing to forget.
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    let reading = tokio::task::spawn_blocking(move || {
        let mut editor = editor()?;
        let newline = KeyEvent(KeyCode::Enter, Modifiers::ALT);
        editor.bind_sequence(newline, Cmd::Newline);
        // Ctrl+C right behind Escape, which would be one key with it.
        let interrupt = KeyEvent(KeyCode::Char('C'), Modifiers::CTRL_ALT);
        editor.bind_sequence(interrupt, Cmd::Interrupt);
        editor.readline_with_initial(&choices, (&begun, ""))
    });
    match reading.await.unwrap_or(Err(ReadlineError::Eof)) {
        Ok(line) => Ok(line),
        Err(ReadlineError::Interrupted) => Err(Answer::Interrupted),
        Err(_) => Err(Answer::No("the user did not answer".to_string())),
    }
}

/// As long as a key may take to come whole, in milliseconds. After that an Escape was one, and does nothing.
const WHOLE_KEY: u16 = 500;

fn editor() -> rustyline::Result<DefaultEditor> {
    let settings = rustyline::Config::builder()
        .behavior(behavior())
        .keyseq_timeout(Some(WHOLE_KEY));
    DefaultEditor::with_config(settings.build())
}
