//! What is typed about the session that is kept: its name, what it changed, and the way back.

use std::path::Path;

use console::style;
use corecoder::files::shown;
use corecoder::session::{Fact, Loaded};
use corecoder_sessions::change::State;
use corecoder_sessions::ledger::Ledger;
use corecoder_sessions::list;
use corecoder_sessions::restore::Restored;
use corecoder_sessions::session::Session;

use crate::repl::Repl;
use crate::words::{plain, visible};

impl Repl {
    /// What only a kept session can do.
    pub fn of_session(&mut self, name: &str, rest: &str) {
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
        let (ledger, root) = (Ledger::of(&session), &self.start.project.places.cwd);
        match name {
            "/save" => return say!("kept as {}", session.id()),
            "/diff" => self.person.screen.patch(&ledger.diff(&session, root)),
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
            tell_restored(restored, &self.start.project.places.cwd);
        }
        if what.trim() != "files" {
            session.record("", Fact::Rewind(turn.line));
            let journal = std::fs::read(session.path()).unwrap_or_default();
            self.agent.resume(Loaded::read(&journal).entries);
            let words = "the conversation is back to before";
            say!("{words}: {}", first_line(&turn.text));
        }
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
