//! Questions to the person at the terminal: may this be done, and is this the plan?

use std::path::{Path, PathBuf};

use console::style;
use corecoder::ToolCall;
use corecoder::files::shown;
use corecoder_guard::permissions::{Mode, Rule};
use corecoder_markdown::Look;
use rustix::termios::{QueueSelector, tcflush};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::editor::behavior;
use crate::plan::Approved;
use crate::words::{plain, subject, visible};

/// Prints a line where the person looks: what they decide about must not go to a file unseen.
macro_rules! say {
    ($($words:tt)*) => {{
        use std::io::{IsTerminal as _, Write as _};
        let _ = match std::io::stdout().is_terminal() {
            true => writeln!(std::io::stdout(), $($words)*),
            false => writeln!(std::io::stderr(), $($words)*),
        };
    }};
}

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
    let who = match who {
        "" => String::new(),
        who => format!("[{}] ", visible(who)),
    };
    let change = Change::of(call);
    say!(
        "{} {who}{}{}",
        style("?").yellow().bold(),
        visible(&call.name),
        change.title
    );
    if let Some(reason) = reason {
        say!(
            "  {}",
            style(format!("a hook asks: {}", plain(reason))).yellow()
        );
    }
    change.show(SHOWN, look);
    let rules: Vec<String> = always
        .iter()
        .map(|rule| visible(&rule.to_string()))
        .collect();
    let offer = match rules.is_empty() {
        true => String::new(),
        false => format!("[a]lways ({}), ", rules.join(", ")),
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
                say!("  this can't be remembered as a rule; answer y or n")
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

/// Asks whether what a folder brings is to count. `None` if nobody answers. Blocks.
pub fn trust(root: &Path, brought: &[PathBuf]) -> Option<bool> {
    say!(
        "{} {} brings files that can run commands here:",
        style("?").yellow().bold(),
        shown(root)
    );
    for path in brought.iter().take(SHOWN) {
        say!("    {}", shown(path.strip_prefix(root).unwrap_or(path)));
    }
    if brought.len() > SHOWN {
        say!("    … {} more", brought.len() - SHOWN);
    }
    loop {
        let answer = editor()
            .ok()?
            .readline("  Do you trust this folder? [y]es, [n]o: ")
            .ok()?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => {}
        }
    }
}

/// Asks what is to become of a plan that stands on the screen.
pub async fn plan(plan: String) -> Result<Approved, Answer> {
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
        say!(
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
            say!("{}", visible_lines(&text));
            Ok(Some(text))
        }
        Ok(Err(error)) => {
            say!("  the plan stays as it is: {error}");
            Ok(None)
        }
        Err(_) => Ok(None),
    }
}

fn visible_lines(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// One line from the person. What was typed before the question was asked is no answer to it.
async fn line(choices: String, begun: String) -> Result<String, Answer> {
    // Without a terminal there is nothing to forget.
    let _ = tcflush(std::io::stdin(), QueueSelector::IFlush);
    let reading = tokio::task::spawn_blocking(move || {
        let mut editor = editor()?;
        let newline = rustyline::KeyEvent(rustyline::KeyCode::Enter, rustyline::Modifiers::ALT);
        editor.bind_sequence(newline, rustyline::Cmd::Newline);
        editor.readline_with_initial(&choices, (&begun, ""))
    });
    match reading.await.unwrap_or(Err(ReadlineError::Eof)) {
        Ok(line) => Ok(line),
        Err(ReadlineError::Interrupted) => Err(Answer::Interrupted),
        Err(_) => Err(Answer::No("the user did not answer".to_string())),
    }
}

fn editor() -> rustyline::Result<DefaultEditor> {
    let settings = rustyline::Config::builder().behavior(behavior());
    DefaultEditor::with_config(settings.build())
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
        let (title, blocks) = match (call.name.as_str(), command) {
            ("bash", Some((mark, lines))) => (
                format!(" ({} lines)", lines.len()),
                vec![Some((mark, lines))],
            ),
            ("edit_file", _) => {
                let every = if args["replace_all"] == true {
                    " (every occurrence)"
                } else {
                    ""
                };
                let blocks = vec![block('-', "old_string"), block('+', "new_string")];
                (format!(" {subject}{every}"), blocks)
            }
            ("write_file", _) => (
                format!(" {subject} (the whole file)"),
                vec![block('+', "content")],
            ),
            _ => (format!(" {subject}"), Vec::new()),
        };
        Change {
            title,
            blocks: blocks.into_iter().flatten().collect(),
        }
    }

    /// Shows at most `most` lines of each block. An edit is shown as a diff, so that the words that differ stand out.
    fn show(&self, most: usize, look: Look) {
        if let [('-', old), ('+', new)] = &self.blocks[..]
            && old.len().max(new.len()) <= most
        {
            let marked = |mark: char, lines: &[String]| {
                lines
                    .iter()
                    .map(|line| format!("{mark}{line}\n"))
                    .collect::<String>()
            };
            let patch = format!("{}{}", marked('-', old), marked('+', new));
            let width = look.width.saturating_sub(2);
            let lines = corecoder_markdown::diff(&patch, Look { width, ..look });
            return lines.iter().for_each(|line| say!("  {line}"));
        }
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
