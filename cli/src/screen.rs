//! The run as a person sees it: the answer as it streams, one line per call, edits as diffs, and below it all what goes on.
//!
//! Everything that a model or a tool wrote passes [`plain`], or the Markdown reader, before it reaches the terminal, so
//! that no escape sequence in it can move the cursor or name the window.

use std::io::Write;
use std::time::Duration;
use std::time::Instant;

use console::style;
use corecoder::context::Compaction;
use corecoder::{Event, Host, Reply, ToolCall};
use corecoder_markdown::{Look, Markdown};
use parking_lot::{Mutex, MutexGuard};

use crate::held::Held;
use crate::live::{Live, Out, Shown};
use crate::outcome;
use crate::plan;
use crate::status::Status;
use crate::typing::{Key, Message, Typed};
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
    state: Mutex<State>,
}

struct State {
    live: Live,
    shown: Shown,
    /// The keys of what is shown as running, in the same order.
    running: Vec<String>,
    markdown: Markdown,
    /// Thoughts, dimmed.
    thoughts: Markdown,
    held: Held,
    typed: Typed,
    /// What was spent and the like; and how its line ends.
    status: Status,
    /// A question stands on the screen: nothing else is drawn until it is answered.
    asking: bool,
    later: Vec<String>,
    /// The answer is streamed as it is, for there is no terminal; the last piece did not end its line.
    mid_line: bool,
}

impl Screen {
    pub fn new(show: Show) -> Screen {
        let live = Live::new(if show.answer {
            Out::Stdout
        } else {
            Out::Stderr
        });
        let look = look(&live);
        let state = State {
            live,
            shown: Shown::default(),
            running: Vec::new(),
            markdown: Markdown::new(look),
            thoughts: Markdown::new(Look {
                colour: false,
                ..look
            }),
            held: Held::default(),
            typed: Typed::default(),
            status: Status::default(),
            asking: false,
            later: Vec::new(),
            mid_line: false,
        };
        Screen {
            show,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// How text is to be drawn here.
    pub fn look(&self) -> Look {
        look(&self.state().live)
    }

    /// Takes away what is only shown while something goes on, and prints what was held back.
    pub fn clear(&self) {
        let mut state = self.state();
        state.finish_text();
        state.shown.running.clear();
        state.running.clear();
        state.end_line();
        state.live.clear();
    }

    /// Work is over: nothing stands below any more.
    pub fn end(&self) {
        self.clear();
        self.state().shown = Shown::default();
    }

    /// Prints a line.
    pub fn line(&self, text: &str) {
        self.lines(text.split('\n').map(str::to_string).collect());
    }

    /// Prints lines above what goes on.
    pub fn lines(&self, lines: Vec<String>) {
        self.state().print(lines);
    }

    /// Draws what goes on anew: time passes, or a status changed.
    pub fn refresh(&self) {
        self.state().refresh(true);
    }

    /// Changes the status line.
    pub fn status(&self, change: impl FnOnce(&mut Status)) {
        change(&mut self.state().status);
    }

    /// The status as it is.
    pub fn status_now(&self) -> Status {
        self.state().status.clone()
    }

    /// Shows this below everything while work goes on; `typing` says whether a person can type.
    pub fn begin(&self, status: String, typing: bool) {
        let mut state = self.state();
        state.shown.status = status;
        state.shown.typed = typing.then(String::new);
        state.show_typed();
    }

    /// Leaves a line that an editor was reading and can't put away any more: pastes are no longer marked, and what stood
    /// below goes.
    pub fn leave_line(&self) {
        if self.state().live.is_there() {
            let mut out = std::io::stdout().lock();
            let _ = out
                .write_all(b"\x1b[?2004l\r\n\x1b[J")
                .and_then(|()| out.flush());
        }
    }

    /// Whether work goes on in which a person can type.
    pub fn is_at_work(&self) -> bool {
        self.state().shown.typed.is_some()
    }

    /// The line below everything changed.
    pub fn status_line(&self, line: String) {
        let mut state = self.state();
        state.shown.status = line;
        state.refresh(true);
    }

    /// Takes a key; returns a message that was sent with it.
    pub fn key(&self, key: Key) -> Option<String> {
        let mut state = self.state();
        let sent = state.typed.take(key);
        state.show_typed();
        state.refresh(true);
        sent
    }

    /// Lets a message wait for the next round.
    pub fn queue(&self, message: Message) {
        let mut state = self.state();
        state.typed.queue.push_back(message);
        state.show_typed();
        state.refresh(true);
    }

    /// The messages that wait and `may` go now, out of the queue.
    pub fn take_queue(&self, may: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut state = self.state();
        let mut taken = Vec::new();
        // In order: what must wait holds up what was sent behind it.
        while state.typed.queue.front().is_some_and(&may) {
            taken.extend(state.typed.queue.pop_front());
        }
        state.show_typed();
        taken
    }

    /// The message that waits longest, out of the queue.
    pub fn take_first(&self) -> Option<Message> {
        self.state().typed.queue.pop_front()
    }

    /// What was typed and not sent, out of the line.
    pub fn take_typed(&self) -> String {
        let mut state = self.state();
        let line = std::mem::take(&mut state.typed.line);
        state.show_typed();
        line
    }

    /// A question is asked on the screen until the returned guard falls.
    pub fn ask(&self) -> Asked<'_> {
        let mut state = self.state();
        state.finish_text();
        state.end_line();
        state.live.clear();
        state.asking = true;
        Asked(self)
    }

    /// Whether nobody else reads the keyboard.
    pub fn is_free(&self) -> bool {
        !self.state().asking
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
        self.state().runs(who, what, line);
    }

    fn stops(&self, who: &str, what: &str) {
        self.state().stops(who, what);
    }

    fn text(&self, piece: &str) {
        let mut state = self.state();
        state.stops("", "thinking");
        state.end_thoughts(self.show.details);
        let piece = state.held.sure(piece);
        state.answer(&piece);
    }

    /// Thoughts are shown as they come, and stay only where details are wanted.
    fn thought(&self, piece: &str) {
        let mut state = self.state();
        let lines = state.thoughts.push(piece);
        if self.show.details {
            state.print(dimmed(&lines));
        }
        let tail = state.thoughts.tail();
        state.shown.tail = style(tail).dim().italic().to_string();
        state.refresh(false);
    }

    fn replied(&self, who: &str, reply: &Reply) {
        let mut state = self.state();
        state.stops(who, "thinking");
        if !who.is_empty() {
            return;
        }
        if let Some(usage) = reply.usage {
            state.status.used = usage.prompt + usage.completion;
        }
        state.end_thoughts(self.show.details);
        let held = state.held.rest();
        if self.show.answer && reply.text.ends_with(held.trim_end()) && !held.is_empty() {
            state.answer(&held);
        }
        state.finish_text();
        drop(state);
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
        self.state().status.used = *after;
        let words = format!(
            "{label}made room: {before} → {after} tokens, {}",
            plain(what)
        );
        self.line(&style(words).dim().to_string());
    }
}

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
            Event::Waiting => {
                self.runs(who, "waiting", "waiting for a background agent".to_string())
            }
            Event::Retry { error, wait } => {
                self.state().void_text();
                let words = shortened(&plain(&error.message), 160);
                let seconds = wait.as_secs_f64();
                self.warn(&format!("! {label}{words}; trying again in {seconds:.1} s"));
            }
            Event::Replied(reply) => self.replied(who, reply),
            // What a sub-agent does is shown by itself.
            Event::Started { call, .. } if call.name == "agent" => {}
            Event::Started { call, .. } => {
                // What was said before the call stands above it.
                if own {
                    self.state().finish_text();
                }
                let what = format!("{label}{} {}", visible(&call.name), topic(call));
                self.runs(who, &call.id, what);
            }
            Event::Finished { call, result, took } => {
                self.stops(who, &call.id);
                self.finished(who, &label, call, result, *took);
            }
            Event::Note(text) if !is_standing(text) => {
                let text = text.replacen("[a hook adds]\n", "a hook adds: ", 1);
                self.line(&style(shortened(&plain(&text), 200)).dim().to_string());
            }
            Event::Compacting => {
                self.runs(
                    who,
                    "thinking",
                    format!("{label}making room in the conversation"),
                );
            }
            Event::Compacted(compaction) => self.compacted(&label, compaction),
            Event::Ended(_) => self.state().gone(who),
            _ => {}
        }
    }
}

/// A question that stands on the screen.
pub struct Asked<'a>(&'a Screen);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.asking = false;
        let later = std::mem::take(&mut state.later);
        state.print(later);
    }
}

impl State {
    fn print(&mut self, lines: Vec<String>) {
        if self.asking {
            return self.later.extend(lines);
        }
        self.end_line();
        let shown = self.area();
        self.live.print(&lines, shown.as_ref());
    }

    /// What stands below, if anything goes on.
    fn area(&self) -> Option<Shown> {
        let goes_on = !self.shown.running.is_empty() || !self.shown.tail.is_empty();
        (goes_on || self.shown.typed.is_some()).then(|| self.shown.clone())
    }

    fn refresh(&mut self, now: bool) {
        if let Some(shown) = self.area().filter(|_| !self.asking) {
            self.live.refresh(&shown, now);
        }
    }

    fn show_typed(&mut self) {
        if self.shown.typed.is_some() {
            self.shown.typed = Some(self.typed.line.clone());
            self.shown.queued = self
                .typed
                .queue
                .iter()
                .map(|queued| queued.text.clone())
                .collect();
        }
    }

    /// A line of the area: one for each agent that thinks, and one for each call of our own.
    fn runs(&mut self, who: &str, what: &str, line: String) {
        let key = key(who, what);
        match self.running.iter().position(|other| *other == key) {
            Some(at) => self.shown.running[at].0 = line,
            None => {
                self.running.push(key);
                self.shown.running.push((line, Instant::now()));
            }
        }
        self.refresh(false);
    }

    fn stops(&mut self, who: &str, what: &str) {
        // A sub-agent's line stays until it ends; what it does next takes the place.
        if who.is_empty() {
            self.gone_key(&key(who, what));
        }
    }

    fn gone(&mut self, who: &str) {
        self.gone_key(&key(who, ""));
        if who.is_empty() {
            self.gone_key(&key("", "waiting"));
        }
    }

    fn gone_key(&mut self, key: &str) {
        if let Some(at) = self.running.iter().position(|other| other == key) {
            self.running.remove(at);
            self.shown.running.remove(at);
        }
    }

    /// A piece of the answer.
    fn answer(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        if !self.live.is_there() {
            return self.stream(&plain(piece));
        }
        self.markdown.look(look(&self.live));
        let lines = self.markdown.push(piece);
        self.shown.tail = self.markdown.tail();
        match lines.is_empty() {
            true => self.refresh(false),
            false => self.print(lines),
        }
    }

    /// Without a terminal the words go out as they are.
    fn stream(&mut self, piece: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(piece.as_bytes()).and_then(|()| out.flush());
        self.mid_line = !piece.ends_with('\n');
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.mid_line) {
            self.stream("\n");
        }
    }

    fn finish_text(&mut self) {
        let lines = self.markdown.finish();
        self.shown.tail.clear();
        if !lines.is_empty() {
            self.print(lines);
        }
    }

    /// The thoughts are over; the end of them, which is no whole line, is printed or goes.
    fn end_thoughts(&mut self, print: bool) {
        let lines = self.thoughts.finish();
        self.shown.tail.clear();
        if print && !lines.is_empty() {
            self.print(dimmed(&lines));
        }
    }

    /// What was streamed is void, and comes again.
    fn void_text(&mut self) {
        self.held = Held::default();
        self.end_thoughts(false);
        self.finish_text();
    }
}

fn dimmed(lines: &[String]) -> Vec<String> {
    let dimmed = lines.iter().map(|line| style(line).dim().to_string());
    dimmed.collect()
}

fn key(who: &str, what: &str) -> String {
    match who {
        "" => format!("\0{what}"),
        who => who.to_string(),
    }
}

fn look(live: &Live) -> Look {
    Look {
        width: live.width(),
        colour: console::colors_enabled() && live.is_there(),
        unicode: true,
    }
}

/// Texts that stand at the tail are shown where they are made.
fn is_standing(text: &str) -> bool {
    ["[to-do list]", "[plan mode ", "[the user attached "]
        .iter()
        .any(|title| text.starts_with(title))
}
