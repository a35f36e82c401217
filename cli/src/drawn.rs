//! What stands on the screen: the lines that were printed, the text that is not whole yet, and the area below.
//!
//! [`crate::screen`] says what happens, here it is drawn. While a question stands on the screen nothing else is: it waits.

use std::io::Write;
use std::time::Instant;

use console::style;
use corecoder_markdown::{Look, Markdown};

use crate::held::Held;
use crate::live::{Live, Out, Shown};
use crate::status::Status;
use crate::typing::Typed;
use crate::words::plain;

/// All that is on the screen.
pub struct Drawn {
    pub live: Live,
    pub shown: Shown,
    /// How many pieces of work have begun.
    pub begun: u64,
    /// The keys of what is shown as running, in the same order.
    pub running: Vec<String>,
    /// Calls that have not ended: whose, which, and how it is shown.
    pub calls: Vec<(String, String, String)>,
    pub markdown: Markdown,
    /// Thoughts, dimmed.
    pub thoughts: Markdown,
    pub held: Held,
    pub typed: Typed,
    /// What was spent and the like; and how its line ends.
    pub status: Status,
    /// A question stands on the screen: nothing else is drawn until it is answered.
    pub asking: bool,
    pub later: Vec<String>,
    /// The answer is streamed as it is, for there is no terminal; the last piece did not end its line.
    pub mid_line: bool,
}

impl Drawn {
    pub fn new(out: Out) -> Drawn {
        let live = Live::new(out);
        let look = look(&live);
        Drawn {
            live,
            shown: Shown::default(),
            begun: 0,
            running: Vec::new(),
            calls: Vec::new(),
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
        }
    }

    /// Prints lines above what goes on; later, if a question is asked.
    pub fn print(&mut self, lines: Vec<String>) {
        if self.asking {
            return self.later.extend(lines);
        }
        self.end_line();
        let shown = self.area();
        self.live.print(&lines, shown.as_ref());
    }

    /// What stands below, if anything goes on.
    pub fn area(&self) -> Option<Shown> {
        let goes_on = !self.shown.running.is_empty() || !self.shown.tail.is_empty();
        (goes_on || self.shown.typed.is_some()).then(|| self.shown.clone())
    }

    pub fn refresh(&mut self, now: bool) {
        if let Some(shown) = self.area().filter(|_| !self.asking) {
            self.live.refresh(&shown, now);
        }
    }

    pub fn show_typed(&mut self) {
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
    pub fn runs(&mut self, who: &str, what: &str, line: String) {
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

    pub fn stops(&mut self, who: &str, what: &str) {
        // A sub-agent's line stays until it ends; what it does next takes the place.
        if who.is_empty() {
            self.gone_key(&key(who, what));
        }
    }

    pub fn gone(&mut self, who: &str) {
        self.gone_key(&key(who, ""));
        if who.is_empty() {
            self.gone_key(&key("", "waiting"));
        }
    }

    pub fn gone_key(&mut self, key: &str) {
        if let Some(at) = self.running.iter().position(|other| other == key) {
            self.running.remove(at);
            self.shown.running.remove(at);
        }
    }

    /// A piece of the answer.
    pub fn answer(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        if !self.live.is_there() {
            return self.stream(&plain(piece));
        }
        self.markdown.look(self.look());
        let lines = self.markdown.push(piece);
        self.shown.tail = self.markdown.tail();
        match lines.is_empty() {
            true => self.refresh(false),
            false => self.print(lines),
        }
    }

    /// Without a terminal the words go out as they are.
    pub fn stream(&mut self, piece: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(piece.as_bytes()).and_then(|()| out.flush());
        self.mid_line = !piece.ends_with('\n');
    }

    pub fn end_line(&mut self) {
        if std::mem::take(&mut self.mid_line) {
            self.stream("\n");
        }
    }

    pub fn finish_text(&mut self) {
        let lines = self.markdown.finish();
        self.shown.tail.clear();
        if !lines.is_empty() {
            self.print(lines);
        }
    }

    /// The thoughts are over; the end of them, which is no whole line, is printed or goes.
    pub fn end_thoughts(&mut self, print: bool) {
        let lines = self.thoughts.finish();
        self.shown.tail.clear();
        if print && !lines.is_empty() {
            self.print(dimmed(&lines));
        }
    }

    /// What was streamed is void, and comes again.
    pub fn void_text(&mut self) {
        self.held = Held::default();
        self.end_thoughts(false);
        self.finish_text();
    }

    /// How text is to be drawn here.
    pub fn look(&self) -> Look {
        look(&self.live)
    }
}

pub fn dimmed(lines: &[String]) -> Vec<String> {
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
