//! The prompt: a line editor with history, completion, and the status line below what is typed.

use std::borrow::Cow;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use console::style;
use parking_lot::Mutex;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::{Hint, Hinter};
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Behavior, Cmd, CompletionType, ConditionalEventHandler, Context, Event, EventContext,
    EventHandler, Helper, KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};

use crate::complete::Completions;

/// The line editor; a clone is the same.
#[derive(Clone)]
pub struct Editor(Arc<Mutex<Inner>>);

struct Inner {
    editor: rustyline::Editor<Prompt, FileHistory>,
    history: Option<PathBuf>,
}

const PROMPT: &str = "> ";

/// What the prompt shows and knows.
struct Prompt {
    completions: Completions,
    /// The line below, for the width of the window.
    status: Arc<dyn Fn() -> String + Send + Sync>,
    /// Nothing can be drawn below.
    dumb: bool,
}

impl Editor {
    /// `status` gives the line below what is typed, `next_mode` is called when Shift+Tab is pressed.
    pub fn new(
        history: Option<PathBuf>,
        completions: Completions,
        status: Arc<dyn Fn() -> String + Send + Sync>,
        next_mode: impl Fn() + Send + Sync + 'static,
    ) -> anyhow::Result<Editor> {
        let settings = rustyline::Config::builder()
            .max_history_size(1_000)?
            .completion_type(CompletionType::List)
            .behavior(behavior())
            .build();
        let mut editor = rustyline::Editor::with_config(settings)?;
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        editor.set_helper(Some(Prompt {
            completions,
            status,
            dumb,
        }));
        editor.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
        let shift_tab = KeyEvent(KeyCode::BackTab, Modifiers::NONE);
        let handler = EventHandler::Conditional(Box::new(OnKey(Box::new(next_mode))));
        editor.bind_sequence(shift_tab, handler);
        let handler = EventHandler::Conditional(Box::new(OnCtrlC));
        editor.bind_sequence(KeyEvent::ctrl('C'), handler);
        if let Some(history) = &history {
            // There is none at the first start.
            let _ = editor.load_history(history);
        }
        Ok(Editor(Arc::new(Mutex::new(Inner { editor, history }))))
    }

    /// One line from the person, who finds `begun` there already. Blocks.
    pub fn read(&self, begun: &str) -> Result<String, ReadlineError> {
        let mut inner = self.0.lock();
        let Inner { editor, history } = &mut *inner;
        let line = editor.readline_with_initial(PROMPT, (begun, ""))?;
        if !line.trim().is_empty() && editor.add_history_entry(&line)? {
            // A history that can't be written is no reason to stop.
            let _ = history
                .as_ref()
                .map(|history| editor.append_history(history));
        }
        Ok(line.replace("\\\n", "\n"))
    }
}

/// Where lines are edited: at the terminal itself where the output goes elsewhere.
pub fn behavior() -> Behavior {
    match std::io::stdout().is_terminal() {
        true => Behavior::Stdio,
        false => Behavior::PreferTerm,
    }
}

struct OnKey(Box<dyn Fn() + Send + Sync>);

impl ConditionalEventHandler for OnKey {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext) -> Option<Cmd> {
        (self.0)();
        Some(Cmd::Repaint)
    }
}

/// Ctrl+C takes away what is typed; only an empty line is left by it.
struct OnCtrlC;

impl ConditionalEventHandler for OnCtrlC {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        (!context.line().is_empty()).then_some(Cmd::Kill(Movement::WholeBuffer))
    }
}

/// The status line. It is no proposal, so nothing completes it.
struct Below(String);

impl Hint for Below {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Prompt {
    type Hint = Below;

    fn hint(&self, line: &str, _pos: usize, _context: &Context<'_>) -> Option<Below> {
        let columns = usize::from(console::Term::stdout().size().1).max(10);
        let status = console::truncate_str(&(self.status)(), columns - 1, "…").into_owned();
        // A terminal goes on in the next row only when something follows; the line editor takes it for being there already,
        // and would take away one row too many.
        let begin = if fills_row(line, columns) {
            " \n"
        } else {
            "\n"
        };
        // A list of completions is drawn where the status would stand.
        let is_completed = line.starts_with(['/', '!'])
            || line.split_whitespace().any(|word| word.starts_with('@'));
        (!self.dumb && !is_completed).then(|| Below(format!("{begin}{status}")))
    }
}

/// Whether a line behind the prompt ends exactly at the edge of the window.
fn fills_row(line: &str, columns: usize) -> bool {
    let mut column = PROMPT.len();
    for c in line.chars() {
        let width = console::measure_text_width(c.encode_utf8(&mut [0; 4]));
        column = match c {
            '\n' => 0,
            _ if column + width > columns => width,
            _ => column + width,
        };
    }
    column == columns
}

impl Highlighter for Prompt {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(style(hint).dim().to_string())
    }
}

impl Completer for Prompt {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        pos: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.completions.at(line, pos))
    }
}

/// A backslash at the end of a line goes on with the next, as in a shell.
impl Validator for Prompt {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(match context.input().ends_with('\\') {
            true => ValidationResult::Incomplete,
            false => ValidationResult::Valid(None),
        })
    }
}

impl Helper for Prompt {}
