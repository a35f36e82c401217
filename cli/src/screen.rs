//! The run as a person sees it: the answer as it streams, one line per call, edits as diffs, and below it all what goes on.
//!
//! Everything that a model or a tool wrote passes [`plain`], or the Markdown reader, before it reaches the terminal, so
//! that no escape sequence in it can move the cursor or name the window.

use std::io::Write;
use std::time::Duration;

use console::style;
use corecoder::context::Compaction;
use corecoder::{Event, Host, ModelError, Reply, ToolCall};
use corecoder_markdown::{Look, Markdown};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;

use crate::attach::Attached;
use crate::drawn::{Drawn, dimmed};
use crate::live::{Out, Shown};
use crate::outcome;
use crate::plan;
use crate::status::Status;
use crate::typing::{Key, Message};
use crate::words::{plain, shortened, topic, visible};

/// How much is shown.
#[derive(Clone, Copy)]
pub struct Show {
    /// Stream the answer to standard output, and everything else there too; else progress goes to standard error.
    pub answer: bool,
    /// Thoughts, and what tools answer.
    pub details: bool,
}

/// What a person sees of a run.
pub struct Screen {
    show: Show,
    drawn: Mutex<Drawn>,
    /// Tells that work or a question is over. Whoever tells does not hold `drawn`, which those who hear it look at.
    over: watch::Sender<()>,
}

impl Screen {
    pub fn new(show: Show) -> Screen {
        let out = if show.answer {
            Out::Stdout
        } else {
            Out::Stderr
        };
        Screen {
            show,
            drawn: Mutex::new(Drawn::new(out)),
            over: watch::Sender::new(()),
        }
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        self.drawn.lock()
    }

    /// How text is to be drawn here.
    pub fn look(&self) -> Look {
        self.drawn().look()
    }

    /// Takes away what is only shown while something goes on, and prints what was held back.
    pub fn clear(&self) {
        let mut drawn = self.drawn();
        drawn.finish_text();
        drawn.shown.running.clear();
        drawn.running.clear();
        drawn.calls.clear();
        drawn.end_line();
        drawn.live.clear();
    }

    /// Work is stopped before its end: the calls that were under way may have done a part of theirs.
    pub fn stopped(&self) {
        let mut drawn = self.drawn();
        drawn.finish_text();
        let width = drawn.look().width.saturating_sub(14);
        let calls = std::mem::take(&mut drawn.calls).into_iter();
        let lines = calls.map(|(_, _, call)| {
            let call = console::truncate_str(&call, width, "…").into_owned();
            format!("{} {call} (stopped)", style("✗").red())
        });
        drawn.print(lines.collect());
    }

    /// Work is over: nothing stands below any more.
    pub fn end(&self) {
        self.clear();
        self.drawn().shown = Shown::default();
        self.over.send_replace(());
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        self.lines(text.split('\n').map(str::to_string).collect());
    }

    /// Prints lines above what goes on.
    pub fn lines(&self, lines: Vec<String>) {
        self.drawn().print(lines);
    }

    /// Draws what goes on anew: time passes, or a status changed.
    pub fn refresh(&self) {
        self.drawn().refresh(true);
    }

    /// Changes the status line.
    pub fn status(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.drawn().status);
    }

    /// The status as it is.
    pub fn status_now(&self) -> Status {
        self.drawn().status.clone()
    }

    /// Shows this below everything while work goes on; `typing` says whether a person can type.
    pub fn begin(&self, status: String, typing: bool) {
        let mut drawn = self.drawn();
        drawn.begun += 1;
        drawn.shown.status = status;
        drawn.shown.typed = typing.then(String::new);
        drawn.show_typed();
    }

    /// Leaves a line that an editor was reading and can't put away any more: pastes are no longer marked, and what stood
    /// below goes.
    pub fn leave_line(&self) {
        if self.drawn().live.is_there() {
            let mut out = std::io::stdout().lock();
            let _ = out
                .write_all(b"\x1b[?2004l\r\n\x1b[J")
                .and_then(|()| out.flush());
        }
    }

    /// Whether work goes on in which a person can type.
    pub fn is_at_work(&self) -> bool {
        self.drawn().shown.typed.is_some()
    }

    /// The number of the present work, or of the last.
    pub fn begun(&self) -> u64 {
        self.drawn().begun
    }

    /// Returns when the present work is over, even if the next has begun by then.
    pub async fn rested(&self) {
        let present = self.begun();
        self.until(|| !self.is_at_work() || self.begun() != present)
            .await;
    }

    /// The line below everything changed.
    pub fn status_line(&self, line: String) {
        let mut drawn = self.drawn();
        drawn.shown.status = line;
        drawn.refresh(true);
    }

    /// Takes a key; returns a message that was sent with it.
    pub fn key(&self, key: Key) -> Option<String> {
        let mut drawn = self.drawn();
        let sent = drawn.typed.take(key);
        drawn.show_typed();
        drawn.refresh(true);
        sent
    }

    /// Lets a message wait for the next round.
    pub fn queue(&self, message: Message) {
        let mut drawn = self.drawn();
        drawn.typed.queue.push_back(message);
        drawn.show_typed();
        drawn.refresh(true);
    }

    /// The hooks have heard a message that waits, and added this, and servers have given what it names. One that was taken
    /// back meanwhile is heard again.
    pub fn heard(&self, text: &str, context: Option<String>, brought: Option<Attached>) {
        let mut drawn = self.drawn();
        let mut queue = drawn.typed.queue.iter_mut();
        if let Some(message) = queue.find(|message| message.is_unheard(text)) {
            (message.context, message.brought, message.heard) = (context, brought, true);
        }
    }

    /// A message that waits is not said.
    pub fn unsay(&self, text: &str) {
        let mut drawn = self.drawn();
        drawn
            .typed
            .queue
            .retain(|message| !message.is_unheard(text));
        drawn.show_typed();
        drawn.refresh(true);
    }

    /// The messages that wait and `may` go now, out of the queue.
    pub fn take_queue(&self, may: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut drawn = self.drawn();
        let mut taken = Vec::new();
        // In order: what must wait holds up what was sent behind it.
        while drawn.typed.queue.front().is_some_and(&may) {
            taken.extend(drawn.typed.queue.pop_front());
        }
        drawn.show_typed();
        taken
    }

    /// The message that waits longest, out of the queue.
    pub fn take_first(&self) -> Option<Message> {
        self.drawn().typed.queue.pop_front()
    }

    /// What was typed and not sent, out of the line.
    pub fn take_typed(&self) -> String {
        let mut drawn = self.drawn();
        let line = std::mem::take(&mut drawn.typed.line);
        drawn.show_typed();
        line
    }

    /// A question is asked on the screen until the returned guard falls.
    pub fn ask(&self) -> Asked<'_> {
        let mut drawn = self.drawn();
        drawn.finish_text();
        drawn.end_line();
        drawn.live.clear();
        drawn.asking = true;
        Asked(self)
    }

    /// Whether nobody else reads the keyboard.
    pub fn is_free(&self) -> bool {
        !self.drawn().asking
    }

    /// Returns when nobody else reads the keyboard.
    pub async fn freed(&self) {
        self.until(|| self.is_free()).await;
    }

    async fn until(&self, is_so: impl Fn() -> bool) {
        // It fails only when the sender has gone, which is here.
        let _ = self.over.subscribe().wait_for(|()| is_so()).await;
    }

    /// A whole patch, as `git apply` reads it.
    pub fn patch(&self, patch: &str) {
        if patch.is_empty() {
            return self.line("no change of a file was seen");
        }
        self.lines(outcome::patch(patch));
    }

    /// A text in Markdown, whole.
    pub fn markdown(&self, text: &str) {
        let mut markdown = Markdown::new(self.look());
        let mut lines = markdown.push(text);
        lines.extend(markdown.finish());
        self.lines(lines);
    }

    /// Something else than a call goes on, until [`Screen::rests`].
    pub fn works(&self, what: &str) {
        self.runs("", "works", what.to_string());
    }

    pub fn rests(&self) {
        self.stops("", "works");
    }

    /// A warning.
    pub fn warn(&self, text: &str) {
        self.line(&style(text).yellow().to_string());
    }

    fn runs(&self, who: &str, what: &str, line: String) {
        self.drawn().runs(who, what, line);
    }

    fn stops(&self, who: &str, what: &str) {
        self.drawn().stops(who, what);
    }

    fn text(&self, piece: &str) {
        let mut drawn = self.drawn();
        drawn.stops("", "thinking");
        drawn.end_thoughts(self.show.details);
        let piece = drawn.held.sure(piece);
        drawn.answer(&piece);
    }

    /// Thoughts are shown as they come, and stay only where details are wanted.
    fn thought(&self, piece: &str) {
        let mut drawn = self.drawn();
        let lines = drawn.thoughts.push(piece);
        if self.show.details {
            drawn.print(dimmed(&lines));
        }
        let tail = drawn.thoughts.tail();
        drawn.shown.tail = style(tail).dim().italic().to_string();
        drawn.refresh(false);
    }

    fn retried(&self, label: &str, error: &ModelError, wait: Duration, model: Option<&str>) {
        self.drawn().void_text();
        let words = shortened(&plain(&error.message), 160);
        let next = match model {
            Some(model) => format!("{} is asked from now on", plain(model)),
            None => format!("trying again in {:.1} s", wait.as_secs_f64()),
        };
        self.warn(&format!("! {label}{words}; {next}"));
    }

    fn replied(&self, who: &str, reply: &Reply) {
        let mut drawn = self.drawn();
        drawn.stops(who, "thinking");
        if !who.is_empty() {
            return;
        }
        if let Some(usage) = reply.usage {
            drawn.status.used = usage.prompt + usage.completion;
        }
        drawn.end_thoughts(self.show.details);
        let held = drawn.held.rest();
        if self.show.answer && reply.text.ends_with(held.trim_end()) && !held.is_empty() {
            drawn.answer(&held);
        }
        drawn.finish_text();
        drop(drawn);
        if reply.finish == "length" {
            self.warn("! the reply was cut off at the token limit");
        }
    }

    fn finished(
        &self,
        who: &str,
        label: &str,
        call: &ToolCall,
        result: &Result<String, String>,
        took: Duration,
    ) {
        let telling =
            result.is_err() || matches!(call.name.as_str(), "edit_file" | "write_file" | "bash");
        // What a sub-agent reads is shown while it reads; it would bury what it was for. A plan was just shown.
        if !self.show.details
            && (!who.is_empty() && !telling || result.is_ok() && call.name == plan::NAME)
        {
            return;
        }
        self.lines(outcome::lines(
            label,
            call,
            result,
            took,
            self.show.details,
            self.look(),
        ));
    }

    fn compacted(&self, label: &str, compaction: &Compaction) {
        let Compaction {
            before,
            after,
            what,
            ..
        } = compaction;
        self.drawn().status.used = *after;
        let words = format!(
            "{label}made room: {before} → {after} tokens, {}",
            plain(what)
        );
        self.line(&style(words).dim().to_string());
    }
}

const WAITING: &str = "waiting for a background agent";
const MAKING_ROOM: &str = "making room in the conversation";

/// It shows what happens, and approves everything.
impl Host for Screen {
    fn event(&self, who: &str, event: &Event<'_>) {
        let own = who.is_empty();
        let label = match own {
            true => String::new(),
            false => format!("[{}] ", plain(who)),
        };
        match event {
            Event::Request { .. } => self.runs(who, "thinking", format!("{label}thinking")),
            Event::Text(piece) if own && self.show.answer => self.text(piece),
            Event::Reasoning(piece) if own => self.thought(piece),
            Event::Waiting => self.runs(who, "waiting", WAITING.to_string()),
            Event::Retry { error, wait, model } => self.retried(&label, error, *wait, *model),
            Event::Spent(spent) => self.drawn().status.bill.add(spent),
            Event::Replied(reply) => self.replied(who, reply),
            // What a sub-agent does is shown by itself.
            Event::Started { call, .. } if call.name == "agent" => {}
            Event::Started { call, .. } => {
                // What was said before the call stands above it.
                if own {
                    self.drawn().finish_text();
                }
                let what = format!("{label}{} {}", visible(&call.name), topic(call));
                let under_way = (who.to_string(), call.id.clone(), what.clone());
                self.drawn().calls.push(under_way);
                self.runs(who, &call.id, what);
            }
            Event::Finished { call, result, took } => {
                self.stops(who, &call.id);
                self.drawn()
                    .calls
                    .retain(|(other, id, _)| (other.as_str(), id) != (who, &call.id));
                self.finished(who, &label, call, result, *took);
            }
            Event::Note(text) if !is_standing(text) => {
                let text = text.replacen("[a hook adds]\n", "a hook adds: ", 1);
                self.line(&style(shortened(&plain(&text), 200)).dim().to_string());
            }
            Event::Compacting => self.runs(who, "thinking", format!("{label}{MAKING_ROOM}")),
            Event::Compacted(compaction) => self.compacted(&label, compaction),
            Event::Ended(_) => self.drawn().gone(who),
            _ => {}
        }
    }
}

/// A question that stands on the screen.
pub struct Asked<'a>(&'a Screen);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut drawn = self.0.drawn();
        drawn.asking = false;
        let later = std::mem::take(&mut drawn.later);
        drawn.print(later);
        drop(drawn);
        self.0.over.send_replace(());
    }
}

/// Texts that stand at the tail are shown where they are made.
fn is_standing(text: &str) -> bool {
    ["[to-do list]", "[plan mode ", "[the user attached "]
        .iter()
        .any(|title| text.starts_with(title))
}
