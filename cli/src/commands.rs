//! What is typed with a slash in front: about the conversation, and about the session that is kept of it.

use std::path::Path;
use std::process::ExitCode;

use console::style;
use corecoder::files::shown;
use corecoder::session::{Fact, Loaded};
use corecoder_sessions::change::State;
use corecoder_sessions::ledger::Ledger;
use corecoder_sessions::list::{self, Info};
use corecoder_sessions::restore::Restored;
use corecoder_sessions::session::Session;

use crate::keep;
use crate::repl::{Ended, Repl, until_interrupted};
use crate::screen::{plain, visible};
use crate::sessions;

const HELP: &str = concat!(
    "  /help            this text\n",
    "  /model [NAME]    show or change the model\n",
    "  /tokens          what this session has used\n",
    "  /compact [WHAT]  make room in the conversation, keeping WHAT in mind\n",
    "  /diff            what this session changed\n",
    "  /undo, /redo     put the last turn's files back, and again\n",
    "  /rewind [N]      go back to your N-th message\n",
    "  /save [NAME]     name this session (it is kept anyway)\n",
    "  /sessions        those kept; corecoder -r ID goes on with one\n",
    "  /reset           begin a new session\n",
    "  quit             leave (Ctrl+D too)\n",
    "\n",
    "  Esc, then Enter: a new line\n",
    "  Ctrl+C: stop what the agent does",
);

/// `/etc/passwd` at the beginning of a question is none.
pub fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    word.strip_prefix('/')
        .is_some_and(|name| name.chars().all(char::is_alphabetic))
}

impl Repl {
    /// Does what the line says. `Some` means that the program is to end.
    pub async fn command(&mut self, line: &str) -> Option<ExitCode> {
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match (name, rest.trim()) {
            ("/help", _) => say!("{HELP}"),
            ("/model", "") => say!("{}", self.config.model),
            ("/model", model) => self.change_model(model),
            ("/tokens", _) => self.tokens(),
            ("/compact", focus) => return self.compact(focus).await,
            ("/reset", _) => self.reset(),
            ("/sessions", _) => self.list_sessions(),
            ("/save" | "/diff" | "/undo" | "/redo" | "/rewind", rest) => {
                self.of_session(name, rest)
            }
            _ => say!("there is no command {name}; /help lists them"),
        }
        None
    }

    async fn compact(&mut self, focus: &str) -> Option<ExitCode> {
        let (signals, session) = (&mut self.signals, self.kept.session.clone());
        let work = self.agent.compact(focus);
        let ended = until_interrupted(work, signals, std::future::pending(), session).await;
        self.screen.clear();
        match ended {
            Ended::Done(Ok(true)) => {}
            Ended::Done(Ok(false)) => say!("there is nothing to shorten yet"),
            Ended::Done(Err(why)) => {
                let words = "the model gave no summary, so the conversation stays as it is";
                say!("{}", style(format!("{words}: {}", plain(&why))).yellow());
            }
            other => return self.interrupted(other),
        }
        None
    }

    fn reset(&mut self) {
        match self.config.llm() {
            Ok(llm) => {
                self.kept = keep::begin(&self.config);
                self.agent = keep::agent(llm, &self.config, &mut self.kept, self.screen.clone());
                say!("a new session; the one before is kept");
            }
            Err(error) => say!("{}", error.message),
        }
    }

    fn list_sessions(&self) {
        let Some(sessions) = keep::sessions(&self.config) else {
            return say!("no session is kept");
        };
        let here = |info: &Info| info.folder == self.config.folder;
        let infos = sessions.list();
        let own: Vec<&Info> = infos.iter().filter(|info| here(info)).collect();
        own.iter()
            .take(20)
            .for_each(|info| say!("{}", sessions::line(info, Some(&self.config.folder))));
        let others = infos.len() - own.len().min(20);
        if others > 0 {
            say!(
                "{}",
                style(format!("{others} more: corecoder sessions")).dim()
            );
        }
    }

    /// What only a kept session can do.
    fn of_session(&mut self, name: &str, rest: &str) {
        let Some(session) = self.kept.session.clone() else {
            return say!("this session is not kept, so {name} can't work");
        };
        if name == "/save" && !rest.is_empty() {
            session.record("", list::name(rest));
            return say!("kept as {}, named {rest:?}", session.id());
        }
        if !session.path().exists() {
            return say!("nothing has happened in this session yet");
        }
        let (ledger, root) = (Ledger::of(&session), &self.config.folder);
        match name {
            "/save" => return say!("kept as {}", session.id()),
            "/diff" => self.screen.patch(&ledger.diff(&session, root)),
            "/undo" => tell_restored(ledger.undo(&session), root),
            "/redo" => tell_restored(ledger.redo(&session), root),
            _ => self.rewind(rest, &ledger, &session),
        }
        if ledger.blind {
            say!("{}", style(BLIND).yellow());
        }
    }

    /// Back to before a message of the user: `N`, `N files` or `N conversation`.
    fn rewind(&mut self, rest: &str, ledger: &Ledger, session: &Session) {
        let (number, what) = rest.split_once(' ').unwrap_or((rest, "both"));
        let place = number.parse::<usize>().ok();
        let turn = place.and_then(|number| ledger.said.get(number.checked_sub(1)?));
        let turn = turn.filter(|_| ["both", "files", "conversation"].contains(&what.trim()));
        let Some(turn) = turn else {
            for (number, turn) in ledger.said.iter().enumerate() {
                say!("{:>3}  {}", number + 1, first_line(&turn.text));
            }
            return say!(
                "/rewind N goes back to before message N; /rewind N files, or N conversation, only that"
            );
        };
        if what.trim() != "conversation" {
            let restored = ledger.undo_from(turn.line, session);
            tell_restored(restored, &self.config.folder);
        }
        if what.trim() != "files" {
            session.record("", Fact::Rewind(turn.line));
            let journal = std::fs::read(session.path()).unwrap_or_default();
            self.agent.resume(Loaded::read(&journal).entries);
            let words = "the conversation is back to before";
            say!("{words}: {}", first_line(&turn.text));
        }
    }

    fn change_model(&mut self, model: &str) {
        let old = std::mem::replace(&mut self.config.model, model.to_string());
        match self.config.llm() {
            Ok(llm) => {
                self.agent.set_model(llm);
                if let Some(session) = self
                    .kept
                    .session
                    .as_ref()
                    .filter(|session| session.path().exists())
                {
                    session.record("", Fact::Model(model.to_string()));
                }
                say!("{old} → {model}");
            }
            Err(error) => {
                self.config.model = old;
                say!("{}", error.message);
            }
        }
    }

    fn tokens(&mut self) {
        let spent = self.agent.kit().spent();
        let (size, window) = self.agent.size();
        say!(
            "{} in ({} of them cached), {} out; the next request: about {size} of {window}",
            spent.prompt,
            spent.cached,
            spent.completion
        );
    }
}

const BLIND: &str =
    "only 5,000 files and 20 MB of this folder are watched: commands may have changed more";

fn first_line(text: &str) -> String {
    let line = plain(text.trim().lines().next().unwrap_or_default());
    let width = console::Term::stdout().size().1 as usize;
    console::truncate_str(&visible(&line), width.saturating_sub(6), "…").into_owned()
}

/// Says what came of putting files back.
fn tell_restored(restored: Option<Restored>, root: &Path) {
    let Some(restored) = restored else {
        return say!("no change of a file was seen that could be put back");
    };
    for change in &restored.done {
        let what = match (&change.before, &change.after) {
            (_, State::Absent) => "deleted",
            (State::Absent, _) => "there again",
            _ => "put back",
        };
        let path = change.path.strip_prefix(root).unwrap_or(&change.path);
        say!("{} {what}", shown(path));
    }
    for problem in &restored.problems {
        say!("{}", style(plain(problem)).yellow());
    }
}
