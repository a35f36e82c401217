//! The run as a person sees it: streamed words, one line per call, edits as a coloured diff, a spinner in between.
//!
//! Everything that a model or a tool wrote passes [`plain`] before it reaches the terminal, so that no escape
//! sequence in it can move the cursor or name the window.

use std::io::Write;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use console::{Term, style};
use corecoder::context::Compaction;
use corecoder::{Approval, Effect, Event, Host, Reply, ToolCall};
use indicatif::{ProgressBar, ProgressStyle};

use crate::approval::Policy;

/// How much is shown.
#[derive(Clone, Copy)]
pub struct Show {
    /// Stream the answer to standard output, and everything else there too; else progress goes to standard error.
    pub answer: bool,
    /// Thoughts, and what tools answer.
    pub details: bool,
}

/// A host that draws.
pub struct Screen {
    show: Show,
    pub policy: Policy,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    spinner: Option<ProgressBar>,
    /// The cursor stands behind streamed text.
    mid_line: bool,
    thinking: bool,
    /// Streamed text that may turn out to be a call which the model wrote as text.
    held: String,
}

impl Screen {
    pub fn new(show: Show, policy: Policy) -> Screen {
        Screen {
            show,
            policy,
            state: Mutex::default(),
        }
    }

    /// Takes away what is only shown while something goes on.
    pub fn clear(&self) {
        let mut state = self.state();
        state.stop_spinner();
        state.end_line();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn line(&self, text: &str) {
        let mut state = self.state();
        state.stop_spinner();
        state.end_line();
        // A reader that went away is no reason to stop working.
        let _ = match self.show.answer {
            true => writeln!(std::io::stdout(), "{text}"),
            false => writeln!(std::io::stderr(), "{text}"),
        };
    }

    /// Words are shown as they come; what begins like a call is kept back until the reply is whole.
    fn hold_or_stream(&self, piece: &str) {
        let mut state = self.state();
        state.held += piece;
        let mut starts = state.held.match_indices(['`', '<', '{']).map(|(at, _)| at);
        let sure = starts.find(|at| begins_like_a_call(&state.held[*at..]));
        let sure = sure.unwrap_or(state.held.len());
        let shown: String = state.held.drain(..sure).collect();
        drop(state);
        if !shown.is_empty() {
            self.stream(&shown, false);
        }
    }

    fn replied(&self, reply: &Reply) {
        let held = std::mem::take(&mut self.state().held);
        if reply.text.ends_with(held.trim_end()) && !held.is_empty() {
            self.stream(&held, false);
        }
        if reply.finish == "length" {
            self.line(
                &style("! the reply was cut off at the token limit")
                    .yellow()
                    .to_string(),
            );
        }
    }

    fn stream(&self, piece: &str, thought: bool) {
        let mut state = self.state();
        state.stop_spinner();
        if state.thinking != thought {
            state.end_line();
        }
        state.thinking = thought;
        let piece = plain(piece);
        state.mid_line = !piece.ends_with('\n');
        let piece = if thought {
            style(piece).dim().to_string()
        } else {
            piece
        };
        let mut out: Box<dyn Write> = match self.show.answer {
            true => Box::new(std::io::stdout()),
            false => Box::new(std::io::stderr()),
        };
        let _ = write!(out, "{piece}").and_then(|()| out.flush());
    }

    fn wait(&self, what: &str) {
        if !console::user_attended_stderr() {
            return;
        }
        let mut state = self.state();
        state.end_line();
        let width = Term::stderr().size().1 as usize;
        let what =
            console::truncate_str(&visible(what), width.saturating_sub(12), "…").into_owned();
        let spinner = state.spinner.get_or_insert_with(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.set_style(
                ProgressStyle::with_template("{spinner} {msg} {elapsed}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            spinner.enable_steady_tick(Duration::from_millis(100));
            spinner
        });
        spinner.set_message(what);
    }

    fn finished(
        &self,
        who: &str,
        call: &ToolCall,
        result: &Result<String, String>,
        took: Duration,
    ) {
        let mark = if result.is_ok() {
            style("✓").green()
        } else {
            style("✗").red()
        };
        let time = match took.as_secs_f64() {
            seconds if seconds < 0.1 => String::new(),
            seconds => format!(" ({seconds:.1} s)"),
        };
        let (Ok(text) | Err(text)) = result;
        let text = plain(text);
        let outcome = if result.is_err() {
            format!(": {}", gist(&text))
        } else {
            String::new()
        };
        let what = format!("{who}{} {}{time}", call.name, visible(&subject(call)));
        let width = (Term::stdout().size().1 as usize).saturating_sub(3);
        // The outcome says more than the end of a long command.
        let room = width.saturating_sub(outcome.chars().count()).max(width / 2);
        let what = console::truncate_str(&what, room, "…").into_owned() + &outcome;
        self.line(&format!(
            "{mark} {}",
            console::truncate_str(&what, width, "…")
        ));
        if result.is_ok() && matches!(call.name.as_str(), "edit_file" | "write_file") {
            self.diff(&text);
        } else if self.show.details {
            let shown = |line: &str| self.line(&style(format!("  {line}")).dim().to_string());
            text.lines()
                .skip(usize::from(result.is_err()))
                .take(40)
                .for_each(shown);
        }
    }

    fn compacted(&self, who: &str, compaction: &Compaction) {
        let Compaction {
            before,
            after,
            what,
            ..
        } = compaction;
        let words = format!("{who}made room: {before} → {after} tokens, {}", plain(what));
        self.line(&style(words).dim().to_string());
    }

    /// A whole patch.
    pub fn patch(&self, patch: &str) {
        if patch.is_empty() {
            self.line("no change of a file was seen");
        }
        let patch = plain(patch);
        patch.lines().for_each(|line| self.line(&coloured(line)));
    }

    fn diff(&self, text: &str) {
        const LINES: usize = 40;
        let lines = text.lines().skip_while(|line| !line.starts_with("@@"));
        for line in lines.clone().take(LINES) {
            self.line(&format!("  {}", coloured(line)));
        }
        let more = lines.count().saturating_sub(LINES);
        if more > 0 {
            self.line(&format!("  … {more} more lines"));
        }
    }
}

impl State {
    fn stop_spinner(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.mid_line) {
            say!();
        }
    }
}

#[async_trait]
impl Host for Screen {
    fn event(&self, who: &str, event: &Event<'_>) {
        let own = who.is_empty();
        let who = if own {
            String::new()
        } else {
            format!("[{}] ", plain(who))
        };
        match event {
            Event::Request { .. } => self.wait(&format!("{who}thinking")),
            Event::Text(piece) if own && self.show.answer => self.hold_or_stream(piece),
            Event::Reasoning(piece) if own && self.show.details => self.stream(piece, true),
            Event::Waiting => self.wait("waiting for a background agent"),
            Event::Retry { error, wait } => {
                self.state().held.clear();
                let seconds = wait.as_secs_f64();
                let words = plain(&error.message);
                self.line(
                    &style(format!("! {who}{words}; trying again in {seconds:.1} s"))
                        .yellow()
                        .to_string(),
                );
            }
            Event::Replied(reply) if own => self.replied(reply),
            Event::Started { call, .. } => {
                self.wait(&format!("{who}{} {}", call.name, visible(&subject(call))))
            }
            Event::Finished { call, result, took } => self.finished(&who, call, result, *took),
            Event::Note(text) => self.line(&style(plain(text)).dim().to_string()),
            Event::Compacting => self.wait(&format!("{who}making room in the conversation")),
            Event::Compacted(compaction) => self.compacted(&who, compaction),
            _ => {}
        }
    }

    async fn approve(&self, who: &str, call: &ToolCall, effect: Effect) -> Approval {
        if effect != Effect::Write {
            return Approval::Yes;
        }
        self.clear();
        self.policy.judge(who, call).await
    }
}

/// Whether text so far could still become `{"name": ...` in a fence, in a tag, or bare.
fn begins_like_a_call(text: &str) -> bool {
    let openings = ["```json", "```", "<tool_call>", "<tools>"];
    if openings.iter().any(|opening| opening.starts_with(text)) {
        return true;
    }
    let inner = openings
        .iter()
        .find_map(|opening| text.strip_prefix(opening))
        .unwrap_or(text);
    let inner: String = inner
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(8)
        .collect();
    r#"{"name":"#.starts_with(&inner)
}

/// A failure in one line: what it says first, and the last of its output, where programs say what went wrong.
fn gist(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match lines
        .next_back()
        .filter(|_| first.starts_with("[exit code"))
    {
        Some(last) => format!("{first} {last}"),
        None => first.to_string(),
    }
}

/// A line of a patch.
fn coloured(line: &str) -> String {
    let line = match line.as_bytes().first() {
        Some(b'+') => style(line).green(),
        Some(b'-') => style(line).red(),
        Some(b'@') => style(line).cyan(),
        _ => style(line).dim(),
    };
    line.to_string()
}

/// What a call is about, for one line.
pub fn subject(call: &ToolCall) -> String {
    let Ok(args) = &call.args else {
        return "(unreadable arguments)".to_string();
    };
    let telling = ["command", "file_path", "pattern", "task"];
    let found = telling.iter().find_map(|name| args[*name].as_str());
    found.map_or_else(|| args.to_string(), str::to_string)
}

/// Text with everything written out that a terminal would obey or not show, for what a person decides about.
pub fn visible(text: &str) -> String {
    const INVISIBLE: [std::ops::RangeInclusive<char>; 5] = [
        '\u{ad}'..='\u{ad}',
        '\u{200b}'..='\u{200f}',
        '\u{202a}'..='\u{202e}',
        '\u{2060}'..='\u{2069}',
        '\u{feff}'..='\u{feff}',
    ];
    let hidden =
        |c: char| c.is_control() && c != '\t' || INVISIBLE.iter().any(|range| range.contains(&c));
    let shown = |c: char| {
        if hidden(c) {
            c.escape_unicode().to_string()
        } else {
            c.to_string()
        }
    };
    text.chars().map(shown).collect()
}

/// Text without anything that a terminal would obey.
pub fn plain(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}
